package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/config"
	"snug/shared/testkit"
)

// secretWatch keeps what secrets there are and everything that Snug lets out.
type secretWatch struct {
	mu      sync.Mutex
	secrets map[string]string // secret → what it is
	pages   []heard
}

type heard struct {
	at, head, body string
}

func (s *secretWatch) mark(what string, secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range secrets {
		if len(x) >= 12 {
			s.secrets[x] = what
		}
	}
}

// RoundTrip listens to what Snug answers.
func (s *secretWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := testkit.HTTP.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(b))
	head := res.Header.Clone()
	for _, c := range res.Cookies() {
		s.mark("cookie", c.Value)
	}
	head.Del("Set-Cookie")
	var h strings.Builder
	_ = head.Write(&h)
	if u, err := url.Parse(res.Header.Get("Location")); err == nil {
		s.mark("state", u.Query().Get("state"))
		s.mark("code", u.Query().Get("code"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages = append(s.pages, heard{r.Method + " " + r.URL.Path, h.String(), string(b)})
	return res, nil
}

// discord listens to what the simulated Discord hands out: tokens.
func (s *secretWatch) discord(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/oauth2/token") {
			next.ServeHTTP(w, r)
			return
		}
		c := &copied{ResponseWriter: w}
		next.ServeHTTP(c, r)
		var t struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if json.Unmarshal(c.b.Bytes(), &t) == nil {
			s.mark("Discord's access token", t.Access)
			s.mark("Discord's refresh token", t.Refresh)
		}
	})
}

type copied struct {
	http.ResponseWriter
	b bytes.Buffer
}

func (c *copied) Write(p []byte) (int, error) {
	c.b.Write(p)
	return c.ResponseWriter.Write(p)
}

var (
	apiToken = regexp.MustCompile(`snug_[us]\d+_\w+_\w+`)
)

// TestSecretsStayInside lives a life with Snug, every secret in it marked, and
// finds none where it does not belong: not in the log, on a page or in a
// header, in an error, in the metrics, or readable in a file.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	s := &secretWatch{secrets: map[string]string{}}
	log, data := &testkit.Log{}, filepath.Join(t.TempDir(), "data")
	const secret = "5e55105e6c2e7b1d90aa43d17f0c8b24e9613fb75ad08c42916d3ef8b07a55c1"
	h := newHarness(t, unhurried, func(p *plan) {
		p.log = log.Logger()
		p.serve = config.Serve{SessionSecret: secret, Data: data}
		p.discord.Around(s.discord)
		p.discord.AccessTokenLife = 7 * 24 * time.Hour
	})
	raw, err := hex.DecodeString(secret)
	h.must(err)
	s.mark("the session secret", secret, string(raw))
	s.mark("the bot's token", h.world.app.BotToken)
	s.mark("the client secret", h.world.app.ClientSecret)
	for _, u := range h.world.users {
		s.mark("a person's own token", u.Token)
	}
	s.live(h)

	s.mu.Lock()
	defer s.mu.Unlock()
	kinds := map[string]int{}
	for _, what := range s.secrets {
		kinds[what]++
	}
	for _, what := range []string{
		"cookie", "state", "code", "Discord's access token", "Discord's refresh token", "an invite", "a live token",
		"an API token",
	} {
		if kinds[what] == 0 {
			t.Errorf("the life had no such secret: %s", what)
		}
	}
	text := log.String()
	if !strings.Contains(text, "request") || !strings.Contains(text, "level=DEBUG") {
		t.Fatal("there is no log to look at")
	}
	for secret, what := range s.secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s is in the log: …%s…", what, text[max(0, i-200):min(len(text), i+20)])
		}
		for _, p := range s.pages {
			if strings.Contains(p.body, secret) && !belongs(what, p) {
				t.Errorf("%s is in the body of %s", what, p.at)
			}
			if strings.Contains(p.head, secret) && what != "state" && what != "code" {
				t.Errorf("%s is in the header of %s: %s", what, p.at, p.head)
			}
		}
	}
	s.files(t, data)
}

// belongs says where a secret is given to whom it is for.
func belongs(what string, p heard) bool {
	switch what {
	case "an invite": // its owner sees it, and who opened its link has it
		return strings.Contains(p.at, "/game/") || strings.Contains(p.at, "/rooms") || strings.Contains(p.at, " /i/")
	case "state", "code": // a redirect's address, which net/http writes into the body too
		return strings.HasSuffix(p.at, "/login") || strings.Contains(p.at, " /i/")
	case "a live token":
		return strings.HasSuffix(p.at, "/live-token")
	case "an API token":
		return strings.HasPrefix(p.at, "POST") && strings.HasSuffix(p.at, "/tokens")
	}
	return false
}

