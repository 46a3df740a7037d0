package rooms

import (
	"cmp"
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/room"
)

// confirmTimeout bounds fetching one channel.
const confirmTimeout = 30 * time.Second

// ChannelChanged takes a Channel Update event. It only enqueues.
//
// The event does not say who made the change, may be late, and may be about Snug's
// own edits. So one that differs from the room only causes the channel to be fetched.
func (rs *Rooms) ChannelChanged(guildID snowflake.ID, c Channel) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		if g.settings.Lobby(c.ID) != nil {
			g.lobbyParents[c.ID] = cmp.Or(c.ParentID, g.settings.CategoryID)
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
		_ = g.inRoomLane(ctx, r, func() error { // wait for Snug's own calls for this room
			if rs.differs(g, r, c) {
				rs.confirmChannel(g, r)
			} else {
				r.denialLogged = false
			}
			return nil
		})
	})
}

// DenialsLost denies again on a room's channel what others denied there while Snug was changing the same overwrites.
func (rs *Rooms) DenialsLost(guildID, channel snowflake.ID, lost []access.Overwrite) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		r, err := g.room(channel)
		if err != nil {
			return
		}
		_ = g.inRoomLane(ctx, r, func() error {
			for _, o := range lost {
				err := rs.o.Discord.Deny(ctx, channel, o, "Snug: denied while Snug was changing it")
				if err != nil {
					rs.o.Log.WarnContext(ctx, "what somebody denied in a room was lost; they have to repeat it",
						"guild_id", guildID, "room_id", channel, "id", o.ID, "err", err)
				}
			}
			return nil
		})
	})
}

// confirmChannel fetches a room's channel in the background and
// aligns the room with it. The caller holds the guild's lock.
func (rs *Rooms) confirmChannel(g *guildState, r *roomState) {
	if r.confirming {
		r.confirmAgain = true
		return
	}
	r.confirming = true
	id, edits := r.ID, rs.edits.count(r.ID)
	rs.goRun(func() {
		ctx, cancel := context.WithTimeout(rs.ctx, confirmTimeout)
		defer cancel()
		c, err := rs.o.Discord.FetchChannel(ctx, g.id, id)
		rs.enqueue(g, func(ctx context.Context) {
			if r := g.rooms[id]; r != nil {
				_ = g.inRoomLane(ctx, r, func() error { rs.confirmed(ctx, g, r, c, err, edits); return nil })
			}
		})
	})
}

// confirmed aligns a room with the fetched channel, or fetches it again if Snug edited it meanwhile.
func (rs *Rooms) confirmed(ctx context.Context, g *guildState, r *roomState, c Channel, err error, edits uint64) {
	outdated := r.confirmAgain || rs.edits.count(r.ID) != edits
	r.confirming, r.confirmAgain = false, false
	switch {
	case r.State != room.Open || !g.ready:
		return
	case outdated:
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
		g.compareFailed = g.compareFailed || mayHaveHappened(err)
		rs.o.Log.WarnContext(ctx, "a changed channel could not be followed", "guild_id", g.id, "room_id", r.ID,
			"err", err)
	}
}
