package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"

	"snug/shared/testkit/browsertest"
	"snug/shared/testkit/pushtest"
)

// pushService is a push service with one browser's subscription. It verifies and decrypts what it gets.
type pushService struct {
	testing.TB
	srv *httptest.Server

	mu      sync.Mutex
	browser *pushtest.Browser
	got     []string // payloads, as the service worker gets them
}

func (s *pushService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	var payload json.RawMessage
	if err := s.browser.Read(r, body, s.srv.URL, "mailto:ops@example.org", &payload); err != nil {
		s.Error(err)
	}
	s.got = append(s.got, string(payload))
	w.WriteHeader(http.StatusCreated)
}

func (s *pushService) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// fake stands in for the browser's push service, of which tests have none: a subscription at ours. It counts how often
// permission is asked for.
const fake = `{
	let sub = null;
	const options = (o) => ({ applicationServerKey: o.applicationServerKey.buffer ?? o.applicationServerKey });
	PushManager.prototype.getSubscription = async () => sub;
	PushManager.prototype.subscribe = async (o) => (sub = {
		endpoint: %q, options: options(o), unsubscribe: async () => ((sub = null), true),
		toJSON: () => ({ endpoint: %q, keys: { p256dh: %q, auth: %q } }),
	});
	window.asked = 0;
	const ask = Notification.requestPermission.bind(Notification);
	Notification.requestPermission = () => (window.asked++, ask());
}`

