package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// errand is something to do in a guild. One that is done alone begins when all others have ended, and holds up those after it.
type errand struct {
	do    func(context.Context)
	alone bool
}

// later has f run under the guild's turn. What was enqueued for the guild before
// has begun by then, and may wait for Discord. It never waits: gateway listeners call it.
func (k *Keeper) later(g *guildRooms, f func(context.Context)) { k.enqueue(g, errand{do: f}) }

func (k *Keeper) enqueue(g *guildRooms, e errand) {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	if k.ctx.Err() != nil || g.gone.Load() {
		return
	}
	g.inbox = append(g.inbox, e)
	if !g.draining {
		g.draining = k.run(func() { k.drain(g) })
	}
}

// after is later, some time from now.
func (k *Keeper) after(g *guildRooms, wait time.Duration, f func(context.Context)) {
	k.run(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			k.later(g, f)
		case <-k.ctx.Done():
		}
	})
}

// laterIn is later for a guild that may not be held: then nothing is done.
func (k *Keeper) laterIn(id snowflake.ID, f func(context.Context, *guildRooms)) {
	if g := k.guild(id, false); g != nil {
		k.later(g, func(ctx context.Context) { f(ctx, g) })
	}
}

// aloneIn is laterIn for what replaces all that tasks work on.
func (k *Keeper) aloneIn(id snowflake.ID, f func(context.Context, *guildRooms)) {
	if g := k.guild(id, false); g != nil {
		k.enqueue(g, errand{do: func(ctx context.Context) { f(ctx, g) }, alone: true})
	}
}

// drain begins what was enqueued for a guild, one after the other, until there is nothing left.
func (k *Keeper) drain(g *guildRooms) {
	for {
		g.inboxMu.Lock()
		if len(g.inbox) == 0 || k.ctx.Err() != nil || g.gone.Load() {
			g.inbox, g.draining = nil, false
			g.inboxMu.Unlock()
			return
		}
		e := g.inbox[0]
		g.inbox = g.inbox[1:]
		g.inboxMu.Unlock()
		if e.alone {
			k.perform(g, e, nil)
			continue
		}
		parked := make(chan struct{})
		k.wg.Go(func() { k.perform(g, e, func() { close(parked) }) }) // the drain is waited for, so the keeper is not closed
		<-parked
	}
}

// perform does an errand; parked is called when the next one may begin.
func (k *Keeper) perform(g *guildRooms, e errand, parked func()) {
	ctx, t, err := g.begin(k.ctx, parked)
	if err != nil {
		if parked != nil {
			parked()
		}
		return
	}
	defer t.end()
	if e.alone {
		g.awaitAlone(ctx)
	}
	if !g.gone.Load() {
		e.do(ctx)
	}
}
