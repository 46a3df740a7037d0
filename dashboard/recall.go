package dashboard

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

const (
	// recallFor is how old a standing may be that counts while nobody holds the guild.
	recallFor = 5 * time.Minute
	// rememberEvery is how often a standing that stays the same is written down again.
	rememberEvery = time.Minute
	maxRemembered = 20_000

	readPatience = 2500 * time.Millisecond // how long a page waits for a guild's holder
	overduePause = 5 * time.Second         // a holder says every 4 s at the latest that it is there
	overdueTime  = 300 * time.Millisecond  // how long one is waited for that has not

	asOfHeader = "Snug-As-Of"
)

// recall answers questions that change nothing also while nobody holds the
// guild, from what was known, and has the answer say how old that is: processes
// change, and pages go on. Every dashboard knows what any of them was told of a
// person within the last minutes.
type recall struct {
	h   *hub.Hub
	now func() time.Time
	put *hub.Publisher[hub.Known]

	mu    sync.Mutex
	known map[[2]snowflake.ID]hub.Known // by guild and user: what was written down last
}

func newRecall(h *hub.Hub, now func() time.Time) (*recall, error) {
	put, err := h.Standings.Publisher(0)
	return &recall{h: h, now: now, put: put, known: map[[2]snowflake.ID]hub.Known{}}, err
}

func knownKey(guild, user snowflake.ID) string { return guild.String() + "." + user.String() }

// standing gives what ask answers, or what was known, and that it is old, when nobody can answer.
func (r *recall) standing(
	ctx context.Context, guild, user snowflake.ID, ask func(context.Context) (access.Standing, error),
) (st access.Standing, old bool, err error) {
	part, cancel := context.WithTimeout(ctx, r.patience(guild))
	st, err = ask(part)
	cancel()
	if err == nil {
		r.remember(guild, user, st)
		return st, false, nil
	}
	if !errs.Has(err, errs.Unavailable) {
		return st, false, err
	}
	known, _, e := r.h.Standings.Get(ctx, knownKey(guild, user))
	if e != nil {
		return st, false, err
	}
	at := r.h.Heard(guild)
	if at.IsZero() {
		at = known.Until.Add(-recallFor) // when it was written down
	}
	tell(ctx, at)
	return known.Standing, true, nil
}

// patience is how long a guild's holder is waited for.
func (r *recall) patience(guild snowflake.ID) time.Duration {
	if heard := r.h.Heard(guild); !heard.IsZero() && time.Since(heard) > overduePause {
		return overdueTime
	}
	return readPatience
}

// remember writes a standing down, unless that was done just now.
func (r *recall) remember(guild, user snowflake.ID, st access.Standing) {
	k, now := [2]snowflake.ID{guild, user}, r.now()
	r.mu.Lock()
	old, had := r.known[k]
	same := had && sameStanding(old.Standing, st) && old.Until.Sub(now) > recallFor-rememberEvery
	if !same {
		if len(r.known) >= maxRemembered {
			clear(r.known)
		}
		r.known[k] = hub.Known{Standing: st, Until: now.Add(recallFor)}
	}
	doc := r.known[k]
	r.mu.Unlock()
	if !same {
		_ = r.put.Put(knownKey(guild, user), doc, nil) // what the hub does not take is not recalled
	}
}

func sameStanding(a, b access.Standing) bool {
	a.CheckedAt, b.CheckedAt = time.Time{}, time.Time{}
	if len(a.Roles) != len(b.Roles) {
		return false
	}
	for i := range a.Roles {
		if a.Roles[i] != b.Roles[i] {
			return false
		}
	}
	a.Roles, b.Roles = nil, nil
	return a.Member == b.Member && a.Manager == b.Manager && a.Admin == b.Admin && a.Owner == b.Owner &&
		a.Pending == b.Pending &&
		a.TimedOutUntil.Equal(b.TimedOutUntil) && a.DisplayName == b.DisplayName && a.Avatar == b.Avatar
}

// forget has what is known of a person not recalled any more: it has changed.
func (r *recall) forget(guild, user snowflake.ID) {
	r.mu.Lock()
	delete(r.known, [2]snowflake.ID{guild, user})
	r.mu.Unlock()
	_ = r.put.Delete(knownKey(guild, user), nil)
}

func (r *recall) close(ctx context.Context) error { return r.put.Close(ctx) }

type asOfKey struct{}

// asOf is how old what an answer shows may be.
type asOf struct {
	header http.Header

	mu sync.Mutex
	at time.Time
}

// withAsOf has an answer, whose headers these are, say how old what it shows is.
func withAsOf(ctx context.Context, header http.Header) context.Context {
	return context.WithValue(ctx, asOfKey{}, &asOf{header: header})
}

// tell notes in the answer how old a part of it is; the oldest counts.
func tell(ctx context.Context, at time.Time) {
	a, ok := ctx.Value(asOfKey{}).(*asOf)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.IsZero() || at.Before(a.at) {
		a.at = at
		a.header.Set(asOfHeader, at.UTC().Format(time.RFC3339))
	}
}

// asOfOf gives the time that an answer's contents are of; zero: they are of now.
func asOfOf(ctx context.Context) time.Time {
	a, ok := ctx.Value(asOfKey{}).(*asOf)
	if !ok {
		return time.Time{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at
}

// ofNow fails with errs.Unavailable where who asks was let in by what was known: nobody can say whether they still may,
// and what they want is more than to look.
func ofNow(ctx context.Context) error {
	if asOfOf(ctx).IsZero() {
		return nil
	}
	return errs.E(errs.Unavailable,
		"Snug is not looking after this server right now. Please try again in a moment; if that goes on, check that the bot is still in the server.")
}

// recalling is a Keeper whose reads are answered from what was known when nobody holds the guild.
type recalling struct {
	Keeper
	s *Server
}

// Standing gives a person's place in a guild, as it was known if need be.
func (k recalling) Standing(ctx context.Context, guild snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	if !k.served(guild) {
		return k.Keeper.Standing(ctx, guild, q)
	}
	st, _, err := k.s.recall.standing(ctx, guild, q.UserID,
		func(ctx context.Context) (access.Standing, error) { return k.Keeper.Standing(ctx, guild, q) })
	return st, err
}

// served says whether the bot was last heard to serve a guild: what it has left, or Discord has lost, is not recalled.
func (k recalling) served(guild snowflake.ID) bool {
	g, ok := k.s.guilds.Get(guild.String())
	return ok && g.Ready
}

// ViewRoom gives a room as a person may see it. As it was known it has no
// controls and no invites: nothing could be done with them.
func (k recalling) ViewRoom(ctx context.Context, guild snowflake.ID, q room.Request) (v room.View, err error) {
	if !k.served(guild) {
		return k.Keeper.ViewRoom(ctx, guild, q)
	}
	st, old, err := k.s.recall.standing(ctx, guild, q.Actor.UserID, func(
		ctx context.Context,
	) (_ access.Standing, err error) {
		v, err = k.Keeper.ViewRoom(ctx, guild, q)
		return v.Standing, err
	})
	if err != nil || !old {
		return v, err
	}
	l, ok := k.s.roomOf(guild, q.RoomID)
	if !ok || !l.Room.Access.MaySee(st) {
		return v, errNoRoom
	}
	return room.View{
		Room: l.Room, Roster: l.Roster, Standing: st, MayEnter: l.Room.Access.MayEnter(st), KnowsSince: k.s.now(),
	}, nil
}
