package discordsim_test

import (
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// modRule is the body of a rule for messages that does something about a trigger.
func modRule(trigger int, metadata any, actions ...any) map[string]any {
	return map[string]any{"name": "Rule", "event_type": 1, "trigger_type": trigger, "trigger_metadata": metadata,
		"actions": actions, "enabled": true}
}

func modAction(kind int, metadata map[string]any) map[string]any {
	return map[string]any{"type": kind, "metadata": metadata}
}

var modBlock = modAction(1, map[string]any{"custom_message": "Not here"})

// TestModRules: who may have which rules. https://docs.discord.com/developers/resources/auto-moderation
func TestModRules(t *testing.T) {
	t.Parallel()
	w := start(t)
	at := w.guildPath("/auto-moderation/rules")
	w.refuse(t, w.bot("GET", at, nil), 403, 50013)
	w.allow(discordsim.PermManageGuild)
	bot, _ := w.login(map[string]any{"intents": allIntents | 1<<20})
	words := func(list ...any) map[string]any { return map[string]any{"keyword_filter": list} }
	with := func(body map[string]any, key string, value any) map[string]any { body[key] = value; return body }
	long := make([]any, 1001)
	for i := range long {
		long[i] = "x"
	}
	timeout := modAction(3, map[string]any{"duration_seconds": 60})
	alert := modAction(2, map[string]any{"channel_id": w.General.ID})
	profile := with(modRule(6, words("bad*"), modAction(4, nil)), "event_type", 2)
	first := w.bot("POST", at, modRule(1, words("cat"), modBlock, alert)).must(t, 200)
	one := at + "/" + first.str("id")
	var made struct {
		Creator string `json:"creator_id"`
		Actions []any
	}
	bot.until("AUTO_MODERATION_RULE_CREATE", &made)
	if made.Creator != w.Application.ID.String() || len(made.Actions) != 2 {
		t.Errorf("%+v", made)
	}
	for _, tc := range []struct {
		name         string
		method, path string
		body         any
		status, code int
	}{
		{"without a name", "POST", at, with(modRule(1, words("x"), modBlock), "name", nil), 400, 50035},
		{"a long name", "POST", at, with(modRule(1, words("x"), modBlock), "name", strings.Repeat("x", 101)),
			400, 50035},
		{"without actions", "POST", at, modRule(1, words("x")), 400, 50035},
		{"six actions", "POST", at, modRule(1, words("x"), alert, alert, alert, alert, alert, alert), 400, 50035},
		{"no such trigger", "POST", at, modRule(2, nil, modBlock), 400, 50035},
		{"no such event", "POST", at, with(modRule(1, words("x"), modBlock), "event_type", 3), 400, 50035},
		{"for messages, of a profile", "POST", at, with(modRule(1, words("x"), modBlock), "event_type", 2), 400, 50035},
		{"1001 keywords", "POST", at, modRule(1, words(long...), modBlock), 400, 50035},
		{"an empty keyword", "POST", at, modRule(1, words(""), modBlock), 400, 50035},
		{"a long keyword", "POST", at, modRule(1, words(strings.Repeat("x", 61)), modBlock), 400, 50035},
		{"a list for a keyword", "POST", at, modRule(1, words([]any{}), modBlock), 400, 50035},
		{"a pattern that is none", "POST", at, modRule(1, map[string]any{"regex_patterns": []any{"("}}, modBlock),
			400, 50035},
		{"eleven patterns", "POST", at, modRule(1, map[string]any{"regex_patterns": long[:11]}, modBlock), 400, 50035},
		{"101 allowed", "POST", at, modRule(1, map[string]any{"allow_list": long[:101]}, modBlock), 400, 50035},
		{"a preset without metadata", "POST", at, modRule(4, nil, modBlock), 400, 50035},
		{"no such preset", "POST", at, modRule(4, map[string]any{"presets": []any{4}}, modBlock), 400, 50035},
		{"51 mentions", "POST", at, modRule(5, map[string]any{"mention_total_limit": 51}, modBlock), 400, 50035},
		{"a long explanation", "POST", at, modRule(1, words("x"),
			modAction(1, map[string]any{"custom_message": strings.Repeat("x", 151)})), 400, 50035},
		{"an alert nowhere", "POST", at, modRule(1, words("x"), modAction(2, nil)), 400, 50035},
		{"an alert in a channel that isn't there", "POST", at, modRule(1, words("x"),
			modAction(2, map[string]any{"channel_id": "17"})), 400, 50035},
		{"five weeks", "POST", at, modRule(1, words("x"), modAction(3, map[string]any{"duration_seconds": 2419201})),
			400, 50035},
		{"a timeout for spam", "POST", at, modRule(3, nil, timeout), 400, 50035},
		{"a timeout without the permission", "POST", at, modRule(1, words("x"), timeout), 403, 50013},
		{"a quarantine for a message", "POST", at, modRule(1, words("x"), modAction(4, nil)), 400, 50035},
		{"a block of a profile", "POST", at, with(modRule(6, words("x"), modBlock), "event_type", 2), 400, 50035},
		{"21 exempt roles", "POST", at, with(modRule(1, words("x"), modBlock), "exempt_roles", long[:21]), 400, 50035},
		{"an exempt role that isn't there", "POST", at,
			with(modRule(1, words("x"), modBlock), "exempt_roles", []any{"17"}), 400, 50035},
		{"an exempt channel twice", "POST", at, with(modRule(1, words("x"), modBlock), "exempt_channels",
			[]any{w.General.ID, w.General.ID}), 400, 50035},
		{"spam", "POST", at, modRule(3, nil, alert), 200, 0},
		{"a second for spam", "POST", at, modRule(3, nil, alert), 400, 50035},
		{"a preset twice", "POST", at, modRule(4, map[string]any{"presets": []any{1, 2, 2}}, modBlock), 400, 50035},
		{"presets", "POST", at, modRule(4, map[string]any{"presets": []any{1, 2}}, modBlock), 200, 0},
		{"mentions", "POST", at, modRule(5, nil, modBlock), 200, 0},
		{"profiles", "POST", at, profile, 200, 0},
		{"listed", "GET", at, nil, 200, 0},
		{"shown", "GET", one, nil, 200, 0},
		{"none", "GET", at + "/17", nil, 404, 0},
		{"no id", "GET", at + "/x", nil, 400, 50035},
		{"renamed", "PATCH", one, map[string]any{"name": "Cats", "exempt_channels": []any{w.Lounge.ID}}, 200, 0},
		{"with a wrong event", "PATCH", one, map[string]any{"event_type": 2}, 400, 50035},
		{"removed", "DELETE", one, nil, 204, 0},
		{"removed again", "DELETE", one, nil, 404, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := w.botWithReason(tc.method, tc.path, "because", tc.body).must(t, tc.status)
			if got.code() != tc.code {
				t.Errorf("code %d instead of %d: %s", got.code(), tc.code, got.raw)
			}
		})
	}
	bot.until("AUTO_MODERATION_RULE_UPDATE", nil)
	bot.until("AUTO_MODERATION_RULE_DELETE", nil)
	for range 6 {
		w.bot("POST", at, modRule(1, words("x"), modBlock)).must(t, 200)
	}
	w.refuse(t, w.bot("POST", at, modRule(1, words("x"), modBlock)), 400, 50035)
	saved, err := w.Snapshot()
	w.ok(err)
	w.ok(w.RestoreSnapshot(saved))
	if list := w.bot("GET", at, nil).must(t, 200); strings.Count(string(list.raw), `"trigger_type"`) != 10 {
		t.Errorf("%s", list.raw)
	}
	w.allow(discordsim.PermViewAuditLog | discordsim.PermManageGuild)
	if log := w.bot("GET", w.guildPath("/audit-logs?action_type=142"), nil).must(t, 200); !strings.Contains(
		string(log.raw), `"reason":"because"`) {
		t.Errorf("%s", log.raw)
	}
}

