package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// job is queued work on a guild. An exclusive job starts when
// all running tasks have ended, and delays the jobs behind it.
type job struct {
	run       func(context.Context)
	exclusive bool
}

// enqueue runs f under the guild's lock, after all jobs queued before have started
// (they may be waiting for Discord). It never blocks: gateway listeners call it.
func (rs *Rooms) enqueue(g *guildState, f func(context.Context)) { rs.push(g, job{run: f}) }

// push reports whether the job was queued.
func (rs *Rooms) push(g *guildState, e job) bool {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if rs.ctx.Err() != nil || g.released.Load() {
		return false
	}
	g.queue = append(g.queue, e)
	if !g.draining {
		g.draining = rs.goRun(func() { rs.drain(g) })
	}
	return true
}

// CatchUp returns once the rooms have followed what is published of a guild's voice by now, or when ctx ends. A seat
// that pages show as held is then held.
func (rs *Rooms) CatchUp(ctx context.Context, id snowflake.ID) {
	rs.o.Voice.Sync(ctx)
	g := rs.guild(id, false)
	if g == nil {
		return
	}
	followed := make(chan struct{})
	if !rs.push(g, job{run: func(ctx context.Context) { quietly(ctx); close(followed) }}) {
		return
	}
	select {
	case <-followed:
	case <-ctx.Done():
	case <-rs.ctx.Done():
	}
}

// enqueueAfter is enqueue after a delay.
func (rs *Rooms) enqueueAfter(g *guildState, wait time.Duration, f func(context.Context)) {
	rs.goRun(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			rs.enqueue(g, f)
		case <-rs.ctx.Done():
		}
	})
}

// enqueueIn is enqueue by guild id. It does nothing if this process does not hold the guild.
func (rs *Rooms) enqueueIn(id snowflake.ID, f func(context.Context, *guildState)) {
	if g := rs.guild(id, false); g != nil {
		rs.enqueue(g, func(ctx context.Context) { f(ctx, g) })
	}
}

// enqueueExclusive is enqueueIn for a job that replaces the state other tasks work on.
func (rs *Rooms) enqueueExclusive(id snowflake.ID, f func(context.Context, *guildState)) {
	if g := rs.guild(id, false); g != nil {
		rs.push(g, job{run: func(ctx context.Context) { f(ctx, g) }, exclusive: true})
	}
}

// drain starts a guild's queued jobs in order until none is left.
func (rs *Rooms) drain(g *guildState) {
	for {
		g.queueMu.Lock()
		if len(g.queue) == 0 || rs.ctx.Err() != nil || g.released.Load() {
			g.queue, g.draining = nil, false
			g.queueMu.Unlock()
			return
		}
		e := g.queue[0]
		g.queue = g.queue[1:]
		g.queueMu.Unlock()
		if e.exclusive {
			rs.runJob(g, e, nil)
			continue
		}
		parked := make(chan struct{})
		// Close waits for drain, so Add cannot race with Wait
		rs.wg.Go(func() { rs.runJob(g, e, func() { close(parked) }) })
		<-parked
	}
}

// runJob runs a job; parked is called when the next one may start.
func (rs *Rooms) runJob(g *guildState, e job, parked func()) {
	ctx, t, err := g.begin(rs.ctx, parked)
	if err != nil {
		if parked != nil {
			parked()
		}
		return
	}
	defer t.end()
	if e.exclusive {
		g.awaitExclusive(ctx)
	}
	if !g.released.Load() {
		e.run(ctx)
	}
}
