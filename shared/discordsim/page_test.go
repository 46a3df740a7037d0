package discordsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"snug/shared/discordsim"
	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// person is somebody with a tab of the page.
type person struct {
	*testing.T
	ctx  context.Context
	name string
}

// browse opens the page as somebody. What the browser complains of fails the test.
func (w *world) browse(ctx context.Context, name string) *person {
	w.t.Helper()
	p := &person{w.t, ctx, name}
	listening, stop := context.WithCancel(ctx)
	messages := chromedp.Console(listening)
	var reading sync.WaitGroup
	reading.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleException || m.Type == "error" {
				w.t.Errorf("%s's browser says: %s", name, m.Text)
			}
		}
	})
	w.t.Cleanup(func() {
		stop()
		reading.Wait()
	})
	p.do(chromedp.Navigate(w.base + "/?as=" + name))
	p.sees(`document.body.dataset.ready === "` + name + `"`)
	return p
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, testkit.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Fatalf("%s: %v", p.name, err)
	}
}

func (p *person) press(keys ...string)  { p.Helper(); p.do(chromedp.KeyEvent(strings.Join(keys, ""))) }
func (p *person) click(selector string) { p.Helper(); p.do(browsertest.Click(selector)) }

// sees waits until an expression is true in the person's page.
func (p *person) sees(js string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, testkit.Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx,
		chromedp.Poll[bool]("!!("+js+")", chromedp.WithPollingInterval(10*time.Millisecond))); err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		p.Fatalf("%s does not see %s: %v. The page says:\n%s", p.name, js, err, text)
	}
}

