package discordsim

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"snug/shared/discordsim/internal/world/form"
)

// minControlToken is how many characters a control token has at least.
const minControlToken = 16

// controlCookie has the control token of a browser that opened the page with it.
const controlCookie = "discordsim_control"

// gate serves the page, the interface for scripts and the consent page to those who have the control token, if there
// is one. A browser gives it once, as ?control_token=…, and keeps it in a cookie. Pictures and files are for everybody.
func gate(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		cookie, err := r.Cookie(controlCookie)
		switch {
		case public(r.URL.Path), bearer && equal(given, token), err == nil && equal(cookie.Value, token):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && equal(q.Get("control_token"), token):
			http.SetCookie(w, &http.Cookie{Name: controlCookie, Value: token, Path: "/", HttpOnly: true,
				SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
			q.Del("control_token")
			to := *r.URL
			to.Scheme, to.Host, to.RawQuery = "", "", q.Encode()
			w.Header().Set("Referrer-Policy", "no-referrer")
			http.Redirect(w, r, to.String(), http.StatusSeeOther)
		default:
			form.CommonHeaders(w.Header())
			form.WriteError(w, form.Fail(http.StatusUnauthorized, 0, "401: this needs the control token. Scripts send "+
				"it as Authorization: Bearer …; in a browser, open the page with ?control_token=…"))
		}
	})
}

// public reports whether a path is one of those that clients load from Discord's CDN.
func public(path string) bool {
	return strings.HasPrefix(path, "/avatars/") || strings.HasPrefix(path, "/embed/avatars/") ||
		strings.HasPrefix(path, "/attachments/")
}

// equal compares secrets in a time that doesn't depend on where they differ.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
