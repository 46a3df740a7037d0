package control

import (
	"fmt"
	"math"
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Application is what a bot's configuration needs.
type Application struct {
	ID           world.ID `json:"id"` // also the id of its bot user
	Name         string   `json:"name"`
	BotToken     string   `json:"bot_token"`
	ClientSecret string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
}

// ApplicationOptions describe an application to add.
type ApplicationOptions struct {
	Name        string
	Description string
	Owner       world.ID // default: a new user
	// Token is the bot's token; default: made from the seed. Its part before the first dot, decoded from base64, is
	// the application's id, as in Discord's; otherwise it gets one. If another application has the token, this one
	// gets another token.
	Token               string
	RedirectURIs        []string
	AnyLoopbackRedirect bool // also accept every http redirect URI to this machine
	// NoPrivilegedIntents rejects the members, presences and content intents with 4014, as Discord does until they are
	// enabled.
	NoPrivilegedIntents bool
}

// User is an account. Token is valid as a Bearer token with the scopes identify, guilds and
// guilds.join, and lets a script sign in as that user.
type User struct {
	ID         world.ID `json:"id"`
	Username   string   `json:"username"`
	GlobalName string   `json:"global_name"`
	Token      string   `json:"token"`
}

// Guild is a guild as it was created.
type Guild struct {
	ID    world.ID `json:"id"`
	Name  string   `json:"name"`
	Owner world.ID `json:"owner_id"`
}

// Channel identifies a channel.
type Channel struct {
	ID      world.ID          `json:"id"`
	GuildID world.ID          `json:"guild_id"`
	Name    string            `json:"name"`
	Type    world.ChannelType `json:"type"`
}

// ChannelOptions describe a channel to add.
type ChannelOptions struct {
	Name       string
	Type       world.ChannelType
	Parent     world.ID
	UserLimit  int // voice channels; 0: no limit
	Topic      string
	Overwrites []Overwrite
}

// Overwrite allows and denies permissions in a channel, for a role or a member.
type Overwrite struct {
	ID     world.ID
	Member bool // otherwise a role
	Allow  world.Permissions
	Deny   world.Permissions
}

// AddApplication creates an application and its bot.
func (c *Control) AddApplication(o ApplicationOptions) (out Application) {
	c.world.Update(func(s *world.State) {
		if o.Name == "" {
			o.Name = "Bot"
		}
		a := s.NewApplication(o.Name, o.Owner, o.Token)
		a.Description, a.Redirects, a.Loopback = o.Description, slices.Clone(o.RedirectURIs), o.AnyLoopbackRedirect
		if o.NoPrivilegedIntents {
			a.Intents = 0
		}
		s.Watcher.UsersChanged()
		out = publicApplication(a)
	})
	return out
}

// GiveOwnHosts makes each person have their own host name for loopback sites given as host:port:
// alice.localhost:8080 for 127.0.0.1:8080. The page then opens links to these sites there, so that
// one browser can be signed in as several people: cookies belong to host names.
func (c *Control) GiveOwnHosts(sites ...string) {
	c.world.Update(func(s *world.State) {
		s.OwnHosts = slices.Clone(sites)
	})
}

func publicApplication(a *world.Application) Application {
	return Application{ID: a.ID, Name: a.Name, BotToken: a.Token, ClientSecret: a.Secret,
		RedirectURIs: append([]string{}, a.Redirects...)}
}

// AddUser creates a person's account.
func (c *Control) AddUser(username, globalName string) (out User) {
	c.world.Update(func(s *world.State) {
		u := s.NewUser(s.FoundingID(), username, globalName)
		s.Watcher.UsersChanged()
		out = publicUser(u)
	})
	return out
}

func publicUser(u *world.User) User {
	return User{ID: u.ID, Username: u.Username, GlobalName: u.GlobalName, Token: u.Token}
}

// AddGuild creates a guild without channels, with its owner as a member.
func (c *Control) AddGuild(name string, owner world.ID) (Guild, error) {
	return act(c, func(s held) (Guild, error) {
		if s.Users[owner] == nil {
			return Guild{}, fmt.Errorf("discordsim: guild %q: no user %d; make its owner with AddUser", name, owner)
		}
		g := s.NewGuild(name)
		g.Owner = owner
		s.AddMember(g, s.Users[owner], "", nil)
		return publicGuild(g), nil
	})
}

// AddMember adds a user to a guild, as if by an invite.
func (c *Control) AddMember(guild, user world.ID, nick string, roles ...world.ID) error {
	return c.do(func(s held) error {
		g, u := s.Guilds[guild], s.Users[user]
		if g == nil || u == nil {
			return fmt.Errorf("discordsim: no guild %d or no user %d", guild, user)
		}
		for _, r := range roles {
			if g.Roles[r] == nil || r == g.ID {
				return fmt.Errorf("discordsim: guild %d has no role %d to give", guild, r)
			}
		}
		if _, banned := g.Bans[user]; banned {
			return form.Fail(403, 40007, "The user is banned from this guild.")
		}
		if g.Members[user] == nil {
			s.AddMember(g, u, nick, roles)
		}
		return nil
	})
}

// RemoveMember removes a user from a guild, as if they left.
func (c *Control) RemoveMember(guild, user world.ID) error {
	return c.do(func(s held) error {
		g := s.Guilds[guild]
		if g == nil || g.Members[user] == nil {
			return form.UnknownMember()
		}
		s.RemoveMember(g, user)
		return nil
	})
}

// AddRole creates a role above the existing ones.
func (c *Control) AddRole(guild world.ID, name string, p world.Permissions) (world.ID, error) {
	return act(c, func(s held) (world.ID, error) {
		g := s.Guilds[guild]
		if g == nil {
			return 0, form.UnknownGuild()
		}
		r := s.NewRole(g, name, p, len(g.Roles))
		s.RoleEvent(g, "GUILD_ROLE_CREATE", r)
		return r.ID, nil
	})
}

// SetRole sets a role's permissions; @everyone is the role with the guild's id.
func (c *Control) SetRole(guild, role world.ID, p world.Permissions) error {
	return c.do(func(s held) error {
		g := s.Guilds[guild]
		if g == nil || g.Roles[role] == nil {
			return form.UnknownRole()
		}
		g.Roles[role].Permissions = p & world.AllPermissions
		s.RoleEvent(g, "GUILD_ROLE_UPDATE", g.Roles[role])
		return nil
	})
}

// AddChannel creates a channel, regardless of permissions.
func (c *Control) AddChannel(guild world.ID, o ChannelOptions) (Channel, error) {
	return act(c, func(s held) (Channel, error) {
		g := s.Guilds[guild]
		if g == nil {
			return Channel{}, form.UnknownGuild()
		}
		c := s.NewChannel(g, o.Type, o.Name)
		c.Parent, c.UserLimit, c.Topic = o.Parent, o.UserLimit, world.Optional(o.Topic)
		c.Overwrites = readyOverwrites(o.Overwrites)
		s.ChannelEvent("CHANNEL_CREATE", c)
		return Channel{ID: c.ID, GuildID: guild, Name: c.Name, Type: c.Kind}, nil
	})
}

// SetAFKChannel sets the guild's AFK channel; 0: none. It is only a setting: the simulator moves nobody on its own.
func (c *Control) SetAFKChannel(guild, channel world.ID) error {
	return c.do(func(s held) error {
		g := s.Guilds[guild]
		if g == nil || channel != 0 && (g.Channels[channel] == nil || g.Channels[channel].Kind != world.ChannelVoice) {
			return form.UnknownGuild()
		}
		g.AFK = channel
		s.GuildEvent(g)
		return nil
	})
}

// InstallBot adds an application's bot to a guild with a role with exactly these permissions.
// Calling it again changes them.
func (c *Control) InstallBot(guild, app world.ID, p world.Permissions) error {
	return c.do(func(s held) error {
		g, a := s.Guilds[guild], s.Apps[app]
		if g == nil || a == nil {
			return fmt.Errorf("discordsim: no guild %d or no application %d", guild, app)
		}
		s.InstallBot(g, a, p)
		return nil
	})
}

// CloseDMs sets whether a user refuses direct messages from bots, with 50007.
func (c *Control) CloseDMs(user world.ID, closed bool) error {
	return c.do(func(s held) error {
		u := s.Users[user]
		if u == nil {
			return form.UnknownUser()
		}
		u.DMsClosed = closed
		s.Watcher.UsersChanged()
		return nil
	})
}

// SetLocale sets the language of a user's interactions, such as "de" or "en-GB".
func (c *Control) SetLocale(user world.ID, locale string) error {
	return c.do(func(s held) error {
		u := s.Users[user]
		if u == nil {
			return form.UnknownUser()
		}
		u.Locale = locale
		s.Watcher.UsersChanged()
		return nil
	})
}

// guildOr returns the given guild or, if none was given, the only one the user is in.
func (s held) guildOr(guild, user world.ID) world.ID {
	if guild != 0 {
		return guild
	}
	for _, id := range world.SortedIDs(s.Guilds) {
		if s.Guilds[id].Members[user] != nil {
			if guild != 0 {
				return 0
			}
			guild = id
		}
	}
	return guild
}

// UseInvite adds a user to a guild with an invite's code.
func (c *Control) UseInvite(user world.ID, code string) (Guild, error) {
	return act(c, func(s held) (Guild, error) {
		u, i := s.Users[user], s.LiveInvite(code)
		if u == nil {
			return Guild{}, form.UnknownUser()
		}
		if i == nil || !i.Open(user, s.Now()) {
			return Guild{}, form.UnknownInvite()
		}
		g := s.Guilds[i.Guild]
		if _, banned := g.Bans[user]; banned {
			return Guild{}, form.Fail(403, 40007, "The user is banned from this guild.")
		}
		if g.Members[user] == nil {
			if i.Uses = min(i.Uses+1, math.MaxInt32); i.Expired(s.Now()) {
				s.RemoveInvite(code) // bots that track invites rely on its deletion being dispatched before the member
			}
			s.AddMember(g, u, "", i.Roles)
		}
		return publicGuild(g), nil
	})
}

func publicGuild(g *world.Guild) Guild { return Guild{ID: g.ID, Name: g.Name, Owner: g.Owner} }

// Populate fills the world with guilds for measurements, with an application's bot in each. Every member is a
// separate user, the first of each guild its owner. It dispatches no events, so call it before any bot connects.
func (c *Control) Populate(app world.ID, z world.Size, p world.Permissions) ([]Guild, error) {
	return act(c, func(s held) ([]Guild, error) {
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
	return ask(c, func(s held) ([]byte, error) { return s.Keep() })
}

// Restore replaces the contents of the world's guilds with what Keep returned. Nobody may be
// connected yet. It skips guilds and people that this world doesn't have.
func (c *Control) Restore(kept []byte) error {
	return c.do(func(s held) error { return s.Restore(kept) })
}

// Snapshot returns the world as JSON, for RestoreSnapshot.
func (c *Control) Snapshot() ([]byte, error) {
	return ask(c, func(s held) ([]byte, error) { return s.Snapshot() })
}

// RestoreSnapshot replaces the world by the one that Snapshot returned, of this or another run.
func (c *Control) RestoreSnapshot(data []byte) error {
	return c.do(func(s held) error { return s.RestoreSnapshot(data) })
}

// MarkStart makes the world as it is what Reset goes back to.
func (c *Control) MarkStart() error {
	return c.do(func(s held) (err error) {
		c.start, err = s.Snapshot()
		return err
	})
}

// Reset makes the world what it was at MarkStart, and clears the waiting faults.
func (c *Control) Reset() error {
	err := c.do(func(s held) error {
		if c.start == nil {
			return form.Fail(409, 0, "409: nothing to go back to; mark the start first")
		}
		return s.RestoreSnapshot(c.start)
	})
	if err == nil {
		c.ClearFaults(0)
	}
	return err
}

// Applications lists the applications by age.
func (c *Control) Applications() (list []Application) {
	c.world.View(func(s *world.State) {
		for _, id := range world.SortedIDs(s.Apps) {
			list = append(list, publicApplication(s.Apps[id]))
		}
	})
	return list
}

// Guilds lists the guilds by age.
func (c *Control) Guilds() (list []Guild) {
	c.world.View(func(s *world.State) {
		for _, id := range world.SortedIDs(s.Guilds) {
			list = append(list, publicGuild(s.Guilds[id]))
		}
	})
	return list
}

// People lists the people by age, without those who are nothing but the owner of an application.
func (c *Control) People() (list []User) {
	c.world.View(func(s *world.State) {
		for _, id := range world.SortedIDs(s.Users) {
			if u := s.Users[id]; s.IsPerson(u) {
				list = append(list, publicUser(u))
			}
		}
	})
	return list
}