// reads waits until an element says something.
func (p *person) reads(selector, text string) {
	p.Helper()
	p.sees(fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.innerText.includes(%q))`, selector, text))
}

func (p *person) count(selector string) int {
	p.Helper()
	n, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](fmt.Sprintf(`document.querySelectorAll(%q).length`, selector)))
	if err != nil {
		p.Fatal(err)
	}
	return n
}

// tableBot answers as a bot with one command, a button, a menu and a modal.
// It ends when its connection does.
func (w *world) tableBot(c *client) {
	const ephemeral = 64
	for {
		p, err := c.tryNext()
		if err != nil {
			return
		}
		var a act
		if p.T != "INTERACTION_CREATE" || json.Unmarshal(p.D, &a) != nil {
			continue
		}
		reply := func(kind int, data map[string]any) {
			res, err := testkit.HTTP.Post(w.base+"/api/v10"+a.callback(), "application/json",
				strings.NewReader(jsonOf(map[string]any{"type": kind, "data": data})))
			if err != nil {
				w.t.Error(err)
				return
			}
			res.Body.Close()
			if res.StatusCode != http.StatusNoContent {
				w.t.Errorf("the callback answered %s", res.Status)
			}
		}
		var options []struct {
			Name  string
			Value any
		}
		_ = json.Unmarshal(a.Data.Options, &options)
		switch {
		case a.Type == 4:
			reply(8,
				map[string]any{
					"choices": []any{
						map[string]any{"name": "Friday draft", "value": "friday"},
						map[string]any{"name": "Frightful goblins", "value": "goblins"},
					},
				})
		case a.Type == 2:
			reply(4,
				map[string]any{
					"content": fmt.Sprintf("Made **%v** with %v seats", options[0].Value, options[1].Value),
					"flags":   ephemeral, "components": tableParts(),
				})
		case a.Data.CustomID == "rename":
			reply(9,
				map[string]any{"custom_id": "renaming", "title": "A new name",
					"components": []any{map[string]any{"type": 18, "label": "Name",
						"component": map[string]any{"type": 4, "custom_id": "name", "style": 1, "min_length": 3}}}})
		case a.Data.CustomID == "mood":
			reply(7, map[string]any{"content": "The mood is " + strings.Join(a.Data.Values, " and ")})
		case a.Type == 5:
			reply(4, map[string]any{"content": "It is called " + a.text("name") + " now"})
		}
	}
}

func tableParts() []any {
	return []any{
		map[string]any{"type": 1,
			"components": []any{map[string]any{"type": 2, "style": 1, "label": "Rename", "custom_id": "rename"},
				map[string]any{"type": 2, "style": 5, "label": "Its page", "url": "https://example.com/"}}},
		map[string]any{"type": 1,
			"components": []any{map[string]any{"type": 3, "custom_id": "mood", "placeholder": "Mood", "options": []any{
				map[string]any{"label": "Calm", "value": "calm"}, map[string]any{"label": "Wild", "value": "wild"}}}}},
	}
}

// bring logs the bot in and lets it answer until its connection ends.
func (w *world) bring() (gone <-chan struct{}) {
	w.t.Helper()
	c, _ := w.login(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.tableBot(c)
	}()
	w.t.Cleanup(func() {
		c.ws.Close()
		<-done
	})
	return done
}

// TestPage drives the page as two people in two tabs, with a bot of its own.
func TestPage(t *testing.T) {
	w := start(t, func(o *discordsim.Options) { o.FirstAnswer = 8 * time.Second }) // a browser may keep the bot waiting
	w.bot("PUT", "/applications/"+w.Application.ID.String()+"/commands",
		[]any{map[string]any{"name": "table", "description": "Set a table", "options": []any{
			map[string]any{
				"type": 3, "name": "name", "description": "What to play", "required": true, "autocomplete": true,
			},
			map[string]any{
				"type": 4, "name": "seats", "description": "How many", "required": true, "min_value": 1, "max_value": 9,
			}}}}).must(t,
		200)
	gone := w.bring()
	first := browsertest.Start(t)
	alice, bruno := w.browse(first, "alice"), w.browse(browsertest.Tab(t, first), "bruno")

	w.pageCommands(alice, bruno)
	w.pageVoice(alice, bruno)
	w.pageDMs(bruno)
	w.pageWorld(bruno)
	w.pageFaults(alice, bruno, gone)
	pageItself(alice, bruno)
}

func (w *world) pageCommands(alice, bruno *person) {
	alice.press("/tab")
	alice.reads("#commands [role=option]", "Set a table")
	alice.press(kb.Enter)
	alice.sees(`document.activeElement.closest("[data-field=name]")`)
	alice.press("fri")
	alice.reads(".command-form .choices [role=option]", "Friday draft")
	alice.press(kb.ArrowDown, kb.Enter) // the second one
	alice.sees(`document.querySelector("[data-field=name] input")?.value === "Frightful goblins"`)
	alice.press(kb.Tab, "12", kb.Enter)
	alice.reads(".command-form .problem", "From 1 to 9")
	alice.press(kb.Backspace, kb.Enter)
	alice.reads(".message.ephemeral", "Made goblins with 1 seats")
	alice.reads(".message.ephemeral footer", "Only you can see this")
	alice.sees(`document.querySelector(".message a.button")?.href === "https://example.com/"`)

	alice.click(`.message [data-custom-id=rename]`)
	alice.sees(`document.querySelector("dialog[open]")?.contains(document.activeElement)`)
	alice.press("Go", kb.Enter)
	alice.reads("dialog .problem", "At least 3 characters")
	alice.press("blins", kb.Enter)
	alice.reads(".message", "It is called Goblins now")
	bruno.reads(".message", "It is called Goblins now")
	if n := bruno.count(".message.ephemeral"); n != 0 {
		bruno.Errorf("bruno sees %d answers that are for alice alone", n)
	}

	alice.click(`.message [data-custom-id=mood]`)
	alice.reads(".popover [role=option]", "Wild")
	alice.press(kb.ArrowDown, kb.Enter)
	alice.reads(".message.ephemeral", "The mood is wild")
	alice.click(`.message.ephemeral footer button`)
	alice.sees(`!document.querySelector(".message.ephemeral")`)
}

func (w *world) pageVoice(alice, bruno *person) {
	row := fmt.Sprintf(`[data-channel="%s"]`, w.Lounge.ID)
	alice.do(chromedp.Focus(chromedp.CSS(row + " .join")))
	alice.press(kb.Enter)
	alice.reads(".voice-wrap", "Lounge")
	bruno.reads(row+" .present", "Alice")
	alice.click(".toggles [data-voice=deaf]")
	alice.click(".toggles [data-voice=stream]")
	for _, mark := range []string{"muted", "deaf", "stream"} {
		bruno.sees(fmt.Sprintf(`document.querySelector('%s .present [data-mark=%s]')`, row, mark))
	}
	bruno.click(row + " .chan")
	bruno.reads(".in-voice .seat", "Alice")
	bruno.click(".chat-head .go")
	bruno.reads(".in-voice", "Bruno (you)")
	alice.reads(row+" .present", "Bruno")
	alice.click(".voice-wrap [data-voice=leave]")
	bruno.sees(`document.querySelectorAll(".in-voice .seat").length === 1`)
	bruno.click(".chat-head .leave")
	bruno.sees(`!document.querySelector(".in-voice .seat")`)
}

func (w *world) pageDMs(bruno *person) {
	dm := w.bot("POST", "/users/@me/channels", map[string]any{"recipient_id": w.Moderator.ID}).must(w.t, 200)
	w.bot("POST", "/channels/"+dm.str("id")+"/messages",
		map[string]any{"content": "Come in: <https://example.com/in?t=1>"}).must(w.t,
		200)
	bruno.reads(".servers .badge", "1")
	bruno.click(`[data-guild="@me"]`)
	bruno.sees(`document.querySelector(".message a")?.href === "https://example.com/in?t=1"`)
	bruno.do(chromedp.NavigateBack())
	bruno.reads(".side-title", w.Guild.Name)
}

func (w *world) pageWorld(bruno *person) {
	create := func(name string) answer {
		return w.bot("POST", w.guildPath("/channels"), map[string]any{"name": name, "type": 2})
	}
	bruno.click("[data-panel=server]")
	bruno.click("[data-permission=MANAGE_CHANNELS]")
	bruno.sees(`document.querySelector("[data-permission=MANAGE_CHANNELS]")?.ariaChecked === "false"`)
	w.refuse(w.t, create("One"), 403, 50013)
	bruno.press(" ") // it kept the focus
	bruno.sees(`document.querySelector("[data-permission=MANAGE_CHANNELS]")?.ariaChecked === "true"`)
	create("Two").must(w.t, 201)
	bruno.reads(".channels", "Two")
	bruno.click("[data-add=add-member] summary")
	bruno.do(chromedp.SendKeys(chromedp.CSS("#add-name"), "kim"+kb.Enter))
	bruno.reads(".toast", "Kim is a member now")
	bruno.click("[data-panel=inspector]")
	bruno.sees(`!document.querySelector(".inspector-part").hidden`)
	bruno.click("#inspector-refused")
	bruno.sees(`document.querySelector(".passages").dataset.after !== undefined`) // from now on it looks
	w.refuse(w.t, w.bot("POST", "/channels/1/messages", map[string]any{"content": "x"}), 404, 10003)
	bruno.reads(".passages", "10003 Unknown Channel")
	bruno.click("[data-panel=people]")
	bruno.reads(".members", "Kim")
}

func (w *world) pageFaults(alice, bruno *person, gone <-chan struct{}) {
	bruno.click("[data-panel=faults]")
	bruno.reads(".sessions [data-connected=true]", "connected")
	for _, kind := range w.faultKinds() {
		if bruno.count(".fault[data-fault="+kind+"] p") != 1 {
			bruno.Errorf("the panel does not tell of the fault %s", kind)
		}
	}
	bruno.click("[data-fault=no_hello] .fault-go")
	bruno.reads(".active-faults", "No HELLO")
	alice.reads("[data-panel=faults] .badge", "1")
	bruno.click(".active-faults button")
	bruno.sees(`!document.querySelector(".active-faults li")`)
	bruno.click("[data-fault=drop] .fault-go")
	<-gone
	bruno.sees(`document.querySelector(".sessions [data-connected=false]")`)
	w.bring()
	bruno.sees(`document.querySelector(".sessions [data-connected=true]")`)
}

// faultKinds are the kinds that the control interface names.
func (w *world) faultKinds() []string {
	var all struct {
		AtOnce []string `json:"at_once"`
		InWait []string `json:"in_wait"`
	}
	if err := json.Unmarshal(w.request("GET", "/_sim/faults", "", nil).must(w.t, 200).raw, &all); err != nil ||
		len(all.InWait) == 0 {
		w.t.Fatalf("faults: %v, %v", all, err)
	}
	return append(all.AtOnce, all.InWait...)
}

// pageItself looks at what holds everywhere: the keyboard gets around, and
// nobody mistakes the page for what it simulates.
func pageItself(alice, bruno *person) {
	alice.do(chromedp.Reload())
	alice.sees(`document.body.dataset.ready`)
	alice.press(kb.Tab)
	alice.sees(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().top >= 0`)
	alice.press(kb.Enter)
	alice.sees(`document.activeElement.id === "composer"`)
	alice.press("/", kb.Escape)
	alice.sees(`document.querySelector("#commands")?.hidden`)
	alice.sees(`document.title.endsWith("Alice · Discord simulator")`)
	bruno.do(chromedp.EmulateViewport(390, 800, chromedp.EmulateMobile, chromedp.EmulateTouch))
	bruno.press(kb.Escape)
	bruno.sees(`document.querySelector(".panel")?.hidden && document.documentElement.scrollWidth <= 390`)
	bruno.click(".menu-button")
	bruno.reads(".side", "Lounge")
	bruno.press(kb.Escape)
	bruno.sees(`getComputedStyle(document.querySelector(".ways")).visibility === "hidden"`)
}

// TestPeopleAreOffered: whoever may be chosen is a person, not the account
// that an application belongs to.
func TestPeopleAreOffered(t *testing.T) {
	w := start(t)
	offered := func() string { return string(w.request("GET", "/_sim/users", "", nil).must(t, 200).raw) }
	page := func() string {
		return string(w.request("GET",
			"/oauth2/authorize?response_type=code&scope=identify&redirect_uri=http://127.0.0.1/x&client_id="+
				w.Application.ID.String(),
			"", nil).must(t,
			200).raw)
	}
	if all := offered() + page(); strings.Contains(all, "snug-developer") || !strings.Contains(all, "alice") {
		t.Errorf("offered: %s", all)
	}
	owner := w.bot("GET", "/oauth2/applications/@me", nil).must(t, 200).json["owner"].(map[string]any)["id"].(string)
	w.request("POST", "/_sim/guilds/"+w.Guild.ID.String()+"/members", "", map[string]any{"user_id": owner}).must(t, 200)
	if !strings.Contains(offered(), "snug-developer") || !strings.Contains(page(), "snug-developer") {
		t.Error("as a member of a guild they are a person like others")
	}
}
