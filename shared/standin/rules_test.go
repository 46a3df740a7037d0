package standin_test

import (
	"fmt"
	"strings"
	"testing"

	"snug/shared/standin"
)

// rule is one thing that Discord's documents say, tried on the stand-in.
type rule struct {
	name string
	doc  string // Discord's document that says so
	try  func(t *testing.T, w *world)
}

const (
	docPermissions  = "https://docs.discord.com/developers/topics/permissions"
	docChannel      = "https://docs.discord.com/developers/resources/channel"
	docGuild        = "https://docs.discord.com/developers/resources/guild"
	docCodes        = "https://docs.discord.com/developers/topics/opcodes-and-status-codes"
	docReference    = "https://docs.discord.com/developers/reference"
	docRateLimits   = "https://docs.discord.com/developers/topics/rate-limits"
	docInteractions = "https://docs.discord.com/developers/interactions/receiving-and-responding"
	docCommands     = "https://docs.discord.com/developers/interactions/application-commands"
	docVoice        = "https://docs.discord.com/developers/resources/voice"
	docInvite       = "https://docs.discord.com/developers/resources/invite"
	docMessage      = "https://docs.discord.com/developers/resources/message"
	docAudit        = "https://docs.discord.com/developers/resources/audit-log"
	docUser         = "https://docs.discord.com/developers/resources/user"
	docGateway      = "https://docs.discord.com/developers/events/gateway"
	docEvents       = "https://docs.discord.com/developers/events/gateway-events"
	docOAuth2       = "https://docs.discord.com/developers/topics/oauth2"
)

func runRules(t *testing.T, rules []rule) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			if !strings.HasPrefix(r.doc, "https://") {
				t.Fatal("the rule names no document")
			}
			r.try(t, start(t))
		})
	}
}

func (w *world) guildPath(format string, args ...any) string {
	return "/guilds/" + w.Guild.ID.String() + fmt.Sprintf(format, args...)
}

// makeVoice makes a voice channel as the bot and gives its id.
func (w *world) makeVoice(overwrites ...map[string]any) string {
	w.t.Helper()
	body := map[string]any{"name": "room", "type": 2, "user_limit": 2}
	if overwrites != nil {
		body["permission_overwrites"] = overwrites
	}
	return w.bot("POST", w.guildPath("/channels"), body).must(w.t, 201).str("id")
}

func overwriteFor(id standin.ID, kind int, allow, deny standin.Permissions) map[string]any {
	return map[string]any{"id": id, "type": kind, "allow": allow, "deny": deny}
}

func (w *world) refuse(t *testing.T, a answer, status, code int) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("got %d %s, want %d with code %d", a.status, a.raw, status, code)
	}
}

