package discordsim

import "time"

// AddApplication creates an application and its bot.
func (s *Server) AddApplication(o ApplicationOptions) Application { return s.control.AddApplication(o) }

// AddSKU makes an application sell something, and returns its id. What it is: durable, consumable, user_subscription or
// guild_subscription.
func (s *Server) AddSKU(app ID, name, kind string) (ID, error) {
	return s.control.AddSKU(app, name, kind)
}

// Buy makes a user buy what an application sells, for a guild if it is a guild's subscription, and returns the
// entitlement. The bot gets ENTITLEMENT_CREATE, and the entitlement in interactions.
func (s *Server) Buy(app, sku, user, guild ID) (ID, error) {
	return s.control.Buy(app, sku, user, guild)
}

// EndEntitlement sets when an entitlement ends; the zero time deletes it, as a refund does.
func (s *Server) EndEntitlement(app, entitlement ID, at time.Time) error {
	return s.control.EndEntitlement(app, entitlement, at)
}

// GiveOwnHosts makes each person have their own host name for loopback sites given as host:port:
// alice.localhost:8080 for 127.0.0.1:8080. The page then opens links to these sites there, so that
// one browser can be signed in as several people: cookies belong to host names.
func (s *Server) GiveOwnHosts(sites ...string) { s.control.GiveOwnHosts(sites...) }

// AddUser creates a person's account.
func (s *Server) AddUser(username, globalName string) User {
	return s.control.AddUser(username, globalName)
}

// AddGuild creates a guild without channels, with its owner as a member.
func (s *Server) AddGuild(name string, owner ID) (Guild, error) {
	return s.control.AddGuild(name, owner)
}

// AddMember adds a user to a guild, as if by an invite.
func (s *Server) AddMember(guild, user ID, nick string, roles ...ID) error {
	return s.control.AddMember(guild, user, nick, roles...)
}

// RemoveMember removes a user from a guild, as if they left.
func (s *Server) RemoveMember(guild, user ID) error { return s.control.RemoveMember(guild, user) }

// AddRole creates a role above the existing ones.
func (s *Server) AddRole(guild ID, name string, p Permissions) (ID, error) {
	return s.control.AddRole(guild, name, p)
}

// SetRole sets a role's permissions; @everyone is the role with the guild's id.
func (s *Server) SetRole(guild, role ID, p Permissions) error {
	return s.control.SetRole(guild, role, p)
}

// AddChannel creates a channel, regardless of permissions.
func (s *Server) AddChannel(guild ID, o ChannelOptions) (Channel, error) {
	return s.control.AddChannel(guild, o)
}

// SetAFKChannel sets the guild's AFK channel; 0: none. It is only a setting: the simulator moves nobody on its own.
func (s *Server) SetAFKChannel(guild, channel ID) error {
	return s.control.SetAFKChannel(guild, channel)
}

// InstallBot adds an application's bot to a guild with a role with exactly these permissions.
// Calling it again changes them.
func (s *Server) InstallBot(guild, app ID, p Permissions) error {
	return s.control.InstallBot(guild, app, p)
}

// CloseDMs sets whether a user refuses direct messages from bots, with 50007.
func (s *Server) CloseDMs(user ID, closed bool) error { return s.control.CloseDMs(user, closed) }

// SetLocale sets the language of a user's interactions, such as "de" or "en-GB".
func (s *Server) SetLocale(user ID, locale string) error { return s.control.SetLocale(user, locale) }

// UseInvite adds a user to a guild with an invite's code.
func (s *Server) UseInvite(user ID, code string) (Guild, error) {
	return s.control.UseInvite(user, code)
}

// Populate fills the world with guilds for measurements, with an application's bot in each. Every member is a
// separate user, the first of each guild its owner. It dispatches no events, so call it before any bot connects.
func (s *Server) Populate(app ID, z Size, p Permissions) ([]Guild, error) {
	return s.control.Populate(app, z, p)
}

// Keep returns the part of the world to store, as JSON that is the same as long as nothing in it changes.
func (s *Server) Keep() ([]byte, error) { return s.control.Keep() }

// Restore replaces the contents of the world's guilds with what Keep returned. Nobody may be
// connected yet. It skips guilds and people that this world doesn't have.
func (s *Server) Restore(kept []byte) error { return s.control.Restore(kept) }

// Snapshot returns the world as JSON: people, applications with their commands, guilds with channels, roles, members,
// voice states, invites and messages. It leaves out what Keep does otherwise, audit logs and what limits count.
func (s *Server) Snapshot() ([]byte, error) { return s.control.Snapshot() }

// RestoreSnapshot replaces the world by the one that Snapshot returned, of this or another simulator. Bots stay
// connected and have to identify again (op 9); who waits for a response to an interaction gets none. Sign-ins stay. If
// it fails, nothing has changed.
func (s *Server) RestoreSnapshot(data []byte) error { return s.control.RestoreSnapshot(data) }

// MarkStart makes the world as it is what Reset goes back to.
func (s *Server) MarkStart() error { return s.control.MarkStart() }

// Reset makes the world what it was at MarkStart, as RestoreSnapshot does, and clears the waiting faults. It fails if
// nothing was marked.
func (s *Server) Reset() error { return s.control.Reset() }

// Applications lists the applications by age.
func (s *Server) Applications() []Application { return s.control.Applications() }

// Guilds lists the guilds by age.
func (s *Server) Guilds() []Guild { return s.control.Guilds() }

// People lists the people by age, without those who are nothing but the owner of an application.
func (s *Server) People() []User { return s.control.People() }
