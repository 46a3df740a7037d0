package dashboard

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/request"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/uptime"
)

// What the status page says is what was noted each minute.
func TestStatus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.actions.MarkUptime(t.Context())
	b.clock.Forward(2 * time.Minute)
	b.actions.MarkUptime(t.Context())
	b.clock.Forward(time.Minute)
	d, _, err := b.hub.Uptime.Get(t.Context(), uptime.Key(b.clock.Now()))
	if err != nil || d.Until.IsZero() {
		t.Fatal(d, err)
	}
	got := b.browser("").get("/status")
	for _, want := range []string{
		"Snug is working.", "66.66 %", "2 minutes up", "1 unchecked", "Storage", "Target",
	} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d without %q: %s", got.status, want, got.text())
		}
	}
}

// Programs are told the same, signed in or not.
func TestStatusByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var first, out gotStatus
	b.browser("").api("GET", "/api/v1/status", "").json(&first)
	b.actions.MarkUptime(t.Context())
	b.clock.Forward(2 * time.Minute)
	b.actions.MarkUptime(t.Context())
	b.clock.Forward(time.Minute)
	b.browser("").api("GET", "/api/v1/status", "").json(&out)
	if a := first.Availability; a.Percent != 100 || a.Since != nil {
		t.Errorf("before the first look: %+v", a)
	}
	if a := out.Availability; !out.Serving || len(out.Parts) != 2 || !out.Parts[0].Ready || a.Percent != 66.66 ||
		a.Up != 2 || a.Unseen != 1 || a.Since == nil {
		t.Errorf("got %+v", out)
	}
}

// botHealth is what the bot tells of itself.
func botHealth(now time.Time) guild.Health {
	return guild.Health{
		Now: now,
		Gateway: guild.GatewayHealth{
			Shard: 3, Shards: 4, Phase: "resuming", Since: now.Add(-2 * time.Minute), Resumes: 5, Sessions: 1,
			Failed: now.Add(-2 * time.Minute), Reason: "close_4000",
		},
		Queue: guild.QueueHealth{
			Waiting: 17, Longest: 420 * time.Millisecond, Limited: 6, LastLimited: now.Add(-time.Hour),
			Blocked: now.Add(time.Minute),
		},
		DMs: guild.DMHealth{
			Known: true, Paused: now.Add(20 * time.Minute), Held: 9, LastHeld: now,
			Budgets: []guild.DMBudget{{Left: 0, Max: 10, Window: 10 * time.Minute}},
		},
		Opens: 0, OpensMax: 100, OpensWindow: 5 * time.Minute, NextOpen: now.Add(40 * time.Second),
		Rooms: []guild.RoomRenames{{ID: 7, Name: "Friday <b>", Next: now.Add(7 * time.Minute), Wanted: "Saturday"}},
		Errors: []guild.RecentError{
			{At: now, Text: "it <b>broke</b>", Code: errs.Internal, InteractionID: "4711", Times: 3},
		},
	}
}

// Managers read what the bot tells of itself, on the page and through the API.
func TestHealth(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	type manage = guild.ManageRequest
	hub.HealthOf.Serve(b.bot.Calls, func(_ context.Context, _ snowflake.ID, q manage) (guild.Health, error) {
		return botHealth(b.clock.Now()), nil
	})
	w := b.signedIn(manager)
	got := w.get("/admin/100/health")
	for _, want := range []string{
		"Catching up, 2 min ago", "shard 3 of 4", "5 / 1", "close_4000", "420 ms", "6, 1 h ago",
		"rejects all requests until", "0 of 100 in 5 min", "Next one in 40 s", "no new ones until",
		"Snug is holding some back", "0 of 10 left in 10 min", "9, just now", "Friday &lt;b&gt;",
		"then renamed to “Saturday”", "it &lt;b&gt;broke&lt;/b&gt;", "3 times", "Interaction 4711",
	} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d without %q", got.status, want)
		}
	}
	if got := b.signedIn(member).get("/admin/100/health"); got.status != 403 {
		t.Errorf("a member is answered %d", got.status)
	}
	var j gotHealth
	w.api("GET", "/api/v1/guilds/100/health", "").json(&j)
	if j.Gateway.Phase != "resuming" || j.Gateway.Failed == nil || j.Queue.Waiting != 17 || j.Queue.Longest != 420 ||
		!j.DMs.HeldBack || j.DMs.Paused == nil || j.DMs.Held != 9 || len(j.Rooms) != 1 ||
		j.Rooms[0].Wanted != "Saturday" || len(j.Troubles) != 1 || j.Troubles[0].Times != 3 {
		t.Errorf("the API tells %+v", j)
	}
}

// What does not fit together is found, and mended when it is named.
func TestRepairByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	left, err := b.bot.Discord.CreateLobby(t.Context(), friends, 0, "Left over") // by a Snug that does not remember it
	b.must(err)
	w := b.signedIn(manager)
	for _, c := range []struct {
		body   string
		mended bool
	}{{"", false}, {`{"apply":true}`, false}, {`{"apply":true,"only":["unknown.` + left.String() + `"]}`, true}} {
		var out gotRepair
		w.api("POST", "/api/v1/guilds/100/repair", c.body).json(&out)
		if len(out.Findings) != 1 || out.Findings[0].ChannelID == nil || *out.Findings[0].ChannelID != left ||
			out.Findings[0].Name != "Left over" || !out.Findings[0].Risky || out.Findings[0].Mended != c.mended {
			t.Errorf("%q: %+v", c.body, out)
		}
	}
	if _, err := b.bot.Discord.FetchChannel(t.Context(), friends, left); !errs.Has(err, errs.NotFound) {
		t.Errorf("the channel: %v", err)
	}
}

// TestAPIDocumentListsTheCodes: docs/api.md has every code with the status it comes with and what it means.
func TestAPIDocumentListsTheCodes(t *testing.T) {
	doc, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range errs.Codes() {
		if row := fmt.Sprintf("| `%s` | %d | %s |", c.Code, request.StatusOfCode(c.Code),
			c.Means); !strings.Contains(string(doc), row) {
			t.Errorf("docs/api.md lacks: %s", row)
		}
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got := b.browser("").get("/api")
	for _, op := range b.api.Operations() {
		if !strings.Contains(got.body, `id="`+op.ID+`"`) {
			t.Errorf("%s is not explained", op.ID)
		}
	}
	if got.status != 200 || strings.Contains(got.body, "http://cdn") {
		t.Errorf("got %d", got.status)
	}
}