// executed is an event of what a rule did.
type executed struct {
	Action struct {
		Type int `json:"type"`
	}
	User    string  `json:"user_id"`
	Channel string  `json:"channel_id"`
	Message string  `json:"message_id"`
	Alert   string  `json:"alert_system_message_id"`
	Content string  `json:"content"`
	Keyword *string `json:"matched_keyword"`
	Matched *string `json:"matched_content"`
}

// TestModeration: what rules do about what people write.
func TestModeration(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, carol, dmitri := w.Owner, w.Users[2], w.Users[3]
	at := w.guildPath("/auto-moderation/rules")
	role, err := w.AddRole(w.Guild.ID, "Poets", 0)
	w.ok(err)
	w.ok(w.SetRoles(w.Guild.ID, dmitri.ID, role))
	made := w.as(owner, "POST", w.guildPath("/channels"), map[string]any{"name": "mods", "type": 0}).must(t, 201)
	mods := made.str("id")
	alert := modAction(2, map[string]any{"channel_id": mods})
	rule := modRule(1, map[string]any{"keyword_filter": []any{"dragon*"}}, modBlock, alert)
	rule["exempt_roles"], rule["exempt_channels"] = []any{role}, []any{mods}
	w.as(owner, "POST", at, rule).must(t, 200)
	w.as(owner, "POST", at, modRule(1, map[string]any{"keyword_filter": []any{"gnome"}}, alert)).must(t, 200)
	w.as(owner, "POST", at, modRule(5, map[string]any{"mention_total_limit": 1}, modBlock)).must(t, 200)
	w.allow(discordsim.PermManageGuild)
	bot, _ := w.login(map[string]any{"intents": allIntents | 1<<21})
	general := "/channels/" + w.General.ID.String()
	say := func(text string) map[string]any { return map[string]any{"content": text} }
	hello := w.as(carol, "POST", general+"/messages", say("hello")).must(t, 200).str("id")
	refused := w.as(carol, "POST", general+"/messages", say("Dragons!")).must(t, 400)
	if refused.code() != 200000 || !strings.Contains(string(refused.raw), `rule \"Rule\". Not here`) {
		t.Errorf("it doesn't say which rule: %s", refused.raw)
	}
	w.byPeople([]byPerson{
		{"in a message that is edited", carol, "PATCH", general + "/messages/" + hello, say("dragon"), 400, 200000},
		{"in a thread's name", carol, "POST", general + "/threads", map[string]any{"name": "dragon", "type": 11},
			400, 200001},
		{"in the name of a message's thread", carol, "POST", general + "/messages/" + hello + "/threads",
			map[string]any{"name": "dragon"}, 400, 200001},
		{"by who manages the server", owner, "POST", general + "/messages", say("dragon"), 200, 0},
		{"by who has an exempt role", dmitri, "POST", general + "/messages", say("dragon"), 200, 0},
		{"in an exempt channel", carol, "POST", "/channels/" + mods + "/messages", say("dragon"), 200, 0},
		{"one mention, twice", carol, "POST", general + "/messages",
			say("<@" + owner.ID.String() + "> <@!" + owner.ID.String() + ">"), 200, 0},
		{"two mentions", carol, "POST", general + "/messages",
			say("<@" + owner.ID.String() + "> <@&" + role.String() + ">"), 400, 200000},
		{"a word that is only reported", carol, "POST", general + "/messages", say("a gnome"), 200, 0},
	})
	w.bot("POST", general+"/messages", say("dragon")).must(t, 200) // a bot may
	var blocked, reported, flagged executed
	bot.until("AUTO_MODERATION_ACTION_EXECUTION", &blocked)
	if blocked.Action.Type != 1 || blocked.User != carol.ID.String() || blocked.Content != "Dragons!" ||
		*blocked.Keyword != "dragon*" || *blocked.Matched != "Dragon" || blocked.Message != "" {
		t.Errorf("%+v", blocked)
	}
	var posted struct {
		ID     string
		Type   int
		Author struct{ ID string }
		Embeds []struct{ Type, Description string }
	}
	bot.until("MESSAGE_CREATE", &posted)
	if posted.Type != 24 || posted.Author.ID != carol.ID.String() || posted.Embeds[0].Description != "Dragons!" {
		t.Errorf("%+v", posted)
	}
	w.refuse(t, w.bot("POST", "/channels/"+mods+"/messages", map[string]any{"content": "x",
		"message_reference": map[string]any{"message_id": posted.ID}}), 400, 50035) // it's a system message
	bot.until("AUTO_MODERATION_ACTION_EXECUTION", &reported)
	if reported.Action.Type != 2 || reported.Alert == "" || reported.Channel != w.General.ID.String() {
		t.Errorf("%+v", reported)
	}
	for flagged.Content != "a gnome" {
		flagged = executed{}
		bot.until("AUTO_MODERATION_ACTION_EXECUTION", &flagged)
	}
	if flagged.Message == "" || flagged.Alert == "" {
		t.Errorf("%+v", flagged)
	}
}

