package discordsim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// authorise identifies the caller, checks that the route accepts them, and returns the name under
// which their requests are counted. The caller holds the world.
func (c *call) authorise() (string, error) {
	scheme, token := authorization(c.r)
	switch {
	case scheme == "bot":
		c.app = c.botTokens[token]
		if c.app == nil {
			return "", errUnauthorized()
		}
	case scheme == "bearer":
		if !c.bearer(token) {
			return "", errUnauthorized()
		}
	case token != "":
		// A user's own token, as Discord's client sends it.
		if c.user = c.userTokens[token]; c.user == nil {
			if c.app = c.botTokens[token]; c.app != nil || c.route.access&byAnybody == 0 {
				return "", errUnauthorized()
			}
		}
	}
	switch {
	case c.app != nil && c.route.access&byBot != 0:
		return "app" + c.app.id.String(), nil
	case c.user != nil && c.route.access&byBearer != 0:
		if c.scopes != nil && c.route.scope != "" && !slices.Contains(c.scopes, c.route.scope) {
			return "", errUnauthorized()
		}
		return "user" + c.user.id.String(), nil
	case c.route.access&byAnybody != 0:
		if c.app != nil {
			return "app" + c.app.id.String(), nil
		}
		return "anybody", nil
	case c.user != nil:
		return "", fail(403, 20002, "Only bots can use this endpoint")
	case c.app != nil:
		return "", fail(403, 20001, "Bots cannot use this endpoint")
	}
	return "", errUnauthorized()
}

// bearer accepts a valid OAuth2 access token, or a user's own token.
func (c *call) bearer(token string) bool {
	if u := c.userTokens[token]; u != nil {
		c.user, c.scopes = u, []string{"identify", "guilds", "guilds.join"}
		return true
	}
	g := c.oauth.access[token]
	if g == nil || !c.now().Before(g.expires) {
		return false
	}
	c.scopes = g.scopes
	if g.user != 0 {
		c.user = c.users[g.user]
	}
	return c.user != nil
}

func authorization(r *http.Request) (scheme, token string) {
	h := strings.TrimSpace(r.Header.Get("Authorization"))
	if s, t, ok := strings.Cut(h, " "); ok {
		switch l := strings.ToLower(s); l {
		case "bot", "bearer", "basic":
			return l, strings.TrimSpace(t)
		}
	}
	return "", h
}

// callerID returns the calling application, for faults that match only one.
func (s *Server) callerID(r *http.Request) ID {
	_, token := authorization(r)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if a := s.botTokens[token]; a != nil {
		return a.id
	}
	return 0
}

// faultBefore applies faults that act before a request is handled.
func (s *Server) faultBefore(w http.ResponseWriter, r *http.Request, where target) (done bool, status int) {
	if f, ok := s.faults.take(FaultLatency, where); ok {
		t := time.NewTimer(f.delay())
		defer t.Stop()
		select {
		case <-t.C:
		case <-f.cleared:
		case <-r.Context().Done():
		case <-s.stopped:
		}
	}
	if f, ok := s.faults.take(FaultRateLimit, where); ok {
		f.answer429(w)
		return true, 429
	}
	if f, ok := s.faults.takeBefore(FaultAnswer, where); ok {
		a := answer{}
		f.spoil(w.Header(), &a)
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body)
		return true, f.Status
	}
	for _, kind := range []string{FaultError, FaultReset} {
		if f, ok := s.faults.takeBefore(kind, where); ok {
			f.answerBroken(w)
			return true, f.Status
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
func (f *Fault) spoil(h http.Header, a *answer) {
	for k, v := range f.Headers {
		if h.Del(k); v != "" {
			h.Set(k, v)
		}
	}
	if f.Status != 0 {
		a.status = f.Status
	}
	if f.Body != "" {
		a.body = []byte(f.Body)
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
