package webhooks

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

func keyOf(guild, hook int) hookKey {
	return hookKey{snowflake.ID(uint64(guild)), fmt.Sprint("h", hook)} //nolint:gosec // small numbers
}

// hooksOf returns n hooks of a server that all have something due.
func hooksOf(guild, n int) (list []hookKey) {
	for i := range n {
		list = append(list, keyOf(guild, i))
	}
	return list
}

// drain starts sends until no hook may send, and returns the hooks in order.
func drain(tt *scheduler, now time.Time, due []hookKey) (got []hookKey) {
	for k, ok := tt.begin(now, due); ok; k, ok = tt.begin(now, due) {
		got = append(got, k)
	}
	return got
}

func TestTurns(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	took := func(k hookKey, d time.Duration, failed bool) func(*scheduler) {
		return func(tt *scheduler) {
			tt.begin(start.Add(-d), []hookKey{k})
			tt.end(start, k, failed)
		}
	}
	// slowOnes are servers that took ten seconds for a message, with four more sends in progress.
	slowOnes := func(tt *scheduler) {
		var due []hookKey
		for g := range 40 {
			took(keyOf(1000+g, 0), 10*time.Second, false)(tt)
			due = append(due, hooksOf(1000+g, perGuild)...)
		}
		if n := len(drain(tt, start, due)); n != slowSlots {
			t.Fatalf("slow servers have %d turns, want %d", n, slowSlots)
		}
	}
	for _, c := range []struct {
		name   string
		before func(*scheduler)
		due    []hookKey
		after  time.Duration
		want   []hookKey // who goes first; those after them count too
		n      int       // how many turns are given
	}{
		{name: "nothing is due"},
		{name: "a hook has one turn at a time", due: []hookKey{keyOf(1, 1), keyOf(1, 1)}, n: 1},
		{name: "a server has few turns at a time", due: hooksOf(1, 10), n: perGuild},
		{
			name: "who used least goes first", before: took(keyOf(1, 0), time.Second, false),
			due: []hookKey{keyOf(1, 0), keyOf(2, 0)}, want: []hookKey{keyOf(2, 0), keyOf(1, 0)}, n: 2,
		},
		{name: "slow servers get half at most", before: slowOnes, due: hooksOf(1001, 10)},
		{
			name: "who is quick is served beside them, one message at a time", before: slowOnes,
			due: slices.Concat(hooksOf(1001, 10), hooksOf(7, 3)), want: []hookKey{keyOf(7, 0)}, n: 1,
		},
		{name: "a hook that failed rests", before: took(keyOf(1, 0), time.Millisecond, true), due: hooksOf(1, 1)},
		{
			name: "and not for ever", before: took(keyOf(1, 0), time.Millisecond, true), due: hooksOf(1, 1),
			after: time.Second, n: 1,
		},
		{
			name: "its server's others do not", before: took(keyOf(1, 0), time.Millisecond, true), due: hooksOf(1, 2),
			n: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			tt := newScheduler()
			if c.before != nil {
				c.before(tt)
			}
			got := drain(tt, start.Add(c.after), c.due)
			if len(got) != c.n || !slices.Equal(got[:min(len(got), len(c.want))], c.want) {
				t.Errorf("turns for %v; want %d, first %v", got, c.n, c.want)
			}
		})
	}
}

// TestTurnsForgetNothingRunning: whatever begins and ends, the counts match the sends in progress.
func TestTurnsForgetNothingRunning(t *testing.T) {
	tt, now := newScheduler(), time.Unix(1_000_000, 0)
	for g := range remembered + 100 {
		k, ok := tt.begin(now, []hookKey{keyOf(g+1, 0)})
		if !ok {
			t.Fatal("no turn for a server that is new")
		}
		now = now.Add(time.Second)
		tt.end(now, k, true)
	}
	if tt.running != 0 || tt.slow != 0 || len(tt.guilds) > remembered+1 || len(tt.hooks) > remembered+1 {
		t.Errorf("%d running, %d of them slow; %d servers and %d hooks known", tt.running, tt.slow, len(tt.guilds),
			len(tt.hooks))
	}
}

func TestRest(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute,
	} {
		if got := backoff(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
}
