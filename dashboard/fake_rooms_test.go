package dashboard

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/invite"
	"snug/shared/keyring"
	"snug/shared/room"
)

// fakeRooms is the rooms of the bot in memory. It decides by the room package's rules and
// writes to the hub what the real one and presence write.
type fakeRooms struct {
	invitesAsked []string // the ids that invites were asked for with
	t            *testing.T
	hub          *hub.Hub
	keys         *keyring.Keyring
	now          func() time.Time

	mu      sync.Mutex
	members map[snowflake.ID]map[snowflake.ID]access.Standing // guild → user
	rooms   map[snowflake.ID]*room.Room
	roster  map[snowflake.ID][]room.Person
	inVoice map[snowflake.ID]bool // who is in some voice channel
	n       uint64
	nextID  snowflake.ID
	fail    error // every call fails with it
	panics  bool

	noteFails error // NoteChange fails with it
	redeems   []room.RedeemRequest
	arriving  map[snowflake.ID]room.Arriving // who is on their way
	seen      map[snowflake.ID][]snowflake.ID

	noRedeem    error     // following an invite fails with it
	renameLater time.Time // when a new name is applied; zero: at once
	remembered  room.Preferences
}

func newFakeRooms(t *testing.T, h *hub.Hub, keys *keyring.Keyring, now func() time.Time) *fakeRooms {
	return &fakeRooms{
		t: t, hub: h, keys: keys, now: now, members: map[snowflake.ID]map[snowflake.ID]access.Standing{},
		rooms: map[snowflake.ID]*room.Room{}, arriving: map[snowflake.ID]room.Arriving{},
		roster: map[snowflake.ID][]room.Person{}, inVoice: map[snowflake.ID]bool{}, nextID: 5000,
		seen: map[snowflake.ID][]snowflake.ID{},
	}
}

// guild makes a guild that is ready.
func (k *fakeRooms) guild(id snowflake.ID, name string) {
	k.t.Helper()
	_, err := k.hub.Guilds.Put(k.t.Context(), id.String(), room.GuildInfo{ID: id, Name: name, Ready: true})
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *fakeRooms) join(g, user snowflake.ID, manager bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.members[g] == nil {
		k.members[g] = map[snowflake.ID]access.Standing{}
	}
	k.members[g][user] = access.Standing{
		GuildID: g, UserID: user, Member: true, Base: access.Enter, Manager: manager, Username: "user" + user.String(),
		DisplayName: "User " + user.String(),
	}
}

func (k *fakeRooms) leave(g, user snowflake.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.members[g], user)
}

// begin is how every call starts: with the standing of who asks.
func (k *fakeRooms) begin(g, user snowflake.ID) (access.Standing, error) {
	if k.panics {
		panic("the bot lost its keys")
	}
	if k.fail != nil {
		return access.Standing{}, k.fail
	}
	s, ok := k.members[g][user]
	if !ok {
		return access.Standing{GuildID: g, UserID: user}, errs.E(errs.Forbidden, "You are not in this server.")
	}
	return s, nil
}

func (k *fakeRooms) Standing(_ context.Context, g snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.begin(g, q.UserID)
	if errs.Has(err, errs.Forbidden) {
		return s, nil
	}
	return s, err
}

// visible finds a room the actor may see.
func (k *fakeRooms) visible(g snowflake.ID, q room.Request) (*room.Room, access.Standing, error) {
	s, err := k.begin(g, q.Actor.UserID)
	if err != nil {
		return nil, s, err
	}
	r := k.rooms[q.RoomID]
	if r == nil || r.GuildID != g || !r.Summary(false).Access.MaySee(s) {
		return nil, s, errs.E(errs.RoomNotFound, "This room does not exist any more, or you are not invited.")
	}
	return r, s, nil
}

func (k *fakeRooms) controlled(g snowflake.ID, q room.Request) (*room.Room, error) {
	r, s, err := k.visible(g, q)
	if err == nil && !r.Summary(false).Access.MayControl(s) {
		err = errs.E(errs.Forbidden, "Only the room's owner can do that.")
	}
	return r, err
}

