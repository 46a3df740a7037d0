package rooms

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/schema"
)

// neutralName is the name of a room whose other names are not allowed.
func neutralName(n int) string {
	return guild.RoomName("{owner} {n}", guild.Fill{Owner: "Room", N: n})
}

// nameFor returns the name of a new room, and its frame. Only a requested
// name that is not allowed is an error; others are skipped.
func (g *guildState) nameFor(
	q room.OpenRequest, p room.Preferences, lobby guild.Lobby, in room.PendingCreate,
) (string, schema.Frame, error) {
	template := cmp.Or(lobby.NameTemplate, g.settings.NameTemplate)
	fill := guild.Fill{Owner: in.OwnerName, N: in.Number, Game: q.Game}
	if strings.Contains(template+g.settings.NameTemplate, "{random}") {
		fill.Random = g.randomName()
	}
	frame := guild.RoomFrame(template, fill)
	if q.Name != "" {
		name, err := g.settings.CheckName(frame.Around(q.Name))
		return name, frame, err
	}
	tries := []string{frame.Around(p.Name)}
	if lobby.NameTemplate != "" && frame == "" {
		tries = nil
	}
	tries = append(tries, guild.RoomName(template, fill), guild.RoomName(g.settings.NameTemplate, fill),
		neutralName(in.Number))
	var err error
	for _, name := range tries {
		if name == "" {
			continue
		}
		if name, err = g.settings.CheckName(name); err == nil {
			return name, frame, nil
		}
	}
	return "", frame, err
}

// randomName returns one of the server's random names, if it can be one that no open room has; "" if it has none.
func (g *guildState) randomName() string {
	names := g.settings.RandomNames
	free := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		for _, r := range g.rooms {
			if strings.Contains(r.Name, name) {
				return true
			}
		}
		return false
	})
	if len(free) == 0 {
		free = names
	}
	if len(free) == 0 {
		return ""
	}
	return free[rand.IntN(len(free))]
}

// number returns the lowest number that no open or pending room has.
func (g *guildState) number() int {
	used := map[int]bool{}
	for _, r := range g.rooms {
		used[r.Number] = true
	}
	for _, in := range g.pendingCreates {
		used[in.Number] = true
	}
	n := 1
	for used[n] {
		n++
	}
	return n
}
