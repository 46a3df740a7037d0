package discordsim_test

import (
	"testing"

	"snug/shared/discordsim"
)

// TestThreadRules: who may start, read, change and end threads.
func TestThreadRules(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, mod, carol, dmitri := w.Owner, w.Moderator, w.Users[2], w.Users[3]
	general := "/channels/" + w.General.ID.String()
	w.allow(discordsim.PermViewChannel | discordsim.PermSendMessages)
	role := w.control("POST", "/guilds/"+w.Guild.ID.String()+"/roles",
		map[string]any{"name": "Threads", "permissions": discordsim.PermManageThreads}).must(t, 200).str("role_id")
	w.ok(w.SetRoles(w.Guild.ID, mod.ID, parse(t, role)))
	first := w.as(carol, "POST", general+"/messages", map[string]any{"content": "x"}).must(t, 200).str("id")
	public := "/channels/" + w.as(carol, "POST", general+"/messages/"+first+"/threads",
		map[string]any{"name": "Rules"}).must(t, 201).str("id")
	w.control("PUT", general+"/overwrites", map[string]any{"permission_overwrites": []any{map[string]any{
		"id": carol.ID, "type": 1, "allow": discordsim.PermCreatePrivateThreads}}}).must(t, 204)
	private := "/channels/" + w.as(carol, "POST", general+"/threads",
		map[string]any{"name": "Secret", "invitable": false}).must(t, 201).str("id")
	say := map[string]any{"content": "hello"}
	me, of := "/thread-members/@me", func(u discordsim.User) string { return "/thread-members/" + u.ID.String() }
	set := func(key string, value any) map[string]any { return map[string]any{key: value} }
	w.byPeople([]byPerson{
		{"a second thread of a message", dmitri, "POST", general + "/messages/" + first + "/threads",
			set("name", "x"), 400, 160004},
		{"a private one without the permission", dmitri, "POST", general + "/threads", set("name", "x"), 403, 50013},
		{"a thread in voice", dmitri, "POST", "/channels/" + w.Lounge.ID.String() + "/threads",
			map[string]any{"name": "x", "type": 11}, 400, 50024},
		{"no name", dmitri, "POST", general + "/threads", map[string]any{"type": 11}, 400, 50035},
		{"writes in it", dmitri, "POST", public + "/messages", say, 200, 0},
		{"is in it then", dmitri, "GET", public + of(dmitri), nil, 200, 0},
		{"leaves", dmitri, "DELETE", public + me, nil, 204, 0},
		{"isn't in it", dmitri, "GET", public + of(dmitri), nil, 404, 10007},
		{"joins", dmitri, "PUT", public + me, nil, 204, 0},
		{"removes somebody", dmitri, "DELETE", public + of(carol), nil, 403, 50013},
		{"can't see a private one", dmitri, "GET", private, nil, 403, 50001},
		{"moderators can", mod, "GET", private, nil, 200, 0},
		{"its creator adds somebody", carol, "PUT", private + of(dmitri), nil, 204, 0},
		{"who sees it then", dmitri, "GET", private, nil, 200, 0},
		{"and may not add others", dmitri, "PUT", private + of(w.Users[4]), nil, 403, 50013},
		{"its creator removes them", carol, "DELETE", private + of(dmitri), nil, 204, 0},
		{"renames somebody's", dmitri, "PATCH", public, set("name", "y"), 403, 50013},
		{"renames their own", carol, "PATCH", public, set("name", "y"), 200, 0},
		{"locks their own", carol, "PATCH", public, set("locked", true), 403, 50013},
		{"archives their own", carol, "PATCH", public, set("archived", true), 200, 0},
		{"changes what is archived", carol, "PATCH", public, set("name", "z"), 400, 50083},
		{"joins what is archived", dmitri, "PUT", public + me, nil, 400, 50083},
		{"opens it by writing", dmitri, "POST", public + "/messages", say, 200, 0},
		{"locks as a moderator", mod, "PATCH", public, map[string]any{"locked": true, "archived": true}, 200, 0},
		{"writes in what is locked", carol, "POST", public + "/messages", say, 400, 50083},
		{"opens what is locked", carol, "PATCH", public, set("archived", false), 403, 50013},
		{"lists what is archived", dmitri, "GET", general + "/threads/archived/public", nil, 200, 0},
		{"lists private ones", dmitri, "GET", general + "/threads/archived/private", nil, 403, 50013},
		{"lists their own private ones", dmitri, "GET", general + "/users/@me/threads/archived/private", nil, 200, 0},
		{"an overwrite in a thread", owner, "PUT", public + "/permissions/" + carol.ID.String(),
			map[string]any{"type": 1, "allow": "0"}, 400, 50024},
		{"an invite to a thread", carol, "POST", public + "/invites", map[string]any{}, 400, 50024},
		{"deletes as its creator", carol, "DELETE", public, nil, 403, 50013},
		{"deletes as a moderator", mod, "DELETE", public, nil, 200, 0},
		{"and it's gone", carol, "GET", public, nil, 404, 10003},
		{"deletes the channel", owner, "DELETE", general, nil, 200, 0},
		{"with what was in it", mod, "GET", private, nil, 404, 10003},
	})
}

