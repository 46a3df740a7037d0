package live

import (
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/room"
)

// guild is what is known about a guild, and its watchers. Guarded by Live.mu.
type guild struct {
	id    snowflake.ID
	ready bool
	// access is what permissions in it depend on.
	access access.Guild
	rooms  map[snowflake.ID]*entry
	pages  map[*watcher]struct{} // the server's pages: they see every room their user may see
}

func (l *Live) guild(id snowflake.ID) *guild {
	g := l.guilds[id]
	if g == nil {
		g = &guild{id: id, rooms: map[snowflake.ID]*entry{}, pages: map[*watcher]struct{}{}}
		l.guilds[id] = g
	}
	return g
}

func (l *Live) removeGuildIfUnused(g *guild) {
	if len(g.rooms) == 0 && len(g.pages) == 0 && !g.ready {
		delete(l.guilds, g.id)
	}
}

func (l *Live) guildsReset(string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gcaught = false
	for _, g := range l.guilds {
		g.ready = false
		l.removeGuildIfUnused(g)
	}
}

func (l *Live) guildsLoaded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gcaught = true
	l.announce()
}

func (l *Live) guildChange(c hub.Change[room.GuildInfo]) {
	id, err := snowflake.Parse(c.Key)
	if err != nil {
		l.log.Error("live: skipped a guild whose key is not an id", "key", c.Key)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.guild(id)
	g.ready = c.Value != nil && c.Value.Ready
	if c.Value != nil && !c.Value.Access.Equal(g.access) {
		g.access = c.Value.Access
		l.recheckAccess(g)
	}
	l.removeGuildIfUnused(g)
	l.announce()
}

// recheckAccess checks again what every watcher of a guild may see, because its roles or owner have
// changed. The caller holds Live.mu.
func (l *Live) recheckAccess(g *guild) {
	for k, p := range l.people {
		if k.guild != g.id {
			continue
		}
		if now := p.standing.WithGuild(g.access); !sameStanding(now, p.standing) {
			p.standing = now
			l.updateRooms(p)
		}
	}
}

// ready reports whether all rooms of a guild are known.
func (l *Live) ready(id snowflake.ID) bool {
	if !l.caught || l.o.Guilds == nil {
		return l.caught
	}
	g := l.guilds[id]
	return l.gcaught && g != nil && g.ready
}
