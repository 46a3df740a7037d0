package discordsim

import "errors"

func (c *control) addUser() (any, error) {
	var in struct {
		Username   string `json:"username"`
		GlobalName string `json:"global_name"`
		Guild      flexID `json:"guild_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Username == "" || len(in.Username) > 32 {
		return nil, errors.New("username is missing or longer than 32 characters")
	}
	u := c.s.AddUser(in.Username, in.GlobalName)
	if in.Guild != 0 {
		if err := c.s.AddMember(ID(in.Guild), u.ID, ""); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func (c *control) settings() (any, error) {
	var in struct {
		DMsClosed *bool   `json:"dms_closed"`
		Locale    *string `json:"locale"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.DMsClosed != nil {
		if err := c.s.CloseDMs(c.user(), *in.DMsClosed); err != nil {
			return nil, err
		}
	}
	if in.Locale != nil {
		if err := c.s.SetLocale(c.user(), *in.Locale); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// commands lists the commands a user may use, with their options, for the page.
func (c *control) commands() (any, error) {
	q := c.r.URL.Query()
	guild, room := parseID(q.Get("guild_id")), parseID(q.Get("channel_id"))
	type offer struct {
		App  string `json:"application_name"`
		Icon string `json:"application_avatar"`
		*command
	}
	list := []offer{}
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if c.s.users[c.user()] == nil {
		return nil, errUnknownUser()
	}
	for _, id := range sortedIDs(c.s.apps) {
		app := c.s.apps[id]
		var where *channel
		if guild != 0 {
			g := c.s.guilds[guild]
			if g == nil || g.members[id] == nil || g.members[c.user()] == nil {
				continue
			}
			if where = g.channels[room]; where == nil {
				where = c.s.usualChannel(g, g.members[c.user()])
			}
			if where == nil {
				continue
			}
		}
		for _, cmd := range app.visibleCommands(guild) {
			if c.s.mayUse(cmd, guild, c.user(), where) == nil {
				list = append(list, offer{app.name, app.bot.avatar, cmd})
			}
		}
	}
	return map[string]any{"commands": list}, nil
}

func (c *control) write() (any, error) {
	var in struct {
		Channel flexID `json:"channel_id"`
		Content string `json:"content"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	m, err := c.s.SendMessage(c.user(), ID(in.Channel), in.Content)
	return m, err
}

// SendMessage posts a message in a channel or a direct message channel, as a user.
func (s *Server) SendMessage(userID, channel ID, content string) (*Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ch := s.users[userID], s.channels[channel]
	switch {
	case u == nil:
		return nil, errUnknownUser()
	case ch == nil:
		return nil, errUnknownChannel()
	case !s.canSee(userID, ch):
		return nil, errMissingAccess()
	case !ch.texts():
		return nil, errWrongChannelType()
	}
	everyone := false
	if g := s.guilds[ch.guild]; g != nil {
		p := s.permsIn(g, g.members[userID], ch)
		if !p.Has(PermSendMessages) {
			return nil, errMissingPermissions()
		}
		everyone = p.Has(PermMentionEveryone)
	}
	f, err := parseForm(marshal(map[string]string{"content": content}))
	if err != nil {
		return nil, err
	}
	m := &message{id: s.nextID(), channel: ch.id, guild: ch.guild, author: u}
	if err := s.readMessage(f, m, nil, false, everyone); err != nil {
		return nil, err
	}
	s.addMessage(m)
	return s.shown(m, userID), nil
}

func (c *control) useInvite() (any, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return c.s.UseInvite(c.user(), in.Code)
}

// acceptRules makes a member pass the guild's membership screening, as its dialog in Discord does.
func (c *control) acceptRules() (any, error) {
	var in struct {
		Guild flexID `json:"guild_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return nil, c.s.SetPending(c.s.guildOr(ID(in.Guild), c.user()), c.user(), false)
}

// setGuild enables or disables a guild's membership screening.
func (c *control) setGuild() (any, error) {
	var in struct {
		Screening *bool `json:"screening"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Screening == nil {
		return nil, errors.New("screening is missing: true or false")
	}
	return nil, c.s.SetScreening(c.guild(), *in.Screening)
}

func (c *control) applications() (any, error) {
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	type entry struct {
		StateApplication
		BotToken     string   `json:"bot_token"`
		ClientSecret string   `json:"client_secret"`
		RedirectURIs []string `json:"redirect_uris"`
	}
	list := []entry{}
	for _, st := range c.s.stateApplications() {
		a := c.s.apps[st.ID].public()
		list = append(list, entry{st, a.BotToken, a.ClientSecret, a.RedirectURIs})
	}
	return map[string]any{"applications": list}, nil
}

func (c *control) addApplication() (any, error) {
	var in struct {
		Name      string   `json:"name"`
		Redirects []string `json:"redirect_uris"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	return c.s.AddApplication(ApplicationOptions{Name: in.Name, RedirectURIs: in.Redirects, AnyLoopbackRedirect: true}),
		nil
}

// setApplication quarantines a bot, or ends that.
func (c *control) setApplication() (any, error) {
	var in struct {
		Quarantined *bool `json:"quarantined"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Quarantined == nil {
		return nil, errors.New("quarantined is missing: true or false")
	}
	return nil, c.s.Quarantine(parseID(c.r.PathValue("app")), *in.Quarantined)
}

func (c *control) addGuild() (any, error) {
	var in struct {
		Name  string `json:"name"`
		Owner flexID `json:"owner_id"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if n := runes(in.Name); n < 2 || n > 100 {
		return nil, errors.New("name must have 2 to 100 characters")
	}
	return c.s.AddGuild(in.Name, ID(in.Owner))
}

func (c *control) addChannel() (any, error) {
	var in struct {
		Name   string      `json:"name"`
		Type   ChannelType `json:"type"`
		Parent flexID      `json:"parent_id"`
		Limit  int         `json:"user_limit"`
		Topic  string      `json:"topic"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if n := runes(in.Name); n < 1 || n > 100 || in.Limit < 0 || in.Limit > 99 {
		return nil, errors.New("name must have 1 to 100 characters, and user_limit must be 0 to 99")
	}
	return c.s.AddChannel(c.guild(),
		ChannelOptions{Name: in.Name, Type: in.Type, Parent: ID(in.Parent), UserLimit: in.Limit, Topic: in.Topic})
}

func (c *control) addMember() (any, error) {
	var in struct {
		User       flexID   `json:"user_id"`
		Username   string   `json:"username"`
		GlobalName string   `json:"global_name"`
		Nick       string   `json:"nick"`
		Roles      []flexID `json:"roles"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	roles := make([]ID, len(in.Roles))
	for i, r := range in.Roles {
		roles[i] = ID(r)
	}
	id := ID(in.User)
	if id == 0 {
		if in.Username == "" || len(in.Username) > 32 {
			return nil, errors.New("give the member as user_id, or a new one as username")
		}
		id = c.s.AddUser(in.Username, in.GlobalName).ID
	}
	if err := c.s.AddMember(c.guild(), id, in.Nick, roles...); err != nil {
		return nil, err
	}
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	if m := c.s.member(c.guild(), id); m != nil {
		return m.wire(), nil
	}
	return nil, errUnknownMember()
}

func (c *control) removeMember() (any, error) {
	return nil, c.s.RemoveMember(c.guild(), c.user())
}

// permissionChange sets, revokes or grants permissions.
type permissionChange struct {
	Permissions *Permissions `json:"permissions"`
	Deny        *Permissions `json:"deny"`
	Allow       *Permissions `json:"allow"`
}

func (p permissionChange) apply(now Permissions) Permissions {
	if p.Permissions != nil {
		now = *p.Permissions
	}
	if p.Deny != nil {
		now &^= *p.Deny
	}
	if p.Allow != nil {
		now |= *p.Allow
	}
	return now & AllPermissions
}

// setBot changes the permissions of a bot's own role in a guild, and adds the bot if needed.
func (c *control) setBot() (any, error) {
	var in struct {
		App flexID `json:"application_id"`
		permissionChange
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	app := ID(in.App)
	c.s.mu.RLock()
	if app == 0 && len(c.s.apps) == 1 {
		app = sortedIDs(c.s.apps)[0]
	}
	now := in.apply(c.s.botPermissions(c.guild(), app))
	c.s.mu.RUnlock()
	if err := c.s.InstallBot(c.guild(), app, now); err != nil {
		return nil, err
	}
	return map[string]any{"application_id": app, "permissions": now}, nil
}

// setRole changes a role's permissions.
func (c *control) setRole() (any, error) {
	var in permissionChange
	if err := c.read(&in); err != nil {
		return nil, err
	}
	id := parseID(c.r.PathValue("role"))
	c.s.mu.RLock()
	var now Permissions
	if g := c.s.guilds[c.guild()]; g != nil && g.roles[id] != nil {
		now = g.roles[id].permissions
	}
	c.s.mu.RUnlock()
	now = in.apply(now)
	if err := c.s.SetRole(c.guild(), id, now); err != nil {
		return nil, err
	}
	return map[string]any{"role_id": id, "permissions": now}, nil
}

// botPermissions returns the permissions of the bot's own role. The caller holds the world.
func (s *Server) botPermissions(guild, app ID) Permissions {
	if g := s.guilds[guild]; g != nil {
		for _, r := range g.roles {
			if r.botID == app {
				return r.permissions
			}
		}
	}
	return 0
}
