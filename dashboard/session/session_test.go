package session

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/keyring"
)

func TestLogin(t *testing.T) {
	b := newBench(t)
	f := b.login("42", Begin{ReturnTo: "/game/7?x=1", Accept: true}, "")
	if f.ReturnTo != "/game/7?x=1" || !f.Accept || f.Session.User.ID != 42 || f.Session.User.DisplayName != "user42" {
		t.Errorf("got %+v %+v", f, f.Session)
	}
	s, err := b.Get(t.Context(), f.ID)
	if err != nil || s.User.ID != 42 || !s.Has(ScopeIdentify) || s.Has(ScopeGuildsJoin) {
		t.Errorf("got %+v, %v", s, err)
	}
	if !s.Expires.Equal(b.clock.Now().Add(Lifetime)) {
		t.Errorf("expires %v", s.Expires)
	}
	// Nothing that lets anybody in lies open in the store.
	for key, d := range b.sessions.docs {
		if strings.Contains(key, f.ID) || strings.Contains(string(d.Data), "access-") ||
			strings.Contains(string(d.Data), "user42") {
			t.Errorf("%s: a secret is readable", key)
		}
	}
}

func TestAuthorizeURL(t *testing.T) {
	b := newBench(t)
	l, err := b.Begin(Begin{Origin: origin, Join: true})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(l.URL)
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
		q.Get("response_type") != "code" ||
		q.Get("redirect_uri") != origin+CallbackPath || q.Get("scope") != "identify guilds.join" ||
		q.Get("state") != l.State {
		t.Errorf("got %s", l.URL)
	}
	second, err := b.Begin(Begin{Origin: origin})
	if err != nil || second.State == l.State ||
		NewCookies(true).loginName(second.State) == NewCookies(true).loginName(l.State) {
		t.Error("a second tab has its own state, and its own cookie")
	}
	// The longest page there can be travels in a state that fits into an address and a cookie that fits into a request.
	long, err := b.Begin(Begin{Origin: origin, ReturnTo: "/" + strings.Repeat("a", maxReturnTo-1), Join: true})
	if err != nil || len(long.State) > maxSealed || len(long.Ticket) > 512 {
		t.Errorf("a state of %d and a ticket of %d bytes, %v", len(long.State), len(long.Ticket), err)
	}
	t.Logf("states of %d to %d bytes, tickets of %d", len(l.State), len(long.State), len(l.Ticket))
}

// Nothing is stored for who has not agreed at Discord, and nothing more than a mark for who has.
func TestNothingIsStoredBeforeConsent(t *testing.T) {
	b := newBench(t)
	var l Begun
	var err error
	for range 1000 {
		if l, err = b.Begin(Begin{Origin: origin, ReturnTo: "/servers/1"}); err != nil {
			t.Fatal(err)
		}
	}
	state, code := b.p.agree(t, l.URL, "42")
	for _, c := range []Callback{
		{Origin: origin, State: state, Code: "made up", Ticket: l.Ticket}, {Origin: origin, State: state, Code: code},
		{Origin: origin, State: state, Error: "access_denied", Ticket: l.Ticket},
		{Origin: origin, State: newSecret(), Code: code, Ticket: l.Ticket},
	} {
		if _, err := b.Finish(t.Context(), c); err == nil {
			t.Fatalf("%+v signed somebody in", c)
		}
	}
	if len(b.logins.docs)+len(b.sessions.docs) != 0 {
		t.Errorf("%d logins, %d sessions stored for nobody", len(b.logins.docs), len(b.sessions.docs))
	}
	b.logins.err = errors.New("full")
	if _, err := b.Finish(t.Context(),
		Callback{Origin: origin, State: state, Code: code, Ticket: l.Ticket}); err != nil {
		t.Errorf("a full store stops a login: %v", err)
	}
	b.logins.err = nil
	b.login("42", Begin{}, "")
	if len(b.logins.docs) != 1 {
		t.Errorf("%d marks of used states", len(b.logins.docs))
	}
}