// publish writes a room where the index and dashboard/live read it.
func (k *fakeRooms) publish(r *room.Room, fact room.Fact) {
	ctx := context.WithoutCancel(k.t.Context())
	key := r.GuildID.String() + "." + r.ID.String()
	k.n++
	l := room.Live{Room: r.Summary(false), Roster: k.roster[r.ID], N: k.n}
	if fact != nil {
		l.Event = &room.Event{Fact: fact, At: k.now()}
	}
	var err error
	if k.rooms[r.ID] == nil {
		err = k.hub.Rooms.Delete(ctx, key)
	} else {
		_, err = k.hub.Rooms.Put(ctx, key, *r)
	}
	if _, e := k.hub.Rosters.Put(ctx, key, l); e != nil || err != nil {
		k.t.Error(err, e)
	}
}

func (k *fakeRooms) OpenRoom(_ context.Context, g snowflake.ID, q room.OpenRequest) (room.OpenedRoom, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.begin(g, q.Actor.UserID)
	if err != nil {
		return room.OpenedRoom{}, err
	}
	for _, r := range k.rooms {
		if r.OwnerID == s.UserID && r.GuildID == g {
			return room.OpenedRoom{}, errs.E(errs.RoomLimit, "You have a room already.")
		}
	}
	k.nextID++
	r := &room.Room{
		ID: k.nextID, GuildID: g, Name: q.Name, OwnerID: s.UserID, OpenedBy: s.UserID, Seats: max(q.Seats, 0),
		Private: q.Private == nil || *q.Private, State: room.Open, OpenedAt: k.now(),
	}
	if r.Seats == 0 {
		r.Seats = 4
	}
	k.rooms[r.ID] = r
	l, err := k.invite(r, s.UserID)
	k.publish(r, room.Opened{})
	return room.OpenedRoom{Room: r.Summary(false), Invite: l}, err
}

func (k *fakeRooms) invite(r *room.Room, by snowflake.ID) (room.InviteLink, error) {
	v := room.Invite{
		ID: invite.NewID(), By: by, CreatedAt: k.now(), ExpiresAt: k.now().Add(24 * time.Hour), MaxUses: r.Seats,
	}
	r.Invites = append(r.Invites, v)
	token, err := invite.Issue(k.keys, v.ID, r.GuildID, r.ID, k.now(), v.ExpiresAt)
	return room.InviteLink{Invite: v, Token: token}, err
}

func (k *fakeRooms) ViewRoom(_ context.Context, g snowflake.ID, q room.Request) (room.View, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, s, err := k.visible(g, q)
	if err != nil {
		return room.View{}, err
	}
	sum := r.Summary(false)
	v := room.View{
		Room: sum, Roster: k.roster[r.ID], Standing: s, MayEnter: sum.Access.MayEnter(s),
		MayControl: sum.Access.MayControl(s),
	}
	v.Place = r.Place(s.UserID)
	if v.MayControl {
		v.Control = &room.Control{Guests: r.Guests, Bans: r.Bans, Knocks: r.Knocks, Waiting: r.Waiting, RenamesLeft: 2,
			WatchToken: r.WatchToken,
			Lacks:      map[snowflake.ID]string{guest: "Regulars"}}
		for user, a := range k.arriving {
			if a.RoomID == r.ID {
				v.Control.OnTheWay = append(v.Control.OnTheWay,
					room.OnTheWay{UserID: user, Name: "Wanda", Until: a.Until, Step: a.Step, InviteID: "v1"})
			}
		}
		for i := range r.Invites {
			if in := r.Invites[i]; in.Live(k.now()) {
				token, err := invite.Issue(k.keys, in.ID, r.GuildID, r.ID, in.CreatedAt, in.ExpiresAt)
				if err != nil {
					return v, err
				}
				v.Invites = append(v.Invites, room.InviteLink{Invite: in, Token: token})
			}
		}
	}
	return v, nil
}

func (k *fakeRooms) JoinRoom(_ context.Context, g snowflake.ID, q room.Request) (room.Joined, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, s, err := k.visible(g, q)
	if err != nil {
		return room.Joined{}, err
	}
	if room.Occupied(k.roster[r.ID]) >= r.Seats {
		return room.Joined{}, errs.E(errs.RoomFull, "“%s” is full: all %d seats are taken.", r.Name, r.Seats)
	}
	if !k.inVoice[s.UserID] {
		return room.Joined{HeldUntil: k.now().Add(time.Minute)}, nil
	}
	p := room.Person{UserID: s.UserID, Username: s.Username, DisplayName: s.DisplayName, Since: k.now()}
	k.roster[r.ID] = append(k.roster[r.ID], p)
	k.publish(r, room.VoiceJoined{Person: p})
	return room.Joined{Moved: true}, nil
}

