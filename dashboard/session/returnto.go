package session

import (
	"net/url"
	"path"
	"strings"

	"snug/shared/pages"
)

// maxReturnTo is longer than any address of a page in Snug needs, and short enough for OAuth2's state.
const maxReturnTo = 1024

// ReturnTo returns raw if it is the plain address of one of Snug's own pages: a path from the root,
// optionally with a query. For everything else it returns "/": other hosts and schemes, backslashes
// and control characters, encoded slashes that something along the way might decode, paths with
// dots, and the routes for signing in and for programs.
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
	// Paths of Snug's pages never need an escape.
	if strings.Contains(u.EscapedPath(), "%") || path.Clean(u.Path) != u.Path && path.Clean(u.Path)+"/" != u.Path {
		return home
	}
	for _, bad := range []string{"%00", "%0a", "%0d", "%5c"} {
		if strings.Contains(strings.ToLower(u.RawQuery), bad) {
			return home
		}
	}
	for _, p := range []string{string(pages.Login), string(pages.Logout), "/auth", string(pages.API)} {
		if u.Path == p || strings.HasPrefix(u.Path, p+"/") {
			return home
		}
	}
	return raw
}
