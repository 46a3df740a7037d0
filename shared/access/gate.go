package access

import (
	"cmp"
	"slices"

	"github.com/disgoorg/snowflake/v2"
)

// A gate is the overwrites of a server's lobby or category, without Snug's own: members who don't
// pass it can't be let into the rooms opened there.

// Barrier is the reason why a member does not pass a gate.
type Barrier string

// The reasons, most serious first. Only MissingRole can be waived.
const (
	Passes      Barrier = ""
	NotMember   Barrier = "not_member"   // they left the server, or were kicked or banned
	IsPending   Barrier = "pending"      // they have not accepted the server's rules
	IsTimedOut  Barrier = "timed_out"    //
	OwnDenial   Barrier = "own_denial"   // an overwrite of their own denies it
	RoleDenial  Barrier = "role_denial"  // an overwrite of one of their roles denies it
	MissingRole Barrier = "missing_role" // nothing denies it, but none of their roles allows it
)

// Gate returns the overwrites that count as a gate. If a channel denies @everyone access and allows
// it to no role, people are let in one by one, and that denial doesn't count. bot reports whether a
// role is managed by a bot, so that people can't have it.
func Gate(guild snowflake.ID, place []Overwrite, bot func(role snowflake.ID) bool) []Overwrite {
	allows := slices.ContainsFunc(place, func(o Overwrite) bool {
		return !o.Member && o.ID != guild && o.Allow&Enter != 0 && !bot(o.ID)
	})
	gate := make([]Overwrite, 0, len(place))
	for _, o := range place {
		if !o.Member && o.ID == guild && !allows {
			o.Deny &^= Enter
		}
		gate = append(gate, o)
	}
	return Compact(gate, Enter)
}

// GateBarrier returns why a member does not pass a gate, or Passes if Discord
// would let them see and enter a channel with these overwrites.
func GateBarrier(m Member, gate []Overwrite) Barrier {
	switch {
	case m.Admin():
		return Passes
	case m.Pending:
		return IsPending
	case m.TimedOut:
		return IsTimedOut
	case Compute(m, gate).Has(Enter):
		return Passes
	}
	return cmp.Or(DenialBarrier(m, gate), MissingRole)
}

// DenialBarrier returns the kind of overwrite that denies a member access: OwnDenial, RoleDenial, or Passes for none.
func DenialBarrier(m Member, gate []Overwrite) Barrier {
	if m.Admin() {
		return Passes
	}
	var roles, own Overwrite
	for _, o := range gate {
		switch {
		case o.Member && o.ID == m.User:
			own = o
		case !o.Member && o.ID != m.Guild && slices.Contains(m.Roles, o.ID):
			roles.Allow, roles.Deny = roles.Allow|o.Allow, roles.Deny|o.Deny
		}
	}
	switch {
	case own.Deny&^own.Allow&Enter != 0:
		return OwnDenial
	case roles.Deny&^roles.Allow&^own.Allow&Enter != 0:
		return RoleDenial
	}
	return Passes
}

// RolesThatAdmit returns the roles, sorted by id, of which any one would let the member pass all gates.
func RolesThatAdmit(m Member, gates [][]Overwrite, roles Roles, bot func(role snowflake.ID) bool) []snowflake.ID {
	tries := map[snowflake.ID]bool{}
	for id := range roles {
		tries[id] = true
	}
	for _, gate := range gates {
		for _, o := range gate {
			tries[o.ID] = tries[o.ID] || !o.Member
		}
	}
	var open []snowflake.ID
	for id, isRole := range tries {
		if !isRole || id == m.Guild || slices.Contains(m.Roles, id) || bot(id) || roles[id].Has(Administrator) {
			continue
		}
		with := m
		with.Roles, with.Base = append(slices.Clone(m.Roles), id), m.Base|roles[id]
		if !slices.ContainsFunc(gates, func(gate []Overwrite) bool { return GateBarrier(with, gate) != Passes }) {
			open = append(open, id)
		}
	}
	slices.Sort(open)
	return open
}
