package bot_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/guild"
	"snug/shared/hub"
)

// hide takes a channel from Snug's sight: everyone but the server's owner is kept out.
func (h *harness) hide(channel snowflake.ID) {
	h.Helper()
	path := fmt.Sprintf("/channels/%d/permissions/", channel)
	if _, _, there := h.overwrite(channel, h.App.ID); there {
		h.do(http.MethodDelete, path+h.App.ID.String(), nil).Body.Close()
	}
	h.do(http.MethodPut, path+h.Guild.String(),
		map[string]any{"type": 0, "deny": fmt.Sprint(int64(discordapi.EveryoneDeny))}).Body.Close()
	if _, seen := h.channels()[channel]; seen {
		h.Fatal("Snug still sees the channel")
	}
}

// What settings point at and Snug may not see is not gone: nothing is made in
// its place, nothing is cleared, and whoever sets up or repairs is told what lacks.
func TestUnseenIsNotGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first, err := call(h, hub.Setup, guild.SetupRequest{Actor: h.actor("mara")})
	h.Must(err)
	log := h.add(discordsim.ChannelOptions{Name: "log", Type: discordsim.ChannelText})
	secret := h.add(discordsim.ChannelOptions{Name: "secret", Type: discordsim.ChannelText, Parent: first.CategoryID})
	h.settings(fmt.Sprintf(`{"log_channel_id":"%d"}`, log))
	all := len(h.channels())
	h.hide(first.LobbyID)
	h.hide(log)
	h.hide(secret)
	for _, when := range []string{"while it runs", "after a restart"} {
		h.eventually(when+" the channels are known to be hidden", func() bool {
			p, err := call(h, hub.PreflightOf, manage(h, "mara"))
			h.Must(err)
			return p.ChannelsUnseen == 3
		})
		p, err := call(h, hub.PreflightOf, manage(h, "mara"))
		h.Must(err)
		if p.OK || len(p.Lost) > 0 || p.Channels != all || p.ChannelsLeft != 500-all {
			t.Errorf("%s: ok %v, lost %v, %d channels of %d, %d left", when, p.OK, p.Lost, p.Channels, all,
				p.ChannelsLeft)
		}
		if !slices.ContainsFunc(p.Needs, func(n guild.Need) bool {
			return n.Where == first.LobbyID && n.Permission == "View Channels" && !n.Granted
		}) {
			t.Errorf("%s: nothing says that the lobby is not seen: %+v", when, p.Needs)
		}
		if c := p.Categories; len(c) != 1 || c[0].Channels != 2 {
			t.Errorf("%s: the category has %+v", when, c)
		}
		again, err := call(h, hub.Setup, guild.SetupRequest{Actor: h.actor("mara")})
		h.Must(err)
		if again.MadeLobby || again.MadeCategory || again.LobbyID != first.LobbyID {
			t.Errorf("%s: setup %+v", when, again)
		}
		rep, err := call(h, hub.Repair, guild.RepairRequest{Actor: h.actor("mara"), Apply: true})
		h.Must(err)
		for _, f := range rep.Issues {
			if f.Kind != guild.IssueUnseen || f.Fixed {
				t.Errorf("%s: repair found %+v", when, f)
			}
		}
		now, err := call(h, hub.SettingsOf, manage(h, "mara"))
		h.Must(err)
		if s := now.Settings; len(rep.Issues) != 2 || s.LogChannelID != log || s.Lobby(first.LobbyID) == nil ||
			s.CategoryID != first.CategoryID {
			t.Errorf("%s: %d findings, settings %+v", when, len(rep.Issues), s)
		}
		h.whileDown(func() {})
	}
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.PermAdministrator))
	h.eventually("all is seen again", func() bool {
		p, err := call(h, hub.PreflightOf, manage(h, "mara"))
		h.Must(err)
		return p.OK && p.ChannelsUnseen == 0 && p.Channels == all
	})
}

// A channel that is merely called like a hidden one is a channel like any other.
func TestCalledLikeHidden(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	h.do(http.MethodPatch, "/channels/"+id.String(), map[string]any{"name": "___hidden___"}).Body.Close()
	h.eventually("the room is called so", func() bool { return h.view("jonas", id).Room.Name == "___hidden___" })
}
