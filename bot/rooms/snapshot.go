package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/room"
)

// Snapshot is what the keeper knows of a guild, as the last finished turn left
// it. It is for what must be answered at once: whoever acts on it asks the
// keeper, who looks again. It is shared and must not be changed.
type Snapshot struct {
	Ready    bool // the guild is loaded and compared with Discord
	Info     room.GuildInfo
	Settings guild.Settings
	Rev      uint64      // of the settings, for room.SettingsRequest
	Rooms    []room.Room // that are open, the oldest first
	places   map[snowflake.ID]Place
}

// Access is who may see and enter one of the rooms.
func (m Snapshot) Access(r *room.Room) room.Access {
	return summaryOf(r, m.Settings, m.places[r.ID]).Access
}

// Language is what is spoken where all can read it, as text.Catalog.For takes it.
func (m Snapshot) Language() string {
	if m.Settings.Language != "" {
		return m.Settings.Language
	}
	return m.Info.Locale
}

// Snapshot gives what is known of a guild. It never waits.
func (rs *Rooms) Snapshot(guildID snowflake.ID) Snapshot {
	if g := rs.guild(guildID, false); g != nil {
		if m := g.snapshot.Load(); m != nil {
			return *m
		}
	}
	return Snapshot{Settings: guild.Defaults()}
}

// updateSnapshot takes what is known at the end of a turn.
func (g *guildState) updateSnapshot() {
	m := &Snapshot{
		Ready: g.ready, Info: g.info, Settings: g.settings, Rev: uint64(g.setRev),
		Rooms: make([]room.Room, 0, len(g.rooms)), places: make(map[snowflake.ID]Place, len(g.rooms)),
	}
	for _, r := range g.rooms {
		if r.State == room.Open {
			m.places[r.ID] = r.place
			m.Rooms = append(m.Rooms, r.Room) // documents are replaced, never changed, so their lists can be shared
		}
	}
	slices.SortFunc(m.Rooms, func(a, b room.Room) int { return cmp.Compare(a.ID, b.ID) })
	g.snapshot.Store(m)
	g.snapshotChanged()
}

// Roster gives who is in a voice channel, in the order they came. It never waits.
func (rs *Rooms) Roster(guildID, channel snowflake.ID) []room.Person {
	return rs.o.Voice.Roster(guildID, channel)
}

// VoiceOf gives the voice channel a user is in, or 0. It never waits.
func (rs *Rooms) VoiceOf(guildID, user snowflake.ID) snowflake.ID {
	return rs.o.Voice.ChannelOf(guildID, user)
}

// SetPanel keeps which messages in a room's chat are Snug's. It fails with
// errs.RoomNotFound if the room is gone, and its messages with it.
func (rs *Rooms) SetPanel(ctx context.Context, guildID, roomID snowflake.ID, p room.Panel) error {
	return rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r, err := g.room(roomID)
		if err != nil {
			return err
		}
		return rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Panel = p })
	})
}
