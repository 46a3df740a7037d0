package session

import (
	"net/http"
	"time"
)

// Cookies names and shapes the two cookies of a browser. On https they have
// the prefix __Host-, which keeps other hosts and paths from setting them; on
// plain http, which Snug accepts on loopback only, browsers refuse that prefix.
type Cookies struct{ secure bool }

// NewCookies gives the cookies for an https (secure) or a loopback http base address.
func NewCookies(secure bool) Cookies { return Cookies{secure} }

// Name is the session cookie's.
func (c Cookies) Name() string { return c.prefixed("snug") }

// LoginName is the name of the cookie that binds a login to its browser.
func (c Cookies) LoginName() string { return c.prefixed("snug-login") }

func (c Cookies) prefixed(name string) string {
	if c.secure {
		return "__Host-" + name
	}
	return name
}

// Session gives the cookie of a session that ends at expires.
func (c Cookies) Session(id string, now, expires time.Time) *http.Cookie {
	return c.cookie(c.Name(), id, int(expires.Sub(now)/time.Second))
}

// Login gives the cookie of a login that has begun.
func (c Cookies) Login(binding string) *http.Cookie {
	return c.cookie(c.LoginName(), binding, int(LoginLifetime/time.Second))
}

// Clear gives the cookie that removes the session's.
func (c Cookies) Clear() *http.Cookie { return c.cookie(c.Name(), "", -1) }

func (c Cookies) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// ID gives the session id a request carries, or "".
func (c Cookies) ID(r *http.Request) string { return value(r, c.Name()) }

// Binding gives the login cookie a request carries, or "".
func (c Cookies) Binding(r *http.Request) string { return value(r, c.LoginName()) }

func value(r *http.Request, name string) string {
	k, err := r.Cookie(name)
	if err != nil || !wellFormed(k.Value) {
		return ""
	}
	return k.Value
}
