// Package access computes a member's permissions in a channel, as Discord
// does, and why a member cannot be let into a room. All of Snug uses it.
//
// It does no I/O and reads no clock. Its inputs (roles' permissions, channels' overwrites) are
// plain data that the bot publishes, so that bot and dashboard get the same results.
// https://discord.com/developers/docs/topics/permissions
package access

import (
	"maps"
	"slices"

	"github.com/disgoorg/snowflake/v2"
)

// Permissions are permission bits as Discord numbers them.
type Permissions uint64

// The permissions that Snug computes with.
const (
	Administrator      Permissions = 1 << 3
	ManageGuild        Permissions = 1 << 5
	ViewChannel        Permissions = 1 << 10
	ReadMessageHistory Permissions = 1 << 16
	Connect            Permissions = 1 << 20
	MoveMembers        Permissions = 1 << 24

	// All are the permissions of the server's owner and administrators.
	All = ^Permissions(0)
	// Enter are the permissions needed to join a voice channel.
	Enter = ViewChannel | Connect
	// ChannelMask are the permissions that Snug needs to know of a channel's overwrites, and RoleMask of a role.
	ChannelMask = Enter | MoveMembers
	RoleMask    = ChannelMask | Administrator | ManageGuild
)

// Permissions that depend on others or on the member's state.
const (
	restricted = ViewChannel | ReadMessageHistory // timed out, or pending
	// voiceImplied are the permissions that Discord removes with Connect in a voice channel.
	voiceImplied = MoveMembers | 1<<4 | 1<<8 | 1<<9 | 1<<21 | 1<<22 | 1<<23 | 1<<25 |
		1<<28 | 1<<29 | 1<<32 | 1<<39 | 1<<42 | 1<<45 | 1<<48
)

// Has reports whether p has all bits of q.
func (p Permissions) Has(q Permissions) bool { return p&q == q }

// Roles are the permissions of a server's roles, by role; @everyone has the server's own id.
type Roles map[snowflake.ID]Permissions

// Base returns the combined permissions of roles and @everyone.
func (r Roles) Base(guild snowflake.ID, has []snowflake.ID) Permissions {
	p := r[guild]
	for _, id := range has {
		p |= r[id]
	}
	return p
}

// Member is somebody in a server, as far as permissions depend on them.
type Member struct {
	Guild, User snowflake.ID
	Roles       []snowflake.ID // without @everyone
	Base        Permissions    // combined permissions of their roles
	Owner       bool           // of the server
	Pending     bool           // has not accepted the server's rules
	TimedOut    bool
}

// Admin reports whether the member has all permissions: the owner or Administrator.
func (m Member) Admin() bool { return m.Owner || m.Base.Has(Administrator) }

// Compute returns a member's permissions in a voice channel with these overwrites. Pass the
// channel's own overwrites, not its category's: Discord copies those when the two are synced.
func Compute(m Member, channel []Overwrite) Permissions {
	if m.Admin() {
		return All
	}
	p := apply(m, channel)
	if m.Pending || m.TimedOut {
		p &= restricted
	}
	switch {
	case !p.Has(ViewChannel):
		return 0
	case !p.Has(Connect):
		p &^= voiceImplied
	}
	return p
}

// apply applies overwrites to the base permissions:
// @everyone's, then the roles' combined, then the member's own.
func apply(m Member, channel []Overwrite) Permissions {
	p := m.Base
	var roles, own Overwrite
	for _, o := range channel {
		switch {
		case o.Member:
			if o.ID == m.User {
				own = o
			}
		case o.ID == m.Guild:
			p = p&^o.Deny | o.Allow
		case slices.Contains(m.Roles, o.ID):
			roles.Allow, roles.Deny = roles.Allow|o.Allow, roles.Deny|o.Deny
		}
	}
	p = p&^roles.Deny | roles.Allow
	return p&^own.Deny | own.Allow
}

// Guild is a guild's owner and roles.
type Guild struct {
	OwnerID snowflake.ID `json:"owner_id,omitempty"`
	// Roles are @everyone and the roles with more of RoleMask than it.
	Roles Roles `json:"roles,omitempty"`
}

// Compact returns @everyone and the roles that grant more of the permissions in mask than it does, limited to mask.
func (r Roles) Compact(guild snowflake.ID, mask Permissions) Roles {
	everyone := r[guild] & mask
	out := Roles{guild: everyone}
	for id, p := range r {
		if p &= mask; p&^everyone != 0 {
			out[id] = p
		}
	}
	return out
}

// Equal reports whether two are the same.
func (g Guild) Equal(o Guild) bool { return g.OwnerID == o.OwnerID && maps.Equal(g.Roles, o.Roles) }
