package room

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
)

// Access decides who may see and enter a room: for a Standing
// it gives the same result as Discord for the room's channel.
type Access struct {
	OwnerID     snowflake.ID   `json:"owner_id"`
	Private     bool           `json:"private"`
	Locked      bool           `json:"locked,omitempty"`
	Hidden      bool           `json:"hidden,omitempty"`
	ManagersSee bool           `json:"managers_see,omitempty"` // managers can see private rooms too
	Guests      []snowflake.ID `json:"guests,omitempty"`       // without suspended ones
	Banned      []snowflake.ID `json:"banned,omitempty"`
	// OwnerSuspended means that the owner doesn't pass the gates: they have no access of their own until they do.
	OwnerSuspended bool `json:"owner_suspended,omitempty"`
	// Channel are the channel's overwrites of roles, and of members who are neither owner, guest nor banned.
	Channel []access.Overwrite `json:"channel,omitempty"`
	// Gates are overwrites of channels; whoever is let in must
	// pass each (package access). nil: Channel is the only gate.
	Gates          [][]access.Overwrite `json:"gates,omitempty"`
	GuestsPastGate bool                 `json:"past_gate,omitempty"` // guests don't need a required role
	// WatchKey is WatchKey of the room's spectator token; "" while the room has no spectator link.
	WatchKey string `json:"watch_key,omitempty"`
	// GuestsInvite means that guests can make invite links too.
	GuestsInvite bool `json:"guests_invite,omitempty"`
}

// WatchKey returns a hash that identifies a spectator token without revealing it; "" for "".
func WatchKey(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("snug watch " + token))
	return hex.EncodeToString(sum[:16])
}

// MayWatch reports whether a spectator token is the room's current one. A spectator doesn't have to be signed in.
func (a Access) MayWatch(token string) bool {
	return a.WatchKey != "" && subtle.ConstantTimeCompare([]byte(WatchKey(token)), []byte(a.WatchKey)) == 1
}

// Admitted reports whether the user is the owner or a guest, and neither suspended nor banned.
func (a Access) Admitted(user snowflake.ID) bool {
	return !slices.Contains(a.Banned, user) &&
		(a.OwnerID == user && !a.OwnerSuspended || slices.Contains(a.Guests, user))
}

// EveryoneDenied returns the permissions that the room's channel denies @everyone.
func EveryoneDenied(private, locked, hidden bool) access.Permissions {
	switch {
	case private || hidden:
		return access.Enter
	case locked:
		return access.Connect
	}
	return 0
}

func (a Access) gates() [][]access.Overwrite {
	if a.Gates == nil {
		return [][]access.Overwrite{a.Channel}
	}
	return a.Gates
}

// Openers returns the roles of which any one would let in a user who has none of them.
func (a Access) Openers(s access.Standing, roles access.Roles, bot func(role snowflake.ID) bool) []snowflake.ID {
	return access.RolesThatAdmit(s.AsMember(), a.gates(), roles, bot)
}

// Judge returns why a user can't be let into the room, or access.Passes if they are in the server and pass its gates.
func (a Access) Judge(s access.Standing) access.Barrier {
	if !s.Member {
		return access.NotMember
	}
	missing, m := access.Passes, s.AsMember()
	for _, gate := range a.gates() {
		switch why := access.GateBarrier(m, gate); why {
		case access.Passes:
		case access.MissingRole:
			missing = why
		default:
			return why
		}
	}
	if a.GuestsPastGate {
		return access.Passes
	}
	return missing
}

// BarrierFor returns why the access of the owner or a guest is suspended, or access.Passes. A timeout
// doesn't suspend it: in Discord the user still sees the channel, and can't do anything else.
func (a Access) BarrierFor(s access.Standing) access.Barrier {
	s.TimedOutUntil = time.Time{}
	return a.Judge(s)
}