func TestChannelRules(t *testing.T) {
	runRules(t, []rule{
		{"making one needs Manage Channels", docGuild + "#create-guild-channel", func(t *testing.T, w *world) {
			w.allow(standin.SnugPermissions &^ standin.PermManageChannels)
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"}), 403, 50013)
		}},
		{"overwrites take only bits the bot has", docGuild + "#create-guild-channel", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "type": 2,
				"permission_overwrites": []any{overwriteFor(w.Owner.ID, 1, standin.PermBanMembers, 0)}}), 403, 50013)
		}},
		{"Manage Roles in an overwrite is for administrators", docChannel + "#modify-channel", func(t *testing.T, w *world) {
			body := map[string]any{"name": "x", "type": 2, "permission_overwrites": []any{overwriteFor(w.Application.ID, 1, standin.PermManageRoles, 0)}}
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), body), 403, 50013)
			w.allow(standin.PermAdministrator)
			w.bot("POST", w.guildPath("/channels"), body).must(t, 201)
		}},
		{"denying Connect takes Manage Channels away", docPermissions + "#implicit-permissions", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, standin.PermConnect))
			w.refuse(t, w.bot("DELETE", "/channels/"+id, nil), 403, 50013)
		}},
		{"a bot's own overwrite keeps it in", docPermissions + "#permission-overwrites", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, standin.PermConnect|standin.PermViewChannel),
				overwriteFor(w.Application.ID, 1, standin.PermConnect|standin.PermViewChannel|standin.PermManageChannels, 0))
			w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": 3}).must(t, 200)
		}},
		{"without View Channel it is Missing Access", docCodes + "#json", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, standin.PermViewChannel))
			w.refuse(t, w.bot("GET", "/channels/"+id, nil), 403, 50001)
		}},
		{"channels that may not be viewed are left out of the list", docChannel + "#channel-object-obfuscated-channels", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, standin.PermViewChannel))
			if a := w.bot("GET", w.guildPath("/channels"), nil).must(t, 200); strings.Contains(string(a.raw), id) {
				t.Error("the list holds it")
			}
		}},
		{"overwrites in an edit need Manage Roles", docChannel + "#modify-channel", func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.allow(standin.SnugPermissions &^ standin.PermManageRoles)
			w.refuse(t, w.bot("PATCH", "/channels/"+id, map[string]any{"permission_overwrites": []any{overwriteFor(w.Owner.ID, 1, standin.PermConnect, 0)}}), 403, 50013)
			w.refuse(t, w.bot("PUT", "/channels/"+id+"/permissions/"+w.Owner.ID.String(), map[string]any{"type": 1, "allow": "1048576"}), 403, 50013)
		}},
		{"PUT and DELETE of an overwrite", docChannel + "#edit-channel-permissions", func(t *testing.T, w *world) {
			id := w.makeVoice()
			path := "/channels/" + id + "/permissions/" + w.Owner.ID.String()
			w.bot("PUT", path, map[string]any{"type": 1, "allow": "1048576", "deny": "0"}).must(t, 204)
			if a := w.bot("GET", "/channels/"+id, nil); !strings.Contains(string(a.raw), `"allow":"1048576"`) {
				t.Errorf("not there: %s", a.raw)
			}
			w.bot("DELETE", path, nil).must(t, 204)
			w.refuse(t, w.bot("DELETE", path, nil), 404, 10009)
		}},
		{"names have 1 to 100 characters", docGuild + "#create-guild-channel", func(t *testing.T, w *world) {
			for _, name := range []string{"", strings.Repeat("é", 101)} {
				a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": name})
				w.refuse(t, a, 400, 50035)
				if !strings.Contains(string(a.raw), `"name":{"_errors":[{"code":"BASE_TYPE_`) {
					t.Errorf("no tree: %s", a.raw)
				}
			}
			w.bot("POST", w.guildPath("/channels"), map[string]any{"name": strings.Repeat("é", 100)}).must(t, 201)
		}},
		{"a voice channel has 0 to 99 seats", docChannel + "#modify-channel", func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.refuse(t, w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": 100}), 400, 50035)
			w.refuse(t, w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": -1}), 400, 50035)
			w.refuse(t, w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": "many"}), 400, 50035)
			w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": 99}).must(t, 200)
		}},
		{"the parent is a category of the guild", docChannel + "#modify-channel", func(t *testing.T, w *world) {
			a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": w.Lounge.ID})
			w.refuse(t, a, 400, 50035)
			if !strings.Contains(string(a.raw), "CHANNEL_PARENT_INVALID_TYPE") {
				t.Errorf("%s", a.raw)
			}
		}},
		{"at most 50 channels in a category", docChannel + "#channel-object-channel-types", func(t *testing.T, w *world) {
			cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "full", "type": 4}).must(t, 201).str("id")
			for range 50 {
				w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": cat}).must(t, 201)
			}
			a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": cat})
			w.refuse(t, a, 400, 50035)
			if !strings.Contains(string(a.raw), "CHANNEL_PARENT_MAX_CHANNELS") {
				t.Errorf("%s", a.raw)
			}
		}},
		{"deleting a category lets its channels go", docChannel + "#deleteclose-channel", func(t *testing.T, w *world) {
			cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "c", "type": 4}).must(t, 201).str("id")
			child := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": cat}).must(t, 201).str("id")
			w.bot("DELETE", "/channels/"+cat, nil).must(t, 200)
			if a := w.bot("GET", "/channels/"+child, nil).must(t, 200); a.json["parent_id"] != nil {
				t.Errorf("%s", a.raw)
			}
			w.refuse(t, w.bot("GET", "/channels/"+cat, nil), 404, 10003)
		}},
		{"a new channel takes over its category's overwrites", docPermissions + "#permission-syncing", func(t *testing.T, w *world) {
			cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "c", "type": 4,
				"permission_overwrites": []any{overwriteFor(w.Owner.ID, 1, standin.PermConnect, 0)}}).must(t, 201).str("id")
			a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": cat}).must(t, 201)
			if !strings.Contains(string(a.raw), `"allow":"1048576"`) {
				t.Errorf("%s", a.raw)
			}
		}},
		{"names of text channels are written in their form", docChannel, func(t *testing.T, w *world) {
			if a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "Hello World"}).must(t, 201); a.str("name") != "hello-world" {
				t.Errorf("%s", a.raw)
			}
		}},
		{"unknown guilds and channels", docCodes + "#json", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("GET", "/guilds/1/channels", nil), 404, 10004)
			w.refuse(t, w.bot("GET", "/channels/1", nil), 404, 10003)
			other, err := w.AddGuild("Elsewhere", w.Owner.ID)
			if err != nil {
				t.Fatal(err)
			}
			w.refuse(t, w.bot("GET", "/guilds/"+other.ID.String(), nil), 403, 50001)
		}},
		{"channels can be moved in bulk", docGuild + "#modify-guild-channel-positions", func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.bot("PATCH", w.guildPath("/channels"), []any{map[string]any{"id": id, "position": 7}}).must(t, 204)
			if a := w.bot("GET", "/channels/"+id, nil); a.json["position"] != 7.0 {
				t.Errorf("%s", a.raw)
			}
		}},
		{"the status needs its permission", docChannel, func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.bot("PUT", "/channels/"+id+"/voice-status", map[string]any{"status": "Draft, round 2"}).must(t, 204)
			w.refuse(t, w.bot("PUT", "/channels/"+id+"/voice-status", map[string]any{"status": strings.Repeat("x", 501)}), 400, 50035)
			w.allow(standin.SnugPermissions &^ standin.PermSetVoiceChannelStatus)
			w.refuse(t, w.bot("PUT", "/channels/"+id+"/voice-status", map[string]any{"status": ""}), 403, 50013)
		}},
		{"no JSON is told so", docCodes + "#json", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), "{"), 400, 50109)
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), "[]"), 400, 50035)
		}},
	})
}

