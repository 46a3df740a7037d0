package discordsim_test

import (
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

const docHelpVerification = "https://support.discord.com/hc/en-us/articles/216679607"

// visitor is a member of a world's guild without a role, and a voice channel to try.
func (w *world) visitor(t *testing.T) (user, channel discordsim.ID) {
	t.Helper()
	user = w.AddUser("visitor", "Visitor").ID
	testkit.NoError(t, w.AddMember(w.Guild.ID, user, ""))
	c, err := w.AddChannel(w.Guild.ID, discordsim.ChannelOptions{Name: "Table", Type: discordsim.ChannelVoice})
	testkit.NoError(t, err)
	return user, c.ID
}

// wantOnlyEyes fails unless a user may see and read a channel, and nothing else.
func (w *world) wantOnlyEyes(t *testing.T, user, channel discordsim.ID) {
	t.Helper()
	p, err := w.PermissionsIn(user, channel)
	testkit.NoError(t, err)
	if p != discordsim.PermViewChannel|discordsim.PermReadMessageHistory {
		t.Errorf("they have %b", p)
	}
	if w.MayJoin(user, channel) == nil {
		t.Error("they may join")
	}
	if _, err := w.JoinVoice(w.Guild.ID, user, channel, discordsim.VoiceFlags{}); err == nil {
		t.Error("they joined")
	}
}

func (w *world) wantWhole(t *testing.T, user, channel discordsim.ID) {
	t.Helper()
	if err := w.MayJoin(user, channel); err != nil {
		t.Errorf("they may not join: %v", err)
	}
}

func TestStandingRules(t *testing.T) {
	runRules(t, []rule{
		{"a pending member does nothing", docGuild + "#membership-screening-object", func(t *testing.T, w *world) {
			testkit.NoError(t, w.SetScreening(w.Guild.ID, true))
			user, channel := w.visitor(t)
			w.wantOnlyEyes(t, user, channel)
			testkit.NoError(t, w.SetPending(w.Guild.ID, user, false))
			w.wantWhole(t, user, channel)
		}},
		{"who is added joins pending", docGuild + "#add-guild-member", func(t *testing.T, w *world) {
			testkit.NoError(t, w.SetScreening(w.Guild.ID, true))
			u := w.AddUser("joiner", "")
			w.bot("PUT", w.guildPath("/members/%d", u.ID), map[string]any{"access_token": u.Token}).must(t, 201)
			if a := w.bot("GET", w.guildPath("/members/%d", u.ID), nil).must(t,
				200); !strings.Contains(string(a.raw), `"pending":true`) {
				t.Errorf("told as %s", a.raw)
			}
		}},
		{"a timed-out member sees and reads", docPermissions + "#permissions-for-timed-out-members",
			func(t *testing.T, w *world) {
				user, channel := w.visitor(t)
				_, err := w.JoinVoice(w.Guild.ID, user, channel, discordsim.VoiceFlags{})
				testkit.NoError(t, err)
				testkit.NoError(t, w.TimeOut(w.Guild.ID, user, time.Now().Add(time.Hour)))
				w.wantOnlyEyes(t, user, channel)
				testkit.NoError(t,
					w.SetOverwrite(channel,
						discordsim.Overwrite{
							ID: user, Member: true, Allow: discordsim.PermConnect | discordsim.PermSpeak,
						}))
				w.wantOnlyEyes(t, user, channel)
				testkit.NoError(t, w.TimeOut(w.Guild.ID, user, time.Now().Add(-time.Second)))
				w.wantWhole(t, user, channel)
				if err := w.TimeOut(w.Guild.ID, w.Owner.ID, time.Now().Add(time.Hour)); err == nil {
					t.Error("the owner was timed out")
				}
			}},
		{"verification levels hold back who has no role", docGuild + "#guild-object-verification-level",
			func(t *testing.T, w *world) {
				user, channel := w.visitor(t)
				testkit.NoError(t, w.SetVerification(w.Guild.ID, 2))
				testkit.NoError(t, w.SetVerified(user, false))
				w.wantOnlyEyes(t, user, channel)
				testkit.NoError(t, w.SetVerified(user, true))
				w.wantWhole(t, user, channel) // registered for a year
				testkit.NoError(t, w.SetVerification(w.Guild.ID, 3))
				w.wantOnlyEyes(t, user, channel) // a member since a moment ago
			}},
		{"a role stands for verification", docHelpVerification, func(t *testing.T, w *world) {
			user, channel := w.visitor(t)
			testkit.NoError(t, w.SetVerification(w.Guild.ID, 4))
			testkit.NoError(t, w.SetVerified(user, false))
			role, err := w.AddRole(w.Guild.ID, "Known", 0)
			testkit.NoError(t, err)
			testkit.NoError(t, w.SetRoles(w.Guild.ID, user, role))
			w.wantWhole(t, user, channel)
		}},
		{"synced channels follow their category", docPermissions + "#permission-syncing", func(t *testing.T, w *world) {
			user, _ := w.visitor(t)
			category, err := w.AddChannel(w.Guild.ID,
				discordsim.ChannelOptions{Name: "Tables", Type: discordsim.ChannelCategory})
			testkit.NoError(t, err)
			synced, err := w.AddChannel(w.Guild.ID,
				discordsim.ChannelOptions{Name: "a", Type: discordsim.ChannelVoice, Parent: category.ID})
			testkit.NoError(t, err)
			own := discordsim.Overwrite{ID: user, Member: true, Allow: discordsim.PermSpeak}
			apart, err := w.AddChannel(w.Guild.ID,
				discordsim.ChannelOptions{
					Name: "b", Type: discordsim.ChannelVoice, Parent: category.ID,
					Overwrites: []discordsim.Overwrite{own},
				})
			testkit.NoError(t, err)
			testkit.NoError(t,
				w.SetOverwrite(category.ID, discordsim.Overwrite{ID: w.Guild.ID, Deny: discordsim.PermConnect}))
			if w.MayJoin(user, synced.ID) == nil || w.MayJoin(user, apart.ID) != nil {
				t.Errorf("synced: %v, apart: %v", w.MayJoin(user, synced.ID), w.MayJoin(user, apart.ID))
			}
		}},
		{"a mover puts people where they could not go", "https://github.com/discord/discord-api-docs/issues/1293",
			func(t *testing.T, w *world) {
				user, from := w.visitor(t)
				shut, err := w.AddChannel(w.Guild.ID,
					discordsim.ChannelOptions{
						Name: "shut", Type: discordsim.ChannelVoice,
						Overwrites: []discordsim.Overwrite{{ID: w.Guild.ID, Deny: discordsim.PermConnect}},
					})
				testkit.NoError(t, err)
				_, err = w.JoinVoice(w.Guild.ID, user, from, discordsim.VoiceFlags{})
				testkit.NoError(t, err)
				if w.MoveMember(w.Guild.ID, user, user, shut.ID) == nil {
					t.Error("they moved themselves")
				}
				testkit.NoError(t, w.MoveMember(w.Guild.ID, w.Owner.ID, user, shut.ID))
			}},
	})
}
