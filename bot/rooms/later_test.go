package rooms_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
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
			3, // its entry and its call to Discord are done
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
			rooms := w.bot.Snapshot(w.guild).Rooms
			if len(rooms) != 1 || !c.is(rooms[0]) {
				t.Errorf("at once it is %s", jsonOf(rooms))
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
	if rooms := w.bot.Snapshot(w.guild).Rooms; len(rooms) != 1 || !rooms[0].ClosingAt.IsZero() {
		t.Errorf("with somebody inside it is %s", jsonOf(rooms))
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
