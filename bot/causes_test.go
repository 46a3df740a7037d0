package bot_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// Discord bounds edits of messages older than an hour: the panel is then
// posted anew, in place of the old one, and nothing is asked again and again.
func TestOldPanelIsPostedAnew(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { l.OldEdits = 1 })
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	first := h.panel("jonas", id, "the room", has("Rename")).ID
	h.theirs.Forward(2 * time.Hour)
	h.clock.Forward(2 * time.Hour)
	edits := h.asked("PATCH /channels/{channel}/messages")
	h.changed("jonas", id, room.DoLock)
	if m := h.panel("jonas", id, "the lock", has("Unlock")); m.ID != first {
		t.Error("the first edit of an old panel was no edit")
	}
	for _, step := range []struct {
		do   room.Action
		show string
	}{{room.DoUnlock, "Lock"}, {room.DoLock, "Unlock"}, {room.DoUnlock, "Lock"}} {
		h.changed("jonas", id, step.do)
		h.panel("jonas", id, step.show, func(m *discordsim.Message) bool { return m.ID != first && has(step.show)(m) })
	}
	panels := slices.DeleteFunc(h.chat("jonas", id), func(m *discordsim.Message) bool { return !has("Rename")(m) })
	if len(panels) != 1 {
		t.Errorf("%d panels are in the chat", len(panels))
	}
	if n := h.asked("PATCH /channels/{channel}/messages") - edits; n > 4 {
		t.Errorf("%d edits for four changes, one of them refused", n)
	}
}

// In a server that asks for two-factor authentication it is the application's owner who lacks it, not a permission.
func TestTwoFactorIsTheOwners(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.Must(h.Discord.RequireTwoFactor(h.Guild, true))
	h.Must(h.Discord.OwnerHasTwoFactor(h.App.ID, false))
	a := h.Command("jonas", "create-room", nil)
	if !strings.Contains(a.Message.Content, "two-factor authentication") ||
		!strings.Contains(a.Message.Content, "owns Snug's application") {
		t.Errorf("people are told: %s", a.Message.Content)
	}
}

// Commands are in one scope, whatever was served before, others' stay where
// they are, and so does the Entry Point command of an Activity.
func TestCommandsAreInOneScope(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	other, err := h.Discord.AddGuild("Elsewhere", h.People["mara"])
	h.Must(err)
	h.Must(h.Discord.InstallBot(other.ID, h.App.ID, discordsim.SnugPermissions))
	of := func(scope discordsim.ID) string {
		if scope == 0 {
			return fmt.Sprintf("/applications/%d/commands", h.App.ID)
		}
		return fmt.Sprintf("/applications/%d/guilds/%d/commands", h.App.ID, scope)
	}
	type command struct {
		Type int
		Name string
	}
	look := func(scope discordsim.ID) (list []command) {
		t.Helper()
		h.get(of(scope), &list)
		return list
	}
	want := func(when string, scope discordsim.ID, mine int, others ...command) {
		t.Helper()
		list := look(scope)
		for _, c := range others {
			if !slices.Contains(list, c) {
				t.Errorf("%s: %v is gone from %d", when, c, scope)
			}
		}
		if len(list) != mine+len(others) {
			t.Errorf("%s: %d has %d commands, want %d of Snug's and %v", when, scope, len(list), mine, others)
		}
	}
	all, launch, foreign := len(look(0)), command{4, "launch"}, command{1, "foreign"}
	again := func(only discordsim.ID) {
		h.shut()
		h.only = only
		h.start()
	}
	h.Must(h.Discord.EnableActivities(h.App.ID))
	again(0)
	want("with an Activity", 0, all, launch)

	again(h.Guild)
	want("serving one server", h.Guild, all)
	want("serving one server", 0, 0, launch)

	h.do(http.MethodPut, of(h.Guild), []any{}).Body.Close() // what another server was served before leaves behind
	h.do(http.MethodPut, of(other.ID), []any{
		map[string]any{"name": "rooms", "description": "from before"},
		map[string]any{"name": "foreign", "description": "not Snug's"},
	}).Body.Close()
	again(h.Guild)
	want("serving another server", h.Guild, all)
	want("serving another server", other.ID, 0, foreign)

	again(0)
	want("serving all", 0, all, launch)
	want("serving all", h.Guild, 0)
	want("serving all", other.ID, 0, foreign)
}

