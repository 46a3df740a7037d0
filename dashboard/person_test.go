package dashboard

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/hub"
	"snug/shared/room"
)

// TestExportAndErase is somebody's whole way: what is stored of them is shown to them, without other people,
// then erased.
func TestExportAndErase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room() // the owner's, with the guest let in and somebody banned
	call(b, hub.KeepRoom, room.Request{Actor: actor(guest), RoomID: r.ID})
	b.happened(friends, // when they managed the server
		audit.Entry{Kind: audit.SettingsChanged, By: guest, Via: access.ViaWeb, Detail: "seats", Old: "4", New: "5"})
	if _, err := b.hub.Members.Put(t.Context(), "300."+guest.String(), room.Preferences{Name: "Long ago"}); err != nil {
		t.Fatal(err) // in a server that Snug was removed from
	}
	if _, err := b.hub.Members.Put(t.Context(), "300."+owner.String(),
		room.Preferences{Name: "Somebody else's"}); err != nil {
		t.Fatal(err)
	}
	at := b.clock.Now()
	came := room.VisitLog{
		List: []room.Visit{
			{UserID: guest, Name: "Guest", At: at}, {UserID: owner, Name: "Owner", At: at},
			{UserID: guest, Name: "Guest", Left: true, At: at},
		},
	}
	if _, err := b.hub.Visits.Put(t.Context(), "100."+r.ID.String(), came); err != nil {
		t.Fatal(err)
	}
	w := b.signedIn(guest)
	if page := w.get("/game/" + r.ID.String()); !strings.Contains(page.body, "<b>Guest</b> sat down") ||
		!strings.Contains(page.body, "<b>Guest</b> stood up") {
		t.Errorf("the room's page forgets who came and went: %s", page.text())
	}
	w.get("/servers/100")
	token := w.form("/tokens", url.Values{
		"name": {"My program"}, "scopes": {"rooms:read"}, "expires_at": {"2099-01-31T18:00:00Z"},
	})
	if token.status >= 400 {
		t.Fatalf("no token: %d %s", token.status, token.text())
	}

	got := w.get("/privacy/data.json")
	if got.status != 200 || !strings.Contains(got.header.Get("Content-Disposition"), "snug-2.json") ||
		got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	var data struct {
		User     struct{ Username string }
		Sessions []struct{ Scopes []string }
		Tokens   []struct{ Name string } `json:"api_tokens"`
		Servers  []struct {
			ID, Name    string
			Visited     bool
			Preferences room.Preferences
			Rooms       []room.PersonRoom
			Happened    []audit.Entry
			Comings     []room.Visit
		}
	}
	got.json(&data)
	if data.User.Username != "user2" || len(data.Sessions) != 1 || len(data.Tokens) != 1 ||
		data.Tokens[0].Name != "My program" || len(data.Servers) != 2 {
		t.Fatalf("got %s", got.body)
	}
	here, gone := data.Servers[0], data.Servers[1]
	if here.ID != "100" || !here.Visited || len(here.Rooms) != 1 || len(here.Happened) != 3 ||
		!slices.Equal(here.Rooms[0].As, []room.Part{room.PartGuest, room.PartHeld, room.PartInvited}) {
		t.Errorf("got %+v", here)
	}
	if len(here.Comings) != 2 || here.Comings[0].UserID != guest || here.Comings[1].UserID != guest ||
		!here.Comings[1].Left {
		t.Errorf("they came and went: %+v", here.Comings)
	}
	if gone.ID != "300" || gone.Preferences.Name != "Long ago" {
		t.Errorf("got %+v", gone)
	}
	for _, e := range here.Happened {
		if e.By != guest && e.By != 0 {
			t.Errorf("it tells who did it: %+v", e)
		}
	}
	for _, secret := range []string{"secret-access", "secret-refresh", "hash", `"5"` + "\x00"} {
		if strings.Contains(got.body, secret) {
			t.Errorf("it holds %s", secret)
		}
	}

	ask := w.get("/privacy/erase")
	if ask.status != 200 || !strings.Contains(ask.body, `<form method="post" action="/privacy/erase">`) {
		t.Fatalf("%d %s", ask.status, ask.text())
	}
	back := b.away()
	if got := w.form("/privacy/erase", nil); got.status != 200 || !strings.Contains(got.body, "Friends") ||
		!strings.Contains(got.body, "Erase the rest") {
		t.Errorf("a server that does not answer: %d %s", got.status, got.text())
	}
	if got := w.api("GET", "/api/v1/me", ""); got.status != 200 {
		t.Errorf("signed out before all is erased: %d", got.status)
	}
	back()
	if got := w.form("/privacy/erase", nil); got.status != 200 || !strings.Contains(got.body, "Your data is erased") ||
		!strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Fatalf("%d %s", got.status, got.text())
	}
	b.nothingOf(guest.String(), r)
	if got := w.api("GET", "/api/v1/me", ""); got.status != 401 {
		t.Errorf("still signed in: %d", got.status)
	}
	if p, _, err := b.hub.Members.Get(t.Context(), "300."+owner.String()); err != nil || p.Name != "Somebody else's" {
		t.Errorf("somebody else's was erased: %v", err)
	}
}