func (k *fakeRooms) KeepRoom(_ context.Context, g snowflake.ID, q room.Request) (room.Summary, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, _, err := k.visible(g, q)
	if err != nil {
		return room.Summary{}, err
	}
	return r.Summary(false), nil
}

func (k *fakeRooms) CloseRoom(_ context.Context, g snowflake.ID, q room.Request) (room.Summary, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.controlled(g, q)
	if err != nil {
		return room.Summary{}, err
	}
	delete(k.rooms, r.ID)
	k.publish(r, room.Closed{Reason: room.ClosedByOwner})
	return r.Summary(false), nil
}

func (k *fakeRooms) CreateInvite(_ context.Context, g snowflake.ID, q room.InviteRequest) (room.InviteLink, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.controlled(g, room.Request{Actor: q.Actor, RoomID: q.RoomID})
	if err != nil {
		return room.InviteLink{}, err
	}
	k.invitesAsked = append(k.invitesAsked, q.ID)
	return k.invite(r, q.Actor.UserID)
}

func (k *fakeRooms) RevokeInvite(_ context.Context, g snowflake.ID, q room.RevokeRequest) (room.Invite, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.controlled(g, room.Request{Actor: q.Actor, RoomID: q.RoomID})
	if err != nil {
		return room.Invite{}, err
	}
	v := r.Invite(q.InviteID)
	if v == nil {
		return room.Invite{}, errs.E(errs.NotFound, "There is no such invite.")
	}
	v.RevokedAt = k.now()
	return *v, nil
}

// holding finds the room and the invite of a token.
func (k *fakeRooms) holding(token string) (*room.Room, *room.Invite, error) {
	if k.fail != nil {
		return nil, nil, k.fail
	}
	c, err := invite.Verify(k.keys, token, k.now())
	if err != nil {
		return nil, nil, err
	}
	r := k.rooms[c.RoomID]
	if r == nil || r.Invite(c.ID) == nil {
		return nil, nil, errs.E(errs.TokenRevoked, "This room is closed.")
	}
	return r, r.Invite(c.ID), nil
}

func (k *fakeRooms) PreviewInvite(_ context.Context, g snowflake.ID, q room.PreviewRequest) (room.Preview, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, v, err := k.holding(q.Token)
	if err == nil {
		err = v.Check(0, k.now())
	}
	if errs.Has(err, errs.TokenUsedUp) {
		err = nil // who followed it may come again
	}
	if err == nil && r.Banned(q.UserID) {
		err = errs.E(errs.Forbidden, "You cannot enter this room.")
	}
	if err != nil {
		return room.Preview{}, err
	}
	who, member := k.members[g][q.UserID]
	return room.Preview{
		Locked: r.Locked, MayKnock: r.Locked && member && r.Summary(false).Access.MayKnock(who),
		GuildID: g, GuildName: "Friends", RoomID: r.ID, Name: r.Name, Seats: r.Seats, Roster: k.roster[r.ID],
		ExpiresAt: v.ExpiresAt, Left: v.Left(),
	}, nil
}

func (k *fakeRooms) RedeemInvite(ctx context.Context, g snowflake.ID, q room.RedeemRequest) (room.Redeemed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.redeems = append(k.redeems, q)
	r, v, err := k.holding(q.Token)
	if err != nil {
		return room.Redeemed{}, err
	}
	user := q.Actor.UserID
	if r.Banned(user) {
		return room.Redeemed{}, errs.E(errs.Forbidden, "You cannot enter this room.")
	}
	if r.Locked && r.Guest(user) == nil {
		return room.Redeemed{}, errs.E(errs.Forbidden, "This room is locked. Ask its owner to let you in.")
	}
	if k.noRedeem != nil {
		return room.Redeemed{}, k.noRedeem
	}
	if err := v.Check(user, k.now()); err != nil {
		return room.Redeemed{}, err
	}
	if _, in := k.members[g][user]; !in {
		doc, _, _ := k.hub.Settings.Get(ctx, g.String())
		if doc.BringIn && !doc.GuildsJoin {
			k.arriving[user] = room.Arriving{
				GuildID: g, GuildName: "Friends", RoomID: r.ID, Name: r.Name, Step: room.StepJoin, Code: "ForYouAlone",
				Until: k.now().Add(time.Hour),
			}
			return room.Redeemed{GuildID: g, RoomID: r.ID, OnTheWay: true}, nil
		}
		if !doc.GuildsJoin || q.AccessToken == "" {
			return room.Redeemed{}, errs.E(errs.GuildJoinDenied, "You aren't a member of this server. Join it first.")
		}
		k.members[g][user] = access.Standing{
			GuildID: g, UserID: user, Member: true, Base: access.Enter, Username: "new", DisplayName: "New",
		}
	}
	if k.members[g][user].Pending {
		k.arriving[user] = room.Arriving{
			GuildID: g, GuildName: "Friends", RoomID: r.ID, Name: r.Name, Step: room.StepRules,
			Until: k.now().Add(time.Hour),
		}
		return room.Redeemed{GuildID: g, RoomID: r.ID, OnTheWay: true}, nil
	}
	if r.Guest(user) == nil && r.OwnerID != user {
		r.Guests = append(r.Guests, room.Guest{UserID: user, InviteID: v.ID})
		v.Redeemers = append(v.Redeemers, user)
		k.publish(r, room.Changed{})
	}
	return room.Redeemed{GuildID: g, RoomID: r.ID}, nil
}

