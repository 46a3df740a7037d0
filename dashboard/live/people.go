package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
)

type standing = room.Standing

type personKey struct{ guild, user snowflake.ID }

// person is somebody who watches a guild, in one or several pages. Under Live.mu.
type person struct {
	key      personKey
	standing standing
	asked    time.Time // when the standing was asked that counts
	next     time.Time // when to ask again
	queued   bool      // it waits to be asked
	checking bool      // it is being asked
	again    bool      // and is to be asked once more after that
	failed   bool      // the last time there was no answer
	watchers map[*watcher]struct{}
}

// ask asks for a standing, within Limits.AskWithin.
func (l *Live) ask(ctx context.Context, k personKey) (st standing, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Limits.AskWithin)
	defer cancel()
	st, err = l.o.Standing(ctx, k.guild, k.user)
	st.GuildID, st.UserID = k.guild, k.user
	return st, err
}

// join makes a watcher its person's. Live.mu is held.
func (l *Live) join(w *watcher, st standing, asked time.Time) {
	k := personKey{w.seat.guild, w.seat.user}
	p := l.people[k]
	if p == nil {
		p = &person{key: k, watchers: map[*watcher]struct{}{}}
		l.people[k] = p
	}
	l.learn(p, st, asked)
	w.person, w.cancel = p, nil
	p.watchers[w] = struct{}{}
}

// learn takes in a standing, unless a later one is known, and shows and hides
// what it changes for the person's watchers. Live.mu is held.
func (l *Live) learn(p *person, st standing, asked time.Time) {
	if asked.Before(p.asked) {
		return
	}
	if g := l.guilds[p.key.guild]; g != nil {
		st = st.In(g.access)
	}
	changed := !sameStanding(p.standing, st)
	p.standing, p.asked, p.failed = st, asked, false
	every := l.o.Limits.RecheckEvery
	p.next = asked.Add(every - time.Duration(rand.Int64N(int64(every/5)+1))) // spread, so that a restart's crowd is not asked for at once for ever
	if changed {
		l.lookAgain(p)
	}
}

// lookAgain shows and hides what a person's new standing changes for their watchers. Live.mu is held.
func (l *Live) lookAgain(p *person) {
	for w := range p.watchers {
		switch g := l.guilds[w.seat.guild]; {
		case !p.standing.Member:
			l.part(w, w.seat.refusal())
		case g == nil:
		case w.seat.room == 0:
			for _, e := range g.rooms {
				l.look(e, w)
			}
		case g.rooms[w.seat.room] != nil:
			l.look(g.rooms[w.seat.room], w)
		}
	}
}

// part ends an authenticated watcher with the reason. Live.mu is held; nothing here waits.
func (l *Live) part(w *watcher, why error) {
	l.leave(w)
	code := protocol.CloseFor(why)
	l.metrics.ended(code)
	w.conn.send(textFrame(protocol.EncodeError(why, l.o.Now())))
	w.conn.finish(code)
}

// Recheck has a user's standing in a guild asked again now. It does not wait.
func (l *Live) Recheck(guild, user snowflake.ID) {
	l.mu.Lock()
	if p := l.people[personKey{guild, user}]; p != nil {
		l.hurry(p)
	}
	l.mu.Unlock()
}

// hurry has a person asked before the others, or once more if that is being
// done: the answer on its way may be of before. Live.mu is held.
func (l *Live) hurry(p *person) {
	if p.checking {
		p.again = true
		return
	}
	p.queued = true
	l.urgent = append(l.urgent, p)
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// sweep asks standings again, ends watchers whose session or standing ran out,
// and forgets what is over, until ctx ends. It waits for the questions it asked.
func (l *Live) sweep(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(l.o.Limits.Sweep)
	defer tick.Stop()
	var queue []*person
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
			p := queue[0]
			if queue = queue[1:]; !l.begin(p) {
				continue
			}
			running++
			wg.Go(func() {
				l.check(ctx, p)
				done <- struct{}{}
			})
		}
	}
}

// due gives the people whose standing is to be asked again, those asked longest ago first.
func (l *Live) due() []*person {
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
	slices.SortFunc(due, func(a, b *person) int { return a.asked.Compare(b.asked) })
	return due
}

func (l *Live) takeUrgent() []*person {
	l.mu.Lock()
	defer l.mu.Unlock()
	urgent := l.urgent
	l.urgent = nil
	return urgent
}

// begin says whether a person from the queue is still to be asked: it may be
// there twice, and its last watcher may have gone.
func (l *Live) begin(p *person) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ask := p.queued && !p.checking && len(p.watchers) > 0
	p.queued = false
	p.checking = p.checking || ask
	return ask
}

// check asks for a person's standing. Without an answer the old one goes on counting for a while.
func (l *Live) check(ctx context.Context, p *person) {
	asked := l.o.Now()
	st, err := l.askSafely(ctx, p.key)
	result := "member"
	l.mu.Lock()
	p.checking = false
	switch {
	case err != nil:
		result, p.failed = "failed", true
		p.next = l.o.Now().Add(l.o.Limits.RecheckEvery / 5)
	case !st.Member:
		result = "gone"
		l.learn(p, st, asked)
	default:
		l.learn(p, st, asked)
	}
	if p.again {
		p.again = false
		l.hurry(p)
	}
	l.mu.Unlock()
	l.metrics.checks.WithLabelValues(result).Inc()
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		l.log.Warn("live: a standing could not be asked again", "guild_id", p.key.guild, "user_id", p.key.user, "err", err)
	}
}

// askSafely makes a panic of the asked an error: it would end the process here.
func (l *Live) askSafely(ctx context.Context, k personKey) (st standing, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("live: asking panicked: %v", r)
		}
	}()
	return l.ask(ctx, k)
}

// expire ends what time ends.
func (l *Live) expire() {
	now := l.o.Now()
	var over []*watcher
	l.mu.Lock()
	for w := range l.watchers {
		if w.seat.user != 0 && !w.seat.ends.After(now) {
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
		if now.Sub(at) >= protocol.ShownEvery {
			delete(l.spoke, user)
		}
	}
	for _, p := range l.people {
		if p.failed && now.Sub(p.asked) > l.o.Limits.StandingFor {
			for w := range p.watchers {
				l.part(w, errs.E(errs.Unavailable, "Discord could not be asked for a while whether you may see this. Please wait a moment."))
			}
		}
	}
	if l.caught && !l.forget.IsZero() && !now.Before(l.forget) {
		l.forget = time.Time{}
		l.abandon()
	}
}

func sameStanding(a, b standing) bool {
	return a.Member == b.Member && a.Base == b.Base && a.Owner == b.Owner && a.Admin == b.Admin && a.Manager == b.Manager &&
		a.Pending == b.Pending && a.TimedOutUntil.Equal(b.TimedOutUntil) && slices.Equal(a.Roles, b.Roles)
}