// TestEraseWhereSnugWas: in a server that Snug was removed from, all that is stored of somebody is found and erased,
// also by whoever never opened its pages; what is stored of others stays.
func TestEraseWhereSnugWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, at := t.Context(), b.clock.Now()
	const gone, id = "300", snowflake.ID(300)
	put := func(_ hub.Rev, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put(b.hub.Members.Put(ctx, gone+"."+owner.String(), room.Preferences{
		Name: "Owner's", Guests: []snowflake.ID{guest, member}, Banned: []snowflake.ID{banned},
	}))
	put(b.hub.Visits.Put(ctx, gone+".301", room.VisitLog{List: []room.Visit{
		{UserID: guest, Name: "Guest", At: at}, {UserID: owner, Name: "Owner", At: at},
	}}))
	put(b.hub.Closed.Put(ctx, gone+".302", room.Past{
		ID: 302, GuildID: id, OwnerID: owner, OwnerName: "Owner", ClosedAt: at, Until: at.Add(room.PastTTL),
		People: []room.PastPerson{{UserID: owner, Name: "Owner"}, {UserID: guest, Name: "Guest"}},
		Banned: []snowflake.ID{banned},
	}))
	if err := b.hub.Audit.Append(ctx, "said", id, 301, string(audit.Knocked),
		audit.Entry{Kind: audit.Knocked, GuildID: id, RoomID: 301, By: guest, At: at}); err != nil {
		t.Fatal(err)
	}
	w := b.signedIn(guest)
	var data struct {
		Servers []struct {
			ID           string
			RememberedBy int               `json:"remembered_by"`
			Closed       []room.PersonRoom `json:"closed_rooms"`
			Happened     []audit.Entry
			Comings      []room.Visit
		}
	}
	w.get("/privacy/data.json").json(&data)
	if i := len(data.Servers) - 1; i < 0 || data.Servers[i].ID != gone || data.Servers[i].RememberedBy != 1 ||
		len(data.Servers[i].Closed) != 1 || len(data.Servers[i].Happened) != 1 || len(data.Servers[i].Comings) != 1 {
		t.Errorf("got %+v", data.Servers)
	}
	if got := w.form("/privacy/erase", nil); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	p, _, err := b.hub.Members.Get(ctx, gone+"."+owner.String())
	if err != nil || p.Name != "Owner's" || !slices.Equal(p.Guests, []snowflake.ID{member}) ||
		!slices.Equal(p.Banned, []snowflake.ID{banned}) {
		t.Errorf("the owner lets in %+v, %v", p, err)
	}
	came, _, err := b.hub.Visits.Get(ctx, gone+".301")
	if err != nil || len(came.List) != 1 || came.List[0].UserID != owner {
		t.Errorf("who came and went: %+v, %v", came, err)
	}
	past, _, err := b.hub.Closed.Get(ctx, gone+".302")
	if err != nil || len(past.People) != 1 || past.OwnerID != owner ||
		!slices.Equal(past.Banned, []snowflake.ID{banned}) {
		t.Errorf("the closed room holds %+v, %v", past, err)
	}
	if left, err := b.hub.Audit.Page(ctx, id, 0, 0, 100); err != nil || len(left) != 0 {
		t.Errorf("the audit holds %v, %v", left, err)
	}
}

