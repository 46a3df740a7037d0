package discordsim_test

import (
	"strings"
	"testing"

	"snug/shared/discordsim"
)

// anyone sends a request without authorization.
func (w *world) anyone(method, path string, body any) answer {
	w.t.Helper()
	return w.request(method, "/api/v10"+path, "", body)
}

// TestWebhookManagement: who manages webhooks, by which names, and how many.
// https://docs.discord.com/developers/resources/webhook#create-webhook
func TestWebhookManagement(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, carol := w.Owner, w.Users[2]
	at := "/channels/" + w.General.ID.String() + "/webhooks"
	thread := w.as(owner, "POST", "/channels/"+w.General.ID.String()+"/threads",
		map[string]any{"name": "Talk", "type": 11}).must(t, 201).str("id")
	bot, _ := w.login(nil)
	made := w.as(owner, "POST", at, map[string]any{"name": " News   of the day "}).must(t, 200)
	bot.until("WEBHOOKS_UPDATE", nil)
	if made.str("name") != "News of the day" || made.str("token") == "" || made.json["application_id"] != nil {
		t.Errorf("%s", made.raw)
	}
	hook, named := "/webhooks/"+made.str("id"), func(name string) map[string]any { return map[string]any{"name": name} }
	token := hook + "/" + made.str("token")
	const dot = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
	for _, tc := range []struct {
		name, method, path string
		by                 func(method, path string, body any) answer
		body               any
		status, code       int
	}{
		{"a bot without the permission", "POST", at, w.bot, named("x"), 403, 50013},
		{"a member without it", "POST", at, as(w, carol), named("x"), 403, 50013},
		{"no name", "POST", at, as(w, owner), map[string]any{}, 400, 50035},
		{"a name of spaces", "POST", at, as(w, owner), named("  "), 400, 50035},
		{"81 characters", "POST", at, as(w, owner), named(strings.Repeat("x", 81)), 400, 50035},
		{"clyde", "POST", at, as(w, owner), named("My Clyde"), 400, 50035},
		{"discord", "POST", at, as(w, owner), named("DISCORD news"), 400, 50035},
		{"no picture", "PATCH", hook, as(w, owner), map[string]any{"avatar": "data:text/plain;base64,eA=="}, 400,
			50035},
		{"in a thread", "POST", "/channels/" + thread + "/webhooks", as(w, owner), named("x"), 400, 50024},
		{"in a voice channel", "POST", "/channels/" + w.Lounge.ID.String() + "/webhooks", as(w, owner), named("x"), 200,
			0},
		{"shown to a member", "GET", hook, as(w, carol), nil, 403, 50013},
		{"listed for a member", "GET", at, as(w, carol), nil, 403, 50013},
		{"the guild's for a member", "GET", w.guildPath("/webhooks"), as(w, carol), nil, 403, 50013},
		{"shown", "GET", hook, as(w, owner), nil, 200, 0},
		{"listed", "GET", at, as(w, owner), nil, 200, 0},
		{"the guild's", "GET", w.guildPath("/webhooks"), as(w, owner), nil, 200, 0},
		{"shown by its token", "GET", token, w.anyone, nil, 200, 0},
		{"by another token", "GET", hook + "/x", w.anyone, nil, 401, 50027},
		{"without a token", "GET", hook, w.anyone, nil, 401, 0},
		{"none", "GET", "/webhooks/17/x", w.anyone, nil, 404, 10015},
		{"renamed by its token", "PATCH", token, w.anyone, named("Old news"), 200, 0},
		{"with a picture", "PATCH", hook, as(w, owner), map[string]any{"avatar": dot}, 200, 0},
		{"moved by a member", "PATCH", hook, as(w, carol), map[string]any{"channel_id": w.Lounge.ID}, 403, 50013},
		{"moved into a thread", "PATCH", hook, as(w, owner), map[string]any{"channel_id": thread}, 404, 10003},
		{"moved", "PATCH", hook, as(w, owner), map[string]any{"channel_id": w.Lounge.ID}, 200, 0},
		{"removed by a member", "DELETE", hook, as(w, carol), nil, 403, 50013},
		{"removed by its token", "DELETE", token, w.anyone, nil, 204, 0},
		{"gone", "GET", hook, as(w, owner), nil, 404, 10015},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.by(tc.method, tc.path, tc.body).must(t, tc.status)
			if tc.code != 0 && got.code() != tc.code {
				t.Errorf("code %d instead of %d: %s", got.code(), tc.code, got.raw)
			}
			if strings.HasPrefix(tc.path, token) && strings.Contains(string(got.raw), `"user"`) {
				t.Errorf("who made it is shown: %s", got.raw)
			}
		})
	}
	w.allow(discordsim.PermViewChannel | discordsim.PermManageWebhooks)
	for range 15 {
		w.bot("POST", at, named("x")).must(t, 200)
	}
	w.refuse(t, w.bot("POST", at, named("x")), 400, 30007)
	if a := w.as(owner, "GET", at, nil).must(t, 200); strings.Contains(string(a.raw), `"token"`) {
		t.Errorf("tokens of an application's webhooks: %s", a.raw)
	}
	if a := w.as(owner, "GET", w.guildPath("/audit-logs?action_type=50"), nil); !strings.Contains(string(a.raw),
		`"webhooks":[{"id"`) {
		t.Errorf("%s", a.raw)
	}
}

