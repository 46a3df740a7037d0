package discordsim_test

import (
	"testing"

	"snug/shared/discordsim"
)

// Discord publishes no threshold: Limits.DMs and DMRefusals are guesses, and what follows them is documented
// or reported.
func TestDirectMessageRules(t *testing.T) {
	open := func(w *world, u discordsim.User) answer {
		return w.bot("POST", "/users/@me/channels", map[string]any{"recipient_id": u.ID})
	}
	write := func(w *world, dm string) answer {
		return w.bot("POST", "/channels/"+dm+"/messages", map[string]any{"content": "hi"})
	}
	strict := func(o *discordsim.Options) {
		l := discordsim.NoRateLimits()
		l.DMs, l.DMRefusals = 2, 2
		o.Limits = &l
	}
	for _, r := range []rule{
		{"opening many too fast is refused", docUser + "#create-dm", func(t *testing.T, w *world) {
			first := open(w, w.Users[0]).must(t, 200).str("id")
			open(w, w.Users[1]).must(t, 200)
			w.refuse(t, open(w, w.Users[2]), 403, 40003)
			if again := open(w, w.Users[0]).must(t, 200).str("id"); again != first {
				t.Error("an old one is not given again")
			}
			write(w, first).must(t, 200)
			if a := w.State().Applications[0]; a.DMsOpened != 2 || a.Quarantined {
				t.Errorf("%+v", a)
			}
		}},
		// https://github.com/tmercswims/tmerc-cogs/issues/111, https://github.com/discord/discord-api-docs/issues/5987
		{"who goes on is quarantined", docUser + "#create-dm", func(t *testing.T, w *world) {
			known, unwritten := open(w, w.Users[0]).must(t, 200).str("id"), open(w, w.Users[1]).must(t, 200).str("id")
			write(w, known).must(t, 200)
			w.refuse(t, open(w, w.Users[2]), 403, 40003)
			w.refuse(t, open(w, w.Users[2]), 403, 40003)
			w.refuse(t, open(w, w.Users[2]), 403, 20026)
			write(w, known).must(t, 200)
			w.refuse(t, write(w, unwritten), 403, 20026)
			if !w.State().Applications[0].Quarantined {
				t.Error("the state does not say so")
			}
			w.control("PATCH", "/applications/"+w.Application.ID.String(), map[string]any{"quarantined": false}).must(t,
				204)
			open(w, w.Users[2]).must(t, 200)
		}},
	} {
		t.Run(r.name, func(t *testing.T) { r.try(t, start(t, strict)) })
	}
}