// Discord takes a code once. Should it ever take one twice, the state still works once.
func TestStateIsSpentThoughDiscordTakesItsCodeAgain(t *testing.T) {
	b := newBench(t)
	l, err := b.Begin(Begin{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []errs.Code{"", errs.TokenExpired} {
		state, code := b.p.agree(t, l.URL, "42")
		if _, err := b.Finish(t.Context(),
			Callback{Origin: origin, State: state, Code: code, Ticket: l.Ticket}); errs.CodeOf(err) != want {
			t.Errorf("use %d: %v", i+1, err)
		}
	}
}

// FuzzFinish: no state and ticket but those that were made signs anybody in, leads anywhere, or makes it panic.
func FuzzFinish(f *testing.F) {
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		f.Fatal(err)
	}
	s := &Sessions{o: Options{Keys: keys, Now: time.Now}, log: slog.New(slog.DiscardHandler)}
	l, err := s.Begin(Begin{Origin: origin, ReturnTo: "/servers/1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l.State, l.Ticket)
	f.Add("", "")
	f.Add(l.Ticket, l.State)
	f.Add(l.State, "AAAA")
	f.Add(strings.Repeat("A", maxSealed+1), l.Ticket)
	f.Fuzz(func(t *testing.T, state, ticket string) {
		got, err := s.Finish(t.Context(),
			Callback{Origin: origin, State: state, Ticket: ticket, Error: "access_denied"})
		if err == nil || got.Session != nil || got.ReturnTo != "" && state != l.State ||
			errors.Is(err, ErrCancelled) && ticket != l.Ticket {
			t.Fatalf("%q, %q: %+v, %v", state, ticket, got, err)
		}
	})
}

// changed gives a text with one character changed.
func changed(s string) string {
	by := "A"
	if s[40] == 'A' {
		by = "B"
	}
	return s[:40] + by + s[41:]
}

func TestStateIsBoundAndUsedOnce(t *testing.T) {
	var other Begun
	for _, c := range []struct {
		name   string
		change func(*Callback)
		after  time.Duration
		want   errs.Code
	}{
		{"as it was", func(*Callback) {}, 0, ""},
		{"no cookie", func(c *Callback) { c.Ticket = "" }, 0, errs.TokenInvalid},
		{"a made-up cookie", func(c *Callback) { c.Ticket = newSecret() }, 0, errs.TokenInvalid},
		{"a changed cookie", func(c *Callback) { c.Ticket = changed(c.Ticket) }, 0, errs.TokenInvalid},
		{"the state as cookie", func(c *Callback) { c.Ticket = c.State }, 0, errs.TokenInvalid},
		{"another login's cookie", func(c *Callback) { c.Ticket = other.Ticket }, 0, errs.TokenInvalid},
		{"another login's state", func(c *Callback) { c.State = other.State }, 0, errs.TokenInvalid},
		{"another host", func(c *Callback) { c.Origin = "http://localhost:8080" }, 0, errs.TokenExpired},
		{"a changed state", func(c *Callback) { c.State = changed(c.State) }, 0, errs.TokenExpired},
		{"the cookie as state", func(c *Callback) { c.State = c.Ticket }, 0, errs.TokenExpired},
		{"another state", func(c *Callback) { c.State = newSecret() }, 0, errs.TokenExpired},
		{"no state", func(c *Callback) { c.State = "" }, 0, errs.TokenExpired},
		{"too late", func(*Callback) {}, LoginLifetime, errs.TokenExpired},
		{"cancelled", func(c *Callback) { c.Code, c.Error = "", "access_denied" }, 0, errs.Forbidden},
		{"refused", func(c *Callback) { c.Code, c.Error = "", "server_error" }, 0, errs.DiscordUnavailable},
		{"a made-up code", func(c *Callback) { c.Code = "nonsense" }, 0, errs.TokenExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			l, err := b.Begin(Begin{Origin: origin, ReturnTo: "/servers/1"})
			if err != nil {
				t.Fatal(err)
			}
			if other, err = b.Begin(Begin{Origin: origin, ReturnTo: "/servers/2"}); err != nil {
				t.Fatal(err)
			}
			state, code := b.p.agree(t, l.URL, "42")
			call := Callback{Origin: origin, State: state, Code: code, Ticket: l.Ticket}
			c.change(&call)
			b.clock.Forward(c.after)
			f, err := b.Finish(t.Context(), call)
			if errs.CodeOf(err) != c.want {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if (c.want == errs.Forbidden) != errors.Is(err, ErrCancelled) {
				t.Errorf("cancelled: %v", err)
			}
			if c.want == errs.Forbidden && f.ReturnTo != "/servers/1" {
				t.Errorf("whoever cancels goes back to %q", f.ReturnTo)
			}
			if c.want == errs.TokenInvalid != errors.Is(err, ErrOtherBrowser) ||
				c.want != "" && c.name != "a made-up code" && b.p.asked != 0 {
				t.Errorf("got %v; the code was shown to Discord %d times", err, b.p.asked)
			}
			if _, err := b.Finish(t.Context(), call); c.want == "" && !errs.Has(err, errs.TokenExpired) {
				t.Errorf("a state worked twice: %v", err)
			}
		})
	}
}

// If Discord rejects the client secret, users are told so, and the log says what to do.
func TestWrongClientSecret(t *testing.T) {
	b := newBench(t)
	b.o.ClientSecret = "nope"
	l, err := b.Begin(Begin{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	state, code := b.p.agree(t, l.URL, "42")
	_, err = b.Finish(t.Context(), Callback{Origin: origin, State: state, Code: code, Ticket: l.Ticket})
	if !errs.Has(err, errs.Unavailable) || !strings.Contains(errs.Public(err).Message, "person who hosts Snug") ||
		!strings.Contains(err.Error(), "Reset Secret") || strings.Contains(err.Error(), "nope") {
		t.Errorf("got %v", err)
	}
}

func TestStateUsedByTwoAtOnce(t *testing.T) {
	b := newBench(t)
	l, err := b.Begin(Begin{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	state, code := b.p.agree(t, l.URL, "42")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			if _, err := b.Finish(t.Context(),
				Callback{Origin: origin, State: state, Code: code, Ticket: l.Ticket}); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d callbacks signed in with one state", won)
	}
}

func TestLoginRenewsTheID(t *testing.T) {
	b := newBench(t)
	first := b.login("42", Begin{}, "")
	second := b.login("42", Begin{}, first.ID)
	if first.ID == second.ID {
		t.Fatal("the id was kept")
	}
	if _, err := b.Get(t.Context(), first.ID); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("the old id still works: %v", err)
	}
	if len(b.ended) != 1 || b.ended[0] != first.Session.Key || len(b.p.revoked) != 0 {
		t.Errorf("ended %v, revoked %v", b.ended, b.p.revoked)
	}
}

func TestSessionEnds(t *testing.T) {
	b := newBench(t)
	b.p.expiresIn = 90 * 24 * 3600
	id := b.login("42", Begin{}, "").ID
	begun := b.clock.Now()
	for range 3 { // used every twenty days, it lasts
		b.clock.Forward(20 * 24 * time.Hour)
		s, err := b.Get(t.Context(), id)
		if err != nil || !s.Extended || !s.Expires.Equal(b.clock.Now().Add(Lifetime)) {
			t.Fatalf("got %+v, %v", s, err)
		}
		if s, err := b.Get(t.Context(), id); err != nil || s.Extended {
			t.Fatalf("extended twice in a day: %+v, %v", s, err)
		}
	}
	b.clock.Forward(10 * 24 * time.Hour) // and it is not extended past ninety days
	if s, err := b.Get(t.Context(), id); err != nil || !s.Expires.Equal(begun.Add(WholeLifetime)) {
		t.Errorf("got %+v, %v", s, err)
	}
	b.clock.Forward(19 * 24 * time.Hour)
	if s, err := b.Get(t.Context(), id); err != nil || s.Extended || !s.Expires.Equal(begun.Add(WholeLifetime)) {
		t.Errorf("got %+v, %v", s, err)
	}
	b.clock.Forward(24 * time.Hour)
	if _, err := b.Get(t.Context(), id); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("after %v it still works: %v", WholeLifetime, err)
	}
	unused := b.login("43", Begin{}, "").ID
	b.clock.Forward(Lifetime)
	if _, err := b.Get(t.Context(), unused); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("unused for %v it still works: %v", Lifetime, err)
	}
	for _, id := range []string{"", "nonsense", strings.Repeat("A", 43), newSecret()} {
		if _, err := b.Get(t.Context(), id); !errs.Has(err, errs.Unauthorized) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestLogout(t *testing.T) {
	b := newBench(t)
	one, two, other := b.login("42", Begin{}, ""), b.login("42", Begin{}, ""), b.login("43", Begin{}, "")
	if err := b.End(t.Context(), one.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), one.ID); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("signed out, it still works: %v", err)
	}
	if len(b.p.revoked) != 0 {
		t.Error("the token was revoked while another browser is signed in")
	}
	if _, err := b.Get(t.Context(), two.ID); err != nil {
		t.Errorf("the other browser was signed out too: %v", err)
	}
	if err := b.End(t.Context(), two.ID); err != nil || len(b.p.revoked) != 1 {
		t.Errorf("the last logout revokes: %v, %v", b.p.revoked, err)
	}
	three, four := b.login("42", Begin{}, ""), b.login("42", Begin{}, "")
	b.ended = nil
	if err := b.EndAll(t.Context(), four.ID); err != nil || len(b.ended) != 2 || len(b.p.revoked) != 2 {
		t.Errorf("ended %v, revoked %v, %v", b.ended, b.p.revoked, err)
	}
	for _, id := range []string{three.ID, four.ID} {
		if _, err := b.Get(t.Context(), id); !errs.Has(err, errs.Unauthorized) {
			t.Errorf("signed out everywhere, one still works: %v", err)
		}
	}
	if _, err := b.Get(t.Context(), other.ID); err != nil {
		t.Errorf("somebody else was signed out: %v", err)
	}
	if err := b.End(t.Context(), "nonsense"); err != nil {
		t.Errorf("signing out without a session: %v", err)
	}
}

func TestRefreshOnce(t *testing.T) {
	b := newBench(t)
	id := b.login("42", Begin{}, "").ID
	b.clock.Forward(8 * 24 * time.Hour)
	// Two processes on one hub, ten tabs.
	other, err := New(b.opts)
	if err != nil {
		t.Fatal(err)
	}
	b.p.slow = make(chan struct{})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			s := []*Sessions{b.Sessions, other}[i%2]
			if got, err := s.Get(t.Context(), id); err != nil || got.User.ID != 42 {
				t.Errorf("got %+v, %v", got, err)
			}
			if tok, err := s.AccessToken(t.Context(), keyOf(id)); err != nil || !strings.HasPrefix(tok, "access-") {
				t.Errorf("got %q, %v", tok, err)
			}
		})
	}
	close(b.p.slow)
	wg.Wait()
	if b.p.refreshes != 1 {
		t.Errorf("%d refreshes", b.p.refreshes)
	}
}

