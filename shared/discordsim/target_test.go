package discordsim_test

import (
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// processed waits until an invite's target users are.
func (w *world) processed(code string) {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		// asked again and again, as bots have to
		a := w.bot("GET", "/invites/"+code+"/target-users/job-status", nil).must(w.t, 200)
		if a.json["status"] == 2.0 && a.json["processed_users"] == a.json["total_users"] &&
			a.json["completed_at"] != nil {
			return
		}
		if a.json["status"] != 1.0 || time.Now().After(end) {
			w.t.Fatalf("%s", a.raw)
		}
	}
}

func TestTargetUserRules(t *testing.T) {
	path := func(w *world) string { return "/channels/" + w.Lounge.ID.String() + "/invites" }
	csv := func(users ...discordsim.User) string {
		s := "Users\n"
		for _, u := range users {
			s += u.ID.String() + "\n"
		}
		return s
	}
	runRules(t, []rule{
		{"only target users see and accept an invite", docChannel + "#create-channel-invite",
			func(t *testing.T, w *world) {
				guest, other := w.AddUser("guest", "Guest"), w.AddUser("other", "")
				code := w.upload("POST", path(w), csv(guest, guest), `{"max_uses":1,"max_age":600}`).must(t,
					200).str("code")
				if _, err := w.UseInvite(guest.ID, code); err == nil {
					t.Error("it was accepted before its target users were processed")
				}
				w.processed(code)
				w.refuse(t, w.request("GET", "/api/v10/invites/"+code, "", nil), 404, 10006)
				w.bot("GET", "/invites/"+code, nil).must(t, 200)
				if a := w.bot("GET", "/invites/"+code+"/target-users", nil); a.status != 200 ||
					string(a.raw) != "user_id\n"+guest.ID.String()+"\n" {
					t.Errorf("%d %q", a.status, a.raw)
				}
				if _, err := w.UseInvite(other.ID, code); err == nil {
					t.Error("somebody else accepted it")
				}
				if a := w.control("POST", "/users/"+guest.ID.String()+"/invites",
					map[string]any{"code": code}); a.status != 200 {
					t.Errorf("%s", a.raw)
				}
				if _, there := w.State().Invites[code]; there {
					t.Error("it is there though it is used up")
				}
				w.refuse(t, w.bot("GET", "/invites/"+code, nil), 404, 10006)
			}},
		{"parameters may be form fields", docChannel + "#create-channel-invite", func(t *testing.T, w *world) {
			code := w.upload("POST", path(w), csv(w.AddUser("guest", "")), "", "max_uses", "1", "max_age", "60").must(t,
				200).str("code")
			if i := w.State().Invites[code]; *i.MaxUses != 1 || *i.MaxAge != 60 {
				t.Errorf("%+v", i)
			}
		}},
		{"wrong ids are described by line", docInvite + "#update-target-users", func(t *testing.T, w *world) {
			bad := "Users\n" + w.Owner.ID.String() + "\nx1\n17\n"
			code := w.upload("POST", path(w), csv(w.Owner), "{}").must(t, 200).str("code")
			for _, a := range []answer{
				w.upload("POST", path(w), bad, "{}"), w.upload("PUT", "/invites/"+code+"/target-users", bad, ""),
			} {
				if a.status != 400 || !strings.Contains(string(a.raw),
					`"target_users_file":["Line 3: invalid user ID format",`+
						`"Line 4: invalid user ID - must be a valid Discord snowflake"]`) {
					t.Errorf("%d %s", a.status, a.raw)
				}
			}
		}},
		{"creating one needs Create Invite alone", docChannel + "#create-channel-invite", func(t *testing.T, w *world) {
			w.allow(discordsim.PermViewChannel | discordsim.PermConnect | discordsim.PermCreateInstantInvite)
			w.upload("POST", path(w), csv(w.Owner), "{}").must(t, 200)
		}},
		{"invites without target users have no job", docCodes + "#json", func(t *testing.T, w *world) {
			code := w.bot("POST", path(w), map[string]any{}).must(t, 200).str("code")
			w.refuse(t, w.bot("GET", "/invites/"+code+"/target-users/job-status", nil), 404, 10124)
			w.refuse(t, w.bot("GET", "/invites/"+code+"/target-users", nil), 404, 10129)
			w.refuse(t, w.bot("GET", "/invites/nonsense/target-users/job-status", nil), 404, 10006)
		}},
		{"target users can be changed", docInvite + "#update-target-users", func(t *testing.T, w *world) {
			first, second := w.AddUser("first", ""), w.AddUser("second", "")
			code := w.upload("POST", path(w), csv(first), "{}").must(t, 200).str("code")
			w.upload("PUT", "/invites/"+code+"/target-users", csv(second), "").must(t, 204)
			w.processed(code)
			if _, err := w.UseInvite(first.ID, code); err == nil {
				t.Error("who is not on the list any more accepted it")
			}
			if _, err := w.UseInvite(second.ID, code); err != nil {
				t.Error(err)
			}
		}},
		{"a used and an expired invite are gone", docInvite, func(t *testing.T, w *world) {
			guest := w.AddUser("guest", "")
			code := w.upload("POST", path(w), csv(guest), `{"max_uses":1}`).must(t, 200).str("code")
			w.processed(code)
			if _, err := w.UseInvite(guest.ID, code); err != nil {
				t.Fatal(err)
			}
			w.ok(w.RemoveMember(w.Guild.ID, guest.ID))
			if _, err := w.UseInvite(guest.ID, code); err == nil {
				t.Error("it was used twice")
			}
			w.refuse(t, w.bot("DELETE", "/invites/"+code, nil), 404, 10006)
		}},
		{"roles come with it, none above the bot's", docChannel + "#create-channel-invite",
			func(t *testing.T, w *world) {
				role := w.bot("POST", w.guildPath("/roles"), map[string]any{"name": "Supporter"}).must(t, 200).str("id")
				w.allow(discordsim.PermViewChannel | discordsim.PermCreateInstantInvite)
				w.refuse(t, w.bot("POST", path(w), map[string]any{"role_ids": []any{role}}), 403, 50013)
				w.allow(discordsim.PermAdministrator)
				code := w.bot("POST", path(w), map[string]any{"role_ids": []any{role}}).must(t, 200).str("code")
				guest := w.AddUser("guest", "")
				_, err := w.UseInvite(guest.ID, code)
				w.ok(err)
				if a := w.bot("GET", w.guildPath("/members/%d", guest.ID), nil).must(t,
					200); !strings.Contains(string(a.raw), role) {
					t.Errorf("%s", a.raw)
				}
			}},
	})
}

