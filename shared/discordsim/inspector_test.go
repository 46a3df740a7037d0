package discordsim_test

import (
	"strings"
	"testing"
)

// TestPassages: who looks sees requests with the rule that refused them, and events, and only what is new.
func TestPassages(t *testing.T) {
	t.Parallel()
	w := start(t)
	bot, _ := w.login(nil)
	missing := func() { w.refuse(t, w.bot("GET", "/channels/1", nil), 404, 10003) }
	missing()
	look := func(after string) string {
		return string(w.control("GET", "/passages"+after, nil).must(t, 200).raw)
	}
	if got := look(""); !strings.Contains(got, `"passages":[]`) {
		t.Errorf("before anybody looked it kept %s", got)
	}
	missing()
	w.join(w.Users[2], w.Lounge.ID)
	bot.until("VOICE_STATE_UPDATE", nil)
	got := look("?after=0")
	for _, want := range []string{"GET /channels/1", "10003 Unknown Channel", `"status":404`, "VOICE_STATE_UPDATE",
		w.Application.ID.String()} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q: %s", want, got)
		}
	}
	if got := look("?after=1000"); !strings.Contains(got, `"passages":[]`) {
		t.Errorf("after the last one there is %s", got)
	}
	w.control("GET", "/passages?after=x", nil).must(t, 400)
}
