package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/room"
)

// Snapshot is a guild's state at the last unlock. It answers what must not wait (autocomplete,
// menus); actions check again under the lock. It is shared and must not be changed.
type Snapshot struct {
	Ready    bool // the guild is loaded and compared with Discord
	Info     room.GuildInfo
	Settings guild.Settings
	Rev      uint64      // of the settings, for room.SettingsRequest
	Rooms    []room.Room // that are open, the oldest first
	// Past are closed rooms that can be opened again, in no order. Some may be open again, or over.
	Past   []*room.Past
	places map[snowflake.ID]Place
}

// Access returns who may see and enter a room of the snapshot.
func (m Snapshot) Access(r *room.Room) room.Access {
	return summaryOf(r, m.Settings, m.places[r.ID]).Access
}

// Language is the language of public messages, for text.Catalog.For.
func (m Snapshot) Language() string {
	if m.Settings.Language != "" {
		return m.Settings.Language
	}
	return m.Info.Locale
}

// Snapshot returns a guild's last snapshot. It never blocks.
func (rs *Rooms) Snapshot(guildID snowflake.ID) Snapshot {
	if g := rs.guild(guildID, false); g != nil {
		if m := g.snapshot.Load(); m != nil {
			return *m
		}
	}
	return Snapshot{Settings: guild.Defaults()}
}

// updateSnapshot replaces the snapshot. The caller holds the lock.
func (g *guildState) updateSnapshot() {
	m := &Snapshot{
		Ready: g.ready, Info: g.info, Settings: g.settings, Rev: uint64(g.settingsRev),
	}
	if len(g.rooms) > 0 {
		m.Rooms, m.places = make([]room.Room, 0, len(g.rooms)), make(map[snowflake.ID]Place, len(g.rooms))
	}
	for _, r := range g.rooms {
		if r.State == room.Open {
			m.places[r.ID] = r.place
			m.Rooms = append(m.Rooms, r.Room) // documents are replaced, never changed, so their lists can be shared
		}
	}
	for id, p := range g.past {
		if g.rooms[id] == nil {
			m.Past = append(m.Past, p)
		}
	}
	slices.SortFunc(m.Rooms, func(a, b room.Room) int { return cmp.Compare(a.ID, b.ID) })
	if was := g.snapshot.Swap(m); len(m.Rooms) > 0 || was != nil && len(was.Rooms) > 0 {
		g.snapshotChanged()
	}
}

// Roster returns who is in a voice channel, in the order they joined. It never blocks.
func (rs *Rooms) Roster(guildID, channel snowflake.ID) []room.Person {
	return rs.o.Voice.Roster(guildID, channel)
}

// VoiceOf returns the voice channel a user is in, or 0. It never blocks.
func (rs *Rooms) VoiceOf(guildID, user snowflake.ID) snowflake.ID {
	return rs.o.Voice.ChannelOf(guildID, user)
}

// SetPanel stores which messages in a room's chat are Snug's.
// It fails with errs.RoomNotFound if the room is gone.
func (rs *Rooms) SetPanel(ctx context.Context, guildID, roomID snowflake.ID, p room.Panel) error {
	return rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		r, err := g.room(roomID)
		if err != nil {
			return err
		}
		return rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Panel = p })
	})
}
