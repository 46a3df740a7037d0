package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/config"
	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/hub/hubtest"
	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// patience bounds every wait for a fact; it is reached only when something is broken.
const patience = testkit.Patience

// harness is the whole of Snug in this process, as the demo runs it, with its clock in our hands.
type harness struct {
	testing.TB
	app   *app
	world demoWorld
	url   string
	clock *testkit.Clock
	wire  *wire
	proxy *hubtest.Proxy // before the dashboard, if it was planned
}

// wire is the dashboard's listener, with a switch: while it is cut, every connection breaks.
type wire struct {
	net.Listener
	mu     sync.Mutex
	broken bool
	conns  []net.Conn
}

func (w *wire) Accept() (net.Conn, error) {
	for {
		c, err := w.Listener.Accept()
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		w.conns = append(w.conns, c)
		broken := w.broken
		w.mu.Unlock()
		if !broken {
			return c, nil
		}
		c.Close()
	}
}

func (w *wire) cut(off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken = off; off {
		for _, c := range w.conns {
			c.Close()
		}
		w.conns = nil
	}
}

// plan is what a test may want different in its harness.
type plan struct {
	discord discordsim.Options
	serve   config.Serve // BaseURL and Data are set if they are not
	log     *slog.Logger
	proxy   bool             // browsers reach the dashboard through one that can swallow everything
	people  func(*demoWorld) // adds to the world before Snug starts
	// requests are how many a second the bot may make; 0: as many as usual.
	requests int
	// pushRoots are the certificates that push services are trusted by.
	pushRoots *x509.CertPool
}

// unhurried lifts Discord's rate limits, and Snug's own pace, for tests that are not about them.
func unhurried(p *plan) {
	limits := discordsim.NoRateLimits()
	p.discord.Limits = &limits
	p.requests = 1 << 20
}

func newHarness(t testing.TB, change ...func(*plan)) *harness {
	t.Helper()
	h := &harness{TB: t, clock: &testkit.Clock{}}
	p := plan{
		discord: discordsim.Options{Seed: 7, Named: true, Wrap: openapitest.Wrap(t)},
		log:     testkit.Logger(),
	}
	for _, f := range change {
		f(&p)
	}
	var err error
	h.world, err = simulate("127.0.0.1:0", p.discord)
	h.must(err)
	if p.people != nil {
		p.people(&h.world)
	}
	t.Cleanup(func() { h.must(h.world.discord.Close(context.Background())) })
	l, err := listen("127.0.0.1:0", "--addr")
	h.must(err)
	addr := l.Addr()
	if p.proxy {
		h.proxy = hubtest.StartProxy(t, addr.String())
		addr = h.proxy.Addr()
	}
	h.url = "http://" + addr.String()
	h.wire = &wire{Listener: l}
	p.serve.BaseURL = h.url
	p.serve.Data = cmp.Or(p.serve.Data, t.TempDir())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h.app, err = start(ctx, setup{
		Serve: h.world.serve(p.serve), listener: h.wire, log: p.log, now: h.clock.Now,
		extraHosts: h.world.hosts(addr), demo: true,
		pushRoots: p.pushRoots,
		askEvery:  time.Second,
		requests:  p.requests, refuseEvery: time.Millisecond, // how even refusals are is tested in the dashboard
	})
	h.must(err)
	t.Cleanup(func() { h.must(h.app.close()) })
	h.must(h.app.connect(ctx))
	h.ready()
	return h
}

// config is that of serve, as far as the harness does not decide it.
func (h *harness) config() config.Serve { return config.Serve{BaseURL: h.url} }