// allow sets what the demo's bot may do in its guild.
func (w *world) allow(p standin.Permissions) {
	w.t.Helper()
	if err := w.InstallBot(w.Guild.ID, w.Application.ID, p); err != nil {
		w.t.Fatal(err)
	}
}

func TestLimitsOfSize(t *testing.T) {
	limits := standin.NoRateLimits()
	limits.Channels, limits.Overwrites, limits.Roles, limits.Invites, limits.Commands = 7, 3, 4, 1, 2
	w := start(t, func(o *standin.Options) { o.Limits = &limits })
	id := w.makeVoice()
	w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"}), 400, 30013)
	for i, u := range w.Users[:4] {
		a := w.bot("PUT", "/channels/"+id+"/permissions/"+u.ID.String(), map[string]any{"type": 1, "allow": "1048576"})
		if i < 3 {
			a.must(t, 204)
		} else {
			w.refuse(t, a, 400, 30060)
		}
	}
	w.bot("POST", w.guildPath("/roles"), map[string]any{"name": "fourth"}).must(t, 200)
	w.refuse(t, w.bot("POST", w.guildPath("/roles"), map[string]any{"name": "fifth"}), 400, 30005)
	w.bot("POST", "/channels/"+id+"/invites", map[string]any{}).must(t, 200)
	w.refuse(t, w.bot("POST", "/channels/"+id+"/invites", map[string]any{"unique": true}), 400, 30016)
	many := []any{map[string]any{"name": "a", "description": "a"}, map[string]any{"name": "b", "description": "b"}, map[string]any{"name": "c", "description": "c"}}
	w.refuse(t, w.bot("PUT", "/applications/"+w.Application.ID.String()+"/commands", many), 400, 30032)
}

