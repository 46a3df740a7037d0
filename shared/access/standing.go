package access

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Via says where a request came from.
type Via string

// The origins of requests.
const (
	ViaDiscord Via = "discord" // a slash command, button or menu
	ViaWeb     Via = "web"     // the dashboard's pages and its JSON API
	ViaSnug    Via = "snug"    // Snug itself: a sweep, a repair
)

// Standing is a user's membership, roles and permissions in a guild, as of CheckedAt.
type Standing struct {
	GuildID snowflake.ID `json:"guild_id"`
	UserID  snowflake.ID `json:"user_id"`
	Member  bool         `json:"member"`          // is in the server
	Owner   bool         `json:"owner,omitempty"` // owns the server
	// owns the server or has Administrator, so that overwrites don't apply
	Admin   bool           `json:"admin,omitempty"`
	Manager bool           `json:"manager,omitempty"` // as Admin, or has Manage Server and is Active
	Roles   []snowflake.ID `json:"roles,omitempty"`   // without @everyone
	// Base are the combined permissions of their roles, limited to RoleMask.
	Base Permissions `json:"base,omitempty"`
	Bot  bool        `json:"bot,omitempty"`
	// Pending is set until they accept the rules (membership screening): until then they can only see and read.
	Pending bool `json:"pending,omitempty"`
	// TimedOutUntil is when their timeout ends, as Discord sent it: it may be past; zero for none.
	TimedOutUntil time.Time `json:"timed_out_until,omitzero"`
	Username      string    `json:"username"`
	DisplayName   string    `json:"display_name"`     // nickname, else global name, else username
	Avatar        string    `json:"avatar,omitempty"` // hash; "" for none
	CheckedAt     time.Time `json:"checked_at"`
}

// TimedOut reports whether they were timed out at CheckedAt.
func (s Standing) TimedOut() bool { return s.TimedOutUntil.After(s.CheckedAt) }

// WithGuild returns the standing recomputed with the guild's current owner and roles.
func (s Standing) WithGuild(g Guild) Standing {
	if !s.Member || len(g.Roles) == 0 {
		return s
	}
	s.Base = g.Roles.Base(s.GuildID, s.Roles) & RoleMask
	s.Owner = s.UserID != 0 && g.OwnerID == s.UserID // 0 is anybody, in a guild whose owner may be unknown
	s.Admin = s.Owner || s.Base.Has(Administrator)
	s.Manager = s.Admin || s.Base.Has(ManageGuild) && s.Active()
	return s
}

// AsMember returns what Compute needs.
func (s Standing) AsMember() Member {
	return Member{
		Guild: s.GuildID, User: s.UserID, Roles: s.Roles, Base: s.Base, Owner: s.Owner || s.Admin, Pending: s.Pending,
		TimedOut: s.TimedOut(),
	}
}

// PermissionsIn returns their permissions in a voice channel with these overwrites.
func (s Standing) PermissionsIn(channel []Overwrite) Permissions {
	if !s.Member {
		return 0
	}
	return Compute(s.AsMember(), channel)
}

// Active reports whether they may do more than see and read. Discord allows nothing else to members
// who are timed out or have not accepted the server's rules.
func (s Standing) Active() bool { return s.Member && (s.Admin || !s.Pending && !s.TimedOut()) }

// CheckActive returns errs.Forbidden unless they are Active.
func (s Standing) CheckActive() error {
	switch {
	case s.Active():
		return nil
	case !s.Member:
		return errs.E(errs.Forbidden, "You aren't in this server. Ask a member for an invite.")
	case s.Pending:
		return errs.E(errs.Forbidden,
			"You haven't accepted this server's rules yet. Open the server in Discord and accept them, then try again.")
	}
	return errs.E(errs.Forbidden, "You're timed out in this server until %s. Until then you can only look.",
		s.TimedOutUntil)
}

// CheckManager returns errs.Forbidden unless they manage the server.
func (s Standing) CheckManager() error {
	if !s.Manager {
		return errs.E(errs.Forbidden,
			"Only members with the Manage Server permission can change Snug's settings. Ask one of them.")
	}
	return nil
}

// Actor is the user who makes a request, and where it came from.
type Actor struct {
	UserID snowflake.ID `json:"user_id"`
	Via    Via          `json:"via"`
	// Standing is set if it came with the request (an interaction); otherwise the bot fetches it.
	Standing *Standing `json:"standing,omitempty"`
}