// TestMentionRaids: many messages that mention few people each are blocked while there are too many in all.
func TestMentionRaids(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := start(t, func(o *discordsim.Options) { o.Now = func() time.Time { return now } })
	carol, dmitri := w.Users[2], w.Users[3]
	raids := map[string]any{"mention_total_limit": 20, "mention_raid_protection_enabled": true}
	rule := w.guildPath("/auto-moderation/rules/%s", w.as(w.Owner, "POST", w.guildPath("/auto-moderation/rules"),
		modRule(5, raids, modBlock)).must(t, 200).str("id"))
	var all strings.Builder
	for _, u := range w.Users[:9] {
		all.WriteString("<@" + u.ID.String() + ">")
	}
	say := func(u discordsim.User, text string, status int) {
		t.Helper()
		w.as(u, "POST", "/channels/"+w.General.ID.String()+"/messages", map[string]any{"content": text}).must(t, status)
	}
	for range 5 {
		say(carol, all.String(), 200)
	}
	say(dmitri, all.String(), 400)
	say(dmitri, "<@"+carol.ID.String()+">", 400)
	say(dmitri, "hello", 200)
	w.Advance(time.Minute)
	say(dmitri, all.String(), 200)
	delete(raids, "mention_raid_protection_enabled")
	w.as(w.Owner, "PATCH", rule, map[string]any{"trigger_metadata": raids}).must(t, 200)
	for range 6 {
		say(carol, all.String(), 200)
	}
}