func TestRefreshRefused(t *testing.T) {
	b := newBench(t)
	f := b.login("42", Begin{}, "")
	clear(b.p.refresh)
	b.clock.Forward(8 * 24 * time.Hour)
	_, err := b.Get(t.Context(), f.ID)
	if !errs.Has(err, errs.Unauthorized) || len(b.ended) != 1 {
		t.Errorf("got %v, ended %v", err, b.ended)
	}
	if len(b.sessions.docs) != 1 { // the index
		t.Errorf("the session was kept")
	}
}

func TestRefreshWhileDiscordIsDown(t *testing.T) {
	b := newBench(t)
	id := b.login("42", Begin{}, "").ID
	b.clock.Forward(8 * 24 * time.Hour)
	b.p.down = true
	for range 3 {
		if _, err := b.Get(t.Context(), id); err != nil {
			t.Fatalf("an outage signed somebody out: %v", err)
		}
	}
	b.p.down = false
	b.clock.Forward(claimTime + time.Second)
	if _, err := b.Get(t.Context(), id); err != nil || b.p.refreshes != 1 {
		t.Errorf("%d refreshes, %v", b.p.refreshes, err)
	}
	b.p.down = true
	if tok, err := b.AccessToken(t.Context(), keyOf(id)); err != nil || tok == "" {
		t.Errorf("got %q, %v", tok, err)
	}
}

