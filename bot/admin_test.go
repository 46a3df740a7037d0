package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

func manage(h *harness, name string) guild.ManageRequest {
	return guild.ManageRequest{Actor: h.actor(name)}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID,
		discordsim.Permissions(discordapi.Permissions)&^(discordsim.PermManageChannels|discordsim.PermSendMessages)))
	h.heard(h.Discord.SetRole(h.Guild, discordsim.ID(h.Guild),
		discordsim.PermViewChannel|discordsim.PermConnect|discordsim.PermSpeak))
	setup := func(q guild.SetupRequest) guild.SetupDone {
		t.Helper()
		q.Actor = h.actor("mara")
		done, err := call(h, hub.Setup, q)
		h.Must(err)
		return done
	}
	before := len(h.channels())
	h.eventually("it is told what lacks", func() bool { // Discord tells of the change in its own time
		done := setup(guild.SetupRequest{})
		if done.Preflight.OK || done.LobbyID != 0 {
			return false
		}
		lacks := ""
		for _, n := range done.Preflight.Needs {
			if !n.Granted {
				lacks += fmt.Sprint(n.Permission, n.Optional, " ")
			}
		}
		return lacks == "Manage Channelsfalse Send Messagestrue "
	})
	if len(h.channels()) != before {
		t.Fatal("something was made without permission")
	}
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
	h.eventually("a dry run finds all well", func() bool { return setup(guild.SetupRequest{Dry: true}).Preflight.OK })
	if len(h.channels()) != before {
		t.Fatal("a dry run made something")
	}
	done := setup(guild.SetupRequest{LobbyName: "Come in"})
	if !done.MadeCategory || !done.MadeLobby || !done.Preflight.OK || h.parent(done.LobbyID) != done.CategoryID {
		t.Fatalf("setup: %+v", done)
	}
	h.Must(h.Join("kiyo", done.LobbyID))
	r := h.opened("kiyo").Room
	h.awaitRoster(r.ID, "kiyo")
	if h.parent(r.ID) != done.CategoryID {
		t.Error("the room lies elsewhere")
	}
	if again := setup(guild.SetupRequest{}); again.MadeCategory || again.MadeLobby || again.LobbyID != done.LobbyID {
		t.Errorf("setup again: %+v", again)
	}
	// A crash before the settings were saved: what was made is found by name and mark.
	h.settings(`{"category_id":"0","lobbies":[]}`)
	if again := setup(guild.SetupRequest{LobbyName: "Come in"}); again.MadeCategory || again.MadeLobby ||
		again.LobbyID != done.LobbyID {
		t.Errorf("setup after a crash: %+v", again)
	}
	_, err := call(h, hub.Setup, guild.SetupRequest{Actor: h.actor("jonas")})
	h.wantCode(err, errs.Forbidden)
}

