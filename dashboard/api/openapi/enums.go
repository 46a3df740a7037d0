package openapi

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// The types whose values the API describes. Each stands in the description for the type that it is made of.
type (
	// Code is an errs.Code.
	Code errs.Code
	// Kind is an audit.Kind that is stored.
	Kind audit.Kind
	// Barrier is an access.Barrier.
	Barrier access.Barrier
	// Step is a room.Step.
	Step room.Step
	// HoldReason is a room.HoldReason.
	HoldReason room.HoldReason
	// IssueKind is a guild.IssueKind that a repair finds.
	IssueKind guild.IssueKind
	// Via is an access.Via.
	Via access.Via
)

func registerEnums(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[errs.Code](), reflect.TypeFor[Code]())
	r.RegisterTypeAlias(reflect.TypeFor[audit.Kind](), reflect.TypeFor[Kind]())
	r.RegisterTypeAlias(reflect.TypeFor[access.Barrier](), reflect.TypeFor[Barrier]())
	r.RegisterTypeAlias(reflect.TypeFor[room.Step](), reflect.TypeFor[Step]())
	r.RegisterTypeAlias(reflect.TypeFor[room.HoldReason](), reflect.TypeFor[HoldReason]())
	r.RegisterTypeAlias(reflect.TypeFor[guild.IssueKind](), reflect.TypeFor[IssueKind]())
	r.RegisterTypeAlias(reflect.TypeFor[access.Via](), reflect.TypeFor[Via]())
}

// enum describes a text that is one of some values.
func enum[T ~string](about string, values ...T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: about}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	s.PrecomputeMessages()
	return s
}

// Schema describes a code.
func (Code) Schema(huma.Registry) *huma.Schema {
	var codes []errs.Code
	for _, c := range errs.Codes() {
		codes = append(codes, c.Code)
	}
	return enum("What went wrong, for programs. A code never changes its meaning; more may be added.", codes...)
}

// Schema describes a kind. docs/webhooks.md has what the fields of each are.
func (Kind) Schema(huma.Registry) *huma.Schema {
	return enum("What happened. More may be added.", audit.Kinds()...)
}

// Schema describes a barrier.
func (Barrier) Schema(huma.Registry) *huma.Schema {
	return enum("Why they can't enter right now. Missing: they can. not_member: they left the server. "+
		"pending: they haven't accepted its rules. timed_out: they're timed out. "+
		"own_denial, role_denial: the server denies it to them, by name or through a role. "+
		"missing_role: they don't have a role that the lobby or category asks for. "+
		"unasked: Discord hasn't said yet who they are.",
		access.NotMember, access.IsPending, access.IsTimedOut, access.OwnDenial, access.RoleDenial,
		access.MissingRole, room.NotChecked)
}

// Schema describes a step.
func (Step) Schema(huma.Registry) *huma.Schema {
	return enum("What's left to do. join: accept Discord's invite. rules: accept the server's rules in Discord. "+
		"wait: nothing, but something keeps them out. in: nothing, they're let in. "+
		"Missing: Discord hasn't said yet who they are.",
		room.StepJoin, room.StepRules, room.StepWait, room.StepIn)
}

// Schema describes why a seat is held.
func (HoldReason) Schema(huma.Registry) *huma.Schema {
	return enum("invited: they were just let in. waiting: they were first on the waiting list. "+
		"back: they lost their connection. joining: they're on their way through Discord.",
		room.HeldInvited, room.HeldWaiting, room.HeldBack, room.HeldJoining)
}

// Schema describes a kind of issue.
func (IssueKind) Schema(huma.Registry) *huma.Schema {
	return enum("What differs.",
		guild.IssueNoChannel, guild.IssueUnseen, guild.IssueUnknown, guild.IssueName, guild.IssueSeats,
		guild.IssueAccess, guild.IssueRoster, guild.IssueLobbyGone, guild.IssueCategoryGone, guild.IssueLogGone,
		guild.IssuePendingCreate)
}

// Schema describes a way.
func (Via) Schema(huma.Registry) *huma.Schema {
	return enum("Where it was done. discord: by a command or button. web: on a page or through the API. "+
		"snug: by Snug itself.",
		access.ViaDiscord, access.ViaWeb, access.ViaSnug)
}
