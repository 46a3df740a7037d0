package discordsim

import (
	"fmt"
	"slices"
	"time"
)

// application is a bot and its OAuth2 client. Guarded by Server.mu, except for id, which never changes.
type application struct {
	id          ID
	name        string
	description string
	token       string
	secret      string
	verifyKey   string
	redirects   []string
	loopback    bool // every loopback address is a valid redirect
	owner       ID
	bot         *user
	intents     Intents // the privileged ones it may use
	guilds      map[ID]struct{}
	commands    map[ID]map[ID]*command // by guild (0: global) and id
	noTwoFactor bool
	cmdPerms    map[[2]ID][]byte
	sessions    []*session
	starts      window
	dmUse       dmUse
	lastStarts  map[int]time.Time // by shard modulo max_concurrency
}

// Application is what a bot's configuration needs.
type Application struct {
	ID           ID       `json:"id"` // also the id of its bot user
	Name         string   `json:"name"`
	BotToken     string   `json:"bot_token"`
	ClientSecret string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
}

// ApplicationOptions describe an application to add.
type ApplicationOptions struct {
	Name                string
	Description         string
	Owner               ID // default: a new user
	RedirectURIs        []string
	AnyLoopbackRedirect bool // also accept every http redirect URI to this machine
	// NoPrivilegedIntents rejects the members, presences and content intents with 4014, as Discord does until they are
	// enabled.
	NoPrivilegedIntents bool
}

