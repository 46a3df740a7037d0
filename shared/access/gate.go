package access

import (
	"cmp"
	"slices"

	"github.com/disgoorg/snowflake/v2"
)

// A gate is the overwrites of a server's lobby or category, before Snug's
// own: whoever they keep out cannot be let into the rooms opened there.

// Barrier is the reason why a member does not pass a gate.
type Barrier string

// The reasons, the gravest first. MissingRole alone can be waived.
const (
	Passes      Barrier = ""
	NotMember   Barrier = "not_member"   // of the server: they left it, were put out or banned
	IsPending   Barrier = "pending"      // they have not accepted the server's rules
	IsTimedOut  Barrier = "timed_out"    //
	OwnDenial   Barrier = "own_denial"   // an overwrite denies it to them
	RoleDenial  Barrier = "role_denial"  // an overwrite denies it to a role of theirs
	MissingRole Barrier = "missing_role" // nothing denies it to them, and no role of theirs allows it
)

// Gate returns the overwrites that count as a gate. If a channel denies @everyone to see or
// enter and allows it to no role, people are let in one by one, and that denial does not
// count. bot reports whether a role is managed for a bot, so that people cannot have it.
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

// DenialBarrier returns which overwrite denies a member to see or enter: OwnDenial, RoleDenial, or Passes for none.
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

// RolesThatAdmit returns the roles, sorted by id, each of which alone would let the member pass all gates.
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
