package hub

import (
	"context"
	"testing"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/testkit"
)

// TestFollowersGetCopies has two followers change what they get, and the publisher what it put.
func TestFollowersGetCopies(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	const events = 500
	type got struct {
		n    uint64
		name string
	}
	var came [2]chan got
	for i := range came {
		came[i] = make(chan got, events)
		caught := make(chan struct{})
		must(h.Rosters.Follow(context.Background(), Follower[room.Live]{Change: func(c Change[room.Live]) {
			came[i] <- got{c.Value.N, c.Value.Roster[0].Username}
			c.Value.Roster[0].Username = "changed by a follower"
		}, Caught: func() { close(caught) }}))(t)
		<-caught
	}
	p := must(h.Rosters.Publisher(0))(t)
	for n := range uint64(events) {
		v := live(n)
		if err := p.Put(guildKey(1, int(n%40)), v, nil); err != nil {
			t.Fatal(err)
		}
		v.Roster[0].Username = "changed by the publisher"
	}
	for i := range came {
		for n := range uint64(events) {
			if g := <-came[i]; g != (got{n, "someone"}) {
				t.Fatalf("follower %d got %+v as number %d", i, g, n)
			}
		}
	}
	r := h.Rosters.recent
	testkit.Eventually(t, "nothing is kept", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.at) == 0
	})
}

func TestPublisherCreates(t *testing.T) {
	t.Parallel()
	h := openHub(t, Options{})
	p := must(h.Guilds.Publisher(0))(t)
	results := make(chan error, 3)
	done := func(_ Rev, err error) { results <- err }
	for _, err := range []error{
		p.Create("1", room.GuildInfo{Name: "coming"}, done), p.Put("1", room.GuildInfo{Name: "there"}, done),
		p.Create("1", room.GuildInfo{Name: "late"}, done),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []errs.Code{"", "", errs.Conflict} {
		wantCode(t, <-results, want)
	}
	if v, _, err := h.Guilds.Latest(context.Background(), "1"); err != nil || v.Name != "there" {
		t.Errorf("%+v, %v", v, err)
	}
}
