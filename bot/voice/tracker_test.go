package voice_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
	"go.uber.org/goleak"

	"snug/bot/voice"
	"snug/shared/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	guild  snowflake.ID = 1
	friday snowflake.ID = 10 // a room
	monday snowflake.ID = 11 // another
	public snowflake.ID = 12 // a voice channel that isn't a room
)

// recorder stands for the hub; while down is set it takes nothing.
type recorder struct {
	mu   sync.Mutex
	down error
	puts []room.Live
}

func (r *recorder) Put(_ string, l room.Live, done func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down == nil {
		r.puts = append(r.puts, l)
	}
	done(r.down)
}

// take gives what was published since the last take, as words.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, l := range r.puts {
		what := "whole"
		if l.Event != nil {
			switch f := l.Event.Fact.(type) {
			case room.VoiceJoined:
				what = "+" + f.Person.DisplayName
			case room.VoiceLeft:
				what = fmt.Sprintf("-%d", f.UserID)
			case room.VoiceUpdated:
				what = fmt.Sprintf("~%s muted=%v", f.Person.DisplayName, f.Person.Muted)
			default:
				what = strings.TrimPrefix(fmt.Sprintf("%T", f), "room.")
			}
		}
		out = append(out, fmt.Sprintf("%d#%d %s %d", l.Room.ID, l.N, what, len(l.Roster)))
	}
	r.puts = nil
	return out
}

type harness struct {
	*voice.Tracker
	*recorder
	moves []voice.Move
}

// inside runs a presence in a bubble of fake time; everything enqueued is applied after synctest.Wait.
func inside(t *testing.T, f func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harness{recorder: &recorder{}}
		h.Tracker = voice.New(voice.Options{
			Publisher: h.recorder, Moved: func(m voice.Move) { h.moves = append(h.moves, m) }, Now: time.Now,
			Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); h.Run(ctx) }()
		f(h)
		cancel()
		<-ended
	})
}

func (h *harness) in(user, channel snowflake.ID, muted bool) {
	s, m := state(user, channel, muted)
	h.VoiceState(s, m, room.Mark{})
}

func state(user, channel snowflake.ID, muted bool) (discord.VoiceState, discord.Member) {
	s := discord.VoiceState{GuildID: guild, UserID: user, SelfMute: muted}
	if channel != 0 {
		s.ChannelID = &channel
	}
	return s, discord.Member{GuildID: guild, User: discord.User{ID: user, Username: fmt.Sprintf("u%d", user)}}
}

func summary(id snowflake.ID) room.Summary {
	return room.Summary{ID: id, GuildID: guild, Name: "Friday", Seats: 4}
}

