package discordsim

import "time"

// newApplication adds an application with its bot. Without an owner that exists, it gets one of its own.
func (s *state) newApplication(name string, owner ID) *application {
	a := &application{id: s.foundingID(), name: name, owner: owner, secret: s.secret(24), verifyKey: s.randomHex(32),
		intents: intentsPrivileged, guilds: map[ID]struct{}{}, commands: map[ID]map[ID]*command{},
		lastStarts: map[int]time.Time{}}
	a.token = s.botToken(a.id)
	a.bot = s.newUser(a.id, name, "")
	a.bot.bot = true
	if s.users[owner] == nil {
		dev := s.newUser(s.foundingID(), textName(name)+"-developer", "")
		dev.developer = true
		a.owner = dev.id
	}
	s.apps[a.id], s.botTokens[a.token] = a, a
	return a
}

// newUser adds an account.
func (s *state) newUser(id ID, username, globalName string) *user {
	u := &user{id: id, username: username, globalName: globalName, locale: "en-US", avatar: s.randomHex(16)}
	u.token = s.secret(32)
	s.users[id], s.userTokens[u.token] = u, u
	return u
}

// newChannel adds a channel after the others of its kind.
func (s *state) newChannel(g *guild, kind ChannelType, name string) *channel {
	c := &channel{id: s.nextID(), guild: g.id, kind: kind, name: name}
	for _, o := range g.channels {
		if (o.kind == ChannelCategory) == (kind == ChannelCategory) && o.voice() == c.voice() &&
			o.position >= c.position {
			c.position = o.position + 1
		}
	}
	if c.voice() {
		c.bitrate, c.quality = 64000, 1
	}
	g.channels[c.id], s.channels[c.id] = c, c
	return c
}

// newRole adds a role, which nobody has yet.
func (s *state) newRole(g *guild, name string, p Permissions, position int) *role {
	r := &role{id: s.nextID(), name: name, permissions: p, position: position}
	g.roles[r.id] = r
	return r
}

// installBot adds a bot to a guild with a role with these permissions, or changes those of that role.
func (s *state) installBot(g *guild, a *application, p Permissions) {
	if g.members[a.id] != nil {
		s.setBotPermissions(g, a, p)
		return
	}
	// The bot's own role is the highest, as if an administrator had moved it there.
	r := s.newRole(g, a.name, p, len(g.roles))
	r.managed, r.botID = true, a.id
	s.roleEvent(g, "GUILD_ROLE_CREATE", r)
	s.addMember(g, a.bot, "", []ID{r.id})
}

func (s *state) setBotPermissions(g *guild, a *application, p Permissions) {
	for _, r := range g.roles {
		if r.botID == a.id {
			r.permissions = p
			s.roleEvent(g, "GUILD_ROLE_UPDATE", r)
			return
		}
	}
	r := s.newRole(g, a.name, p, len(g.roles))
	r.managed, r.botID = true, a.id
	s.roleEvent(g, "GUILD_ROLE_CREATE", r)
	m := g.members[a.id]
	m.roles = append(m.roles, r.id)
	s.memberEvent(g, m)
}

// newGuild adds a guild with nobody in it, and nothing but @everyone.
func (s *state) newGuild(name string) *guild {
	g := &guild{id: s.foundingID(), name: name, locale: "en-US", joinedAt: s.now(), afkTimeout: 300,
		roles: map[ID]*role{}, channels: map[ID]*channel{}, members: map[ID]*member{}, voice: map[ID]*voiceState{},
		bans: map[ID]string{}}
	g.roles[g.id] = &role{id: g.id, name: "@everyone", permissions: DefaultEveryone}
	s.guilds[g.id] = g
	return g
}
