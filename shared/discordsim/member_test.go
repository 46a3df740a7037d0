package discordsim_test

import (
	"errors"
	"testing"

	"snug/shared/discordsim"
)

func TestMemberRules(t *testing.T) {
	runRules(t, []rule{
		{"moving needs Move Members and Connect", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.join(w.Users[2], w.Lounge.ID)
			path := w.guildPath("/members/%s", w.Users[2].ID)
			w.bot("PATCH", path, map[string]any{"channel_id": w.Arena.ID}).must(t, 200)
			w.allow(discordsim.SnugPermissions &^ discordsim.PermMoveMembers)
			w.refuse(t, w.bot("PATCH", path, map[string]any{"channel_id": w.Lounge.ID}), 403, 50013)
		}},
		{"only who is connected can be moved", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.refuse(t,
				w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"channel_id": w.Arena.ID}),
				400, 40032)
		}},
		{"channel_id null disconnects", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.join(w.Users[2], w.Lounge.ID)
			w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), `{"channel_id":null}`).must(t, 200)
			w.refuse(t, w.bot("GET", w.guildPath("/voice-states/%s", w.Users[2].ID), nil), 404, 10065)
		}},
		{"who moves members gets them past seats and locks", docGuild + "#modify-guild-member",
			func(t *testing.T, w *world) {
				id := w.makeVoice(overwriteFor(w.Guild.ID, 0, 0, discordsim.PermConnect),
					overwriteFor(w.Application.ID, 1, discordsim.PermConnect|discordsim.PermMoveMembers, 0))
				for _, u := range w.Users[2:5] {
					w.join(u, w.Lounge.ID)
					w.bot("PATCH", w.guildPath("/members/%s", u.ID), map[string]any{"channel_id": id}).must(t, 200)
				}
			}},
		{"to a voice channel only", docCodes + "#json", func(t *testing.T, w *world) {
			w.join(w.Users[2], w.Lounge.ID)
			w.refuse(t,
				w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"channel_id": w.General.ID}),
				400, 50024)
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
			w.refuse(t, w.bot("POST", w.guildPath("/roles"), map[string]any{"name": "x", "permissions": "8"}), 403,
				50013)
		}},
		{"nobody outranks the owner", docPermissions + "#permission-hierarchy", func(t *testing.T, w *world) {
			w.allow(discordsim.PermAdministrator)
			w.refuse(t, w.bot("DELETE", w.guildPath("/members/%s", w.Owner.ID), nil), 403, 50013)
			w.bot("DELETE", w.guildPath("/members/%s", w.Users[2].ID), nil).must(t, 204)
			w.refuse(t, w.bot("GET", w.guildPath("/members/%s", w.Users[2].ID), nil), 404, 10007)
			w.refuse(t, w.bot("GET", w.guildPath("/members/1"), nil), 404, 10013)
		}},
		{"bans", docGuild + "#create-guild-ban", func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermBanMembers)
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
		{"a time out ends voice and most permissions", docPermissions + "#permissions-for-timed-out-members",
			func(t *testing.T, w *world) {
				w.allow(discordsim.SnugPermissions | discordsim.PermModerateMembers)
				w.join(w.Users[2], w.Lounge.ID)
				w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID),
					map[string]any{"communication_disabled_until": "2099-01-01T00:00:00Z"}).must(t,
					400)
				until := w.Guild.ID.Time().AddDate(1, 0, 7).Format("2006-01-02T15:04:05Z")
				w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID),
					map[string]any{"communication_disabled_until": until}).must(t,
					200)
				if _, err := w.JoinVoice(w.Guild.ID, w.Users[2].ID, w.Lounge.ID, discordsim.VoiceFlags{}); err == nil {
					t.Error("a member who is timed out joined voice")
				}
			}},
		{"the list of members needs the intent", docGuild + "#list-guild-members", func(t *testing.T, w *world) {
			w.bot("GET", w.guildPath("/members?limit=1000"), nil).must(t, 200)
			w.bot("GET", w.guildPath("/members/search?query=ali&limit=5"), nil).must(t, 200)
			app := w.AddApplication(discordsim.ApplicationOptions{Name: "other", NoPrivilegedIntents: true})
			if err := w.Server.InstallBot(w.Guild.ID, app.ID, 0); err != nil {
				t.Fatal(err)
			}
			w.refuse(t, w.request("GET", "/api/v10"+w.guildPath("/members"), "Bot "+app.BotToken, nil), 403, 50001)
		}},
		{"nicknames", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermManageNicknames | discordsim.PermChangeNickname)
			a := w.bot("PATCH", w.guildPath("/members/%s", w.Users[2].ID), map[string]any{"nick": "Chi"}).must(t, 200)
			if a.str("nick") != "Chi" {
				t.Errorf("%s", a.raw)
			}
			w.bot("PATCH", w.guildPath("/members/@me"), map[string]any{"nick": "Snuggy"}).must(t, 200)
			w.refuse(t, w.bot("PATCH", w.guildPath("/members/%s", w.Owner.ID), map[string]any{"nick": "x"}), 403, 50013)
		}},
		{"server mute only in voice", docGuild + "#modify-guild-member", func(t *testing.T, w *world) {
			w.allow(discordsim.SnugPermissions | discordsim.PermMuteMembers)
			path := w.guildPath("/members/%s", w.Users[2].ID)
			w.refuse(t, w.bot("PATCH", path, map[string]any{"mute": true}), 400, 40032)
			w.join(w.Users[2], w.Lounge.ID)
			w.bot("PATCH", path, map[string]any{"mute": true}).must(t, 200)
			if a := w.bot("GET", w.guildPath("/voice-states/%s", w.Users[2].ID), nil).must(t,
				200); a.json["mute"] != true {
				t.Errorf("%s", a.raw)
			}
		}},
	})
}