func (k *fakeRooms) Arrive(_ context.Context, g snowflake.ID, q room.ArriveRequest) (room.Arriving, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a, ok := k.arriving[q.Actor.UserID]
	if !ok || a.RoomID != q.RoomID || a.GuildID != g {
		return room.Arriving{}, errs.E(errs.RoomNotFound, "There is no such room.")
	}
	if q.NewInvite {
		a.Code = "Another1"
		k.arriving[q.Actor.UserID] = a
	}
	return a, nil
}

func (k *fakeRooms) ChangeRoom(_ context.Context, g snowflake.ID, q room.ChangeRequest) (room.ChangeDone, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.controlled(g, room.Request{Actor: q.Actor, RoomID: q.RoomID})
	if err != nil {
		return room.ChangeDone{}, err
	}
	done := room.ChangeDone{}
	switch q.Do {
	case room.DoRename:
		if k.renameLater.IsZero() {
			r.Name = q.Text
		}
		done.Later = k.renameLater
	case room.DoSeats:
		r.Seats = q.Number
	case room.DoStatus:
		r.Status = q.Text
	case room.DoLock, room.DoUnlock:
		r.Locked = q.Do == room.DoLock
	case room.DoPrivate, room.DoPublic:
		r.Private = q.Do == room.DoPrivate
	case room.DoWatch:
		r.WatchToken = invite.NewID()
		done.WatchToken = r.WatchToken
	case room.DoUnwatch:
		r.WatchToken = ""
	case room.DoKick, room.DoBan:
		r.RevokeAccess(q.User, k.now())
		r.DetachUses(q.User)
		if q.Do == room.DoBan {
			r.Bans = append(r.Bans, room.Ban{UserID: q.User, By: q.Actor.UserID, At: k.now()})
		}
	default:
		return done, errs.E(errs.Invalid, "There's no change called %q.", q.Do)
	}
	k.publish(r, room.Changed{})
	done.Room = r.Summary(false)
	return done, nil
}

func (k *fakeRooms) Knock(_ context.Context, g snowflake.ID, q room.KnockRequest) (room.KnockDone, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.begin(g, q.Actor.UserID)
	r := k.rooms[q.RoomID]
	if err != nil || r == nil {
		return room.KnockDone{}, errs.E(errs.RoomNotFound, "There is no such room.")
	}
	r.Knocks = append(r.Knocks, room.Knock{UserID: s.UserID, Name: s.DisplayName, At: k.now()})
	k.publish(r, room.Changed{})
	if !r.Summary(false).Access.MaySee(s) {
		return room.KnockDone{}, errs.E(errs.RoomNotFound, "There is no such room.")
	}
	return room.KnockDone{}, nil
}

func (k *fakeRooms) AnswerKnock(_ context.Context, g snowflake.ID, q room.AnswerRequest) (room.ChangeDone, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.controlled(g, room.Request{Actor: q.Actor, RoomID: q.RoomID})
	if err != nil {
		return room.ChangeDone{}, err
	}
	if r.Knock(q.User) == nil {
		return room.ChangeDone{}, errs.E(errs.NotFound, "Nobody by that name is knocking.")
	}
	r.Knocks = slices.DeleteFunc(r.Knocks, func(n room.Knock) bool { return n.UserID == q.User })
	if q.LetIn {
		r.Guests = append(r.Guests, room.Guest{UserID: q.User, By: q.Actor.UserID})
	}
	k.publish(r, room.Changed{})
	return room.ChangeDone{Room: r.Summary(false)}, nil
}

