// Package standings caches the standings (roles and permissions) of the people whose access matters all
// the time: those who watch the dashboard, room owners and guests.
//
// Events update the cache where Discord sends them. Everybody else is requested in bulk over the gateway
// (Request Guild Members, up to 100 people of one server per request): first the server with the oldest
// answer. This takes no REST request. When a standing changes, the cache calls Options.Changed.
//
// A standing carries the time at which Discord was asked (CheckedAt). If one round takes M requests, a
// standing gets as old as RefreshAfter or 0.6 s times M, whichever is more: a minute for 2,500 people in
// 50 servers. A standing older than RESTAfter, although requests are sent as fast as allowed, is also
// fetched by REST, one person every two seconds: 20 minutes in 2,500 servers.
//
// All methods are safe for concurrent use. No callback is called while a lock is held.
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
	// RefreshAfter is the age from which a standing is requested again, as the rate limit allows.
	RefreshAfter = 40 * time.Second
	// FollowTime is how long a call of Follow lasts, and how long the cache retains a standing that nobody
	// follows.
	FollowTime = 2 * time.Minute
	// StaleAfter is the age from which a standing is no longer used.
	StaleAfter = 30 * time.Minute
	// RESTAfter is the age from which a standing is fetched by REST, if its person is the only one followed
	// in their server.
	RESTAfter = 5 * time.Minute
	// restInterval is the minimum time between REST requests of all shards together.
	restInterval = 2 * time.Second
	// answerTimeout is how long Discord may take to answer before the same request is sent again.
	answerTimeout = 10 * time.Second
)

// Options of a Cache. All are required.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// StandingOf returns the standing of a member whom Discord just described, given the server and its
	// roles as they are now.
	StandingOf func(discord.Member) access.Standing
	// RoomPeople lists the owners and guests of a server's rooms.
	RoomPeople func(guild snowflake.ID) []snowflake.ID
	// Changed is called when a standing changes, and when somebody's timeout ends. It must return quickly:
	// it may only enqueue.
	Changed func(was, is access.Standing)
	// Fetch gets somebody's standing by REST.
	Fetch      func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error)
	Registerer prometheus.Registerer
}

// Cache holds standings. Create it with New; Run refreshes the servers of a shard.
type Cache struct {
	o Options
	m metrics

	mu       sync.Mutex // guards what follows
	guilds   map[snowflake.ID]map[snowflake.ID]*entry
	shards   map[int]*shard
	answered chan struct{} // closed and replaced whenever an answer arrives
	lastREST time.Time     // when the last REST request was made, by the machine's clock
}

// entry is a person in a server.
type entry struct {
	known         bool
	st            access.Standing
	member        discord.Member // what st was computed from, while they are a member
	asked         time.Time      // when Discord was asked last
	followedUntil time.Time      // when the last Follow of them ends
	inRoom        bool           // owns a room, or is a guest of one
	urgent        bool           // a caller waits for them
	timeout       bool           // call Changed when their timeout ends
}

// New returns an empty Cache. It fails if the metrics are registered already.
func New(o Options) (*Cache, error) {
	t := &Cache{
		o: o, guilds: map[snowflake.ID]map[snowflake.ID]*entry{}, shards: map[int]*shard{},
		answered: make(chan struct{}),
	}
	return t, t.m.register(o.Registerer, t)
}

// entry returns a person's entry, creating it if needed. The caller holds mu.
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

// Follow refreshes the standings of people of a server for FollowTime from now, and returns those that
// are known and younger than StaleAfter. The missing ones are requested as soon as possible.
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

// Known returns somebody's standing, however old, and false if there is none.
func (t *Cache) Known(guild, user snowflake.ID) (access.Standing, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.guilds[guild][user]; e != nil && e.known {
		return e.st, true
	}
	return access.Standing{}, false
}

// Put stores a standing that Discord returned to a request made at CheckedAt.
func (t *Cache) Put(st access.Standing) { t.store(st, nil) }

// MemberUpdated stores the standing of a member whom Discord described in an event.
func (t *Cache) MemberUpdated(m discord.Member) {
	if m.GuildID != 0 && m.User.ID != 0 {
		t.store(t.o.StandingOf(m), &m)
	}
}

// MemberRemoved records that somebody left a server.
func (t *Cache) MemberRemoved(guild, user snowflake.ID) {
	if _, known := t.Known(guild, user); known {
		t.store(access.Standing{GuildID: guild, UserID: user, CheckedAt: t.o.Now()}, nil)
	}
}

// Drop removes somebody's standing from the cache. The next Follow requests it again.
func (t *Cache) Drop(guild, user snowflake.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.guilds[guild], user)
}

// store stores a standing, unless a later one is known, and calls Changed if it differs.
func (t *Cache) store(st access.Standing, m *discord.Member) {
	t.mu.Lock()
	e := t.guilds[st.GuildID][st.UserID]
	if e == nil {
		if m != nil { // an event about somebody whom nobody follows
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

// set puts a standing into an entry. The caller holds mu, and calls Changed after releasing it.
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
	default: // from REST: Reevaluate uses it when a role changes
		e.member.RoleIDs, e.member.Pending = st.Roles, st.Pending
	}
	e.timeout = st.TimedOutUntil.After(t.o.Now())
	return was, changed
}

// wakeWaiters wakes all waiting calls of Get. The caller holds mu.
func (t *Cache) wakeWaiters() {
	close(t.answered)
	t.answered = make(chan struct{})
}

// Equal reports whether two standings are equal, ignoring CheckedAt and the order of roles.
func Equal(a, b access.Standing) bool {
	x, y := sorted(a.Roles), sorted(b.Roles)
	a.Roles, b.Roles, a.CheckedAt, b.CheckedAt = nil, nil, time.Time{}, time.Time{}
	if a.TimedOutUntil.Equal(b.TimedOutUntil) {
		b.TimedOutUntil = a.TimedOutUntil // the time zone does not matter
	}
	return reflect.DeepEqual(a, b) && slices.Equal(x, y)
}

func sorted(ids []snowflake.ID) []snowflake.ID { return slices.Sorted(slices.Values(ids)) }

// Reevaluate computes the standings of a server's members again, after its roles or its owner changed.
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

// Forget removes a server from the cache.
func (t *Cache) Forget(guild snowflake.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.guilds, guild)
}

// MembersChunk stores Discord's answer to a request that Run made at the time asked.
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

// Get returns somebody's standing, at most within old: from the cache or, if within is at least
// RefreshAfter, by a request over the gateway. ok is false if there is none after getTimeout, or if the
// server's shard cannot ask now: then use REST.
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

// Hurry requests somebody before others, as soon as the rate limit allows. It does not wait. It returns
// false if the server's shard is not connected.
func (t *Cache) Hurry(guild, user snowflake.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hurry(guild, user)
}

// cleanup removes the entries that nobody follows, and updates who owns a room or is a guest of one. It
// returns the standings of those whose timeout has ended.
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