// TestThreadEvents: what a bot gets of threads, and what of those that it can't see.
func TestThreadEvents(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.allow(discordsim.PermViewChannel | discordsim.PermSendMessages | discordsim.PermSendMessagesInThreads |
		discordsim.PermReadMessageHistory)
	bot, _ := w.login(nil)
	carol := w.As(w.Users[2].ID)
	m, err := carol.Send(w.General.ID, "let's talk")
	w.ok(err)
	made, err := carol.StartThread(m, "Talk")
	w.ok(err)
	thread := "/channels/" + made.ID.String()
	var got struct {
		ID     string
		Parent string `json:"parent_id"`
		New    bool   `json:"newly_created"`
		Flags  int
		Type   int
		Member *struct{ UserID string }
		Thread *struct{ ID string }
		Meta   struct{ Archived bool } `json:"thread_metadata"`
		Added  []struct {
			UserID string `json:"user_id"`
		} `json:"added_members"`
		Threads []struct{ ID string }
	}
	if bot.until("THREAD_CREATE", &got); !got.New || got.ID != m.ID.String() || got.Parent != w.General.ID.String() {
		t.Errorf("%+v", got)
	}
	if bot.until("MESSAGE_UPDATE", &got); got.Thread == nil || got.Flags&(1<<5) == 0 {
		t.Errorf("%+v", got)
	}
	if bot.until("MESSAGE_CREATE", &got); got.Type != 21 {
		t.Errorf("%+v", got)
	}
	w.bot("PUT", thread+"/thread-members/@me", nil).must(t, 204)
	if bot.until("THREAD_MEMBERS_UPDATE", &got); len(got.Added) != 1 ||
		got.Added[0].UserID != w.Application.ID.String() {
		t.Errorf("%+v", got)
	}
	w.bot("POST", thread+"/messages", map[string]any{"content": "hi"}).must(t, 200)
	w.bot("GET", thread+"/thread-members?with_member=true", nil).must(t, 200)
	w.bot("GET", "/guilds/"+w.Guild.ID.String()+"/threads/active", nil).must(t, 200)
	w.bot("GET", w.guildPath("/channels"), nil).must(t, 200)

	w.control("POST", "/time", map[string]any{"advance": 4321 * 60}).must(t, 200)
	if bot.until("THREAD_UPDATE", &got); !got.Meta.Archived {
		t.Errorf("after three days it is %+v", got)
	}
	w.bot("GET", "/channels/"+w.General.ID.String()+"/threads/archived/public", nil).must(t, 200)
	if _, err := carol.Send(made.ID, "still here?"); err != nil {
		t.Fatal(err)
	}
	if bot.until("THREAD_UPDATE", &got); got.Meta.Archived {
		t.Errorf("after a message it is %+v", got)
	}

	// A private one exists for the bot from when it is added.
	w.control("PUT", "/channels/"+w.General.ID.String()+"/overwrites", map[string]any{"permission_overwrites": []any{
		map[string]any{"id": w.Users[2].ID, "type": 1, "allow": discordsim.PermCreatePrivateThreads}}}).must(t, 204)
	secret, err := carol.AddThread(w.General.ID, "Secret", true)
	w.ok(err)
	w.refuse(t, w.bot("GET", "/channels/"+secret.ID.String(), nil), 403, 50001)
	w.ok(carol.Do("PUT", "/channels/"+secret.ID.String()+"/thread-members/"+w.Application.ID.String(), nil, nil))
	got.New = false
	if bot.until("THREAD_CREATE", &got); got.ID != secret.ID.String() || got.New {
		t.Errorf("%+v", got)
	}
	w.bot("DELETE", "/channels/"+secret.ID.String()+"/thread-members/@me", nil).must(t, 204)
	bot.until("THREAD_MEMBERS_UPDATE", nil)

	// A channel that the bot sees again brings its threads along.
	hide := func(deny discordsim.Permissions) {
		w.ok(w.SetRole(w.Guild.ID, w.Guild.ID, discordsim.DefaultEveryone&^deny))
	}
	w.allow(0)
	hide(discordsim.PermViewChannel)
	bot.until("CHANNEL_UPDATE", nil)
	hide(0)
	if bot.until("THREAD_LIST_SYNC", &got); len(got.Threads) != 1 || got.Threads[0].ID != made.ID.String() {
		t.Errorf("%+v", got.Threads)
	}
	w.as(w.Owner, "DELETE", thread, nil).must(t, 200)
	bot.until("THREAD_DELETE", nil)
}