func (k *fakeRooms) WaitForSeat(_ context.Context, g snowflake.ID, q room.WaitRequest) (room.WaitDone, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, s, err := k.visible(g, room.Request{Actor: q.Actor, RoomID: q.RoomID})
	if err != nil {
		return room.WaitDone{}, err
	}
	r.Waiting = slices.DeleteFunc(r.Waiting, func(w room.Waiter) bool { return w.UserID == s.UserID })
	if !q.Leave {
		r.Waiting = append(r.Waiting, room.Waiter{UserID: s.UserID, Name: s.DisplayName, Since: k.now()})
	}
	k.publish(r, room.Changed{})
	return room.WaitDone{Place: r.Place(s.UserID)}, nil
}

func (k *fakeRooms) Preferences(
	_ context.Context, g snowflake.ID, q room.PreferencesRequest,
) (room.PreferencesDone, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.begin(g, q.Actor.UserID); err != nil {
		return room.PreferencesDone{}, err
	}
	if q.Forget {
		k.remembered = room.Preferences{}
	}
	return room.PreferencesDone{Preferences: k.remembered}, nil
}

func (k *fakeRooms) Person(_ context.Context, g snowflake.ID, q room.PersonRequest) (out room.PersonData, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return out, k.fail
	}
	for _, r := range k.rooms {
		as := r.Parts(q.UserID, false)
		if r.GuildID != g || len(as) == 0 {
			continue
		}
		in := room.PersonRoom{ID: r.ID, Name: r.Name, As: as}
		if q.Erase {
			r.Forget(q.UserID, false, k.now())
			in.Stays = r.Parts(q.UserID, false)
			k.publish(r, room.Changed{})
		}
		out.Rooms = append(out.Rooms, in)
	}
	return out, nil
}

func (k *fakeRooms) RoomsSeen(_ context.Context, g snowflake.ID, q room.SeenRequest) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[g] = append(k.seen[g], q.RoomIDs...)
	return nil
}

func (k *fakeRooms) SaveSettings(ctx context.Context, g snowflake.ID, q room.SettingsRequest) (room.Saved, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.begin(g, q.Actor.UserID)
	if err != nil {
		return room.Saved{}, err
	}
	if !s.Manager {
		return room.Saved{}, errs.E(errs.Forbidden, "Only managers can do that.")
	}
	doc, rev, err := k.hub.Settings.Get(ctx, g.String())
	if errs.Has(err, errs.NotFound) {
		doc = guild.Document{Settings: guild.Defaults()}
	} else if err != nil {
		return room.Saved{}, err
	}
	if q.Rev != 0 && hub.Rev(q.Rev) != rev {
		return room.Saved{}, errs.E(errs.Conflict, "Somebody else saved these settings meanwhile.")
	}
	if err := json.Unmarshal(q.JSON, &doc.Settings); err != nil {
		return room.Saved{}, errs.E(errs.Invalid, "These settings could not be read.")
	}
	if err := doc.Validate(); err != nil {
		return room.Saved{}, err
	}
	next, err := k.hub.Settings.Put(ctx, g.String(), doc)
	return room.Saved{Rev: uint64(next)}, err
}

// guests gives who was let into a room.
func (k *fakeRooms) guests(id snowflake.ID) (ids []snowflake.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range k.rooms[id].Guests {
		ids = append(ids, g.UserID)
	}
	slices.Sort(ids)
	return ids
}

func (k *fakeRooms) NoteChange(ctx context.Context, g snowflake.ID, q guild.ChangeRecord) error {
	st, err := k.Standing(ctx, g, room.StandingRequest{UserID: q.Actor.UserID})
	if err != nil {
		return err
	}
	if err := st.CheckManager(); err != nil {
		return err
	}
	if k.noteFails != nil {
		return k.noteFails
	}
	e := audit.Entry{
		ID: rand.Text(), Kind: q.Kind, GuildID: g, By: q.Actor.UserID, Via: q.Actor.Via, Detail: q.Detail, New: q.New,
		At: k.now(),
	}
	return k.hub.Audit.Append(ctx, e.ID, g, 0, string(e.Kind), e)
}
