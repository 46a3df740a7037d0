package rooms

import (
	"snug/shared/guild"
	"snug/shared/room"
)

// neutralName is the name of a room whose other names are not allowed.
func neutralName(n int) string {
	return guild.RoomName("{owner} {n}", guild.Fill{Owner: "Room", N: n})
}

// nameFor returns the name of a new room. Only a requested
// name that is not allowed is an error; others are skipped.
func (g *guildState) nameFor(
	q room.OpenRequest, p room.Preferences, lobby guild.Lobby, in room.PendingCreate,
) (string, error) {
	if q.Name != "" {
		return g.settings.CheckName(q.Name)
	}
	fill := guild.Fill{Owner: in.OwnerName, N: in.Number, Game: q.Game}
	tries := []string{p.Name}
	if lobby.NameTemplate != "" {
		tries = []string{guild.RoomName(lobby.NameTemplate, fill)}
	}
	tries = append(tries, guild.RoomName(g.settings.NameTemplate, fill), neutralName(in.Number))
	var err error
	for _, name := range tries {
		if name == "" {
			continue
		}
		if name, err = g.settings.CheckName(name); err == nil {
			return name, nil
		}
	}
	return "", err
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
