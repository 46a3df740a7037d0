package discordsim_test

import (
	"fmt"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

const (
	still  = "data:image/png;base64,iVBORw0KGgo="
	moving = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
)

// TestEmojis: who makes, changes and uses a server's emojis, and how many there can be.
// https://docs.discord.com/developers/resources/emoji
func TestEmojis(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, carol := as(w, w.Owner), as(w, w.Users[2])
	at := w.guildPath("/emojis")
	role, err := w.AddRole(w.Guild.ID, "Fans", 0)
	w.ok(err)
	bot, _ := w.login(nil)
	emoji := func(name any, more ...any) map[string]any {
		e := map[string]any{"name": name, "image": still}
		for i := 0; i < len(more); i += 2 {
			e[more[i].(string)] = more[i+1]
		}
		return e
	}
	id := owner("POST", at, emoji("wave")).must(t, 201).str("id")
	bot.until("GUILD_EMOJIS_UPDATE", nil)
	fans := owner("POST", at, emoji("fans", "roles", []any{role})).must(t, 201).str("id")
	one := at + "/" + id
	message := "/channels/" + w.General.ID.String() + "/messages/" + w.post(map[string]any{"content": "x"}).str("id")
	mine := func(emoji string) string { return message + "/reactions/" + emoji + "/@me" }
	for _, tc := range []struct {
		name         string
		by           func(method, path string, body any) answer
		method, path string
		body         any
		status, code int
	}{
		{"by a member", carol, "POST", at, emoji("hi"), 403, 50013},
		{"by a bot without the permission", w.bot, "POST", at, emoji("hi"), 403, 50013},
		{"without a picture", owner, "POST", at, map[string]any{"name": "hi"}, 400, 50035},
		{"with none", owner, "POST", at, emoji("hi", "image", "hi"), 400, 50035},
		{"too large", owner, "POST", at, emoji("hi", "image",
			"data:image/png;base64,"+strings.Repeat("AAAA", 90000)), 400, 0},
		{"one letter", owner, "POST", at, emoji("h"), 400, 50035},
		{"33 letters", owner, "POST", at, emoji(strings.Repeat("h", 33)), 400, 50035},
		{"with spaces", owner, "POST", at, emoji("h i"), 400, 50035},
		{"for a role that isn't there", owner, "POST", at, emoji("hi", "roles", []any{"17"}), 404, 10011},
		{"listed", carol, "GET", at, nil, 200, 0},
		{"shown", carol, "GET", one, nil, 200, 0},
		{"none", carol, "GET", at + "/17", nil, 404, 10014},
		{"renamed by a member", carol, "PATCH", one, map[string]any{"name": "hello"}, 403, 50013},
		{"renamed", owner, "PATCH", one, map[string]any{"name": "hello"}, 200, 0},
		{"used", carol, "PUT", mine("hello:" + id), nil, 204, 0},
		{"used without the role", carol, "PUT", mine("fans:" + fans), nil, 400, 10014},
		{"for everybody", owner, "PATCH", at + "/" + fans, map[string]any{"roles": nil}, 200, 0},
		{"used by everybody", carol, "PUT", mine("fans:" + fans), nil, 204, 0},
		{"removed by a member", carol, "DELETE", one, nil, 403, 50013},
		{"removed", owner, "DELETE", one, nil, 204, 0},
		{"used though it's gone, where it is", owner, "PUT", mine("hello:" + id), nil, 204, 0},
		{"used though it isn't there", owner, "PUT", mine("none:17"), nil, 400, 10014},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.by(tc.method, tc.path, tc.body).must(t, tc.status)
			if got.code() != tc.code {
				t.Errorf("code %d instead of %d: %s", got.code(), tc.code, got.raw)
			}
		})
	}
	if a := carol("GET", at, nil); strings.Contains(string(a.raw), `"user"`) {
		t.Errorf("a member sees who made it: %s", a.raw)
	}
	if a := owner("GET", at, nil); !strings.Contains(string(a.raw), `"user"`) {
		t.Errorf("a manager doesn't see who made it: %s", a.raw)
	}
	saved, err := w.Snapshot()
	w.ok(err)
	w.ok(w.RestoreSnapshot(saved))
	w.allow(discordsim.PermCreateGuildExpressions)
	own := at + "/" + w.bot("POST", at, emoji("own")).must(t, 201).str("id")
	w.bot("PATCH", own, map[string]any{"name": "its_own"}).must(t, 200)
	w.refuse(t, w.bot("DELETE", at+"/"+fans, nil), 403, 50013)
	for i := range 48 {
		owner("POST", at, emoji(fmt.Sprint("many", i))).must(t, 201)
	}
	w.refuse(t, owner("POST", at, emoji("more")), 400, 30008)
	owner("POST", at, emoji("moves", "image", moving)).must(t, 201)
}