// ready waits until the process says that it serves everything.
func (h *harness) ready() {
	h.Helper()
	h.eventually("it is ready", func() bool {
		res, err := testkit.HTTP.Get(h.url + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (h *harness) must(err error) {
	h.Helper()
	testkit.NoError(h, err)
}

// eventually waits for a fact that nobody tells of.
func (h *harness) eventually(what string, ok func() bool) {
	h.Helper()
	testkit.Eventually(h, what, ok)
}

func (h *harness) user(name string) discordsim.User {
	h.Helper()
	for _, u := range h.world.users {
		if u.Username == name {
			return u
		}
	}
	h.Fatalf("nobody is called %s", name)
	return discordsim.User{}
}

// join, leave and command are what a member does in Discord.
func (h *harness) join(name, channel string) error {
	id, err := snowflake.Parse(channel)
	h.must(err)
	_, err = h.world.discord.JoinVoice(h.world.guild, h.user(name).ID, discordsim.ID(id), discordsim.VoiceFlags{})
	return err
}

func (h *harness) leave(name string) {
	h.Helper()
	_, err := h.world.discord.LeaveVoice(h.world.guild, h.user(name).ID)
	h.must(err)
}

func (h *harness) command(name, command string, options map[string]any) *discordsim.Answer {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-h.app.bot.Registered():
	case <-ctx.Done():
		h.Fatal("the commands were not registered")
	}
	a, err := h.world.discord.RunCommand(ctx, h.user(name).ID,
		discordsim.CommandRun{Guild: h.world.guild, Name: command, Options: options})
	h.must(err)
	return a
}

// script is somebody's signed-in HTTP client.
type script struct {
	*harness
	http *http.Client
}

// stranger is a client with cookies of its own who stops where Discord asks for consent.
func (h *harness) stranger() *script {
	h.Helper()
	jar, err := cookiejar.New(nil)
	h.must(err)
	return &script{h, &http.Client{
		Jar: jar, Timeout: patience, Transport: testkit.HTTP.Transport,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path == "/oauth2/authorize" {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

// signIn signs somebody in without a browser, through every step of OAuth2.
func (h *harness) signIn(name string) *script {
	h.Helper()
	s := h.stranger()
	res, err := s.http.Get(h.url + "/login")
	h.must(err)
	res.Body.Close()
	to, err := res.Location()
	h.must(err)
	back := authorise(h, h.world.url, to.RawQuery, h.user(name).Token)
	res, err = s.http.Get(back)
	h.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		h.Fatalf("%s could not sign in: %s", name, res.Status)
	}
	return s
}

// authorise consents as Discord's own client does, and gives where to go then.
func authorise(t testing.TB, discord, query, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		discord+"/api/v10/oauth2/authorize?"+query, strings.NewReader(`{"authorize":true}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	req.Header.Set("Content-Type", "application/json")
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct{ Location string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || out.Location == "" {
		t.Fatalf("no consent: %s, %v", res.Status, err)
	}
	return out.Location
}

// api calls the JSON API and gives status and answer.
func (s *script) api(method, path string, body any) (int, map[string]any) {
	s.Helper()
	b, err := json.Marshal(body)
	s.must(err)
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+"/api/v1"+path, bytes.NewReader(b))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", s.url)
	res, err := s.http.Do(req)
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	out := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			s.Fatalf("%s %s: %s, %s", method, path, res.Status, text)
		}
	}
	return res.StatusCode, out
}

// page gets a page as text.
func (s *script) page(path string) (int, string) {
	s.Helper()
	res, err := s.http.Get(s.url + path)
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return res.StatusCode, string(text)
}

// open opens a room on the web and gives its id.
func (s *script) open(name string) string {
	s.Helper()
	status, out := s.api(http.MethodPost, "/guilds/"+s.world.guild.String()+"/rooms", map[string]any{"name": name})
	if status != http.StatusCreated {
		s.Fatalf("no room: %d %v", status, out)
	}
	return out["channel_id"].(string)
}

// browserUser is somebody at a real browser, on a host name of their own.
type browserUser struct {
	*harness
	name string
	ctx  context.Context
}

// browse gives somebody a tab of the browser. A script that fails in it fails the test.
func (h *harness) browse(browser context.Context, name string) *browserUser {
	h.Helper()
	p := &browserUser{h, name, browsertest.Tab(h, browser)}
	h.must(chromedp.Listen(p.ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok {
			h.Errorf("a script failed in %s's page: %v", name, e.ExceptionDetails)
		}
	}))
	return p
}

// at is an address on the user's own host name, so that several are signed in within one browser.
func (p *browserUser) at(path string) string {
	u, err := url.Parse(p.url)
	p.must(err)
	return "http://" + p.name + ".localhost:" + u.Port() + path
}

func (p *browserUser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fail("could not "+what, err)
	}
}

// whole is an expression that isn't true before the page is read to its end: what isn't there yet may still come.
func whole(js string) string { return `document.readyState !== "loading" && !!(` + js + `)` }

// sees waits until an expression is true in the user's page.
func (p *browserUser) sees(what, js string) {
	p.Helper()
	p.within(patience, what, js)
}

// within waits as long until an expression is true in the user's page.
func (p *browserUser) within(d time.Duration, what, js string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, d)
	defer cancel()
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](whole(js))); ok && err == nil {
			return
		} else if ctx.Err() != nil {
			p.fail("does not see "+what, err)
		}
		if _, err := chromedp.Run(ctx,
			chromedp.Poll[bool](whole(js), chromedp.WithPollingInterval(10*time.Millisecond))); err == nil {
			return
		} else if ctx.Err() != nil { // else a navigation took the poll with it
			p.fail("does not see "+what, err)
		}
	}
}

func (p *browserUser) fail(what string, err error) {
	p.Helper()
	text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	p.Fatalf("%s %s: %v\n%s", p.name, what, err, text)
}

// read gives a value of the page.
func read[T any](p *browserUser, js string) T {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	p.must(err)
	return v
}

// goTo opens a page, and signs in on the way if it asks for it.
func (p *browserUser) goTo(path string) {
	p.Helper()
	p.do("open "+path, chromedp.Navigate(p.at(path)))
	if strings.Contains(read[string](p, "location.pathname"), "/oauth2/authorize") {
		p.consent()
	}
}

// consent picks the user on the simulator's authorise page.
func (p *browserUser) consent() {
	p.Helper()
	p.do("consent", browsertest.Click(fmt.Sprintf(`input[name=user_id][value="%s"]`, p.user(p.name).ID)),
		browsertest.Click(`button[value=authorize], button[value=authorise]`))
	p.sees("Snug again", fmt.Sprintf("location.host.startsWith(%q)", p.name+".localhost"))
}

// seated waits until the room's page shows just these people, live.
func (p *browserUser) seated(names ...string) {
	p.Helper()
	ids := make([]string, len(names))
	for i, n := range names {
		ids[i] = p.user(n).ID.String()
	}
	want, err := json.Marshal(ids)
	p.must(err)
	p.sees(fmt.Sprintf("%v seated", names), fmt.Sprintf(
		`[...document.querySelectorAll('#seats .seat.on[data-user]')].map(e => e.dataset.user).sort().join() ===
			%s.sort().join()`, want))
}

func (p *browserUser) live() {
	p.Helper()
	p.sees("that the page is live", `document.querySelector('#live').dataset.state === 'live' &&
		!document.querySelector('noscript.later')`)
}

// picture takes a screenshot when a folder for them is named.
func (p *browserUser) picture(name string) {
	p.Helper()
	folder := os.Getenv("SNUG_PICTURES")
	if folder == "" {
		return
	}
	p.sees("a page at rest",
		`document.getAnimations().every(a => a.playState !== 'running') &&
			(document.querySelector('#live')?.dataset.state ?? 'live') === 'live'`)
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.must(err)
	p.must(os.WriteFile(folder+"/"+name+".png", png, 0o644))
}
