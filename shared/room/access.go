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

// Access is what decides who may see and enter a room. Together with a
// Standing it answers as Discord does for the room's channel.
type Access struct {
	OwnerID     snowflake.ID   `json:"owner_id"`
	Private     bool           `json:"private"`
	Locked      bool           `json:"locked,omitempty"`
	Hidden      bool           `json:"hidden,omitempty"`
	ManagersSee bool           `json:"managers_see,omitempty"` // managers see private rooms too
	Guests      []snowflake.ID `json:"guests,omitempty"`       // without those who are suspended
	Banned      []snowflake.ID `json:"banned,omitempty"`
	// OwnerOut says that the owner does not pass the gate: they have no place of their own until they do.
	OwnerSuspended bool `json:"owner_suspended,omitempty"`
	// Channel is what the room's channel says in Discord of roles, and of members who have no place of their
	// own and are not banned.
	Channel []access.Overwrite `json:"channel,omitempty"`
	// Gates have to be passed, every one, by who is let in; nil: Channel is the only one.
	Gates          [][]access.Overwrite `json:"gates,omitempty"`
	GuestsPastGate bool                 `json:"past_gate,omitempty"` // a role that is missing keeps no guest out
	// WatchKey is WatchKey of the room's watch token; "" while the room may not be watched.
	WatchKey string `json:"watch_key,omitempty"`
}

// WatchKey gives the key by which a watch token is known without being told; "" for "".
func WatchKey(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("snug watch " + token))
	return hex.EncodeToString(sum[:16])
}

// MayWatch says whether a watch token shows the room to a spectator, who
// need not be signed in: the room may be watched and the token is its present one.
func (a Access) MayWatch(token string) bool {
	return a.WatchKey != "" && subtle.ConstantTimeCompare([]byte(WatchKey(token)), []byte(a.WatchKey)) == 1
}

// Admitted says whether the user has a place of their own in the room: its owner and its guests have.
func (a Access) Admitted(user snowflake.ID) bool {
	return !slices.Contains(a.Banned, user) &&
		(a.OwnerID == user && !a.OwnerSuspended || slices.Contains(a.Guests, user))
}

// EveryoneDenied gives what members may not in the room unless they have a place of their own, or Discord says so
// of a role of theirs.
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

// Openers gives the roles each of which would let in somebody who misses one.
func (a Access) Openers(s access.Standing, roles access.Roles, bot func(role snowflake.ID) bool) []snowflake.ID {
	return access.RolesThatAdmit(s.AsMember(), a.gates(), roles, bot)
}

// Judge says whether somebody can be let into the room: they are in the server and pass its gates.
func (a Access) Judge(s access.Standing) access.Why {
	if !s.Member {
		return access.NotMember
	}
	missing, m := access.Passes, s.AsMember()
	for _, gate := range a.gates() {
		switch why := access.Judge(m, gate); why {
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

// Suspends says whether somebody who has a place in the room loses it, and why,
// until they pass its gates again. A timeout takes nobody's place: Discord leaves them their eyes, and nothing else.
func (a Access) Suspends(s access.Standing) access.Why {
	s.TimedOutUntil = time.Time{}
	return a.Judge(s)
}

// permissions gives what somebody may do in the room's channel, as Discord computes it.
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
	case a.Admitted(s.UserID) && a.Suspends(s) == access.Passes:
		list = append(list, access.Overwrite{ID: s.UserID, Member: true, Allow: access.Enter})
	}
	return access.Compute(m, list)
}

// denyEveryone denies @everyone what a room is closed to, also before Discord has said that it does.
func denyEveryone(list []access.Overwrite, guild snowflake.ID, closed access.Permissions) []access.Overwrite {
	for i := range list {
		if o := &list[i]; o.ID == guild && !o.Member {
			o.Allow, o.Deny = o.Allow&^closed, o.Deny|closed
			return list
		}
	}
	return append(list, access.Overwrite{ID: guild, Deny: closed})
}

// MaySee says whether somebody may see the room and who is in it.
func (a Access) MaySee(s access.Standing) bool {
	if a.ManagersSee && s.Member && s.Manager && !slices.Contains(a.Banned, s.UserID) {
		return true
	}
	return a.permissions(s).Has(access.ViewChannel)
}

// MayEnter says whether somebody may take a seat, if one is free. In a locked
// room only its owner and its guests may, and invites let nobody in.
func (a Access) MayEnter(s access.Standing) bool { return a.permissions(s).Has(access.Enter) }

// MayOverfill says whether Discord lets somebody into the room though its seats are taken: who has Move Members there
// (discord/discord-api-docs#8240).
func (a Access) MayOverfill(s access.Standing) bool {
	return a.permissions(s).Has(access.Enter | access.MoveMembers)
}

// MayControl says whether somebody may change the room and invite to it: its
// owner may, and the server's managers where Discord shows it to them.
func (a Access) MayControl(s access.Standing) bool {
	return a.MayClose(s) && a.permissions(s).Has(access.ViewChannel)
}

// MayClose says whether somebody may close the room: its owner and the
// server's managers may, also where they do not see who is in it.
func (a Access) MayClose(s access.Standing) bool {
	return s.Active() && (a.OwnerID == s.UserID || s.Manager)
}

// CheckClose fails with errs.Forbidden unless somebody may close the room.
func (a Access) CheckClose(s access.Standing) error {
	if !a.MayClose(s) {
		return errs.E(errs.Forbidden,
			"Only the room's owner or somebody who manages the server can close it. Please ask them.")
	}
	return nil
}

// MayKnock says whether somebody can ask to be let in: they are in the server
// and pass the gate, are not inside already, and not banned.
func (a Access) MayKnock(s access.Standing) bool {
	return s.Active() && !slices.Contains(a.Banned, s.UserID) && !a.MayEnter(s) && a.Judge(s) == access.Passes
}
