package discordsim_test

import (
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// TestScheduledEvents: who may announce what, and which changes an event goes through.
func TestScheduledEvents(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, carol := w.Owner, w.Users[2]
	path := w.guildPath("/scheduled-events")
	bot, _ := w.login(nil)
	at := func(h time.Duration) string { return time.Now().Add(h * time.Hour).UTC().Format(time.RFC3339) }
	voice := func(more ...any) map[string]any {
		e := map[string]any{"name": "Draft", "privacy_level": 2, "scheduled_start_time": at(1), "entity_type": 2,
			"channel_id": w.Lounge.ID}
		for i := 0; i < len(more); i += 2 {
			e[more[i].(string)] = more[i+1]
		}
		return e
	}
	outside := map[string]any{"location": "The park"}
	made := w.as(owner, "POST", path, voice()).must(t, 200)
	event := path + "/" + made.str("id")
	bot.until("GUILD_SCHEDULED_EVENT_CREATE", nil)
	status := func(n int) map[string]any { return map[string]any{"status": n} }
	w.byPeople([]byPerson{
		{"without the permission", carol, "POST", path, voice(), 403, 50013},
		{"in the past", owner, "POST", path, voice("scheduled_start_time", at(-1)), 400, 50035},
		{"public", owner, "POST", path, voice("privacy_level", 1), 400, 50035},
		{"ends before it starts", owner, "POST", path, voice("scheduled_end_time", at(0)), 400, 50035},
		{"in a text channel", owner, "POST", path, voice("channel_id", w.General.ID), 400, 50035},
		{"on a stage that is none", owner, "POST", path, voice("entity_type", 1), 400, 50035},
		{"outside without an end", owner, "POST", path,
			voice("entity_type", 3, "channel_id", nil, "entity_metadata", outside), 400, 50035},
		{"outside without a place", owner, "POST", path,
			voice("entity_type", 3, "channel_id", nil, "scheduled_end_time", at(2)), 400, 50035},
		{"outside", owner, "POST", path, voice("entity_type", 3, "channel_id", nil, "entity_metadata", outside,
			"scheduled_end_time", at(2)), 200, 0},
		{"sees it", carol, "GET", event + "?with_user_count=true", nil, 200, 0},
		{"is interested", carol, "PUT", event + "/users/@me", nil, 200, 0},
		{"who is interested", owner, "GET", event + "/users?with_member=true", nil, 200, 0},
		{"isn't any more", carol, "DELETE", event + "/users/@me", nil, 204, 0},
		{"changes somebody's", carol, "PATCH", event, map[string]any{"name": "x"}, 403, 50013},
		{"ends before it is active", owner, "PATCH", event, status(3), 400, 50035},
		{"starts", owner, "PATCH", event, status(2), 200, 0},
		{"is canceled while active", owner, "PATCH", event, status(4), 400, 50035},
		{"ends", owner, "PATCH", event, status(3), 200, 0},
		{"changes after its end", owner, "PATCH", event, map[string]any{"name": "x"}, 400, 180000},
		{"deletes somebody's", carol, "DELETE", event, nil, 403, 50013},
		{"deletes", owner, "DELETE", event, nil, 204, 0},
		{"is gone", owner, "GET", event, nil, 404, 10070},
	})
	for _, name := range []string{"USER_ADD", "USER_REMOVE", "UPDATE", "DELETE"} {
		bot.until("GUILD_SCHEDULED_EVENT_"+name, nil)
	}
	w.refuse(t, w.bot("POST", path, voice()), 403, 50013)
	w.allow(discordsim.PermCreateEvents | discordsim.PermConnect | discordsim.PermViewChannel)
	own := path + "/" + w.bot("POST", path, voice()).must(t, 200).str("id")
	w.bot("PATCH", own, map[string]any{"description": "With pizza"}).must(t, 200)
	w.bot("GET", own+"/users", nil).must(t, 200)
	if list := w.bot("GET", path, nil).must(t, 200); !strings.Contains(string(list.raw), "With pizza") {
		t.Errorf("%s", list.raw)
	}
	w.bot("DELETE", own, nil).must(t, 204)
}

// TestStages: moderators open, rename and close stages.
func TestStages(t *testing.T) {
	t.Parallel()
	w := start(t)
	stage := w.as(w.Owner, "POST", w.guildPath("/channels"), map[string]any{"name": "Stage", "type": 13})
	id := stage.must(t, 201).str("id")
	bot, _ := w.login(nil)
	open := func(channel any) map[string]any { return map[string]any{"channel_id": channel, "topic": "Hello"} }
	at := "/stage-instances/" + id
	w.refuse(t, w.as(w.Users[2], "POST", "/stage-instances", open(id)), 403, 50013)
	w.refuse(t, w.as(w.Owner, "POST", "/stage-instances", open(w.Lounge.ID)), 400, 50024)
	w.refuse(t, w.as(w.Owner, "GET", at, nil), 404, 10067)
	w.as(w.Owner, "POST", "/stage-instances", open(id)).must(t, 200)
	bot.until("STAGE_INSTANCE_CREATE", nil)
	w.refuse(t, w.as(w.Owner, "POST", "/stage-instances", open(id)), 400, 150006)
	w.refuse(t, w.as(w.Users[2], "PATCH", at, map[string]any{"topic": "x"}), 403, 50013)
	w.as(w.Owner, "PATCH", at, map[string]any{"topic": "Bye"}).must(t, 200)
	bot.until("STAGE_INSTANCE_UPDATE", nil)
	if got := w.bot("GET", at, nil).must(t, 200); got.str("topic") != "Bye" {
		t.Errorf("%s", got.raw)
	}
	w.as(w.Owner, "DELETE", "/channels/"+id, nil).must(t, 200)
	bot.until("STAGE_INSTANCE_DELETE", nil)
}

// TestBulkBan: who can't be banned is left out, and nobody at all is an error.
func TestBulkBan(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := w.guildPath("/bulk-ban")
	ban := func(ids ...any) answer { return w.bot("POST", path, map[string]any{"user_ids": ids}) }
	w.refuse(t, ban(w.Users[2].ID), 403, 50013)
	w.allow(discordsim.PermBanMembers | discordsim.PermManageGuild)
	got := ban(w.Users[2].ID, w.Owner.ID).must(t, 200)
	if !strings.Contains(string(got.raw), `"failed_users":["`+w.Owner.ID.String()) {
		t.Errorf("%s", got.raw)
	}
	w.refuse(t, ban(w.Users[2].ID, w.Owner.ID), 400, 500000)
	w.bot("GET", w.guildPath("/bans/%s", w.Users[2].ID), nil).must(t, 200)
}

// TestRoleConnections: an application's metadata is stored as a whole.
func TestRoleConnections(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := "/applications/" + w.Application.ID.String() + "/role-connections/metadata"
	record := func(key string) map[string]any {
		return map[string]any{"type": 2, "key": key, "name": "Games", "description": "How many you played"}
	}
	w.refuse(t, w.bot("PUT", path, []any{record("Games!")}), 400, 50035)
	w.refuse(t, w.bot("PUT", path, []any{record("a"), record("b"), record("c"), record("d"), record("e"),
		record("f")}), 400, 50035)
	w.bot("PUT", path, []any{record("games")}).must(t, 200)
	if got := w.bot("GET", path, nil).must(t, 200); !strings.Contains(string(got.raw), `"games"`) {
		t.Errorf("%s", got.raw)
	}
	w.refuse(t, w.bot("GET", "/applications/1/role-connections/metadata", nil), 404, 10002)
}