// files looks at every file of the data folder, in which what lets somebody in is sealed.
func (s *secretWatch) files(t *testing.T, data string) {
	t.Helper()
	looked := 0
	err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // files of the running hub come and go
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		looked++
		for secret, what := range s.secrets {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s can be read in %s", what, path)
			}
		}
		return nil
	})
	if err != nil || looked < 5 {
		t.Errorf("looked at %d files, %v", looked, err)
	}
	if i, err := os.Stat(data); err != nil || i.Mode().Perm()&0o077 != 0 {
		t.Errorf("the data folder is %v, %v", i.Mode(), err)
	}
}

// visitor is a signed-in client whose answers are listened to.
func (s *secretWatch) visitor(h *harness, name string) *script {
	h.Helper()
	jar, err := cookiejar.New(nil)
	h.must(err)
	v := &script{
		h,
		&http.Client{
			Jar: jar, Timeout: patience, Transport: s,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if name != "" {
		s.signIn(v, name, "/login")
	}
	return v
}

// signIn goes through a login that a page began, and gives where it ended.
func (s *secretWatch) signIn(v *script, name, from string) {
	v.Helper()
	res, err := v.http.Get(v.url + from)
	v.must(err)
	s.finish(v, name, res)
}

func (s *secretWatch) finish(v *script, name string, res *http.Response) {
	v.Helper()
	res.Body.Close()
	to, err := res.Location()
	v.must(err)
	back := authorise(v, v.world.url, to.RawQuery, v.user(name).Token)
	u, err := url.Parse(back)
	v.must(err)
	s.mark("code", u.Query().Get("code"))
	res, err = v.http.Get(back)
	v.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		v.Fatalf("%s could not sign in: %s", name, res.Status)
	}
}

// live is the life: people sign in, open rooms, invite, come in, make mistakes, come back a week later, and leave.
func (s *secretWatch) live(h *harness) {
	h.Helper()
	guild := h.world.guild.String()
	owner, manager, nobody := s.visitor(h, "chiyo"), s.visitor(h, "alice"), s.visitor(h, "")
	id := owner.open("Friday")
	_, out := owner.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{})
	link, err := url.Parse(out["url"].(string))
	h.must(err)
	token := path.Base(link.Path)
	s.mark("an invite", token)
	_, out = owner.api(http.MethodPost, "/live-token", map[string]any{"guild": guild, "room": id})
	s.mark("a live token", out["token"].(string))
	_, out = owner.api(http.MethodPost, "/me/tokens", map[string]any{"name": "robot", "scopes": []string{"rooms:read"}})
	for _, v := range out {
		if text, ok := v.(string); ok && apiToken.MatchString(text) {
			s.mark("an API token", text)
			req, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/guilds/"+guild+"/rooms", nil)
			h.must(err)
			for _, given := range []string{text, text + "x", "Basic " + text} {
				req.Header.Set("Authorization", "Bearer "+given)
				res, err := nobody.http.Do(req)
				h.must(err)
				res.Body.Close()
			}
		}
	}
	// Everything there is, as everybody, right and wrong.
	for _, r := range h.app.dash.Routes() {
		if r.Method != http.MethodGet || r.Path == "/api/ws" {
			continue
		}
		path := strings.NewReplacer(":guild", guild, ":channel", id, ":user", h.user("chiyo").ID.String(), ":id", "x",
			"*path", "x").Replace(r.Path)
		for _, who := range []*script{owner, manager, nobody} {
			who.page(path)
			who.page(path + "?state=wrong-state-wrong&code=wrong")
			if strings.HasPrefix(path, "/game/") {
				who.page("/i/" + token)
			}
		}
	}
	h.command("chiyo", "invite", nil)
	h.command("femi", "create-room", map[string]any{"name": "Monday"})
	// Somebody not signed in comes in by the invite, at first with a mistake in it.
	for _, t := range []string{token + "x", token} {
		res, err := nobody.http.PostForm(h.url+"/i/"+t, nil)
		h.must(err)
		if t == token {
			s.finish(nobody, "dmitri", res)
			break
		}
		res.Body.Close()
	}
	// Discord is down, then refuses; a week passes and the sign-ins are renewed.
	manager.api(http.MethodPost, "/invites/redeem", map[string]any{"code": token + "x"})
	h.clock.Forward(7*24*time.Hour - time.Second)
	owner.api(http.MethodGet, "/me", nil)
	manager.page("/servers/" + guild)
	h.clock.Forward(time.Minute)
	owner.page("/")
	for _, who := range []*script{nobody, owner} {
		res, err := who.http.PostForm(h.url+"/logout/everywhere", nil)
		h.must(err)
		res.Body.Close()
	}
}
