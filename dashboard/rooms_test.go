package dashboard

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/invite"
	"snug/shared/room"
	"snug/shared/testkit"
)

func TestCreateRoomOnThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(member)
	if got := w.get("/servers/100"); got.status != http.StatusOK ||
		!strings.Contains(got.body, `action="/servers/100/rooms"`) {
		t.Fatalf("got %d %s", got.status, got.text())
	}
	got := w.form("/servers/100/rooms", url.Values{"name": {"  Friday\n draft "}, "seats": {"3"}})
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location(), "/game/") {
		t.Fatalf("got %d %s", got.status, got.text())
	}
	page := w.get(got.location())
	if page.status != http.StatusOK || !strings.Contains(page.body, "Friday draft") {
		t.Errorf("got %d %s", page.status, page.text())
	}
	id, _ := snowflake.Parse(strings.TrimPrefix(got.location(), "/game/"))
	if r := b.stored(id); r.Seats != 3 || r.Private {
		t.Errorf("an unchecked box is not private: %+v", r)
	}
	// A mistake shows the form again, with what was typed and what is wrong.
	for _, c := range []struct {
		form   url.Values
		status int
		want   string
	}{
		{url.Values{"name": {strings.Repeat("x", 101)}, "seats": {"3"}}, 400, "101 characters"},
		{url.Values{"name": {"Monday"}, "seats": {"0"}}, 400, "1 to 99 seats"},
		{url.Values{"name": {"Monday"}, "seats": {"100"}}, 400, "1 to 99 seats"},
		{url.Values{"name": {"Monday"}, "seats": {"four"}}, 400, "a whole number"},
		{url.Values{"name": {"Monday"}, "seats": {"4"}}, 409, "You already have"},
	} {
		got := w.form("/servers/100/rooms", c.form)
		if got.status != c.status || !strings.Contains(got.body, c.want) ||
			!strings.Contains(got.body, `value="`+c.form.Get("name")+`"`) {
			t.Errorf("%v: %d %s", c.form, got.status, got.text())
		}
	}
}

func TestCreateRoomByAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(member)
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{"name":"` + strings.Repeat("ü", 101) + `"}`, 400, "name"},
		{`{"name":"x","seats":0}`, 400, "seats"},
		{`{"name":"x","seats":"4"}`, 400, "seats"},
		{`{"name":"x","colour":"red"}`, 400, "colour"},
		{`{"name":"x"} {}`, 400, ""},
		{`[]`, 400, ""},
		{`{`, 400, ""},
		{`{"name":"` + strings.Repeat("x", request.MaxBody) + `"}`, 413, ""},
	} {
		got := w.api("POST", "/api/v1/guilds/100/rooms", c.body)
		if p := got.problem(); got.status != c.status || p.Code != errs.Invalid || p.Field != c.field ||
			p.Detail == "" {
			t.Errorf("%.40s: %d %s", c.body, got.status, got.text())
		}
	}
	if got := w.send("POST", "/api/v1/guilds/100/rooms", "text/plain",
		`{"name":"x"}`); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("text: %d", got.status)
	}
	got := w.api("POST", "/api/v1/guilds/100/rooms", `{"name":"`+strings.Repeat("ü", 100)+`","seats":2,"private":true}`)
	var out struct {
		GuildID   snowflake.ID `json:"guild_id"`
		ChannelID string       `json:"channel_id"`
		Name      string
		Seats     int
		UserLimit int `json:"user_limit"`
		URL       string
		Private   bool
		Invite    *wire.Invite
	}
	got.json(&out)
	if got.status != http.StatusCreated || out.ChannelID == "" || out.GuildID != friends || out.Seats != 2 ||
		out.UserLimit != 2 || !out.Private ||
		out.URL != b.url+"/game/"+out.ChannelID || out.Invite == nil ||
		!strings.HasPrefix(out.Invite.URL, b.url+"/i/") {
		t.Errorf("got %d %s", got.status, got.text())
	}
	if got.header.Get("Location") != "/api/v1/rooms/"+out.ChannelID || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got.header)
	}
	var list struct{ Rooms []wire.Room }
	testkit.Eventually(t, "the room in the list", func() bool {
		w.api("GET", "/api/v1/guilds/100/rooms", "").json(&list)
		return len(list.Rooms) == 1
	})
	if r := list.Rooms[0]; r.ChannelID.String() != out.ChannelID || r.Rev.N == 0 || r.Rev.Epoch == "" ||
		r.Roster == nil {
		t.Errorf("got %+v", r)
	}
}

// Who may do what: the same for pages and programs.
func TestAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.Limits.Login = request.Limit{Every: time.Second, Burst: 1000} })
	people := map[string]*browser{"nobody": b.browser("")}
	for name, id := range map[string]snowflake.ID{
		"owner": owner, "guest": guest, "manager": manager, "member": member, "banned": banned, "stranger": stranger,
	} {
		people[name] = b.signedIn(id)
	}
	b.join(friends, 7)
	people["left"] = b.signedIn(7)
	people["left"].get("/servers/100")
	b.bot.RemoveMember(7)

	r := b.room()
	b.clock.Forward(time.Minute) // of a room that was opened just now more is said than whether it is there
	fill := strings.NewReplacer("{room}", r.ID.String(), "{invite}", r.Invites[0].ID)
	// Those come last who change the room, so that the others find it as it was.
	order := []string{"nobody", "left", "stranger", "banned", "member", "guest", "manager", "owner"}
	type who map[string]int
	all := func(status int, except who) who {
		out := who{}
		for name := range people {
			out[name] = status
		}
		out["nobody"] = 401
		for name, s := range except {
			out[name] = s
		}
		return out
	}
	for _, c := range []struct {
		method, path, body string
		want               who
	}{
		{"GET", "/api/v1/me", "", all(200, nil)},
		{"GET", "/api/v1/guilds/100/rooms", "", all(200, who{"stranger": 404, "left": 404})},
		{"GET", "/api/v1/guilds/200/rooms", "", all(404, who{"stranger": 200})},
		{"GET", "/api/v1/guilds/999/rooms", "", all(404, nil)},
		{"GET", "/api/v1/guilds/nonsense/rooms", "", all(404, nil)},
		{"GET", "/api/v1/guilds/100/settings", "", all(403, who{"manager": 200, "stranger": 404, "left": 404})},
		{
			"PATCH", "/api/v1/guilds/100/settings", `{"settings":{"seats":5}}`,
			all(403, who{"manager": 200, "stranger": 404, "left": 404}),
		},
		{"GET", "/api/v1/rooms/{room}", "", all(404, who{"owner": 200, "guest": 200})},
		{"GET", "/api/v1/rooms/999", "", all(404, nil)},
		{"POST", "/api/v1/rooms/{room}/join", "", all(404, who{"owner": 200, "guest": 200})},
		{"POST", "/api/v1/rooms/{room}/keep", "", all(404, who{"owner": 200, "guest": 200})},
		{"POST", "/api/v1/rooms/{room}/invites", "", all(404, who{"owner": 201, "guest": 403})},
		{"DELETE", "/api/v1/rooms/{room}/invites/{invite}", "", all(404, who{"owner": 204, "guest": 403})},
		{"POST", "/api/v1/live-token", `{"guild":"100"}`, all(200, who{"stranger": 404, "left": 404})},
		{"POST", "/api/v1/live-token", `{"guild":"100","room":"{room}"}`, all(404, who{"owner": 200, "guest": 200})},
		// A manager closes rooms that they do not see; the owner finds it closed.
		{"POST", "/api/v1/rooms/{room}/close", "", all(404, who{"guest": 403, "manager": 200})},
	} {
		for _, name := range order {
			w := people[name]
			got := w.api(c.method, fill.Replace(c.path), fill.Replace(c.body))
			if want := c.want[name]; got.status != want {
				t.Errorf("%s: %s %s: %d, want %d: %s", name, c.method, c.path, got.status, want, got.text())
			}
			if got.status >= 400 && (strings.Contains(got.body, "draft") || got.problem().Detail == "") {
				t.Errorf("%s: %s %s tells too much or nothing: %s", name, c.method, c.path, got.text())
			}
		}
	}
}

// A room that is not there and one that is not shown look the same.
func TestNotFoundTellsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w := b.signedIn(member)
	hidden, none := w.get("/game/"+r.ID.String()), w.get("/game/4999")
	now := regexp.MustCompile(`data-now="[^"]+"`)
	clean := func(g got) string {
		body := now.ReplaceAllString(g.body, "")
		return strings.NewReplacer(r.ID.String(), "ID", "4999", "ID", g.header.Get("X-Request-Id"), "REQ").Replace(body)
	}
	if hidden.status != 404 || none.status != 404 || clean(hidden) != clean(none) {
		t.Errorf("%d %s\n%d %s", hidden.status, clean(hidden), none.status, clean(none))
	}
	if !strings.Contains(hidden.body, "ask for an invite") {
		t.Errorf("no next step: %s", hidden.body)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	page := "/game/" + r.ID.String()
	w := b.signedIn(guest)
	got := w.form(page+"/join", nil)
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location(), page+"?joined=") {
		t.Fatalf("got %d to %s", got.status, got.location())
	}
	if got := w.get(got.location()); got.status != 200 ||
		!strings.Contains(got.body, "https://discord.example/channels/100/"+r.ID.String()) ||
		!strings.Contains(got.body, "Open Discord and sit down") {
		t.Errorf("got %d %s", got.status, got.text())
	}
	var out map[string]any
	w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/join", "").json(&out)
	if out["moved"] != false || out["deep_link"] != "https://discord.example/channels/100/"+r.ID.String() ||
		out["held_until"] == nil {
		t.Errorf("got %v", out)
	}
	lounge := b.bot.Discord.AddChannel(rooms.KindVoice, "Lounge", 0)
	b.must(b.bot.Discord.Join(guest, lounge))
	testkit.Eventually(t, "the bot hears of it", func() bool { return b.bot.VoiceOf(friends, guest) == lounge })
	if got := w.form(page+"/join", nil); got.status != http.StatusSeeOther || got.location() != page {
		t.Errorf("moved: %d to %s", got.status, got.location())
	}
	testkit.Eventually(t, "somebody sitting",
		func() bool { l, _ := b.actions.Room(friends, r.ID); return l.Occupied() == 1 })
	if got := w.get(page); !strings.Contains(got.body, "You’re sitting here") {
		t.Errorf("got %s", got.text())
	}
	b.change(room.ChangeRequest{RoomID: r.ID, Do: room.DoSeats, Number: 1})
	w = b.signedIn(owner)
	if got := w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/join", ""); got.status != http.StatusConflict ||
		got.problem().Code != errs.RoomFull {
		t.Errorf("full: %d %s", got.status, got.text())
	}
	if got := w.form(page+"/join", nil); got.status != http.StatusConflict ||
		!strings.Contains(got.body, "Every seat is taken") || !strings.Contains(got.body, `href="`+page+`"`) {
		t.Errorf("full: %d %s", got.status, got.text())
	}
}