// TestNotifications follows a notification from its switch, by a knock, through a push service into the browser, and
// shows the page for when there is no connection.
func TestNotifications(t *testing.T) {
	s := &pushService{TB: t}
	s.srv = httptest.NewTLSServer(s)
	t.Cleanup(s.srv.Close)
	h := newHarness(t, unhurried, func(p *plan) {
		p.pushRoots = x509.NewCertPool()
		p.pushRoots.AddCert(s.srv.Certificate())
		p.serve.HookNetworks, p.serve.HostContact = []string{"127.0.0.0/8"}, "ops@example.org"
	})
	_, out := h.signIn("alice").api(http.MethodGet, "/me/notifications", nil)
	s.browser = pushtest.NewBrowser(t, out["public_key"].(string))

	alice := h.browse(browsertest.Start(t), "alice")
	worker := alice.watchWorker()
	origin := strings.TrimSuffix(alice.at("/"), "/")
	alice.do("be allowed to show notifications", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: fmt.Sprintf(fake, s.srv.URL+"/alice", s.srv.URL+"/alice", s.browser.P256DH(), s.browser.Auth()),
		})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: browser.PermissionSettingGranted,
			Origin: origin,
		})
		return err
	}))

	// Nothing is asked before the click, and nothing is on.
	alice.goTo("/notifications")
	alice.sees("that they are off here",
		`document.querySelector('#here-text').innerText.includes('are off') && window.asked === 0 &&
			!document.querySelector('input[name=kinds]:checked')`)
	alice.do("turn them on", browsertest.Click("#here-on"))
	alice.sees("that they are on here, in a browser of the list",
		`document.querySelector('#here-text').innerText.includes('are on in this') && window.asked === 1 &&
			document.querySelectorAll('#devices li').length === 1`)
	alice.do("choose knocks", browsertest.Click("input[name=kinds][value=knock]"),
		browsertest.Click("button[name=do][value=save]"))
	alice.sees("what was chosen, after saving", `document.readyState === 'complete' && window.asked === 0 &&
		document.querySelector('input[name=kinds][value=knock]').checked`)

	// A knock comes as a notification, once, however often it is delivered.
	_, room := h.signIn("alice").api(http.MethodPost, "/guilds/"+h.world.guild.String()+"/rooms",
		map[string]any{"name": "Cards", "private": true})
	id := room["channel_id"].(string)
	if status, out := h.signIn("bruno").api(http.MethodPost, "/rooms/"+id+"/knock", nil); status != http.StatusOK {
		t.Fatalf("no knock: %d %v", status, out)
	}
	h.eventually("the push service to get it", func() bool { return len(s.all()) == 1 })
	deliver := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{
			Origin: origin, RegistrationID: worker(), Data: s.all()[0],
		})
		return err
	})
	shown := func() string {
		list, err := chromedp.Run(alice.ctx, chromedp.Evaluate[string](`navigator.serviceWorker.getRegistration().then(
			r => r.getNotifications()).then(l => l.map(n => [n.title, n.body, n.data.url].join('|')).join())`,
			chromedp.EvalAwaitPromise))
		h.must(err)
		return list
	}
	// A busy Chromium forgets a notification that is asked for before it has put it on the screen. So it's delivered
	// until it's there, as a push service does that heard nothing, and once more.
	once := "Bruno knocks|In Cards|/game/" + id
	h.eventually("she sees the notification", func() bool {
		alice.do("deliver it", deliver)
		return shown() == once
	})
	alice.do("deliver it again", deliver)
	h.eventually("she sees one notification", func() bool { return shown() == once })

	// An open page that nobody looks at counts.
	alice.goTo("/game/" + id)
	alice.live()
	alice.sees("that the bell is on", `document.querySelector('#bell')?.dataset.on === 'true'`)
	alice.shown(false)
	if status, out := h.signIn("chiyo").api(http.MethodPost, "/rooms/"+id+"/knock", nil); status != http.StatusOK {
		t.Fatalf("no second knock: %d %v", status, out)
	}
	alice.sees("the count in title and icon", `document.title.startsWith('(1) ') &&
		document.querySelector('link[rel=icon]').href.endsWith('mark-1.svg')`)
	alice.shown(true)
	alice.sees("no count any more", `!document.title.startsWith('(1) ') &&
		document.querySelector('link[rel=icon]').href.endsWith('mark.svg')`)

	// Without connection, the one page that is kept says so; no page of hers is.
	h.wire.cut(true)
	alice.do("open a page", chromedp.Navigate(alice.at("/notifications")))
	alice.sees("that she is offline", `document.querySelector('h1').innerText === 'You’re offline' &&
		!document.body.innerText.includes('Alice')`)
	kept := read[string](alice, `(caches.keys().then(async (names) => {
		const all = [];
		for (const n of names) for (const r of await (await caches.open(n)).keys()) all.push(new URL(r.url).pathname);
		window.kept = all.join(' ');
	}), '')`)
	alice.sees("what is kept"+kept, `window.kept && window.kept.split(' ').every(p => p === '/offline' ||
		p.startsWith('/static/'))`)
	h.wire.cut(false)
	alice.do("try again", browsertest.Click(".message .btn"))
	alice.sees("the page", `document.querySelector('#here')`)

	// Signing out ends them.
	alice.do("sign out", chromedp.Evaluate[chromedp.Void](`document.querySelector('form[action="/logout"]').submit()`))
	h.eventually("her browser to be forgotten", func() bool {
		p, _, err := h.app.hub.Notify.Latest(context.Background(), h.user("alice").ID.String())
		return err == nil && len(p.Devices) == 0
	})
}

// watchWorker returns the id of the user's service worker, once there is one.
func (p *browserUser) watchWorker() func() serviceworker.RegistrationID {
	p.Helper()
	found := make(chan serviceworker.RegistrationID, 1)
	origin := p.at("/")
	p.must(chromedp.Listen(p.ctx, func(ev any) {
		if e, ok := ev.(*serviceworker.EventWorkerRegistrationUpdated); ok {
			for _, r := range e.Registrations {
				if r.ScopeURL == origin && !r.IsDeleted {
					select {
					case found <- r.RegistrationID:
					default:
					}
				}
			}
		}
	}))
	p.do("watch workers", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, serviceworker.Enable, cdp.Empty{})
		return err
	}))
	var id serviceworker.RegistrationID
	return func() serviceworker.RegistrationID {
		if id == "" {
			id = <-found
		}
		return id
	}
}
