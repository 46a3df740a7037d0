package discordsim

import (
	"net/http"
	"regexp"
	"strings"
)

// wellNamed is how a client of the HTTP API names itself.
// https://docs.discord.com/developers/reference#user-agent
var wellNamed = regexp.MustCompile(`^DiscordBot \(https?://[^\s,()]+, [^\s,()]+\)( .*)?$`)

// refuseUnnamed answers as Cloudflare does, which stands before Discord's API
// and its gateway and may block who does not name themselves. Whoever comes to
// the pages for people is a browser.
func refuseUnnamed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		program := strings.HasPrefix(path, "/api/") && !strings.HasSuffix(path, "/oauth2/authorize") ||
			strings.HasPrefix(path, "/gateway") || isUpgrade(r) && strings.Trim(path, "/") == ""
		if !program || wellNamed.MatchString(r.UserAgent()) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Server", "cloudflare")
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("error code: 1010"))
	})
}