func TestKeepCloseAndInvites(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	page := "/game/" + r.ID.String()
	w := b.signedIn(owner)
	if got := w.form(page+"/keep", nil); got.status != 303 ||
		!strings.Contains(w.get(got.location()).body, "The room stays open") {
		t.Errorf("keep: %d", got.status)
	}
	if got := w.form(page+"/invites", nil); got.status != 303 || got.location() != page+"#invites" {
		t.Errorf("invite: %d to %s", got.status, got.location())
	}
	got := w.get(page)
	if !strings.Contains(got.body, b.url+"/i/") || got.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("no link on the page: %s", got.text())
	}
	for _, v := range b.stored(r.ID).Invites {
		if got := w.form(page+"/invites/"+v.ID+"/revoke", nil); got.status != 303 {
			t.Errorf("revoke: %d", got.status)
		}
	}
	if strings.Contains(w.get(page).body, "/i/") {
		t.Error("a revoked link is still on the page")
	}
	for _, bad := range []string{
		`{"hours":-1}`, `{"hours":1e9}`, `{"hours":8760}`, `{"hours":720.1}`, `{"hours":"4"}`, `{"uses":1.5}`,
	} {
		if got := w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/invites", bad); got.status != 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
	if got := w.get(page + "/close"); got.status != 303 || got.location() != page {
		t.Errorf("GET of an action: %d to %s", got.status, got.location())
	}
	if got := w.form(page+"/close", nil); got.status != 303 || got.location() != "/servers/100?closed=1" {
		t.Errorf("close: %d to %s", got.status, got.location())
	}
	testkit.Eventually(t, "the room gone", func() bool {
		_, err := b.actions.FindRoom(t.Context(), r.ID)
		return errs.Has(err, errs.RoomNotFound)
	})
	if got := w.get(page); got.status != 410 || !strings.Contains(got.body, `action="`+page+`/again"`) {
		t.Errorf("closed, to its owner: %d %s", got.status, got.text())
	}
}

