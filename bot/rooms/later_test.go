package rooms_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/bot/voice"
	"snug/shared/audit"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/testkit"
)

// TestComingsAreStoredTogether has people come and go within a moment: nothing is written for each of them, the room in
// memory is right at once, and what is stored in the end is that room, in one write at most.
func TestComingsAreStoredTogether(t *testing.T) {
	join := func(user snowflake.ID) func(*world) {
		return func(w *world) { w.must(w.discord.Join(user, w.room)) }
	}
	leave := func(user snowflake.ID) func(*world) { return func(w *world) { w.discord.Leave(user) } }
	empty := func(r room.Room) bool { return !r.Idle.EmptySince.IsZero() && !r.OwnerLeftAt.IsZero() }
	held := func(r room.Room, who ...snowflake.ID) bool {
		var have []snowflake.ID
		for _, h := range r.Holds {
			if h.Why == room.HeldBack {
				have = append(have, h.UserID)
			}
		}
		return slices.Equal(have, who)
	}
	for name, c := range map[string]struct {
		inside []snowflake.ID
		steps  []func(*world)
		writes int
		is     func(room.Room) bool
	}{
		"one joins": {nil, []func(*world){join(mara)}, 1, func(r room.Room) bool { return !empty(r) && held(r) }},
		"join, leave, join": {
			nil, []func(*world){join(mara), leave(mara), join(mara)}, 1,
			func(r room.Room) bool { return !empty(r) && held(r) },
		},
		"leave, join, leave": {
			[]snowflake.ID{mara}, []func(*world){leave(mara), join(mara), leave(mara)}, 1,
			func(r room.Room) bool { return empty(r) && held(r, mara) },
		},
		"who left is back": {
			[]snowflake.ID{mara, jonas}, []func(*world){leave(jonas), join(jonas)}, 0,
			func(r room.Room) bool { return !empty(r) && held(r) },
		},
		"all leave": {
			[]snowflake.ID{mara, jonas}, []func(*world){leave(mara), leave(jonas)}, 1,
			func(r room.Room) bool { return empty(r) && held(r, mara, jonas) },
		},
		"a change of another kind stores it": {
			[]snowflake.ID{mara, jonas},
			[]func(*world){leave(jonas), acted(mara, room.DoLock, room.ChangeRequest{})},
			2, // with what it is about to do, and when that is done and its entry published
			func(r room.Room) bool { return r.Locked && held(r, jonas) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			then(opened, guests(jonas))(w)
			w.enter(c.inside...)
			w.settle()
			w.faults.arm(0, "")
			for _, step := range c.steps {
				step(w)
				w.rest()
			}
			open := w.bot.Snapshot(w.guild).Rooms
			if len(open) != 1 || !c.is(open[0]) {
				t.Errorf("at once it is %s", jsonOf(open))
			}
			w.settle()
			if doc, _ := w.doc(); !c.is(doc) {
				t.Errorf("stored is %s", jsonOf(doc))
			}
			steps, _ := w.faults.disarm()
			writes := 0
			for _, s := range steps {
				if s == "update rooms" {
					writes++
				}
			}
			if writes != c.writes {
				t.Errorf("%d writes: %v", writes, steps)
			}
		})
	}
}

// TestWritesOfAnOpening counts them: what is published of the room's outbox leaves it with the panel's message. One
// more isn't a server's, and not seen here: where the invite's code leads.
func TestWritesOfAnOpening(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults.arm(0, "")
	out, err := w.bot.Open(t.Context(), w.guild, "", room.OpenRequest{Actor: actor(mara)})
	w.must(err)
	w.room = out.Room.ID
	w.must(w.bot.SetPanel(t.Context(), w.guild, w.room, room.Panel{MessageID: 5, Shown: "a"}))
	w.settle()
	steps, _ := w.faults.disarm()
	var writes []string
	for _, s := range steps {
		if isWrite(s) {
			writes = append(writes, s)
		}
	}
	want := []string{"put pending_creates", "create rooms", "append AUDIT", "delete pending_creates", "update rooms"}
	if !slices.Equal(writes, want) {
		t.Errorf("writes are %q", writes)
	}
	if doc, _ := w.doc(); len(doc.Outbox) > 0 || doc.Panel.MessageID != 5 {
		t.Errorf("stored is %s", jsonOf(doc))
	}
}

// TestPublishedAgain ends the process when an entry is published and still in the stored outbox: it is in the activity
// once, and the log channel gets it once.
func TestPublishedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open()
	w.must(w.save(func(s *guild.Settings) { s.LogChannelID = w.discord.AddChannel(rooms.KindText, "log", 0) }))
	w.settle()
	w.faults.arm(4, diesAt)
	_ = w.change(mara, room.DoLock, room.ChangeRequest{})
	w.faults.mu.Lock()
	steps := slices.Clone(w.faults.steps)
	w.faults.mu.Unlock()
	if !w.faults.isDead() || steps[2] != "append AUDIT" {
		t.Fatalf("%v", numbered(steps))
	}
	if doc, _ := w.doc(); len(doc.Outbox) != 1 {
		t.Fatalf("the outbox is %v", doc.Outbox)
	}
	told := func() (n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, notice := range w.notices {
			log, _ := notice.(rooms.LogEntries)
			for _, e := range log.Entries {
				if e.Kind == audit.PrivacyChanged {
					n++
				}
			}
		}
		return n
	}
	testkit.Eventually(t, "the log channel is told", func() bool { return told() > 0 })
	w.restart()
	if doc, _ := w.doc(); len(doc.Outbox) != 0 {
		t.Errorf("after the start the outbox is %v", doc.Outbox)
	}
	if n := told(); n != 1 {
		t.Errorf("the log channel got it %d times", n)
	}
	w.sweepAll()
	w.consistent()
}

