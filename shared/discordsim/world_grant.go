package discordsim

import (
	"slices"
	"time"
)

// oauthState is the part of the world for OAuth2.
type oauthState struct {
	codes   map[string]*authCode
	access  map[string]*grant
	refresh map[string]*grant
}

func newOAuthState() oauthState {
	return oauthState{codes: map[string]*authCode{}, access: map[string]*grant{}, refresh: map[string]*grant{}}
}

// authCode is an authorization code.
type authCode struct {
	app       ID
	user      ID
	scopes    []string
	redirect  string
	challenge string
	method    string
	expires   time.Time
	guild     ID
}

// grant is what a user granted an application, with its tokens.
type grant struct {
	app       ID
	user      ID // 0 for client credentials
	scopes    []string
	accessTok string
	refresh   string
	expires   time.Time
}

// users counts the users who have authorized an application.
func (o *oauthState) users(app ID) int {
	seen := map[ID]bool{}
	for _, g := range o.refresh {
		if g.app == app {
			seen[g.user] = true
		}
	}
	return len(seen)
}

// end makes access tokens of a user (0: of everybody) expire, or revokes them with their refresh tokens.
func (o *oauthState) end(user ID, revoke bool, now time.Time) {
	for tok, g := range o.access {
		if user == 0 || g.user == user {
			g.expires = now
			if revoke {
				delete(o.access, tok)
			}
		}
	}
	for tok, g := range o.refresh {
		if revoke && (user == 0 || g.user == user) {
			delete(o.refresh, tok)
		}
	}
}

// mayAddMember reports whether a token lets an application add a user to guilds.
func (s *state) mayAddMember(token string, user, app ID) bool {
	if u := s.userTokens[token]; u != nil {
		return u.id == user
	}
	g := s.oauth.access[token]
	return g != nil && g.user == user && g.app == app && s.now().Before(g.expires) &&
		slices.Contains(g.scopes, "guilds.join")
}
