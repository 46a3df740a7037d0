package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// Names that would do harm somewhere: in HTML, in a script, in an attribute,
// in Discord's Markdown, as a mention, in a log, in a spreadsheet, and to the eye.
const (
	evilName = `=1+1"'><img src=x onerror=pwned=1 data-pwned><b data-pwned>`
	// 100 characters at most
	evilRoom = "</script><script>pwned=1</script><i data-pwned>" +
		"@everyone **b** [x](https://evil.example)\u202e\nlevel=ERROR"
	evilGuild = `<svg onload=pwned=1 data-pwned>{{.}} ${7*7} 'x' "y"`
)

// TestHostileNames gives a person, a room and a server names that would do
// harm, and looks at every page in a real browser, at Discord, and at the log.
// No page may break its Content-Security-Policy either.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	log := &testkit.Log{}
	var lair discordsim.Guild
	h := newHarness(t, unhurried, func(p *plan) {
		p.log = log.Logger()
		p.people = func(w *demoWorld) {
			mallory := w.discord.AddUser("mallory", evilName)
			var err error
			if lair, err = w.discord.AddGuild(evilGuild, mallory.ID); err == nil {
				err = w.discord.InstallBot(lair.ID, w.app.ID, discordsim.SnugPermissions)
			}
			if err == nil {
				err = w.discord.AddMember(lair.ID, w.users[0].ID,
					"\u202enick\u200b"+strings.Repeat("Z\u0351\u0351\u0351\u0351\u0351\u0351\u0351", 4))
			}
			if err != nil {
				t.Fatal(err)
			}
			w.users = append(w.users, mallory)
			w.guild = lair.ID // what follows happens there
		}
	})

	s := h.signIn("mallory")
	var id string
	h.eventually("Snug keeps the server", func() bool {
		status, out := s.api(http.MethodPost, "/guilds/"+lair.ID.String()+"/rooms",
			map[string]any{"name": evilRoom, "private": false})
		id, _ = out["channel_id"].(string)
		return status == http.StatusCreated
	})
	status, out := s.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{})
	if status != http.StatusCreated {
		t.Fatalf("no invite: %d %v", status, out)
	}
	invite, err := url.Parse(out["url"].(string))
	h.must(err)
	h.must(h.join("mallory", id))
	h.must(h.join("alice", id))
	h.hostileInDiscord(log)
	h.hostileInLog(s, log)

	browser := browsertest.Start(t)
	p := h.watchedTab(browser, "mallory")
	p.goTo("/")
	p.consentIfAsked()
	paths := []string{
		invite.Path, "/nonsense", "/logout", "/game/1",
		"/servers/1", "/i/wrong",
	}
	for _, r := range h.app.dash.Routes() {
		if r.Method == http.MethodGet && !strings.HasPrefix(r.Path, "/api/") && !strings.Contains(r.Path, ".") &&
			!slices.Contains([]string{
				"/healthz", "/readyz", "/metrics", "/robots.txt", "/favicon.ico", "/static/*path", "/login",
				"/auth/discord/callback",
			}, r.Path) {
			paths = append(paths, strings.NewReplacer(":guild", lair.ID.String(), ":channel", id).Replace(r.Path))
		}
	}
	for _, path := range paths {
		p.harmless(path)
	}
	nobody := h.watchedTab(browser, "hugo")
	for _, path := range []string{"/", invite.Path, "/nonsense"} {
		nobody.harmless(path)
	}
}

// hostileInDiscord runs commands that show the names, and looks at what they said.
func (h *harness) hostileInDiscord(log fmt.Stringer) {
	h.Helper()
	for _, c := range []string{"rooms", "room info"} {
		a := h.command("mallory", c, nil)
		if a.Message == nil {
			h.Fatalf("/%s said nothing\n%s", c, log)
		}
	}
	bare := regexp.MustCompile(`(^|[^\\])(@everyone|\*\*b\*\*|\[x\]\(https)`)
	seen := 0
	for _, in := range h.world.discord.State().Messages {
		for _, m := range in {
			b, err := json.Marshal(m)
			h.must(err)
			var said struct {
				Content         string
				MentionEveryone bool              `json:"mention_everyone"`
				Mentions        []json.RawMessage `json:"mentions"`
			}
			h.must(json.Unmarshal(b, &said))
			seen++
			if said.MentionEveryone || len(said.Mentions) > 0 || bare.MatchString(said.Content) ||
				strings.ContainsAny(said.Content, "\u202e\u2066") {
				h.Errorf("Snug said %s", b)
			}
		}
	}
	if seen == 0 {
		h.Error("Snug said nothing in Discord that could be looked at")
	}
}

// hostileInLog asks for addresses that would write lines of their own.
func (h *harness) hostileInLog(s *script, log fmt.Stringer) {
	h.Helper()
	for _, path := range []string{
		"/x%0Atime=2026-01-01T00:00:00Z%20level=ERROR%20msg=forged", "/%1b[31mred", "/%E2%80%AEdrow",
		"/?%0Alevel=ERROR=forged",
	} {
		s.page(path)
	}
	for line := range strings.Lines(log.String()) {
		if !strings.HasPrefix(line, "time=") ||
			strings.HasPrefix(line, "time=2026-01-01T00:00:00Z level=ERROR msg=forged") {
			h.Errorf("a line of the log is not the log's own: %s", line)
		}
		if strings.ContainsAny(line, "\u202e\x1b\u2028") {
			h.Errorf("a line of the log turns the writing around: %q", line)
		}
	}
}

// watchedTab is a tab that notes violations of the Content-Security-Policy, and what scripts break.
func (h *harness) watchedTab(browser context.Context, name string) *browserUser {
	h.Helper()
	p := h.browse(browser, name)
	const note = `window.broken = [];
		addEventListener('securitypolicyviolation',
			e => broken.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sourceFile + ':' + e.lineNumber));
		addEventListener('error', e => broken.push('error ' + e.message));
		for (const f of ['alert', 'confirm', 'prompt']) window[f] = () => broken.push(f);`
	p.do("watch the page", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument,
			page.AddScriptToEvaluateOnNewDocumentParams{Source: note})
		return chromedp.Void{}, err
	})
	return p
}

// consentIfAsked signs the user in where Discord asks.
func (p *browserUser) consentIfAsked() {
	p.Helper()
	if read[bool](p, `document.querySelector('a[href="/login"]') !== null`) {
		p.do("sign in", chromedp.Navigate(p.at("/login?return_to=%2F")))
		p.consent()
	}
}

// harmless opens a page and looks for harm.
func (p *browserUser) harmless(path string) {
	p.Helper()
	p.do("open "+path, chromedp.Navigate(p.at(path)))
	if strings.Contains(read[string](p, "location.pathname"), "/oauth2/") {
		p.Fatalf("%s: %s led to Discord", p.name, path)
	}
	type look struct {
		Broken  []string
		Pwned   bool
		Inside  int
		Turned  bool
		Type    string
		Scripts int
	}
	got := read[look](p, `({
		Broken: window.broken ?? [], Pwned: typeof pwned !== 'undefined',
		Inside: document.querySelectorAll('[data-pwned]').length,
		Turned: /[\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.outerHTML), Type: document.contentType,
		Scripts: [...document.scripts].filter(s => !s.src && s.type !== 'application/json').length,
	})`)
	if len(got.Broken) > 0 || got.Pwned || got.Inside > 0 || got.Turned || got.Scripts > 0 {
		p.Errorf("%s at %s: %+v", p.name, path, got)
	}
}