// permissions returns a user's permissions in the room's channel, as Discord computes them.
func (a Access) permissions(s access.Standing) access.Permissions {
	if !s.Member {
		return 0
	}
	m := s.AsMember()
	if m.Admin() {
		return access.All
	}
	list := append(make([]access.Overwrite, 0, len(a.Channel)+2), a.Channel...)
	if closed := EveryoneDenied(a.Private, a.Locked, a.Hidden); closed != 0 {
		list = denyEveryone(list, s.GuildID, closed)
	}
	switch {
	case slices.Contains(a.Banned, s.UserID):
		list = append(list, access.Overwrite{ID: s.UserID, Member: true, Deny: access.Enter})
	case a.Admitted(s.UserID) && a.BarrierFor(s) == access.Passes:
		list = append(list, access.Overwrite{ID: s.UserID, Member: true, Allow: access.Enter})
	}
	return access.Compute(m, list)
}

// denyEveryone adds the room's own denials for @everyone, which the cached overwrites may not contain yet.
func denyEveryone(list []access.Overwrite, guild snowflake.ID, closed access.Permissions) []access.Overwrite {
	for i := range list {
		if o := &list[i]; o.ID == guild && !o.Member {
			o.Allow, o.Deny = o.Allow&^closed, o.Deny|closed
			return list
		}
	}
	return append(list, access.Overwrite{ID: guild, Deny: closed})
}

// MaySee reports whether a user may see the room and who is in it.
func (a Access) MaySee(s access.Standing) bool {
	if a.ManagersSee && s.Member && s.Manager && !slices.Contains(a.Banned, s.UserID) {
		return true
	}
	return a.permissions(s).Has(access.ViewChannel)
}

// Public reports whether every member of a server sees the room and passes its gates, whatever their roles.
func (a Access) Public(guildID snowflake.ID, g access.Guild) bool {
	anybody := access.Standing{GuildID: guildID, Member: true}.WithGuild(g)
	return a.MaySee(anybody) && a.Judge(anybody) == access.Passes
}

// MayEnter reports whether a user may take a free seat. In a locked room only the owner and guests
// may, and invites let nobody in.
func (a Access) MayEnter(s access.Standing) bool { return a.permissions(s).Has(access.Enter) }

// MayOverfill reports whether Discord lets a user into the full room,
// because they have Move Members there (discord/discord-api-docs#8240).
func (a Access) MayOverfill(s access.Standing) bool {
	return a.permissions(s).Has(access.Enter | access.MoveMembers)
}

// MayControl reports whether a user may change the room and invite to it: the owner, and the
// server's managers if Discord shows it to them.
func (a Access) MayControl(s access.Standing) bool {
	return a.MayClose(s) && a.permissions(s).Has(access.ViewChannel)
}

// MayInvite reports whether a user may make invite links: whoever may control the room, and its guests if GuestsInvite.
func (a Access) MayInvite(s access.Standing) bool {
	return a.MayControl(s) || a.GuestsInvite && s.Active() && a.Admitted(s.UserID) && a.MaySee(s)
}

// CheckInvite fails with errs.Forbidden unless the user may make invite links.
func (a Access) CheckInvite(s access.Standing) error {
	if a.MayInvite(s) {
		return nil
	}
	return a.CheckControl(s, "invite to it")
}

// CheckControl fails with errs.Forbidden unless the user may control the room. what completes "Only the room's owner or
// a manager of the server can …".
func (a Access) CheckControl(s access.Standing, what errs.Term) error {
	if !a.MayControl(s) {
		return errs.E(errs.Forbidden, "Only the room's owner or a manager of the server can %s. Ask one of them.", what)
	}
	return nil
}

// MayClose reports whether a user may close the room: the owner, and the server's managers even if
// they can't see who is in it.
func (a Access) MayClose(s access.Standing) bool {
	return s.Active() && (a.OwnerID == s.UserID || s.Manager)
}

// CheckClose returns errs.Forbidden unless the user may close the room.
func (a Access) CheckClose(s access.Standing) error {
	if !a.MayClose(s) {
		return errs.E(errs.Forbidden,
			"Only the room's owner or a manager of the server can close it. Ask one of them.")
	}
	return nil
}

// MayKnock reports whether a user can ask to be let in: they are in
// the server, pass the gates, cannot enter already and are not banned.
func (a Access) MayKnock(s access.Standing) bool {
	return s.Active() && !slices.Contains(a.Banned, s.UserID) && !a.MayEnter(s) && a.Judge(s) == access.Passes
}
