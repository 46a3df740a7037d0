package discordsim_test

import (
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// What Discord refuses for reasons of its own, beyond permissions and forms.
func TestRefusalsWithTheirOwnCause(t *testing.T) {
	runRules(t, []rule{
		{"elevated permissions want two-factor authentication of the owner",
			docOAuth2 + "#two-factor-authentication-requirement", func(t *testing.T, w *world) {
				w.must(w.RequireTwoFactor(w.Guild.ID, true), w.OwnerHasTwoFactor(w.Application.ID, false))
				body := map[string]any{"name": "x"}
				w.refuse(t, w.bot("POST", w.guildPath("/channels"), body), 403, 60003)
				w.bot("GET", w.guildPath("/channels"), nil).must(t, 200)
				w.must(w.OwnerHasTwoFactor(w.Application.ID, true))
				w.bot("POST", w.guildPath("/channels"), body).must(t, 201)
			}},
		{"names of channels are filtered", docCodes + "#json", func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.must(w.ForbidWords(w.Guild.ID, false, "1488"))
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "room 1488"}), 400, 20031)
			w.refuse(t, w.bot("PATCH", "/channels/"+id, map[string]any{"name": "1488"}), 400, 20031)
			w.bot("PATCH", "/channels/"+id, map[string]any{"name": "1487"}).must(t, 200)
			w.must(w.ForbidWords(w.Guild.ID, true, "goblin"))
			a := w.bot("PATCH", "/channels/"+id, map[string]any{"name": "Goblins"})
			w.refuse(t, a, 400, 50035)
			if !strings.Contains(string(a.raw), "INVALID_COMMUNITY_PROPERTY_NAME") {
				t.Errorf("%s", a.raw)
			}
		}},
		{"bulk overwrites keep the Entry Point command", docCommands + "#entry-point-commands",
			func(t *testing.T, w *world) {
				w.must(w.EnableActivities(w.Application.ID))
				path := "/applications/" + w.Application.ID.String() + "/commands"
				mine := map[string]any{"name": "hello", "description": "says so"}
				w.refuse(t, w.bot("PUT", path, []any{mine}), 400, 50240)
				a := w.bot("PUT", path, []any{mine, map[string]any{"name": "launch", "type": 4, "handler": 2}}).must(t,
					200)
				if !strings.Contains(string(a.raw), `"handler":2`) {
					t.Errorf("%s", a.raw)
				}
			}},
		{"two to a hundred messages are deleted at once", docCodes + "#json", func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermManageMessages)
			path := "/channels/" + w.General.ID.String() + "/messages"
			one := w.bot("POST", path, map[string]any{"content": "x"}).must(t, 200).str("id")
			w.refuse(t, w.bot("POST", path+"/bulk-delete", map[string]any{"messages": []string{one}}), 400, 50016)
		}},
	})
}

// Messages older than an hour can be edited a few times only.
func TestOldEdits(t *testing.T) {
	t.Parallel()
	limits, now := discordsim.NoRateLimits(), time.Now()
	limits.OldEdits = 2
	w := start(t, func(o *discordsim.Options) { o.Limits, o.Now = &limits, func() time.Time { return now } })
	path := "/channels/" + w.General.ID.String() + "/messages"
	id := w.bot("POST", path, map[string]any{"content": "x"}).must(t, 200).str("id")
	edit := func() answer { return w.bot("PATCH", path+"/"+id, map[string]any{"content": "y"}) }
	for range 5 {
		edit().must(t, 200)
	}
	now = now.Add(61 * time.Minute)
	edit().must(t, 200)
	edit().must(t, 200)
	w.refuse(t, edit(), 429, 30046)
	now = now.Add(61 * time.Minute)
	edit().must(t, 200)
}

func (w *world) must(all ...error) {
	w.t.Helper()
	for _, err := range all {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