// nothingOf looks at everything that is stored for somebody's id.
func (b *bench) nothingOf(id string, r room.Room) {
	b.t.Helper()
	ctx := b.t.Context()
	if keys, err := b.hub.Members.Keys(ctx, ""); err != nil ||
		strings.Contains(strings.Join(keys, " ")+" ", "."+id+" ") {
		b.t.Errorf("remembered: %v, %v", keys, err)
	}
	if keys, err := b.hub.Sessions.Keys(ctx, ""); err != nil || len(keys) != 0 {
		b.t.Errorf("sessions: %v, %v", keys, err)
	}
	if keys, err := b.hub.Tokens.Keys(ctx, ""); err != nil || len(keys) != 0 {
		b.t.Errorf("tokens: %v, %v", keys, err)
	}
	stored, _, err := b.hub.Rooms.Get(ctx, friends.String()+"."+r.ID.String())
	if err != nil || len(stored.Guests) != 0 || !stored.Banned(banned) {
		b.t.Errorf("the room holds %+v, %v", stored.Guests, err)
	}
	came, _, err := b.hub.Visits.Get(ctx, friends.String()+"."+r.ID.String())
	if err != nil || len(came.List) != 1 || came.List[0].UserID != owner {
		b.t.Errorf("who came and went: %+v, %v", came, err)
	}
	left, err := b.hub.Audit.Page(ctx, friends, 0, 0, 100)
	var kinds []string
	for _, e := range left {
		kinds = append(kinds, e.Kind)
	}
	want := []string{string(audit.SettingsChanged), string(audit.Banned), string(audit.RoomOpened)}
	if err != nil || !slices.Equal(kinds, want) {
		b.t.Errorf("the audit holds %v, %v", kinds, err)
	}
}

// Programs with somebody's token cannot take or erase what is stored of them, and nobody can without end.
func TestPersonIsAskedInABrowser(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(member)
	var made struct{ Secret string }
	w.api("POST", "/api/v1/me/tokens", `{"name":"x","scopes":["rooms:read"]}`).json(&made)
	program := b.browser("")
	for _, c := range [][2]string{{"GET", "/privacy/data.json"}, {"POST", "/privacy/erase"}} {
		if got := program.send(c[0], c[1], "", "", "Authorization", "Bearer "+made.Secret, "Accept",
			"application/json"); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s by a token: %d", c[0], c[1], got.status)
		}
	}
	for i := range 12 {
		if got := w.get("/privacy/data.json"); (got.status == http.StatusTooManyRequests) != (i >= 10) {
			t.Errorf("export %d: %d", i, got.status)
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) {
		o.Host = view.Host{
			Name: "Spelltable <e.V.>", Contact: "us@example.org",
			Terms: "# House rules\n\nBe kind. See https://example.org/rules.",
		}
	})
	w := b.browser("")
	for _, lang := range []string{"en", "de", "fr", "es", "pt-BR", "ja"} {
		got := w.get("/privacy", "Accept-Language", lang)
		if got.status != 200 || !strings.Contains(got.body, "Spelltable &lt;e.V.&gt;") ||
			!strings.Contains(got.body, `href="mailto:us@example.org"`) || strings.Contains(got.body, "privacy.") {
			t.Errorf("%s: %d %s", lang, got.status, got.text())
		}
	}
	if got := w.get("/terms"); !strings.Contains(got.body, "<h2>House rules</h2>") ||
		!strings.Contains(got.body, `<a href="https://example.org/rules">`) || strings.Contains(got.body, "harass") {
		t.Errorf("the host's own: %s", got.text())
	}
	for _, page := range []string{"/", "/status", "/api", "/privacy", "/no-such-page"} {
		if got := w.get(page); !strings.Contains(got.body, `<a href="/privacy">`) ||
			!strings.Contains(got.body, `<a href="/terms">`) {
			t.Errorf("%s does not lead to both", page)
		}
	}
	if got := w.get("/privacy"); strings.Contains(got.body, "/privacy/erase") ||
		!strings.Contains(got.body, "/login?return_to=%2Fprivacy") {
		t.Errorf("to nobody it shows %s", got.text())
	}
}

// Where a server did not answer the page does not say that the sign-in is erased: it is needed to erase the rest.
func TestErasedInPart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	back := b.away()
	part := w.form("/privacy/erase", nil)
	if text := part.text(); part.status != 200 || !strings.Contains(text, "Erased so far") ||
		!strings.Contains(text, "still signed in") ||
		strings.Contains(text, "your sign-in.") {
		t.Errorf("in part: %d %s", part.status, text)
	}
	back()
	whole := w.form("/privacy/erase", nil)
	if text := whole.text(); whole.status != 200 || !strings.Contains(text, "your sign-in.") ||
		strings.Contains(text, "still") {
		t.Errorf("whole: %d %s", whole.status, text)
	}
}
