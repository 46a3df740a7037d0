package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/outward"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/pages"
	"snug/shared/push"
	"snug/shared/room"
	"snug/shared/vapid"
)

// standingAge is how old a person's standing may be when their access is looked at.
const standingAge = 30 * time.Second

// settle is how long after it something that happened may not be seen yet.
const settle = 3 * time.Second

// storeTime bounds how long it takes to store what became of a message, also while Snug stops.
const storeTime = 5 * time.Second

// payload is what the service worker gets (static/js/sw.js).
type payload struct {
	V     int       `json:"v"`
	ID    string    `json:"id"`
	Kind  push.Kind `json:"kind"`
	Tag   string    `json:"tag"`
	Title string    `json:"title"`
	Body  string    `json:"body"`
	URL   string    `json:"url"`
	Lang  string    `json:"lang"`
}

// send looks at whether a message is still worth it, and sends it.
func (s *Sender) send(ctx context.Context, m due) {
	who, ok := s.people.get(m.User)
	d := who.Device(m.Device)
	now := s.o.Now()
	if !ok || d == nil || !who.Wants(m.Kind) || who.Quiet.At(now) && m.Kind != push.Test || !now.Before(m.Until) ||
		now.Sub(d.RenewedAt) > push.DeviceLife {
		s.end(ctx, m, "moot")
		return
	}
	seen, err := s.look(ctx, m.Message, &who)
	if err != nil {
		s.later(ctx, m, 0)
		return
	}
	if !seen.still {
		// Right after it happened, the rooms as they're seen here may be those before it.
		if now.Sub(m.At) < settle {
			s.later(ctx, m, 0)
		} else {
			s.end(ctx, m, "moot")
		}
		return
	}
	key, err := vapid.Load(ctx, s.o.Hub, s.o.Keys, now, s.o.Log)
	if err != nil {
		s.later(ctx, m, 0)
		return
	}
	sub, err := s.open(m.User, *d)
	if err != nil || d.KeyID != key.ID() {
		s.trouble(ctx, m.User, d.ID, push.TroubleRenew)
		s.end(ctx, m, "refused")
		return
	}
	body, err := json.Marshal(s.words(m.Message, seen, d.Lang))
	if err != nil {
		s.end(ctx, m, "refused")
		return
	}
	s.call(ctx, m, d, sub, key, body)
}

