package commands

import (
	"context"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/preset"
	"snug/shared/room"
	"snug/shared/setting"
	"snug/shared/text"
)

// savePreset saves the room that is meant as one of the caller's presets.
func (c *Commands) savePreset(ctx context.Context, q *call) (reply, error) {
	v, err := c.view(ctx, q)
	if err != nil {
		return reply{}, err
	}
	p := preset.Preset{Name: q.data.String("name"), Setup: v.Room.Setup()}
	if p, err = p.Clean(); err != nil {
		return reply{}, err
	}
	if _, err := c.o.SavePreset(ctx, q.who.UserID, p, ""); err != nil {
		return reply{}, err
	}
	return reply{text: q.t.Say("preset.saved", "Preset", presetWords(q.t, p))}, nil
}

// presets lists those of the server and the caller's own.
func (c *Commands) presets(_ context.Context, q *call) (reply, error) {
	own, server := c.o.Presets(q.who.UserID), c.memory(q).Settings.Presets
	if len(own)+len(server) == 0 {
		return reply{text: q.t.Say("preset.none")}, nil
	}
	list := []string{q.t.Say("preset.some")}
	for _, p := range own {
		list = append(list, "- "+presetWords(q.t, p))
	}
	for _, p := range server {
		list = append(list, "- "+q.t.Say("preset.of-server", "Preset", presetWords(q.t, p)))
	}
	return reply{text: message.Lines(list...), rows: []discord.LayoutComponent{message.Row(
		message.Link(q.t.Say("button.presets"), c.o.Pages.Presets()),
	)}}, nil
}

// removePreset removes one of the caller's.
func (c *Commands) removePreset(ctx context.Context, q *call) (reply, error) {
	name := strings.TrimPrefix(q.data.String("preset"), preset.Own+":")
	if _, err := c.o.RemovePreset(ctx, q.who.UserID, name); err != nil {
		return reply{}, err
	}
	return reply{text: q.t.Say("preset.removed", "Preset", message.Bold(name))}, nil
}

// presetWords names a preset and says what it decides.
func presetWords(t text.Texts, p preset.Preset) string {
	words := []string{message.Bold(p.Name)}
	for _, part := range setting.SaySetup(t, p.Setup) {
		words = append(words, message.Escape(part))
	}
	return strings.Join(words, " · ")
}

// suggestPresets gives the caller's presets, and the server's unless own is set.
func (c *Commands) suggestPresets(q *call, own bool) (out []suggestion) {
	add := func(of string, list []preset.Preset) {
		for _, p := range list {
			words := append([]string{message.Strip(p.Name)}, setting.SaySetup(q.t, p.Setup)...)
			out = append(out, suggestion{strings.Join(words, " · "), string(preset.RefTo(of, p.Name))})
		}
	}
	add(preset.Own, c.o.Presets(q.who.UserID))
	if !own {
		add(preset.Server, c.memory(q).Settings.Presets)
	}
	return out
}

// closedRoom finds the closed room that is meant: the one that the option names, else the last that the caller was in.
func (c *Commands) closedRoom(q *call) (snowflake.ID, error) {
	list := c.o.Rooms.Closed(q.guild, q.who.UserID)
	name := strings.TrimSpace(q.data.String("room"))
	if id, ok := message.ParseID(name); ok && id != 0 {
		return id, nil
	}
	for _, p := range list {
		if name == "" || strings.EqualFold(p.Setup.RoomName, name) {
			return p.ID, nil
		}
	}
	return 0, errs.E(errs.RoomNotFound,
		"There is no closed room of yours to open again here. Open a new one with /create-room.")
}

// suggestClosed gives the closed rooms that the caller can open again, the newest first.
func (c *Commands) suggestClosed(q *call) (out []suggestion) {
	for _, p := range c.o.Rooms.Closed(q.guild, q.who.UserID) {
		var names []string
		for _, o := range p.People {
			if o.Name != "" && !o.Bot {
				names = append(names, message.Strip(o.Name))
			}
		}
		words := message.Cut(message.Strip(p.Setup.RoomName), 50)
		if len(names) > 0 {
			words += " · " + q.t.List(names[:min(len(names), 3)])
		}
		out = append(out, suggestion{words, p.ID.String()})
	}
	return out
}

// openAgain opens a closed room again.
func (c *Commands) openAgain(ctx context.Context, q *call) (reply, error) {
	id, err := c.closedRoom(q)
	if err != nil {
		return reply{}, err
	}
	r, err := c.o.Rooms.Again(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	if err != nil {
		return reply{}, err
	}
	if r.Joined {
		a := c.openedRoom(q, r)
		a.text = message.Lines(q.t.Say("again.open", "Room", message.Bold(r.Room.Name)), a.text)
		return a, nil
	}
	return c.openedRoom(q, r), nil
}

func presetNames(t text.Texts, presets []preset.Preset) string {
	var list []string
	for _, p := range presets {
		list = append(list, message.Escape(p.Name))
	}
	return t.List(list)
}
