package bot_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/bot/discordapi"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// later puts Snug's clock and Discord's forward together.
func (h *harness) later(d time.Duration) {
	h.clock.Forward(d)
	h.theirs.Forward(d)
}

// callAt is call for another server.
func callAt[Req, Resp any](h *harness, guild snowflake.ID, m hub.Method[Req, Resp], q Req) (Resp, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	return m.Call(ctx, h.hub, guild, q)
}

// neighbours adds servers with the harness's people, and waits until Snug serves them.
func (h *harness) neighbours(n int) (guilds []snowflake.ID) {
	h.Helper()
	for i := range n {
		g, err := h.Discord.AddGuild(fmt.Sprint("Server ", i), h.People["mara"])
		h.Must(err)
		for _, name := range names[1:] {
			h.Must(h.Discord.AddMember(g.ID, h.People[name], ""))
		}
		h.Must(h.Discord.InstallBot(g.ID, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
		guilds = append(guilds, g.ID)
	}
	for _, g := range guilds {
		h.eventually("the server is served", func() bool {
			_, err := callAt(h, g, hub.ViewRoom, h.request("jonas", 1))
			return !errs.Has(err, errs.Unavailable)
		})
	}
	return guilds
}

// gale lets people of many servers open, share and close rooms while Discord fails.
type gale struct {
	*harness
	done, opened, stuck atomic.Int64
}

// again does what somebody does who is told to try again in a moment.
func (w *gale) again(what string, f func() error) bool {
	for deadline := time.Now().Add(4 * patience); ; {
		err := f()
		switch {
		case err == nil:
			w.done.Add(1)
			return true
		case time.Now().After(deadline) ||
			!errs.Has(err, errs.DiscordUnavailable) && !errs.Has(err, errs.RateLimited) &&
				!errs.Has(err, errs.Unavailable):
			w.Errorf("%s: %v", what, err)
			return false
		}
	}
}

// told is an actor as an interaction tells of them, so that Discord need not be asked.
func (w *gale) told(guild snowflake.ID, name string) access.Actor {
	a := w.actor(name)
	a.Standing = &access.Standing{
		GuildID: guild, UserID: a.UserID, Member: true, Base: access.Enter, Username: name, DisplayName: name,
		CheckedAt: w.clock.Now(),
	}
	return a
}

// round opens, shares and closes one room; false if it is not known what became of its channel.
func (w *gale) round(guild snowflake.ID, name string) bool {
	r, err := callAt(w.harness, guild, hub.OpenRoom,
		room.OpenRequest{Actor: w.told(guild, name), Name: "Room of " + name})
	if errs.Has(err, errs.RoomLimit) { // the last try was finished by a sweep
		id, found := w.roomOf(guild, name)
		if !found {
			w.Errorf("%s has no room: %v", name, err)
			return true
		}
		r.Room.ID, err = id, nil
	}
	if err != nil {
		if !errs.Has(err, errs.DiscordUnavailable) && !errs.Has(err, errs.RateLimited) &&
			!errs.Has(err, errs.Unavailable) {
			w.Errorf("opening: %v", err)
		}
		w.stuck.Add(1)
		return false
	}
	w.opened.Add(1)
	w.done.Add(1)
	w.again("inviting", func() error {
		_, err := callAt(w.harness, guild, hub.CreateInvite,
			room.InviteRequest{Actor: w.told(guild, name), RoomID: r.Room.ID, Uses: 1})
		return err
	})
	w.again("closing", func() error {
		_, err := callAt(w.harness, guild, hub.CloseRoom, room.Request{Actor: w.told(guild, name), RoomID: r.Room.ID})
		if errs.Has(err, errs.RoomNotFound) { // the first try was enough: a sweep goes on with it
			return nil
		}
		return err
	})
	return true
}

// roomOf finds somebody's room.
func (h *harness) roomOf(guild snowflake.ID, name string) (snowflake.ID, bool) {
	list, err := h.hub.Rooms.List(h.soon(), guild.String())
	h.Must(err)
	for _, e := range list {
		if e.Value.OwnerID == h.People[name] && e.Value.State == room.Open {
			return e.Value.ID, true
		}
	}
	return 0, false
}

// Rooms are opened, shared and closed while a tenth of Discord's answers is
// 429 and another tenth 5xx, before or after the request took effect. All of
// it ends right, after one sweep nothing is left over, and what a creation
// costs is counted. SNUG_SOAK=1 does ten times as much.
func TestOperationsInAStorm(t *testing.T) {
	t.Parallel() // most of it is waiting
	rounds := 1
	if os.Getenv("SNUG_SOAK") != "" {
		rounds = 10
	}
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	h.shut()
	h.rate = 1000 // the usual 50 a second would be the most of the test
	h.start()
	w := &gale{harness: h}
	guilds := h.neighbours(112) // many: while one server waits for Discord, the others go on
	people := []string{"jonas", "kiyo", "priya"}

	asked := func() int { return h.asked("") - h.asked("POST /channels/{channel}/messages") } // but the panel
	calls := asked()
	r := h.open("jonas", "Calm")
	if calls = asked() - calls; calls != 2 {
		t.Errorf("a creation in calm took %d requests: who asks, and the channel, are 2", calls)
	}
	_, err := call(h, hub.CloseRoom, h.request("jonas", r.Room.ID))
	h.Must(err)

	for _, f := range []discordsim.Fault{
		{Kind: discordsim.FaultRateLimit, RetryAfter: 0.02, Chance: 0.1},
		{Kind: discordsim.FaultError, Status: 503, Chance: 0.05},
		{Kind: discordsim.FaultError, Status: 502, Chance: 0.05, After: true},
	} {
		_, err := h.Discord.Inject(f)
		h.Must(err)
	}
	all, posts := h.asked(""), h.asked("POST /guilds/{guild")
	left := make([]int, len(guilds)*len(people))
	for i := range left {
		left[i] = rounds
	}
	side := 200 // rounds side by side: they wait more than they work
	for pass, rest := 0, rounds*len(left); rest > 0; pass++ {
		if pass == 20*rounds {
			t.Fatalf("after %d passes %d rounds are left", pass, rest)
		}
		before := rest
		var group errgroup.Group
		group.SetLimit(side)
		for i := range left {
			group.Go(func() error {
				for range min(left[i], 3) { // nobody opens too many at once
					if !w.round(guilds[i/len(people)], people[i%len(people)]) {
						return nil
					}
					left[i]--
				}
				return nil
			})
		}
		_ = group.Wait()
		rest = 0
		for _, n := range left {
			rest += n
		}
		if before-rest < len(left)/10 { // a slow disk, on which so many find no time to write
			side = max(1, side/4)
		}
		if rest > 0 {
			h.later(6 * time.Minute)
			_ = h.bot.Sweep(h.soon()) // in the storm it may fail
		}
	}
	all, posts = h.asked("")-all, h.asked("POST /guilds/{guild")-posts
	h.Discord.ClearFaults(0)
	h.later(6 * time.Minute)
	h.sweep()
	for _, g := range guilds {
		w.empty(g)
	}
	t.Logf("%d operations ended right. A creation in calm took %d requests. "+
		"In the storm %d rooms took %d requests to create a channel, and %d openings ended without an answer; "+
		"opening, inviting and closing took %.1f requests a room",
		w.done.Load(), calls, w.opened.Load(), posts, w.stuck.Load(), float64(all)/float64(w.opened.Load()))
	if want := int64(3 * rounds * len(left)); w.done.Load() != want {
		t.Errorf("%d operations of %d", w.done.Load(), want)
	}
}

// empty fails unless a server has no rooms, no intentions and no voice channels.
func (h *harness) empty(guild snowflake.ID) {
	h.Helper()
	rooms, err := h.hub.Rooms.List(h.soon(), guild.String())
	h.Must(err)
	intended, err := h.hub.PendingCreates.List(h.soon(), guild.String())
	h.Must(err)
	var list []channel
	h.get("/guilds/"+guild.String()+"/channels", &list)
	voice := 0
	for _, c := range list {
		if c.Type == 2 {
			voice++
		}
	}
	if len(rooms)+len(intended)+voice > 0 {
		h.Errorf("server %d is left with %d rooms, %d intentions and %d voice channels: %+v", guild, len(rooms),
			len(intended), voice, list)
	}
}
