package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
)

// ChannelInfo is what a voice channel has while somebody is in it. It is not part of the channel object;
// Discord sends it on request. https://discord.com/developers/docs/events/gateway-events#channel-info
type ChannelInfo struct {
	Status string
	Since  time.Time // voice_start_time; zero: nobody is in it
}

// StatusUpdated takes a Voice Channel Status Update event. It only enqueues.
//
// As with ChannelChanged, the event may be late and about Snug's own
// change: one that differs from the room causes the status to be requested.
func (rs *Rooms) StatusUpdated(guildID, channel snowflake.ID, status string) {
	rs.enqueueIn(guildID, func(_ context.Context, g *guildState) {
		if r, err := g.room(channel); err == nil && g.ready && r.Status != status {
			rs.o.RequestChannelInfo(g.id)
		}
	})
}

// StartTimeUpdated takes a Voice Channel Start Time Update event: the first
// user joined or, with a zero time, the last one left. It only enqueues.
func (rs *Rooms) StartTimeUpdated(guildID, channel snowflake.ID, since time.Time) {
	rs.enqueueIn(guildID, func(_ context.Context, g *guildState) {
		if r, err := g.room(channel); err == nil {
			rs.setStartTime(g, r, since)
		}
	})
}

// ChannelInfoReceived takes the response to Options.RequestChannelInfo: the channels of a guild
// that have a status or start time. asked is when the request was sent. It only enqueues.
func (rs *Rooms) ChannelInfoReceived(guildID snowflake.ID, asked time.Time, channels map[snowflake.ID]ChannelInfo) {
	rs.enqueueIn(guildID, func(ctx context.Context, g *guildState) {
		again := false
		for id, r := range g.rooms {
			if r.State != room.Open || !g.ready {
				continue
			}
			rs.setStartTime(g, r, channels[id].Since)
			switch status := channels[id].Status; {
			case r.Pending.Status || status == r.Status: // pending: the next sweep sends the room's status
			case !rs.edits.lastAt(id).Before(asked): // Snug changed the channel since the request
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

// adoptStatus takes over a status that was set in Discord.
// Discord itself clears the status of an empty channel.
func (rs *Rooms) adoptStatus(ctx context.Context, g *guildState, r *roomState, status string) {
	entry := &audit.Entry{Kind: audit.StatusChanged, Via: access.ViaDiscord, Old: r.Status, New: status}
	if status == "" && len(rs.o.Voice.Roster(g.id, r.ID)) == 0 {
		entry = nil
	}
	if err := rs.change(ctx, g, r, entry, func(doc *room.Room) { doc.Status = status }); err != nil {
		g.infoMissed = true
		rs.o.Log.WarnContext(ctx, "a status set in Discord could not be followed; a sweep repeats it",
			"guild_id", g.id, "room_id", r.ID, "err", err)
	}
}
