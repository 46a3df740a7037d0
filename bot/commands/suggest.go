package commands

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/setting"
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
	action, _ := schema.ActionNamed(strings.TrimPrefix(data.CommandPath(), "/room/"))
	if action.Input == schema.BannedInput && option == action.Field {
		return c.suggestBans(q, data.String("room"), action.Phrase)
	}
	switch option {
	case "preset":
		return c.suggestPresets(q, data.CommandPath() == "/preset/remove")
	case "room":
		if data.CommandPath() == "/room/again" {
			return c.suggestClosed(q)
		}
		return c.suggestRooms(q, data.CommandPath() == "/knock")
	case "lobby":
		return c.suggestLobbies(q)
	case "setting":
		return suggestSettings(q)
	case "value":
		s, ok := settingMeant(q, data.String("setting"))
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
func (c *Commands) suggestBans(q *call, roomName string, what errs.Term) (out []suggestion) {
	var err error
	if roomName != "" {
		q.custom.Room, err = named(c.visible(q), roomName)
	}
	if err != nil {
		return nil
	}
	r, err := c.ours(q, what)
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

func suggestSettings(q *call) (out []suggestion) {
	if !q.who.Manager {
		return nil
	}
	for _, g := range schema.Groups() {
		for _, row := range g.Settings {
			out = append(out, suggestion{q.t.Say(row.Label()), row.Name})
		}
	}
	return out
}

// suggestValues gives what a setting is now, and what else it is likely to be.
func (c *Commands) suggestValues(q *call, row schema.Setting) (out []suggestion) {
	now := c.memory(q).Settings.Value(row.Name)
	switch row.Kind {
	case schema.Switch, schema.Language:
		return choices(q.t, row)
	case schema.Duration:
		add := func(d guild.Duration) {
			s := suggestion{d.String() + " (" + shown(q.t, row, d) + ")", d.String()}
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		if d, ok := now.(guild.Duration); ok {
			add(d)
		}
		for _, d := range usualTimes {
			if d >= row.MinTime && d <= row.MaxTime {
				add(guild.Duration(d))
			}
		}
		if row.Never {
			add(guild.Never)
		}
		return out
	case schema.Number, schema.Template:
		typed := setting.Typed(now)[0]
		return []suggestion{{typed, typed}}
	}
	return nil
}

// usualTimes are suggested where a row allows them.
var usualTimes = []time.Duration{
	30 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
	7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour,
}
