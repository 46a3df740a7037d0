// Package standings keeps what people may do in servers, for those it matters
// of all the time: who watches, and who owns a room or is a guest of one.
//
// Discord tells of them by events, where it tells at all; everybody else is
// asked after in bulk over the gateway (Request Guild Members, up to 100
// people of one server a message), a shard's servers in turn, whose answers
// are oldest first. No request of REST is made for it. When a standing
// changes, Options.Changed is told.
//
// A standing carries when Discord was asked (CheckedAt). With M messages to go
// round, it gets as old as Fresh or 0.6 s times M, whichever is more: a minute
// for 2,500 people in 50 servers. What is older than Behind although messages go out as fast as
// they may is asked of REST too, one person every two seconds: 20 minutes in 2,500 servers.
//
// All methods are safe for concurrent use. Nothing is called out under a lock.
package standings

import (
	"cmp"
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/access"
)

const (
	// RefreshAfter is the age from which a standing is asked for again, if there is room to ask.
	RefreshAfter = 40 * time.Second
	// FollowTime is how long a standing is remembered that nobody follows, and how long who asked after somebody
	// follows them.
	FollowTime = 2 * time.Minute
	// StaleAfter is the age beyond which a standing says nothing any more.
	StaleAfter = 30 * time.Minute
	// RESTAfter is the age from which somebody alone in their server is asked for by REST, with what can be spared.
	RESTAfter = 5 * time.Minute
	// restInterval is how often REST is asked, whatever the number of shards.
	restInterval = 2 * time.Second
	// answerTimeout is how long Discord may take to answer, before the same is asked again.
	answerTimeout = 10 * time.Second
)

// Options of a Table. All are needed.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Of gives the standing of a member whom Discord just described, by what the server and its roles are now.
	StandingOf func(discord.Member) access.Standing
	// Places lists owners and guests of a server's rooms.
	RoomPeople func(guild snowflake.ID) []snowflake.ID
	// Changed is told when a standing is another than it was, and when somebody's timeout ends. It must only enqueue.
	Changed func(was, is access.Standing)
	// Ask asks REST after somebody.
	Fetch      func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error)
	Registerer prometheus.Registerer
}

// Cache is what is known of people. Make it with New; Run asks for a shard's servers.
type Cache struct {
	o Options
	m metrics

	mu       sync.Mutex // guards what follows
	guilds   map[snowflake.ID]map[snowflake.ID]*entry
	shards   map[int]*shard
	answered chan struct{} // closed and replaced whenever an answer came
	lastREST time.Time     // when REST was asked last, by the machine's clock
}

// entry is a person in a server.
type entry struct {
	known         bool
	st            access.Standing
	member        discord.Member // what st was made of, while they are one
	asked         time.Time      // when Discord was asked last
	followedUntil time.Time      // until when somebody asks after them
	inRoom        bool           // owns a room, or is a guest
	urgent        bool           // somebody waits
	timeout       bool           // Changed is to be told when their timeout ends
}

// New makes an empty table. It fails if the metrics are registered already.
func New(o Options) (*Cache, error) {
	t := &Cache{
		o: o, guilds: map[snowflake.ID]map[snowflake.ID]*entry{}, shards: map[int]*shard{},
		answered: make(chan struct{}),
	}
	return t, t.m.register(o.Registerer, t)
}

// entry gives a person's entry, made if it is new. The caller holds mu.
func (t *Cache) entry(guild, user snowflake.ID) *entry {
	g := t.guilds[guild]
	if g == nil {
		g = map[snowflake.ID]*entry{}
		t.guilds[guild] = g
	}
	e := g[user]
	if e == nil {
		e = &entry{}
		g[user] = e
	}
	return e
}

// Follow has people of a server asked after from now on, for Kept, and gives
// what is known of them; who is missing in the answer is being asked after, or
// could not be for longer than Stale.
func (t *Cache) Follow(guild snowflake.ID, users []snowflake.ID) []access.Standing {
	now := t.o.Now()
	out := make([]access.Standing, 0, len(users))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range users {
		e := t.entry(guild, u)
		e.followedUntil = now.Add(FollowTime)
		if e.known && now.Sub(e.st.CheckedAt) < StaleAfter {
			out = append(out, e.st)
		}
	}
	return out
}

