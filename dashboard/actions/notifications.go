package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/push"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/vapid"
)

// Notifications are what a person chose about notifications.
type Notifications struct {
	push.Person
	Key string // with which browsers subscribe
}

// OutdatedDevice says whether a device has to be renewed before it gets notifications.
func (n *Notifications) OutdatedDevice(d push.Device) bool {
	return d.Trouble == push.TroubleRenew || d.KeyID != push.KeyID(n.Key)
}

// testTime is how long a test is worth sending.
const testTime = 2 * time.Minute

func notifyKey(user snowflake.ID) string { return user.String() }

// Notifications gives what a person chose about notifications, and makes the key for push services if there is none.
func (a *Actions) Notifications(ctx context.Context, me *session.Session) (Notifications, error) {
	var out Notifications
	key, err := vapid.Load(ctx, a.o.Hub, a.o.Keys, a.now(), a.log)
	if err != nil {
		return out, err
	}
	out.Key = key.Public
	out.Person, err = a.notifyOf(ctx, me.User.ID)
	now := a.now()
	out.RemoveDevices(func(d push.Device) bool { return now.Sub(d.RenewedAt) > push.DeviceLife })
	return out, err
}

func (a *Actions) notifyOf(ctx context.Context, user snowflake.ID) (push.Person, error) {
	p, _, err := a.o.Hub.Notify.Latest(ctx, notifyKey(user))
	if errs.Has(err, errs.NotFound) {
		err = nil
	}
	return p, err
}

// ChangeNotifications changes kinds and quiet hours; what in leaves out stays. It fails with errs.Invalid, naming the
// field.
func (a *Actions) ChangeNotifications(ctx context.Context, me *session.Session, in wire.NotificationsInput) error {
	return a.editNotify(ctx, me.User.ID, func(p *push.Person) error {
		if in.Kinds != nil {
			if err := p.SetKinds(*in.Kinds); err != nil {
				return err
			}
		}
		in.Fill(&p.Quiet)
		return p.Quiet.Check()
	})
}

func (a *Actions) editNotify(ctx context.Context, user snowflake.ID, change func(*push.Person) error) error {
	_, _, err := a.o.Hub.Notify.EditOrCreate(ctx, notifyKey(user), change)
	return err
}

var errUnseenPerson = errs.E(errs.NotFound,
	"That person isn't in a room that you see. You can add people while they sit in one.")

// Trust adds somebody to those whom a person trusts. It fails with errs.NotFound unless they sit in a room that the
// person may see.
func (a *Actions) Trust(ctx context.Context, me *session.Session, user snowflake.ID) error {
	seen := a.peopleSeen(ctx, me, a.StandingOf)
	i := slices.IndexFunc(seen, func(p room.Person) bool { return p.UserID == user })
	if i < 0 {
		return errUnseenPerson
	}
	f := push.Friend{UserID: user, Name: push.CleanName(seen[i].DisplayName, 40)}
	return a.editNotify(ctx, me.User.ID, func(p *push.Person) error { return p.Trust(f) })
}

// Distrust removes somebody from those whom a person trusts.
func (a *Actions) Distrust(ctx context.Context, me *session.Session, user snowflake.ID) error {
	return a.editNotify(ctx, me.User.ID, func(p *push.Person) error {
		if !p.Trusts(user) {
			return hub.Unchanged
		}
		p.Distrust(user)
		return nil
	})
}

// PeopleSeen lists the people, without bots, in the rooms that a person sees, by name.
func (a *Actions) PeopleSeen(ctx context.Context, me *session.Session) []room.Person {
	return a.peopleSeen(ctx, me, a.lookOf)
}

func (a *Actions) peopleSeen(ctx context.Context, me *session.Session, ask asking) (list []room.Person) {
	for _, m := range a.memberships(ctx, me, ask) {
		for _, l := range a.VisibleRooms(m.Standing) {
			for _, p := range l.Roster {
				known := slices.ContainsFunc(list, func(o room.Person) bool { return o.UserID == p.UserID })
				if !p.Bot && p.UserID != me.User.ID && !known {
					list = append(list, p)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b room.Person) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)),
			cmp.Compare(a.UserID, b.UserID))
	})
	return list
}

// AddDevice has a browser get notifications, which end with the session. The same browser may be added again.
func (a *Actions) AddDevice(ctx context.Context, me *session.Session, in wire.DeviceInput) (push.Device, error) {
	sub := push.Subscription{Endpoint: in.Endpoint, P256DH: in.P256DH, Auth: in.Auth}
	if err := sub.Check(); err != nil {
		return push.Device{}, err
	}
	key, err := vapid.Load(ctx, a.o.Hub, a.o.Keys, a.now(), a.log)
	if err != nil {
		return push.Device{}, err
	}
	if in.Key != key.Public {
		return push.Device{}, errs.Field("key",
			"Snug's key has changed. Reload the page and turn notifications on again.")
	}
	plain, err := json.Marshal(sub)
	if err != nil {
		return push.Device{}, err
	}
	now := a.now().UTC()
	d := push.Device{
		ID: push.DeviceID(me.User.ID, in.Endpoint), Name: push.CleanName(in.Name, 60), Lang: "en", Session: me.Key,
		KeyID: key.ID(), AddedAt: now, RenewedAt: now,
	}
	if slices.ContainsFunc(schema.Languages(), func(l schema.SpokenLanguage) bool { return l.Code == in.Language }) {
		d.Lang = in.Language
	}
	d.Sealed = a.o.Keys.Seal(plain, d.SealContext(me.User.ID))
	var gone []string
	replaces := ""
	if in.Replaces != "" {
		replaces = push.DeviceID(me.User.ID, in.Replaces)
	}
	err = a.editNotify(ctx, me.User.ID, func(p *push.Person) error {
		had := slices.Clone(p.Devices)
		if err := p.AddDevice(d, replaces); err != nil {
			return err
		}
		gone = nil
		for _, o := range had {
			if p.Device(o.ID) == nil {
				gone = append(gone, o.ID)
			}
		}
		return nil
	})
	if err == nil {
		err = a.forgetPushes(ctx, me.User.ID, gone...)
	}
	return d, err
}

