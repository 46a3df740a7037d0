package rooms

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

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
	Past []*room.Past
	open []openRoom // what Rooms is made from
}

// openRoom is an open room in a snapshot.
type openRoom struct {
	doc   *room.Room // replaced, never changed
	place Place
}

// state is a snapshot whose Rooms are made when somebody asks for them first: most snapshots are replaced before.
type state struct {
	Snapshot
	once sync.Once
}

func (s *state) full() Snapshot {
	s.once.Do(func() {
		if len(s.open) > 0 {
			s.Rooms = make([]room.Room, len(s.open))
		}
		for i, o := range s.open {
			s.Rooms[i] = *o.doc
		}
	})
	return s.Snapshot
}

// Access returns who may see and enter a room of the snapshot.
func (m Snapshot) Access(r *room.Room) room.Access {
	var place Place
	if i := slices.IndexFunc(m.open, func(o openRoom) bool { return o.doc.ID == r.ID }); i >= 0 {
		place = m.open[i].place
	}
	return summaryOf(r, m.Settings, place).Access
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
			return m.full()
		}
	}
	return Snapshot{Settings: guild.Defaults()}
}

// SettingsOf returns a guild's settings at the last unlock, and whether they are known. It never blocks.
func (rs *Rooms) SettingsOf(guildID snowflake.ID) (guild.Settings, bool) {
	if g := rs.guild(guildID, false); g != nil {
		if m := g.snapshot.Load(); m != nil && m.Ready {
			return m.Settings, true
		}
	}
	return guild.Defaults(), false
}

// updateDocuments replaces the snapshot after documents of rooms were changed, and nothing that is shown of them in
// Discord. The caller holds the lock.
func (g *guildState) updateDocuments(changed []*roomState) {
	was := g.snapshot.Load()
	if was == nil {
		return // none was made yet
	}
	m := &state{Snapshot: Snapshot{
		Ready: was.Ready, Info: was.Info, Settings: was.Settings, Rev: was.Rev, Past: was.Past,
		open: slices.Clone(was.open),
	}}
	for _, r := range changed {
		if i := slices.IndexFunc(m.open, func(o openRoom) bool { return o.doc.ID == r.ID }); i >= 0 {
			m.open[i].doc = r.document()
		}
	}
	g.snapshot.Store(m)
}

// updateSnapshot replaces the snapshot, and says so if it shows something else. The caller holds the lock.
func (g *guildState) updateSnapshot() {
	m := &state{Snapshot: Snapshot{
		Ready: g.ready, Info: g.info, Settings: g.settings, Rev: uint64(g.settingsRev),
	}}
	if len(g.rooms) > 0 {
		m.open = make([]openRoom, 0, len(g.rooms))
	}
	for _, r := range g.rooms {
		if r.State == room.Open {
			m.open = append(m.open, openRoom{r.document(), r.place})
		}
	}
	for id, p := range g.past {
		if g.rooms[id] == nil {
			m.Past = append(m.Past, p)
		}
	}
	slices.SortFunc(m.open, func(a, b openRoom) int { return cmp.Compare(a.doc.ID, b.doc.ID) })
	was := g.snapshot.Swap(m)
	if was == nil {
		was = &state{}
	}
	if len(m.open) == 0 && len(was.open) == 0 {
		return
	}
	if now := g.now(); !m.showsAs(was) || now.Sub(g.said) >= sayAgain {
		g.said = now
		g.snapshotChanged()
	}
}

// sayAgain is after how long SnapshotChanged is called though nothing changed, for what failed meanwhile.
const sayAgain = time.Minute

// showsAs reports whether what is shown of the rooms in Discord is the same as by another snapshot.
func (s *state) showsAs(o *state) bool {
	return s.Ready == o.Ready && s.Rev == o.Rev && s.Info.Locale == o.Info.Locale &&
		slices.EqualFunc(s.open, o.open, func(a, b openRoom) bool { return a.doc == b.doc && a.place.equal(b.place) })
}

// document returns the room's document, which is shared and must not be changed.
func (r *roomState) document() *room.Room {
	if r.doc == nil {
		r.doc = new(r.Room)
	}
	return r.doc
}

// set replaces the room's document.
func (r *roomState) set(doc *room.Room) { r.Room, r.doc = *doc, doc }

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
