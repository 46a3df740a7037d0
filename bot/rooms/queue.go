package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// job is something to do in a guild. One that is done alone begins when all others have ended, and holds up
// those after it.
type job struct {
	run       func(context.Context)
	exclusive bool
}

// enqueue has f run under the guild's turn. What was enqueued for the guild before
// has begun by then, and may wait for Discord. It never waits: gateway listeners call it.
func (rs *Rooms) enqueue(g *guildState, f func(context.Context)) { rs.push(g, job{run: f}) }

func (rs *Rooms) push(g *guildState, e job) {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if rs.ctx.Err() != nil || g.gone.Load() {
		return
	}
	g.queue = append(g.queue, e)
	if !g.draining {
		g.draining = rs.run(func() { rs.drain(g) })
	}
}

// enqueueAfter is later, some time from now.
func (rs *Rooms) enqueueAfter(g *guildState, wait time.Duration, f func(context.Context)) {
	rs.run(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			rs.enqueue(g, f)
		case <-rs.ctx.Done():
		}
	})
}

// enqueueIn is later for a guild that may not be held: then nothing is done.
func (rs *Rooms) enqueueIn(id snowflake.ID, f func(context.Context, *guildState)) {
	if g := rs.guild(id, false); g != nil {
		rs.enqueue(g, func(ctx context.Context) { f(ctx, g) })
	}
}

// enqueueExclusive is laterIn for what replaces all that tasks work on.
func (rs *Rooms) enqueueExclusive(id snowflake.ID, f func(context.Context, *guildState)) {
	if g := rs.guild(id, false); g != nil {
		rs.push(g, job{run: func(ctx context.Context) { f(ctx, g) }, exclusive: true})
	}
}

// drain begins what was enqueued for a guild, one after the other, until there is nothing left.
func (rs *Rooms) drain(g *guildState) {
	for {
		g.queueMu.Lock()
		if len(g.queue) == 0 || rs.ctx.Err() != nil || g.gone.Load() {
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
		// the drain is waited for, so the keeper is not closed
		rs.wg.Go(func() { rs.runJob(g, e, func() { close(parked) }) })
		<-parked
	}
}

// runJob does an errand; parked is called when the next one may begin.
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
	if !g.gone.Load() {
		e.run(ctx)
	}
}
