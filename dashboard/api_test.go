package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/dashboard/api/openapi"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
)

// described finds the operation of a request in the description.
func (b *bench) described(method, path string) *huma.Operation {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, request.APIPrefix), "?")
	for template, item := range b.api.OpenAPI().Paths {
		want, got := strings.Split(template, "/"), strings.Split(path, "/")
		same := len(want) == len(got)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == got[i] || strings.HasPrefix(want[i], "{") && !fixed(b, want, got, i)
		}
		if same {
			return map[string]*huma.Operation{
				"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete, "PUT": item.Put,
			}[method]
		}
	}
	return nil
}

// fixed says whether another template has the segment as it is.
func fixed(b *bench, want, got []string, i int) bool {
	for template := range b.api.OpenAPI().Paths {
		other := strings.Split(template, "/")
		if len(other) == len(got) && strings.Join(other[:i], "/") == strings.Join(want[:i], "/") && other[i] == got[i] {
			return true
		}
	}
	return false
}

// conform fails the test if an answer of the API is not as the description says.
func (b *bench) conform(method, path string, g got) {
	b.t.Helper()
	op := b.described(method, path)
	if op == nil || method == http.MethodHead {
		return // no such route; TestEveryRouteIsDescribed sees to the others
	}
	r := op.Responses[fmt.Sprint(g.status)]
	if r == nil {
		b.t.Errorf("%s %s: the status %d is not described", method, path, g.status)
		return
	}
	if len(r.Content) == 0 {
		if g.body != "" {
			b.t.Errorf("%s %s: %d has a body, and none is described", method, path, g.status)
		}
		return
	}
	kind, _, _ := strings.Cut(g.header.Get("Content-Type"), ";")
	m := r.Content[kind]
	if m == nil {
		b.t.Errorf("%s %s: %d is %q, which is not described", method, path, g.status, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	var v any
	if err := json.Unmarshal([]byte(g.body), &v); err != nil {
		b.t.Errorf("%s %s: %v", method, path, err)
		return
	}
	if wrong := wrongDialect(v); wrong != "" {
		b.t.Errorf("%s %s: %s in %.300s", method, path, wrong, g.body)
	}
	var res huma.ValidateResult
	huma.Validate(b.api.OpenAPI().Components.Schemas, m.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v,
		&res)
	for _, e := range res.Errors {
		b.t.Errorf("%s %s: the answer is not as described: %.120v in %.300s", method, path, e, g.body)
		return
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Responses   map[string]any
			Security    []map[string][]string
		}
	}
	got := b.browser("").get("/api/openapi.json")
	got.json(&doc)
	if doc.OpenAPI != "3.1.0" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("it is %q %q", doc.OpenAPI, got.header.Get("Content-Type"))
	}
	n := 0
	for _, r := range b.engine.Routes() {
		path, ok := strings.CutPrefix(r.Path, request.APIPrefix)
		if !ok {
			continue
		}
		parts := strings.Split(path, "/")
		for i, p := range parts {
			if name, ok := strings.CutPrefix(p, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		op, ok := doc.Paths[strings.Join(parts, "/")][strings.ToLower(r.Method)]
		if !ok || op.Summary == "" || len(op.Responses) < 4 || op.Security == nil {
			t.Errorf("%s %s is not described, or badly: %+v", r.Method, r.Path, op)
		}
		n++
	}
	described := 0
	for _, p := range doc.Paths {
		described += len(p)
	}
	if n < 20 || described != n || len(b.api.Operations()) != n {
		t.Errorf("%d routes, %d described, %d registered", n, described, len(b.api.Operations()))
	}
	// References lead somewhere.
	for _, part := range strings.Split(got.body, `"$ref": "`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		if b.api.OpenAPI().Components.Schemas.SchemaFromRef(ref) == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
}

// program calls the API with a token.
type program struct {
	*browser
	token string
}

func (p program) do(method, path, body string, header ...string) got {
	p.b.t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	return p.send(method, path, kind, body, append(header, "Authorization", "Bearer "+p.token)...)
}

// program makes a token by the API and gives who uses it, without any cookie.
func (w *browser) program(path string, scopes ...apitoken.Scope) (program, gotMadeToken) {
	w.b.t.Helper()
	body, err := json.Marshal(map[string]any{"name": "robot", "scopes": scopes})
	if err != nil {
		w.b.t.Fatal(err)
	}
	var made gotMadeToken
	got := w.api("POST", path, string(body))
	got.json(&made)
	if got.status != http.StatusCreated || made.Secret == "" {
		w.b.t.Fatalf("no token: %d %s", got.status, got.body)
	}
	return program{w.b.browser(""), made.Secret}, made
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w := b.signedIn(owner)
	p, made := w.program("/api/v1/me/tokens", apitoken.RoomsRead, apitoken.RoomsWrite)
	at := "/api/v1/rooms/" + r.ID.String()
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/api/v1/me", "", 200},
		{"GET", at, "", 200},
		{"GET", at + "/members", "", 200},
		{"POST", at + "/keep", "", 200},
		{"GET", "/api/v1/guilds", "", 403},              // members:read
		{"GET", "/api/v1/guilds/100/settings", "", 403}, // settings:read
		{"GET", "/api/v1/me/tokens", "", 403},           // never by a token
		{"POST", "/api/v1/me/tokens", `{"name":"x","scopes":["rooms:read"]}`, 403},
		{"GET", "/api/v1/guilds/200/rooms", "", 404},
	} {
		if got := p.do(c.method, c.path, c.body); got.status != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
	// Kept as a hash, listed with its last use, shown never again.
	kept, _, err := b.hub.Tokens.Get(t.Context(), "u1."+made.ID)
	secret := made.Secret[strings.LastIndex(made.Secret, "_")+1:]
	if raw, _ := json.Marshal(kept); err != nil || strings.Contains(string(raw), secret) {
		t.Errorf("kept as %s, %v", raw, err)
	}
	got := w.api("GET", "/api/v1/me/tokens", "")
	if strings.Contains(got.body, secret) || !strings.Contains(got.body, `"last_used_at":"20`) {
		t.Errorf("listed as %s", got.body)
	}
	if strings.Contains(b.log.String(), secret) {
		t.Error("the log has a token")
	}
	for _, bad := range []string{
		"", "x", "snug_", made.Secret + "x", strings.Replace(made.Secret, "u1", "u2", 1),
		"snug_u1_" + made.ID + "_" + strings.Repeat("A", 26),
	} {
		if got := (program{p.browser, bad}).do("GET", "/api/v1/me", ""); got.status != 401 {
			t.Errorf("token %q: %d", bad, got.status)
		}
	}
	if got := p.send("GET", "/api/v1/me", "", "", "Authorization", "Basic "+made.Secret); got.status != 401 {
		t.Errorf("another scheme: %d", got.status)
	}
	if got := p.send("GET", "/servers/100", "", "", "Authorization", "Bearer "+made.Secret); got.status != 200 ||
		!strings.Contains(got.body, "Sign in to see this server’s rooms") {
		t.Error("a token opens pages")
	}
	if got := b.signedIn(guest).api("DELETE", "/api/v1/me/tokens/"+made.ID, ""); got.status != 404 {
		t.Errorf("somebody else revoked it: %d", got.status)
	}
	if got := w.api("DELETE", "/api/v1/me/tokens/"+made.ID, ""); got.status != 204 {
		t.Errorf("revoking: %d %s", got.status, got.body)
	}
	if got := p.do("GET", "/api/v1/me", ""); got.status != 401 || got.problem().Code != errs.Unauthorized {
		t.Errorf("after revoking: %d", got.status)
	}
	for body, field := range map[string]string{
		`{"name":" ","scopes":["rooms:read"]}`: "name", `{"name":"x","scopes":[]}`: "scopes",
		`{"name":"x","scopes":["all"]}`: "scopes", `{"scopes":["rooms:read"]}`: "name",
		`{"name":"x","scopes":["rooms:read"],"expires_at":"2001-01-01T00:00:00Z"}`: "expires_at",
		`{"name":"x","scopes":["rooms:read"],"more":1}`:                            "more",
	} {
		if got := w.api("POST", "/api/v1/me/tokens", body); got.status != 400 || got.problem().Field != field {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

func TestServerTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	if got := b.signedIn(member).api("POST", "/api/v1/guilds/100/tokens",
		`{"name":"x","scopes":["rooms:read"]}`); got.status != 403 {
		t.Errorf("a member made one: %d", got.status)
	}
	p, made := w.program("/api/v1/guilds/100/tokens", apitoken.RoomsRead, apitoken.MembersRead, apitoken.SettingsRead,
		apitoken.SettingsWrite)
	b.join(others, manager, managers) // they manage the other server as well, but the token is for the first
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/api/v1/guilds/100/settings", "", 200},
		{"GET", "/api/v1/guilds", "", 200},
		{"GET", "/api/v1/guilds/100/members/1", "", 200},
		{"GET", "/api/v1/guilds/100/members/6", "", 404},
		{"GET", "/api/v1/guilds/200/settings", "", 404},
		{"GET", "/api/v1/guilds/200/rooms", "", 404},
		{"PATCH", "/api/v1/guilds/200/settings", `{"settings":{"seats":5}}`, 404},
		{"POST", "/api/v1/live-token", `{"guild":"200"}`, 404},
	} {
		if got := p.do(c.method, c.path, c.body); got.status != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
	b.join(friends, manager) // they manage it no more
	if got := p.do("GET", "/api/v1/guilds/100/rooms", ""); got.status != 401 {
		t.Errorf("the token outlived its maker's rights: %d", got.status)
	}
	b.join(friends, member, managers)
	if got := b.signedIn(member).api("DELETE", "/api/v1/guilds/100/tokens/"+made.ID, ""); got.status != 204 {
		t.Errorf("another manager could not revoke it: %d", got.status)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(owner)
	open := func(who *browser, key, body string) got {
		return who.send("POST", "/api/v1/guilds/100/rooms", "application/json", body, "Idempotency-Key", key)
	}
	first := open(w, "friday", `{"name":"Friday"}`)
	again := open(w, "friday", `{"name":"Friday"}`)
	sameID := func(a, b got) bool {
		var x, y wire.Room
		a.json(&x)
		b.json(&y)
		return x.ChannelID == y.ChannelID && x.Name == y.Name && x.ChannelID != 0
	}
	if first.status != 201 || again.status != 201 || !sameID(first, again) ||
		again.header.Get("Location") != first.header.Get("Location") ||
		again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if strings.Contains(again.body, "/i/") || !strings.Contains(first.body, "/i/") {
		t.Errorf("the link: first %s, then %s", first.body, again.body)
	}
	if got := open(w, "friday", `{"name":"Monday"}`); got.status != 409 || got.problem().Code != errs.Conflict {
		t.Errorf("another body: %d", got.status)
	}
	open(b.signedIn(guest), "friday", `{"name":"Friday"}`) // somebody else's key
	if n := len(b.opened()); n != 2 {
		t.Errorf("%d rooms", n)
	}
	if got := open(w, "wrong", `{"seats":0}`); got.status != 400 {
		t.Errorf("got %d", got.status)
	}
	if got := open(w, strings.Repeat("k", 201), `{}`); got.status != 400 {
		t.Errorf("a long key: %d", got.status)
	}
	m := b.signedIn(member)
	b.fail(errs.E(errs.DiscordUnavailable, "Discord does not answer."))
	if got := open(m, "later", `{"name":"x"}`); got.status != 503 {
		t.Errorf("got %d", got.status)
	}
	b.fail(nil)
	if got := open(m, "later", `{"name":"x"}`); got.status != 201 || got.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("what failed could not be tried again: %d", got.status)
	}
	keys, err := b.hub.Replays.Keys(t.Context(), "")
	if err != nil || len(keys) == 0 {
		t.Fatal(err)
	}
	doc, _, err := b.hub.Replays.Get(t.Context(), keys[0])
	if err != nil || strings.Contains(string(doc.Data), "Friday") || doc.Expires.IsZero() {
		t.Errorf("answers are kept open to read, or for ever: %v", err)
	}
}

// TestRepetitionsAskAgain: an answer is given again to who may still have it, and without what is told once.
func TestRepetitionsAskAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	b.do(r.ID, room.DoPublic) // managers see it
	for _, c := range []struct {
		name, path, body, secret string
		lose                     func()
	}{
		{
			"a server's token", "/api/v1/guilds/100/tokens", `{"name":"x","scopes":["rooms:read"]}`, "secret",
			func() { b.join(friends, manager) },
		},
		{
			"a webhook", "/api/v1/guilds/100/webhooks", `{"name":"x","url":"https://example.org"}`, "secret",
			func() { b.join(friends, manager) },
		},
		{"a personal token", "/api/v1/me/tokens", `{"name":"x","scopes":["rooms:read"]}`, "secret", nil},
		{
			"an invite", "/api/v1/rooms/" + r.ID.String() + "/invites", `{}`, "url",
			func() { b.join(friends, manager) },
		},
		{"a room", "/api/v1/guilds/100/rooms", `{"name":"y"}`, "/i/", func() { b.bot.RemoveMember(manager) }},
	} {
		b.join(friends, manager, managers)
		w := b.signedIn(manager)
		ask := func() got { return w.send("POST", c.path, "application/json", c.body, "Idempotency-Key", c.name) }
		first, again := ask(), ask()
		if first.status != http.StatusCreated || !strings.Contains(first.body, c.secret) {
			t.Errorf("%s: %d %s", c.name, first.status, first.body)
		}
		if again.status != http.StatusCreated || again.header.Get("Idempotency-Replayed") == "" ||
			strings.Contains(again.body, `"`+c.secret+`"`) {
			t.Errorf("%s, again: %d %s", c.name, again.status, again.body)
		}
		if c.lose == nil {
			continue
		}
		c.lose()
		if got := ask(); got.status != http.StatusForbidden && got.status != http.StatusNotFound {
			t.Errorf("%s, to who may no more: %d %s", c.name, got.status, got.body)
		}
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := map[string]bool{}
	for _, who := range []snowflake.ID{owner, guest, manager, member, banned} {
		want[b.roomOf(who).ID.String()] = true
	}
	w := b.signedIn(guest) // of all
	cursor, pages := "", 0
	for {
		var list struct {
			Rooms []wire.Room
			Next  string `json:"next_cursor"`
		}
		w.api("GET", "/api/v1/guilds/100/rooms?limit=2&cursor="+cursor, "").json(&list)
		pages++
		for _, r := range list.Rooms {
			if !want[r.ChannelID.String()] {
				t.Errorf("%s came twice, or is none", r.ChannelID)
			}
			delete(want, r.ChannelID.String())
		}
		if cursor = list.Next; cursor == "" || pages > 9 {
			break
		}
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d pages, %v missing", pages, want)
	}
	for _, bad := range []string{
		"limit=0", "limit=1000", "limit=x", "cursor=%25", "cursor=" + url.QueryEscape(openapi.Cursor("x")), "member=x",
	} {
		if got := w.api("GET", "/api/v1/guilds/100/rooms?"+bad, ""); got.status != 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}

// TestRoomOfAMember asks for the room that somebody is in, as those who may see it and those who may not.
func TestRoomOfAMember(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := b.room()
	b.roomOf(manager)
	b.sit(in.ID, owner)
	for _, c := range []struct {
		name      string
		who, whom snowflake.ID
		want      []snowflake.ID
	}{
		{"the room of who is in one", guest, owner, []snowflake.ID{in.ID}},
		{"nobody's room", guest, member, nil},
		{"a room that isn't theirs to see", member, owner, nil},
	} {
		var list struct{ Rooms []wire.Room }
		b.signedIn(c.who).api("GET", fmt.Sprint("/api/v1/guilds/100/rooms?member=", c.whom), "").json(&list)
		var got []snowflake.ID
		for _, r := range list.Rooms {
			got = append(got, r.ChannelID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A program follows a room live by its API token, and no longer than the token is good.
func TestLiveByToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w := b.signedIn(owner)
	p, made := w.program("/api/v1/me/tokens", apitoken.RoomsRead)
	var live struct{ Token string }
	p.do("POST", "/api/v1/live-token", `{"guild":"100","room":"`+r.ID.String()+`"}`).json(&live)
	c, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(b.url, "http", "ws", 1)+"/api/ws",
		nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer c.Close()
	if err := c.WriteJSON(map[string]any{
		"v": 1, "type": "auth", "token": live.Token, "ts": time.Now().UnixMilli(),
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"auth.ok", "room.snapshot"} {
		if _, m, err := c.ReadMessage(); err != nil || !strings.Contains(string(m), want) {
			t.Fatalf("%s %v", m, err)
		}
	}
	w.api("DELETE", "/api/v1/me/tokens/"+made.ID, "")
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, int(protocol.CloseSessionOver)) {
		t.Errorf("after the token was revoked: %v", err)
	}
}

func TestSettingsPreconditions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	seen := w.api("GET", "/api/v1/guilds/100/settings", "").header.Get("ETag")
	patch := func(tag, body string) got {
		return w.send("PATCH", "/api/v1/guilds/100/settings", "application/json", body, "If-Match", tag)
	}
	w.api("PATCH", "/api/v1/guilds/100/settings", `{"settings":{"seats":5}}`)
	now := w.api("GET", "/api/v1/guilds/100/settings", "").header.Get("ETag")
	if seen == now || patch(now, `{"settings":{"seats":6}}`).status != 200 {
		t.Errorf("tags %s, %s", seen, now)
	}
	if got := patch(now, `{"settings":{"seats":7}}`); got.status != 412 || got.problem().Code != errs.Conflict {
		t.Errorf("got %d", got.status)
	}
	if got := patch("x", `{"settings":{"seats":7}}`); got.status != 400 {
		t.Errorf("got %d", got.status)
	}
	if got := patch(now, `{"settings":{"colour":"red"}}`); got.status != 400 ||
		got.problem().Field != "settings.colour" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// A process that dies after it made something and before it kept the answer is
// asked again: there is one thing, and what the second answer says works.
func TestRepeatedWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	r := b.room()
	for what, c := range map[string]struct {
		path, body string
		count      func() int
	}{
		"token": {"/api/v1/me/tokens", `{"name":"x","scopes":["rooms:read"]}`, func() int {
			keys, err := b.hub.Tokens.Keys(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			return len(keys)
		}},
		"webhook": {"/api/v1/guilds/100/webhooks", `{"name":"x","url":"https://example.com/x","kinds":["room_opened"]}`,
			func() int {
				keys, err := b.hub.Webhooks.Keys(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				return len(keys)
			}},
	} {
		send := func() got { return w.send("POST", c.path, "application/json", c.body, "Idempotency-Key", what) }
		first := send()
		keys, err := b.hub.Replays.Keys(t.Context(), "")
		if err != nil || len(keys) != 1 {
			t.Fatalf("%v, %v", keys, err)
		}
		if err := b.hub.Replays.Delete(t.Context(), keys[0]); err != nil {
			t.Fatal(err)
		}
		again := send()
		if first.status != 201 || again.status != 201 || again.header.Get("Idempotency-Replayed") != "" ||
			c.count() != 1 {
			t.Errorf("%s: %d %s, then %d %s; there are %d", what, first.status, first.body, again.status, again.body,
				c.count())
		}
		if what == "token" {
			var made gotMadeToken
			again.json(&made)
			if got := (program{b.browser(""), made.Secret}).do("GET", "/api/v1/me", ""); got.status != 200 {
				t.Errorf("the token of the second answer: %d %s", got.status, got.body)
			}
		}
		if err := b.hub.Replays.Delete(t.Context(), keys[0]); err != nil {
			t.Fatal(err)
		}
	}
	send := func() got {
		return b.signedIn(owner).send("POST", "/api/v1/rooms/"+r.ID.String()+"/invites", "application/json", `{}`,
			"Idempotency-Key", "i")
	}
	send()
	keys, err := b.hub.Replays.Keys(t.Context(), "")
	if err != nil || len(keys) != 1 || b.hub.Replays.Delete(t.Context(), keys[0]) != nil {
		t.Fatal(err)
	}
	send()
	if is := b.stored(r.ID).Invites; len(is) != len(r.Invites)+1 {
		t.Errorf("%d invites became %d", len(r.Invites), len(is))
	}
}
