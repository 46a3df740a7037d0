package discordsim

import (
	"fmt"
	"math"
	"slices"
)

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
func (c *Control) AddApplication(o ApplicationOptions) (out Application) {
	c.world.Update(func(s *state) {
		if o.Name == "" {
			o.Name = "Bot"
		}
		a := s.newApplication(o.Name, o.Owner)
		a.description, a.redirects, a.loopback = o.Description, slices.Clone(o.RedirectURIs), o.AnyLoopbackRedirect
		if o.NoPrivilegedIntents {
			a.intents = 0
		}
		s.watcher.UsersChanged()
		out = publicApplication(a)
	})
	return out
}

// GiveOwnHosts makes each person have their own host name for loopback sites given as host:port:
// alice.localhost:8080 for 127.0.0.1:8080. The page then opens links to these sites there, so that
// one browser can be signed in as several people: cookies belong to host names.
func (c *Control) GiveOwnHosts(sites ...string) {
	c.world.Update(func(s *state) {
		s.ownHosts = slices.Clone(sites)
	})
}

func publicApplication(a *application) Application {
	return Application{ID: a.id, Name: a.name, BotToken: a.token, ClientSecret: a.secret,
		RedirectURIs: append([]string{}, a.redirects...)}
}

// AddUser creates a person's account.
func (c *Control) AddUser(username, globalName string) (out User) {
	c.world.Update(func(s *state) {
		u := s.newUser(s.foundingID(), username, globalName)
		s.watcher.UsersChanged()
		out = publicUser(u)
	})
	return out
}

func publicUser(u *user) User {
	return User{ID: u.id, Username: u.username, GlobalName: u.globalName, Token: u.token}
}

// AddGuild creates a guild without channels, with its owner as a member.
func (c *Control) AddGuild(name string, owner ID) (Guild, error) {
	return act(c, func(s controlHeld) (Guild, error) {
		if s.users[owner] == nil {
			return Guild{}, fmt.Errorf("discordsim: guild %q: no user %d; make its owner with AddUser", name, owner)
		}
		g := s.newGuild(name)
		g.owner = owner
		s.addMember(g, s.users[owner], "", nil)
		return publicGuild(g), nil
	})
}

// AddMember adds a user to a guild, as if by an invite.
func (c *Control) AddMember(guild, user ID, nick string, roles ...ID) error {
	return c.do(func(s controlHeld) error {
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
	})
}

// RemoveMember removes a user from a guild, as if they left.
func (c *Control) RemoveMember(guild, user ID) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guild]
		if g == nil || g.members[user] == nil {
			return errUnknownMember()
		}
		s.removeMember(g, user)
		return nil
	})
}

// AddRole creates a role above the existing ones.
func (c *Control) AddRole(guild ID, name string, p Permissions) (ID, error) {
	return act(c, func(s controlHeld) (ID, error) {
		g := s.guilds[guild]
		if g == nil {
			return 0, errUnknownGuild()
		}
		r := s.newRole(g, name, p, len(g.roles))
		s.roleEvent(g, "GUILD_ROLE_CREATE", r)
		return r.id, nil
	})
}

// SetRole sets a role's permissions; @everyone is the role with the guild's id.
func (c *Control) SetRole(guild, role ID, p Permissions) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guild]
		if g == nil || g.roles[role] == nil {
			return errUnknownRole()
		}
		g.roles[role].permissions = p & AllPermissions
		s.roleEvent(g, "GUILD_ROLE_UPDATE", g.roles[role])
		return nil
	})
}

// AddChannel creates a channel, regardless of permissions.
func (c *Control) AddChannel(guild ID, o ChannelOptions) (Channel, error) {
	return act(c, func(s controlHeld) (Channel, error) {
		g := s.guilds[guild]
		if g == nil {
			return Channel{}, errUnknownGuild()
		}
		c := s.newChannel(g, o.Type, o.Name)
		c.parent, c.userLimit, c.topic = o.Parent, o.UserLimit, optional(o.Topic)
		c.overwrites = readyOverwrites(o.Overwrites)
		s.channelEvent("CHANNEL_CREATE", c)
		return Channel{ID: c.id, GuildID: guild, Name: c.name, Type: c.kind}, nil
	})
}

