package view_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"snug/dashboard/view/fixtures"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// tab is a browser tab with what its console says.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu  sync.Mutex
	log []string
}

func openTab(t testing.TB, browser context.Context, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			var line string
			if len(ev.Args) > 0 && json.Unmarshal(ev.Args[0].Value, &line) == nil {
				b.log = append(b.log, line)
			}
		case *log.EventEntryAdded:
			if ev.Entry.Source == log.EntrySourceSecurity {
				t.Errorf("the browser refused something: %s", ev.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			b.log = append(b.log, "exception: "+ev.ExceptionDetails.Text)
			t.Errorf("a script failed: %v", ev.ExceptionDetails)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do(media("dark"), chromedp.Navigate(url))
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// wait waits until an expression is true.
func (b *tab) wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression)); err != nil {
		seen, _ := chromedp.Run(b.ctx,
			chromedp.Evaluate[string](`[
				document.querySelector("#seats")?.innerText, document.body.dataset.live,
				[...document.querySelectorAll("dialog[open]")].map(d => d.id),
			].join(" | ")`))
		b.t.Fatalf("never true: %s: %v; there is %q, console %q", expression, err, seen, b.console())
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.log)
}

// seats waits until the table says so: names around it, "-" for a free seat.
func (b *tab) seats(want ...string) {
	b.t.Helper()
	q, _ := json.Marshal(want)
	b.wait(fmt.Sprintf(`JSON.stringify([...document.querySelectorAll("#seats > .seat")].map(
		li => li.dataset.user ? li.querySelector(".who").textContent : "-")) === JSON.stringify(%s)`, q))
}

// lands waits until the tab shows another page.
func (b *tab) lands(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	for {
		at, err := chromedp.Run(ctx, chromedp.Location())
		if strings.HasSuffix(at, path) {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("never came to %s, but to %s: %v", path, at, err)
		}
	}
}

