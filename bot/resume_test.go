package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

// counted gives the sum of a metric of the running bot, over the series that have all the labels given as "name=value".
func (h *harness) counted(name string, labels ...string) float64 {
	h.Helper()
	return h.countedOf(h.running, name, labels...)
}

// countedOf is counted for one of several processes.
func (h *harness) countedOf(r *running, name string, labels ...string) float64 {
	h.Helper()
	families, err := r.metrics.Gather()
	h.Must(err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetName()+"="+l.GetValue())
			}
			if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(have, l) }) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func (h *harness) resumed() bool {
	return h.counted("snug_gateway_connects_total", "kind=resume") == 1 &&
		h.counted("snug_gateway_connects_total", "kind=identify") == 0
}

// shards reads what the hub holds of the gateway sessions, while Snug is down.
func (h *harness) shards() (docs []hub.Entry[hub.Sealed]) {
	h.stored(func(b *hub.Hub) {
		var err error
		docs, err = b.Shards.List(context.Background(), "")
		h.Must(err)
	})
	return docs
}

// turnBack puts back an earlier checkpoint, as a process leaves it that is killed before it saved a later one.
func (h *harness) turnBack(docs []hub.Entry[hub.Sealed]) {
	h.stored(func(b *hub.Hub) {
		later, err := b.Shards.Keys(context.Background(), "")
		h.Must(err)
		for _, key := range later {
			h.Must(b.Shards.Delete(context.Background(), key))
		}
		for _, e := range docs {
			_, err := b.Shards.Put(context.Background(), e.Key, e.Value)
			h.Must(err)
		}
	})
}

func TestRestartResumes(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r, gone := h.open("jonas", "Friday"), h.open("priya", "Gone")
	h.Must(h.Join("jonas", r.Room.ID))
	h.Must(h.Join("kiyo", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas", "kiyo")
	var since time.Time
	h.await("jonas has a time",
		func(l map[snowflake.ID]room.Live) bool { since = l[r.Room.ID].Roster[0].Since; return true })
	creations := h.asked("POST /guilds/{guild")

	h.whileDown(func() {
		h.Leave("kiyo")
		h.Must(h.Join("ada", r.Room.ID))
		h.Must(h.Join("tomas", r.Room.ID))
		h.Leave("tomas")
		h.do(http.MethodPatch, "/channels/"+r.Room.ID.String(), map[string]any{"name": "Saturday"}).Body.Close()
		h.do(http.MethodDelete, "/channels/"+gone.Room.ID.String(), nil).Body.Close()
	})
	if !h.resumed() {
		t.Error("the restart did not resume the session")
	}
	h.awaitRoster(r.Room.ID, "jonas", "ada")
	h.await("the room follows what was missed", func(l map[snowflake.ID]room.Live) bool {
		return len(l) == 1 && l[r.Room.ID].Room.Name == "Saturday" && l[r.Room.ID].Roster[0].Since.Equal(since)
	})
	h.Must(h.Join("tomas", r.Room.ID)) // and what comes now
	h.awaitRoster(r.Room.ID, "jonas", "ada", "tomas")
	if who := h.Command("mara", "rooms", nil); !strings.Contains(who.Message.Content, r.Room.ID.String()) {
		t.Errorf("after a resume /rooms says: %s", who.Message.Content)
	}
	if n := h.asked("POST /guilds/{guild"); n != creations {
		t.Errorf("resuming made %d channels", n-creations)
	}
	h.whileDown(func() {}) // nothing happened in between
	if !h.resumed() {
		t.Error("the second restart did not resume")
	}
	h.awaitRoster(r.Room.ID, "jonas", "ada", "tomas")
}

// A process that is killed leaves a checkpoint that is behind. What is
// repeated then changes nothing, and no command is acted on twice.
func TestResumeFromAnOlderCheckpoint(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	h.shut()
	old := h.shards()
	h.start()
	a := h.Command("jonas", "create-room", map[string]any{"name": "Friday"})
	id, err := snowflake.Parse(roomLink.FindStringSubmatch(a.Message.Content)[1])
	h.Must(err)
	for range 5 {
		h.Must(h.Join("kiyo", id))
		h.Leave("kiyo")
	}
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	answers := h.asked("POST /interactions/")

	h.whileDown(func() { h.turnBack(old) })
	if !h.resumed() {
		t.Fatal("not resumed")
	}
	h.awaitRoster(id, "jonas")
	h.eventually("the command that came again was dealt with", func() bool {
		return h.asked("POST /interactions/") > answers || h.counted("snug_interactions_passed_over_total") > 0
	})
	h.sweep()
	if n := len(h.channels()); n != len(h.channelsBut(id))+1 {
		t.Errorf("%d channels", n)
	}
	rooms, err := h.hub.Rooms.List(context.Background(), "")
	h.Must(err)
	if len(rooms) != 1 {
		t.Errorf("%d rooms of one command", len(rooms))
	}
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	for _, what := range h.facts.story {
		if strings.HasPrefix(what, "joined kiyo") || strings.HasPrefix(what, "left") {
			t.Errorf("what was repeated was told again: %v", h.facts.story)
		}
	}
}

// channelsBut lists the server's voice channels without one.
func (h *harness) channelsBut(id snowflake.ID) []snowflake.ID {
	var out []snowflake.ID
	for other := range h.channels() {
		if other != id {
			out = append(out, other)
		}
	}
	return out
}

// A session that Discord has forgotten, and a checkpoint that is not whole, begin anew and lose nothing.
func TestWithoutASessionToResume(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	h.shut()
	old := h.shards()
	h.start()
	_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultInvalidSession})
	h.Must(err)
	h.eventually("a new session began",
		func() bool { return h.counted("snug_gateway_connects_total", "kind=identify") == 1 })
	for name, change := range map[string]func(){
		"forgotten by Discord": func() { h.turnBack(old) },
		"a guild is missing": func() {
			h.stored(func(b *hub.Hub) { h.Must(b.Shards.Delete(context.Background(), fmt.Sprint("1.0.", h.Guild))) })
		},
		"damaged": func() {
			h.stored(func(b *hub.Hub) {
				_, err := b.Shards.Put(context.Background(), "1.0.head", hub.Sealed{Data: []byte("what is this")})
				h.Must(err)
			})
		},
	} {
		h.whileDown(func() {
			change()
			h.Leave("jonas")
			h.Must(h.Join("kiyo", r.Room.ID))
		})
		if h.counted("snug_gateway_connects_total", "kind=identify") != 1 {
			t.Errorf("%s: did not begin anew", name)
		}
		h.awaitRoster(r.Room.ID, "kiyo")
		h.whileDown(func() {
			h.Leave("kiyo")
			h.Must(h.Join("jonas", r.Room.ID))
		})
		if !h.resumed() {
			t.Errorf("%s: the next restart does not resume", name)
		}
		h.awaitRoster(r.Room.ID, "jonas")
	}
}