func TestMemberRules(t *testing.T) {
	runRules(t, []rule{
		{"moving needs Move Members and Connect", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.join(w.Users[2], w.Lounge.ID)
			path := w.guildPath("/members/%s", w.Users[2].ID)
			w.bot("PATCH", path, map[string]any{"channel_id": w.Arena.ID}).must(t, 200)
			w.allow(standin.SnugPermissions &^ standin.PermMoveMembers)
			w.refuse(t, w.bot("PATCH", path, map[string]any{"channel_id": w.Lounge.ID}), 403, 50013)
		}},
		{"only who is connected can be moved", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"channel_id": w.Arena.ID}), 400, 40032)
		}},
		{"channel_id null disconnects", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.join(w.Users[2], w.Lounge.ID)
			w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), `{"channel_id":null}`).must(t, 200)
			w.refuse(t, w.bot("GET", w.guildPath("/voice-states/%s", w.Users[2].ID), nil), 404, 10065)
		}},
		{"who moves members gets them past seats and locks", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, standin.PermConnect), overwriteFor(w.Application.ID, 1, standin.PermConnect|standin.PermMoveMembers, 0))
			for _, u := range w.Users[2:5] {
				w.join(u, w.Lounge.ID)
				w.bot("PATCH", w.guildPath("/members/%s", u.ID), map[string]any{"channel_id": id}).must(t, 200)
			}
		}},
		{"to a voice channel only", docCodes + "#json", func(t *testing.T, w *world) {
			w.join(w.Users[2], w.Lounge.ID)
			w.refuse(t, w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"channel_id": w.General.ID}), 400, 50024)
		}},
		{"roles go by hierarchy", docPermissions + "#permission-hierarchy", func(t *testing.T, w *world) {
			low := w.bot("POST", w.guildPath("/roles"), map[string]any{"name": "low"}).must(t, 200).str("id")
			w.bot("PUT", w.guildPath("/members/%s/roles/%s", w.Users[2].ID, low), nil).must(t, 204)
			high, err := w.AddRole(w.Guild.ID, "high", 0)
			if err != nil {
				t.Fatal(err)
			}
			w.refuse(t, w.bot("PUT", w.guildPath("/members/%s/roles/%s", w.Users[2].ID, high), nil), 403, 50013)
			w.bot("DELETE", w.guildPath("/members/%s/roles/%s", w.Users[2].ID, low), nil).must(t, 204)
			w.refuse(t, w.bot("DELETE", w.guildPath("/roles/%s", high), nil), 403, 50013)
			w.bot("DELETE", w.guildPath("/roles/%s", low), nil).must(t, 204)
		}},
		{"a role gets no bits that the bot lacks", docGuild + "#create-guild-role", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("POST", w.guildPath("/roles"), map[string]any{"name": "x", "permissions": "8"}), 403, 50013)
		}},
		{"nobody outranks the owner", docPermissions + "#permission-hierarchy", func(t *testing.T, w *world) {
			w.allow(standin.PermAdministrator)
			w.refuse(t, w.bot("DELETE", w.guildPath("/members/%s", w.Owner.ID), nil), 403, 50013)
			w.bot("DELETE", w.guildPath("/members/%s", w.Users[2].ID), nil).must(t, 204)
			w.refuse(t, w.bot("GET", w.guildPath("/members/%s", w.Users[2].ID), nil), 404, 10007)
			w.refuse(t, w.bot("GET", w.guildPath("/members/1"), nil), 404, 10013)
		}},
		{"bans", docGuild + "#create-guild-ban", func(t *testing.T, w *world) {
			w.allow(standin.SnugPermissions | standin.PermBanMembers)
			path := w.guildPath("/bans/%s", w.Users[2].ID)
			w.refuse(t, w.bot("GET", path, nil), 404, 10026)
			w.bot("PUT", path, map[string]any{}).must(t, 204)
			w.bot("GET", path, nil).must(t, 200)
			w.bot("GET", w.guildPath("/bans"), nil).must(t, 200)
			if err := w.AddMember(w.Guild.ID, w.Users[2].ID, ""); err == nil {
				t.Error("a banned user came back")
			}
			w.bot("DELETE", path, nil).must(t, 204)
		}},
		{"a time out ends voice and most permissions", docPermissions + "#permissions-for-timed-out-members", func(t *testing.T, w *world) {
			w.allow(standin.SnugPermissions | standin.PermModerateMembers)
			w.join(w.Users[2], w.Lounge.ID)
			w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"communication_disabled_until": "2099-01-01T00:00:00Z"}).must(t, 400)
			until := standin.ID(w.Guild.ID).Time().AddDate(1, 0, 7).Format("2006-01-02T15:04:05Z")
			w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"communication_disabled_until": until}).must(t, 200)
			if _, err := w.JoinVoice(w.Guild.ID, w.Users[2].ID, w.Lounge.ID, standin.VoiceFlags{}); err == nil {
				t.Error("a member who is timed out joined voice")
			}
		}},
		{"the list of members needs the intent", docGuild + "#list-guild-members", func(t *testing.T, w *world) {
			w.bot("GET", w.guildPath("/members?limit=1000"), nil).must(t, 200)
			w.bot("GET", w.guildPath("/members/search?query=ali&limit=5"), nil).must(t, 200)
			app := w.AddApplication(standin.ApplicationOptions{Name: "other", NoPrivilegedIntents: true})
			if err := w.Server.InstallBot(w.Guild.ID, app.ID, 0); err != nil {
				t.Fatal(err)
			}
			w.refuse(t, w.request("GET", "/api/v10"+w.guildPath("/members"), "Bot "+app.BotToken, nil), 403, 50001)
		}},
		{"nicknames", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.allow(standin.SnugPermissions | standin.PermManageNicknames | standin.PermChangeNickname)
			a := w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"nick": "Chi"}).must(t, 200)
			if a.str("nick") != "Chi" {
				t.Errorf("%s", a.raw)
			}
			w.bot("PATCH", w.guildPath("/members/@me"), map[string]any{"nick": "Snuggy"}).must(t, 200)
			w.refuse(t, w.bot("PATCH", w.guildPath("/members/%s", w.Owner.ID), map[string]any{"nick": "x"}), 403, 50013)
		}},
		{"server mute only in voice", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.allow(standin.SnugPermissions | standin.PermMuteMembers)
			path := w.guildPath("/members/%s", w.Users[2].ID)
			w.refuse(t, w.bot("PATCH", path, map[string]any{"mute": true}), 400, 40032)
			w.join(w.Users[2], w.Lounge.ID)
			w.bot("PATCH", path, map[string]any{"mute": true}).must(t, 200)
			if a := w.bot("GET", w.guildPath("/voice-states/%s", w.Users[2].ID), nil).must(t, 200); a.json["mute"] != true {
				t.Errorf("%s", a.raw)
			}
		}},
	})
}

