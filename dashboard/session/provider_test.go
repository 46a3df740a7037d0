package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/keyring"
	"snug/shared/testkit"
)

// provider is Discord's OAuth2 as far as a login meets it. It checks PKCE and hands out each refresh token for one use.
type provider struct {
	*httptest.Server
	mu        sync.Mutex
	codes     map[string]url.Values // code → the authorize request
	access    map[string]string     // access token → user
	refresh   map[string]string     // refresh token → user
	n         int
	asked     int // codes that were shown to it
	refreshes int
	revoked   []string
	expiresIn int
	down      bool
	slow      chan struct{} // refreshes wait for it, when not nil
}

func newProvider(t *testing.T) *provider {
	p := &provider{
		codes: map[string]url.Values{}, access: map[string]string{}, refresh: map[string]string{}, expiresIn: 604800,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.revoked = append(p.revoked, r.FormValue("token"))
	})
	mux.HandleFunc("GET /api/users/@me", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		user, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"username":"user%s","global_name":null,"avatar":null}`, user, user)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// agree plays the person at the consent page: it gives state and code.
func (p *provider) agree(t *testing.T, authorizeURL, user string) (state, code string) {
	t.Helper()
	u, err := url.Parse(authorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	code = fmt.Sprint("code-", p.n)
	q := u.Query()
	q.Set("user", user)
	p.codes[code] = q
	return q.Get("state"), code
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	slow, down := p.slow, p.down
	p.mu.Unlock()
	if slow != nil && r.FormValue("grant_type") == "refresh_token" {
		<-slow
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	refuse := func(code int) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":"invalid_grant"}`)
	}
	if down {
		refuse(http.StatusBadGateway)
		return
	}
	if id, secret, _ := r.BasicAuth(); id != "app" || secret != "hush" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	var user, scope string
	switch r.FormValue("grant_type") {
	case "authorization_code":
		p.asked++
		q, ok := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || q.Get("code_challenge_method") != "S256" ||
			q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) ||
			q.Get("redirect_uri") != r.FormValue("redirect_uri") {
			refuse(http.StatusBadRequest)
			return
		}
		user, scope = q.Get("user"), q.Get("scope")
	case "refresh_token":
		p.refreshes++
		user = p.refresh[r.FormValue("refresh_token")]
		delete(p.refresh, r.FormValue("refresh_token"))
		if user == "" {
			refuse(http.StatusBadRequest)
			return
		}
	}
	p.n++
	a, rf := fmt.Sprint("access-", p.n), fmt.Sprint("refresh-", p.n)
	p.access[a], p.refresh[rf] = user, user
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": a, "refresh_token": rf, "token_type": "Bearer", "expires_in": p.expiresIn, "scope": scope,
	})
}

// memory is a store in memory, with the revisions a hub's bucket has.
type memory struct {
	mu   sync.Mutex
	rev  uint64
	docs map[string]memoryDoc
	err  error
}

type memoryDoc struct {
	Doc
	rev uint64
}

func newMemory() *memory { return &memory{docs: map[string]memoryDoc{}} }

func (m *memory) Get(_ context.Context, key string) (Doc, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.docs[key]
	if m.err == nil && !ok {
		return Doc{}, 0, errs.E(errs.NotFound, "none")
	}
	return d.Doc, d.rev, m.err
}

func (m *memory) put(key string, d Doc, rev uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if m.docs[key].rev != rev {
		return errs.E(errs.Conflict, "changed")
	}
	m.rev++
	m.docs[key] = memoryDoc{d, m.rev}
	return nil
}

func (m *memory) Create(_ context.Context, key string, d Doc) error { return m.put(key, d, 0) }

func (m *memory) Update(_ context.Context, key string, d Doc, rev uint64) error {
	return m.put(key, d, rev)
}

func (m *memory) Delete(_ context.Context, key string, rev uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if rev != 0 && m.docs[key].rev != rev {
		return errs.E(errs.Conflict, "changed")
	}
	delete(m.docs, key)
	return m.err
}

// bench is a Sessions with everything around it.
type bench struct {
	*Sessions
	t        *testing.T
	p        *provider
	sessions *memory
	logins   *memory
	mu       sync.Mutex
	clock    *testkit.Clock
	ended    []string
	opts     Options
	// a bench's own: other tests' servers close the idle connections of the default one when they end
	transport *http.Transport
}

const origin = "http://127.0.0.1:8080"

func newBench(t *testing.T) *bench {
	b := &bench{
		t: t, transport: &http.Transport{}, p: newProvider(t), sessions: newMemory(), logins: newMemory(),
		clock: testkit.NewStoppedClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
	}
	t.Cleanup(b.transport.CloseIdleConnections)
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	b.opts = Options{
		Sessions: b.sessions, Logins: b.logins, Keys: keys, ClientID: "app", ClientSecret: "hush", Now: b.clock.Now,
		Discord: Discord{
			AuthorizeURL: b.p.URL + "/authorize", TokenURL: b.p.URL + "/token", RevokeURL: b.p.URL + "/revoke",
			APIURL: b.p.URL + "/api",
		},
		Ended: func(_ context.Context, keys ...string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ended = append(b.ended, keys...)
		},
	}
	if b.Sessions, err = New(b.opts); err != nil {
		t.Fatal(err)
	}
	return b
}

// login signs a user in.
func (b *bench) login(user string, begin Begin, old string) Finished {
	b.t.Helper()
	begin.Origin = origin
	l, err := b.Begin(begin)
	if err != nil {
		b.t.Fatal(err)
	}
	state, code := b.p.agree(b.t, l.URL, user)
	f, err := b.Finish(b.t.Context(), Callback{Origin: origin, State: state, Code: code, Ticket: l.Ticket, OldID: old})
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}