func expect(t *testing.T, h *harness, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := h.take(); !slices.Equal(got, want) {
		t.Fatalf("published\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestVoiceStatesBecomeEvents(t *testing.T) {
	inside(t, func(h *harness) {
		h.in(7, public, false)
		h.Room(summary(friday), nil, room.Opened{})
		h.Room(summary(monday), nil, room.Opened{})
		expect(t, h, "10#1 Opened 0", "11#1 Opened 0")
		h.in(7, friday, false)
		h.in(7, friday, false) // a repeat changes nothing
		h.in(8, friday, false)
		h.in(8, friday, true)
		h.in(7, monday, false)
		h.in(8, 0, false)
		h.in(8, 0, false)
		h.in(9, public, false)
		expect(t, h, "10#2 +u7 1", "10#3 +u8 2", "10#4 ~u8 muted=true 2", "10#5 -7 1", "11#2 +u7 1", "10#6 -8 0")
		if got := h.ChannelOf(guild, 7); got != monday {
			t.Errorf("user 7 is in %d", got)
		}
		h.Closed(summary(monday), room.ClosedIdle)
		synctest.Wait()
		if last := h.puts[0]; !last.Gone() || time.Until(last.Until) != room.ClosedTTL {
			t.Errorf("the hub is to forget it at %v", last.Until)
		}
		expect(t, h, "11#3 Closed 1")
		h.in(7, 0, false) // no longer a room: nothing to publish
		expect(t, h)
		want := []voice.Move{
			{GuildID: guild, UserID: 7, To: public}, {GuildID: guild, UserID: 7, From: public, To: friday},
			{GuildID: guild, UserID: 8, To: friday},
			{GuildID: guild, UserID: 7, From: friday, To: monday}, {GuildID: guild, UserID: 8, From: friday},
			{GuildID: guild, UserID: 9, To: public}, {GuildID: guild, UserID: 7, From: monday},
		}
		if !slices.Equal(h.moves, want) {
			t.Errorf("moves %v\nwant  %v", h.moves, want)
		}
	})
}

func TestGuildCreateIsDiffed(t *testing.T) {
	inside(t, func(h *harness) {
		h.Room(summary(friday), nil, room.Opened{})
		h.in(7, friday, false)
		h.in(8, friday, false)
		synctest.Wait()
		h.take()
		s8, m8 := state(8, friday, true)
		s9, m9 := state(9, friday, false)
		h.Guild(guild, []discord.VoiceState{s8, s9}, []discord.Member{m8, m9})
		expect(t, h, "10#4 -7 1", "10#5 ~u8 muted=true 1", "10#6 +u9 2")
		h.Guild(guild, []discord.VoiceState{s8, s9}, []discord.Member{m8, m9})
		expect(t, h)
	})
}

func TestTrackComparesWithWhatTheHubHeld(t *testing.T) {
	inside(t, func(h *harness) {
		s8, m8 := state(8, friday, false)
		s9, m9 := state(9, friday, false)
		h.Guild(guild, []discord.VoiceState{s8, s9}, []discord.Member{m8, m9})
		prior := &room.Live{Room: summary(friday), N: 41, Roster: []room.Person{
			{UserID: 7, DisplayName: "u7"},
			{UserID: 8, Username: "u8", DisplayName: "u8", Since: time.Now().Add(-time.Hour)},
		}}
		done := false
		h.Track(guild, []voice.KnownRoom{{Room: summary(friday), Prior: prior}, {Room: summary(monday)}},
			func() { done = true })
		expect(t, h, "10#42 -7 1", "10#43 +u9 2", "11#1 whole 0")
		if !done {
			t.Error("Track did not tell that it is done")
		}
		if p := h.Roster(guild, friday)[0]; p.UserID != 8 || time.Since(p.Since) < time.Hour {
			t.Errorf("who stayed has a new time: %+v", p)
		}
	})
}

// While the hub takes nothing, the latest state is kept and published afterwards.
func TestHubOutage(t *testing.T) {
	inside(t, func(h *harness) {
		h.Room(summary(friday), nil, room.Opened{})
		synctest.Wait()
		h.take()
		h.mu.Lock()
		h.down = errors.New("down")
		h.mu.Unlock()
		h.in(7, friday, false)
		h.in(8, friday, false)
		h.in(7, 0, false)
		h.Room(summary(monday), nil, room.Opened{})
		h.Closed(summary(monday), room.ClosedIdle)
		time.Sleep(5 * voice.RetryAfter) // of the bubble's clock
		expect(t, h)
		h.mu.Lock()
		h.down = nil
		h.mu.Unlock()
		time.Sleep(2 * voice.RetryAfter)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		slices.SortFunc(h.puts, func(a, b room.Live) int { return cmp.Compare(a.Room.ID, b.Room.ID) })
		if len(h.puts) != 2 || h.puts[0].Event != nil || len(h.puts[0].Roster) != 1 ||
			h.puts[0].Roster[0].UserID != 8 || !h.puts[1].Gone() {
			t.Fatalf("after the outage: %+v", h.puts)
		}
	})
}

// Whatever is told in whatever order, repeated or lost and described anew,
// the events applied one by one give Discord's truth, in an unbroken count.
func TestRandomStories(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		inside(t, func(h *harness) {
			truth := map[snowflake.ID]snowflake.ID{}
			rooms := []snowflake.ID{friday, monday}
			for _, r := range rooms {
				h.Room(summary(r), nil, room.Opened{})
			}
			for range 60 {
				user := snowflake.ID(rnd.IntN(6) + 100)
				to := []snowflake.ID{0, friday, monday, public}[rnd.IntN(4)]
				truth[user] = to
				switch rnd.IntN(5) {
				case 0: // lost; the guild is described anew
					var states []discord.VoiceState
					var members []discord.Member
					for u, c := range truth {
						if c != 0 {
							s, m := state(u, c, false)
							states, members = append(states, s), append(members, m)
						}
					}
					h.Guild(guild, states, members)
				case 1: // repeated
					h.in(user, to, false)
					h.in(user, to, false)
				default:
					h.in(user, to, false)
				}
			}
			synctest.Wait()
			replay(t, seed, h.puts, rooms, truth)
		})
	}
}

func replay(t *testing.T, seed uint64, puts []room.Live, rooms []snowflake.ID, truth map[snowflake.ID]snowflake.ID) {
	t.Helper()
	in, n := map[snowflake.ID]map[snowflake.ID]bool{}, map[snowflake.ID]uint64{}
	for _, r := range rooms {
		in[r] = map[snowflake.ID]bool{}
	}
	for _, l := range puts {
		if n[l.Room.ID]++; l.N != n[l.Room.ID] {
			t.Fatalf("seed %d: room %d jumps to %d", seed, l.Room.ID, l.N)
		}
		switch f := l.Event.Fact.(type) {
		case room.VoiceJoined:
			if in[l.Room.ID][f.Person.UserID] {
				t.Fatalf("seed %d: %d joined twice", seed, f.Person.UserID)
			}
			in[l.Room.ID][f.Person.UserID] = true
		case room.VoiceLeft:
			if !in[l.Room.ID][f.UserID] {
				t.Fatalf("seed %d: %d left without having joined", seed, f.UserID)
			}
			delete(in[l.Room.ID], f.UserID)
		}
		if len(in[l.Room.ID]) != len(l.Roster) {
			t.Fatalf("seed %d: the roster and its events differ", seed)
		}
	}
	for u, c := range truth {
		for _, r := range rooms {
			if in[r][u] != (c == r) {
				t.Fatalf("seed %d: user %d in room %d is %v", seed, u, r, in[r][u])
			}
		}
	}
}

// TestAfterTheEnd: nobody waits for what a tracker that has ended would do, and what it has applied is exported.
func TestAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := voice.New(voice.Options{Publisher: &recorder{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		stop()
		s, m := state(7, friday, false)
		tr.VoiceState(s, m, room.Mark{})
		tr.Run(ctx)
		tr.Sync(t.Context())
		var got []voice.Occupant
		tr.Export(guild, func(list []voice.Occupant) { got = list })
		if len(got) != 1 || got[0].Channel != friday {
			t.Errorf("exported %v", got)
		}
	})
}

// TestMissedUntilTracked: what Discord repeats is told with a room that is tracked then; later moves are not kept.
func TestMissedUntilTracked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missed := map[string]int{}
		tr := voice.New(voice.Options{
			Publisher: &recorder{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Published: func(p voice.Publication) { missed[p.Key] += len(p.Missed) },
		})
		ctx, stop := context.WithCancel(t.Context())
		stop()
		move := func(channel snowflake.ID, seq int) {
			s, m := state(7, channel, false)
			tr.VoiceState(s, m, room.Mark{Session: "a", Seq: seq})
		}
		tr.Restore(guild, nil)
		move(friday, 1)
		move(monday, 2)
		tr.Track(guild, []voice.KnownRoom{{Room: summary(friday)}}, func() {})
		tr.Track(guild, []voice.KnownRoom{{Room: summary(friday)}}, func() {})
		move(friday, 3)
		move(monday, 4)
		tr.Track(guild, []voice.KnownRoom{{Room: summary(monday)}}, func() {})
		tr.Run(ctx)
		if want := map[string]int{voice.Key(guild, friday): 2, voice.Key(guild, monday): 0}; !maps.Equal(missed, want) {
			t.Errorf("missed were %v, not %v", missed, want)
		}
	})
}