func TestSettingsHistoryAndUndo(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"seats":6}`)
	h.settings(`{"seats":8,"private":false}`)
	hist, err := call(h, hub.SettingsHistory, manage(h, "mara"))
	h.Must(err)
	v := hist.Versions
	if len(v) != 3 || v[0].Settings.Seats != 8 || v[1].Settings.Seats != 6 || v[2].Settings.Seats != 4 ||
		len(v[0].Changes) != 2 || v[0].By != h.People["mara"] {
		t.Fatalf("history: %+v", v)
	}
	_, err = call(h, hub.UndoSettings, guild.UndoRequest{Actor: h.actor("mara")})
	h.Must(err)
	now, err := call(h, hub.SettingsOf, manage(h, "mara"))
	h.Must(err)
	if now.Settings.Seats != 6 || !now.Settings.Private {
		t.Errorf("after an undo: %+v", now.Settings)
	}
	_, err = call(h, hub.UndoSettings, guild.UndoRequest{Actor: h.actor("mara"), Rev: v[0].Rev})
	h.Must(err)
	if r := h.open("jonas", ""); r.Room.Seats != 8 || r.Room.Access.Private {
		t.Errorf("a room after going back: %+v", r.Room)
	}
	_, err = call(h, hub.UndoSettings, guild.UndoRequest{Actor: h.actor("mara"), Rev: 999999})
	h.wantCode(err, errs.NotFound)
	for _, q := range []func() error{
		func() error { _, err := call(h, hub.SettingsOf, manage(h, "jonas")); return err },
		func() error { _, err := call(h, hub.SettingsHistory, manage(h, "jonas")); return err },
		func() error {
			_, err := call(h, hub.UndoSettings, guild.UndoRequest{Actor: h.actor("jonas")})
			return err
		},
		func() error {
			_, err := call(h, hub.Repair, guild.RepairRequest{Actor: h.actor("jonas")})
			return err
		},
	} {
		h.wantCode(q(), errs.Forbidden)
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	category := h.add(discordsim.ChannelOptions{Name: "Rooms", Type: discordsim.ChannelCategory})
	h.settings(fmt.Sprintf(`{"category_id":"%d"}`, category))
	lobby := h.lobby(guild.Lobby{}, "Lobby").Lobby.ChannelID
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.Must(h.redeem("kiyo", r.Invite.Code))
	repair := func(q guild.RepairRequest) (kinds string, list []guild.Issue) {
		t.Helper()
		q.Actor = h.actor("mara")
		rep, err := call(h, hub.Repair, q)
		h.Must(err)
		for _, f := range rep.Issues {
			if f.Err != nil {
				t.Errorf("%s could not be mended: %v", f.ID, f.Err)
			}
			kinds += string(f.Kind) + " "
		}
		return kinds, rep.Issues
	}
	if kinds, _ := repair(guild.RepairRequest{}); kinds != "" {
		t.Fatalf("with nothing wrong it finds %s", kinds)
	}
	stranger := h.bare(http.MethodPost, "/guilds/"+h.Guild.String()+"/channels", fmt.Sprintf(
		`{"name":"Left over","type":2,"permission_overwrites":[{"id":"%d","type":1,"allow":"%d","deny":"0"}]}`,
		h.App.ID, int64(discordapi.BotAllow)))
	// Snug must not hear of what follows, or it would put it right by itself.
	h.shut()
	h.do(http.MethodDelete, "/channels/"+lobby.String(), nil).Body.Close()
	h.do(http.MethodDelete, "/channels/"+category.String(), nil).Body.Close()
	h.start()
	h.do(http.MethodPut, fmt.Sprintf("/channels/%d/permissions/%d", id, h.People["ada"]),
		map[string]any{"type": 1, "allow": fmt.Sprint(int64(discordapi.GuestAllow)), "deny": "0"}).Body.Close()

	kinds, _ := repair(guild.RepairRequest{})
	if kinds != "access unknown category_gone lobby_gone " {
		t.Fatalf("it finds %s", kinds)
	}
	if _, there := h.channels()[stranger]; !there {
		t.Fatal("a dry run deleted a channel")
	}
	_, list := repair(guild.RepairRequest{Apply: true})
	for _, f := range list {
		if f.Fixed == f.Risky {
			t.Errorf("%s: risky %v, mended %v", f.ID, f.Risky, f.Fixed)
		}
	}
	if _, _, there := h.overwrite(id, h.People["ada"]); there {
		t.Error("who is no guest may still enter")
	}
	kinds, list = repair(guild.RepairRequest{})
	if kinds != "unknown " {
		t.Fatalf("after mending it finds %s", kinds)
	}
	repair(guild.RepairRequest{Apply: true, Only: []string{list[0].ID}})
	if _, there := h.channels()[stranger]; there {
		t.Error("the channel that was named is still there")
	}
	if _, there := h.channels()[id]; !there {
		t.Error("the room is gone")
	}
	h.wantAudit(id, "repaired access")
}

// Spectators come by a link that its owner can end.
func TestWatching(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	if v := h.view("jonas", id); v.Room.Access.MayWatch("") || v.Control.WatchToken != "" {
		t.Error("a room may be watched without being asked")
	}
	first := h.changed("jonas", id, room.DoWatch)
	if first.WatchToken == "" || !first.Room.Access.MayWatch(first.WatchToken) ||
		strings.Contains(fmt.Sprint(first.Room), first.WatchToken) {
		t.Errorf("the link: %+v", first)
	}
	second := h.changed("jonas", id, room.DoWatch)
	if second.Room.Access.MayWatch(first.WatchToken) || !second.Room.Access.MayWatch(second.WatchToken) {
		t.Error("the old link still works, or the new one does not")
	}
	done := h.changed("jonas", id, room.DoUnwatch)
	if done.Room.Access.MayWatch(second.WatchToken) {
		t.Error("the link outlives its end")
	}
	h.wantAudit(id, "spectator_link_changed >on", "spectator_link_changed >renewed", "spectator_link_changed >off")
}