// A user who joins by an invite or is added is pending if screening is enabled, and passes it through the control API.
func TestScreeningIsPassed(t *testing.T) {
	w := start(t)
	w.control("PATCH", "/guilds/"+w.Guild.ID.String(), map[string]any{"screening": true}).must(t, 204)
	code := w.bot("POST", "/channels/"+w.Lounge.ID.String()+"/invites", map[string]any{}).must(t, 200).str("code")
	guest := w.AddUser("guest", "")
	_, err := w.UseInvite(guest.ID, code)
	w.ok(err)
	pending := func() bool {
		return w.bot("GET", w.guildPath("/members/%d", guest.ID), nil).must(t, 200).json["pending"] == true
	}
	if !pending() {
		t.Error("they are not pending")
	}
	if _, err := w.JoinVoice(w.Guild.ID, guest.ID, w.Lounge.ID, discordsim.VoiceFlags{}); err == nil {
		t.Error("they joined voice before they accepted the rules")
	}
	w.control("POST", "/users/"+guest.ID.String()+"/screening", map[string]any{"guild_id": w.Guild.ID}).must(t, 204)
	if pending() {
		t.Error("they are pending still")
	}
	_, err = w.JoinVoice(w.Guild.ID, guest.ID, w.Lounge.ID, discordsim.VoiceFlags{})
	w.ok(err)
}
