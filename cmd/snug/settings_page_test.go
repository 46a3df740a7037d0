package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"snug/shared/discordsim"
	"snug/shared/testkit/browsertest"
)

// types puts a text in place of what a field of the settings holds, as somebody at the keyboard does.
func (p *browserUser) types(name, text string) {
	p.Helper()
	p.sees("the whole page", `document.readyState === 'complete'`)
	p.do("type "+text,
		chromedp.Evaluate[chromedp.Void](`{ const e = document.querySelector('#f-`+name+
			`'); e.focus(); e.select(); }`),
		chromedp.KeyEvent(text))
}

// leaving is how somebody answers when the browser asks whether to leave a page, and how often it asked.
type leaving struct {
	leave atomic.Bool
	times atomic.Int32
}

// answersWhetherToLeave has the user stay, or leave, on pages that ask.
func (p *browserUser) answersWhetherToLeave() *leaving {
	p.Helper()
	var l leaving
	p.must(chromedp.Listen(p.ctx, func(ev any) {
		if _, ok := ev.(*page.EventJavascriptDialogOpening); !ok {
			return
		}
		l.times.Add(1)
		go func() { // what is listened to must not wait
			err := chromedp.Do(p.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, page.HandleJavaScriptDialog,
					page.HandleJavaScriptDialogParams{Accept: l.leave.Load()})
				return err
			}))
			if err != nil {
				p.Errorf("%s could not answer: %v", p.name, err)
			}
		}()
	}))
	return &l
}

// settings asks the API for the settings as they are.
func (s *script) settings() map[string]any {
	s.Helper()
	status, out := s.api(http.MethodGet, "/guilds/"+s.world.guild.String()+"/settings", nil)
	if status != http.StatusOK {
		s.Fatalf("the settings: %d %v", status, out)
	}
	return out["settings"].(map[string]any)
}