func TestVoiceRules(t *testing.T) {
	runRules(t, []rule{
		{"a full channel takes those who may move members", docChannel + "#channel-object",
			func(t *testing.T, w *world) {
				for _, u := range w.Users[2:6] {
					w.join(u, w.Arena.ID)
				}
				_, err := w.JoinVoice(w.Guild.ID, w.Users[6].ID, w.Arena.ID, discordsim.VoiceFlags{})
				if e, ok := errors.AsType[*discordsim.APIError](err); !ok || e.Status != 403 {
					t.Errorf("a fifth came in: %v", err)
				}
				w.join(w.Moderator, w.Arena.ID)
			}},
		{"a role's overwrite keeps out and lets in", docPermissions + "#permission-overwrites",
			func(t *testing.T, w *world) {
				role, err := w.AddRole(w.Guild.ID, "Guests", 0)
				if err != nil {
					t.Fatal(err)
				}
				c, err := w.AddChannel(w.Guild.ID,
					discordsim.ChannelOptions{Name: "den", Type: discordsim.ChannelVoice,
						Overwrites: []discordsim.Overwrite{
							{ID: role, Allow: discordsim.PermConnect}, {ID: w.Guild.ID, Deny: discordsim.PermConnect}}})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.JoinVoice(w.Guild.ID, w.Users[3].ID, c.ID, discordsim.VoiceFlags{}); err == nil {
					t.Error("a stranger came in")
				}
				guest := w.AddUser("guest", "Guest")
				if err := w.AddMember(w.Guild.ID, guest.ID, "", role); err != nil {
					t.Fatal(err)
				}
				w.join(guest, c.ID)
			}},
		{"everybody begins in a stage's audience", docVoice + "#voice-state-object", func(t *testing.T, w *world) {
			c, err := w.AddChannel(w.Guild.ID,
				discordsim.ChannelOptions{Name: "talks", Type: discordsim.ChannelStage})
			if err != nil {
				t.Fatal(err)
			}
			who, me := w.Moderator, "/_sim/users/"+w.Moderator.ID.String()+"/api"+w.guildPath("/voice-states/@me")
			suppressed := func() any { return w.request("GET", me, "", nil).must(t, 200).json["suppress"] }
			w.join(who, c.ID)
			if suppressed() != true {
				t.Error("a moderator speaks on joining")
			}
			w.request("PATCH", me, "", map[string]any{"channel_id": c.ID, "suppress": false}).must(t, 204)
			w.join(who, c.ID) // as the client does to mute
			if suppressed() != false {
				t.Error("a speaker is in the audience again")
			}
		}},
		{"whoever may not speak is suppressed", docVoice + "#voice-state-object", func(t *testing.T, w *world) {
			c, err := w.AddChannel(w.Guild.ID,
				discordsim.ChannelOptions{
					Name: "hall", Type: discordsim.ChannelVoice,
					Overwrites: []discordsim.Overwrite{
						{ID: w.Guild.ID, Deny: discordsim.PermSpeak | discordsim.PermStream},
					},
				})
			if err != nil {
				t.Fatal(err)
			}
			w.join(w.Users[3], c.ID)
			if a := w.bot("GET", w.guildPath("/voice-states/%s", w.Users[3].ID), nil).must(t,
				200); a.json["suppress"] != true {
				t.Errorf("%s", a.raw)
			}
			yes := true
			if _, err := w.SetVoice(w.Guild.ID, w.Users[3].ID, discordsim.VoiceFlags{SelfStream: &yes}); err == nil {
				t.Error("they stream without the permission")
			}
		}},
		{"deleting the channel and leaving the guild disconnect", docEvents + "#voice-state-update",
			func(t *testing.T, w *world) {
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