// TestForum: posts have a first message, and tags of their forum.
func TestForum(t *testing.T) {
	t.Parallel()
	w := start(t)
	forum := w.as(w.Owner, "POST", w.guildPath("/channels"), map[string]any{"name": "ideas", "type": 15,
		"available_tags": []any{map[string]any{"name": "good"}, map[string]any{"name": "done", "moderated": true}}})
	tags := forum.must(t, 201).json["available_tags"].([]any)
	tag := func(i int) any { return tags[i].(map[string]any)["id"] }
	path := "/channels/" + forum.str("id") + "/threads"
	post := func(u discordsim.User, tags ...any) answer {
		return w.as(u, "POST", path, map[string]any{"name": "A table", "message": map[string]any{"content": "round"},
			"applied_tags": tags})
	}
	carol := w.Users[2]
	w.refuse(t, post(carol, tag(1)), 400, 50035)
	w.refuse(t, post(carol, "1"), 400, 50035)
	w.refuse(t, w.as(carol, "POST", path, map[string]any{"name": "x"}), 400, 50035)
	w.refuse(t, w.as(carol, "POST", "/channels/"+forum.str("id")+"/messages", map[string]any{"content": "x"}), 400,
		50008)
	made := post(carol, tag(0)).must(t, 201)
	if m, _ := made.json["message"].(map[string]any); m["id"] != made.str("id") || m["content"] != "round" {
		t.Errorf("%s", made.raw)
	}
	w.bot("GET", "/channels/"+made.str("id"), nil).must(t, 200)
	if _, err := w.As(carol.ID).Post(parse(t, forum.str("id")), "Another", "one"); err != nil {
		t.Error(err)
	}
	saved, err := w.Snapshot()
	w.ok(err)
	other := discordsim.New(discordsim.Options{})
	w.ok(other.RestoreSnapshot(saved))
	if again, err := other.Snapshot(); err != nil || string(again) != string(saved) {
		t.Errorf("%v\n%s\n%s", err, saved, again)
	}
}