func TestInviteLanding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	link := "/i/" + b.invite(r)
	for range 3 { // whatever looks at links looks more than once
		got := b.browser("").get(link)
		if got.status != 200 || !strings.Contains(got.body, "Friday &lt;draft&gt;") ||
			!strings.Contains(got.body, "Friends") || !strings.Contains(got.body, "This link works for") {
			t.Fatalf("got %d %s", got.status, got.text())
		}
		if got.header.Get("Referrer-Policy") != "no-referrer" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", got.header)
		}
	}
	w := b.signedIn(member)
	w.get(link)
	if got := b.guests(r.ID); len(got) != 1 {
		t.Fatalf("looking let in %v", got)
	}
	if got := w.form("/i/"+b.invite(r), nil); got.status != 303 ||
		got.location() != "/game/"+r.ID.String() {
		t.Errorf("accepted: %d %s", got.status, got.text())
	}
	if got := w.get(link); got.status != 303 || got.location() != "/game/"+r.ID.String() {
		t.Errorf("who is in already: %d to %s", got.status, got.location())
	}
	if got := b.signedIn(owner).get(link); got.status != 303 {
		t.Errorf("the owner: %d", got.status)
	}
}

func TestInviteThroughLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	token := b.invite(r)
	w := b.browser(member.String())
	start := w.form("/i/"+token, nil)
	if start.status != 303 || !strings.HasPrefix(start.header.Get("Location"), b.oauth.URL) ||
		strings.Contains(start.header.Get("Location"), token) {
		t.Fatalf("got %d to %s", start.status, start.header.Get("Location"))
	}
	if got := w.follow(start); got.status != 200 || got.url != b.url+"/game/"+r.ID.String() ||
		!strings.Contains(got.body, "Join voice") {
		t.Errorf("got %d at %s %s", got.status, got.url, got.text())
	}
	if len(b.guests(r.ID)) != 2 {
		t.Error("not let in")
	}
	// Signing in by the link at the top offers the invite again and takes nothing.
	token = b.invite(r)
	b.join(friends, 8)
	w = b.browser("8")
	page := w.get("/i/" + token)
	_, after, _ := strings.Cut(page.body,
		`<form method="post" action="/login"><input type="hidden" name="return_to" value="`)
	to, _, _ := strings.Cut(after, `"`)
	got := w.follow(w.form("/login", url.Values{"return_to": {html.UnescapeString(to)}}))
	if got.status != 200 || !strings.Contains(got.body, "Come in") || len(b.guests(r.ID)) != 2 {
		t.Errorf("got %d at %s %s", got.status, got.url, got.text())
	}
}

