package world

import (
	"crypto/ed25519"
	"time"
)

// NewApplication adds an application with its bot. Without an owner that exists, it gets one of its own; without a
// token that nobody has, it gets one, too.
func (s *State) NewApplication(name string, owner ID, token string) *Application {
	id := s.FoundingID()
	if given := tokenID(token); given != 0 && s.Users[given] == nil {
		id = given
	}
	a := &Application{ID: id, Name: name, Owner: owner, Secret: s.Secret(24),
		Key: ed25519.NewKeyFromSeed(s.randomBytes(ed25519.SeedSize)), Intents: IntentsPrivileged,
		Guilds: map[ID]struct{}{}, Commands: map[ID]map[ID]*Command{}, LastStarts: map[int]time.Time{}}
	a.Token = s.botToken(a.ID)
	if token != "" && s.BotTokens[token] == nil {
		a.Token = token
	}
	a.Bot = s.NewUser(a.ID, name, "")
	a.Bot.Bot = true
	if s.Users[owner] == nil {
		dev := s.NewUser(s.FoundingID(), TextName(name)+"-developer", "")
		dev.developer = true
		a.Owner = dev.ID
	}
	s.Apps[a.ID], s.BotTokens[a.Token] = a, a
	return a
}

// NewUser adds an account.
func (s *State) NewUser(id ID, username, globalName string) *User {
	u := &User{ID: id, Username: username, GlobalName: globalName, Locale: "en-US", Avatar: s.RandomHex(16)}
	u.Token = s.Secret(32)
	s.Users[id], s.UserTokens[u.Token] = u, u
	return u
}

// NewChannel adds a channel after the others of its kind.
func (s *State) NewChannel(g *Guild, kind ChannelType, name string) *Channel {
	c := &Channel{ID: s.NextID(), Guild: g.ID, Kind: kind, Name: name}
	for _, o := range g.Channels {
		if (o.Kind == ChannelCategory) == (kind == ChannelCategory) && o.Voice() == c.Voice() &&
			o.Position >= c.Position {
			c.Position = o.Position + 1
		}
	}
	if c.Voice() {
		c.Bitrate, c.Quality = 64000, 1
	}
	g.Channels[c.ID], s.Channels[c.ID] = c, c
	return c
}

// NewRole adds a role, which nobody has yet.
func (s *State) NewRole(g *Guild, name string, p Permissions, position int) *Role {
	r := &Role{ID: s.NextID(), Name: name, Permissions: p, Position: position}
	g.Roles[r.ID] = r
	return r
}

// InstallBot adds a bot to a guild with a role with these permissions, or changes those of that role.
func (s *State) InstallBot(g *Guild, a *Application, p Permissions) {
	if g.Members[a.ID] != nil {
		s.setBotPermissions(g, a, p)
		return
	}
	// The bot's own role is the highest, as if an administrator had moved it there.
	r := s.NewRole(g, a.Name, p, len(g.Roles))
	r.Managed, r.BotID = true, a.ID
	s.RoleEvent(g, "GUILD_ROLE_CREATE", r)
	s.AddMember(g, a.Bot, "", []ID{r.ID})
}

func (s *State) setBotPermissions(g *Guild, a *Application, p Permissions) {
	for _, r := range g.Roles {
		if r.BotID == a.ID {
			r.Permissions = p
			s.RoleEvent(g, "GUILD_ROLE_UPDATE", r)
			return
		}
	}
	r := s.NewRole(g, a.Name, p, len(g.Roles))
	r.Managed, r.BotID = true, a.ID
	s.RoleEvent(g, "GUILD_ROLE_CREATE", r)
	m := g.Members[a.ID]
	m.Roles = append(m.Roles, r.ID)
	s.MemberEvent(g, m)
}

// NewGuild adds a guild with nobody in it, and nothing but @everyone.
func (s *State) NewGuild(name string) *Guild {
	g := &Guild{ID: s.FoundingID(), Name: name, Locale: "en-US", JoinedAt: s.Now(), AFKTimeout: 300,
		Roles: map[ID]*Role{}, Channels: map[ID]*Channel{}, Members: map[ID]*Member{}, Voice: map[ID]*voiceState{},
		Bans: map[ID]string{}}
	g.Roles[g.ID] = &Role{ID: g.ID, Name: "@everyone", Permissions: DefaultEveryone}
	s.Guilds[g.ID] = g
	return g
}
