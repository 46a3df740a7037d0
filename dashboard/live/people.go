package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/protocol"
)

type standing = access.Standing

type personKey struct{ guild, user snowflake.ID }

// person is somebody who watches a guild, in one or several pages. Guarded by Live.mu.
type person struct {
	key      personKey
	standing standing
	asked    time.Time // when Discord was asked for the current standing
	heard    time.Time // when the last answer arrived
	silenced bool      // they were timed out, and the standing already said so
	next     time.Time // when to request it again
	queued   bool      // waiting to be requested
	now      bool      // before the others
	checking bool      // being requested
	again    bool      // request it once more after that
	failed   bool      // the last request had no answer
	watchers map[*watcher]struct{}
}

// ask requests a standing, within Limits.AskWithin.
func (l *Live) ask(ctx context.Context, k personKey) (st standing, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Limits.AskWithin)
	defer cancel()
	st, err = l.o.Standing(ctx, k.guild, k.user)
	st.GuildID, st.UserID = k.guild, k.user
	return st, err
}

// join adds a watcher to its person. The caller holds Live.mu.
func (l *Live) join(w *watcher, st standing, asked time.Time) {
	k := personKey{w.admission.guild, w.admission.user}
	p := l.people[k]
	if p == nil {
		p = &person{key: k, watchers: map[*watcher]struct{}{}}
		l.people[k] = p
	}
	l.recordAnswer(p, asked)
	l.learn(p, st, asked)
	w.person, w.cancel = p, nil
	p.watchers[w] = struct{}{}
}

// learn stores a standing, unless a later one is known, and shows or hides what it changes for the
// person's watchers. The caller holds Live.mu.
func (l *Live) learn(p *person, st standing, asked time.Time) {
	if l.o.Standings != nil && !st.CheckedAt.IsZero() {
		asked = st.CheckedAt // whenever it was requested, it is only as recent as this
	}
	if asked.Before(p.asked) {
		return
	}
	if g := l.guilds[p.key.guild]; g != nil {
		st = st.WithGuild(g.access)
	}
	silenced := st.TimedOutUntil.After(l.o.Now())
	changed := !sameStanding(p.standing, st) || silenced != p.silenced
	p.standing, p.asked, p.silenced = st, asked, silenced
	if changed {
		l.updateRooms(p)
	}
}

// updateRooms shows or hides what a person's new standing changes for their watchers. The caller holds Live.mu.
func (l *Live) updateRooms(p *person) {
	for w := range p.watchers {
		switch g := l.guilds[w.admission.guild]; {
		case !p.standing.Member:
			l.endWatcher(w, w.admission.refusal())
		case g == nil:
		case w.admission.room == 0:
			for _, e := range g.rooms {
				l.updateRoom(e, w)
			}
		case g.rooms[w.admission.room] != nil:
			l.updateRoom(g.rooms[w.admission.room], w)
		}
	}
}

// recordAnswer records an answer about a person and when to request the next one. The caller holds Live.mu.
func (l *Live) recordAnswer(p *person, at time.Time) {
	every := l.o.Limits.RecheckEvery
	if l.o.Standings != nil {
		every = l.o.Limits.PollEvery
	}
	p.heard, p.failed = at, false
	// spread out, so that everybody who connected after a restart isn't requested at the same time
	p.next = at.Add(every - time.Duration(rand.Int64N(int64(every/5)+1)))
}

// endWatcher ends an authenticated watcher with a reason. The caller holds Live.mu; nothing here blocks.
func (l *Live) endWatcher(w *watcher, why error) {
	l.leave(w)
	code := protocol.CloseFor(why)
	l.metrics.ended(code)
	w.conn.send(textFrame(protocol.EncodeError(why, l.o.Now())))
	w.conn.finish(code)
}

// Recheck requests a user's standing in a guild again now. It doesn't block.
func (l *Live) Recheck(guild, user snowflake.ID) {
	l.mu.Lock()
	if p := l.people[personKey{guild, user}]; p != nil {
		l.hurry(p)
	}
	l.mu.Unlock()
}

// hurry requests a person before the others, or once more if a request is running, whose answer may
// be outdated. The caller holds Live.mu.
func (l *Live) hurry(p *person) {
	if p.checking {
		p.again = true
		return
	}
	p.queued, p.now = true, true
	l.urgent = append(l.urgent, p)
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// sweep refreshes standings, ends watchers whose session or standing has expired, and removes old
// entries, until ctx ends. It waits for its running requests.
func (l *Live) sweep(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(l.o.Limits.Sweep)
	defer tick.Stop()
	var queue [][]*person
	running, done := 0, make(chan struct{}, l.o.Limits.Checks)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.expire()
			queue = append(queue, l.due()...)
		case <-l.nudge:
			queue = append(l.takeUrgent(), queue...)
		case <-done:
			running--
		}
		for running < l.o.Limits.Checks && len(queue) > 0 {
			some, now := l.begin(queue[0])
			if queue = queue[1:]; len(some) == 0 {
				continue
			}
			running++
			wg.Go(func() {
				l.check(ctx, some, now)
				done <- struct{}{}
			})
		}
	}
}

// maxPoll is the number of people of a guild in one call of Standings.
const maxPoll = 500