func TestInvitesThatDoNotWork(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	good := b.invite(r)
	make := func(q room.InviteRequest) room.InviteLink {
		q.Actor, q.RoomID = actor(owner), r.ID
		return call(b, hub.CreateInvite, q)
	}
	revoked, expired := make(room.InviteRequest{}), make(room.InviteRequest{Lifetime: time.Minute})
	call(b, hub.RevokeInvite, room.RevokeRequest{Actor: actor(owner), RoomID: r.ID, InviteID: revoked.Invite.ID})
	b.clock.Forward(2 * time.Minute)
	var live struct{ Token string }
	b.signedIn(owner).api("POST", "/api/v1/live-token", `{"guild":"100"}`).json(&live)
	anybody, w := b.browser(""), b.signedIn(member)
	for _, c := range []struct {
		name, token string
		status      int
		code        errs.Code
		say         string
	}{
		{"nobody's", invite.NewCode(), 400, errs.TokenInvalid, "for a new one"},
		{"nonsense", "nonsense", 400, errs.TokenInvalid, "for a new one"},
		{"a live token", live.Token, 400, errs.TokenInvalid, "for a new one"},
		{"endless", strings.Repeat("a", 5000), 400, errs.TokenInvalid, "for a new one"},
		{"expired", expired.Code, 410, errs.TokenExpired, "for a new one"},
		{"revoked", revoked.Code, 410, errs.TokenRevoked, "Ask the person who sent it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := "/i/" + c.token
			for _, got := range []got{anybody.get(page), w.get(page), w.form(page, nil)} {
				if got.status != c.status || !strings.Contains(got.body, c.say) || strings.Contains(got.body, "draft") {
					t.Errorf("%s: %d %s", got.url, got.status, got.text())
				}
			}
			got := w.api("POST", "/api/v1/invites/redeem", fmt.Sprintf(`{"code":%q}`, c.token))
			if got.status != c.status || got.problem().Code != c.code {
				t.Errorf("by API: %d %s", got.status, got.text())
			}
		})
	}
	if len(b.guests(r.ID)) != 1 {
		t.Error("somebody was let in")
	}
	var out gotRedeemed
	got := w.api("POST", "/api/v1/invites/redeem", fmt.Sprintf(`{"code":%q}`, strings.ToUpper(good)))
	if got.json(&out); got.status != 200 || out.ChannelID != r.ID || out.URL != b.url+"/game/"+r.ID.String() {
		t.Errorf("a good one: %d %s", got.status, got.text())
	}
}