// TestRepeatedComings kills Snug at different moments after people came and went: whatever was stored by then, what
// Discord repeats completes it, and nothing is there twice.
func TestRepeatedComings(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]struct{ rooms, visits bool }{
		"all but the checkpoint was stored": {},
		"visits were not stored":            {visits: true},
		"rooms were not stored":             {rooms: true},
		"nothing was stored":                {rooms: true, visits: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.settings(`{"private":false}`)
			id, idle := h.open("jonas", "Friday").Room.ID, h.open("priya", "Idle").Room.ID
			h.Must(h.Join("jonas", id))
			h.awaitRoster(id, "jonas")
			h.shut()
			old := h.shards()
			was := h.keep()
			h.start()
			if !h.resumed() {
				t.Fatal("not resumed")
			}
			for _, n := range []string{"kiyo", "ada"} { // join, leave, join within a moment
				h.Must(h.Join(n, id))
				h.Leave(n)
				h.Must(h.Join(n, id))
			}
			h.Leave("jonas")
			h.Must(h.Join("mara", idle))
			h.Leave("mara")
			h.awaitRoster(id, "kiyo", "ada")
			held := func(l map[snowflake.ID]room.Live) bool { return len(l[id].Room.Held) == 1 }
			h.await("jonas's seat is held", held)
			h.shut()
			h.turnBack(old)
			h.stored(func(b *hub.Hub) { was.putBack(h, b, lost.rooms, lost.visits) })
			killed := h.clock.Now()
			h.start()
			if !h.resumed() {
				t.Fatal("not resumed after the kill")
			}
			h.awaitRoster(id, "kiyo", "ada")
			h.await("jonas's seat is held again", held)
			h.shut() // so that everything is stored
			h.stored(func(b *hub.Hub) {
				doc, _, err := b.Rooms.Latest(context.Background(), h.Guild.String()+"."+idle.String())
				h.Must(err)
				if since := doc.Idle.EmptySince; since.IsZero() || since.Before(killed.Add(-patience)) ||
					lost.rooms && since.Before(killed) {
					t.Errorf("who was in at %v left, and the room counts as empty since %v", killed, since)
				}
				for room, want := range map[snowflake.ID]string{
					id:   "+jonas +kiyo -kiyo +kiyo +ada -ada +ada -jonas",
					idle: "+mara -mara",
				} {
					log, _, err := b.Visits.Latest(context.Background(), h.Guild.String()+"."+room.String())
					h.Must(err)
					if got := h.comings(log); got != want {
						t.Errorf("the log says\n%s, not\n%s", got, want)
					}
				}
			})
		})
	}
}

// kept are documents as they were at a time.
type kept struct {
	rooms  []hub.Entry[room.Room]
	visits []hub.Entry[room.VisitLog]
}

func (h *harness) keep() (k kept) {
	h.stored(func(b *hub.Hub) {
		var err error
		k.rooms, err = b.Rooms.List(context.Background(), "")
		h.Must(err)
		k.visits, err = b.Visits.List(context.Background(), "")
		h.Must(err)
	})
	return k
}

// putBack puts documents back, and deletes the visits of rooms that had none.
func (k kept) putBack(h *harness, b *hub.Hub, rooms, visits bool) {
	h.Helper()
	ctx := context.Background()
	for _, e := range k.rooms {
		if rooms {
			_, err := b.Rooms.Put(ctx, e.Key, e.Value)
			h.Must(err)
		}
		if visits {
			h.Must(b.Visits.Delete(ctx, e.Key))
		}
	}
	for _, e := range k.visits {
		if visits {
			_, err := b.Visits.Put(ctx, e.Key, e.Value)
			h.Must(err)
		}
	}
}

// comings gives a log as words.
func (h *harness) comings(l room.VisitLog) string {
	var out []string
	for _, v := range l.List {
		who := map[bool]string{true: "-", false: "+"}[v.Left]
		for name, id := range h.People {
			if id == v.UserID {
				who += name
			}
		}
		out = append(out, who)
	}
	return strings.Join(out, " ")
}
