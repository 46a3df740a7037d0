package discordsim

import (
	"net/http"
	"regexp"
	"strings"
)

// wellNamed is the form of a User-Agent that Discord requires of API clients.
// https://docs.discord.com/developers/reference#user-agent
var wellNamed = regexp.MustCompile(`^DiscordBot \(https?://[^\s,()]+, [^\s,()]+\)( .*)?$`)

// refuseUnnamed responds as Cloudflare does, which is in front of Discord's API and gateway and may
// block clients without a valid User-Agent. Pages for people are open to browsers.
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

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
