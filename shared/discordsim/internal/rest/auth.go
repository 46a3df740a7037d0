package rest

import (
	"net/http"
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// authorise identifies the caller, checks that the route accepts them, and returns the name under
// which their requests are counted. The caller holds the world.
func (c *call) authorise() (string, error) {
	scheme, token := form.Authorization(c.r)
	switch {
	case scheme == "bot":
		c.app = c.BotTokens[token]
		if c.app == nil {
			return "", form.Unauthorized()
		}
	case scheme == "bearer":
		if !c.bearer(token) {
			return "", form.Unauthorized()
		}
	case token != "":
		// A user's own token, as Discord's client sends it.
		if c.user = c.UserTokens[token]; c.user == nil {
			if c.app = c.BotTokens[token]; c.app != nil || c.route.access&byAnybody == 0 {
				return "", form.Unauthorized()
			}
		}
	}
	switch {
	case c.app != nil && c.route.access&byBot != 0:
		return "app" + c.app.ID.String(), nil
	case c.user != nil && c.route.access&byBearer != 0:
		if c.scopes != nil && c.route.scope != "" && !slices.Contains(c.scopes, c.route.scope) {
			return "", form.Unauthorized()
		}
		return "user" + c.user.ID.String(), nil
	case c.route.access&byAnybody != 0:
		if c.app != nil {
			return "app" + c.app.ID.String(), nil
		}
		return "anybody", nil
	case c.user != nil:
		return "", form.Fail(403, 20002, "Only bots can use this endpoint")
	case c.app != nil:
		return "", form.Fail(403, 20001, "Bots cannot use this endpoint")
	}
	return "", form.Unauthorized()
}

// bearer accepts a valid OAuth2 access token, or a user's own token.
func (c *call) bearer(token string) bool {
	if u := c.UserTokens[token]; u != nil {
		c.user, c.scopes = u, []string{"identify", "guilds", "guilds.join"}
		return true
	}
	g := c.OAuth.Access[token]
	if g == nil || !c.Now().Before(g.Expires) {
		return false
	}
	c.scopes = g.Scopes
	if g.User != 0 {
		c.user = c.Users[g.User]
	}
	return c.user != nil
}

// callerID returns the calling application, for faults that match only one.
func (s *API) callerID(r *http.Request) (id world.ID) {
	_, token := form.Authorization(r)
	s.world.View(func(st *world.State) {
		if a := st.BotTokens[token]; a != nil {
			id = a.ID
		}
	})
	return id
}
