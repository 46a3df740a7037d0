package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
)

// ChannelInfo is what a voice channel has while somebody is in it. Discord tells of it
// beside the channel's object, and only when asked.
// https://discord.com/developers/docs/events/gateway-events#channel-info
type ChannelInfo struct {
	Status string
	Since  time.Time // when the first one came; zero: nobody is in it
}

// StatusUpdated takes the news that a channel's status was set. It only enqueues.
//
// As with [Keeper.Changed], such news may be late and of Snug's own doing: what
// differs from a room is a reason to ask what the status is now.
func (rs *Rooms) StatusUpdated(guildID, channel snowflake.ID, status string) {
	rs.enqueueIn(guildID, func(_ context.Context, g *guildState) {
		if r, err := g.room(channel); err == nil && g.ready && r.Status != status {
			rs.o.RequestChannelInfo(g.id)
		}
	})
}

// StartTimeUpdated takes the news that the first one came into a channel, or with a zero time that the last
// one left. It only enqueues.
func (rs *Rooms) StartTimeUpdated(guildID, channel snowflake.ID, since time.Time) {
	rs.enqueueIn(guildID, func(_ context.Context, g *guildState) {
		if r, err := g.room(channel); err == nil {
			rs.setStartTime(g, r, since)
		}
	})
}

// ChannelInfoReceived takes what Discord answered to Options.AskInfo: all channels of a
// guild that have something to tell of. asked is when the question was sent. It only enqueues.
func (rs *Rooms) ChannelInfoReceived(guildID snowflake.ID, asked time.Time, channels map[snowflake.ID]ChannelInfo) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		again := false
		for id, r := range g.rooms {
			if r.State != room.Open || !g.ready {
				continue
			}
			rs.setStartTime(g, r, channels[id].Since)
			switch status := channels[id].Status; {
			case r.Pending.Status || status == r.Status: // what is due is told again by the next sweep
			case !rs.edits.lastAt(id).Before(asked): // Snug set another one while the answer was on its way
				again = true
			default:
				rs.adoptStatus(ctx, g, r, status)
			}
		}
		if again {
			rs.o.RequestChannelInfo(g.id)
		}
	})
}

func (rs *Rooms) setStartTime(g *guildState, r *roomState, since time.Time) {
	if r.startedAt.Equal(since) {
		return
	}
	r.startedAt = since
	rs.publish(g, r, room.Changed{})
}

// adoptStatus has a room follow a status that somebody set in Discord. That of an empty room is cleared by
// Discord itself.
func (rs *Rooms) adoptStatus(ctx context.Context, g *guildState, r *roomState, status string) {
	entry := &audit.Entry{Kind: audit.StatusChanged, Via: access.ViaDiscord, Old: r.Status, New: status}
	if status == "" && len(rs.o.Voice.Roster(g.id, r.ID)) == 0 {
		entry = nil
	}
	if err := rs.change(ctx, g, r, entry, func(doc *room.Room) { doc.Status = status }); err != nil {
		rs.o.Log.WarnContext(ctx, "a status set in Discord could not be followed", "guild_id", g.id, "room_id", r.ID,
			"err", err)
	}
}