// TestSettingsForm is what somebody who manages a server does with its settings, at a real browser.
func TestSettingsForm(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	log, err := h.world.discord.AddChannel(h.world.guild, discordsim.ChannelOptions{Name: "snug-log"})
	h.must(err)
	admin, elsewhere := "/admin/"+h.world.guild.String(), h.signIn("alice")
	save := browsertest.Click(".save button")
	alice := h.browse(browsertest.Start(t), "alice")
	alice.goTo(admin)
	alice.sees("the server's own channels to choose from",
		`[...document.querySelector('#f-log_channel_id').options].some(o => o.value === '`+log.ID.String()+
			`' && o.text.includes('snug-log'))`)

	// The bar shows while something is not saved, and only then.
	const bar = `document.querySelector('.save').checkVisibility({ visibilityProperty: true })`
	alice.sees("no bar", "!"+bar)
	alice.types("seats", "7")
	alice.sees("the bar", bar+` && document.querySelector('.field.changed [name=seats]')`)
	alice.types("seats", "4")
	alice.sees("no bar, as it is what is saved", "!"+bar+` && !document.querySelector('.changed')`)

	// The name template shows what it gives. Who leaves is asked; what is not saved is kept, and can be thrown away.
	asked := alice.answersWhetherToLeave()
	alice.types("name_template", "Table {n:roman} of {owner}")
	alice.sees("what it gives", `document.querySelector('#example').value === 'Table I of Alice'`)
	alice.do("leave, and stay", browsertest.Click(`.tabs a[href$="/history"]`))
	alice.eventually("alice is asked", func() bool { return asked.times.Load() == 1 })
	alice.sees("the same page, with what is not saved",
		bar+` && !document.querySelector('#unsaved').hidden && location.pathname === '`+admin+`'`)
	asked.leave.Store(true)
	alice.do("reload", chromedp.Reload())
	alice.sees("the draft, and that it is one",
		bar+` && document.querySelector('[name=name_template]').value === 'Table {n:roman} of {owner}' &&
			!document.querySelector('#kept').hidden`)
	alice.do("throw it away", browsertest.Click("#drop"))
	alice.sees("what is saved", "!"+bar+` && document.querySelector('#kept').hidden &&
		document.querySelector('[name=name_template]').value !== 'Table {n:roman} of {owner}'`)

	// What is wrong is said beside its field, and nothing is saved.
	alice.types("seats", "7")
	alice.types("idle_timeout", "soon")
	alice.do("save", save)
	alice.sees("what is wrong, beside the field, where the cursor is",
		`document.activeElement.name === 'idle_timeout' &&
			document.querySelector('#f-idle_timeout-error').textContent.includes('soon') &&
			document.querySelector('[name=seats]').value === '7'`)
	if got := elsewhere.settings(); got["seats"] != 4.0 {
		t.Errorf("the seats were saved all the same: %v", got["seats"])
	}
	alice.types("idle_timeout", "90")
	alice.do("save in minutes", chromedp.SetValue(chromedp.CSS("#f-idle_timeout-unit"), "m"), save)
	alice.sees("that it is saved, in the largest unit that fits",
		`document.querySelector('[data-saved]') && !`+bar+` &&
			document.querySelector('#f-idle_timeout').value === '90' &&
			document.querySelector('#f-idle_timeout-unit').value === 'm'`)
	if got := elsewhere.settings(); got["idle_timeout"] != "1h30m" || asked.times.Load() != 2 {
		t.Errorf("saved as %v; asked %d times whether to leave", got["idle_timeout"], asked.times.Load())
	}

	// Saved is used: by the bot, at once.
	if a := h.command("bruno", "create-room",
		map[string]any{"name": "Seven"}); !strings.Contains(a.Message.Content, "7 seats") {
		t.Errorf("the bot does not use them: %s", a.Message.Content)
	}

	// Somebody else saves while the form is being filled in: what was not touched follows, what was typed stays.
	alice.types("seats", "8")
	if status, out := elsewhere.api(http.MethodPatch, "/guilds/"+h.world.guild.String()+"/settings",
		map[string]any{"settings": map[string]any{"seats": 9, "idle_timeout": "2h"}}); status != http.StatusOK {
		t.Fatalf("elsewhere they are not saved: %d %v", status, out)
	}
	alice.do("save", save)
	alice.sees("that somebody else saved, what, and what is one's own",
		`document.querySelector('.others[role=alert]')?.innerText.includes('9') &&
			document.querySelector('.others').innerText.includes('2 hours') &&
			document.querySelector('[name=seats]').value === '8' &&
			document.querySelector('#f-idle_timeout').value === '2' &&
			document.querySelector('#f-idle_timeout-unit').value === 'h'`)
	alice.picture("settings-meanwhile")
	alice.do("save on purpose", save)
	alice.sees("that it is saved", `document.querySelector('[data-saved]')`)
	if got := elsewhere.settings(); got["seats"] != 8.0 || got["idle_timeout"] != "2h" {
		t.Errorf("seats %v, idle timeout %v", got["seats"], got["idle_timeout"])
	}

	// The last change is undone.
	alice.goTo(admin + "/history")
	alice.sees("the change in words",
		`document.querySelector('.versions .changed').innerText.includes('Seats') &&
			document.querySelector('.versions').innerText.includes('Alice') &&
			document.querySelector('.versions form')`)
	alice.do("undo it", browsertest.Click(`form[action$="/undo"] button`))
	alice.sees("that it is undone", `document.querySelector('.notice[role=status]')`)
	if got := elsewhere.settings(); got["seats"] != 9.0 || got["idle_timeout"] != "2h" {
		t.Errorf("after undoing: seats %v, idle timeout %v", got["seats"], got["idle_timeout"])
	}
	h.exchange(alice, elsewhere, admin)
}

// exchange takes the settings out as a file, changes it, and takes it in again; a lobby that is made
// meanwhile loses no draft.
func (h *harness) exchange(alice *browserUser, elsewhere *script, admin string) {
	h.Helper()
	status, text := elsewhere.page(admin + "/settings.json")
	var file map[string]any
	if err := json.Unmarshal([]byte(text), &file); status != http.StatusOK || err != nil || file["seats"] != 9.0 {
		h.Fatalf("the file: %d %v %s", status, err, text)
	}
	file["seats"] = 3
	b, err := json.Marshal(file)
	h.must(err)
	path := filepath.Join(h.TempDir(), "settings.json")
	h.must(os.WriteFile(path, b, 0o600))
	alice.goTo(admin)
	alice.do("take in the file", chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{path}),
		browsertest.Click(`form[action$="/import"] button`))
	alice.sees("its settings",
		`document.querySelector('[data-saved]') && document.querySelector('[name=seats]').value === '3'`)

	alice.types("seats", "5")
	alice.types("lobby-name", "Join to play")
	alice.do("make a lobby", browsertest.Click(`button[value=save]`))
	alice.sees("the lobby, and the change that waits",
		`document.querySelector('.lobby b')?.textContent === 'Join to play' &&
			document.querySelector('[name=seats]').value === '5' && !document.querySelector('#kept').hidden`)
	if got := elsewhere.settings(); got["seats"] != 3.0 || len(got["lobbies"].([]any)) != 1 {
		h.Errorf("seats %v, lobbies %v", got["seats"], got["lobbies"])
	}
}
