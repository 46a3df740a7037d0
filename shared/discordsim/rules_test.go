package discordsim_test

import (
	"fmt"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

func TestChannelRules(t *testing.T) {
	runRules(t, []rule{
		{"making one needs Manage Channels", docGuild + "#create-guild-channel", func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions &^ discordsim.PermManageChannels)
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x"}), 403, 50013)
		}},
		{"the AFK channel is a voice channel of the server, and unset when that goes", docGuild + "#modify-guild",
			func(t *testing.T, w *world) {
				afk := func() any { return w.bot("GET", w.guildPath(""), nil).must(t, 200).json["afk_channel_id"] }
				w.allow(discordsim.PermAdministrator)
				if afk() != nil {
					t.Errorf("at first it is %v", afk())
				}
				w.refuse(t, w.bot("PATCH", w.guildPath(""), map[string]any{"afk_channel_id": w.General.ID}), 400, 50035)
				w.refuse(t, w.bot("PATCH", w.guildPath(""), map[string]any{"afk_channel_id": "1"}), 400, 50035)
				id := w.makeVoice()
				w.bot("PATCH", w.guildPath(""), map[string]any{"afk_channel_id": id}).must(t, 200)
				if afk() != id {
					t.Errorf("it is %v, not %s", afk(), id)
				}
				w.bot("PATCH", w.guildPath(""), map[string]any{"afk_channel_id": nil}).must(t, 200)
				if afk() != nil {
					t.Errorf("unset it is %v", afk())
				}
				w.bot("PATCH", w.guildPath(""), map[string]any{"afk_channel_id": id}).must(t, 200)
				w.bot("DELETE", "/channels/"+id, nil).must(t, 200)
				if afk() != nil {
					t.Errorf("the channel is gone, and it is %v", afk())
				}
			}},
		{"overwrites take only bits the bot has", docGuild + "#create-guild-channel", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "type": 2,
				"permission_overwrites": []any{overwriteFor(w.Owner.ID, 1, discordsim.PermBanMembers, 0)}}), 403, 50013)
		}},
		{"Manage Roles in an overwrite is for administrators", docChannel + "#modify-channel",
			func(t *testing.T, w *world) {
				body := map[string]any{
					"name": "x", "type": 2,
					"permission_overwrites": []any{overwriteFor(w.Application.ID, 1, discordsim.PermManageRoles, 0)},
				}
				w.refuse(t, w.bot("POST", w.guildPath("/channels"), body), 403, 50013)
				w.allow(discordsim.PermAdministrator)
				w.bot("POST", w.guildPath("/channels"), body).must(t, 201)
			}},
		{"denying Connect takes Manage Channels away", docPermissions + "#implicit-permissions",
			func(t *testing.T, w *world) {
				id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, discordsim.PermConnect))
				w.refuse(t, w.bot("DELETE", "/channels/"+id, nil), 403, 50013)
			}},
		{"a bot's own overwrite keeps it in", docPermissions + "#permission-overwrites", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, discordsim.PermConnect|discordsim.PermViewChannel),
				overwriteFor(w.Application.ID, 1,
					discordsim.PermConnect|discordsim.PermViewChannel|discordsim.PermManageChannels, 0))
			w.bot("PATCH", "/channels/"+id, map[string]any{"user_limit": 3}).must(t, 200)
		}},
		{"without View Channel it is Missing Access", docCodes + "#json", func(t *testing.T, w *world) {
			id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, discordsim.PermViewChannel))
			w.refuse(t, w.bot("GET", "/channels/"+id, nil), 403, 50001)
		}},
		{"channels that may not be viewed are left out of the list", docChannel + "#channel-object-obfuscated-channels",
			func(t *testing.T, w *world) {
				id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, discordsim.PermViewChannel))
				if a := w.bot("GET", w.guildPath("/channels"), nil).must(t, 200); strings.Contains(string(a.raw), id) {
					t.Error("the list holds it")
				}
			}},
		{"overwrites in an edit need Manage Roles", docChannel + "#modify-channel", func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.allow(discordsim.SnugPermissions &^ discordsim.PermManageRoles)
			w.refuse(t,
				w.bot("PATCH", "/channels/"+id,
					map[string]any{
						"permission_overwrites": []any{overwriteFor(w.Owner.ID, 1, discordsim.PermConnect, 0)},
					}),
				403, 50013)
			w.refuse(t,
				w.bot("PUT", "/channels/"+id+"/permissions/"+w.Owner.ID.String(),
					map[string]any{"type": 1, "allow": "1048576"}),
				403, 50013)
		}},
		{"one request takes a hundred overwrites", docChannel + "#modify-channel", func(t *testing.T, w *world) {
			var many []any
			for i := range 101 {
				u := w.AddUser(fmt.Sprint("many", i), "")
				many = append(many, overwriteFor(u.ID, 1, discordsim.PermConnect, 0))
			}
			id := w.makeVoice()
			a := w.bot("PATCH", "/channels/"+id, map[string]any{"permission_overwrites": many})
			w.refuse(t, a, 400, 50035)
			if !strings.Contains(string(a.raw), `"permission_overwrites":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH"`) {
				t.Errorf("no tree: %s", a.raw)
			}
			w.refuse(t,
				w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "permission_overwrites": many}),
				400, 50035)
			w.bot("PATCH", "/channels/"+id, map[string]any{"permission_overwrites": many[:100]}).must(t, 200)
		}},
		{"a category decides which bits may be changed in its channels", docChannel + "#edit-channel-permissions",
			func(t *testing.T, w *world) {
				speak := func(id string) answer {
					return w.bot("PUT", "/channels/"+id+"/permissions/"+w.Owner.ID.String(),
						map[string]any{"type": 1, "allow": discordsim.PermSpeak})
				}
				silent := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "silent", "type": 4,
					"permission_overwrites": []any{overwriteFor(w.Guild.ID, 0, 0, discordsim.PermSpeak)}}).must(t,
					201).str("id")
				inside := map[string]any{
					"name": "x", "type": 2, "parent_id": silent,
					"permission_overwrites": []any{overwriteFor(w.Application.ID, 1, discordsim.PermSpeak, 0)},
				}
				// being made, what the guild gives counts
				id := w.bot("POST", w.guildPath("/channels"), inside).must(t, 201).str("id")
				w.refuse(t, speak(id), 403, 50013) // not what the channel gives (#3450), nor the guild (#3756)
				w.allow(discordsim.SnugPermissions &^ discordsim.PermMuteMembers)
				loud := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "loud", "type": 4}).must(t,
					201).str("id")
				id = w.bot("POST", w.guildPath("/channels"),
					map[string]any{"name": "x", "type": 2, "parent_id": loud}).must(t,
					201).str("id")
				speak(id).must(t, 204)
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
		{"at most 50 channels in a category", docChannel + "#channel-object-channel-types",
			func(t *testing.T, w *world) {
				cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "full", "type": 4}).must(t,
					201).str("id")
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
			cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "c", "type": 4}).must(t,
				201).str("id")
			child := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": cat}).must(t,
				201).str("id")
			w.bot("DELETE", "/channels/"+cat, nil).must(t, 200)
			if a := w.bot("GET", "/channels/"+child, nil).must(t, 200); a.json["parent_id"] != nil {
				t.Errorf("%s", a.raw)
			}
			w.refuse(t, w.bot("GET", "/channels/"+cat, nil), 404, 10003)
		}},
		{"a new channel takes over its category's overwrites", docPermissions + "#permission-syncing",
			func(t *testing.T, w *world) {
				cat := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "c", "type": 4,
					"permission_overwrites": []any{overwriteFor(w.Owner.ID, 1, discordsim.PermConnect, 0)}}).must(t,
					201).str("id")
				a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "parent_id": cat}).must(t, 201)
				if !strings.Contains(string(a.raw), `"allow":"1048576"`) {
					t.Errorf("%s", a.raw)
				}
			}},
		{"names of text channels are written in their form", docChannel, func(t *testing.T, w *world) {
			if a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "Hello World"}).must(t,
				201); a.str("name") != "hello-world" {
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
			w.refuse(t, w.bot("GET", "/guilds/"+other.ID.String(), nil), 404, 10004)
			w.refuse(t,
				w.bot("GET", "/applications/"+w.Application.ID.String()+"/guilds/"+other.ID.String()+"/commands", nil),
				403, 50001)
			w.refuse(t, w.bot("GET", "/channels/abc", nil), 400, 50035)
		}},
		{"channels can be moved in bulk", docGuild + "#modify-guild-channel-positions", func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.bot("PATCH", w.guildPath("/channels"), []any{map[string]any{"id": id, "position": 7}}).must(t, 204)
			if a := w.bot("GET", "/channels/"+id, nil); a.json["position"] != 7.0 {
				t.Errorf("%s", a.raw)
			}
			category := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "c", "type": 4}).must(t,
				201).str("id")
			into := func(channel string) map[string]any { return map[string]any{"id": channel, "parent_id": category} }
			w.refuse(t, w.bot("PATCH", w.guildPath("/channels"), []any{into(id), into(w.makeVoice())}), 400, 40009)
			w.bot("PATCH", w.guildPath("/channels"), []any{into(id), map[string]any{"id": category, "position": 3}}).
				must(t, 204)
		}},
		{"what is not simulated is refused, not passed over", docMessage + "#create-message",
			func(t *testing.T, w *world) {
				id := w.post(map[string]any{"content": "x"}).must(t, 200).str("id")
				for name, body := range map[string]map[string]any{
					"poll": {
						"content": "x", "poll": map[string]any{"question": map[string]any{"text": "?"}},
					},
					"message_reference": {
						"content":           "x",
						"message_reference": map[string]any{"type": 1, "message_id": id, "channel_id": w.General.ID},
					},
				} {
					a := w.post(body)
					w.refuse(t, a, 400, 50035)
					if !strings.Contains(string(a.raw), name) ||
						!strings.Contains(string(a.raw), "The simulated Discord has no") {
						t.Errorf("%s", a.raw)
					}
				}
				w.refuse(t,
					w.bot("PATCH", "/applications/@me",
						map[string]any{"interactions_endpoint_url": "https://example.org"}),
					400, 50035)
			}},
		{"there are no stickers", docCodes + "#json", func(t *testing.T, w *world) {
			w.refuse(t, w.post(map[string]any{"sticker_ids": []string{"1"}}), 400, 50081)
		}},
		{"an address that is given is not empty", "https://docs.discord.com/developers/resources/message#embed-object",
			func(t *testing.T, w *world) {
				for _, e := range []map[string]any{
					{"url": ""}, {"author": map[string]any{"name": "x", "url": ""}},
					{"footer": map[string]any{"text": "x", "icon_url": ""}},
				} {
					e["title"] = "x"
					w.refuse(t, w.post(map[string]any{"embeds": []any{e}}), 400, 50035)
				}
			}},
		{"a file that came along has an address in the answer",
			"https://docs.discord.com/developers/reference#editing-message-attachments", func(t *testing.T, w *world) {
				a := w.upload("POST", "/channels/"+w.General.ID.String()+"/messages", "x",
					`{"embeds":[{"title":"x","image":{"url":"attachment://users.csv"}}]}`).must(t,
					200)
				if strings.Contains(string(a.raw), "attachment://") ||
					!strings.Contains(string(a.raw), "/attachments/") {
					t.Errorf("%s", a.raw)
				}
			}},
		{"a new channel's last message is null", docChannel + "#channel-object", func(t *testing.T, w *world) {
			for _, kind := range []int{0, 2} {
				a := w.bot("POST", w.guildPath("/channels"), map[string]any{"name": "x", "type": kind}).must(t, 201)
				if !strings.Contains(string(a.raw), `"last_message_id":null`) {
					t.Errorf("%s", a.raw)
				}
			}
		}},
		{"the status needs its permission", docChannel, func(t *testing.T, w *world) {
			id := w.makeVoice()
			w.bot("PUT", "/channels/"+id+"/voice-status", map[string]any{"status": "Draft, round 2"}).must(t, 204)
			w.refuse(t,
				w.bot("PUT", "/channels/"+id+"/voice-status", map[string]any{"status": strings.Repeat("x", 501)}), 400,
				50035)
			w.allow(discordsim.SnugPermissions &^ discordsim.PermSetVoiceChannelStatus)
			w.refuse(t, w.bot("PUT", "/channels/"+id+"/voice-status", map[string]any{"status": ""}), 403, 50013)
		}},
		{"no JSON is told so", docCodes + "#json", func(t *testing.T, w *world) {
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), "{"), 400, 50109)
			w.refuse(t, w.bot("POST", w.guildPath("/channels"), "[]"), 400, 50035)
		}},
	})
}

func TestLimitsOfSize(t *testing.T) {
	limits := discordsim.NoRateLimits()
	limits.Channels, limits.Overwrites, limits.Roles, limits.Invites, limits.Commands = 7, 3, 4, 1, 2
	w := start(t, func(o *discordsim.Options) { o.Limits = &limits })
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
	many := []any{
		map[string]any{"name": "a", "description": "a"}, map[string]any{"name": "b", "description": "b"},
		map[string]any{"name": "c", "description": "c"},
	}
	w.refuse(t, w.bot("PUT", "/applications/"+w.Application.ID.String()+"/commands", many), 400, 30032)
}