// TestUnsavedIsStoredByItself waits for what nobody asks for.
func TestUnsavedIsStoredByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	then(opened, guests(jonas))(w)
	w.must(w.discord.Join(mara, w.room))
	w.rest()
	if doc, _ := w.doc(); doc.Idle.EmptySince.IsZero() {
		t.Error("it was written at once")
	}
	stored := make(chan error, 1)
	go func() { stored <- w.bot.Stored(context.Background(), []snowflake.ID{w.guild}, false) }()
	w.must(<-stored) // a checkpoint waits for it
	if doc, _ := w.doc(); !doc.Idle.EmptySince.IsZero() {
		t.Errorf("the checkpoint was told that it is stored: %s", jsonOf(doc))
	}
	w.must(w.bot.Stored(t.Context(), []snowflake.ID{w.guild}, false))
}

// TestClosingKnowsWhatIsUnsaved closes by the room in memory: a room that somebody has just entered stays.
func TestClosingKnowsWhatIsUnsaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open()
	w.clock.Forward(50 * time.Minute)
	w.must(w.discord.Join(mara, w.room))
	w.rest()
	w.clock.Forward(50 * time.Minute)
	_ = w.bot.Sweep(t.Context())
	w.rest()
	if open := w.bot.Snapshot(w.guild).Rooms; len(open) != 1 || !open[0].ClosingAt.IsZero() {
		t.Errorf("with somebody inside it is %s", jsonOf(open))
	}
	w.settle()
}

// TestFailedSavesAreRepeated fails what is stored later, in each way: it is stored in the end, and until then no
// checkpoint passes it.
func TestFailedSavesAreRepeated(t *testing.T) {
	for _, kind := range []fault{refused, unsent, lost, noSpace} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			then(opened, guests(jonas), inside(mara, jonas))(w)
			w.settle()
			w.discord.Leave(jonas)
			w.rest()
			w.faults.arm(1, kind)
			w.bot.Save(t.Context())
			if _, hit := w.faults.disarm(); !hit {
				t.Fatal("nothing was written")
			}
			testkit.Eventually(t, "it is stored", func() bool {
				return w.bot.Stored(t.Context(), []snowflake.ID{w.guild}, false) == nil
			})
			if doc, _ := w.doc(); doc.Hold(jonas, time.Time{}) == nil {
				t.Errorf("stored is %s", jsonOf(doc))
			}
			w.settle()
			w.consistent()
		})
	}
}

// TestMissedMoves loads a guild after Discord repeated moves in it, as after a kill: who left has their seat held, and
// a room that somebody was in has only now become empty.
func TestMissedMoves(t *testing.T) {
	for name, c := range map[string]struct {
		moves []voice.Move
		held  bool
		again bool // the room counts as empty anew
	}{
		"nobody moved": {nil, false, false},
		"one was in":   {[]voice.Move{{UserID: mara, To: 1}, {UserID: mara, From: 1}}, true, true},
		"a bot was in": {
			[]voice.Move{{UserID: jukebox, Bot: true, To: 1}, {UserID: jukebox, Bot: true, From: 1}}, false, false,
		},
		"one went on": {[]voice.Move{{UserID: mara, From: 1, To: 2}}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.open()
			doc, _ := w.doc()
			since := doc.Idle.EmptySince
			w.clock.Forward(10 * time.Minute)
			w.bot.Stop(t)
			w.startMissing(c.moves)
			doc, _ = w.doc()
			if got := doc.Hold(mara, time.Time{}) != nil; got != c.held {
				t.Errorf("a seat is held: %v, by %s", got, jsonOf(doc))
			}
			if got := doc.Idle.EmptySince.After(since); got != c.again {
				t.Errorf("empty since %v, before %v", doc.Idle.EmptySince, since)
			}
		})
	}
}

// startMissing starts the rooms after they have missed moves; channel 1 is the room.
func (w *world) startMissing(moves []voice.Move) {
	w.Helper()
	w.build()
	for _, m := range moves {
		m.GuildID = w.guild
		for _, c := range []*snowflake.ID{&m.From, &m.To} {
			if *c == 1 {
				*c = w.room
			}
		}
		w.bot.Moved(m)
	}
	w.load()
}

// TestHeldSeatComesWithWhoLeft counts what is published: one change for each who comes or goes, with the seats as they
// are stored then, and one more where the rooms decide otherwise than the tracker did.
func TestHeldSeatComesWithWhoLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	then(opened, guests(jonas), inside(mara, jonas))(w)
	w.settle()
	published := func() room.Live {
		w.Helper()
		l, _, err := w.hub.Rosters.Get(t.Context(), voice.Key(w.guild, w.room))
		w.must(err)
		return l
	}
	for i, step := range []struct {
		do      func()
		held, n int
	}{
		{func() { w.discord.Leave(jonas) }, 1, 1},
		{func() { w.must(w.discord.Join(jonas, w.room)) }, 0, 1},
		{func() { w.must(w.change(mara, room.DoKick, room.ChangeRequest{User: jonas})) }, 0, 2}, // and a guest less
	} {
		was := published().N
		step.do()
		w.rest()
		testkit.Eventually(t, fmt.Sprintf("step %d is published, and no more", i), func() bool {
			is := published()
			return is.N == was+uint64(step.n) && len(is.Room.Held) == step.held
		})
	}
	w.settle()
	w.consistent()
}
