package form

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// WriteError responds with an error, after the common headers were set.
func WriteError(w http.ResponseWriter, e *Error) {
	w.WriteHeader(e.Status)
	_, _ = w.Write(Marshal(e))
}

// BucketHash returns a rate limit bucket's name as Discord shows it.
func BucketHash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// TooMany makes a 429, after which the client may try again in some seconds.
func TooMany(after float64, scope string) *Error {
	message := "You are being rate limited."
	if scope == "shared" {
		message = "The resource is being rate limited."
	}
	return &Error{Status: 429, Message: message, RetryAfter: math.Ceil(after*1000) / 1000, Scope: scope}
}

// LimitHeaders sets the headers of a 429: Retry-After in whole seconds, as Discord does.
func (e *Error) LimitHeaders(h http.Header) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter))))
	h.Set("X-RateLimit-Scope", e.Scope)
	if e.Scope == "global" {
		h.Set("X-RateLimit-Global", "true")
	}
}

// CommonHeaders sets the headers of every response of the API.
func CommonHeaders(h http.Header) {
	h.Set("Via", "1.1 google")
	h.Set("Content-Type", "application/json")
	h.Set("Server", "discordsim")
}

// Authorization returns the scheme in lower case, "" for a user's own token, and the token.
func Authorization(r *http.Request) (scheme, token string) {
	h := strings.TrimSpace(r.Header.Get("Authorization"))
	if s, t, ok := strings.Cut(h, " "); ok {
		switch l := strings.ToLower(s); l {
		case "bot", "bearer", "basic":
			return l, strings.TrimSpace(t)
		}
	}
	return "", h
}
