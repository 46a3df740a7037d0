package faults

import (
	"net/http"
	"strconv"
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// answer429 responds with an injected 429.
func (f *Fault) answer429(w http.ResponseWriter) {
	h := w.Header()
	if !f.NoRetry {
		h.Set("Retry-After", strconv.FormatFloat(f.RetryAfter, 'f', -1, 64))
	}
	if f.Scope == "cloudflare" {
		h.Del("Via")
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		h.Set("Server", "cloudflare")
		w.WriteHeader(429)
		_, _ = w.Write([]byte("error code: 1015"))
		return
	}
	h.Set("X-RateLimit-Scope", f.Scope)
	if f.Scope == "global" {
		h.Set("X-RateLimit-Global", "true")
	} else if !f.NoBucket {
		h.Set("X-RateLimit-Limit", "5")
		h.Set("X-RateLimit-Remaining", "0")
		h.Set("X-RateLimit-Reset-After", strconv.FormatFloat(f.RetryAfter, 'f', 3, 64))
		h.Set("X-RateLimit-Reset",
			strconv.FormatFloat(float64(time.Now().Add(Seconds(f.RetryAfter)).UnixMilli())/1000, 'f', 3, 64))
		h.Set("X-RateLimit-Bucket", form.BucketHash("injected"))
	}
	body := form.Marshal(form.TooMany(f.RetryAfter, f.Scope))
	h.Set("Content-Type", "application/json")
	w.WriteHeader(429)
	_, _ = w.Write(body)
}

// Before applies faults that act before a request is handled.
func (f *Set) Before(w http.ResponseWriter, r *http.Request, where Target) (done bool, status int) {
	if x, ok := f.Take(Latency, where); ok {
		t := time.NewTimer(x.Pause())
		defer t.Stop()
		select {
		case <-t.C:
		case <-x.cleared:
		case <-r.Context().Done():
		case <-f.stopped:
		}
	}
	if x, ok := f.Take(RateLimit, where); ok {
		x.answer429(w)
		return true, 429
	}
	if x, ok := f.takeBefore(Answer, where); ok {
		var body []byte
		x.Spoil(w.Header(), &status, &body)
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return true, x.Status
	}
	for _, kind := range []string{Error, Reset} {
		if x, ok := f.takeBefore(kind, where); ok {
			x.AnswerBroken(w)
			return true, x.Status
		}
	}
	return false, 0
}

// takeBefore takes a fault that acts instead of the request.
func (f *Set) takeBefore(kind string, t Target) (Fault, bool) {
	return f.TakeIf(kind, t, func(x *Fault) bool { return !x.After })
}

// TakeAfter takes a fault that changes the response after the request took effect.
func (f *Set) TakeAfter(t Target) (Fault, bool) {
	after := func(x *Fault) bool { return x.After }
	if x, ok := f.TakeIf(Error, t, after); ok {
		return x, true
	}
	return f.TakeIf(Reset, t, after)
}

// Spoil changes a response and its headers according to the fault.
func (f *Fault) Spoil(h http.Header, status *int, body *[]byte) {
	for k, v := range f.Headers {
		if h.Del(k); v != "" {
			h.Set(k, v)
		}
	}
	if f.Status != 0 {
		*status = f.Status
	}
	if f.Body != "" {
		*body = []byte(f.Body)
	}
}

// AnswerBroken responds with a 5xx as the edge sends it, or breaks the connection.
func (f *Fault) AnswerBroken(w http.ResponseWriter) {
	if f.Kind == Reset {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	w.WriteHeader(f.Status)
	if f.Status == 500 {
		_, _ = w.Write([]byte(`{"message": "500: Internal Server Error", "code": 0}`))
		return
	}
	_, _ = w.Write([]byte("upstream connect error or disconnect/reset before headers"))
}
