package request

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"snug/dashboard/session"
)

const (
	LivePath = "/api/ws"        // the WebSocket
	Timeout  = 20 * time.Second // how long a handler may take
)

// roomPath is a room's page, as gin writes it.
const roomPath = "/game/:channel"

// PagePath gives the page a request belongs to, without its query: that of a room for what one does to it. It is where
// signing in and errors lead back to.
func PagePath(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method == http.MethodGet || len(parts) < 2 {
		return session.ReturnTo(r.URL.RequestURI())
	}
	switch parts[0] {
	case "game", "servers", "admin":
		return session.ReturnTo("/" + parts[0] + "/" + parts[1])
	}
	return "/"
}

// LoginURL is where signing in starts; again says that the browser was signed in before. An invite's token stays out
// of it.
func LoginURL(returnTo string, again bool) string {
	returnTo = WithoutToken(returnTo)
	q := url.Values{}
	if returnTo != "" && returnTo != "/" {
		q.Set("return_to", returnTo)
	}
	if again {
		q.Set("again", "1")
	}
	if len(q) == 0 {
		return "/login"
	}
	return "/login?" + q.Encode()
}

// WithoutToken gives a path without the invite's token in its query.
func WithoutToken(path string) string {
	u, err := url.Parse(path)
	if err != nil || !u.Query().Has("t") {
		return path
	}
	q := u.Query()
	q.Del("t")
	u.RawQuery = q.Encode()
	return u.String()
}
