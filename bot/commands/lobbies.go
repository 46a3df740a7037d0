package commands

import (
	"context"
	"slices"
	"strings"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// addLobby makes a voice channel a lobby, or makes a new one.
func (c *Commands) addLobby(ctx context.Context, q *call) (reply, error) {
	l := guild.Lobby{
		ChannelID: q.data.Snowflake("channel"), CategoryID: q.data.Snowflake("category"),
		Seats: q.data.Int("seats"), NameTemplate: q.data.String("name"),
	}
	if private, ok := q.data.OptBool("private"); ok {
		l.Private = &private
	}
	if text, ok := q.data.OptString("idle"); ok {
		d, err := guild.ParseDuration(text)
		if err != nil {
			return reply{}, err
		}
		l.IdleTimeout = &d
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
		list = append(list, "- "+strings.Join(c.lobbyWords(q, l), " · "))
	}
	return reply{text: message.Lines(append(list, q.t.Say("lobby.how"))...), rows: []discord.LayoutComponent{back}}, nil
}

func (c *Commands) lobbyWords(q *call, l guild.Lobby) []string {
	words := []string{message.ChannelMention(l.ChannelID)}
	if l.Seats != 0 {
		words = append(words, q.t.Say("room.seats", "Count", l.Seats))
	}
	if l.Private != nil {
		words = append(words, message.Privacy(q.t, room.Privacy{Private: *l.Private}))
	}
	if l.NameTemplate != "" {
		words = append(words, "`"+strings.ReplaceAll(message.Strip(l.NameTemplate), "`", "'")+"`")
	}
	if l.CategoryID != 0 {
		words = append(words, message.ChannelMention(l.CategoryID))
	}
	if l.IdleTimeout != nil {
		words = append(words,
			q.t.Say("setting.idle_timeout")+": "+c.shownTime(q, setting{name: "idle_timeout"}, *l.IdleTimeout))
	}
	return words
}

func (c *Commands) lobbyNames(q *call, lobbies []guild.Lobby) string {
	var list []string
	for _, l := range lobbies {
		list = append(list, message.ChannelMention(l.ChannelID))
	}
	if len(list) == 0 {
		return q.t.Say("lobby.none")
	}
	return q.t.List(list)
}
