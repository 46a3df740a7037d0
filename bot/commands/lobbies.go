package commands

import (
	"context"
	"slices"
	"strings"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/text"
)

// addLobby makes a voice channel a lobby, or makes a new one.
func (c *Commands) addLobby(ctx context.Context, q *call) (reply, error) {
	own := map[string]any{}
	for _, row := range schema.LobbySettings() {
		o, given := q.data.Options[c.option(row)]
		if !given {
			continue
		}
		v, err := read(q.t, row, []string{strings.Trim(string(o.Value), `"`)})
		if err != nil {
			return reply{}, err
		}
		own[row.Name] = v
	}
	l, err := guild.NewLobby(q.data.Snowflake("channel"), own)
	if err != nil {
		return reply{}, err
	}
	done, err := c.o.Rooms.SaveLobby(ctx, q.guild,
		guild.LobbyRequest{Actor: q.actor, Lobby: l, Name: q.t.Say("setup.lobby.name")})
	if err != nil {
		return reply{}, err
	}
	return reply{text: q.t.Say("lobby.added", "Lobby", message.ChannelMention(done.Lobby.ChannelID))}, nil
}

// removeLobby lets a lobby be an ordinary channel again.
func (c *Commands) removeLobby(ctx context.Context, q *call) (reply, error) {
	text := strings.TrimSpace(q.data.String("lobby"))
	id, _ := message.ParseID(strings.Trim(text, "<#>"))
	if !slices.ContainsFunc(c.memory(q).Settings.Lobbies, func(l guild.Lobby) bool { return l.ChannelID == id }) {
		return reply{}, errs.E(errs.NotFound, "“%s” isn't a lobby. Choose one from the list that opens while you type.",
			message.Strip(text))
	}
	done, err := c.o.Rooms.RemoveLobby(ctx, q.guild, guild.LobbyRemoval{Actor: q.actor, ChannelID: id})
	if err != nil {
		return reply{}, err
	}
	return reply{text: q.t.Say("lobby.removed", "Lobby", message.ChannelMention(done.Lobby.ChannelID))}, nil
}

// lobbies lists them with what is special about each.
func (c *Commands) lobbies(ctx context.Context, q *call) (reply, error) {
	v, err := c.o.Rooms.Settings(ctx, q.guild, guild.ManageRequest{Actor: q.actor})
	if err != nil {
		return reply{}, err
	}
	back := c.next(q)
	if len(v.Settings.Lobbies) == 0 {
		return reply{text: q.t.Say("lobby.none"), rows: []discord.LayoutComponent{back}}, nil
	}
	list := []string{q.t.Say("lobby.some")}
	for _, l := range v.Settings.Lobbies {
		list = append(list, "- "+lobbyWords(q.t, l))
	}
	return reply{text: message.Lines(append(list, q.t.Say("lobby.how"))...), rows: []discord.LayoutComponent{back}}, nil
}

// lobbyWords names a lobby with the values of its own.
func lobbyWords(t text.Texts, l guild.Lobby) string {
	words := []string{message.ChannelMention(l.ChannelID)}
	for _, row := range schema.LobbySettings() {
		if v := l.Value(row.Name); v != nil {
			words = append(words, t.Say(row.Label())+": "+shown(t, row, v))
		}
	}
	return strings.Join(words, " · ")
}

func lobbyNames(t text.Texts, lobbies []guild.Lobby) string {
	var list []string
	for _, l := range lobbies {
		list = append(list, message.ChannelMention(l.ChannelID))
	}
	if len(list) == 0 {
		return t.Say("lobby.none")
	}
	return t.List(list)
}