// TestCollect: what comes after a pause is applied at once, what follows it together, and nobody who waits for it waits
// longer.
func TestCollect(t *testing.T) {
	const pause = 3 * time.Millisecond
	for name, c := range map[string]struct {
		after time.Duration // the first input
		waits bool          // somebody asks for an export then
		late  time.Duration
	}{
		"at once after a pause":     {pause, false, 0},
		"soon after another":        {pause / 3, false, pause - pause/3},
		"soon, and somebody waits":  {pause / 3, true, 0},
		"later, and somebody waits": {2 * pause, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var applied time.Time
				tr := voice.New(voice.Options{
					Publisher: &recorder{}, Collect: pause, Now: time.Now, Log: slog.New(slog.DiscardHandler),
					Moved: func(m voice.Move) { applied = time.Now() },
				})
				ctx, stop := context.WithCancel(t.Context())
				var ran sync.WaitGroup
				ran.Go(func() { tr.Run(ctx) })
				move := func(user snowflake.ID) {
					s, m := state(user, friday, false)
					tr.VoiceState(s, m, room.Mark{})
				}
				begun := time.Now()
				move(7)
				if synctest.Wait(); !applied.Equal(begun) {
					t.Error("the first waits")
				}
				time.Sleep(c.after)
				synctest.Wait()
				begun = time.Now()
				move(8)
				if c.waits {
					tr.Sync(t.Context())
				}
				time.Sleep(pause)
				synctest.Wait()
				if got := applied.Sub(begun); got != c.late {
					t.Errorf("applied after %v, not %v", got, c.late)
				}
				stop()
				ran.Wait()
			})
		})
	}
}
