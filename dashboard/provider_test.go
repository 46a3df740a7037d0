package dashboard

import (
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
)

// provider is Discord's OAuth2 as far as a login meets it. Who browses is said by the cookie "discord".
type provider struct {
	*httptest.Server
	mu        sync.Mutex
	codes     map[string]url.Values
	access    map[string]string
	refresh   map[string]string
	n         int
	exchanged int // codes that were shown to it
	refreshes int
	revoked   int
	expiresIn int
	asked     []url.Values // authorize requests
}

func newProvider(t testing.TB) *provider {
	p := &provider{
		codes: map[string]url.Values{}, access: map[string]string{}, refresh: map[string]string{}, expiresIn: 604800,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /revoke", func(http.ResponseWriter, *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.revoked++
	})
	mux.HandleFunc("GET /api/users/@me", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		user, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"username":"user%s","global_name":"User %s","avatar":null}`, user, user, user)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	p.asked = append(p.asked, q)
	back, _ := url.Parse(q.Get("redirect_uri"))
	who, err := r.Cookie("discord")
	answer := url.Values{"state": {q.Get("state")}}
	if err != nil || who.Value == "cancel" {
		answer.Set("error", "access_denied")
	} else {
		p.n++
		code := fmt.Sprintf("secret-code-%d", p.n)
		q.Set("user", who.Value)
		p.codes[code] = q
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *provider) exchanges() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanged
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	refuse := func() {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	}
	var user, scope string
	if r.FormValue("grant_type") == "refresh_token" {
		p.refreshes++
		user = p.refresh[r.FormValue("refresh_token")]
		delete(p.refresh, r.FormValue("refresh_token"))
	} else {
		p.exchanged++
		q := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if q.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:]) &&
			q.Get("redirect_uri") == r.FormValue("redirect_uri") {
			user, scope = q.Get("user"), q.Get("scope")
		}
	}
	if user == "" {
		refuse()
		return
	}
	p.n++
	a, rf := fmt.Sprint("secret-access-", p.n), fmt.Sprint("secret-refresh-", p.n)
	p.access[a], p.refresh[rf] = user, user
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": a, "refresh_token": rf, "token_type": "Bearer", "expires_in": p.expiresIn, "scope": scope,
	})
}