func as(w *world, u discordsim.User) func(method, path string, body any) answer {
	return func(method, path string, body any) answer { w.t.Helper(); return w.as(u, method, path, body) }
}

// TestWebhookMessages: what a webhook sends, edits and deletes.
// https://docs.discord.com/developers/resources/webhook#execute-webhook
func TestWebhookMessages(t *testing.T) {
	t.Parallel()
	w := start(t)
	general := "/channels/" + w.General.ID.String()
	forum := w.as(w.Owner, "POST", w.guildPath("/channels"), map[string]any{"name": "forum", "type": 15}).must(t, 201)
	thread := w.as(w.Owner, "POST", general+"/threads", map[string]any{"name": "Talk", "type": 11}).must(t,
		201).str("id")
	hook := func(a answer) string { return "/webhooks/" + a.must(t, 200).str("id") + "/" + a.str("token") }
	named := map[string]any{"name": "News"}
	people := hook(w.as(w.Owner, "POST", general+"/webhooks", named))
	posts := hook(w.as(w.Owner, "POST", "/channels/"+forum.str("id")+"/webhooks", named))
	w.allow(discordsim.PermViewChannel | discordsim.PermManageWebhooks)
	own := hook(w.bot("POST", general+"/webhooks", named))
	says := func(more ...any) map[string]any {
		m := map[string]any{"content": "Hello"}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	buttons := []any{row(button("Go", "go"))}
	for _, tc := range []struct {
		name, path   string
		body         map[string]any
		status, code int
		has          string // in the response
	}{
		{"without waiting", people, says(), 204, 0, ""},
		{"waiting", people + "?wait=true", says(), 200, 0, `"username":"News"`},
		{"by another name", people + "?wait=true", says("username", "Olds", "avatar_url", "https://example.org/x.png"),
			200, 0, `"username":"Olds"`},
		{"by a forbidden name", people, says("username", "clyde"), 400, 50035, ""},
		{"nothing", people, map[string]any{"content": " "}, 400, 50006, ""},
		{"too much", people, says("content", strings.Repeat("x", 2001)), 400, 50035, ""},
		{"in a thread", people + "?wait=true&thread_id=" + thread, says(), 200, 0, `"channel_id":"` + thread},
		{"in another channel", people + "?thread_id=" + w.Lounge.ID.String(), says(), 404, 10003, ""},
		{"a post outside of forums", people, says("thread_name", "Post"), 400, 220003, ""},
		{"in a forum", posts, says(), 400, 220001, ""},
		{"in a forum twice", posts + "?thread_id=" + thread, says("thread_name", "Post"), 400, 220002, ""},
		{"a post", posts + "?wait=true", says("thread_name", "Post"), 200, 0, `"Hello"`},
		{"buttons that nobody would get", people + "?wait=true", says("components", buttons), 200, 0,
			`"components":[]`},
		{"asking for them", people + "?with_components=true", says("components", buttons), 400, 50035, ""},
		{"an application's buttons", own + "?wait=true", says("components", buttons), 200, 0, `"custom_id":"go"`},
		{"by another token", people + "x", says(), 401, 50027, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := w.anyone("POST", tc.path, tc.body).must(t, tc.status)
			if tc.code != 0 && got.code() != tc.code || !strings.Contains(string(got.raw), tc.has) {
				t.Errorf("code %d: %s", got.code(), got.raw)
			}
		})
	}
	bot, _ := w.login(nil)
	sent := w.anyone("POST", people+"?wait=true", says()).must(t, 200).str("id")
	bot.until("MESSAGE_CREATE", nil)
	at := people + "/messages/" + sent
	saved, err := w.Snapshot()
	w.ok(err)
	w.ok(w.RestoreSnapshot(saved))
	if a := w.anyone("GET", at, nil).must(t, 200); !strings.Contains(string(a.raw), `"username":"News"`) {
		t.Errorf("after a snapshot: %s", a.raw)
	}
	w.refuse(t, w.anyone("GET", own+"/messages/"+sent, nil), 404, 10008)
	w.refuse(t, w.bot("PATCH", general+"/messages/"+sent, says()), 403, 50005)
	if a := w.anyone("PATCH", at, says("content", "Bye")).must(t, 200); a.str("content") != "Bye" {
		t.Errorf("%s", a.raw)
	}
	w.anyone("DELETE", at, nil).must(t, 204)
	w.refuse(t, w.anyone("GET", at, nil), 404, 10008)
	w.as(w.Owner, "DELETE", general, nil).must(t, 200)
	w.refuse(t, w.anyone("POST", people, says()), 404, 10015)
}
