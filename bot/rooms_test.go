package bot_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/invite"
	"snug/shared/room"
)

var roomLink = regexp.MustCompile(`http://snug\.test/(?:game/(\d+)|i/([a-z2-7]{26}))(?:\s|$)`)

func TestCreateRoomCommand(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	a := h.Command("jonas", "create-room", map[string]any{"name": "Friday *draft*"})
	if !a.Ephemeral || !a.Deferred {
		t.Errorf("the answer is not for jonas alone, or was not deferred: %+v", a)
	}
	links := roomLink.FindAllStringSubmatch(a.Message.Content, -1)
	if len(links) != 2 || links[0][2] != "" || links[1][2] == "" {
		t.Fatalf("the answer has not the room's page and an invite link: %s", a.Message.Content)
	}
	id, err := snowflake.Parse(links[0][1])
	h.Must(err)
	c, ok := h.channels()[id]
	if !ok || c.Type != 2 || c.Name != "Friday *draft*" || c.UserLimit != 4 {
		t.Fatalf("the channel is %+v", c)
	}
	var got []string
	for _, o := range c.Overwrites {
		got = append(got, fmt.Sprintf("%d %d +%d -%d", o.Type, o.ID, o.Allow, o.Deny))
	}
	want := []string{
		fmt.Sprintf("0 %d +0 -%d", h.Guild, discordapi.EveryoneDeny),
		fmt.Sprintf("1 %d +%d -0", h.App.ID, discordapi.BotAllow|discordapi.BotExtra),
		fmt.Sprintf("1 %d +%d -0", h.People["jonas"], discordapi.GuestAllow),
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("overwrites\n%v\nwant\n%v", got, want)
	}
	h.await("watchers hear of the room",
		func(l map[snowflake.ID]room.Live) bool { return l[id].Room.Name == "Friday *draft*" })
	if n := h.asked("POST /guilds/{guild"); n != 1 {
		t.Errorf("opening took %d calls to make the channel", n)
	}

	again := h.Command("jonas", "create-room", nil)
	if !strings.Contains(again.Message.Content, `have a room, “Friday \*draft\*”`) {
		t.Errorf("a second room: %s", again.Message.Content)
	}
	if err := h.Join("kiyo", id); err == nil {
		t.Error("somebody without an invite came in")
	}
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
}

func TestNames(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, bad := range []string{strings.Repeat("x", 101), "\u202e\x01"} {
		_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: bad})
		h.wantCode(err, errs.Invalid)
	}
	if r := h.open("jonas", ""); r.Room.Name != "Jonas's room" {
		t.Errorf("without a name it is called %q", r.Room.Name)
	}
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("stranger"), Name: "Mine"})
	h.wantCode(err, errs.Forbidden)
}

