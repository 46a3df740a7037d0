package commands

import (
	"context"
	"slices"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/guild"
	"snug/shared/room"
)

// suggestion is one choice for an option: what is shown and what is sent.
type suggestion struct{ name, value string }

// handleSuggest answers what somebody is typing, from memory.
func (c *Commands) handleSuggest(e *events.InteractionCreate, i discord.AutocompleteInteraction) {
	q := c.call(e, "suggest", i.Data.CommandPath())
	focused := i.Data.Focused()
	typed := i.Data.String(focused.Name)
	var list []suggestion
	if q.guild != 0 {
		list = c.suggest(q, i.Data, focused.Name)
	}
	choices := []discord.AutocompleteChoice{}
	for _, s := range list {
		if len(choices) == message.MaxChoices {
			break
		}
		if typed == "" || strings.Contains(strings.ToLower(s.name), strings.ToLower(strings.TrimSpace(typed))) ||
			s.value == typed {
			choices = append(choices,
				discord.AutocompleteChoiceString{
					Name: message.Cut(s.name, message.MaxOption), Value: message.Cut(s.value, message.MaxOption),
				})
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, firstAnswer)
	defer cancel()
	if err := e.Respond(discord.InteractionResponseTypeAutocompleteResult, discord.AutocompleteResult{Choices: choices},
		rest.WithCtx(ctx)); err != nil {
		q.log.Info("suggestions came too late", "err", err)
	}
}

func (c *Commands) suggest(q *call, data discord.AutocompleteInteractionData, option string) []suggestion {
	switch option {
	case "room":
		return c.suggestRooms(q, data.CommandPath() == "/knock")
	case "user":
		return c.suggestBans(q, data.String("room"))
	case "lobby":
		return c.suggestLobbies(q)
	case "setting":
		return c.suggestSettings(q)
	case "value":
		s, ok := c.settingMeant(q, data.String("setting"))
		if !ok || !q.who.Manager {
			return nil
		}
		return c.suggestValues(q, s)
	}
	return nil
}

// suggestRooms gives the rooms the caller may see; to knock, those that are not open to them.
func (c *Commands) suggestRooms(q *call, closed bool) (out []suggestion) {
	m := c.memory(q)
	for _, r := range c.visible(q) {
		if closed && m.Access(&r).MayEnter(q.who) {
			continue
		}
		taken := room.Occupied(c.o.Rooms.Roster(q.guild, r.ID))
		// The name is cut first, so that the numbers stay.
		out = append(out,
			suggestion{
				message.Cut(message.Strip(r.Name), message.MaxOption-30) + " · " +
					message.Cut(message.Seats(q.t, taken, r.Seats), 27),
				r.ID.String(),
			})
	}
	return out
}

// suggestBans gives who is banned from the room that is meant, to those who control it.
func (c *Commands) suggestBans(q *call, roomName string) (out []suggestion) {
	var err error
	if roomName != "" {
		q.custom.Room, err = named(c.visible(q), roomName)
	}
	if err != nil {
		return nil
	}
	r, err := c.ours(q)
	if err != nil {
		return nil
	}
	for _, b := range r.Bans {
		out = append(out, suggestion{message.Strip(c.nameOf(q, b.UserID, b.Name)), b.UserID.String()})
	}
	return out
}

func (c *Commands) suggestLobbies(q *call) (out []suggestion) {
	if !q.who.Manager {
		return nil
	}
	for _, l := range c.memory(q).Settings.Lobbies {
		out = append(out, suggestion{c.channelName(q, l.ChannelID), l.ChannelID.String()})
	}
	return out
}

// channelName gives a channel's name as far as it is known.
func (c *Commands) channelName(q *call, id snowflake.ID) string {
	if ch, ok := q.e.Client().Caches.Channel(id); ok {
		return message.Strip(ch.Name())
	}
	return "#" + id.String()
}

func (c *Commands) suggestSettings(q *call) (out []suggestion) {
	if !q.who.Manager {
		return nil
	}
	for _, g := range groups() {
		for _, s := range g.list {
			out = append(out, suggestion{q.t.Say("setting." + s.name), s.name})
		}
	}
	return out
}

// suggestValues gives what a setting is now, and what else it is likely to be.
func (c *Commands) suggestValues(q *call, s setting) (out []suggestion) {
	m := c.memory(q)
	switch s.kind {
	case kindYesNo:
		return []suggestion{{q.t.Say("yes"), "true"}, {q.t.Say("no"), "false"}}
	case kindLanguage:
		out = append(out, suggestion{q.t.Say("value.language"), "server"})
		for _, l := range c.o.Texts.Languages() {
			out = append(out, suggestion{l.Name, l.Code})
		}
		return out
	case kindTime:
		list := []string{"30s", "5m", "30m", "1h", "6h", "1d", "7d", "30d"}
		if now, ok := fieldsOf(m.Settings)[s.name].(guild.Duration); ok && !slices.Contains(list, now.String()) {
			list = append([]string{now.String()}, list...)
		}
		if s.name == "idle_timeout" || s.name == "max_age" {
			list = append(list, "never")
		}
		for _, v := range list {
			d, err := guild.ParseDuration(v)
			if err == nil {
				out = append(out, suggestion{v + " (" + c.shownTime(q, s, d) + ")", v})
			}
		}
		return out
	case kindNumber, kindText:
		now := strings.Trim(c.shown(q, s, fieldsOf(m.Settings)[s.name]), "`")
		return []suggestion{{now, now}}
	}
	return nil
}