// Known gives what is known of somebody, however old.
func (t *Cache) Known(guild, user snowflake.ID) (access.Standing, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.guilds[guild][user]; e != nil && e.known {
		return e.st, true
	}
	return access.Standing{}, false
}

// Put takes a standing that Discord gave to who asked at CheckedAt.
func (t *Cache) Put(st access.Standing) { t.store(st, nil) }

// MemberUpdated takes a member whom Discord described in an event.
func (t *Cache) MemberUpdated(m discord.Member) {
	if m.GuildID != 0 && m.User.ID != 0 {
		t.store(t.o.StandingOf(m), &m)
	}
}

// MemberRemoved takes the news that somebody left a server.
func (t *Cache) MemberRemoved(guild, user snowflake.ID) {
	if _, known := t.Known(guild, user); known {
		t.store(access.Standing{GuildID: guild, UserID: user, CheckedAt: t.o.Now()}, nil)
	}
}

// Drop forgets what is known of somebody; if they are still followed, Discord is asked anew.
func (t *Cache) Drop(guild, user snowflake.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.guilds[guild], user)
}

// store takes in a standing, unless a later one is known, and tells if it is another.
func (t *Cache) store(st access.Standing, m *discord.Member) {
	t.mu.Lock()
	e := t.guilds[st.GuildID][st.UserID]
	if e == nil {
		if m != nil { // an event about somebody whom nobody asks after
			t.mu.Unlock()
			return
		}
		e = t.entry(st.GuildID, st.UserID)
	}
	changed := false
	var was access.Standing
	if !e.known || !st.CheckedAt.Before(e.st.CheckedAt) {
		was, changed = t.set(e, st, m)
	}
	t.wakeWaiters()
	t.mu.Unlock()
	if changed {
		t.o.Changed(was, st)
	}
}

// set puts a standing into an entry. The caller holds mu, and tells.
func (t *Cache) set(e *entry, st access.Standing, m *discord.Member) (was access.Standing, changed bool) {
	was, changed = e.st, e.known && !Equal(e.st, st)
	e.known, e.st, e.urgent = true, st, false
	if m != nil {
		e.member = *m
	}
	switch {
	case m != nil || e.member.User.ID == 0:
	case !st.Member:
		e.member = discord.Member{}
	default: // REST said so: it is what is judged anew when a role changes
		e.member.RoleIDs, e.member.Pending = st.Roles, st.Pending
	}
	e.timeout = st.TimedOutUntil.After(t.o.Now())
	return was, changed
}

// wakeWaiters wakes who waits. The caller holds mu.
func (t *Cache) wakeWaiters() {
	close(t.answered)
	t.answered = make(chan struct{})
}

// Equal says whether two standings are the same but for when they were asked for.
func Equal(a, b access.Standing) bool {
	x, y := sorted(a.Roles), sorted(b.Roles)
	a.Roles, b.Roles, a.CheckedAt, b.CheckedAt = nil, nil, time.Time{}, time.Time{}
	if a.TimedOutUntil.Equal(b.TimedOutUntil) {
		b.TimedOutUntil = a.TimedOutUntil // in whatever time zone
	}
	return reflect.DeepEqual(a, b) && slices.Equal(x, y)
}

func sorted(ids []snowflake.ID) []snowflake.ID { return slices.Sorted(slices.Values(ids)) }

// Reevaluate judges everybody of a server anew: its roles or its owner have changed.
func (t *Cache) Reevaluate(guild snowflake.ID) {
	t.mu.Lock()
	members := make([]discord.Member, 0, len(t.guilds[guild]))
	for _, e := range t.guilds[guild] {
		if e.known && e.st.Member && e.member.User.ID != 0 {
			members = append(members, e.member)
		}
	}
	t.mu.Unlock()
	for _, m := range members {
		st := t.o.StandingOf(m)
		t.mu.Lock()
		e := t.guilds[guild][m.User.ID]
		if e == nil || !e.known || !e.st.Member {
			t.mu.Unlock()
			continue
		}
		st.CheckedAt = e.st.CheckedAt // Discord was not asked again
		was, changed := t.set(e, st, nil)
		t.mu.Unlock()
		if changed {
			t.o.Changed(was, st)
		}
	}
}

