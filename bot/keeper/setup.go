package keeper

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/room"
)

// Setup is the guided first run: it looks what Snug may do, and makes a
// category for rooms and a lobby where there are none. Nothing is made while a
// permission lacks that rooms need. Run again, it finds what it made: by the
// settings, or by name and mark if a crash kept it from being noted.
func (k *Keeper) Setup(ctx context.Context, guildID snowflake.ID, q guild.SetupRequest) (out guild.SetupDone, err error) {
	err = k.manage(ctx, guildID, q.Actor, func(g *guildRooms) error {
		channels, err := k.o.Discord.Channels(ctx, g.id)
		if err != nil {
			return err
		}
		if out.Preflight, err = k.preflight(ctx, g, channels); err != nil {
			return err
		}
		in := settingUp{k: k, g: g, q: q, channels: channels, out: &out, next: g.settings.Clone()}
		in.find()
		if q.Dry || !out.Preflight.OK {
			out.MadeCategory, out.MadeLobby = false, false
			return nil
		}
		if err := in.make(ctx); err != nil {
			return err
		}
		if err := k.saveSettings(ctx, g, in.next, q.Actor); err != nil {
			return err
		}
		if channels, err = k.o.Discord.Channels(ctx, g.id); err != nil {
			return err
		}
		out.Preflight, err = k.preflight(ctx, g, channels)
		k.lobbies(ctx, g)
		return err
	})
	return out, err
}

// settingUp is a first run on its way.
type settingUp struct {
	k        *Keeper
	g        *guildRooms
	q        guild.SetupRequest
	channels []Channel
	out      *guild.SetupDone
	next     guild.Settings
}

// find looks for a category and a lobby that are there already, and forgets what is gone.
func (s *settingUp) find() {
	there := kinds(s.channels)
	s.next.Lobbies = slices.DeleteFunc(s.next.Lobbies, func(l guild.Lobby) bool { return !there(l.ChannelID, KindVoice) })
	if there(s.next.CategoryID, KindCategory) {
		s.out.CategoryID = s.next.CategoryID
	} else {
		s.out.CategoryID = s.marked(KindCategory, cmp.Or(s.q.CategoryName, categoryName), 0)
	}
	switch {
	case len(s.next.Lobbies) > 0:
		s.out.LobbyID = s.next.Lobbies[0].ChannelID
	case s.out.CategoryID != 0:
		s.out.LobbyID = s.marked(KindVoice, cmp.Or(s.q.LobbyName, lobbyName), s.out.CategoryID)
	}
}

// marked finds a channel that an earlier run made.
func (s *settingUp) marked(kind Kind, name string, parent snowflake.ID) snowflake.ID {
	for _, c := range s.channels {
		if c.Kind == kind && c.Name == name && c.Marked && c.ParentID == parent && s.g.rooms[c.ID] == nil {
			return c.ID
		}
	}
	return 0
}

// make makes what was not found.
func (s *settingUp) make(ctx context.Context) error {
	if s.out.CategoryID == 0 {
		name, err := room.CleanName(cmp.Or(s.q.CategoryName, categoryName))
		if err != nil {
			return err
		}
		if s.out.CategoryID, err = s.k.o.Discord.CreateCategory(ctx, s.g.id, name, 0); err != nil {
			return err
		}
		s.out.MadeCategory = true
	}
	if s.out.LobbyID == 0 {
		name, err := room.CleanName(cmp.Or(s.q.LobbyName, lobbyName))
		if err != nil {
			return err
		}
		if s.out.LobbyID, err = s.k.o.Discord.CreateLobby(ctx, s.g.id, s.out.CategoryID, name); err != nil {
			return err
		}
		s.out.MadeLobby = true
	}
	s.next.CategoryID = s.out.CategoryID
	if s.next.Lobby(s.out.LobbyID) == nil {
		s.next.Lobbies = append(s.next.Lobbies, guild.Lobby{ChannelID: s.out.LobbyID})
	}
	return s.next.Validate()
}

// Preflight tells what Snug may do in the guild, and what it lacks.
func (k *Keeper) Preflight(ctx context.Context, guildID snowflake.ID, q guild.ManageRequest) (out guild.Preflight, err error) {
	err = k.manage(ctx, guildID, q.Actor, func(g *guildRooms) error {
		channels, err := k.o.Discord.Channels(ctx, g.id)
		if err == nil {
			out, err = k.preflight(ctx, g, channels)
		}
		return err
	})
	return out, err
}

func (k *Keeper) preflight(ctx context.Context, g *guildRooms, channels []Channel) (out guild.Preflight, err error) {
	byID := byID(channels)
	var categories, writes []Channel
	add := func(id snowflake.ID) {
		c, there := byID[id]
		if there && c.Kind == KindCategory && !slices.ContainsFunc(categories, func(o Channel) bool { return o.ID == id }) {
			categories = append(categories, c)
		}
	}
	lose := func(setting string, id snowflake.ID, kind Kind) {
		if c, there := byID[id]; id != 0 && (!there || c.Kind != kind) && !slices.Contains(out.Lost, setting) {
			out.Lost = append(out.Lost, setting)
		}
	}
	s := g.settings
	add(s.CategoryID)
	lose("category_id", s.CategoryID, KindCategory)
	lose("log_channel_id", s.LogChannelID, KindText)
	for _, l := range s.Lobbies {
		lose("lobbies", l.ChannelID, KindVoice)
		lose("lobbies", l.CategoryID, KindCategory)
		add(cmp.Or(l.CategoryID, byID[l.ChannelID].ParentID))
	}
	if c, there := byID[s.LogChannelID]; there {
		writes = append(writes, c)
	}
	list, err := k.o.Discord.Permissions(ctx, g.id, categories, writes)
	if err != nil {
		return out, err
	}
	out.OK = true
	for _, p := range list {
		name := byID[p.Where].Name
		if p.Where == g.id {
			name = g.info.Name
		}
		out.Needs = append(out.Needs, guild.Need{Permission: p.Name, Why: p.Why, Where: p.Where, WhereName: name, Granted: p.Granted, Optional: p.Optional})
		out.OK = out.OK && (p.Granted || p.Optional)
	}
	out.Channels, out.ChannelsLeft = len(channels), max(0, guildSize-len(channels))
	for _, c := range categories {
		n := children(channels, c.ID)
		out.Categories = append(out.Categories, guild.CategoryRooms{ID: c.ID, Name: c.Name, Channels: n, Left: max(0, categorySize-n)})
	}
	return out, nil
}
