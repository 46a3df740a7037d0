package openapi

import (
	"slices"

	"snug/shared/apitoken"
	"snug/shared/errs"
)

// May says whether a scope is the caller's. A signed-in person has them all.
func (c *Caller) May(scope apitoken.Scope) bool {
	return c.Token == nil || slices.Contains(c.Token.Scopes, scope)
}

// allows fails with errs.Forbidden if a token may not.
func (a Access) allows(who *Caller) error {
	switch {
	case who.Token == nil, a.Public, a.AnyToken:
		return nil
	case a.Scope == "":
		return errs.E(errs.Forbidden, "API tokens can't do this. Sign in and do it on Snug's own pages.")
	case !who.May(a.Scope):
		return errs.E(errs.Forbidden, "This API token needs the scope %s. Make one that has it.",
			string(a.Scope))
	}
	return nil
}
