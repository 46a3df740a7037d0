package webhooks

import (
	"fmt"
	"testing"
	"time"

	"snug/shared/hub"
	"snug/shared/webhook"
)

// TestQueue applies writes and deletions, including ones that arrive late or twice.
func TestQueue(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	k := keyOf(100, 1)
	key := func(id string) string { return k.String() + "." + id }
	pending := func(id string, next time.Duration) *webhook.Delivery {
		return &webhook.Delivery{
			ID: id, GuildID: k.guild, HookID: k.id, State: webhook.Pending, At: now, NextAt: now.Add(next),
		}
	}
	done := &webhook.Delivery{State: webhook.Done, At: now}
	type write struct {
		id  string
		d   *webhook.Delivery
		rev hub.Rev
	}
	for _, c := range []struct {
		name    string
		writes  []write
		next    string // "" for nothing due
		waiting int
	}{
		{name: "nothing"},
		{name: "one that is due", writes: []write{{"a", pending("a", 0), 1}}, next: "a", waiting: 1},
		{name: "one that is not due yet", writes: []write{{"a", pending("a", time.Second), 1}}, waiting: 1},
		{
			name:   "due for longest goes first",
			writes: []write{{"a", pending("a", -time.Second), 1}, {"b", pending("b", -time.Minute), 2}}, next: "b",
			waiting: 2,
		},
		{
			name:   "tried again later",
			writes: []write{{"a", pending("a", 0), 1}, {"a", pending("a", time.Minute), 2}}, waiting: 1,
		},
		{name: "taken", writes: []write{{"a", pending("a", 0), 1}, {"a", done, 2}}},
		{name: "taken, and told late of before", writes: []write{{"a", done, 2}, {"a", pending("a", 0), 1}}},
		{name: "sent again", writes: []write{{"a", done, 2}, {"a", pending("a", 0), 3}}, next: "a", waiting: 1},
		{name: "deleted", writes: []write{{"a", pending("a", 0), 1}, {"a", nil, 2}}},
		{name: "a key that is none", writes: []write{{"", pending("a", 0), 1}}, next: "a", waiting: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue()
			q.set("no key of a delivery", done, 1)
			for _, w := range c.writes {
				q.set(key(w.id), w.d, w.rev)
			}
			d, due := q.next(k, now)
			if due != (c.next != "") || due && d.ID != c.next || q.waiting(k) != c.waiting {
				t.Errorf("next is %q, %v, and %d wait; want %q and %d", d.ID, due, q.waiting(k), c.next, c.waiting)
			}
		})
	}
}

func TestQueueSurplus(t *testing.T) {
	q, k, now := newQueue(), keyOf(100, 1), time.Unix(1_000_000, 0)
	for i := range 5 {
		q.set(fmt.Sprint(k, ".m", i),
			&webhook.Delivery{State: webhook.Done, At: now.Add(time.Duration(i) * time.Second)}, hub.Rev(i+1))
	}
	q.set(fmt.Sprint(k, ".p"), &webhook.Delivery{State: webhook.Pending, At: now.Add(-time.Hour)}, 9)
	got := q.surplus(k, 3)
	if len(got) != 2 || got[k.String()+".m0"] != 1 || got[k.String()+".m1"] != 2 {
		t.Errorf("got %v, want the two oldest that are over", got)
	}
	if got := q.surplus(k, 5); got != nil {
		t.Errorf("got %v, want none", got)
	}
}
