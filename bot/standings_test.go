package bot_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/bot/standings"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

// askAfter has people asked after, as a dashboard does for who watches, and gives what is known.
func (h *harness) askAfter(names ...string) map[string]access.Standing {
	h.Helper()
	var q room.StandingsRequest
	for _, n := range names {
		q.UserIDs = append(q.UserIDs, h.People[n])
	}
	got, err := call(h, hub.StandingsOf, q)
	h.Must(err)
	out := map[string]access.Standing{}
	for _, n := range names {
		for _, st := range got.Standings {
			if st.UserID == h.People[n] {
				out[n] = st
			}
		}
	}
	return out
}

const memberRoute = "GET /guilds/{guild}/members/{user}"

// Who watches, owns a room or is a guest of one is known without a request of
// REST, and what changes is told: by the next answer, or by an event.
func TestStandingsWithoutRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	changed := make(chan snowflake.ID, 100)
	stop, err := hub.StandingChanged.Listen(context.Background(), h.hub, func(m room.Member) { changed <- m.UserID })
	h.Must(err)
	defer stop()
	await := func(who string) {
		t.Helper()
		for deadline := time.After(patience); ; {
			select {
			case id := <-changed:
				if id == h.People[who] {
					return
				}
			case <-deadline:
				t.Fatalf("nobody told that %s may do something else", who)
			}
		}
	}
	r := h.open("jonas", "Friday")
	h.Must(h.redeem("kiyo", r.Invite.Code))
	asked := h.asked(memberRoute)

	var known map[string]access.Standing
	h.eventually("all are known", func() bool {
		known = h.askAfter("mara", "ada", "stranger")
		return len(known) == 3
	})
	if m := known["mara"]; !m.Member || !m.Owner || !m.Manager || known["ada"].Manager || !known["ada"].Member ||
		known["stranger"].Member {
		t.Errorf("known are %+v", known)
	}

	// By the next answer: ada left, tomas's role is taken from him, the owner is gone.
	h.Must(h.Discord.RemoveMember(h.Guild, discordsim.ID(h.People["ada"])))
	h.clock.Forward(standings.RefreshAfter + time.Second)
	await("ada")
	if st := h.askAfter("ada")["ada"]; st.Member || h.clock.Now().Sub(st.CheckedAt) > standings.RefreshAfter {
		t.Errorf("ada is known as %+v", st)
	}

	// By an event: a role of the server lets its members manage it.
	role := h.role("Helpers", 0)
	h.Must(h.Discord.AddMember(h.Guild, h.People["stranger"], "", role))
	h.clock.Forward(standings.RefreshAfter + time.Second)
	await("stranger")
	h.heard(h.Discord.SetRole(h.Guild, role, discordsim.PermManageGuild))
	await("stranger")
	if st := h.askAfter("stranger")["stranger"]; !st.Manager {
		t.Errorf("known is %+v", st)
	}

	if n := h.asked(memberRoute) - asked; n != 0 {
		t.Errorf("REST was asked %d times", n)
	}

	// Owners and guests too: the room's owner left, and a guest who sits in it owns it now.
	h.Must(h.Join("kiyo", r.Room.ID))
	h.awaitRoster(r.Room.ID, "kiyo")
	h.Must(h.Discord.RemoveMember(h.Guild, discordsim.ID(h.People["jonas"])))
	h.eventually("the guest owns the room", func() bool {
		h.clock.Forward(standings.RefreshAfter + time.Second)
		for _, l := range h.live() {
			if l.Room.ID == r.Room.ID {
				return l.Room.Access.OwnerID == h.People["kiyo"]
			}
		}
		return false
	})
}

// live gives the rooms that followers see.
func (h *harness) live() (all []room.Live) {
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	for _, l := range h.facts.live {
		all = append(all, l)
	}
	return all
}

// While Discord does not answer over the gateway, who comes to watch is asked after by REST.
func TestStandingsFallBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	within := room.StandingRequest{UserID: h.People["ada"], Within: time.Minute}
	asked := h.asked(memberRoute)
	if st, err := call(h, hub.StandingOf, within); err != nil || !st.Member || h.asked(memberRoute) != asked {
		t.Fatalf("%+v %v, %d requests", st, err, h.asked(memberRoute)-asked)
	}
	h.clock.Forward(2 * time.Minute)
	_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultHalfOpen})
	h.Must(err)
	if st, err := call(h, hub.StandingOf, within); err != nil || !st.Member || h.asked(memberRoute) != asked+1 {
		t.Errorf("%+v %v, %d requests", st, err, h.asked(memberRoute)-asked)
	}
}

// TestStandingsAtScale measures: SNUG_SOAK=1 follows 2,500 people in 50 servers
// for three minutes, SNUG_SOAK=2 in 2,500 servers for half an hour.
func TestStandingsAtScale(t *testing.T) {
	guilds, within, last := 50, time.Minute, 3*time.Minute
	switch os.Getenv("SNUG_SOAK") {
	case "":
		t.Skip("takes minutes; set SNUG_SOAK=1, or 2 for half an hour")
	case "2":
		guilds, within, last = 2500, 23*time.Minute, 34*time.Minute
	}
	h := newHarnessIn(t, "", nil)
	h.shut()
	list, err := h.Discord.Populate(h.App.ID, discordsim.Size{Guilds: guilds, Channels: 4, Members: 2500 / guilds},
		discordsim.Permissions(discordapi.Permissions))
	h.Must(err)
	h.start()
	who := map[snowflake.ID][]snowflake.ID{}
	for _, g := range h.Discord.State().Guilds {
		for _, m := range g.Members {
			if g.ID != h.Guild && m.User.ID != h.App.ID {
				who[g.ID] = append(who[g.ID], m.User.ID)
			}
		}
	}
	if len(who) != guilds {
		t.Fatalf("%d servers have people", len(who))
	}
	for _, g := range list {
		h.eventually("it is served",
			func() bool { _, err := callAt(h, g.ID, hub.StandingsOf, room.StandingsRequest{}); return err == nil })
	}
	began, requests, messages := time.Now(), h.asked(""), h.counted("snug_standings_asks_total")
	first := within + 20*time.Second // from then on everybody is known
	var oldest atomic.Int64
	missing := 0
	for time.Since(began) < last {
		round := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		slots := make(chan struct{}, 16)
		missing = 0
		for g, users := range who {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				got, err := callAt(h, g, hub.StandingsOf, room.StandingsRequest{UserIDs: users})
				h.Must(err)
				mu.Lock()
				missing += len(users) - len(got.Standings)
				mu.Unlock()
				if time.Since(began) < first {
					return
				}
				for _, st := range got.Standings {
					if age := h.clock.Now().Sub(st.CheckedAt); age > time.Duration(oldest.Load()) {
						oldest.Store(int64(age))
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(10*time.Second - time.Since(round)) // as a dashboard does; it is what is measured
	}
	took := time.Since(began)
	rest := float64(h.asked("")-requests) / took.Seconds()
	t.Logf("%d servers: the oldest standing was %v old, %.1f messages a minute, %.3f REST requests a second, "+
		"%d people unknown at the end",
		guilds, time.Duration(oldest.Load()).Round(10*time.Millisecond),
		(h.counted("snug_standings_asks_total")-messages)/took.Minutes(), rest, missing)
	if time.Duration(oldest.Load()) > within || rest >= 2 || missing != 0 {
		t.Errorf("want %v, fewer than 2 requests a second, and everybody known", within)
	}
}
