package rooms

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/schema"
)

// Setup is the guided first run: it checks Snug's permissions, and creates a category for rooms
// and a lobby if there are none. Nothing is created while a required permission is missing.
// When repeated it finds what it created: in the settings, or after a crash by name and mark.
func (rs *Rooms) Setup(
	ctx context.Context, guildID snowflake.ID, q guild.SetupRequest,
) (out guild.SetupDone, err error) {
	err = rs.manageSettings(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		channels, err := rs.o.Discord.Channels(ctx, g.id)
		if err != nil {
			return err
		}
		if out.Preflight, err = rs.preflight(ctx, g, channels); err != nil {
			return err
		}
		in := setupOp{rs: rs, g: g, q: q, channels: channels, out: &out, next: g.settings.Clone()}
		if err := in.find(ctx); err != nil {
			return err
		}
		if q.Dry || !out.Preflight.OK {
			out.MadeCategory, out.MadeLobby = false, false
			return nil
		}
		if err := in.make(ctx); err != nil {
			return err
		}
		if err := rs.saveSettings(ctx, g, in.next, q.Actor); err != nil {
			return err
		}
		if channels, err = rs.o.Discord.Channels(ctx, g.id); err != nil {
			return err
		}
		out.Preflight, err = rs.preflight(ctx, g, channels)
		rs.openFromLobbies(g)
		return err
	})
	return out, err
}

// setupOp is one call of Setup.
type setupOp struct {
	rs       *Rooms
	g        *guildState
	q        guild.SetupRequest
	channels []Channel
	out      *guild.SetupDone
	next     guild.Settings
}

