package room_test

import (
	"strings"
	"testing"
	"time"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

func TestFreeSeats(t *testing.T) {
	const owner, in, held, other = 1, 2, 3, 4
	r := room.Room{OwnerID: owner, Seats: 2}
	r.SetHold(room.Hold{UserID: held, Until: at(time.Minute)}, start)
	roster := []room.Person{{UserID: in}, {UserID: 9, Bot: true}}
	for name, c := range map[string]struct{ got, want int }{
		"for whom it is held": {r.Free(roster, held, start), 1},
		"for others":          {r.Free(roster, other, start), 0},
		"for the owner":       {r.Free(roster, owner, start), 1},
		"when the hold ended": {r.Free(roster, other, at(time.Minute)), 1},
		"when they are there": {r.Free(append(roster, room.Person{UserID: held}), other, start), 0},
		"in an empty room":    {r.Free(nil, other, start), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d seats are free, want %d", name, c.got, c.want)
		}
	}
	r.SetHold(room.Hold{UserID: other, Until: at(time.Hour)}, at(2*time.Minute))
	if len(r.Holds) != 1 || r.Hold(held, at(2*time.Minute)) != nil || r.Hold(other, at(3*time.Minute)) == nil {
		t.Errorf("holds that ended stay: %+v", r.Holds)
	}
}

func TestRenameBudget(t *testing.T) {
	var n room.Renames
	for i, want := range []time.Time{start, at(time.Second), at(10 * time.Minute), at(10*time.Minute + time.Second)} {
		now := at(time.Duration(i) * time.Second)
		if got := n.Next(now); !got.Equal(later(want, now)) {
			t.Errorf("change %d is possible at %v, want %v", i, got, want)
		}
		if left := n.Left(now); left != max(0, 2-i) {
			t.Errorf("before change %d there are %d left", i, left)
		}
		n.Record(n.Next(now))
	}
	n.NotBefore = at(time.Hour)
	if got := n.Next(start); !got.Equal(at(time.Hour)) || n.Left(start) != 0 {
		t.Errorf("though Discord said to wait: %v", got)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func TestKnocksEnd(t *testing.T) {
	q := room.Knock{At: start}
	refused := room.Knock{At: start, RefusedAt: at(time.Minute)}
	for name, c := range map[string]struct{ got, want bool }{
		"pending":         {q.Pending(at(time.Minute)), true},
		"an hour later":   {q.Pending(at(time.Hour)), false},
		"stale":           {q.Stale(at(time.Hour)), true},
		"refused":         {refused.Pending(at(2 * time.Minute)), false},
		"during the cool": {refused.Stale(at(10 * time.Minute)), false},
		"after it":        {refused.Stale(at(11 * time.Minute)), true},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}

func TestMayKnockAndWatch(t *testing.T) {
	a := room.Access{
		OwnerID: 1, Private: true, Banned: append(room.Access{}.Banned, 3), Guests: append(room.Access{}.Guests, 2),
	}
	for who, want := range map[uint64]bool{1: false, 2: false, 3: false, 4: true} {
		s := access.Standing{Member: true, Base: access.Enter}
		s.UserID += s.UserID
		for range who {
			s.UserID++
		}
		if a.MayKnock(s) != want {
			t.Errorf("%d may knock: %v", who, !want)
		}
	}
	if a.MayWatch("") || a.MayWatch("x") {
		t.Error("a room that may not be watched is")
	}
	a.WatchKey = room.WatchKey("x")
	if !a.MayWatch("x") || a.MayWatch("y") || a.MayWatch("") || strings.Contains(a.WatchKey, "x") {
		t.Error("the watch token decides otherwise")
	}
}

func TestCleanStatus(t *testing.T) {
	for in, want := range map[string]string{
		"  Round\n2 ": "Round 2", " ": "", "\u200b": "", strings.Repeat("ü", 500): strings.Repeat("ü", 500),
	} {
		if got, err := schema.CleanStatus(in); got != want || err != nil {
			t.Errorf("%q gives %q, %v", in, got, err)
		}
	}
	if _, err := schema.CleanStatus(strings.Repeat("ü", 501)); !errs.Has(err, errs.Invalid) {
		t.Errorf("501 characters: %v", err)
	}
}
