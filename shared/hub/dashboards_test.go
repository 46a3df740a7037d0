package hub

import (
	"context"
	"sync"
	"testing"
	"time"

	"snug/shared/testkit"
)

// TestCountingDashboards: everyone who serves the web counts, and none is forgotten before it must be gone.
func TestCountingDashboards(t *testing.T) {
	t.Parallel()
	web := &Lease{Process: &Process{Roles: []string{"bot", "dashboard"}}}
	bot := &Lease{Process: &Process{Roles: []string{"bot"}, Bot: true}}
	type step struct {
		key   string // "": all contents begin again
		lease *Lease // nil: the key is gone
		later time.Duration
		want  int
	}
	one, two := step{"process.a", web, 0, 1}, step{"process.b", web, 0, 2}
	after := func(d time.Duration, want int) step { return step{"4.2", nil, d, want} }
	for name, steps := range map[string][]step{
		"nobody is announced":      {{"process.b", bot, 0, 1}},
		"this one":                 {one},
		"two":                      {one, two, {"process.a", web, 0, 2}},
		"leases are no processes":  {{"4.2", web, 0, 1}, {"4.3", web, 0, 1}, {"generation", web, 0, 1}},
		"one stops":                {one, two, {"process.b", nil, 0, 2}, after(lingers-1, 2), after(1, 1)},
		"an unknown one stops":     {one, {"process.b", nil, 0, 1}},
		"one stops, and is back":   {one, two, {"process.b", nil, 0, 2}, two, after(time.Hour, 2)},
		"all have to come again":   {one, two, {"", nil, 0, 2}, {"process.a", web, 1, 2}, after(lingers-1, 1)},
		"no news for an hour":      {one, two, after(time.Hour, 2)},
		"one is no longer for web": {one, two, {"process.b", bot, 0, 2}, after(lingers, 1)},
	} {
		var d dashboards
		now := time.Now()
		for i, s := range steps {
			if now = now.Add(s.later); s.key == "" {
				d.reset(now)
			} else {
				d.learn(s.key, s.lease, now)
			}
			if got := d.count(now); got != s.want {
				t.Errorf("%s, step %d: %d, want %d", name, i, got, s.want)
			}
		}
	}
}

// TestDashboardsOfAHub: processes on a NATS server know how many of them serve the web, and while it is away.
func TestDashboardsOfAHub(t *testing.T) {
	t.Parallel()
	server := startOutside(t, nil)
	one, two := openHub(t, Options{URL: server.url}), openHub(t, Options{URL: server.url})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	bot := openHub(t, Options{URL: server.url})
	for h, role := range map[*Hub]string{one: "dashboard", two: "dashboard", bot: "bot"} {
		all.Go(func() { h.Attend(ctx, "here", Process{Roles: []string{role}}) })
	}
	testkit.Eventually(t, "both know of each other",
		func() bool { return one.Dashboards() == 2 && two.Dashboards() == 2 })
	server.stop()
	<-one.link.present().Done()
	if n := one.Dashboards(); n != 2 {
		t.Errorf("while the hub is away: %d", n)
	}
	server.start()
	if n := openHub(t, Options{}).Dashboards(); n != 1 {
		t.Errorf("of an embedded hub: %d", n)
	}
}
