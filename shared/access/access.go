// Package access computes what a member may do in a channel, as Discord
// does, and says why somebody may not: the one place that Snug asks.
//
// It does no I/O and reads no clock. What it needs of a server (the bits of its
// roles, overwrites of channels) comes in as plain data, which the bot publishes
// and both sides read, so that bot and dashboard answer alike.
// https://discord.com/developers/docs/topics/permissions
package access

import (
	"maps"
	"slices"

	"github.com/disgoorg/snowflake/v2"
)

// Permissions are permission bits as Discord numbers them.
type Permissions uint64

// The permissions that decide who sees, enters and manages.
const (
	Administrator      Permissions = 1 << 3
	ManageGuild        Permissions = 1 << 5
	ViewChannel        Permissions = 1 << 10
	ReadMessageHistory Permissions = 1 << 16
	Connect            Permissions = 1 << 20
	MoveMembers        Permissions = 1 << 24

	// All is what the server's owner and administrators have.
	All = ^Permissions(0)
	// Enter is what it takes to be in a voice channel.
	Enter = ViewChannel | Connect
	// ChannelMask is what Snug needs to know of a channel's overwrites, OfRoles of a role.
	ChannelMask = Enter | MoveMembers
	RoleMask    = ChannelMask | Administrator | ManageGuild
)

// The permissions that go with others, and what is left where somebody may only look on.
const (
	restricted = ViewChannel | ReadMessageHistory // timed out, or pending
	// voiceImplied goes with Connect: whoever may not connect to a voice channel neither acts in it nor manages it.
	voiceImplied = MoveMembers | 1<<4 | 1<<8 | 1<<9 | 1<<21 | 1<<22 | 1<<23 | 1<<25 | 1<<28 | 1<<29 | 1<<32 | 1<<39 | 1<<42 | 1<<45 | 1<<48
)

// Has says whether p holds all bits of q.
func (p Permissions) Has(q Permissions) bool { return p&q == q }

// Roles are the permissions that a server's roles give, by role; those of
// @everyone stand under the server's own id.
type Roles map[snowflake.ID]Permissions

// Base gives what roles give together, @everyone's among them.
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
	Base        Permissions    // what their roles give together
	Owner       bool           // of the server
	Pending     bool           // has not accepted the server's rules
	TimedOut    bool
}

// Admin says whether Discord denies them nothing.
func (m Member) Admin() bool { return m.Owner || m.Base.Has(Administrator) }

// Compute gives what a member may do in a voice channel with these overwrites.
// A channel in a category is told with its own, which are the category's where the two are synced.
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

// apply lays overwrites over base permissions: @everyone's, then those of the roles together, then the member's own.
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

// Guild is what permissions depend on in a server as a whole.
type Guild struct {
	OwnerID snowflake.ID `json:"owner_id,omitempty"`
	// Roles are those that give more of OfRoles than @everyone, and @everyone.
	Roles Roles `json:"roles,omitempty"`
}

// Compact gives the roles that give more of the permissions in mask than @everyone does, and @everyone, with
// only those.
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

// Equal says whether two are the same.
func (g Guild) Equal(o Guild) bool { return g.OwnerID == o.OwnerID && maps.Equal(g.Roles, o.Roles) }
