package rooms_test

import (
	"slices"
	"testing"
	"time"

	"snug/shared/access"
	"snug/shared/testkit"
)

// Whose access is suspended is put out if they come while Discord still lets them in, whenever the news of it comes.
// Whom a moderator moves in later stays.
func TestSlippedIn(t *testing.T) {
	for name, c := range map[string]struct {
		held  bool // the news of their coming is held back until they are shut out
		later bool // they are moved in by hand, a while after they were shut out
		stays bool
	}{
		"they come before the call":                        {},
		"they come before the call, and the news after it": {held: true},
		"a moderator moves them in a while later":          {later: true, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			then(gated, guests(kiyo))(w)
			release := func() {}
			if c.held {
				release = w.bot.HoldBack()
			}
			w.discord.SetAround(func(call string, do func() error) error {
				if call == "Expel" && !c.later {
					testkit.NoError(t, w.discord.Join(kiyo, w.room))
					if !c.held {
						w.bot.Sync()
					}
				}
				return w.faults.call(call, do)
			})
			w.must(roles(nil, kiyo)(w))
			testkit.Eventually(t, "she is shut out", func() bool {
				r, _ := w.doc()
				why, _ := r.SuspendedFor(kiyo)
				_, in := w.discord.State().Channels[w.room].Overwrites[kiyo]
				return why != access.Passes && !r.Pending.Any() && !in
			})
			release()
			if c.later {
				w.clock.Forward(time.Minute)
				w.discord.MoveByHand(kiyo, w.room)
			}
			w.settle()
			if got := slices.Contains(w.discord.State().Inside(w.room), kiyo); got != c.stays {
				t.Errorf("she is in: %v", got)
			}
			w.consistent()
		})
	}
}