// Forget lets go of a server.
func (t *Cache) Forget(guild snowflake.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.guilds, guild)
}

// MembersChunk takes Discord's answer to what Run asked at a time.
func (t *Cache) MembersChunk(guild snowflake.ID, asked time.Time, members []discord.Member, missing []snowflake.ID) {
	type change struct{ was, is access.Standing }
	var changes []change
	made := make([]access.Standing, len(members))
	for i := range members {
		members[i].GuildID = guild
		made[i] = t.o.StandingOf(members[i])
	}
	t.mu.Lock()
	take := func(st access.Standing, m *discord.Member) {
		e := t.guilds[guild][st.UserID]
		if e == nil {
			return
		}
		if st.CheckedAt = asked; e.known && asked.Before(e.st.CheckedAt) {
			e.urgent = false
			return
		}
		if was, changed := t.set(e, st, m); changed {
			changes = append(changes, change{was, st})
		}
	}
	for i, st := range made {
		take(st, &members[i])
	}
	for _, u := range missing {
		take(access.Standing{GuildID: guild, UserID: u}, nil)
	}
	t.wakeWaiters()
	t.mu.Unlock()
	for _, c := range changes {
		t.o.Changed(c.was, c.is)
	}
}

// Get gives somebody's standing that is no older than within: from the table or,
// if that is long enough for it to be worth while, by the next message there is
// room for. ok is false if it cannot be had in time: REST has to be asked.
func (t *Cache) Get(ctx context.Context, guild, user snowflake.ID, within time.Duration) (st access.Standing, ok bool) {
	begun := t.o.Now()
	timer := time.NewTimer(getTimeout)
	defer timer.Stop()
	for first := true; ; first = false {
		t.mu.Lock()
		e := t.guilds[guild][user]
		if e != nil && e.known && begun.Sub(e.st.CheckedAt) <= within {
			st = e.st
			t.mu.Unlock()
			return st, true
		}
		if within < RefreshAfter || first && !t.hurry(guild, user) {
			t.mu.Unlock()
			return st, false
		}
		wanted := t.answered
		t.mu.Unlock()
		select {
		case <-wanted:
		case <-timer.C:
			return st, false
		case <-ctx.Done():
			return st, false
		}
	}
}

// getTimeout is how long Get waits for an answer.
const getTimeout = 3500 * time.Millisecond

// Hurry has somebody asked after before others, as soon as there is room. It
// does not wait; it answers false if the server's shard is not connected.
func (t *Cache) Hurry(guild, user snowflake.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hurry(guild, user)
}

// cleanup forgets whom nobody follows, and takes in who owns rooms and is a guest
// of them. It gives those whose timeout has ended.
func (t *Cache) cleanup(guilds []snowflake.ID) (freed []access.Standing) {
	now := t.o.Now()
	places := make([][]snowflake.ID, len(guilds))
	for i, g := range guilds {
		places[i] = t.o.RoomPeople(g)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, id := range guilds {
		for _, e := range t.guilds[id] {
			e.inRoom = false
		}
		for _, u := range places[i] {
			t.entry(id, u).inRoom = true
		}
		for u, e := range t.guilds[id] {
			if e.timeout && !e.st.TimedOutUntil.After(now) {
				e.timeout = false
				freed = append(freed, e.st)
			}
			if !e.inRoom && !e.urgent && e.followedUntil.Before(now) && now.Sub(e.st.CheckedAt) > FollowTime {
				delete(t.guilds[id], u)
			}
		}
		if len(t.guilds[id]) == 0 {
			delete(t.guilds, id)
		}
	}
	slices.SortFunc(freed, func(a, b access.Standing) int { return cmp.Compare(a.UserID, b.UserID) })
	return freed
}
