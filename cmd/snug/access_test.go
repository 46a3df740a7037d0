package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/testkit"
)

// The people of the tables, in the order of their columns.
var people = []string{
	"nobody",   // is not signed in
	"stranger", // manages another server that has Snug, and is not in this one
	"left",     // managed this server until a minute ago, and left it
	"member",   // is in the server, and in no room
	"banned",   // is banned from the room
	"guest",    // was let into the room
	"owner",    // owns the room
	"manager",  // manages the server, and is not in the room
}

// route is a row: what each of the people gets, in their order. A number is
// the answer's status; "login" is what who must sign in first gets: a way to
// do so on pages, 401 for programs. Whatever opens links to show their cards gets "sign-in", a page that says nothing
// but that.
type route struct {
	at   string // method and path, as gin writes it
	body any    // url.Values for a form, else JSON
	want string
	// ends says that whoever may do it takes away what the row is about, so that the next of the people gets
	// a new room.
	ends bool
}

// routes says of every route who may use it, seen from a private room. A
// route without a row fails the test: say here who may, and see that it holds.
var routes = []route{
	// nobody, stranger, left, member, banned, guest, owner, manager
	{at: "GET /", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /favicon.ico", want: "302 302 302 302 302 302 302 302"},
	{at: "GET /healthz", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /readyz", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /robots.txt", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /card/:picture", want: "404 404 404 404 404 404 404 404"}, // by its sealed name alone: TestCards
	{at: "GET /static/*path", want: "404 404 404 404 404 404 404 404"},
	// who may watch is asked of who connects: TestWhoMayWatch
	{at: "GET /api/ws", want: "426 426 426 426 426 426 426 426"},
	{at: "GET /login", want: "303 303 303 303 303 303 303 303"},
	{at: "POST /login", want: "303 303 303 303 303 303 303 303"},
	{at: "GET /auth/discord/callback", want: "410 303 303 303 303 303 303 303"},
	{at: "GET /logout", want: "200 200 200 200 200 200 200 200"},

	{at: "POST /language", body: url.Values{"language": {"de"}}, want: "303 303 303 303 303 303 303 303"},

	{at: "GET /servers/:guild", want: "sign-in 404 404 200 200 200 200 200"},
	{
		at: "POST /servers/:guild/rooms", body: url.Values{"name": {"Another"}, "seats": {"500"}},
		want: "login 404 404 400 400 400 400 400",
	},
	{at: "GET /game/:channel", want: "sign-in 404 404 404 404 200 200 404"},
	{at: "GET /i/:code", want: "400 400 400 400 400 400 400 400"},
	{at: "POST /i/:code", want: "400 400 400 400 400 400 400 400"},
	{at: "GET /game/:channel/coming", want: "login 404 404 404 404 303 303 404"},
	{at: "POST /game/:channel/coming", want: "login 404 404 404 404 303 303 404"},
	{at: "POST /game/:channel/join", want: "login 404 404 404 404 303 303 404"},
	{at: "POST /game/:channel/keep", want: "login 404 404 404 404 303 303 404"},
	{at: "POST /game/:channel/invites", body: url.Values{}, want: "login 404 404 404 404 403 303 404"},
	{at: "POST /game/:channel/invites/:id/revoke", want: "login 404 404 404 404 403 303 404"},
	{at: "POST /game/:channel/close", want: "login 404 404 404 404 403 303 303", ends: true},
	{at: "GET /watch/:channel", want: "404 404 404 404 404 404 404 404"}, // by its own link alone: TestSpectators
	{at: "POST /watch/:channel/token", body: map[string]any{"t": "no-token"}, want: "404 404 404 404 404 404 404 404"},
	{at: "POST /servers/:guild/forget", want: "login 404 404 303 303 303 303 303"},
	{at: "POST /game/:channel/knock", want: "login 303 303 303 303 409 409 303"},
	{at: "POST /game/:channel/edit", body: url.Values{"was_status": {""}, "status": {"Renamed"}},
		want: "login 404 404 404 404 403 303 404"},
	{at: "POST /game/:channel/wait", want: "login 404 404 404 404 303 303 404"},
	{
		at: "POST /game/:channel/answer", body: url.Values{"user": {"{femi}"}, "let_in": {"false"}},
		want: "login 404 404 404 404 403 303 404",
	},
	{at: "GET /admin/:guild", want: "login 404 404 403 403 403 403 200"},
	{at: "POST /admin/:guild", body: url.Values{"seats": {"many"}}, want: "login 404 404 403 403 403 403 400"},

	{at: "GET /admin/:guild/history", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /admin/:guild/settings.json", want: "login 404 404 403 403 403 403 200"},
	{at: "POST /admin/:guild/import", body: url.Values{"file": {"{"}}, want: "login 404 404 403 403 403 403 400"},
	{
		at: "POST /admin/:guild/lobbies", body: url.Values{"do": {"save"}, "seats": {"500"}},
		want: "login 404 404 403 403 403 403 400",
	},
	{at: "POST /admin/:guild/undo", body: url.Values{"rev": {"999999"}}, want: "login 404 404 403 403 403 403 303"},

	{at: "GET /admin/:guild/activity", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /admin/:guild/activity.csv", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /admin/:guild/activity.json", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /admin/:guild/tokens", want: "login 404 404 403 403 403 403 200"},
	{at: "POST /admin/:guild/tokens", body: url.Values{"name": {""}}, want: "login 404 404 403 403 403 403 400"},
	{at: "GET /admin/:guild/webhooks", want: "login 404 404 403 403 403 403 200"},
	{
		at: "POST /admin/:guild/webhooks", body: url.Values{"do": {"make"}, "url": {"http://127.0.0.1/"}},
		want: "login 404 404 403 403 403 403 400",
	},
	{at: "GET /presets", want: "login 200 200 200 200 200 200 200"},
	{at: "POST /presets", body: url.Values{"name": {""}}, want: "login 400 400 400 400 400 400 400"},
	{at: "GET /admin/:guild/presets", want: "login 404 404 403 403 403 403 200"},
	{at: "POST /admin/:guild/presets", body: url.Values{"name": {""}}, want: "login 404 404 403 403 403 403 400"},
	{
		at: "POST /open", body: url.Values{"guild": {"1"}}, // as POST /servers/:guild/rooms
		want: "login 404 404 404 404 404 404 404",
	},
	// open, it is the room itself; of a closed one: TestAgain in bot/rooms
	{at: "POST /game/:channel/again", want: "login 404 404 404 404 303 303 404"},
	{at: "POST /api/v1/rooms/:channel/again", want: "login 404 404 404 404 200 200 404"},
	{at: "GET /api/v1/me/closed-rooms", want: "login 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/me/presets", want: "login 200 200 200 200 200 200 200"},
	{at: "POST /api/v1/me/presets", body: map[string]any{"name": ""}, want: "login 400 400 400 400 400 400 400"},
	{at: "DELETE /api/v1/me/presets/:preset", want: "login 404 404 404 404 404 404 404"},
	{at: "GET /api/v1/guilds/:guild/presets", want: "login 404 404 200 200 200 200 200"},
	{
		at: "POST /api/v1/guilds/:guild/presets", body: map[string]any{"name": ""},
		want: "login 404 404 403 403 403 403 400",
	},
	{at: "DELETE /api/v1/guilds/:guild/presets/:preset", want: "login 404 404 403 403 403 403 404"},
	{at: "GET /tokens", want: "login 200 200 200 200 200 200 200"},
	{at: "POST /tokens", body: url.Values{"name": {""}}, want: "login 400 400 400 400 400 400 400"},

	{at: "GET /api/v1/guilds/:guild/audit", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /api/v1/guilds/:guild/stats", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /api/v1/guilds/:guild/webhooks", want: "login 404 404 403 403 403 403 200"},
	{
		at: "POST /api/v1/guilds/:guild/webhooks", body: map[string]any{"name": "x", "url": "ftp://example.org/"},
		want: "login 404 404 403 403 403 403 400",
	},
	{
		at: "PATCH /api/v1/guilds/:guild/webhooks/:hook", body: map[string]any{},
		want: "login 404 404 403 403 403 403 404",
	},
	{at: "DELETE /api/v1/guilds/:guild/webhooks/:hook", want: "login 404 404 403 403 403 403 404"},
	{at: "POST /api/v1/guilds/:guild/webhooks/:hook/ping", want: "login 404 404 403 403 403 403 404"},
	{at: "GET /api/v1/guilds/:guild/webhooks/:hook/deliveries", want: "login 404 404 403 403 403 403 404"},
	{
		at:   "POST /api/v1/guilds/:guild/webhooks/:hook/deliveries/:message/replay",
		want: "login 404 404 403 403 403 403 404",
	},

	{at: "GET /api/openapi.json", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/me", want: "login 200 200 200 200 200 200 200"},
	{
		at: "POST /api/v1/live-token", body: map[string]any{"guild": "{guild}", "room": "{channel}"},
		want: "login 404 404 404 404 200 200 404",
	},
	{at: "GET /api/v1/guilds/:guild/rooms", want: "login 404 404 200 200 200 200 200"},
	{
		at: "POST /api/v1/guilds/:guild/rooms", body: map[string]any{"name": "Another", "seats": 500},
		want: "login 400 400 400 400 400 400 400",
	},
	{at: "GET /api/v1/guilds/:guild/settings", want: "login 404 404 403 403 403 403 200"},
	{
		at:   "PATCH /api/v1/guilds/:guild/settings",
		body: map[string]any{"settings": map[string]any{"category_id": "1"}},
		want: "login 404 404 403 403 403 403 400",
	},
	{at: "GET /api/v1/rooms/:channel", want: "login 404 404 404 404 200 200 404"},
	{at: "POST /api/v1/rooms/:channel/join", want: "login 404 404 404 404 200 200 404"},
	{at: "POST /api/v1/rooms/:channel/keep", want: "login 404 404 404 404 200 200 404"},
	{at: "GET /api/v1/guilds/:guild/settings/history", want: "login 404 404 403 403 403 403 200"},
	{
		at: "POST /api/v1/guilds/:guild/settings/undo", body: map[string]any{"rev": 999999},
		want: "login 404 404 403 403 403 403 404",
	},
	{at: "GET /api/v1/guilds/:guild/places", want: "login 404 404 403 403 403 403 200"},
	{at: "GET /api/v1/guilds/:guild/lobbies", want: "login 404 404 403 403 403 403 200"},
	{
		at: "POST /api/v1/guilds/:guild/lobbies", body: map[string]any{"channel_id": "1"},
		want: "login 404 404 403 403 403 403 400",
	},
	{at: "DELETE /api/v1/guilds/:guild/lobbies/:lobby", want: "login 404 404 403 403 403 403 404"},
	{
		at: "POST /api/v1/guilds/:guild/setup", body: map[string]any{"apply": false},
		want: "login 404 404 403 403 403 403 200",
	},
	{at: "GET /api/v1/guilds/:guild/preferences", want: "login 404 404 200 200 200 200 200"},
	{at: "DELETE /api/v1/guilds/:guild/preferences", want: "login 404 404 204 204 204 204 204"},
	{at: "GET /api/v1/rooms/:channel/control", want: "login 404 404 404 404 403 200 404"},
	{at: "GET /api/v1/rooms/:channel/history", want: "login 404 404 404 404 200 200 404"},
	{at: "POST /api/v1/rooms/:channel/knock", want: "login 200 200 200 200 409 409 200"},
	{
		at: "POST /api/v1/rooms/:channel/answer", body: map[string]any{"user": "{manager}", "let_in": false},
		want: "login 404 404 404 404 403 200 404",
	},
	{at: "POST /api/v1/rooms/:channel/wait", want: "login 404 404 404 404 200 200 404"},
	{at: "DELETE /api/v1/rooms/:channel/wait", want: "login 404 404 404 404 204 204 404"},
	{at: "POST /api/v1/rooms/:channel/invites", body: map[string]any{}, want: "login 404 404 404 404 403 201 404"},
	{at: "DELETE /api/v1/rooms/:channel/invites/:id", want: "login 404 404 404 404 403 204 404"},
	{at: "POST /api/v1/rooms/:channel/close", want: "login 404 404 404 404 403 200 200", ends: true},
	{at: "POST /api/v1/rooms/:channel/arrive", want: "login 404 404 404 404 200 200 404"},
	{
		at: "POST /api/v1/invites/redeem", body: map[string]any{"code": "no-code"},
		want: "login 400 400 400 400 400 400 400",
	},
	{
		at: "POST /api/v1/invites/preview", body: map[string]any{"code": "no-code"},
		want: "login 400 400 400 400 400 400 400",
	},
	{at: "GET /api/v1/guilds", want: "login 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/guilds/:guild", want: "login 404 404 200 200 200 200 200"},
	// :user is the owner, and oneself one may ask about
	{at: "GET /api/v1/guilds/:guild/members/:user", want: "login 404 404 403 403 403 200 200"},
	{at: "GET /api/v1/rooms/:channel/members", want: "login 404 404 404 404 200 200 404"},
	{at: "GET /api/v1/me/tokens", want: "login 200 200 200 200 200 200 200"},
	{
		at: "POST /api/v1/me/tokens", body: map[string]any{"name": "x", "scopes": []string{"*"}},
		want: "login 400 400 400 400 400 400 400",
	},
	{at: "DELETE /api/v1/me/tokens/:id", want: "login 404 404 404 404 404 404 404"},
	{at: "GET /api/v1/guilds/:guild/tokens", want: "login 404 404 403 403 403 403 200"},
	{
		at: "POST /api/v1/guilds/:guild/tokens", body: map[string]any{"name": "x", "scopes": []string{"rooms:read"}},
		want: "login 404 404 403 403 403 403 201",
	},
	{at: "DELETE /api/v1/guilds/:guild/tokens/:id", want: "login 404 404 403 403 403 403 404"},

	{at: "GET /admin/:guild/health", want: "login 404 404 403 403 403 403 200"},
	{at: "POST /admin/:guild/health", body: url.Values{}, want: "login 404 404 403 403 403 403 200"},
	{at: "GET /notifications", want: "login 200 200 200 200 200 200 200"},
	{
		at: "POST /notifications", body: url.Values{"do": {"save"}, "kinds": {"none"}},
		want: "login 400 400 400 400 400 400 400",
	},
	{at: "GET /sw.js", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /manifest.webmanifest", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /offline", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/me/notifications", want: "login 200 200 200 200 200 200 200"},
	{
		at: "PATCH /api/v1/me/notifications", body: map[string]any{"kinds": []string{"none"}},
		want: "login 400 400 400 400 400 400 400",
	},
	{
		at: "POST /api/v1/me/notifications/trusted", body: map[string]any{"user": "1"},
		want: "login 404 404 404 404 404 404 404",
	},
	{at: "DELETE /api/v1/me/notifications/trusted/:user", want: "login 204 204 204 204 204 204 204"},
	{
		at:   "POST /api/v1/me/notifications/devices",
		body: map[string]any{"endpoint": "http://x", "p256dh": "", "auth": "", "key": ""},
		want: "login 400 400 400 400 400 400 400",
	},
	{at: "DELETE /api/v1/me/notifications/devices/:id", want: "login 404 404 404 404 404 404 404"},
	{at: "POST /api/v1/me/notifications/test", want: "login 409 409 409 409 409 409 409"},
	{at: "GET /api", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /privacy", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /terms", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /privacy/data.json", want: "login 200 200 200 200 200 200 200"},
	{at: "GET /privacy/erase", want: "login 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/heard", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /status", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/status", want: "200 200 200 200 200 200 200 200"},
	{at: "GET /api/v1/guilds/:guild/health", want: "login 404 404 403 403 403 403 200"},
	{
		at: "POST /api/v1/guilds/:guild/repair", body: map[string]any{"apply": false},
		want: "login 404 404 403 403 403 403 200",
	},

	// Last: they sign people out.
	{at: "POST /privacy/erase", want: "login 200 200 200 200 200 200 200"},
	{at: "POST /logout", want: "303 303 303 303 303 303 303 303"},
	{at: "POST /logout/everywhere", want: "303 303 303 303 303 303 303 303"},
}

// actionRoutes says who may do each action to a private room, on its page and over the API.
func actionRoutes() (list []route) {
	for _, a := range schema.Actions() {
		form, body := url.Values{"do": {a.Name}}, map[string]any{"do": a.Name}
		var value any
		switch a.Input {
		case schema.NoInput:
		case schema.TextInput:
			value = "Renamed"
		case schema.TextsInput:
			form.Set(a.Fields[0].Name, "Renamed")
			body[a.Fields[0].Name] = "Renamed"
		case schema.NumberInput:
			value = a.Max
		case schema.MemberInput:
			value = "{guest}"
		case schema.BannedInput:
			value = "{banned}"
		}
		if value != nil {
			form.Set(a.Field, fmt.Sprint(value))
			body[a.Field] = value
		}
		page, program := "login 404 404 404 404 403 303 404", "login 404 404 404 404 403 200 404"
		if a.Who == schema.Claimers { // the guest is not in the room, and the owner owns it
			page = "login 404 404 404 404 409 400 404"
			program = page
		}
		list = append(list, route{at: "POST /game/:channel/change", body: form, want: page, ends: true},
			route{at: "POST /api/v1/rooms/:channel/change", body: body, want: program, ends: true})
	}
	return list
}

// accessHarness is a harness with the people of the tables in it.
type accessHarness struct {
	*harness
	as     map[string]*script // by column
	named  map[string]string  // column → username at the simulated Discord
	room   string
	invite string // id of an invite to the room
	code   string // of its link
}

func newAccessHarness(t *testing.T) *accessHarness {
	t.Helper()
	h := newHarness(t, unhurried)
	v := &accessHarness{harness: h, as: map[string]*script{}, named: map[string]string{
		"stranger": "zoe", "left": "greta", "member": "femi", "banned": "esperanza", "guest": "dmitri",
		"owner": "chiyo", "manager": "wanda",
	}}
	zoe := h.world.discord.AddUser("zoe", "Zoë")
	h.world.users = append(h.world.users, zoe)
	elsewhere, err := h.world.discord.AddGuild("Elsewhere", zoe.ID)
	h.must(err)
	h.must(h.world.discord.InstallBot(elsewhere.ID, h.world.app.ID, discordsim.SnugPermissions))
	wardens, err := h.world.discord.AddRole(h.world.guild, "Wardens", discordsim.PermManageGuild)
	h.must(err)
	wanda := h.world.discord.AddUser("wanda", "Wanda")
	h.world.users = append(h.world.users, wanda)
	h.must(h.world.discord.AddMember(h.world.guild, wanda.ID, "", wardens))
	h.must(h.world.discord.RemoveMember(h.world.guild, h.user("greta").ID))
	h.must(h.world.discord.AddMember(h.world.guild, h.user("greta").ID, "", wardens))
	for who, name := range v.named {
		v.as[who] = h.signIn(name)
	}
	v.as["nobody"] = &script{h, &http.Client{Timeout: patience, Transport: testkit.HTTP.Transport}}
	for _, s := range v.as {
		s.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	h.eventually("the settings, once Snug has heard of the managers' role", func() bool {
		status, _ := v.as["manager"].api(http.MethodPatch, "/guilds/"+h.world.guild.String()+"/settings",
			map[string]any{"settings": map[string]any{"rooms_per_member": 10, "idle_timeout": "never"}})
		return status == http.StatusOK
	})
	if status, _ := v.as["left"].page("/admin/" + h.world.guild.String()); status != http.StatusOK {
		t.Fatalf("who is to leave could not manage the server: %d", status)
	}
	h.must(h.world.discord.RemoveMember(h.world.guild, h.user("greta").ID))
	// pages repeat for some seconds what Discord said of somebody; what they do is always asked anew
	h.clock.Forward(time.Minute)
	v.open()
	return v
}

// open opens a private room of the owner, with the guest let in and the banned one banned.
func (v *accessHarness) open() {
	v.Helper()
	if v.room != "" {
		v.as["manager"].api(http.MethodPost, "/rooms/"+v.room+"/close", nil) // unless somebody did
		v.eventually("the old room is gone", func() bool {
			_, _, err := v.app.hub.Rooms.Get(context.Background(), v.world.guild.String()+"."+v.room)
			return errs.Has(err, errs.NotFound)
		})
	}
	v.clock.Forward(10 * time.Minute) // nobody may open many rooms in a few minutes
	_, err := hub.PreferencesOf.Call(context.Background(), v.app.hub, v.world.guild, room.PreferencesRequest{
		// a room begins as the last one was
		Actor: access.Actor{UserID: v.user("chiyo").ID, Via: access.ViaWeb}, Forget: true,
	})
	v.must(err)
	v.room = v.as["owner"].open("Secret plans")
	status, out := v.as["owner"].api(http.MethodPost, "/rooms/"+v.room+"/invites", map[string]any{})
	if status != http.StatusCreated {
		v.Fatalf("no invite: %d %v", status, out)
	}
	link, err := url.Parse(out["url"].(string))
	v.must(err)
	v.invite, v.code = out["id"].(string), path.Base(link.Path)
	if status, out := v.as["guest"].api(http.MethodPost, "/invites/redeem",
		map[string]any{"code": v.code}); status != http.StatusOK {
		v.Fatalf("the guest was not let in: %d %v", status, out)
	}
	id, err := snowflake.Parse(v.room)
	v.must(err)
	_, err = hub.ChangeRoom.Call(context.Background(), v.app.hub, v.world.guild, room.ChangeRequest{
		Actor: access.Actor{UserID: v.user("chiyo").ID, Via: access.ViaWeb}, RoomID: id, Do: room.DoBan,
		User: v.user("esperanza").ID,
	})
	v.must(err)
}

// fill puts the harness's ids in place of a route's parameters.
func (v *accessHarness) fill(s string) string {
	s = strings.NewReplacer("%7B", "{", "%7D", "}").Replace(s)
	guild, id := v.world.guild.String(), func(name string) string { return v.user(name).ID.String() }
	return strings.NewReplacer(
		":guild", guild, ":channel", v.room, ":id", v.invite, ":hook", "nohook", ":message", "nomessage",
		":user", id("chiyo"), "{manager}", id(v.named["manager"]), "{femi}", id("femi"),
		"{guest}", id(v.named["guest"]), "{banned}", id(v.named["banned"]), "{guild}", guild, "{channel}", v.room,
		"*path", "0/nothing.css").Replace(s)
}

// ask does what a row says as one of the people, and gives the status.
func (v *accessHarness) ask(who string, r route) (int, http.Header, string) {
	v.Helper()
	method, path, _ := strings.Cut(r.at, " ")
	path = v.fill(path)
	kind, accept, body := "", "text/html", ""
	switch b := r.body.(type) {
	case url.Values:
		kind, body = "application/x-www-form-urlencoded", v.fill(b.Encode())
	case nil:
		if method != http.MethodGet && !strings.HasPrefix(path, "/api/") {
			kind = "application/x-www-form-urlencoded"
		}
	default:
		text, err := json.Marshal(b)
		v.must(err)
		kind, body = "application/json", v.fill(string(text))
	}
	if strings.HasPrefix(path, "/api/") {
		accept = "application/json"
	}
	req, err := http.NewRequestWithContext(context.Background(), method, v.url+path, bytes.NewReader([]byte(body)))
	v.must(err)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Accept", accept)
	res, err := v.as[who].http.Do(req)
	v.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	v.must(err)
	return res.StatusCode, res.Header, string(text)
}

// TestWhoMayDoWhatOnTheWeb asks every route as everybody.
func TestWhoMayDoWhatOnTheWeb(t *testing.T) {
	t.Parallel()
	v := newAccessHarness(t)
	all, left := map[string]bool{}, map[string]bool{}
	for _, r := range v.app.dash.Routes() {
		all[r.Method+" "+r.Path], left[r.Method+" "+r.Path] = true, true
	}
	for _, r := range append(actionRoutes(), routes...) {
		if !all[r.at] {
			t.Errorf("%s: there is no such route any more", r.at)
			continue
		}
		delete(left, r.at)
		v.clock.Forward(5 * time.Second) // one person's requests are limited, however many routes there are
		v.try(t, r)
	}
	for at := range left {
		t.Errorf("%s has no row in the table of routes: add one in cmd/snug/access_test.go that says who may use it",
			at)
	}
}

func (v *accessHarness) try(t *testing.T, r route) {
	t.Helper()
	want := strings.Fields(r.want)
	if len(want) != len(people) {
		t.Errorf("%s: %d answers for %d people", r.at, len(want), len(people))
		return
	}
	var got []string
	for _, who := range people {
		status, header, body := v.ask(who, r)
		one := fmt.Sprint(status)
		if status == http.StatusUnauthorized ||
			status == http.StatusSeeOther && strings.HasPrefix(header.Get("Location"), "/login") {
			one = "login"
		}
		if status == http.StatusOK && strings.Contains(body, "Sign in to see this") {
			one = "sign-in"
		}
		got = append(got, one)
		guarded(t, r.at, header)
		if (status >= 400 || one == "sign-in") && who != "guest" && who != "owner" &&
			(strings.Contains(body, "Secret plans") || strings.Contains(body, "Chiyo")) {
			t.Errorf("%s tells %s of the room in its refusal: %s", r.at, who, body)
		}
		if r.ends && status < 400 && one != "login" {
			v.open()
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s %v\n got %s\nwant %s", r.at, r.body, strings.Join(got, " "), r.want)
	}
}

// guarded checks what every answer says to browsers and caches.
func guarded(t *testing.T, at string, h http.Header) {
	t.Helper()
	_, path, _ := strings.Cut(at, " ")
	csp := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self';") ||
		strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") ||
		!strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "base-uri 'none'") {
		t.Errorf("%s has the policy %q", at, csp)
	}
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
		h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
		t.Errorf("%s has headers %v", at, h)
	}
	if cache := h.Get("Cache-Control"); cache != "no-store" &&
		!slices.Contains([]string{
			"/healthz", "/metrics", "/robots.txt", "/favicon.ico", "/static/*path", "/api/openapi.json", "/api/ws",
			"/sw.js", "/manifest.webmanifest", "/offline",
		}, path) {
		t.Errorf("%s may be kept: %q", at, cache)
	}
	for _, c := range h.Values("Set-Cookie") {
		if !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "Path=/") || strings.Contains(c, "Domain=") ||
			strings.HasPrefix(c, "snug") && !strings.HasPrefix(c, "snug-theme") && !strings.HasPrefix(c, "snug-lang") &&
				!strings.Contains(c, "HttpOnly") {
			t.Errorf("%s sets the cookie %s", at, c)
		}
	}
}

// watch connects to the live view as one of the people: for a room's page, or
// with room "" for the server's. It gives "no token", or what the socket said:
// the rooms it was shown, or how it was closed.
func (v *accessHarness) watch(who, guild, room string) string {
	v.Helper()
	body := map[string]any{"guild": guild}
	if room != "" {
		body["room"] = room
	}
	status, out := v.as[who].api(http.MethodPost, "/live-token", body)
	if status != http.StatusOK {
		return "no token"
	}
	token, _ := out["token"].(string)
	return v.dial(token, guild)
}

func (v *accessHarness) dial(token, guild string) string {
	v.Helper()
	c, res, err := websocket.DefaultDialer.DialContext(context.Background(),
		strings.Replace(v.url, "http", "ws", 1)+"/api/ws", http.Header{"Origin": {v.url}})
	v.must(err)
	res.Body.Close()
	defer c.Close()
	v.must(c.WriteJSON(map[string]any{"v": 1, "type": "auth", "token": token, "guildId": guild, "ts": 1}))
	for {
		var m struct {
			Event   protocol.Name
			Payload struct{ Rooms []string }
		}
		if err := c.ReadJSON(&m); err != nil {
			if e, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // ReadJSON gives it as it is
				return fmt.Sprint(e.Code)
			}
			v.Fatalf("the connection broke: %v", err)
		}
		if m.Event == protocol.AuthOK {
			return fmt.Sprintf("sees %d", len(m.Payload.Rooms))
		}
	}
}

// TestWhoMayWatch asks for the live view of a private room, and of its server, as everybody.
func TestWhoMayWatch(t *testing.T) {
	t.Parallel()
	v := newAccessHarness(t)
	guild := v.world.guild.String()
	for _, row := range []struct{ page, room, want string }{
		//            nobody, stranger, left, member, banned, guest, owner, manager
		{"server", "", "no token, no token, no token, sees 0, sees 0, sees 1, sees 1, sees 0"},
		{"room", v.room, "no token, no token, no token, no token, no token, sees 1, sees 1, no token"},
	} {
		var got []string
		for _, who := range people {
			got = append(got, v.watch(who, guild, row.room))
		}
		if strings.Join(got, ", ") != row.want {
			t.Errorf("the %s's page\n got %s\nwant %s", row.page, strings.Join(got, ", "), row.want)
		}
	}
	// A token of one server opens no other's view, and an invite is no live token.
	_, out := v.as["owner"].api(http.MethodPost, "/live-token", map[string]any{"guild": guild})
	token, _ := out["token"].(string)
	if got := v.dial(token, "1"); got != "4002" {
		t.Errorf("another server's view by this one's token: %s", got)
	}
	if got := v.dial(v.code, guild); got != "4002" {
		t.Errorf("an invite as a live token: %s", got)
	}
	if status, body := v.as["member"].api(http.MethodPost, "/invites/redeem",
		map[string]any{"code": token}); status != http.StatusBadRequest ||
		body["code"] != "TOKEN_INVALID" {
		t.Errorf("a live token as an invite: %d %v", status, body)
	}
}
