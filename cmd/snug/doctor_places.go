package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/bot/rooms"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/schema"
)

// settingsIn reads the settings of all servers from an open hub.
func settingsIn(ctx context.Context, h *hub.Hub) (map[snowflake.ID]guild.Settings, error) {
	list, err := h.Settings.List(ctx, "")
	if err != nil {
		return nil, err
	}
	all := make(map[snowflake.ID]guild.Settings, len(list))
	for _, e := range list {
		if id, err := snowflake.Parse(e.Key); err == nil {
			all[id] = e.Value.Settings
		}
	}
	return all, nil
}

// placeChecks is how many servers are checked at a time.
const placeChecks = 8

// places checks what the bot may do in its servers' categories and lobbies, as the Health page and /snug setup do.
func (d *doctor) places(ctx context.Context) (string, error) {
	if d.running {
		return "skipped, because the running Snug has the settings that name them; " +
			"each server's Health page shows what it may do there", nil
	}
	var guilds []membership
	if _, err := d.ask(ctx, "/users/@me/guilds?limit=200", &guilds); err != nil {
		return "", err
	}
	guilds = slices.DeleteFunc(guilds, func(g membership) bool {
		_, set := d.settings[g.ID]
		return !set || d.c.GuildID.ID != 0 && d.c.GuildID.ID != g.ID
	})
	discord, end, err := discordapi.NewReadOnly(d.c.BotToken, d.c.DiscordURL, d.now)
	if err != nil {
		return "", err
	}
	defer end(context.WithoutCancel(ctx))
	looked := guilds[:min(len(guilds), mostLooked)]
	seen := make([]served, len(looked))
	slots := make(chan struct{}, placeChecks)
	var wg sync.WaitGroup
	for i, g := range looked {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			seen[i] = d.look(ctx, discord, g)
		})
	}
	wg.Wait()
	var sum served
	for _, s := range seen {
		sum.places += s.places
		sum.wrong, sum.without = append(sum.wrong, s.wrong...), append(sum.without, s.without...)
	}
	if len(sum.wrong) > 0 {
		return "", errors.Join(sum.wrong...)
	}
	if sum.places == 0 {
		return "none yet; type /snug setup in a server to create them", nil
	}
	found := fmt.Sprintf("Snug may do what it needs in %s in %s", count(sum.places, "place"),
		count(len(looked), "server"))
	if n := len(guilds) - len(looked); n > 0 {
		found += fmt.Sprintf("; %s more not checked, see their Health pages", count(n, "server"))
	}
	return strings.Join(append([]string{found}, sum.without...), "\n    "), nil
}

// served is what doctor found in one server.
type served struct {
	places  int
	wrong   []error
	without []string // what rooms can do without
}

// look checks one server.
func (d *doctor) look(ctx context.Context, discord rooms.PreflightDiscord, g membership) (out served) {
	s, name := d.settings[g.ID], schema.Printable(g.Name, g.ID.String())
	p, err := rooms.RunPreflight(ctx, discord, g.ID, name, s)
	if err != nil {
		out.wrong = append(out.wrong,
			fmt.Errorf("can't check %s: %s", name, strings.Join(sentences(err), " ")))
		return out
	}
	lacks, without := map[snowflake.ID][]string{}, map[snowflake.ID][]string{}
	var order []snowflake.ID
	for _, n := range p.Needs {
		if n.Where == g.ID {
			continue // the permissions check covers the server as a whole
		}
		if !slices.Contains(order, n.Where) {
			order = append(order, n.Where)
		}
		what := fmt.Sprintf("%s (to %s)", n.Permission, n.Why)
		switch {
		case n.Granted:
		case n.Optional:
			without[n.Where] = append(without[n.Where], what)
		default:
			lacks[n.Where] = append(lacks[n.Where], what)
		}
	}
	out.places = len(order)
	for _, id := range order {
		where := fmt.Sprintf("in %s, %s", name, called(p, s, id))
		if list := lacks[id]; len(list) > 0 {
			out.wrong = append(out.wrong, fmt.Errorf("%s, Snug is missing %s. %s and allow it for Snug's role",
				where, strings.Join(list, ", "), editing(p, id)))
		}
		if list := without[id]; len(list) > 0 {
			out.without = append(out.without, fmt.Sprintf(
				"%s, rooms work without %s. %s and allow it for Snug's role if you want it",
				where, strings.Join(list, ", "), editing(p, id)))
		}
	}
	for _, setting := range p.Lost {
		out.wrong = append(out.wrong,
			fmt.Errorf("in %s, the settings name %s that no longer exists. Choose another at %s/admin/%s",
				name, pointedAt[setting], d.c.BaseURL, g.ID))
	}
	return out
}

// pointedAt says what kind of thing a setting names (guild.Preflight.Lost).
var pointedAt = map[string]string{
	"category_id": "a category", "lobbies": "a lobby or its category", "log_channel_id": "a log channel",
}

func isCategory(p guild.Preflight, id snowflake.ID) bool {
	return slices.ContainsFunc(p.Categories, func(c guild.CategoryRooms) bool { return c.ID == id })
}

// called returns what kind of place it is and its name, or its id if Snug can't see it.
func called(p guild.Preflight, s guild.Settings, id snowflake.ID) string {
	kind := "the log channel"
	switch {
	case isCategory(p, id):
		kind = "the category"
	case s.Lobby(id) != nil:
		kind = "the lobby"
	}
	for _, n := range p.Needs {
		if n.Where != id {
			continue
		}
		if n.WhereName == id.String() {
			return fmt.Sprintf("%s %d, which Snug can't see", kind, id)
		}
		return fmt.Sprintf("%s “%s”", kind, schema.Printable(n.WhereName, id.String()))
	}
	return kind
}

// editing says where in Discord to change a place's permissions.
func editing(p guild.Preflight, id snowflake.ID) string {
	if isCategory(p, id) {
		return "Open Edit Category → Permissions in Discord"
	}
	return "Open Edit Channel → Permissions in Discord"
}
