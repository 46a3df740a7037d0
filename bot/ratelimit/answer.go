package ratelimit

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// scope is what a 429 limits.
type scope string

const (
	scopeUser       scope = "user"       // this bucket, for this bot
	scopeShared     scope = "shared"     // this resource, for everybody; not counted as invalid
	scopeGlobal     scope = "global"     // everything this bot does except interaction callbacks
	scopeCloudflare scope = "cloudflare" // everything from this address
)

// maxAfter caps the wait that a 429 asks for.
const maxAfter = 24 * time.Hour

// bucketState is the state of a bucket according to a response.
type bucketState struct {
	bucket    string // empty if the response has none
	limit     int
	remaining int
	reset     time.Duration // time until remaining is limit again; -1 if unknown
}

// readBucketState reads the X-RateLimit headers, as far as they are present.
//
// https://discord.com/developers/docs/topics/rate-limits#header-format
func readBucketState(h http.Header) bucketState {
	s := bucketState{bucket: h.Get("X-RateLimit-Bucket"), limit: -1, remaining: -1, reset: -1}
	if n, err := strconv.Atoi(h.Get("X-RateLimit-Limit")); err == nil && n > 0 {
		s.limit = n
	}
	if n, err := strconv.Atoi(h.Get("X-RateLimit-Remaining")); err == nil && n >= 0 {
		s.remaining = n
	}
	if d, ok := seconds(h.Get("X-RateLimit-Reset-After")); ok {
		s.reset = d
	} else if at, err := strconv.ParseFloat(h.Get("X-RateLimit-Reset"), 64); err == nil && at > 0 && at < 1e11 {
		// Discord's clock: relative to the response's Date header if there is one.
		now := time.Now()
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		s.reset = min(max(0, time.Duration(at*float64(time.Second))-time.Duration(now.UnixNano())), maxAfter)
	}
	return s
}

// complete reports whether the response describes its bucket completely.
func (s bucketState) complete() bool { return s.bucket != "" && s.remaining >= 0 && s.reset >= 0 }

// seconds parses a number of seconds, which may have a fraction.
func seconds(text string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	return time.Duration(min(f, maxAfter.Seconds()) * float64(time.Second)), true
}

// limitResponse is the content of a 429.
type limitResponse struct {
	scope  scope
	after  time.Duration // 0 if unknown
	hidden bool          // the bucket's headers don't explain it
}

// readLimitResponse reads a 429. Scope, Retry-After and bucket may each be missing.
func readLimitResponse(h http.Header, body []byte, hiddenLimit time.Duration) limitResponse {
	var said struct {
		RetryAfter *float64 `json:"retry_after"`
		Global     bool     `json:"global"`
	}
	_ = json.Unmarshal(body, &said) // Cloudflare answers in HTML
	var t limitResponse
	if said.RetryAfter != nil {
		t.after, _ = seconds(strconv.FormatFloat(*said.RetryAfter, 'f', -1, 64))
	}
	if d, ok := retryAfter(h); ok && t.after == 0 {
		t.after = d
	}
	s := readBucketState(h)
	if t.after == 0 && s.remaining == 0 {
		t.after = max(s.reset, 0)
	}
	switch named := scope(h.Get("X-RateLimit-Scope")); {
	case said.Global, named == scopeGlobal, h.Get("X-RateLimit-Global") != "":
		t.scope = scopeGlobal
	case named == scopeShared:
		t.scope = scopeShared
	case named != "", s.bucket != "", said.RetryAfter != nil, h.Get("Via") != "":
		t.scope = scopeUser
	default:
		t.scope = scopeCloudflare // nothing in it comes from Discord's API
	}
	if t.scope == scopeUser || t.scope == scopeShared {
		t.hidden = t.after > hiddenLimit && (s.remaining > 0 || s.reset >= 0 && t.after > s.reset+hiddenLimit)
	}
	return t
}

// retryAfter reads Retry-After: seconds or a date.
func retryAfter(h http.Header) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if d, ok := seconds(v); ok {
		return d, true
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(0, time.Until(at)), maxAfter), true
	}
	return 0, false
}
