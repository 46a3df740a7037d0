package discordsim

import (
	"net/http"
	"strconv"
	"time"
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
			strconv.FormatFloat(float64(time.Now().Add(seconds(f.RetryAfter)).UnixMilli())/1000, 'f', 3, 64))
		h.Set("X-RateLimit-Bucket", bucketHash("injected"))
	}
	body := marshal(tooMany(f.RetryAfter, f.Scope))
	h.Set("Content-Type", "application/json")
	w.WriteHeader(429)
	_, _ = w.Write(body)
}

// before applies faults that act before a request is handled.
func (f *faults) before(w http.ResponseWriter, r *http.Request, where target) (done bool, status int) {
	if x, ok := f.take(FaultLatency, where); ok {
		t := time.NewTimer(x.delay())
		defer t.Stop()
		select {
		case <-t.C:
		case <-x.cleared:
		case <-r.Context().Done():
		case <-f.stopped:
		}
	}
	if x, ok := f.take(FaultRateLimit, where); ok {
		x.answer429(w)
		return true, 429
	}
	if x, ok := f.takeBefore(FaultAnswer, where); ok {
		var body []byte
		x.spoil(w.Header(), &status, &body)
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return true, x.Status
	}
	for _, kind := range []string{FaultError, FaultReset} {
		if x, ok := f.takeBefore(kind, where); ok {
			x.answerBroken(w)
			return true, x.Status
		}
	}
	return false, 0
}

// takeBefore takes a fault that acts instead of the request.
func (f *faults) takeBefore(kind string, t target) (Fault, bool) {
	return f.takeIf(kind, t, func(x *Fault) bool { return !x.After })
}

// takeAfter takes a fault that changes the response after the request took effect.
func (f *faults) takeAfter(t target) (Fault, bool) {
	after := func(x *Fault) bool { return x.After }
	if x, ok := f.takeIf(FaultError, t, after); ok {
		return x, true
	}
	return f.takeIf(FaultReset, t, after)
}

// spoil changes a response and its headers according to the fault.
func (f *Fault) spoil(h http.Header, status *int, body *[]byte) {
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

// answerBroken responds with a 5xx as the edge sends it, or breaks the connection.
func (f *Fault) answerBroken(w http.ResponseWriter) {
	if f.Kind == FaultReset {
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