// TestComponentEmojis: buttons and options have emojis that are there and that the bot can use.
// https://docs.discord.com/developers/components/reference
func TestComponentEmojis(t *testing.T) {
	t.Parallel()
	w := start(t)
	made := as(w, w.Owner)("POST", w.guildPath("/emojis"), map[string]any{"name": "wave", "image": still})
	server := made.must(t, 201).str("id")
	own := w.bot("POST", "/applications/"+w.Application.ID.String()+"/emojis",
		map[string]any{"name": "own", "image": still}).must(t, 201).str("id")
	for _, tc := range []struct {
		name   string
		emoji  map[string]any
		status int
		at     string // of the error
	}{
		{"a character", map[string]any{"name": "🎲"}, 200, ""},
		{"the server's", map[string]any{"name": "wave", "id": server}, 200, ""},
		{"the application's", map[string]any{"name": "own", "id": own}, 200, ""},
		{"by a number alone", map[string]any{"id": own}, 400, `"name"`},
		{"one that isn't there", map[string]any{"name": "none", "id": "17"}, 400, `"id"`},
		{"a word", map[string]any{"name": "wave"}, 400, `"name"`},
		{"a custom one as a name", map[string]any{"name": "wave:" + server}, 400, `"name"`},
		{"nothing", map[string]any{}, 400, `"name"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pressed := button("x", "y")
			pressed["emoji"] = tc.emoji
			menu := map[string]any{"type": 3, "custom_id": "z", "options": []any{
				map[string]any{"label": "x", "value": "x", "emoji": tc.emoji}}}
			for _, part := range []map[string]any{pressed, menu} {
				a := w.post(map[string]any{"components": []any{row(part)}}).must(t, tc.status)
				want := `"emoji":{` + tc.at + `:{"_errors":[{"code":"COMPONENT_INVALID_EMOJI"`
				if tc.at != "" && !strings.Contains(string(a.raw), want) {
					t.Errorf("%s", a.raw)
				}
			}
		})
	}
}

// TestApplicationEmojis: a bot has emojis of its own, which it may use everywhere and nobody else may.
func TestApplicationEmojis(t *testing.T) {
	t.Parallel()
	w := start(t)
	at := "/applications/" + w.Application.ID.String() + "/emojis"
	made := w.bot("POST", at, map[string]any{"name": "die", "image": moving}).must(t, 201)
	if made.json["animated"] != true ||
		!strings.Contains(string(made.raw), `"user":{"id":"`+w.Application.ID.String()) {
		t.Errorf("%s", made.raw)
	}
	one := at + "/" + made.str("id")
	w.refuse(t, w.bot("POST", at, map[string]any{"name": "!", "image": still}), 400, 50035)
	w.refuse(t, w.bot("GET", "/applications/17/emojis", nil), 404, 10002)
	w.refuse(t, w.bot("PATCH", one, map[string]any{"name": "a b"}), 400, 50035)
	w.bot("PATCH", one, map[string]any{"name": "dice"}).must(t, 200)
	saved, err := w.Snapshot()
	w.ok(err)
	w.ok(w.RestoreSnapshot(saved))
	if a := w.bot("GET", at, nil).must(t, 200); !strings.Contains(string(a.raw), `"items":[{"id":"`+made.str("id")) {
		t.Errorf("%s", a.raw)
	}
	w.bot("GET", one, nil).must(t, 200)
	react := "/channels/" + w.General.ID.String() + "/messages/" + w.post(map[string]any{"content": "x"}).str("id") +
		"/reactions/dice:" + made.str("id") + "/@me"
	w.refuse(t, w.as(w.Owner, "PUT", react, nil), 400, 10014)
	w.allow(discordsim.PermViewChannel | discordsim.PermReadMessageHistory | discordsim.PermAddReactions)
	w.bot("PUT", react, nil).must(t, 204)
	w.bot("DELETE", one, nil).must(t, 204)
	w.refuse(t, w.bot("GET", one, nil), 404, 10014)
}
