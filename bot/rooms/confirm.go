package rooms

import (
	"cmp"
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
)

// confirmTime bounds asking Discord for one channel.
const confirmTime = 30 * time.Second

// Changed takes a channel that was updated in Discord. It only enqueues.
//
// Discord tells of Snug's own edits as of anybody's, without saying whose they
// are, and late. So news that differ from a room are a reason to ask for the
// channel as it is now, and nothing else.
func (k *Keeper) Changed(guildID snowflake.ID, c Channel) {
	k.laterIn(guildID, func(ctx context.Context, g *guildRooms) {
		if g.settings.Lobby(c.ID) != nil {
			g.parents[c.ID] = cmp.Or(c.ParentID, g.settings.CategoryID)
		}
		r, err := g.room(c.ID)
		if err != nil || !g.ready {
			k.regateBy(ctx, g, c.ID)
			return
		}
		if k.refresh(g, r, false) {
			k.tell(g, r, room.Changed{})
			k.reviewAll(ctx, g, r)
		}
		_ = g.inRoomsLane(ctx, r, func() error { // what Snug is telling Discord just now is no difference
			if k.differs(g, r, c) {
				k.confirm(g, r)
			} else {
				r.denied = false
			}
			return nil
		})
	})
}

// confirm asks Discord for a room's channel, without holding the guild's turn,
// and has the room follow it. The caller holds the turn.
func (k *Keeper) confirm(g *guildRooms, r *kept) {
	if r.asking {
		r.again = true
		return
	}
	r.asking = true
	id, edits := r.ID, k.edits.of(r.ID)
	k.run(func() {
		ctx, cancel := context.WithTimeout(k.ctx, confirmTime)
		defer cancel()
		c, err := k.o.Discord.There(ctx, g.id, id)
		k.later(g, func(ctx context.Context) {
			if r := g.rooms[id]; r != nil {
				_ = g.inRoomsLane(ctx, r, func() error { k.confirmed(ctx, g, r, c, err, edits); return nil })
			}
		})
	})
}

// confirmed follows Discord's answer, unless something was done to the channel while it was on its way.
func (k *Keeper) confirmed(ctx context.Context, g *guildRooms, r *kept, c Channel, err error, edits uint64) {
	anew := r.again || k.edits.of(r.ID) != edits
	r.asking, r.again = false, false
	switch {
	case r.State != room.Open || !g.ready:
		return
	case anew:
		k.confirm(g, r)
		return
	case err != nil:
		err = k.notSeen(ctx, g, r, room.ClosedChannel, err)
	case c.Unseen:
		err = k.missed(ctx, g, r, room.ClosedChannel)
	default:
		err = k.align(ctx, g, r, c)
	}
	if err != nil {
		g.behind = g.behind || errs.Has(err, errs.DiscordUnavailable) || errs.Has(err, errs.RateLimited)
		k.o.Log.WarnContext(ctx, "a changed channel could not be followed", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}
