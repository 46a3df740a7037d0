package standings

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/schedule"
)

const (
	// RequestsPerMinute is how many requests a shard sends per minute. Discord accepts 120 gateway
	// messages per minute and connection, including heartbeats.
	// https://discord.com/developers/docs/events/gateway#rate-limiting
	RequestsPerMinute = 100
	// UsersPerRequest is the maximum number of users in one request.
	// https://discord.com/developers/docs/events/gateway-events#request-guild-members
	UsersPerRequest = 100

	cleanupInterval = 5 * time.Second
	idleWait        = time.Second
)

// SendRequest requests members of a server over a shard's connection. The answer must carry the time
// asked. It fails when the shard is not connected.
type SendRequest func(ctx context.Context, guild snowflake.ID, users []snowflake.ID, asked time.Time) error

// shard is the state of one Run.
type shard struct {
	guilds func() []snowflake.ID // its servers
	owns   func(snowflake.ID) bool
	sent   window
	wake   chan struct{}
	held   time.Time                  // no request before: Discord asked to wait, or the shard is not connected
	last   map[snowflake.ID]time.Time // by server: the last request made because a caller waits
}

// window counts the messages of the last minute. It uses the machine's clock, not Options.Now.
type window struct {
	sent [RequestsPerMinute]time.Time // a ring
	n    int
}

// wait returns how long to wait until one more message may be sent.
func (w *window) wait() time.Duration {
	if w.n < RequestsPerMinute {
		return 0
	}
	return time.Until(w.sent[w.n%RequestsPerMinute].Add(time.Minute))
}

func (w *window) spend() {
	w.sent[w.n%RequestsPerMinute] = time.Now()
	w.n++
}

// left returns how many more messages may be sent now.
func (w *window) left() int {
	n := 0
	for _, at := range w.sent {
		if time.Since(at) >= time.Minute {
			n++
		}
	}
	return n
}

// hurry marks a user as urgent. It returns false if no connected shard serves the server now. The caller
// holds mu.
func (t *Cache) hurry(guild, user snowflake.ID) bool {
	for _, s := range t.shards {
		if !s.owns(guild) {
			continue
		}
		if time.Now().Before(s.held) {
			return false
		}
		t.entry(guild, user).urgent = true
		select {
		case s.wake <- struct{}{}:
		default:
		}
		return true
	}
	return false
}

// Run requests members for a shard's servers until ctx ends. owns reports whether a server belongs to
// the shard; guilds lists the shard's servers that are available.
func (t *Cache) Run(
	ctx context.Context, id int, owns func(snowflake.ID) bool, guilds func() []snowflake.ID, send SendRequest,
) {
	s := &shard{guilds: guilds, owns: owns, wake: make(chan struct{}, 1), last: map[snowflake.ID]time.Time{}}
	t.mu.Lock()
	t.shards[id] = s
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.shards, id)
		t.mu.Unlock()
	}()
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() { t.runREST(ctx, s) })
	var tidied time.Time
	for ctx.Err() == nil {
		if time.Since(tidied) >= cleanupInterval {
			tidied = time.Now()
			for _, st := range t.cleanup(s.guilds()) {
				t.o.Changed(st, st)
			}
		}
		now := t.o.Now()
		guild, users, wait := t.next(s, now)
		if len(users) == 0 {
			schedule.Pause(ctx, s.wake, wait)
			continue
		}
		if err := send(ctx, guild, users, now); err != nil {
			t.onSendFailed(s, guild, users)
			continue
		}
		t.m.asked.Inc()
		t.m.people.Add(float64(len(users)))
	}
}

// runREST fetches by REST, until ctx ends, the people whom a shard's gateway requests do not reach in time.
func (t *Cache) runREST(ctx context.Context, s *shard) {
	tick := time.NewTicker(restInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		guild, user := t.overdue(s, t.o.Now())
		if user == 0 {
			continue
		}
		if st, err := t.o.Fetch(ctx, guild, user); err == nil {
			t.Put(st)
			t.m.spared.Inc()
		}
	}
}