func (w *world) join(u standin.User, channel standin.ID) {
	w.t.Helper()
	if _, err := w.JoinVoice(w.Guild.ID, u.ID, channel, standin.VoiceFlags{}); err != nil {
		w.t.Fatal(err)
	}
}

func TestVoiceRules(t *testing.T) {
	runRules(t, []rule{
		{"a full channel takes those who may move members", docChannel + "#channel-object", func(t *testing.T, w *world) {
			for _, u := range w.Users[2:6] {
				w.join(u, w.Arena.ID)
			}
			_, err := w.JoinVoice(w.Guild.ID, w.Users[6].ID, w.Arena.ID, standin.VoiceFlags{})
			if e, ok := err.(*standin.APIError); !ok || e.Status != 403 {
				t.Errorf("a fifth came in: %v", err)
			}
			w.join(w.Moderator, w.Arena.ID)
		}},
		{"a role's overwrite keeps out and lets in", docPermissions + "#permission-overwrites", func(t *testing.T, w *world) {
			role, err := w.AddRole(w.Guild.ID, "Guests", 0)
			if err != nil {
				t.Fatal(err)
			}
			c, err := w.AddChannel(w.Guild.ID, standin.ChannelOptions{Name: "den", Type: standin.ChannelVoice, Overwrites: []standin.Overwrite{
				{ID: role, Allow: standin.PermConnect}, {ID: w.Guild.ID, Deny: standin.PermConnect}}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.JoinVoice(w.Guild.ID, w.Users[3].ID, c.ID, standin.VoiceFlags{}); err == nil {
				t.Error("a stranger came in")
			}
			guest := w.AddUser("guest", "Guest")
			if err := w.AddMember(w.Guild.ID, guest.ID, "", role); err != nil {
				t.Fatal(err)
			}
			w.join(guest, c.ID)
		}},
		{"whoever may not speak is suppressed", docVoice + "#voice-state-object", func(t *testing.T, w *world) {
			c, err := w.AddChannel(w.Guild.ID, standin.ChannelOptions{Name: "hall", Type: standin.ChannelVoice, Overwrites: []standin.Overwrite{{ID: w.Guild.ID, Deny: standin.PermSpeak | standin.PermStream}}})
			if err != nil {
				t.Fatal(err)
			}
			w.join(w.Users[3], c.ID)
			if a := w.bot("GET", w.guildPath("/voice-states/%s", w.Users[3].ID), nil).must(t, 200); a.json["suppress"] != true {
				t.Errorf("%s", a.raw)
			}
			yes := true
			if _, err := w.SetVoice(w.Guild.ID, w.Users[3].ID, standin.VoiceFlags{SelfStream: &yes}); err == nil {
				t.Error("they stream without the permission")
			}
		}},
		{"deleting the channel and leaving the guild disconnect", docEvents + "#voice-state-update", func(t *testing.T, w *world) {
			c, _ := w.login(nil)
			w.join(w.Users[2], w.Lounge.ID)
			w.join(w.Users[3], w.Arena.ID)
			c.until("VOICE_STATE_UPDATE", nil)
			c.until("VOICE_STATE_UPDATE", nil)
			w.bot("DELETE", "/channels/"+w.Lounge.ID.String(), nil).must(t, 200)
			var v struct {
				ChannelID *string `json:"channel_id"`
				UserID    string  `json:"user_id"`
			}
			c.until("VOICE_STATE_UPDATE", &v)
			if v.ChannelID != nil || v.UserID != w.Users[2].ID.String() {
				t.Errorf("%+v", v)
			}
			c.until("CHANNEL_DELETE", nil)
			if err := w.RemoveMember(w.Guild.ID, w.Users[3].ID); err != nil {
				t.Fatal(err)
			}
			c.until("VOICE_STATE_UPDATE", &v)
			if v.ChannelID != nil || v.UserID != w.Users[3].ID.String() {
				t.Errorf("%+v", v)
			}
			c.until("GUILD_MEMBER_REMOVE", nil)
		}},
	})
}