// Where Discord does not allow a name, a room gets another, and its owner is
// told; who typed the name is asked for another one.
func TestForbiddenNames(t *testing.T) {
	t.Parallel()
	for name, inForm := range map[string]bool{"20031": false, "in the form": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			lobby := h.lobby(guild.Lobby{}, "Lobby").Lobby.ChannelID
			h.Must(h.Discord.ForbidWords(h.Guild, inForm, "kiyo", "goblin"))
			h.Must(h.Join("kiyo", lobby))
			r := h.opened("kiyo").Room
			h.awaitRoster(r.ID, "kiyo")
			if r.Name != "Room 1" {
				t.Errorf("the room is called %q", r.Name)
			}
			h.said(r.ID, "doesn't allow the name")

			_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: "Goblins"})
			h.wantCode(err, errs.Invalid)
			if n := len(h.mine("jonas")); n != 0 {
				t.Errorf("%d rooms were opened under a name that is not allowed", n)
			}
			id := h.open("jonas", "Friday").Room.ID
			_, err = h.change("jonas", id, room.DoRename, text("Goblins"))
			h.wantCode(err, errs.Invalid)
			h.said(id, "doesn't allow the name")
			if v := h.view("jonas", id); v.Room.Name != "Friday" {
				t.Errorf("the room is called %q", v.Room.Name)
			}
		})
	}
}

// Discord lets a bot into a full channel only with Move Members: who lets one in lends it a seat first, which
// no person can take.
func TestBotIsLetIntoFullRoom(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	music := h.Discord.AddApplication(discordsim.ApplicationOptions{Name: "Tunes"})
	h.Must(h.Discord.InstallBot(h.Guild, music.ID,
		discordsim.PermViewChannel|discordsim.PermConnect|discordsim.PermSpeak))
	h.settings(`{"private":false,"seat_grace":"0s"}`)
	r := h.openWith("jonas", room.OpenRequest{Name: "Concert", Seats: 2})
	id := r.Room.ID
	h.Must(h.Join("jonas", id))
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "jonas", "kiyo")
	if _, err := h.Discord.JoinVoice(h.Guild, music.ID, id, discordsim.VoiceFlags{}); err == nil {
		t.Fatal("the simulated Discord lets a bot into a full channel")
	}
	h.People["tunes"] = music.ID
	_, _, err := letIn(h, "jonas", id, "tunes")
	h.Must(err)
	h.eventually("a seat is lent", func() bool { return h.channels()[id].UserLimit == 3 })
	_, err = h.Discord.JoinVoice(h.Guild, music.ID, discordsim.ID(id), discordsim.VoiceFlags{})
	h.Must(err)
	h.awaitRoster(id, "jonas", "kiyo", "tunes")
	if err := h.Join("priya", id); err == nil {
		t.Error("a third person found a seat")
	}
	h.changed("jonas", id, room.DoKick, h.at("tunes"))
	h.eventually("the seat is given back", func() bool { return h.channels()[id].UserLimit == 2 })
}

// A category in which neither the bot nor anybody else may speak or write: rooms in it are controlled all the same.
func TestCategoryThatDeniesSpeech(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	quiet := h.add(discordsim.ChannelOptions{Name: "Quiet", Type: discordsim.ChannelCategory,
		Overwrites: []discordsim.Overwrite{
			{ID: h.Guild, Deny: discordsim.PermSpeak | discordsim.PermSendMessages},
		}})
	h.settings(fmt.Sprintf(`{"private":false,"category_id":"%d"}`, quiet))
	id := h.open("jonas", "Friday").Room.ID
	h.panel("jonas", id, "the room", has("Rename"))
	h.changed("jonas", id, room.DoLock)
	_, _, err := letIn(h, "jonas", id, "kiyo") // Speak is not to be had there, seeing and entering is
	h.Must(err)
	h.Must(h.Join("kiyo", id))
	h.changed("jonas", id, room.DoKick, h.at("kiyo"))
	p, err := call(h, hub.PreflightOf, manage(h, "mara"))
	h.Must(err)
	lacks := func(name string) bool {
		return slices.ContainsFunc(p.Needs,
			func(n guild.Need) bool { return n.Where == quiet && n.Permission == name && !n.Granted })
	}
	if !lacks("Speak") || !lacks("Send Messages") || lacks("Manage Roles") {
		t.Errorf("the preflight says %+v", p.Needs)
	}
}
