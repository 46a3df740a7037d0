package main

import (
	"net/http"
	"testing"
	"time"

	"snug/shared/config"
	"snug/shared/testkit"
)

// TestDashboardsShareLimits: two dashboards together let somebody do as much as one alone would.
func TestDashboardsShareLimits(t *testing.T) {
	t.Parallel()
	const logins = 120 // that somebody may begin at once
	nats, now := natsServer(t), time.Now()
	dashboard := func() (*app, string) {
		l, err := listen("127.0.0.1:0", "--addr")
		testkit.NoError(t, err)
		url := "http://" + l.Addr().String()
		a, err := start(t.Context(), setup{
			Serve: config.Serve{
				Roles: []string{config.RoleDashboard}, NATSURL: nats, BaseURL: url, DiscordURL: "http://127.0.0.1:1",
				ClientID: config.ID{ID: 1}, ClientSecret: "x",
				SessionSecret: "6f1c8e0b5a7d4932c8e1f0a9b3d2746558fa01cc9d3e7b2640a1f5e8d7c6b394",
			},
			listener: l, log: testkit.Logger(), now: func() time.Time { return now }, // nothing fills up again
		})
		testkit.NoError(t, err)
		t.Cleanup(func() {
			if err := a.close(); err != nil {
				t.Error(err)
			}
		})
		return a, url
	}
	client := http.Client{
		Transport:     testkit.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	begun := func(url string) (n int) {
		for range logins + 1 {
			res, err := client.Get(url + "/login")
			testkit.NoError(t, err)
			res.Body.Close()
			switch res.StatusCode {
			case http.StatusSeeOther:
				n++
			case http.StatusTooManyRequests:
				return n
			default:
				t.Fatalf("status %d", res.StatusCode)
			}
		}
		return n
	}
	one, first := dashboard()
	two, second := dashboard()
	testkit.Eventually(t, "each knows of the other",
		func() bool { return one.hub.Dashboards() == 2 && two.hub.Dashboards() == 2 })
	if n, m := begun(first), begun(second); n != logins/2 || m != logins/2 {
		t.Errorf("%d and %d logins were begun, want %d of each", n, m, logins/2)
	}
}
