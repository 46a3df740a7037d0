package discordsim_test

import (
	"strings"
	"testing"

	"snug/shared/discordsim"
)

// TestPrune: who wasn't seen for days goes, unless they have roles that the prune doesn't include.
// https://docs.discord.com/developers/resources/guild#begin-guild-prune
func TestPrune(t *testing.T) {
	t.Parallel()
	w := start(t)
	g, err := w.AddGuild("Quiet", w.Owner.ID)
	w.ok(err)
	role, err := w.AddRole(g.ID, "Regular", 0)
	w.ok(err)
	other, err := w.AddRole(g.ID, "Other", 0)
	w.ok(err)
	lounge, err := w.AddChannel(g.ID, discordsim.ChannelOptions{Name: "Lounge", Type: discordsim.ChannelVoice})
	w.ok(err)
	text, err := w.AddChannel(g.ID, discordsim.ChannelOptions{Name: "general"})
	w.ok(err)
	path := "/guilds/" + g.ID.String() + "/prune"
	w.ok(w.InstallBot(g.ID, w.Application.ID, discordsim.PermAdministrator))
	plain, regular, both := w.AddUser("plain", ""), w.AddUser("regular", ""), w.AddUser("both", "")
	talks, sits := w.AddUser("talks", ""), w.AddUser("sits", "")
	w.ok(w.AddMember(g.ID, plain.ID, ""))
	w.ok(w.AddMember(g.ID, regular.ID, "", role))
	w.ok(w.AddMember(g.ID, both.ID, "", role, other))
	w.ok(w.AddMember(g.ID, talks.ID, ""))
	w.ok(w.AddMember(g.ID, sits.ID, ""))
	count := func(query string, want float64) {
		t.Helper()
		if a := w.bot("GET", path+query, nil).must(t, 200); a.json["pruned"] != want {
			t.Errorf("%s: %s instead of %v", query, a.raw, want)
		}
	}
	count("?days=1", 0)
	_, err = w.JoinVoice(g.ID, sits.ID, lounge.ID, discordsim.VoiceFlags{})
	w.ok(err)
	w.control("POST", "/time", map[string]any{"advance": 8 * 24 * 3600}).must(t, 200)
	w.as(talks, "POST", "/channels/"+text.ID.String()+"/messages", map[string]any{"content": "hello"}).must(t, 200)
	for _, tc := range []struct {
		name, query string
		want        float64
	}{
		{"as usual", "", 1},
		{"for longer", "?days=9", 0},
		{"with a role", "?include_roles=" + role.String(), 2},
		{"with two", "?include_roles=" + role.String() + "," + other.String(), 3},
	} {
		t.Run(tc.name, func(t *testing.T) { count(tc.query, tc.want) })
	}
	w.refuse(t, w.bot("GET", path+"?days=31", nil), 400, 50035)
	w.refuse(t, w.bot("POST", path, map[string]any{"days": 0}), 400, 50035)
	w.refuse(t, w.bot("POST", path, map[string]any{"include_roles": []any{"17"}}), 404, 10011)
	w.refuse(t, w.as(talks, "POST", path, map[string]any{}), 403, 50013)
	bot, _ := w.login(nil)
	if a := w.bot("POST", path, map[string]any{"include_roles": []any{role}}).must(t, 200); a.json["pruned"] != 2.0 {
		t.Errorf("%s", a.raw)
	}
	bot.until("GUILD_MEMBER_REMOVE", nil)
	if a := w.bot("POST", path, map[string]any{"compute_prune_count": false}).must(t, 200); a.json["pruned"] != nil {
		t.Errorf("%s", a.raw)
	}
	log := w.bot("GET", "/guilds/"+g.ID.String()+"/audit-logs?action_type=21", nil).must(t, 200)
	if !strings.Contains(string(log.raw), `"members_removed":"2"`) {
		t.Errorf("%s", log.raw)
	}
}