// SetAFKChannel sets the guild's AFK channel; 0: none. It is only a setting: the simulator moves nobody on its own.
func (c *Control) SetAFKChannel(guild, channel ID) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guild]
		if g == nil || channel != 0 && (g.channels[channel] == nil || g.channels[channel].kind != ChannelVoice) {
			return errUnknownGuild()
		}
		g.afk = channel
		s.guildEvent(g)
		return nil
	})
}

// InstallBot adds an application's bot to a guild with a role with exactly these permissions.
// Calling it again changes them.
func (c *Control) InstallBot(guild, app ID, p Permissions) error {
	return c.do(func(s controlHeld) error {
		g, a := s.guilds[guild], s.apps[app]
		if g == nil || a == nil {
			return fmt.Errorf("discordsim: no guild %d or no application %d", guild, app)
		}
		s.installBot(g, a, p)
		return nil
	})
}

// CloseDMs sets whether a user refuses direct messages from bots, with 50007.
func (c *Control) CloseDMs(user ID, closed bool) error {
	return c.do(func(s controlHeld) error {
		u := s.users[user]
		if u == nil {
			return errUnknownUser()
		}
		u.dmsClosed = closed
		s.watcher.UsersChanged()
		return nil
	})
}

// SetLocale sets the language of a user's interactions, such as "de" or "en-GB".
func (c *Control) SetLocale(user ID, locale string) error {
	return c.do(func(s controlHeld) error {
		u := s.users[user]
		if u == nil {
			return errUnknownUser()
		}
		u.locale = locale
		s.watcher.UsersChanged()
		return nil
	})
}

// guildOr returns the given guild or, if none was given, the only one the user is in.
func (s controlHeld) guildOr(guild, user ID) ID {
	if guild != 0 {
		return guild
	}
	for _, id := range sortedIDs(s.guilds) {
		if s.guilds[id].members[user] != nil {
			if guild != 0 {
				return 0
			}
			guild = id
		}
	}
	return guild
}

// UseInvite adds a user to a guild with an invite's code.
func (c *Control) UseInvite(user ID, code string) (Guild, error) {
	return act(c, func(s controlHeld) (Guild, error) {
		u, i := s.users[user], s.liveInvite(code)
		if u == nil {
			return Guild{}, errUnknownUser()
		}
		if i == nil || !i.open(user, s.now()) {
			return Guild{}, errUnknownInvite()
		}
		g := s.guilds[i.guild]
		if _, banned := g.bans[user]; banned {
			return Guild{}, fail(403, 40007, "The user is banned from this guild.")
		}
		if g.members[user] == nil {
			if i.uses = min(i.uses+1, math.MaxInt32); i.expired(s.now()) {
				s.removeInvite(code) // bots that track invites rely on its deletion being dispatched before the member
			}
			s.addMember(g, u, "", i.roles)
		}
		return publicGuild(g), nil
	})
}

func publicGuild(g *guild) Guild { return Guild{ID: g.id, Name: g.name, Owner: g.owner} }

// Populate fills the world with guilds for measurements, with an application's bot in each. Every member is a
// separate user, the first of each guild its owner. It dispatches no events, so call it before any bot connects.
func (c *Control) Populate(app ID, z Size, p Permissions) ([]Guild, error) {
	return act(c, func(s controlHeld) ([]Guild, error) {
		guilds, err := s.Populate(app, z, p)
		list := make([]Guild, 0, len(guilds))
		for _, g := range guilds {
			list = append(list, publicGuild(g))
		}
		return list, err
	})
}

// Keep returns the part of the world to store, as JSON that is the same as long as nothing in it changes.
func (c *Control) Keep() ([]byte, error) {
	return ask(c, func(s controlHeld) ([]byte, error) { return s.Keep() })
}

// Restore replaces the contents of the world's guilds with what Keep returned. Nobody may be
// connected yet. It skips guilds and people that this world doesn't have.
func (c *Control) Restore(kept []byte) error {
	return c.do(func(s controlHeld) error { return s.Restore(kept) })
}