// find looks for an existing category and lobby, and drops deleted ones from the
// settings. A channel that Snug may not view counts as existing: the preflight names it.
func (s *setupOp) find(ctx context.Context) error {
	var all error
	gone := func(id snowflake.ID, kind Kind) bool {
		gone, err := isGone(ctx, s.rs.o.Discord, s.g.id, byID(s.channels), id, kind)
		all = errors.Join(all, err)
		return gone
	}
	s.next.Lobbies = slices.DeleteFunc(s.next.Lobbies, func(l guild.Lobby) bool { return gone(l.ChannelID, KindVoice) })
	if s.next.CategoryID != 0 && !gone(s.next.CategoryID, KindCategory) {
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
	return all
}

// marked finds a channel that an earlier run created.
func (s *setupOp) marked(kind Kind, name string, parent snowflake.ID) snowflake.ID {
	for _, c := range s.channels {
		if c.Kind == kind && c.Name == name && c.Marked && c.ParentID == parent && s.g.rooms[c.ID] == nil {
			return c.ID
		}
	}
	return 0
}

// make creates what was not found.
func (s *setupOp) make(ctx context.Context) error {
	if s.out.CategoryID == 0 {
		name, err := schema.CleanName(cmp.Or(s.q.CategoryName, categoryName))
		if err != nil {
			return err
		}
		if s.out.CategoryID, err = s.rs.o.Discord.CreateCategory(ctx, s.g.id, name, 0); errors.Is(err,
			ErrNameNotAllowed) {
			s.out.CategoryID, err = s.rs.o.Discord.CreateCategory(ctx, s.g.id, categoryName, 0)
		}
		if err != nil {
			return err
		}
		s.out.MadeCategory = true
	}
	if s.out.LobbyID == 0 {
		name, err := schema.CleanName(cmp.Or(s.q.LobbyName, lobbyName))
		if err != nil {
			return err
		}
		if s.out.LobbyID, err = s.rs.o.Discord.CreateLobby(ctx, s.g.id, s.out.CategoryID, name); errors.Is(err,
			ErrNameNotAllowed) {
			s.out.LobbyID, err = s.rs.o.Discord.CreateLobby(ctx, s.g.id, s.out.CategoryID, lobbyName)
		}
		if err != nil {
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

// Preflight returns which permissions Snug has in the guild, and which are missing.
func (rs *Rooms) Preflight(
	ctx context.Context, guildID snowflake.ID, q guild.ManageRequest,
) (out guild.Preflight, err error) {
	err = rs.manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		channels, err := rs.o.Discord.Channels(ctx, g.id)
		if err == nil {
			out, err = rs.preflight(ctx, g, channels)
		}
		return err
	})
	return out, err
}

func (rs *Rooms) preflight(ctx context.Context, g *guildState, channels []Channel) (guild.Preflight, error) {
	return preflight(ctx, rs.o.Discord, g.id, g.info.Name, g.settings, channels)
}

// PreflightDiscord makes the calls that RunPreflight needs.
type PreflightDiscord interface {
	Channels(ctx context.Context, guild snowflake.ID) ([]Channel, error)
	FetchChannel(ctx context.Context, guild, channel snowflake.ID) (Channel, error)
	Permissions(ctx context.Context, guild snowflake.ID, places []Channel) ([]Permission, error)
}

// RunPreflight is Preflight without a running bot, for a guild of this name with these settings.
func RunPreflight(
	ctx context.Context, d PreflightDiscord, id snowflake.ID, name string, s guild.Settings,
) (guild.Preflight, error) {
	channels, err := d.Channels(ctx, id)
	if err != nil {
		return guild.Preflight{}, err
	}
	return preflight(ctx, d, id, name, s, channels)
}

func preflight(
	ctx context.Context, d PreflightDiscord, id snowflake.ID, name string, s guild.Settings, channels []Channel,
) (out guild.Preflight, err error) {
	p := settingChannels{d: d, guild: id, guildName: name, byID: byID(channels)}
	p.add(ctx, &p.categories, "category_id", s.CategoryID, KindCategory)
	p.add(ctx, &p.writes, "log_channel_id", s.LogChannelID, KindText)
	for _, l := range s.Lobbies {
		p.add(ctx, &p.lobbies, "lobbies", l.ChannelID, KindVoice)
		p.add(ctx, &p.categories, "lobbies", cmp.Or(l.CategoryID, p.byID[l.ChannelID].ParentID), KindCategory)
	}
	if p.err != nil {
		return out, p.err
	}
	list, err := d.Permissions(ctx, id, slices.Concat(p.categories, p.lobbies, p.writes))
	if err != nil {
		return out, err
	}
	out.OK, out.Lost = true, p.lost
	for _, q := range list {
		out.Needs = append(out.Needs,
			guild.Need{
				Permission: q.Name, Why: q.Why, Where: q.Where, WhereName: p.name(q.Where), Granted: q.Granted,
				Optional: q.Optional,
			})
		out.OK = out.OK && (q.Granted || q.Optional)
	}
	out.Channels, out.ChannelsLeft = len(channels), max(0, guildSize-len(channels))
	for _, c := range channels {
		if c.Unseen {
			out.ChannelsUnseen++
		}
	}
	for _, c := range p.categories {
		n := countChildren(channels, c.ID)
		out.Categories = append(out.Categories,
			guild.CategoryRooms{ID: c.ID, Name: p.name(c.ID), Channels: n, Left: max(0, categorySize-n)})
	}
	return out, nil
}

// settingChannels are the channels that settings refer to.
type settingChannels struct {
	d         PreflightDiscord
	guild     snowflake.ID
	guildName string
	byID      map[snowflake.ID]Channel

	categories, lobbies, writes []Channel
	lost                        []string // settings that refer to deleted channels
	err                         error
}

// add adds a channel that a setting refers to, visible or not; if it was deleted, the setting is lost.
func (p *settingChannels) add(ctx context.Context, to *[]Channel, setting string, id snowflake.ID, kind Kind) {
	if id == 0 || slices.ContainsFunc(*to, func(o Channel) bool { return o.ID == id }) {
		return
	}
	gone, err := isGone(ctx, p.d, p.guild, p.byID, id, kind)
	p.err = errors.Join(p.err, err)
	if gone {
		if !slices.Contains(p.lost, setting) {
			p.lost = append(p.lost, setting)
		}
		return
	}
	c, there := p.byID[id]
	if !there {
		c = Channel{ID: id, Kind: kind, Unseen: true}
	}
	*to = append(*to, c)
}

// name returns a channel's name, or its id if Snug may not view it.
func (p *settingChannels) name(id snowflake.ID) string {
	c, there := p.byID[id]
	switch {
	case id == p.guild:
		return p.guildName
	case !there || c.Unseen:
		return id.String()
	}
	return c.Name
}
