package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/room"
)

// Memory is what the keeper knows of a guild, as the last finished turn left
// it. It is for what must be answered at once: whoever acts on it asks the
// keeper, who looks again. It is shared and must not be changed.
type Memory struct {
	Ready    bool // the guild is loaded and compared with Discord
	Info     room.GuildInfo
	Settings guild.Settings
	Rev      uint64      // of the settings, for room.SettingsRequest
	Rooms    []room.Room // that are open, the oldest first
	places   map[snowflake.ID]Place
}

// Access is who may see and enter one of the rooms.
func (m Memory) Access(r *room.Room) room.Access {
	return summaryOf(r, m.Settings, m.places[r.ID]).Access
}

// Language is what is spoken where all can read it, as text.Catalog.For takes it.
func (m Memory) Language() string {
	if m.Settings.Language != "" {
		return m.Settings.Language
	}
	return m.Info.Locale
}

// Memory gives what is known of a guild. It never waits.
func (k *Keeper) Memory(guildID snowflake.ID) Memory {
	if g := k.guild(guildID, false); g != nil {
		if m := g.memory.Load(); m != nil {
			return *m
		}
	}
	return Memory{Settings: guild.Defaults()}
}

// remember takes what is known at the end of a turn.
func (g *guildRooms) remember() {
	m := &Memory{Ready: g.ready, Info: g.info, Settings: g.settings, Rev: uint64(g.setRev), Rooms: make([]room.Room, 0, len(g.rooms)), places: make(map[snowflake.ID]Place, len(g.rooms))}
	for _, r := range g.rooms {
		if r.State == room.Open {
			m.places[r.ID] = r.place
			m.Rooms = append(m.Rooms, r.Room) // documents are replaced, never changed, so their lists can be shared
		}
	}
	slices.SortFunc(m.Rooms, func(a, b room.Room) int { return cmp.Compare(a.ID, b.ID) })
	g.memory.Store(m)
	g.turned()
}

// Roster gives who is in a voice channel, in the order they came. It never waits.
func (k *Keeper) Roster(guildID, channel snowflake.ID) []room.Person {
	return k.o.Presence.Roster(guildID, channel)
}

// VoiceOf gives the voice channel a user is in, or 0. It never waits.
func (k *Keeper) VoiceOf(guildID, user snowflake.ID) snowflake.ID {
	return k.o.Presence.ChannelOf(guildID, user)
}

// SetPanel keeps which messages in a room's chat are Snug's. It fails with
// errs.RoomNotFound if the room is gone, and its messages with it.
func (k *Keeper) SetPanel(ctx context.Context, guildID, roomID snowflake.ID, p room.Panel) error {
	return k.with(ctx, guildID, func(ctx context.Context, g *guildRooms) error {
		r, err := g.room(roomID)
		if err != nil {
			return err
		}
		return k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Panel = p })
	})
}
