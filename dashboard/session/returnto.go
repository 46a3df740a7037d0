package session

import (
	"net/url"
	"path"
	"strings"
)

// maxReturnTo is more than any page of Snug needs, and little enough to travel in OAuth2's state.
const maxReturnTo = 1024

// ReturnTo returns raw if it is the address of one of Snug's own pages, written
// plainly: a path from the root, perhaps with a query. Everything else
// becomes "/": other hosts and schemes, backslashes and control characters,
// encoded slashes that some part on the way could decode, paths with dots,
// and the routes of signing in and of programs.
func ReturnTo(raw string) string {
	const home = "/"
	if len(raw) > maxReturnTo || !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") {
		return home
	}
	for _, c := range []byte(raw) {
		if c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' {
			return home
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil {
		return home
	}
	// An escape in a path is never needed for Snug's pages.
	if strings.Contains(u.EscapedPath(), "%") || path.Clean(u.Path) != u.Path && path.Clean(u.Path)+"/" != u.Path {
		return home
	}
	for _, bad := range []string{"%00", "%0a", "%0d", "%5c"} {
		if strings.Contains(strings.ToLower(u.RawQuery), bad) {
			return home
		}
	}
	for _, p := range []string{"/login", "/logout", "/auth", "/api"} {
		if u.Path == p || strings.HasPrefix(u.Path, p+"/") {
			return home
		}
	}
	return raw
}
