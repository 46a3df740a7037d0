package bot_test

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/standin"
)

// Rooms are opened, shared and closed while a tenth of Discord's answers is
// 429 and another tenth 5xx, before or after the request took effect. All of
// it ends right, and what a creation costs is counted. SNUG_SOAK=1 does 1,000 operations.
func TestOperationsInAStorm(t *testing.T) {
	batches := 3
	if os.Getenv("SNUG_SOAK") != "" {
		batches = 50
	}
	h := newHouse(t, func(l *standin.Limits) { *l = standin.NoRateLimits() })
	before := len(h.channels())
	calls := h.asked("")
	for _, f := range []standin.Fault{
		{Kind: standin.FaultRateLimit, RetryAfter: 0.02, Chance: 0.1}, {Kind: standin.FaultError, Status: 503, Chance: 0.05}, {Kind: standin.FaultError, Status: 502, Chance: 0.05, After: true},
	} {
		_, err := h.discord.Inject(f)
		h.must(err)
	}
	var done atomic.Int64
	// again does what somebody does who is told to try again in a moment.
	again := func(what string, f func() error) bool {
		for deadline := time.Now().Add(4 * patience); ; {
			err := f()
			switch {
			case err == nil:
				done.Add(1)
				return true
			case time.Now().After(deadline) || !errs.Has(err, errs.DiscordUnavailable) && !errs.Has(err, errs.RateLimited) && !errs.Has(err, errs.Unavailable):
				t.Errorf("%s: %v", what, err)
				return false
			}
		}
	}
	people := []string{"jonas", "kiyo", "priya", "tomas", "ada"}
	opened := 0
	for range batches {
		var all sync.WaitGroup
		for i, name := range people {
			all.Go(func() {
				q := room.OpenRequest{Actor: h.actor(name), Name: "Room of " + name}
				var r room.OpenedRoom
				if !again("open", func() (err error) {
					r, err = call(h, hub.OpenRoom, q)
					if errs.Has(err, errs.RoomLimit) { // the first try was finished after all
						_ = h.bot.Sweep(h.soon())
						var found bool
						if r, found = h.roomOf(name); found {
							return nil
						}
						h.clock.forward(20 * time.Second) // an intention without a channel is given up after two minutes
						return errs.E(errs.Unavailable, "not yet")
					}
					return err
				}) {
					return
				}
				var link room.InviteLink
				again("invite", func() (err error) {
					link, err = call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor(name), RoomID: r.Room.ID, Uses: 1})
					return err
				})
				again("redeem", func() error { return h.redeem(people[(i+1)%len(people)], link.Token) })
				again("close", func() error {
					_, err := call(h, hub.CloseRoom, h.request(name, r.Room.ID))
					if errs.Has(err, errs.RoomNotFound) { // the first try was enough
						return nil
					}
					return err
				})
			})
		}
		all.Wait()
		opened += len(people)
		h.clock.forward(6 * time.Minute) // so that nobody opens too many at once
	}
	made, calls := h.asked("POST /guilds/{guild"), h.asked("")-calls
	h.discord.ClearFaults(0)
	h.eventually("nothing is left over", func() bool {
		h.clock.forward(31 * time.Second)
		h.sweep()
		return len(h.channels()) == before
	})
	t.Logf("%d operations ended right; %d rooms took %d requests to create a channel and %d requests in all", done.Load(), opened, made, calls)
	if done.Load() != int64(4*opened) {
		t.Errorf("%d operations of %d", done.Load(), 4*opened)
	}
}

// roomOf finds somebody's room.
func (h *house) roomOf(name string) (out room.OpenedRoom, found bool) {
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	for _, l := range h.facts.live {
		if l.Room.Access.OwnerID == h.people[name] {
			out.Room, found = l.Room, true
		}
	}
	return out, found
}