// overdue returns the person with the oldest answer among those who are the only one followed in their
// server, where a gateway request would be for them alone. The user is 0 while everybody is reached in
// time, or if a REST request was made less than restInterval ago.
func (t *Cache) overdue(s *shard, now time.Time) (guild, user snowflake.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.lastREST) < restInterval {
		return 0, 0
	}
	oldest := now.Add(-RESTAfter)
	for id, g := range t.guilds {
		if len(g) != 1 || !s.owns(id) {
			continue
		}
		for u, e := range g {
			if at, due := e.due(now); due && e.known && at.Before(oldest) {
				guild, user, oldest = id, u, at
			}
		}
	}
	if user != 0 {
		t.lastREST, t.guilds[guild][user].asked = time.Now(), now
	}
	return guild, user
}

// onSendFailed marks the users of a failed request as not asked for, and delays the shard's next request
// by idleWait.
func (t *Cache) onSendFailed(s *shard, guild snowflake.ID, users []snowflake.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.held = time.Now().Add(idleWait)
	for _, u := range users {
		if e := t.guilds[guild][u]; e != nil {
			e.asked = time.Time{}
		}
	}
	t.wakeWaiters() // they need not wait for this request
}

// RateLimited stops a shard's requests for a while, because Discord refused one.
// https://discord.com/developers/docs/events/gateway-events#rate-limited
func (t *Cache) RateLimited(id int, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.shards[id]; s != nil {
		s.held = time.Now().Add(after)
	}
	t.o.Log.Warn("Discord limits requests for guild members: pausing them", "shard", id, "delay", after)
}

// next returns the users of the next request and counts it; or, if there is none now, how long to wait.
func (t *Cache) next(s *shard, now time.Time) (guild snowflake.ID, users []snowflake.ID, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := time.Until(s.held); d > 0 {
		return 0, nil, d
	}
	if d := s.sent.wait(); d > 0 {
		return 0, nil, d
	}
	var oldest time.Time
	var waited snowflake.ID
	wait = idleWait
	gap := s.gap()
	for id, g := range t.guilds {
		if !s.owns(id) {
			continue
		}
		for _, e := range g {
			if e.urgent && !e.waiting(now) {
				if d := time.Until(s.last[id].Add(gap)); d > 0 {
					wait = min(wait, d)
				} else {
					waited = id
				}
			}
			if at, due := e.due(now); due && (guild == 0 || at.Before(oldest)) {
				guild, oldest = id, at
			}
		}
	}
	if waited != 0 {
		guild = waited
		s.last[guild] = time.Now()
	}
	if guild == 0 {
		return 0, nil, wait
	}
	if users = t.pick(guild, now); len(users) > 0 {
		s.sent.spend()
	}
	return guild, users, wait
}

// gap is the minimum time between two urgent requests for the same server, so that one request serves
// several callers. It grows as the budget of the minute shrinks.
func (s *shard) gap() time.Duration {
	switch left := s.sent.left(); {
	case left >= RequestsPerMinute*8/10:
		return 0
	case left >= RequestsPerMinute*4/10:
		return time.Second
	}
	return 2 * time.Second
}

// waiting reports whether a request is pending that Discord may still answer.
func (e *entry) waiting(now time.Time) bool {
	return e.asked.After(e.st.CheckedAt) && now.Sub(e.asked) < answerTimeout
}

// due reports whether a request for this person is due, and returns the time of their last answer.
func (e *entry) due(now time.Time) (since time.Time, due bool) {
	if e.waiting(now) || !e.inRoom && e.followedUntil.Before(now) {
		return since, false
	}
	return e.st.CheckedAt, !e.known || now.Sub(e.st.CheckedAt) >= RefreshAfter
}

// pick returns the users of a server to request now, urgent ones first, then those with the oldest
// answers, and marks them as asked for. The caller holds mu.
func (t *Cache) pick(guild snowflake.ID, now time.Time) []snowflake.ID {
	g := t.guilds[guild]
	var users []snowflake.ID
	for u, e := range g {
		followed := e.inRoom || !e.followedUntil.Before(now)
		if !e.waiting(now) && (e.urgent || followed && (!e.known || now.Sub(e.st.CheckedAt) >= RefreshAfter/2)) {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, func(a, b snowflake.ID) int {
		x, y := g[a], g[b]
		if x.urgent != y.urgent {
			if x.urgent {
				return -1
			}
			return 1
		}
		return x.st.CheckedAt.Compare(y.st.CheckedAt)
	})
	users = users[:min(len(users), UsersPerRequest)]
	for _, u := range users {
		g[u].asked = now
	}
	return users
}