// TestRoomPageLive is a room page's evening on a scripted server: what it says, what it shows, and what it
// does when cut off.
func TestRoomPageLive(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.take = true
	web := site(t, s.routes)
	b := openTab(t, browser(t), web.URL+"/room-guest")
	people := fixtures.People(6)
	people[4].Seat, people[5].Seat = 3, 1

	c := s.next()
	if c.auth.V != 1 || c.auth.Type != protocol.TypeAuth ||
		c.auth.Token != "for "+fixtures.Guild.String()+" "+fixtures.Room.String() || c.auth.TS == 0 {
		t.Errorf("the page says %+v", c.auth)
	}
	c.welcome(t, fixtures.Room)
	if m := c.read(t); m.Event != protocol.PageVisible || string(m.Payload) != `{"visible":true}` {
		t.Errorf("after auth.ok the page says %s %s", m.Event, m.Payload)
	}
	b.wait(`document.body.dataset.live === "live" && document.querySelector("#live-text").textContent === "Live"`)
	b.seats("Mara", "Jonas", "-", "-")

	// The HTML came with revision 7. The snapshot replaces it whatever its number; then only news count.
	c.live(t, "k3J9", 5, people[:2], nil)
	c.live(t, "k3J9", 5, people[:3], room.VoiceJoined{Person: people[2]}) // a repeat of what the snapshot has
	c.live(t, "k3J9", 4, people[:1], room.VoiceLeft{UserID: people[0].UserID})
	c.live(t, "k3J9", 6, people[:3], room.VoiceJoined{Person: people[4]})
	b.seats("Mara", "Jonas", "Tomás", "-")

	// Who stays keeps their seat; who comes takes the free one.
	c.live(t, "k3J9", 7, nil, room.VoiceLeft{UserID: people[0].UserID})
	b.seats("-", "Jonas", "Tomás", "-")
	c.live(t, "k3J9", 8, nil, room.VoiceJoined{Person: people[5]})
	b.seats("Ødegård", "Jonas", "Tomás", "-")
	b.wait(`document.querySelector("#taken").textContent === "3" &&
		document.querySelector("#seating").classList.contains("lit-3")`)
	b.wait(`document.querySelector("#say").textContent === "Ødegård sat down. 3 of 4 seats taken."`)
	loud := people[1]
	loud.Muted, loud.Streaming = false, true
	c.live(t, "k3J9", 9, nil, room.VoiceUpdated{Person: loud})
	b.wait(`document.querySelectorAll(".seat")[1].querySelector(".notes").textContent === "streaming"`)
	if got := eval[[]string](b,
		`[...document.querySelectorAll("#log li")].slice(0, 4).map(li => li.innerText.replace(/\s+/g, " ").slice(6))`,
	); !slices.Equal(got,
		[]string{"Jonas started streaming", "Ødegård sat down", "Mara stood up", "Tomás sat down"}) {
		t.Errorf("the log says %q", got)
	}

	t.Run("the console says what happens", func(t *testing.T) {
		got := b.console()
		joined := slices.IndexFunc(got, func(l string) bool { return strings.HasPrefix(l, "[Event] voice.joined: {") })
		if len(got) < 3 || got[0] != "[WS] Connected to WebSocket" || got[1] != "[WS] Authenticated successfully" ||
			joined < 0 {
			t.Fatalf("console %q", got)
		}
		var p protocol.Voice
		if err := json.Unmarshal([]byte(strings.TrimPrefix(got[joined], "[Event] voice.joined: ")), &p); err != nil ||
			p.UserID != people[4].UserID {
			t.Errorf("%q: %v", got[joined], err)
		}
		if n := len(slices.DeleteFunc(got,
			func(l string) bool { return !strings.HasPrefix(l, "[Event] voice.joined") })); n != 2 {
			t.Errorf("%d joins were counted, want 2", n)
		}
	})

	t.Run("cut off, it comes back and shows what is", func(t *testing.T) {
		s.set(func() { s.status = http.StatusServiceUnavailable })
		c.end(t, 1012)
		b.wait(`document.body.dataset.live === "reconnecting"`)
		s.set(func() { s.status = 0 })
		b.do(chromedp.Evaluate[chromedp.Void](`window.dispatchEvent(new Event("online"))`))
		c = s.next()
		c.welcome(t, fixtures.Room)
		c.live(t, "n3w", 1, people[:1], nil)
		b.wait(`document.body.dataset.live === "live"`)
		b.seats("Mara", "-", "-", "-")
		// The count began anew: a lower number in the new epoch is news.
		c.live(t, "n3w", 2, nil, room.VoiceJoined{Person: people[1]})
		b.seats("Mara", "Jonas", "-", "-")
	})

	t.Run("a missing event makes it start over", func(t *testing.T) {
		c.live(t, "n3w", 4, nil, room.VoiceJoined{Person: people[2]})
		c = s.next()
		c.welcome(t, fixtures.Room)
		c.live(t, "n3w", 4, people[:3], nil)
		b.seats("Mara", "Jonas", "Kiyo", "-")
	})

	t.Run("closing, kept, closed", func(t *testing.T) {
		at := time.Now().Add(30 * time.Second)
		c.live(t, "n3w", 5, nil, room.ClosingAnnounced{At: at, Reason: room.ClosedIdle})
		b.wait(`!document.querySelector("#closing").hidden &&
			document.querySelector("#closing-text").textContent === "Closing in"`)
		b.do(browsertest.Click("#closing button"))
		s.called(t, "POST /rooms/"+fixtures.Room.String()+"/keep")
		c.live(t, "n3w", 6, nil, room.ClosingCancelled{})
		b.wait(`document.querySelector("#closing").hidden`)
		c.live(t, "n3w", 7, nil, room.Closed{Reason: room.ClosedByOwner})
		b.wait(`document.querySelector("#dlg-gone").open &&
			document.querySelector("#gone-text").textContent.startsWith("Its owner closed it.")`)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := []string{"POST /rooms/" + fixtures.Room.String() + "/keep"}; !slices.Equal(s.calls, want) {
		t.Errorf("calls %v, want %v", s.calls, want)
	}
}

// TestRoomPageDoors: joining voice in all its outcomes, and the ends a connection can come to.
func TestRoomPageDoors(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.take = true
	web := site(t, s.routes)
	chrome := browser(t)
	joins := "POST /rooms/" + fixtures.Room.String() + "/join"
	me := room.Person{UserID: 99 << 22, Username: "robin", DisplayName: "Robin"}
	visit := func(t *testing.T, name string) (*tab, *conn) {
		s.forget()
		b := openTab(t, chrome, web.URL+"/"+name)
		c := s.next()
		c.welcome(t, fixtures.Room)
		c.live(t, "e", 1, fixtures.People(2), nil)
		b.wait(`document.body.dataset.live === "live"`)
		return b, c
	}
	answers := func(status int, body string) {
		s.set(func() { s.answer[joins] = answer{status, body} })
	}

	t.Run("moved", func(t *testing.T) {
		b, c := visit(t, "room-guest")
		answers(200, `{"moved":true}`)
		b.do(browsertest.Click("#join"))
		b.wait(`document.querySelector("#progress").textContent.startsWith("Discord is moving you")`)
		c.live(t, "e", 2, nil, room.VoiceJoined{Person: me})
		b.wait(`!document.querySelector("#door-in").hidden && document.querySelector("#door-join").hidden &&
			document.querySelector("#progress").textContent === ""`)
		// Cut off from voice, they are offered their way back.
		c.live(t, "e", 3, nil, room.VoiceLeft{UserID: me.UserID})
		b.wait(`document.querySelector("#dlg-out").open`)
		b.do(browsertest.Click("[data-rejoin]"))
		b.wait(`!document.querySelector("#dlg-out").open &&
			document.querySelector("#progress").textContent.startsWith("Discord is moving you")`)
	})
	t.Run("left on purpose", func(t *testing.T) {
		b, c := visit(t, "room-held")
		gone := "DELETE /rooms/" + fixtures.Room.String() + "/wait"
		s.set(func() { s.answer[gone] = answer{204, ""} })
		c.live(t, "e", 2, nil, room.VoiceJoined{Person: me})
		b.wait(`!document.querySelector("#door-in").hidden`)
		c.live(t, "e", 3, nil, room.VoiceLeft{UserID: me.UserID})
		b.wait(`document.querySelector("#dlg-out").open &&
			document.querySelector("#out-text").textContent.includes("Your seat is held for")`)
		b.do(browsertest.Click("[data-meant]"))
		b.wait(`!document.querySelector("#dlg-out").open`)
		s.called(t, gone)
	})
	t.Run("kept open", func(t *testing.T) {
		s.forget()
		b := openTab(t, chrome, web.URL+"/room-kept")
		c := s.next()
		c.welcome(t, fixtures.Room)
		c.live(t, "e", 1, []room.Person{}, nil)
		kept := `document.querySelector("#closing-text").textContent ===
			"Kept open. If nobody comes, the room closes in" && ` +
			`document.querySelector("#keep").textContent === "Keep open longer"`
		b.wait(kept)
		c.live(t, "e", 2, nil, room.ClosingAnnounced{At: time.Now().Add(30 * time.Second), Reason: room.ClosedIdle})
		b.wait(`document.querySelector("#closing-text").textContent === "Closing in" &&
			document.querySelector("#keep").textContent === "Keep open"`)
		c.live(t, "e", 3, nil, room.ClosingCancelled{})
		b.wait(kept)
	})
	t.Run("not in voice", func(t *testing.T) {
		b, _ := visit(t, "room-guest")
		answers(200,
			fmt.Sprintf(`{"moved":false,"held_until":%q,"deep_link":"https://discord.example/x"}`,
				fixtures.Now.Add(2*time.Minute).Format(time.RFC3339)))
		b.do(browsertest.Click("#join"))
		b.wait(`!document.querySelector("#open-discord").hidden &&
			document.querySelector("#open-discord").href === "https://discord.example/x"`)
		b.wait(`document.querySelector(".seat.held .who").textContent === "Your seat" &&
			/^held [12]:[0-9]{2}$/.test(document.querySelector(".seat.held .notes").textContent)`)
	})
	t.Run("full", func(t *testing.T) {
		b, _ := visit(t, "room-full")
		answers(409, `{"code":"ROOM_FULL","detail":"Every seat is taken. Wait for one."}`)
		b.do(browsertest.Click("#join"))
		b.wait(`document.querySelector("#dlg-full").open`)
		b.do(browsertest.Click("#dlg-full [data-close]"))
		b.wait(`!document.querySelector("#dlg-full").open && document.activeElement.id === "join"`)
	})
	t.Run("a failure is told and can be tried again", func(t *testing.T) {
		b, _ := visit(t, "room-guest")
		answers(503, `{"code":"DISCORD_UNAVAILABLE","detail":"Discord did not answer."}`)
		b.do(browsertest.Click("#join"))
		b.wait(`document.querySelector("#progress").textContent === "Discord did not answer." &&
			!document.querySelector("#join").hasAttribute("aria-busy")`)
	})
	t.Run("signed out", func(t *testing.T) {
		b, c := visit(t, "room-guest")
		c.end(t, 4003)
		b.wait(`document.body.dataset.live === "ended" && document.querySelector("#dlg-session").open`)
		if got := eval[string](b,
			`document.querySelector("#dlg-session a").getAttribute("href")`); got != "/login?return_to=%2Fgame%2F"+
			fixtures.Room.String() {
			t.Errorf("signing in leads to %q", got)
		}
	})
	t.Run("the room is gone or shut", func(t *testing.T) {
		b, c := visit(t, "room-guest")
		c.send(t, protocol.EncodeHidden(fixtures.Guild, fixtures.Room, fixtures.Now))
		b.wait(`document.querySelector("#dlg-hidden").open`)
		b, c = visit(t, "room-guest")
		c.send(t, []byte(`{"v":1,"type":"error","ts":1,
			"error":{"code":"ROOM_NOT_FOUND","message":"There is no such room."}}`))
		c.end(t, 4004)
		b.wait(`document.querySelector("#dlg-hidden").open &&
			document.querySelector("#hidden-text").textContent.startsWith("It closed, or you can no longer enter it.")`)
	})
	t.Run("a server's page is of another version", func(t *testing.T) {
		b, c := visit(t, "server")
		c.end(t, 1002)
		b.wait(`document.body.dataset.live === "ended" && !document.querySelector("dialog[open]") &&
			document.querySelector("#say").textContent === "This page is out of date. Reload it."`)
	})
	t.Run("the session has ended before it connects", func(t *testing.T) {
		s.set(func() { s.status = 401 })
		defer s.set(func() { s.status = 0 })
		b := openTab(t, chrome, web.URL+"/room-guest")
		b.wait(`document.querySelector("#dlg-session").open`)
	})
	t.Run("the owner closes it", func(t *testing.T) {
		b, _ := visit(t, "room-three")
		b.do(browsertest.Click(`[data-dialog="dlg-close"]`))
		b.wait(`document.querySelector("#dlg-close").matches(":modal")`)
		b.do(browsertest.Click(`#dlg-close .ends`))
		b.lands("/servers/" + fixtures.Guild.String())
	})
}

// TestServerPageLive: rooms come and go in the room list.
func TestServerPageLive(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.take = true
	web := site(t, s.routes)
	b := openTab(t, browser(t), web.URL+"/server")
	c := s.next()
	if c.auth.Token != "for "+fixtures.Guild.String()+" " {
		t.Errorf("token %q", c.auth.Token)
	}
	names := func(want ...string) {
		t.Helper()
		q, _ := json.Marshal(want)
		b.wait(fmt.Sprintf(`JSON.stringify(
			[...document.querySelectorAll("#room-list .name")].map(e => e.textContent)) === JSON.stringify(%s)`, q))
	}
	// Five of the six rooms on the page are gone, as after a long sleep.
	c.welcome(t, fixtures.Room)
	c.live(t, "e", 1, fixtures.People(1), nil)
	names("Friday draft")
	b.wait(`document.querySelector("#server-sum").textContent === "1 room open, 1 person inside"`)
	second := room.Live{
		Room: fixtures.RoomPage(2, 0).View.Room, N: 1, Event: &room.Event{Fact: room.Opened{}, At: fixtures.Now},
	}
	second.Room.ID, second.Room.Name = 7<<22, "<b>Duel</b>"
	send := func(fact room.Fact) {
		t.Helper()
		if fact != nil {
			second.N, second.Event = second.N+1, &room.Event{Fact: fact, At: fixtures.Now}
		}
		m, err := protocol.EncodeEvent(&second, "e", fixtures.Now)
		if err != nil {
			t.Fatal(err)
		}
		c.send(t, m)
	}
	send(nil)
	names("Friday draft", "<b>Duel</b>")
	b.wait(`document.querySelector("#room-list").lastElementChild.querySelector("a").getAttribute("href") === "/game/` +
		second.Room.ID.String() + `"`)
	send(room.VoiceJoined{Person: fixtures.People(1)[0]})
	b.wait(`document.querySelector("#room-list").lastElementChild.querySelector(".sum").textContent ===
		"1 of 2 seats taken"`)
	send(room.Closed{Reason: room.ClosedIdle})
	names("Friday draft")
	c.live(t, "e", 2, nil, room.Closed{Reason: room.ClosedIdle})
	b.wait(`!document.querySelector("#nobody").hidden`)

	// The form: what is wrong is said beside the field; what works leads to the room.
	create := "POST /guilds/" + fixtures.Guild.String() + "/rooms"
	s.set(func() { s.answer[create] = answer{400, `{"code":"INVALID","field":"name","detail":"Too odd a name."}`} })
	b.do(chromedp.SendKeys(chromedp.CSS("#c-name"), "Duel"), browsertest.Click("#create .primary"))
	b.wait(`document.querySelector("#c-name-error").textContent === "Too odd a name." &&
		document.activeElement.id === "c-name"`)
	s.set(func() {
		s.answer[create] = answer{201, `{"channel_id":"42","url":"https://elsewhere.example/game/42"}`}
	})
	b.do(browsertest.Click("#create .primary"))
	b.lands("/game/42")
}

// TestPagesWithoutConnection: they ask the API whether Discord is heard, and say since when it is not.
func TestPagesWithoutConnection(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	web := site(t, s.routes)
	says := func(discord string, since time.Duration) {
		s.set(func() {
			s.answer["GET /heard"] = answer{200, fmt.Sprintf(`{"discord":%q,"heard_at":%q,"at":%q}`, discord,
				fixtures.Now.Add(-since).Format(time.RFC3339), fixtures.Now.Format(time.RFC3339Nano))}
		})
	}
	says("unheard", 3*time.Minute)
	b := openTab(t, browser(t), web.URL+"/invite-unheard")
	const told = `document.querySelector("#unheard b").textContent`
	b.wait(`/answering · as of \d\d s/.test(` + told + `)`)
	ask := chromedp.Evaluate[chromedp.Void](`void document.dispatchEvent(new Event("visibilitychange"))`)
	b.do(ask)
	b.wait(told + `.includes("3 min")`)
	says("ok", 0)
	b.do(ask)
	b.wait(told + `.startsWith("As of")`) // what the page shows was old when it came
}

// TestSignUntilConnected: until a page has its connection, its sign keeps what the server drew, which fits a phone.
func TestSignUntilConnected(t *testing.T) {
	t.Parallel()
	web := site(t, func(mux *http.ServeMux) {
		mux.HandleFunc("POST /api/v1/live-token", func(http.ResponseWriter, *http.Request) { <-t.Context().Done() })
	})
	b := openTab(t, browser(t), web.URL+"/message-empty")
	b.do(chromedp.EmulateViewport(360, 740), chromedp.Navigate(web.URL+"/server-unheard"))
	b.wait(`document.body.dataset.live === "connecting"`)
	if sign := eval[[]any](b, `[document.querySelector("#live").dataset.state,
		document.querySelector("#live-text").textContent.includes("answering") ? "unheard" : "connecting",
		document.documentElement.scrollWidth - document.documentElement.clientWidth]`,
	); sign[0] != sign[1] || sign[2] != 0.0 {
		t.Errorf("the sign's state, what it says, and how much too wide the page is: %v", sign)
	}
}

// TestBackoff drives the client alone, with clocks and sockets of the test's.
func TestBackoff(t *testing.T) {
	t.Parallel()
	web := site(t, nil)
	b := openTab(t, browser(t), web.URL+"/message-empty")
	b.do(chromedp.Evaluate[chromedp.Void](`void (async () => {
		const { Live } = await import("` + asset(t, "js/live.js") + `");
		const granted = () => ({ status: 200, token: "t" });
		window.first = (answer) => ((n) => () => n++ ? granted() : answer)(0);
		window.make = (codes, { random = 0.5, token = granted } = {}) => new Promise((done) => {
			const delays = [], states = [], ticks = [];
			let live;
			const finish = (end) => { live.over = true; live.pause(); done({ delays, states, end }); };
			class Socket {
				constructor() {
					this.readyState = 1;
					setTimeout(() => {
						if (!codes.length) return finish("");
						const code = codes.shift();
						this.onopen?.();
						if (code === "ok") { // authenticated, and cut off later
							this.says({ type: "ack", event: "auth.ok", payload: { rooms: [] }, ts: 1 });
							this.onclose?.({ code: 1006 });
						} else if (code === "deaf") { // authenticated, Discord unheard for a minute, then heard again
							this.says({ type: "ack", event: "auth.ok", payload: { rooms: [] }, ts: 1 });
							for (const discord of ["ok", "unheard", "unheard", "ok"]) {
								const payload = { discord, heardAt: 1 };
								this.says({ type: "event", event: "server.heartbeat", payload, ts: 60001 });
							}
							this.onclose?.({ code: 1006 });
						} else if (code === "silent") { // authenticated, and then nothing
							this.says({ type: "ack", event: "auth.ok", payload: { rooms: [] }, ts: 1 });
							live.heard -= 18001;
							ticks[0]();
						} else this.onclose?.({ code });
					});
				}
				says(message) { this.onmessage?.({ data: JSON.stringify({ v: 1, ...message }) }); }
				send(text) {
					const m = JSON.parse(text);
					if (m.type === "auth" && !m.token) this.onclose?.({ code: 1002 });
				}
				close() {}
			}
			const env = {
				WebSocket: Socket, document: { hidden: false, addEventListener() {} },
				location: { protocol: "http:", host: "x" }, Math: { random: () => random },
				addEventListener() {}, clearTimeout() {}, setInterval: (f) => ticks.push(f),
				fetch: async () => {
					const a = token();
					return {
						status: a.status, ok: a.status < 300, headers: new Headers(a.headers),
						json: async () => { if (a.breaks) throw new DOMException("", "TimeoutError"); return a; },
					};
				},
				setTimeout(f, ms) { // the delays of interest pass at once; limits and staleness never
					if (ms === 10000) return 0;
					delays.push(Math.round(ms));
					setTimeout(f);
					return 1;
				},
			};
			live = new Live({ guild: "1", env, onState: (s) => states.push(s), onEnd: (why) => finish(why) });
			live.start();
		});
	})()`))
	b.wait(`typeof window.make === "function"`)
	type outcome struct {
		Delays []int
		States []string
		End    string
	}
	for name, tc := range map[string]struct {
		call string
		want outcome
	}{
		"delays double to sixteen seconds": {
			`make([1006,1012,1008,1011,4001,4002,1013])`,
			outcome{[]int{1000, 2000, 4000, 8000, 16000, 16000, 16000}, []string{"connecting", "reconnecting"}, ""},
		},
		"they start over once it was live": {
			`make([1006,1006,"ok",1006])`,
			outcome{[]int{1000, 2000, 1000, 2000}, []string{"connecting", "reconnecting", "live", "reconnecting"}, ""},
		},
		"jitter shortens": {
			`make([1006,1006], {random: 0})`, outcome{[]int{800, 1600}, []string{"connecting", "reconnecting"}, ""},
		},
		"jitter lengthens": {
			`make([1006,1006], {random: 1})`, outcome{[]int{1200, 2400}, []string{"connecting", "reconnecting"}, ""},
		},
		"too many connections wait": {
			`make([4008,4008])`, outcome{[]int{16000, 16000}, []string{"connecting", "reconnecting"}, ""},
		},
		"Discord unheard, and again": {
			`make(["deaf"])`,
			outcome{[]int{1000}, []string{"connecting", "live", "unheard", "live", "reconnecting"}, ""},
		},
		"a server that fell silent": {
			`make(["silent",4004])`,
			outcome{[]int{}, []string{"connecting", "live", "reconnecting", "ended"}, "forbidden"},
		},
		"a session that ended": {
			`make(["ok",4003])`,
			outcome{[]int{1000}, []string{"connecting", "live", "reconnecting", "ended"}, "session"},
		},
		"forbidden":         {`make([4004])`, outcome{[]int{}, []string{"connecting", "ended"}, "forbidden"}},
		"not this protocol": {`make([1002])`, outcome{[]int{}, []string{"connecting", "ended"}, "broken"}},
		"no token any more": {
			`make([], {token: () => ({status: 401})})`, outcome{[]int{}, []string{"connecting", "ended"}, "session"},
		},
		"not ready": {
			`make([1006], {token: first({status: 503, headers: {"Retry-After": "3"}})})`,
			outcome{[]int{3000, 2000}, []string{"connecting", "reconnecting"}, ""},
		},
		"a token that breaks off on its way": {
			`make(["ok"], {token: first({status: 200, breaks: true})})`,
			outcome{[]int{1000, 1000}, []string{"connecting", "reconnecting", "live", "reconnecting"}, ""},
		},
		"a refusal that breaks off on its way": {
			`make([], {token: first({status: 403, breaks: true})})`,
			outcome{[]int{}, []string{"connecting", "ended"}, "forbidden"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			got := eval[outcome](b, tc.call)
			if !slices.Equal(got.Delays, tc.want.Delays) || !slices.Equal(got.States, tc.want.States) ||
				got.End != tc.want.End {
				t.Errorf("\n got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

// TestLiveAhead: a page that names its room has its token and its connection on their way before it asks for them,
// and asks anew for what has become too old meanwhile.
func TestLiveAhead(t *testing.T) {
	t.Parallel()
	web := site(t, nil)
	b := openTab(t, browser(t), web.URL+"/message-empty")
	b.do(chromedp.Evaluate[chromedp.Void](`window.ahead = async (age, close = false) => {
		const script = document.createElement("script");
		script.type = "none";
		Object.assign(script.dataset, { guild: "1", room: "2" });
		document.head.append(script);
		const done = [], sockets = [], now = Date.now;
		window.fetch = async (path, { body }) => {
			done.push("asks " + body);
			return { ok: true, status: 200, json: async () => ({ token: "t" }) };
		};
		window.WebSocket = class {
			constructor() { this.readyState = 1; done.push("connects"); sockets.push(this); }
			send(text) { done.push(JSON.parse(text).type + " on " + (1 + sockets.indexOf(this))); }
			close() { this.readyState = 3; done.push("closes " + (1 + sockets.indexOf(this))); }
		};
		const { Live } = await import("` + asset(t, "js/live.js") + `#" + age + close);
		script.remove();
		if (close) sockets[0].readyState = 3;
		Date.now = () => now() + age;
		const live = new Live({ guild: "1", room: "2" });
		await live.connect();
		sockets[1]?.onopen?.();
		Date.now = now;
		clearTimeout(live.slow);
		return done;
	}`))
	const asks = `asks {"guild":"1","room":"2"}`
	for name, tc := range map[string]struct {
		call string
		want []string
	}{
		"in time":            {`ahead(3000)`, []string{asks, "connects", "auth on 1"}},
		"closed meanwhile":   {`ahead(3000, true)`, []string{asks, "connects", "connects", "auth on 2"}},
		"for the connection": {`ahead(4001)`, []string{asks, "connects", "closes 1", "connects", "auth on 2"}},
		"also for the token": {`ahead(50001)`, []string{asks, "connects", "closes 1", asks, "connects", "auth on 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			if got := eval[[]string](b, tc.call); !slices.Equal(got, tc.want) {
				t.Errorf("\n got %q\nwant %q", got, tc.want)
			}
		})
	}
}

func asset(t *testing.T, name string) string {
	t.Helper()
	p, err := newEngine(t).Asset(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHomePageLosesNothing: what happens while the home page fetches its lists is in what it fetches next.
func TestHomePageLosesNothing(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.take = true
	b := openTab(t, browser(t), site(t, s.routes).URL+"/home")
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const { fetch } = window;
		window.fetches = 0;
		window.fetch = async (url, ...rest) => {
			if (url !== "/home") return fetch(url, ...rest);
			fetches++;
			await new Promise((go) => (window.answer = go));
			return fetch(url, ...rest);
		};
	})()`))
	c := s.next()
	c.welcome(t, fixtures.Room)
	people := fixtures.People(3)
	c.live(t, "k3J9", 1, people[:1], nil)
	b.wait(`fetches === 1`)
	c.live(t, "k3J9", 2, people[:2], room.VoiceJoined{Person: people[1]})
	testkit.Eventually(t, "the page has the event", func() bool {
		return strings.Contains(strings.Join(b.console(), ""), "[Event] voice.joined")
	})
	b.do(chromedp.Evaluate[chromedp.Void](`answer()`))
	b.wait(`fetches === 2`)
}
