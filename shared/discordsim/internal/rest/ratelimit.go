package rest

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// rate is a bucket's limit: n requests in a period.
type rate struct {
	n   int
	per time.Duration
}

// limiter counts REST requests. Safe for concurrent use.
type limiter struct {
	mu      sync.Mutex
	windows map[string]*world.Window
	swept   time.Time
}

func newLimiter() *limiter { return &limiter{windows: map[string]*world.Window{}} }

// verdict is the limiter's decision about a request; the headers describe its bucket.
type verdict struct {
	headers http.Header
	refused *form.Error
}

// admit counts a client's request towards its bucket and the global limit.
func (l *limiter) admit(client string, rt *route, major string, lim *world.Limits, now time.Time) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	v := verdict{headers: http.Header{}}
	if lim.Buckets && rt.rate.n > 0 {
		w := l.window(client + "|" + rt.bucket + "|" + major)
		ok := w.Allow(now, rt.rate.n, rt.rate.per)
		left, reset := w.Left(now, rt.rate.n, rt.rate.per)
		retry, name := reset, rt.bucket
		if b := moving(w, rt, lim); b != nil {
			if ok, left, reset, retry = b.Add(now, rt.rate.n, rt.rate.per); !ok {
				name += ", refused" // https://github.com/discord/discord-api-docs/issues/7394
			}
		}
		h := v.headers
		h.Set("X-RateLimit-Limit", strconv.Itoa(rt.rate.n))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
		h.Set("X-RateLimit-Reset", strconv.FormatFloat(float64(now.Add(reset).UnixMilli())/1000, 'f', 3, 64))
		h.Set("X-RateLimit-Reset-After", strconv.FormatFloat(max(reset.Seconds(), 0.001), 'f', 3, 64))
		h.Set("X-RateLimit-Bucket", form.BucketHash(name))
		if !ok {
			v.refused = form.TooMany(retry.Seconds(), "user")
			return v
		}
	}
	if lim.GlobalPerSecond > 0 && !rt.noGlobal {
		w := l.window(client + "|global")
		if !w.Allow(now, lim.GlobalPerSecond, time.Second) {
			_, reset := w.Left(now, lim.GlobalPerSecond, time.Second)
			v.refused = form.TooMany(reset.Seconds(), "global")
		}
	}
	return v
}

// bucket counts requests in periods that move.
type bucket interface {
	Add(now time.Time, limit int, length time.Duration) (ok bool, left int, reset, retry time.Duration)
}

// moving returns a route's bucket if its periods move; nil: they are those of the window.
func moving(w *world.Window, rt *route, lim *world.Limits) bucket {
	switch {
	case rt.fixed:
		return nil
	case lim.Leaky:
		return &w.Leak
	case lim.Sliding:
		return &w.Slide
	}
	return nil
}

// banned reports whether an address has had too many invalid responses.
func (l *limiter) banned(addr string, lim *world.Limits, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lim.InvalidRequests == 0 {
		return false
	}
	left, _ := l.window("invalid|"+addr).Left(now, lim.InvalidRequests, 10*time.Minute)
	return left == 0
}

func (l *limiter) invalid(addr string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window("invalid|"+addr).Allow(now, math.MaxInt, 10*time.Minute)
}

func (l *limiter) window(key string) *world.Window {
	w := l.windows[key]
	if w == nil {
		w = &world.Window{}
		l.windows[key] = w
	}
	return w
}

// sweep removes old windows from time to time, so that memory stays bounded in a long run.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	for key, w := range l.windows {
		if now.Sub(w.From) > time.Hour {
			delete(l.windows, key)
		}
	}
}
