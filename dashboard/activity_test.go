package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/room"
	"snug/shared/stats"
)

// happened appends audit entries, one a second up to now.
func (b *bench) happened(g snowflake.ID, entries ...audit.Entry) {
	b.t.Helper()
	for i, e := range entries {
		if e.At.IsZero() {
			e.At = b.clock.Now()
		}
		e.ID, e.GuildID = fmt.Sprintf("%d-%d-%d", g, e.At.UnixNano(), i), g
		if err := b.hub.Audit.Append(b.t.Context(), e.ID, g, e.RoomID, string(e.Kind), e); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestActivity(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.happened(friends,
		audit.Entry{Kind: audit.RoomOpened, RoomID: 7, By: owner, Via: access.ViaWeb},
		audit.Entry{
			Kind: audit.RoomRenamed, RoomID: 7, By: owner, Via: access.ViaDiscord, Old: "Friday",
			New: `=HYPERLINK("http://evil.example","win")`,
		},
		audit.Entry{
			Kind: audit.GuestAdmitted, RoomID: 7, By: owner, Target: guest, Via: access.ViaDiscord, Detail: "+1 <b>",
		},
		audit.Entry{Kind: audit.RoomClosed, RoomID: 7, Via: access.ViaSnug, Detail: "idle"},
		audit.Entry{Kind: audit.RoomOpened, RoomID: 8, By: guest, Via: access.ViaDiscord})
	b.happened(others, audit.Entry{Kind: audit.RoomOpened, RoomID: 9, By: stranger})
	var d stats.Day
	d.Minute(b.clock.Now(), []room.Live{{Roster: make([]room.Person, 3)}})
	d.Filled(7, time.Minute)
	d.Until = b.clock.Now().Add(time.Hour)
	if _, err := b.hub.Stats.Put(t.Context(), stats.Key(friends, b.clock.Now()), d); err != nil {
		t.Fatal(err)
	}
	w := b.signedIn(manager)
	for path, status := range map[string]int{
		"/admin/100/activity": 403, "/admin/100/activity.csv": 403, "/admin/100/history": 403,
		"/admin/100/settings.json": 403,
	} {
		if got := b.signedIn(member).get(path); got.status != status {
			t.Errorf("a member at %s: %d", path, got.status)
		}
	}
	got := w.get("/admin/100/activity")
	for _, want := range []string{
		"The room closed (empty)", "User 2", "to “=HYPERLINK(&#34;http://evil.example&#34;",
		`aria-label="Rooms opened: 2 rooms"`, "3 at most", "1 room was full", `class="ch-bar"`, "As a table",
	} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d without %s", got.status, want)
		}
	}
	if got := w.get("/admin/100/activity?kind=room_closed&room=7"); strings.Contains(got.body, "<b>User 2</b>") ||
		!strings.Contains(got.body, "<p>The room closed (empty)</p>") {
		t.Errorf("the filter: %s", got.text())
	}
	if got := w.get("/admin/100/activity?by=somebody"); got.status != 400 ||
		!strings.Contains(got.body, "Developer Mode") {
		t.Errorf("a bad filter: %d", got.status)
	}

	rows, err := csv.NewReader(strings.NewReader(w.get("/admin/100/activity.csv").body)).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		for _, cell := range r {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	if rows[2][8] != `'=HYPERLINK("http://evil.example","win")` {
		t.Errorf("got %q", rows[2][8])
	}
	var file []wire.Entry
	w.get("/admin/100/activity.json?by=2").json(&file)
	if len(file) != 2 || file[0].Kind != audit.GuestAdmitted {
		t.Errorf("got %+v", file)
	}
	var none []wire.Entry
	w.get("/admin/100/activity.json?by=99").json(&none)
	if len(none) != 0 {
		t.Errorf("got %+v", none)
	}

	p, _ := w.program("/api/v1/guilds/100/tokens", apitoken.AuditRead)
	var seen []audit.Kind
	for cursor, n := "", 0; n < 9; n++ {
		var page gotAudit
		got := p.do("GET", "/api/v1/guilds/100/audit?limit=2&cursor="+cursor, "")
		got.json(&page)
		for _, e := range page.Entries {
			seen = append(seen, e.Kind)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	// The newest is the token that asks.
	if !slices.Equal(seen,
		[]audit.Kind{
			audit.TokenCreated, audit.RoomOpened, audit.RoomClosed, audit.GuestAdmitted, audit.RoomRenamed,
			audit.RoomOpened,
		}) {
		t.Errorf("paged %v", seen)
	}
	var picked gotAudit
	p.do("GET", "/api/v1/guilds/100/audit?kind=room_opened&kind=room_closed&room=7", "").json(&picked)
	if len(picked.Entries) != 2 {
		t.Errorf("picked %+v", picked)
	}
	var r stats.Report
	p.do("GET", "/api/v1/guilds/100/stats?days=2", "").json(&r)
	if r.Opened != 2 || r.Closed != 1 || r.Reasons["idle"] != 1 || r.Peak != 3 || len(r.Days) != 2 || r.Fills[1] != 1 {
		b, _ := json.Marshal(r)
		t.Errorf("got %s", b)
	}
}

// TestRoomHistoryByProgram: a room's history is told as its page tells it, to who sees the room.
func TestRoomHistoryByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	b.change(room.ChangeRequest{RoomID: r.ID, Do: room.DoSeats, Number: 6})
	b.happened(friends,
		audit.Entry{Kind: audit.SettingsChanged, By: manager, Via: access.ViaWeb, Detail: "seats"},
		audit.Entry{Kind: audit.RoomRenamed, RoomID: r.ID + 1, By: owner, New: "another"})
	at := "/api/v1/rooms/" + r.ID.String() + "/history"
	read := func(who snowflake.ID) (kinds []audit.Kind) {
		for cursor := ""; ; {
			var page gotAudit
			got := b.signedIn(who).api("GET", at+"?limit=1&cursor="+cursor, "")
			if got.json(&page); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			for _, e := range page.Entries {
				kinds = append(kinds, e.Kind)
			}
			if cursor = page.Next; cursor == "" {
				return kinds
			}
		}
	}
	all := []audit.Kind{audit.SeatsChanged, audit.Banned, audit.GuestAdmitted, audit.RoomOpened}
	if got := read(owner); !slices.Equal(got, all) {
		t.Errorf("the owner is told %v", got)
	}
	if got := read(guest); !slices.Equal(got, []audit.Kind{audit.SeatsChanged, audit.RoomOpened}) {
		t.Errorf("a guest is told %v", got)
	}
	for _, who := range []snowflake.ID{member, banned, stranger} {
		if got := b.signedIn(who).api("GET", at, ""); got.status != 404 {
			t.Errorf("%d is answered %d", who, got.status)
		}
	}
	if got := b.signedIn(owner).api("GET", at+"?cursor=x", ""); got.status != 400 || got.problem().Field != "cursor" {
		t.Errorf("a bad cursor: %d %s", got.status, got.body)
	}
}

// A filter that takes one of thousands still comes to an end.
func TestActivityOfManyEntries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	many := make([]audit.Entry, 450)
	for i := range many {
		many[i] = audit.Entry{Kind: audit.RoomKept, RoomID: 7}
	}
	many[3].Kind = audit.RoomClosed
	b.happened(friends, many...)
	list, next, err := b.actions.AuditPage(t.Context(), friends,
		actions.AuditFilter{Kinds: []audit.Kind{audit.RoomClosed}}, 0, 10)
	if err != nil || len(list) != 1 || next != 0 {
		t.Errorf("%d entries, next %d, %v", len(list), next, err)
	}
	later := actions.AuditFilter{Since: b.clock.Now().Add(time.Hour)}
	if list, _, err := b.actions.AuditPage(t.Context(), friends, later, 0, 10); err != nil ||
		len(list) != 0 {
		t.Errorf("%d entries of the future, %v", len(list), err)
	}
}

// TestFailedDownload: what was to be a file and fails is a page that says so, not a file of that name.
func TestFailedDownload(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	for _, page := range []string{"/admin/100", "/admin/100/activity", "/privacy"} {
		if got := w.get(page); got.status != 200 || strings.Contains(got.body, " download>") {
			t.Errorf("%s has links by which a browser saves whatever comes: %d", page, got.status)
		}
	}
	files := []string{
		"/admin/100/activity.csv", "/admin/100/activity.json", "/admin/100/settings.json", "/privacy/data.json",
	}
	for _, file := range files {
		if got := w.get(file); got.status != 200 ||
			!strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %q", file, got.status, got.header.Get("Content-Disposition"))
		}
	}
	if err := b.hub.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		got := w.get(file, "Accept", "text/html")
		if got.status < 300 || got.header.Get("Content-Disposition") != "" ||
			strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") {
			t.Errorf("%s without a hub: %d %q %q", file, got.status, got.header.Get("Content-Disposition"),
				got.header.Get("Content-Type"))
		}
	}
}