// call sends a message, and acts on the answer.
func (s *Sender) call(ctx context.Context, m due, d *push.Device, sub push.Subscription, key vapid.Key, body []byte) {
	urgency := webpush.UrgencyHigh
	if m.Kind == push.Trusted {
		urgency = webpush.UrgencyNormal
	}
	topic := sha256.Sum256([]byte(m.Device + m.Tag()))
	res, err := webpush.SendNotificationWithContext(ctx, body,
		&webpush.Subscription{Endpoint: sub.Endpoint, Keys: webpush.Keys{Auth: sub.Auth, P256dh: sub.P256DH}},
		&webpush.Options{
			HTTPClient: s.client, Subscriber: s.o.Contact, VAPIDPublicKey: key.Public, VAPIDPrivateKey: key.Private,
			TTL:     int(math.Ceil(m.Until.Sub(s.o.Now()).Seconds())),
			Urgency: urgency, Topic: base64.RawURLEncoding.EncodeToString(topic[:24]),
		})
	if err != nil && ctx.Err() != nil {
		return // interrupted by shutdown: tried again after the restart
	}
	if err != nil {
		s.o.Log.InfoContext(ctx, "a notification got no answer", "user_id", m.User, "reason", outward.Describe(err))
		s.trouble(ctx, m.User, d.ID, push.TroubleUnreachable)
		if outward.Unreachable(err) {
			s.end(ctx, m, "refused")
		} else {
			s.later(ctx, m, 0)
		}
		return
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // the content does not matter
	_ = res.Body.Close()
	s.answered(ctx, m, d, res)
}

// answered acts on a push service's answer (RFC 8030, sections 5 and 8).
func (s *Sender) answered(ctx context.Context, m due, d *push.Device, res *http.Response) {
	switch code := res.StatusCode; {
	case code >= 200 && code <= 299:
		s.trouble(ctx, m.User, d.ID, "") // d may be from before there was any
		s.end(ctx, m, "sent")
	case code == http.StatusNotFound || code == http.StatusGone:
		s.drop(ctx, m.User, d.ID)
		s.end(ctx, m, "gone")
	case code == http.StatusRequestEntityTooLarge && !m.Short:
		s.edit(ctx, m, "failed", func(m *push.Message) { m.Short = true })
	case code == http.StatusTooManyRequests || code >= 500:
		s.trouble(ctx, m.User, d.ID, push.TroubleUnreachable)
		s.later(ctx, m, retryAfter(res.Header.Get("Retry-After"), s.o.Now()))
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		s.trouble(ctx, m.User, d.ID, push.TroubleRenew)
		s.end(ctx, m, "refused")
	default:
		s.o.Log.WarnContext(ctx, "a push service refused a notification", "user_id", m.User, "status", code)
		s.trouble(ctx, m.User, d.ID, push.TroubleUnreachable)
		s.end(ctx, m, "refused")
	}
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(header); err == nil && n >= 0 {
		return time.Duration(min(n, 24*3600)) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// view is what a message's person may know of what it is about, now.
type view struct {
	still   bool   // it is still so, and they may see it
	name    string // of who knocks or sat down
	room    string // "": they may not know its name
	closing time.Duration
}

// look asks whether what a message tells is still so, and whether its person may know it. It fails if that can't be
// known now.
func (s *Sender) look(ctx context.Context, m push.Message, who *push.Person) (view, error) {
	if m.Kind == push.Test {
		return view{still: true}, nil
	}
	snapshot := s.o.Rooms.Snapshot(m.GuildID)
	if !snapshot.Ready {
		return view{}, errs.E(errs.Unavailable, "The server is still loading.")
	}
	i := slices.IndexFunc(snapshot.Rooms, func(r room.Room) bool { return r.ID == m.RoomID })
	if i < 0 {
		return view{}, nil
	}
	st, err := s.o.Rooms.Standing(ctx, m.GuildID, room.StandingRequest{UserID: m.User, Within: standingAge})
	if err != nil {
		return view{}, err
	}
	r, now := &snapshot.Rooms[i], s.o.Now()
	a := snapshot.Access(r)
	roster := s.o.Rooms.Roster(m.GuildID, m.RoomID)
	v := view{closing: r.ClosingAt.Sub(now)}
	switch m.Kind {
	case push.Knock:
		q := r.Knock(m.Who)
		if v.still = q != nil && q.Pending(now) && r.OwnerID == m.User && a.MayControl(st); v.still {
			v.name = q.Name
		}
	case push.Seat:
		in := room.In(roster, m.User)
		v.still = a.MayEnter(st) && !in && (m.LetIn || r.Hold(m.User, now) != nil)
	case push.Trusted:
		i := slices.IndexFunc(roster, func(p room.Person) bool { return p.UserID == m.Who })
		if v.still = i >= 0 && who.Trusts(m.Who) && !room.In(roster, m.User) && a.MaySee(st); v.still {
			v.name = roster[i].DisplayName
		}
	case push.Closing:
		v.still = !r.ClosingAt.IsZero() && v.closing > 0 && a.MaySee(st)
	}
	if a.Admitted(m.User) || !r.Private && !r.Hidden {
		v.room = push.CleanName(r.Name, 80)
	}
	return v, nil
}

// words writes a message in a language.
func (s *Sender) words(m push.Message, v view, lang string) payload {
	t := s.o.Texts.For(lang)
	p := payload{V: 1, ID: m.ID, Kind: m.Kind, Tag: m.Tag(), URL: string(pages.Notifications), Lang: t.Language().Code}
	if m.Kind == push.Test {
		p.Title, p.Body = t.Say("push.test"), t.Say("push.test.text")
		return p
	}
	p.URL = pages.Room.With(m.RoomID)
	name := push.CleanName(v.name, 40)
	if m.Short {
		name, v.room = "", ""
	}
	title := "push." + string(m.Kind)
	switch {
	case m.LetIn:
		title = "push.let_in"
	case m.Kind == push.Closing && v.room == "", (m.Kind == push.Knock || m.Kind == push.Trusted) && name == "":
		title += ".nameless"
	}
	p.Title = t.Say(title, "Who", name, "Room", v.room)
	switch {
	case m.Kind == push.Closing:
		p.Body = t.Say("push.closing.in", "Count", max(1, int(v.closing.Round(time.Minute)/time.Minute)))
	case v.room != "":
		p.Body = t.Say("push.in", "Room", v.room)
	case m.Short:
		p.Body = t.Say("push.in.short")
	default:
		p.Body = t.Say("push.in.nameless")
	}
	return p
}

// open decrypts a device's subscription.
func (s *Sender) open(user snowflake.ID, d push.Device) (sub push.Subscription, err error) {
	plain, err := s.o.Keys.Open(d.Sealed, d.SealContext(user))
	if err == nil {
		err = json.Unmarshal(plain, &sub)
	}
	return sub, err
}

// end stores that a message is over.
func (s *Sender) end(ctx context.Context, m due, outcome string) {
	s.edit(ctx, m, outcome, func(m *push.Message) { m.End() })
}

// later has a message tried again.
func (s *Sender) later(ctx context.Context, m due, after time.Duration) {
	now := s.o.Now()
	s.edit(ctx, m, "failed", func(m *push.Message) { m.Later(now, after) })
}

func (s *Sender) edit(ctx context.Context, m due, outcome string, change func(*push.Message)) {
	s.sent.WithLabelValues(outcome).Inc()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	now, rev, err := s.o.Hub.Pushes.Edit(ctx, m.key, func(m *push.Message) error {
		change(m)
		return nil
	})
	switch {
	case err == nil:
		s.queue.set(m.key, &now, rev)
	case errs.Has(err, errs.NotFound): // deleted with its device in the meantime
	default:
		s.o.Log.WarnContext(ctx, "cannot store the result of a notification; it may be sent again", "user_id", m.User,
			"err", err)
	}
}

// trouble stores what is wrong with a device; "": nothing.
func (s *Sender) trouble(ctx context.Context, user snowflake.ID, id string, what push.Trouble) {
	s.editPerson(ctx, user, func(p *push.Person) error {
		p.Devices = slices.Clone(p.Devices)
		d := p.Device(id)
		if d == nil || d.Trouble == what {
			return hub.Unchanged
		}
		d.Trouble = what
		return nil
	})
}

// drop removes a device whose browser wants no more notifications.
func (s *Sender) drop(ctx context.Context, user snowflake.ID, id string) {
	s.editPerson(ctx, user, func(p *push.Person) error {
		if len(p.RemoveDevices(func(d push.Device) bool { return d.ID == id })) == 0 {
			return hub.Unchanged
		}
		return nil
	})
}

func (s *Sender) editPerson(ctx context.Context, user snowflake.ID, change func(*push.Person) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	_, _, err := s.o.Hub.Notify.Edit(ctx, user.String(), change)
	if err != nil && !errs.Has(err, errs.NotFound) {
		s.o.Log.WarnContext(ctx, "cannot store what became of a browser", "user_id", user, "err", err)
	}
}

// reseal seals devices with the current session secret, so that the former one can be removed from the configuration.
// One that no secret opens stays: its browser renews it.
func (s *Sender) reseal(ctx context.Context) {
	if !s.o.Holds(0) {
		return
	}
	for _, user := range s.people.toReseal() {
		who, _ := s.people.get(user)
		if !slices.ContainsFunc(who.Devices, func(d push.Device) bool { return !s.o.Keys.Current(d.Sealed) }) {
			continue
		}
		s.editPerson(ctx, user, func(p *push.Person) error {
			changed := false
			p.Devices = slices.Clone(p.Devices)
			for i := range p.Devices {
				d := &p.Devices[i]
				plain, err := s.o.Keys.Open(d.Sealed, d.SealContext(user))
				if err == nil && !s.o.Keys.Current(d.Sealed) {
					d.Sealed, changed = s.o.Keys.Seal(plain, d.SealContext(user)), true
				}
			}
			if !changed {
				return hub.Unchanged
			}
			return nil
		})
	}
}
