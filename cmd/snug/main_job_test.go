package main

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit/browsertest"
)

// TestMainJob is what Snug is for, seen by four people at real browsers: one
// opens a room, invites another, people come and go, and every page follows.
func TestMainJob(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	browser := browsertest.Start(t)
	alice, bruno, chiyo := h.browse(browser, "alice"), h.browse(browser, "bruno"), h.browse(browser, "chiyo")

	// Alice asks for the server's page, signs in on the way, and is back on it.
	guild := "/servers/" + h.world.guild.String()
	alice.do("open the server's page", chromedp.Navigate(alice.at(guild)))
	alice.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	alice.consent()
	alice.sees("the server's page", fmt.Sprintf("location.pathname === %q", guild))
	alice.live()
	alice.do("create a room", chromedp.SendKeys(chromedp.CSS("#c-name"), "Friday draft"),
		chromedp.Submit(chromedp.CSS("#c-name")))
	alice.sees("the new room's page",
		`location.pathname.startsWith('/game/') && document.querySelector('h1').textContent === 'Friday draft'`)
	alice.live()
	alice.seated()
	id := strings.TrimPrefix(read[string](alice, "location.pathname"), "/game/")
	link := read[string](alice, `document.querySelector('#invites .url').value`)

	// Bruno may not see it without the invite; with it he sees who invites, signs in, and is let in.
	bruno.goTo("/game/" + id)
	bruno.sees("that there is nothing for him",
		`document.querySelector('#seats') === null && document.body.innerText.includes("aren't invited")`)
	h.must(h.join("alice", id))
	alice.seated("alice")
	h.eventually("her browser said how long that took", func() bool { return h.app.live.BrowserLatency().Events > 0 })
	if l := h.app.live.BrowserLatency(); l.P50 <= 0 || l.P50 > patience {
		t.Errorf("browsers say %+v", l)
	}
	bruno.do("follow the invite", chromedp.Navigate(bruno.at(strings.TrimPrefix(link, h.url))))
	bruno.sees("the room's name and who is inside",
		`document.body.innerText.includes('Friday draft') && document.body.innerText.includes('Alice')`)
	bruno.do("accept", browsertest.Click(`form.accept button`))
	bruno.sees("the room", `document.querySelector('#seats') !== null`)
	bruno.live()
	bruno.seated("alice")
	chiyo.do("follow the invite, not signed in", chromedp.Navigate(chiyo.at(strings.TrimPrefix(link, h.url))))
	chiyo.sees("the room's name and who is inside",
		`document.body.innerText.includes('Friday draft') && document.body.innerText.includes('Alice')`)
	chiyo.do("sign in and enter", browsertest.Click(`form.accept button`))
	chiyo.sees("Discord's consent", `location.pathname === '/oauth2/authorize'`)
	chiyo.consent()
	chiyo.sees("the room", `document.querySelector('#seats') !== null`)

	// Bruno sits in the lounge and is moved; Chiyo is not in voice and gets the deep link.
	h.must(h.join("bruno", h.world.lounge.String()))
	h.eventually("Snug knows where Bruno is", func() bool { return h.voiceIn("bruno", id) == h.world.lounge })
	bruno.do("join voice", browsertest.Click("#join"))
	for _, p := range []*browserUser{alice, bruno, chiyo} {
		p.seated("alice", "bruno")
	}
	chiyo.do("join voice", browsertest.Click("#join"))
	chiyo.sees("the way through Discord", `!document.querySelector('#open-discord').hidden`)
	h.must(h.join("chiyo", id))
	for _, p := range []*browserUser{alice, bruno, chiyo} {
		p.seated("alice", "bruno", "chiyo")
	}
	alice.do("turn the lights down",
		chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.theme = "dark"; void 0`))
	alice.picture("room")
	alice.goTo(guild)
	alice.sees("three people on the room list",
		fmt.Sprintf(`document.querySelector('[data-room="%s"]').innerText.includes('3 of 4')`, id))
	alice.picture("server")

	// A lost connection shows, comes back, and the page is right.
	h.wire.cut(true)
	bruno.sees("that it lost the connection", `document.querySelector('#live').dataset.state !== 'live'`)
	h.leave("chiyo")
	h.wire.cut(false)
	for _, p := range []*browserUser{bruno, chiyo} {
		p.seated("alice", "bruno")
		p.live()
	}

	// Closing tells everybody.
	alice.goTo("/game/" + id)
	alice.live()
	alice.do("close the room", browsertest.Click(`[data-dialog="dlg-close"]`),
		browsertest.Click(`#dlg-close form button`))
	bruno.sees("that it is closed", `document.querySelector('#dlg-gone').open`)
	chiyo.sees("that it is closed", `document.querySelector('#dlg-gone').open`)
}

// TestCommandInDiscord is the same job begun in Discord.
func TestCommandInDiscord(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	a := h.command("alice", "create-room", map[string]any{"name": "Friday"})
	if !a.Ephemeral {
		t.Error("everybody sees the answer")
	}
	page := regexp.MustCompile(regexp.QuoteMeta(h.url) + `/game/(\d+)`).FindStringSubmatch(a.Message.Content)
	invite := regexp.MustCompile(regexp.QuoteMeta(h.url) +
		`(/i/[a-z2-7]{26})(?:\s|$)`).FindStringSubmatch(a.Message.Content)
	if page == nil || invite == nil {
		t.Fatalf("the answer has no page or no invite: %s", a.Message.Content)
	}
	alice, bruno, chiyo := h.signIn("alice"), h.signIn("bruno"), h.signIn("chiyo")
	if status, text := alice.page("/game/" + page[1]); status != http.StatusOK || !strings.Contains(text, "Friday") {
		t.Errorf("the room's page: %d", status)
	}
	if status, _ := bruno.page("/game/" + page[1]); status != http.StatusNotFound {
		t.Errorf("without an invite: %d", status)
	}
	if status, out := bruno.api(http.MethodPost, "/live-token",
		map[string]any{"guild": h.world.guild, "room": page[1]}); status != http.StatusOK &&
		status != http.StatusNotFound {
		t.Errorf("a live token: %d %v", status, out)
	}
	code := path.Base(invite[1])
	if status, out := bruno.api(http.MethodPost, "/invites/redeem",
		map[string]any{"code": code[:len(code)-1]}); status != http.StatusBadRequest ||
		out["code"] != "TOKEN_INVALID" {
		t.Errorf("a cut code: %d %v", status, out)
	}
	if status, out := bruno.api(http.MethodPost, "/invites/redeem",
		map[string]any{"code": code}); status != http.StatusOK {
		t.Fatalf("redeeming: %d %v", status, out)
	}
	if status, _ := bruno.page("/game/" + page[1]); status != http.StatusOK {
		t.Errorf("with an invite: %d", status)
	}
	h.clock.Forward(24*time.Hour + time.Minute)
	if status, text := chiyo.page(invite[1]); status != http.StatusGone || !strings.Contains(text, "expired") ||
		!strings.Contains(text, "new one") {
		t.Errorf("a day later: %d", status)
	}
	if status, out := chiyo.api(http.MethodPost, "/invites/redeem",
		map[string]any{"code": code}); status != http.StatusGone ||
		out["code"] != "TOKEN_EXPIRED" {
		t.Errorf("a day later: %d %v", status, out)
	}
}

func TestSettingsAreUsedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	browser := browsertest.Start(t)
	alice := h.browse(browser, "alice")
	guild := h.world.guild.String()
	alice.goTo("/admin/" + guild)
	alice.sees("the settings, and fills them in", `(() => {
		const form = document.querySelector('[name=seats]')?.form;
		if (!form || document.readyState !== 'complete') return false;
		const values = { seats: '6', idle_timeout: '2', invite_lifetime: '3' };
		for (const [name, value] of Object.entries(values)) document.querySelector('#f-' + name).value = value;
		form.requestSubmit();
		return true;
	})()`)
	alice.sees("that they are saved",
		`document.querySelector('[name=seats]').value === '6' && document.querySelector('[role=status]')`)
	manager := h.signIn("alice")
	h.eventually("they are saved", func() bool {
		_, out := manager.api(http.MethodGet, "/guilds/"+guild+"/settings", nil)
		saved, _ := out["settings"].(map[string]any)
		return saved["seats"] == 6.0
	})
	alice.picture("settings")
	a := h.command("bruno", "create-room", map[string]any{"name": "Six"})
	if !strings.Contains(a.Message.Content, "6 seats") {
		t.Errorf("the bot does not use them: %s", a.Message.Content)
	}
	bruno := h.signIn("bruno")
	if status, _ := bruno.page("/admin/" + guild); status != http.StatusForbidden {
		t.Errorf("a plain member opens the settings: %d", status)
	}
}

// voiceIn is where Snug knows somebody to be in voice.
func (h *harness) voiceIn(name, roomID string) discordsim.ID {
	h.Helper()
	id, err := snowflake.Parse(roomID)
	h.must(err)
	v, err := hub.ViewRoom.Call(h.Context(), h.app.hub, h.world.guild,
		room.Request{Actor: access.Actor{UserID: h.user(name).ID, Via: access.ViaWeb}, RoomID: id})
	h.must(err)
	return v.VoiceIn
}
