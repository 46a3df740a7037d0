package discordsim

import (
	"net/http"
	"slices"
)

// authorise identifies the caller, checks that the route accepts them, and returns the name under
// which their requests are counted. The caller holds the world.
func (c *call) authorise() (string, error) {
	scheme, token := authorization(c.r)
	switch {
	case scheme == "bot":
		c.app = c.botTokens[token]
		if c.app == nil {
			return "", errUnauthorized()
		}
	case scheme == "bearer":
		if !c.bearer(token) {
			return "", errUnauthorized()
		}
	case token != "":
		// A user's own token, as Discord's client sends it.
		if c.user = c.userTokens[token]; c.user == nil {
			if c.app = c.botTokens[token]; c.app != nil || c.route.access&byAnybody == 0 {
				return "", errUnauthorized()
			}
		}
	}
	switch {
	case c.app != nil && c.route.access&byBot != 0:
		return "app" + c.app.id.String(), nil
	case c.user != nil && c.route.access&byBearer != 0:
		if c.scopes != nil && c.route.scope != "" && !slices.Contains(c.scopes, c.route.scope) {
			return "", errUnauthorized()
		}
		return "user" + c.user.id.String(), nil
	case c.route.access&byAnybody != 0:
		if c.app != nil {
			return "app" + c.app.id.String(), nil
		}
		return "anybody", nil
	case c.user != nil:
		return "", fail(403, 20002, "Only bots can use this endpoint")
	case c.app != nil:
		return "", fail(403, 20001, "Bots cannot use this endpoint")
	}
	return "", errUnauthorized()
}

// bearer accepts a valid OAuth2 access token, or a user's own token.
func (c *call) bearer(token string) bool {
	if u := c.userTokens[token]; u != nil {
		c.user, c.scopes = u, []string{"identify", "guilds", "guilds.join"}
		return true
	}
	g := c.oauth.access[token]
	if g == nil || !c.now().Before(g.expires) {
		return false
	}
	c.scopes = g.scopes
	if g.user != 0 {
		c.user = c.users[g.user]
	}
	return c.user != nil
}

// callerID returns the calling application, for faults that match only one.
func (s *restAPI) callerID(r *http.Request) (id ID) {
	_, token := authorization(r)
	s.world.View(func(st *state) {
		if a := st.botTokens[token]; a != nil {
			id = a.id
		}
	})
	return id
}