// RemoveDevice has a browser get no more notifications. It fails with errs.NotFound.
func (a *Actions) RemoveDevice(ctx context.Context, me *session.Session, id string) error {
	gone, err := a.removeDevices(ctx, me.User.ID, func(d push.Device) bool { return d.ID == id })
	if err == nil && len(gone) == 0 {
		err = errs.E(errs.NotFound, "That browser is already removed. Reload the page.")
	}
	return err
}

// SessionsEnded removes the browsers whose sessions ended: nobody reads there what is for somebody who signed out.
func (a *Actions) SessionsEnded(ctx context.Context, keys ...string) {
	ended := func(d push.Device) bool { return slices.Contains(keys, d.Session) }
	var users []string
	a.notify.Range(func(e hub.Entry[push.Person]) bool {
		if slices.ContainsFunc(e.Value.Devices, ended) {
			users = append(users, e.Key)
		}
		return true
	})
	for _, key := range users {
		user, err := snowflake.Parse(key)
		if err == nil {
			_, err = a.removeDevices(ctx, user, ended)
		}
		if err != nil {
			a.log.WarnContext(ctx, "a browser that was signed out may still get notifications", "user_id", key,
				"err", err)
		}
	}
}

func (a *Actions) removeDevices(
	ctx context.Context, user snowflake.ID, which func(push.Device) bool,
) (gone []string, err error) {
	_, _, err = a.o.Hub.Notify.Edit(ctx, notifyKey(user), func(p *push.Person) error {
		if gone = p.RemoveDevices(which); len(gone) == 0 {
			return hub.Unchanged
		}
		return nil
	})
	if errs.Has(err, errs.NotFound) {
		return nil, nil
	}
	if err == nil {
		err = a.forgetPushes(ctx, user, gone...)
	}
	return gone, err
}

// forgetPushes deletes what was on its way to browsers.
func (a *Actions) forgetPushes(ctx context.Context, user snowflake.ID, devices ...string) error {
	for _, id := range devices {
		keys, err := a.o.Hub.Pushes.Keys(ctx, user.String()+"."+id)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := a.o.Hub.Pushes.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestNotifications sends a notification to each of a person's browsers, and gives how many there are.
func (a *Actions) TestNotifications(ctx context.Context, me *session.Session) (int, error) {
	p, err := a.notifyOf(ctx, me.User.ID)
	if err != nil {
		return 0, err
	}
	if len(p.Devices) == 0 {
		return 0, errs.E(errs.Conflict, "No browser gets notifications yet. Turn them on in this one first.")
	}
	now := a.now()
	list := p.NewMessages(push.Message{
		ID: "test-" + push.NewID(), User: me.User.ID, Kind: push.Test, At: now, Until: now.Add(testTime),
	})
	for _, m := range list {
		if _, err := a.o.Hub.Pushes.Create(ctx, m.Key(), m); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// eraseNotifications erases what a person chose, and their name from what others chose.
func (a *Actions) eraseNotifications(ctx context.Context, user snowflake.ID) error {
	if _, err := a.removeDevices(ctx, user, func(push.Device) bool { return true }); err != nil {
		return err
	}
	if err := a.o.Hub.Notify.Delete(ctx, notifyKey(user)); err != nil && !errs.Has(err, errs.NotFound) {
		return err
	}
	list, err := a.o.Hub.Notify.List(ctx, "")
	for _, e := range list {
		if !e.Value.Trusts(user) {
			continue
		}
		_, _, err := a.o.Hub.Notify.Edit(ctx, e.Key, func(p *push.Person) error {
			p.Distrust(user)
			return nil
		})
		if err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
	}
	return err
}

// NotifyExport is what is stored of somebody about notifications, as they get it.
type NotifyExport struct {
	Kinds   []push.Kind   `json:"kinds"`
	Quiet   push.Quiet    `json:"quiet_hours"`
	Trusted []push.Friend `json:"trusted"`
	Devices []wire.Device `json:"browsers"`
	// TrustedBy is how many people trust them.
	TrustedBy int `json:"trusted_by"`
}

func (a *Actions) exportNotifications(ctx context.Context, user snowflake.ID) (out NotifyExport, err error) {
	list, err := a.o.Hub.Notify.List(ctx, "")
	out = NotifyExport{Kinds: []push.Kind{}, Trusted: []push.Friend{}, Devices: []wire.Device{}}
	for _, e := range list {
		if e.Value.Trusts(user) {
			out.TrustedBy++
		}
		if e.Key != notifyKey(user) {
			continue
		}
		p := e.Value
		out.Kinds, out.Quiet = append(out.Kinds, p.Kinds...), p.Quiet
		out.Trusted = append(out.Trusted, p.Trusted...)
		for _, d := range p.Devices {
			out.Devices = append(out.Devices, wire.NewDevice(d, false))
		}
	}
	return out, err
}
