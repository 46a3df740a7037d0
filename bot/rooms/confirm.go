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

// ChannelChanged takes a channel that was updated in Discord. It only enqueues.
//
// Discord tells of Snug's own edits as of anybody's, without saying whose they
// are, and late. So news that differ from a room are a reason to ask for the
// channel as it is now, and nothing else.
func (rs *Rooms) ChannelChanged(guildID snowflake.ID, c Channel) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		if g.settings.Lobby(c.ID) != nil {
			g.parents[c.ID] = cmp.Or(c.ParentID, g.settings.CategoryID)
		}
		r, err := g.room(c.ID)
		if err != nil || !g.ready {
			rs.onChannelGateChanged(ctx, g, c.ID)
			return
		}
		if rs.refresh(g, r, false) {
			rs.publish(g, r, room.Changed{})
			rs.reviewAll(ctx, g, r)
		}
		_ = g.inRoomLane(ctx, r, func() error { // what Snug is telling Discord just now is no difference
			if rs.differs(g, r, c) {
				rs.confirmChannel(g, r)
			} else {
				r.denied = false
			}
			return nil
		})
	})
}

// confirmChannel asks Discord for a room's channel, without holding the guild's turn,
// and has the room follow it. The caller holds the turn.
func (rs *Rooms) confirmChannel(g *guildState, r *roomState) {
	if r.asking {
		r.again = true
		return
	}
	r.asking = true
	id, edits := r.ID, rs.edits.of(r.ID)
	rs.run(func() {
		ctx, cancel := context.WithTimeout(rs.ctx, confirmTime)
		defer cancel()
		c, err := rs.o.Discord.There(ctx, g.id, id)
		rs.enqueue(g, func(ctx context.Context) {
			if r := g.rooms[id]; r != nil {
				_ = g.inRoomLane(ctx, r, func() error { rs.confirmed(ctx, g, r, c, err, edits); return nil })
			}
		})
	})
}

// confirmed follows Discord's answer, unless something was done to the channel while it was on its way.
func (rs *Rooms) confirmed(ctx context.Context, g *guildState, r *roomState, c Channel, err error, edits uint64) {
	anew := r.again || rs.edits.of(r.ID) != edits
	r.asking, r.again = false, false
	switch {
	case r.State != room.Open || !g.ready:
		return
	case anew:
		rs.confirmChannel(g, r)
		return
	case err != nil:
		err = rs.onUnseenChannel(ctx, g, r, room.ClosedChannel, err)
	case c.Unseen:
		err = rs.verifyMissing(ctx, g, r, room.ClosedChannel)
	default:
		err = rs.align(ctx, g, r, c)
	}
	if err != nil {
		g.behind = g.behind || errs.Has(err, errs.DiscordUnavailable) || errs.Has(err, errs.RateLimited)
		rs.o.Log.WarnContext(ctx, "a changed channel could not be followed", "guild_id", g.id, "room_id", r.ID,
			"err", err)
	}
}