// User is an account. Token is valid as a Bearer token with the scopes identify, guilds and
// guilds.join, and lets a script sign in as that user.
type User struct {
	ID         ID     `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
	Token      string `json:"token"`
}

// Guild is a guild as it was created.
type Guild struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Owner ID     `json:"owner_id"`
}

// Channel identifies a channel.
type Channel struct {
	ID      ID          `json:"id"`
	GuildID ID          `json:"guild_id"`
	Name    string      `json:"name"`
	Type    ChannelType `json:"type"`
}

// ChannelOptions describe a channel to add.
type ChannelOptions struct {
	Name       string
	Type       ChannelType
	Parent     ID
	UserLimit  int // voice channels; 0: no limit
	Topic      string
	Overwrites []Overwrite
}

// Overwrite allows and denies permissions in a channel, for a role or a member.
type Overwrite struct {
	ID     ID
	Member bool // otherwise a role
	Allow  Permissions
	Deny   Permissions
}

// AddApplication creates an application and its bot.
func (s *Server) AddApplication(o ApplicationOptions) Application {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Name == "" {
		o.Name = "Bot"
	}
	a := &application{id: s.foundingID(), name: o.Name, description: o.Description, owner: o.Owner,
		redirects: slices.Clone(o.RedirectURIs), loopback: o.AnyLoopbackRedirect, secret: s.secret(24),
		verifyKey: s.randomHex(32), intents: intentsPrivileged, guilds: map[ID]struct{}{},
		commands: map[ID]map[ID]*command{}, cmdPerms: map[[2]ID][]byte{}, lastStarts: map[int]time.Time{}}
	if o.NoPrivilegedIntents {
		a.intents = 0
	}
	a.token = s.botToken(a.id)
	a.bot = s.newUser(a.id, o.Name, "")
	a.bot.bot = true
	if s.users[a.owner] == nil {
		dev := s.newUser(s.foundingID(), textName(o.Name)+"-developer", "")
		dev.developer = true
		a.owner = dev.id
	}
	s.apps[a.id], s.botTokens[a.token] = a, a
	s.page.usersChanged()
	return a.public()
}

// GiveOwnHosts makes each person have their own host name for loopback sites given as host:port:
// alice.localhost:8080 for 127.0.0.1:8080. The page then opens links to these sites there, so that
// one browser can be signed in as several people: cookies belong to host names.
func (s *Server) GiveOwnHosts(sites ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownHosts = slices.Clone(sites)
}

func (a *application) public() Application {
	return Application{ID: a.id, Name: a.name, BotToken: a.token, ClientSecret: a.secret,
		RedirectURIs: append([]string{}, a.redirects...)}
}

func (s *Server) newUser(id ID, username, globalName string) *user {
	u := &user{id: id, username: username, globalName: globalName, locale: "en-US", avatar: s.randomHex(16)}
	u.token = s.secret(32)
	s.users[id], s.userTokens[u.token] = u, u
	return u
}

// AddUser creates a person's account.
func (s *Server) AddUser(username, globalName string) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.newUser(s.foundingID(), username, globalName)
	s.page.usersChanged()
	return u.public()
}

func (u *user) public() User {
	return User{ID: u.id, Username: u.username, GlobalName: u.globalName, Token: u.token}
}

// AddGuild creates a guild without channels, with its owner as a member.
func (s *Server) AddGuild(name string, owner ID) (Guild, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[owner] == nil {
		return Guild{}, fmt.Errorf("discordsim: guild %q: no user %d; make its owner with AddUser", name, owner)
	}
	g := &guild{id: s.foundingID(), name: name, owner: owner, locale: "en-US", joinedAt: s.now(), afkTimeout: 300,
		roles: map[ID]*role{}, channels: map[ID]*channel{}, members: map[ID]*member{}, voice: map[ID]*voiceState{},
		bans: map[ID]string{}}
	g.roles[g.id] = &role{id: g.id, name: "@everyone", permissions: DefaultEveryone}
	s.guilds[g.id] = g
	s.addMember(g, s.users[owner], "", nil)
	return Guild{ID: g.id, Name: name, Owner: owner}, nil
}

// AddMember adds a user to a guild, as if by an invite.
func (s *Server) AddMember(guild, user ID, nick string, roles ...ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, u := s.guilds[guild], s.users[user]
	if g == nil || u == nil {
		return fmt.Errorf("discordsim: no guild %d or no user %d", guild, user)
	}
	for _, r := range roles {
		if g.roles[r] == nil || r == g.id {
			return fmt.Errorf("discordsim: guild %d has no role %d to give", guild, r)
		}
	}
	if _, banned := g.bans[user]; banned {
		return fail(403, 40007, "The user is banned from this guild.")
	}
	if g.members[user] == nil {
		s.addMember(g, u, nick, roles)
	}
	return nil
}

// RemoveMember removes a user from a guild, as if they left.
func (s *Server) RemoveMember(guild, user ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil || g.members[user] == nil {
		return errUnknownMember()
	}
	s.removeMember(g, user)
	return nil
}

// AddRole creates a role above the existing ones.
func (s *Server) AddRole(guild ID, name string, p Permissions) (ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil {
		return 0, errUnknownGuild()
	}
	r := s.newRole(g, name, p, len(g.roles))
	s.roleEvent(g, "GUILD_ROLE_CREATE", r)
	return r.id, nil
}

// SetRole sets a role's permissions; @everyone is the role with the guild's id.
func (s *Server) SetRole(guild, role ID, p Permissions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil || g.roles[role] == nil {
		return errUnknownRole()
	}
	g.roles[role].permissions = p & AllPermissions
	s.roleEvent(g, "GUILD_ROLE_UPDATE", g.roles[role])
	return nil
}

// AddChannel creates a channel, regardless of permissions.
func (s *Server) AddChannel(guild ID, o ChannelOptions) (Channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil {
		return Channel{}, errUnknownGuild()
	}
	c := s.newChannel(g, o.Type, o.Name)
	c.parent, c.userLimit, c.topic = o.Parent, o.UserLimit, optional(o.Topic)
	c.overwrites = readyOverwrites(o.Overwrites)
	s.channelEvent("CHANNEL_CREATE", c)
	return Channel{ID: c.id, GuildID: guild, Name: c.name, Type: c.kind}, nil
}

// newChannel adds a channel after the others of its kind.
func (s *Server) newChannel(g *guild, kind ChannelType, name string) *channel {
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

func (s *Server) newRole(g *guild, name string, p Permissions, position int) *role {
	r := &role{id: s.nextID(), name: name, permissions: p, position: position}
	g.roles[r.id] = r
	return r
}

// SetAFKChannel sets the guild's AFK channel; 0: none. It is only a setting: the simulator moves nobody on its own.
func (s *Server) SetAFKChannel(guild, channel ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil || channel != 0 && (g.channels[channel] == nil || g.channels[channel].kind != ChannelVoice) {
		return errUnknownGuild()
	}
	g.afk = channel
	s.guildEvent(g)
	return nil
}

// InstallBot adds an application's bot to a guild with a role with exactly these permissions.
// Calling it again changes them.
func (s *Server) InstallBot(guild, app ID, p Permissions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, a := s.guilds[guild], s.apps[app]
	if g == nil || a == nil {
		return fmt.Errorf("discordsim: no guild %d or no application %d", guild, app)
	}
	s.installBot(g, a, p)
	return nil
}

func (s *Server) installBot(g *guild, a *application, p Permissions) {
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

func (s *Server) setBotPermissions(g *guild, a *application, p Permissions) {
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

// CloseDMs sets whether a user refuses direct messages from bots, with 50007.
func (s *Server) CloseDMs(user ID, closed bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[user]
	if u == nil {
		return errUnknownUser()
	}
	u.dmsClosed = closed
	s.page.usersChanged()
	return nil
}

// SetLocale sets the language of a user's interactions, such as "de" or "en-GB".
func (s *Server) SetLocale(user ID, locale string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[user]
	if u == nil {
		return errUnknownUser()
	}
	u.locale = locale
	s.page.usersChanged()
	return nil
}

func (a *application) flags() int {
	f := flagApplicationCommandBadge
	for intent, flag := range map[Intents]int{IntentGuildPresences: flagPresence, IntentGuildMembers: flagMembers,
		IntentMessageContent: flagMessageContent} {
		if a.intents&intent != 0 {
			f |= flag
		}
	}
	return f
}

// identifies counts an IDENTIFY and reports whether it may proceed: shards that are equal modulo
// max_concurrency go one at a time.
func (a *application) identifies(s *Server, shard int) bool {
	l := s.opts.Limits
	if l.IdentifyWindow <= 0 {
		return true
	}
	key := shard % max(1, l.MaxConcurrency)
	if s.now().Sub(a.lastStarts[key]) < l.IdentifyWindow {
		return false
	}
	a.lastStarts[key] = s.now()
	return true
}
