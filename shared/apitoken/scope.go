package apitoken

import (
	"slices"

	"snug/shared/errs"
)

// Scope is something an API token may be allowed to do.
type Scope string

// The scopes.
const (
	RoomsRead     Scope = "rooms:read"
	RoomsWrite    Scope = "rooms:write"
	MembersRead   Scope = "members:read"
	SettingsRead  Scope = "settings:read"
	SettingsWrite Scope = "settings:write"
	AuditRead     Scope = "audit:read"
	WebhooksRead  Scope = "webhooks:read"
	WebhooksWrite Scope = "webhooks:write"
	HealthRead    Scope = "health:read"
	HealthWrite   Scope = "health:write"
)

// ScopeInfo is a scope and what it lets a token do, for people.
type ScopeInfo struct {
	Scope  Scope
	Allows string
}

// Scopes lists all scopes in the order they are shown.
func Scopes() []ScopeInfo {
	return []ScopeInfo{
		{RoomsRead, "See rooms and who is in them, also live"},
		{
			RoomsWrite,
			"Open, join, change, keep and close rooms; knock, answer and wait; create, follow and revoke invite links",
		},
		{MembersRead, "See servers and what members may do there"},
		{SettingsRead, "See a server's settings and their history"},
		{SettingsWrite, "Change a server's settings and lobbies"},
		{AuditRead, "Read what happened, and its numbers"},
		{WebhooksRead, "See webhooks and what was delivered"},
		{WebhooksWrite, "Make, change and remove webhooks"},
		{HealthRead, "See whether everything works"},
		{HealthWrite, "Repair what does not fit together"},
	}
}

// CheckScopes fails with errs.Invalid unless there is at least one scope and all are known.
func CheckScopes(scopes []Scope) error {
	if len(scopes) == 0 {
		return errs.Field("scopes", "Choose at least one scope: a token needs something it can do.")
	}
	for _, s := range scopes {
		if !slices.ContainsFunc(Scopes(), func(i ScopeInfo) bool { return i.Scope == s }) {
			return errs.Field("scopes", "There's no scope %.40q. Choose one from the list in the description.",
				string(s))
		}
	}
	return nil
}