// due returns the people whose standing has to be requested, by guild, or each alone without
// Options.Standings; those with the oldest requests first.
func (l *Live) due() (groups [][]*person) {
	now := l.o.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []*person
	for _, p := range l.people {
		if !p.checking && !p.queued && !now.Before(p.next) {
			p.queued = true
			due = append(due, p)
		}
	}
	if l.o.Standings != nil {
		slices.SortStableFunc(due, func(a, b *person) int { return cmp.Compare(a.key.guild, b.key.guild) })
	} else {
		slices.SortFunc(due, func(a, b *person) int { return a.asked.Compare(b.asked) })
	}
	for _, p := range due {
		last := len(groups) - 1
		if l.o.Standings == nil || last < 0 || groups[last][0].key.guild != p.key.guild ||
			len(groups[last]) >= maxPoll {
			groups = append(groups, []*person{p})
		} else {
			groups[last] = append(groups[last], p)
		}
	}
	return groups
}

func (l *Live) takeUrgent() (each [][]*person) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.urgent {
		each = append(each, []*person{p})
	}
	l.urgent = nil
	return each
}

// begin returns those in the queue who still have to be requested, and whether before the others:
// somebody may be in it twice, or their last watcher may be gone.
func (l *Live) begin(queued []*person) (some []*person, now bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range queued {
		if p.queued && !p.checking && len(p.watchers) > 0 {
			p.checking, now = true, now || p.now
			some = append(some, p)
		}
		p.queued, p.now = false, false
	}
	return some, now
}

// check requests standings. Without an answer the old one stays valid for a while.
func (l *Live) check(ctx context.Context, some []*person, now bool) {
	if l.o.Standings != nil && !now {
		l.poll(ctx, some)
		return
	}
	for _, p := range some {
		l.checkOne(ctx, p)
	}
}

// poll requests people of one guild together.
func (l *Live) poll(ctx context.Context, some []*person) {
	users := make([]snowflake.ID, len(some))
	for i, p := range some {
		users[i] = p.key.user
	}
	known, err := safely(func() ([]standing, error) {
		ctx, cancel := context.WithTimeout(ctx, l.o.Limits.AskWithin)
		defer cancel()
		return l.o.Standings(ctx, some[0].key.guild, users)
	})
	of := map[snowflake.ID]standing{}
	for _, st := range known {
		of[st.UserID] = st
	}
	now := l.o.Now()
	l.mu.Lock()
	for _, p := range some {
		st, there := of[p.key.user]
		l.checked(p, st, there, now, l.o.Limits.PollEvery)
	}
	l.mu.Unlock()
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		l.log.Warn("live: cannot refresh standings", "guild_id", some[0].key.guild, "watchers", len(some),
			"err", err)
	}
}

// checkOne requests one person's standing.
func (l *Live) checkOne(ctx context.Context, p *person) {
	asked := l.o.Now()
	st, err := safely(func() (standing, error) { return l.ask(ctx, p.key) })
	l.mu.Lock()
	l.checked(p, st, err == nil, asked, l.o.Limits.RecheckEvery)
	l.mu.Unlock()
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		l.log.Warn("live: cannot refresh a watcher's standing", "guild_id", p.key.guild, "user_id", p.key.user,
			"err", err)
	}
}

// checked handles the result of a request for a person. Without an answer they are requested again
// sooner than every. The caller holds Live.mu.
func (l *Live) checked(p *person, st standing, answered bool, asked time.Time, every time.Duration) {
	result := "member"
	p.checking = false
	switch {
	case !answered:
		result, p.failed, p.next = "failed", true, l.o.Now().Add(every/5)
	case !st.Member:
		result = "gone"
		fallthrough
	default:
		l.recordAnswer(p, asked)
		l.learn(p, st, asked)
	}
	if p.again {
		p.again = false
		l.hurry(p)
	}
	l.metrics.checks.WithLabelValues(result).Inc()
}

// safely turns a panic in ask into an error, because it would end the process here.
func safely[T any](ask func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("live: panic while requesting a standing: %v", r)
		}
	}()
	return ask()
}

// expire ends and removes what has expired.
func (l *Live) expire() {
	now := l.o.Now()
	var over []*watcher
	l.mu.Lock()
	for w := range l.watchers {
		if w.admission.user != 0 && !w.admission.ends.After(now) {
			over = append(over, w)
		}
	}
	l.mu.Unlock()
	for _, w := range over {
		l.end(w, protocol.CloseSessionOver)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, until := range l.ended {
		if until.Before(now) {
			delete(l.ended, id)
		}
	}
	for user, at := range l.spoke {
		if now.Sub(at) >= protocol.RenderedEvery {
			delete(l.spoke, user)
		}
	}
	for _, p := range l.people {
		if p.failed && now.Sub(p.heard) > l.o.Limits.StandingFor {
			for w := range p.watchers {
				l.endWatcher(w,
					errs.E(errs.Unavailable,
						"Snug couldn't check with Discord whether you can see this. Wait a moment."))
			}
		}
	}
	if l.caught && !l.forget.IsZero() && !now.Before(l.forget) {
		l.forget = time.Time{}
		l.abandon()
	}
}

// sameStanding reports whether a person may do the same things as before.
func sameStanding(a, b standing) bool {
	return a.Member == b.Member && a.Base == b.Base && a.Owner == b.Owner && a.Admin == b.Admin &&
		a.Manager == b.Manager && a.Pending == b.Pending && a.TimedOutUntil.Equal(b.TimedOutUntil) &&
		slices.Equal(slices.Sorted(slices.Values(a.Roles)), slices.Sorted(slices.Values(b.Roles)))
}
