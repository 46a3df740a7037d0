package session

import (
	"net/http"
	"strings"
	"time"
)

// Cookies names and makes a browser's cookies: one for its session, and one for each login in
// progress. On https their names start with __Host-, which prevents other hosts and paths from
// setting them; on plain http, which Snug only accepts on loopback, browsers refuse that prefix.
type Cookies struct{ secure bool }

// NewCookies returns the cookies for a base address with https (secure) or loopback http.
func NewCookies(secure bool) Cookies { return Cookies{secure} }

// Name is the name of the session cookie.
func (c Cookies) Name() string { return c.prefixed("snug") }

// maxLogins is how many logins a browser may have in progress: all its cookies have to fit into a request.
const maxLogins = 5

// loginName is the name of the cookie with a login's ticket.
func (c Cookies) loginName(state string) string { return c.prefixed("snug-login-") + keyOf(state)[:16] }

func (c Cookies) prefixed(name string) string {
	if c.secure {
		return "__Host-" + name
	}
	return name
}

// Session returns the cookie of a session that ends at expires.
func (c Cookies) Session(id string, now, expires time.Time) *http.Cookie {
	return c.cookie(c.Name(), id, int(expires.Sub(now)/time.Second))
}

// Begun returns the cookie of a login that was begun, and cookies that remove the oldest logins if
// the browser has too many.
func (c Cookies) Begun(r *http.Request, l Begun) []*http.Cookie {
	var all []*http.Cookie
	for _, k := range r.Cookies() { // browsers send them oldest first: RFC 6265, 5.4
		if strings.HasPrefix(k.Name, c.prefixed("snug-login")) {
			all = append(all, c.cookie(k.Name, "", -1))
		}
	}
	all = all[:max(0, len(all)-maxLogins+1)]
	return append(all, c.cookie(c.loginName(l.State), l.Ticket, int(LoginLifetime/time.Second)))
}

// Ticket returns the cookie of the login with this state, or "".
func (c Cookies) Ticket(r *http.Request, state string) string {
	k, err := r.Cookie(c.loginName(state))
	if err != nil {
		return ""
	}
	return k.Value
}

// Ended returns a cookie that removes a login's.
func (c Cookies) Ended(state string) *http.Cookie { return c.cookie(c.loginName(state), "", -1) }

// Clear returns a cookie that removes the session's.
func (c Cookies) Clear() *http.Cookie { return c.cookie(c.Name(), "", -1) }

func (c Cookies) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// ID returns the session id in a request, or "".
func (c Cookies) ID(r *http.Request) string {
	k, err := r.Cookie(c.Name())
	if err != nil || !wellFormed(k.Value) {
		return ""
	}
	return k.Value
}
