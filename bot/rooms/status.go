package rooms

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
)

// Info is what a voice channel has while somebody is in it. Discord tells of it
// beside the channel's object, and only when asked.
// https://discord.com/developers/docs/events/gateway-events#channel-info
type Info struct {
	Status string
	Since  time.Time // when the first one came; zero: nobody is in it
}

// StatusTold takes the news that a channel's status was set. It only enqueues.
//
// As with [Keeper.Changed], such news may be late and of Snug's own doing: what
// differs from a room is a reason to ask what the status is now.
func (k *Keeper) StatusTold(guildID, channel snowflake.ID, status string) {
	k.laterIn(guildID, func(_ context.Context, g *guildRooms) {
		if r, err := g.room(channel); err == nil && g.ready && r.Status != status {
			k.o.AskInfo(g.id)
		}
	})
}

// SinceTold takes the news that the first one came into a channel, or with a zero time that the last one left. It only enqueues.
func (k *Keeper) SinceTold(guildID, channel snowflake.ID, since time.Time) {
	k.laterIn(guildID, func(_ context.Context, g *guildRooms) {
		if r, err := g.room(channel); err == nil {
			k.liveSince(g, r, since)
		}
	})
}

// InfoTold takes what Discord answered to Options.AskInfo: all channels of a
// guild that have something to tell of. asked is when the question was sent. It only enqueues.
func (k *Keeper) InfoTold(guildID snowflake.ID, asked time.Time, channels map[snowflake.ID]Info) {
	k.laterIn(guildID, func(ctx context.Context, g *guildRooms) {
		again := false
		for id, r := range g.rooms {
			if r.State != room.Open || !g.ready {
				continue
			}
			k.liveSince(g, r, channels[id].Since)
			switch status := channels[id].Status; {
			case r.Due.Status || status == r.Status: // what is due is told again by the next sweep
			case !k.edits.at(id).Before(asked): // Snug set another one while the answer was on its way
				again = true
			default:
				k.followStatus(ctx, g, r, status)
			}
		}
		if again {
			k.o.AskInfo(g.id)
		}
	})
}

func (k *Keeper) liveSince(g *guildRooms, r *kept, since time.Time) {
	if r.since.Equal(since) {
		return
	}
	r.since = since
	k.tell(g, r, room.Changed{})
}

// followStatus has a room follow a status that somebody set in Discord. That of an empty room is cleared by Discord itself.
func (k *Keeper) followStatus(ctx context.Context, g *guildRooms, r *kept, status string) {
	entry := &audit.Entry{Kind: audit.EntryStatus, Via: access.ViaDiscord, Old: r.Status, New: status}
	if status == "" && len(k.o.Presence.Roster(g.id, r.ID)) == 0 {
		entry = nil
	}
	if err := k.change(ctx, g, r, entry, func(doc *room.Room) { doc.Status = status }); err != nil {
		k.o.Log.WarnContext(ctx, "a status set in Discord could not be followed", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}