// Whoever is not in the server gets Discord's own invite, on a page that goes on by itself.
func TestOnTheWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	page, token := "/game/"+r.ID.String(), b.invite(r)
	m := b.signedIn(manager)
	if got := m.api("PATCH", "/api/v1/guilds/100/settings", `{"settings":{"seats":4}}`); got.status != 200 {
		t.Fatalf("settings: %d %s", got.status, got.text())
	}
	w := b.browser(stranger.String())
	start := w.form("/i/"+token, nil)
	if u, _ := url.Parse(start.header.Get("Location")); u.Query().Get("scope") != "identify" {
		t.Fatalf("Discord is asked for %q", u.Query().Get("scope"))
	}
	got := w.follow(start)
	if got.status != 200 || got.url != b.url+page+"/coming" ||
		!strings.Contains(got.body, `"https://discord.example/invite/code`) || strings.Contains(got.body, token) {
		t.Fatalf("got %d at %s %s", got.status, got.url, got.text())
	}
	var asked gotArriving
	if w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/arrive", "").json(&asked); asked.Step != room.StepJoin ||
		asked.InviteURL == "" {
		t.Errorf("%+v", asked)
	}
	boss := b.signedIn(owner)
	if got := boss.get(page); !strings.Contains(got.body, "accept Discord’s invite") ||
		!strings.Contains(got.body,
			`value="`+stranger.String()+`"><button class="quiet small" name="do" value="kick">Remove`) {
		t.Errorf("the owner sees: %s", got.text())
	}
	var c gotControl
	program, _ := boss.program("/api/v1/me/tokens", apitoken.RoomsRead)
	program.do("GET", "/api/v1/rooms/"+r.ID.String()+"/control", "").json(&c)
	if len(c.Coming) != 1 || c.Coming[0].UserID != stranger || c.Coming[0].Step != "join" ||
		c.Coming[0].Until.IsZero() {
		t.Errorf("the owner's program sees %+v", c.Coming)
	}
	if got := b.signedIn(guest).get(page); strings.Contains(got.body, stranger.String()+`"><button`) {
		t.Error("a guest sees it")
	}
	if got := w.get(page); got.location() != page+"/coming" {
		t.Errorf("the room's page leads to %s", got.location())
	}
	code := between(t, got.body, "https://discord.example/invite/", `"`)
	if got := w.form(page+"/coming", url.Values{"new_invite": {"true"}}); got.location() != page+"/coming" ||
		strings.Contains(w.get(page+"/coming").body, "/invite/"+code+`"`) {
		t.Errorf("another invite: %d %s", got.status, got.text())
	}
	code = between(t, w.get(page+"/coming").body, "https://discord.example/invite/", `"`)
	b.must(b.bot.Discord.Accept(stranger, code))
	b.bot.EditMember(stranger, func(s *access.Standing) { s.Pending = true })
	if got := w.get(page + "/coming"); !strings.Contains(got.body, "Accept the server") ||
		!strings.Contains(got.body, "/100\"") {
		t.Errorf("the rules: %s", got.text())
	}
	b.do(r.ID, room.DoLock)
	b.bot.EditMember(stranger, func(s *access.Standing) { s.Pending = false })
	if got := w.get(page + "/coming"); !strings.Contains(got.body, "This room is locked") {
		t.Errorf("locked: %s", got.text())
	}
	var api gotArriving
	w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/arrive", "").json(&api)
	if api.Step != room.StepWait || api.Detail == "" || api.InviteURL != "" {
		t.Errorf("%+v", api)
	}
	b.do(r.ID, room.DoUnlock)
	if got := w.get(page + "/coming"); got.location() != page {
		t.Errorf("let in, they are led to %s", got.location())
	}
	if got := b.signedIn(member).get(page + "/coming"); got.status != 404 {
		t.Errorf("somebody else is answered %d", got.status)
	}
}

func TestInviteBringsPeopleIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	page := "/game/" + r.ID.String()
	token := b.invite(r)
	w, m := b.signedIn(stranger), b.signedIn(manager)
	if got := m.api("PATCH", "/api/v1/guilds/100/settings", `{"settings":{"bring_in":false}}`); got.status != 200 {
		t.Fatalf("settings: %d %s", got.status, got.text())
	}
	if got := w.form("/i/"+token, nil); got.status != 403 ||
		!strings.Contains(got.body, "Join the server first") {
		t.Errorf("not a member: %d %s", got.status, got.text())
	}
	body := `{"settings":{"bring_in":true,"guilds_join":true}}`
	if got := m.api("PATCH", "/api/v1/guilds/100/settings", body); got.status != 200 {
		t.Fatalf("settings: %d %s", got.status, got.text())
	}
	if got := w.get("/i/" + token); !strings.Contains(got.body, "makes you a member") {
		t.Errorf("not told: %s", got.text())
	}
	// Signed in without the scope: Discord is asked for it, and the invite is followed after.
	start := w.form("/i/"+token, nil)
	u, _ := url.Parse(start.header.Get("Location"))
	if start.status != 303 || u.Query().Get("scope") != "identify guilds.join" {
		t.Fatalf("got %d to %s", start.status, u)
	}
	if got := w.follow(start); got.status != 200 || got.url != b.url+page {
		t.Errorf("got %d at %s %s", got.status, got.url, got.text())
	}
	if token := b.bot.Discord.Token(stranger); !strings.HasPrefix(token, "secret-access-") {
		t.Errorf("the token was not passed: %q", token)
	}
}