func TestHubDown(t *testing.T) {
	b := newBench(t)
	id := b.login("42", Begin{}, "").ID
	b.sessions.err = errors.New("disk on fire")
	if _, err := b.Get(t.Context(), id); !errs.Has(err, errs.Unavailable) {
		t.Errorf("got %v; an outage is no logout", err)
	}
}

func TestRotatedSecret(t *testing.T) {
	b := newBench(t)
	id := b.login("42", Begin{}, "").ID
	old, next := []byte(strings.Repeat("k", 32)), []byte(strings.Repeat("n", 32))
	for _, c := range []struct {
		name    string
		secrets [][]byte
		want    errs.Code
	}{
		{"the old one still accepted", [][]byte{next, old}, ""},
		{"the old one gone", [][]byte{next}, errs.Unauthorized},
	} {
		o := b.opts
		o.Keys, _ = keyring.New(c.secrets...)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), id); errs.CodeOf(err) != c.want {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestTooManySessions(t *testing.T) {
	b := newBench(t)
	first := b.login("42", Begin{}, "")
	for range maxPerUser {
		b.login("42", Begin{}, "")
	}
	if _, err := b.Get(t.Context(), first.ID); !errs.Has(err, errs.Unauthorized) {
		t.Errorf("the oldest did not make room: %v", err)
	}
}

func TestGuilds(t *testing.T) {
	b := newBench(t)
	b.login("42", Begin{}, "")
	for _, g := range []struct {
		id uint64
		in bool
	}{{1, true}, {2, true}, {2, true}, {3, true}, {2, false}} {
		if err := b.RecordGuild(t.Context(), 42, 0+snow(g.id), g.in); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Guilds(t.Context(), 42)
	if err != nil || len(got) != 2 || got[0] != 3 || got[1] != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := b.Guilds(t.Context(), 7); err != nil || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCookies(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		secure bool
		name   string
	}{{true, "__Host-snug"}, {false, "snug"}} {
		k := NewCookies(c.secure)
		r := httptest.NewRequest("GET", "/", nil)
		begun := k.Begun(r, Begun{State: "state", Ticket: "ticket"})
		for _, got := range append(begun, k.Session(newSecret(), now, now.Add(Lifetime))) {
			if !strings.HasPrefix(got.Name, c.name) || got.Secure != c.secure || !got.HttpOnly ||
				got.SameSite != http.SameSiteLaxMode ||
				got.Path != "/" || got.Domain != "" || got.MaxAge <= 0 {
				t.Errorf("got %v", got)
			}
		}
		id := newSecret()
		r.AddCookie(k.Session(id, now, now.Add(time.Hour)))
		if k.ID(r) != id || k.Ticket(r, "state") != "" {
			t.Error("the cookie was not read back")
		}
		r.AddCookie(begun[0])
		if k.ID(r) != id || k.Ticket(r, "state") != "ticket" || k.Ticket(r, "another") != "" {
			t.Error("the login's cookie was not read back")
		}
		if k.Clear().MaxAge != -1 || k.Ended("state").MaxAge != -1 || k.Ended("state").Name != begun[0].Name {
			t.Error("clearing keeps the cookie")
		}
	}
}

// A browser that begins logins without end keeps a few: all its cookies go into every request.
func TestLoginsOfABrowserAreBounded(t *testing.T) {
	k := NewCookies(true)
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
	for i := range maxLogins {
		cookies := k.Begun(r, Begun{State: strconv.Itoa(i), Ticket: "ticket"})
		if len(cookies) != 1 {
			t.Fatalf("login %d removes %v", i, cookies)
		}
		r.AddCookie(cookies[0])
	}
	cookies := k.Begun(r, Begun{State: "one more", Ticket: "ticket"})
	if len(cookies) != 2 || cookies[0].Name != k.loginName("0") || cookies[0].MaxAge != -1 {
		t.Errorf("got %v", cookies)
	}
}
