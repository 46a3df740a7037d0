package commands

import (
	"context"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/message"
	"snug/shared/room"
)

// preferences shows what is remembered for the caller's next room.
func (c *Commands) preferences(ctx context.Context, q *call) (reply, error) {
	done, err := c.o.Rooms.Preferences(ctx, q.guild, room.PreferencesRequest{Actor: q.actor})
	if err != nil {
		return reply{}, err
	}
	p := done.Preferences
	if p.Empty() {
		return reply{text: q.t.Say("prefs.none")}, nil
	}
	list := []string{q.t.Say("prefs.some")}
	add := func(id string, pairs ...any) { list = append(list, "- "+q.t.Say(id, pairs...)) }
	if p.Name != "" {
		add("prefs.name", "Name", message.Bold(p.Name))
	}
	if p.Seats != 0 {
		add("prefs.seats", "Count", p.Seats)
	}
	if p.Private != nil || p.Locked || p.Hidden {
		privacy := room.Privacy{Private: p.Private != nil && *p.Private, Locked: p.Locked, Hidden: p.Hidden}
		add("prefs.privacy", "Privacy", message.Privacy(q.t, privacy))
	}
	if len(p.Guests) > 0 {
		add("prefs.guests", "People", message.Mentions(q.t, p.Guests))
	}
	if len(p.Banned) > 0 {
		add("prefs.banned", "People", message.Mentions(q.t, p.Banned))
	}
	return reply{text: message.Lines(list...), rows: []discord.LayoutComponent{message.Row(
		message.Button(discord.ButtonStyleSecondary, "🧹", q.t.Say("button.forget"),
			q.about(message.ActionForget, 0, "")),
	)}}, nil
}

// forget forgets it.
func (c *Commands) forget(ctx context.Context, q *call) (reply, error) {
	_, err := c.o.Rooms.Preferences(ctx, q.guild, room.PreferencesRequest{Actor: q.actor, Forget: true})
	return reply{text: q.t.Say("prefs.forgotten")}, err
}
