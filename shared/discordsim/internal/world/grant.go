package world

import (
	"slices"
	"time"
)

// oauthState is the part of the world for OAuth2.
type oauthState struct {
	Codes   map[string]*AuthCode
	Access  map[string]*Grant
	Refresh map[string]*Grant
}

func newOAuthState() oauthState {
	return oauthState{Codes: map[string]*AuthCode{}, Access: map[string]*Grant{}, Refresh: map[string]*Grant{}}
}

// AuthCode is an authorization code.
type AuthCode struct {
	App       ID
	User      ID
	Scopes    []string
	Redirect  string
	Challenge string // PKCE's code_challenge; empty: none
	Method    string // plain or S256
	Expires   time.Time
	Guild     ID // into which a bot was added; 0: none
}

// Grant is what a user granted an application, with its tokens.
type Grant struct {
	App       ID
	User      ID // 0 for client credentials
	Scopes    []string
	AccessTok string    // the access token
	Refresh   string    // the refresh token; empty for client credentials
	Expires   time.Time // of the access token
}

// Users counts the users who have authorized an application.
func (o *oauthState) Users(app ID) int {
	seen := map[ID]bool{}
	for _, g := range o.Refresh {
		if g.App == app {
			seen[g.User] = true
		}
	}
	return len(seen)
}

// End makes access tokens of a user (0: of everybody) expire, or revokes them with their refresh tokens.
func (o *oauthState) End(user ID, revoke bool, now time.Time) {
	for tok, g := range o.Access {
		if user == 0 || g.User == user {
			g.Expires = now
			if revoke {
				delete(o.Access, tok)
			}
		}
	}
	for tok, g := range o.Refresh {
		if revoke && (user == 0 || g.User == user) {
			delete(o.Refresh, tok)
		}
	}
}

// MayAddMember reports whether a token lets an application add a user to guilds.
func (s *State) MayAddMember(token string, user, app ID) bool {
	if u := s.UserTokens[token]; u != nil {
		return u.ID == user
	}
	g := s.OAuth.Access[token]
	return g != nil && g.User == user && g.App == app && s.Now().Before(g.Expires) &&
		slices.Contains(g.Scopes, "guilds.join")
}