// TestFramedNames: with {custom} in the template, members set a part of the name, in whatever way they name a room.
func TestFramedNames(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"name_template":"🎲 {custom} · {n:letter} {random}","random_names":["Owl"],"rooms_per_member":9}`)
	named := func(want string, r room.Summary) snowflake.ID {
		t.Helper()
		if r.Name != want {
			t.Errorf("it is called %q, not %q", r.Name, want)
		}
		return r.ID
	}
	named("🎲 Jonas · A Owl", h.open("jonas", "").Room)
	id := named("🎲 Friday · B Owl", h.open("jonas", "Friday").Room)
	named("🎲 Friday · C Owl", h.open("jonas", "").Room) // as he is remembered to call his rooms
	named("🎲 Saturday · B Owl", h.changed("jonas", id, room.DoRename, text("Saturday")).Room)
	named("🎲 Sunday · B Owl", h.changed("jonas", id, room.DoRename, text("🎲 Sunday · B Owl")).Room)
	sum := h.view("jonas", id).Room
	if now := sum.Current(room.DoRename); now != "Sunday" {
		t.Errorf("what he can change is %q", now)
	}
	h.settings(`{"name_template":"{owner}"}`)
	if _, err := h.change("jonas", id, room.DoRename, text("Monday")); err != nil {
		t.Fatal(err)
	}
	if wanted := h.doc(id).Renames.Wanted; wanted != "🎲 Monday · B Owl" { // Discord allows two in ten minutes
		t.Errorf("after the template changed it will be called %q", wanted)
	}
	named("Monday", h.open("jonas", "").Room)
}

func TestInvites(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id, token := r.Room.ID, r.Invite.Code
	if d := r.Invite.Invite.ExpiresAt.Sub(r.Invite.Invite.CreatedAt); d != 24*time.Hour ||
		r.Invite.Invite.MaxUses != 4 {
		t.Errorf("the invite lives %v for %d", d, r.Invite.Invite.MaxUses)
	}
	_, err := call(h, hub.ViewRoom, h.request("kiyo", id))
	h.wantCode(err, errs.RoomNotFound)
	p, err := call(h, hub.PreviewInvite, room.PreviewRequest{RoomID: id, Code: token})
	h.Must(err)
	if p.Name != "Friday" || p.GuildName != "Spelltable Friends" || p.Left != 4 || p.InvitedBy != "Jonas" {
		// who is not in voice
		t.Errorf("preview %+v", p)
	}
	h.Must(h.redeem("kiyo", token))
	h.Must(h.redeem("kiyo", token)) // again: no second use
	v, err := call(h, hub.ViewRoom, h.request("kiyo", id))
	h.Must(err)
	if !v.MayEnter || v.MayControl || len(v.Invites) != 0 {
		t.Errorf("a guest sees %+v", v)
	}
	h.Must(h.Join("kiyo", id)) // Discord lets the guest in
	v, err = call(h, hub.ViewRoom, h.request("jonas", id))
	h.Must(err)
	if len(v.Invites) != 1 || v.Invites[0].Invite.Left() != 3 || v.Invites[0].Code != token {
		t.Errorf("the owner sees %+v", v.Invites)
	}

	guessed := h.redeemRequest("priya", token)
	guessed.Code = invite.NewCode()
	_, err = call(h, hub.RedeemInvite, guessed)
	h.wantCode(err, errs.TokenRevoked)
	h.settings(`{"bring_in":false}`)
	h.wantCode(h.redeem("stranger", token), errs.GuildJoinDenied)
	_, err = call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("kiyo"), RoomID: id})
	h.wantCode(err, errs.Forbidden)

	h.clock.Forward(24*time.Hour + time.Minute)
	h.wantCode(h.redeem("priya", token), errs.TokenExpired)
	fresh, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 1})
	h.Must(err)
	_, err = call(h, hub.RevokeInvite,
		room.RevokeRequest{Actor: h.actor("jonas"), RoomID: id, InviteID: fresh.Invite.ID})
	h.Must(err)
	h.wantCode(h.redeem("priya", fresh.Code), errs.TokenRevoked)

	single, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 1})
	h.Must(err)
	won := 0
	for _, err := range atOnce(names[3:], func(n string) error { return h.redeem(n, single.Code) }) {
		if err == nil {
			won++
		} else {
			h.wantCode(err, errs.TokenUsedUp)
		}
	}
	if won != 1 {
		t.Errorf("%d followed an invite for one", won)
	}
	_, err = call(h, hub.CloseRoom, h.request("jonas", id))
	h.Must(err)
	h.wantCode(h.redeem("priya", single.Code), errs.RoomNotFound)
}

// atOnce runs f for everybody at the same time.
func atOnce(who []string, f func(string) error) []error {
	out := make([]error, len(who))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, n := range who {
		wg.Go(func() { <-start; out[i] = f(n) })
	}
	close(start)
	wg.Wait()
	return out
}

func TestInviteCommandSendsTheLink(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	a := h.Command("jonas", "invite", map[string]any{"user": h.People["kiyo"].String()})
	if !strings.Contains(a.Message.Content, "I sent them the link") || !roomLink.MatchString(a.Message.Content) {
		t.Errorf("answer: %s", a.Message.Content)
	}
	h.Must(h.Join("kiyo", r.Room.ID))
	h.Must(h.Discord.CloseDMs(h.People["priya"], true))
	a = h.Command("jonas", "invite", map[string]any{"user": h.People["priya"].String()})
	if !strings.Contains(a.Message.Content, "send them the link yourself") {
		t.Errorf("answer with closed messages: %s", a.Message.Content)
	}
	if a := h.Command("kiyo", "invite", nil); !strings.Contains(a.Message.Content, "Only the room's owner") {
		t.Errorf("a guest invites: %s", a.Message.Content)
	}
}

func TestLastSeat(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	for _, n := range []string{"jonas", "kiyo", "mara"} {
		h.Must(h.Join(n, r.Room.ID))
	}
	h.awaitRoster(r.Room.ID, "jonas", "kiyo", "mara")
	h.Must(h.Join("priya", h.public))
	h.Must(h.Join("ada", h.public))
	won := 0
	for _, err := range atOnce([]string{"priya", "ada", "tomas"}, func(n string) error {
		_, err := call(h, hub.JoinRoom, h.request(n, r.Room.ID))
		return err
	}) {
		if err == nil {
			won++
		} else {
			h.wantCode(err, errs.RoomFull)
		}
	}
	if won != 1 {
		t.Errorf("%d took the last seat", won)
	}
}

func TestJoinMovesWhoIsInVoice(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.Must(h.redeem("kiyo", r.Invite.Code))
	j, err := call(h, hub.JoinRoom, h.request("kiyo", r.Room.ID))
	h.Must(err)
	if j.Moved || j.HeldUntil.IsZero() {
		t.Errorf("not in voice: %+v", j)
	}
	h.Must(h.Join("kiyo", h.public))
	h.wantVoice("kiyo", h.public)
	j, err = call(h, hub.JoinRoom, h.request("kiyo", r.Room.ID))
	h.Must(err)
	if !j.Moved {
		t.Errorf("in voice: %+v", j)
	}
	h.awaitRoster(r.Room.ID, "kiyo")
	_, err = call(h, hub.JoinRoom, h.request("priya", r.Room.ID))
	h.wantCode(err, errs.RoomNotFound)
}

// wantVoice waits until Snug knows that somebody is in a voice channel.
func (h *harness) wantVoice(name string, channel snowflake.ID) {
	h.Helper()
	r := h.rooms()
	for deadline := time.Now().Add(patience); ; {
		v, err := call(h, hub.ViewRoom, h.request(name, r))
		h.Must(err)
		if v.VoiceIn == channel {
			return
		}
		if time.Now().After(deadline) {
			h.Fatalf("%s is in %d, not in %d", name, v.VoiceIn, channel)
		}
	}
}

// rooms gives the one room there is, as soon as followers know it.
func (h *harness) rooms() (id snowflake.ID) {
	h.Helper()
	h.await("there is a room", func(live map[snowflake.ID]room.Live) bool {
		for id = range live {
		}
		return id != 0
	})
	return id
}

func TestFifthIsMovedBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	four := []string{"jonas", "kiyo", "priya", "ada"}
	for _, n := range four {
		h.Must(h.Join(n, r.Room.ID))
	}
	h.awaitRoster(r.Room.ID, four...)
	if err := h.Join("stranger", r.Room.ID); err == nil {
		t.Error("a stranger came in")
	}
	h.Must(h.Join("tomas", h.public))
	h.Must(h.Join("tomas", r.Room.ID)) // MOVE_MEMBERS gets him past Discord's limit
	h.await("he came and went", func(map[snowflake.ID]room.Live) bool {
		came := slices.Index(h.facts.story, "joined tomas") // the room may change meanwhile
		return came >= 0 && slices.Contains(h.facts.story[came:], fmt.Sprint("left ", h.People["tomas"]))
	})
	h.awaitRoster(r.Room.ID, four...)
	var state struct {
		ChannelID snowflake.ID `json:"channel_id"`
	}
	h.get(fmt.Sprintf("/guilds/%d/voice-states/%d", h.Guild, h.People["tomas"]), &state)
	if state.ChannelID != h.public {
		t.Errorf("he was moved to %d", state.ChannelID)
	}
	h.eventually("he is told why", func() bool { return h.asked("POST /users/@me/channels") == 1 })

	h.Must(h.Join("mara", r.Room.ID)) // who manages the server is exempt
	h.awaitRoster(r.Room.ID, append(four, "mara")...)
	h.Leave("mara")
	h.settings(`{"admins_exempt":false}`)
	h.Must(h.Join("mara", r.Room.ID))
	h.awaitRoster(r.Room.ID, four...)
}

func (h *harness) sweep() {
	h.Helper()
	h.Must(h.bot.Sweep(context.Background()))
}

func TestReaper(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	idle, kept, entered, watched := h.open("jonas",
		"Idle"), h.open("kiyo", "Kept"), h.open("priya", "Entered"), h.open("ada", "Watched")
	h.clock.Forward(59 * time.Minute)
	h.sweep()
	closing := func(id snowflake.ID) bool {
		h.facts.mu.Lock()
		defer h.facts.mu.Unlock()
		return !h.facts.live[id].Room.ClosingAt.IsZero()
	}
	if closing(idle.Room.ID) {
		t.Fatal("announced a minute too early")
	}
	_, err := call(h, hub.RoomsSeen, room.SeenRequest{RoomIDs: []snowflake.ID{watched.Room.ID}})
	h.Must(err)
	h.clock.Forward(31 * time.Second)
	h.sweep()
	h.await("the closing is announced", func(l map[snowflake.ID]room.Live) bool {
		return !l[idle.Room.ID].Room.ClosingAt.IsZero() && !l[kept.Room.ID].Room.ClosingAt.IsZero() &&
			!l[entered.Room.ID].Room.ClosingAt.IsZero()
	})
	if closing(watched.Room.ID) {
		t.Error("a room with an open page was announced")
	}
	_, err = call(h, hub.KeepRoom, h.request("kiyo", kept.Room.ID))
	h.Must(err)
	h.Must(h.Join("priya", entered.Room.ID))
	h.await("the closing is off", func(l map[snowflake.ID]room.Live) bool {
		return l[kept.Room.ID].Room.ClosingAt.IsZero() && l[entered.Room.ID].Room.ClosingAt.IsZero()
	})
	h.clock.Forward(31 * time.Second)
	h.sweep()
	h.await("the idle room is gone",
		func(l map[snowflake.ID]room.Live) bool { _, there := l[idle.Room.ID]; return !there })
	channels := h.channels()
	for name, want := range map[*room.OpenedRoom]bool{&idle: false, &kept: true, &entered: true, &watched: true} {
		if _, there := channels[name.Room.ID]; there != want {
			t.Errorf("%s: its channel is there: %v", name.Room.Name, there)
		}
	}
	if story := h.storied(); !slices.Contains(story, "closed idle") {
		t.Errorf("nobody was told: %v", story)
	}
	h.clock.Forward(2 * time.Hour)
	h.sweep()
	h.clock.Forward(31 * time.Second)
	h.sweep()
	h.await("only the entered room is left",
		func(l map[snowflake.ID]room.Live) bool { return len(l) == 1 && len(l[entered.Room.ID].Roster) == 1 })
}

func TestIdleTimeoutSettings(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.settings(`{"idle_timeout":"never"}`)
	h.clock.Forward(1000 * time.Hour)
	h.sweep()
	h.settings(`{"idle_timeout":"0s"}`)
	h.await("it is announced at once",
		func(l map[snowflake.ID]room.Live) bool { return !l[r.Room.ID].Room.ClosingAt.IsZero() })
	h.clock.Forward(29 * time.Second)
	h.sweep()
	if _, there := h.channels()[r.Room.ID]; !there {
		t.Fatal("closed before its notice was over")
	}
	h.clock.Forward(2 * time.Second)
	h.sweep()
	if _, there := h.channels()[r.Room.ID]; there {
		t.Error("not closed")
	}
	_, err := call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("jonas"), JSON: []byte(`{"seats":5}`)})
	h.wantCode(err, errs.Forbidden)
	_, err = call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"seats":100}`)})
	h.wantCode(err, errs.Invalid)
	_, err = call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"colour":"red"}`)})
	h.wantCode(err, errs.Invalid)
	h.settings(`{"seats":6,"invite_lifetime":"2h"}`)
	next := h.open("jonas", "Next")
	if v := next.Invite.Invite; next.Room.Seats != 6 || v.ExpiresAt.Sub(v.CreatedAt) != 2*time.Hour ||
		h.channels()[next.Room.ID].UserLimit != 6 {
		t.Errorf("the settings are not used at once: %+v", next)
	}
}