// TestModeratedMembers: rules time members out, and keep those with forbidden names from everything.
func TestModeratedMembers(t *testing.T) {
	t.Parallel()
	w := start(t)
	owner, carol, dmitri := w.Owner, w.Users[2], w.Users[3]
	at := w.guildPath("/auto-moderation/rules")
	w.as(owner, "POST", at, modRule(1, map[string]any{"keyword_filter": []any{"troll"}},
		modAction(3, map[string]any{"duration_seconds": 60}))).must(t, 200)
	names := modRule(6, map[string]any{"keyword_filter": []any{"bad*"}}, modAction(4, nil))
	names["event_type"] = 2
	w.as(owner, "POST", at, names).must(t, 200)
	// It hears of it without what was written, as it has no MESSAGE_CONTENT.
	w.allow(discordsim.PermManageGuild)
	bot, _ := w.login(map[string]any{"intents": (allIntents | 1<<21) &^ (1 << 15)})
	general := "/channels/" + w.General.ID.String() + "/messages"
	w.join(dmitri, w.Lounge.ID)
	w.as(dmitri, "POST", general, map[string]any{"content": "troll"}).must(t, 200)
	w.refuse(t, w.as(dmitri, "POST", general, map[string]any{"content": "x"}), 403, 50013)
	var timed executed
	bot.until("AUTO_MODERATION_ACTION_EXECUTION", &timed)
	if timed.Action.Type != 3 || timed.Content != "" || timed.Matched != nil || *timed.Keyword != "troll" {
		t.Errorf("%+v", timed)
	}
	nick := func(name string) answer {
		return w.as(carol, "PATCH", w.guildPath("/members/@me"), map[string]any{"nick": name})
	}
	nick("Baddie").must(t, 200)
	w.refuse(t, w.as(carol, "POST", general, map[string]any{"content": "x"}), 403, 50013)
	bot.until("AUTO_MODERATION_ACTION_EXECUTION", &timed)
	if timed.Action.Type != 4 || timed.User != carol.ID.String() {
		t.Errorf("%+v", timed)
	}
	nick("Carol").must(t, 200)
	w.as(carol, "POST", general, map[string]any{"content": "x"}).must(t, 200)
	bad := w.AddUser("badger", "")
	w.ok(w.AddMember(w.Guild.ID, bad.ID, ""))
	w.refuse(t, w.as(bad, "POST", general, map[string]any{"content": "x"}), 403, 50013)
	p, err := w.PermissionsIn(bad.ID, w.General.ID)
	if w.ok(err); p != discordsim.PermViewChannel|discordsim.PermReadMessageHistory|discordsim.PermChangeNickname {
		t.Errorf("%b", p)
	}
}
