package request

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"snug/dashboard/session"
	"snug/shared/pages"
)

const (
	LivePath = "/api/ws"        // the WebSocket
	Timeout  = 20 * time.Second // how long a handler may take
)

// PagePath gives the page a request belongs to, without its query: that of a room for what one does to it. It is where
// signing in and errors lead back to.
func PagePath(r *http.Request) string {
	if r.Method == http.MethodGet || strings.Count(strings.Trim(r.URL.Path, "/"), "/") < 1 {
		return session.ReturnTo(r.URL.RequestURI())
	}
	if pages.CodeIn(r.URL.Path) != "" {
		return session.ReturnTo(r.URL.Path)
	}
	for _, p := range []pages.Path{pages.Room, pages.Server, pages.Admin} {
		if rest, ok := strings.CutPrefix(r.URL.Path, p.Root()); ok {
			id, _, _ := strings.Cut(rest, "/")
			return session.ReturnTo(p.With(id))
		}
	}
	return string(pages.Home)
}

// LoginURL is where signing in starts; again says that the browser was signed in before. A secret path stays out of it.
func LoginURL(returnTo string, again bool) string {
	returnTo = pages.WithoutSecret(returnTo)
	q := url.Values{}
	if returnTo != "" && returnTo != "/" {
		q.Set("return_to", returnTo)
	}
	if again {
		q.Set("again", "1")
	}
	if len(q) == 0 {
		return string(pages.Login)
	}
	return string(pages.Login) + "?" + q.Encode()
}

// loggedPath is a path as the log has it: without the code of an invite link.
func loggedPath(path string) string {
	if pages.CodeIn(path) != "" {
		return string(pages.Invite)
	}
	return path
}
