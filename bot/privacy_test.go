package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

func TestPrivacy(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seat_grace":"0s"}`)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "kiyo")

	h.changed("jonas", id, room.DoLock)
	if h.Join("priya", id) == nil {
		t.Error("somebody came into a locked room")
	}
	h.Leave("kiyo")
	h.Must(h.Join("kiyo", id)) // who sat in it when it was locked comes back
	h.wantCode(h.redeem("priya", r.Invite.Code), errs.Forbidden)
	if v := h.view("priya", id); v.MayEnter {
		t.Errorf("a locked room looks to others like %+v", v)
	}
	h.changed("jonas", id, room.DoUnlock)
	h.Must(h.Join("priya", id))

	h.changed("jonas", id, room.DoHide)
	_, err := call(h, hub.ViewRoom, h.request("ada", id))
	h.wantCode(err, errs.RoomNotFound)
	if h.Join("ada", id) == nil {
		t.Error("somebody came into a hidden room")
	}
	h.changed("jonas", id, room.DoShow)
	h.Must(h.Join("ada", id))

	h.changed("jonas", id, room.DoPrivate)
	h.changed("jonas", id, room.DoPublic)
	if _, deny, there := h.overwrite(id, h.Guild); there && deny != 0 {
		t.Errorf("an open room denies everyone %d", deny)
	}
	_, err = h.change("kiyo", id, room.DoLock)
	h.wantCode(err, errs.Forbidden)
	_, err = h.change("jonas", id, "explode")
	h.wantCode(err, errs.Invalid)
	h.wantAudit(id, "room_opened", "privacy_changed open>locked", "privacy_changed locked>open",
		"privacy_changed open>hidden",
		"privacy_changed hidden>open", "privacy_changed open>private", "privacy_changed private>open")
}

// What Discord refuses is put back; what it does not answer is done by a sweep.
func TestPrivacyWhenDiscordFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID,
		discordsim.Permissions(discordapi.Permissions)&^discordsim.PermManageRoles))
	_, err := h.change("jonas", id, room.DoLock)
	h.wantCode(err, errs.MissingPermission)
	if h.view("jonas", id).Room.Access.Locked {
		t.Error("a lock that Discord refused looks locked")
	}
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.Permissions(discordapi.Permissions)))

	_, err = h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultError, Route: "PUT /channels/*", Count: 50})
	h.Must(err)
	impatient, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err = hub.ChangeRoom.Call(impatient, h.hub, h.Guild,
		room.ChangeRequest{Actor: h.actor("jonas"), RoomID: id, Do: room.DoLock}); err == nil {
		t.Fatal("a lock that Discord did not answer was told as done")
	}
	h.eventually("the lock is decided", func() bool { return h.view("jonas", id).Room.Access.Locked })
	h.Discord.ClearFaults(0)
	h.clock.Forward(31 * time.Second)
	h.sweep()
	if _, deny, _ := h.overwrite(id, h.Guild); deny&int64(discordsim.PermConnect) == 0 {
		t.Error("the sweep did not lock the room")
	}
}

// What the category says of roles stays, as far as privacy allows; and the bot uses no bit it has not.
func TestCategoryIsInherited(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	verified := h.role("Verified", 0, "jonas", "kiyo")
	muted := h.role("Muted", 0, "ada")
	helpers := h.role("Helpers", 0, "priya")
	music := h.Discord.AddApplication(discordsim.ApplicationOptions{Name: "Tunes"})
	h.Must(h.Discord.InstallBot(h.Guild, music.ID,
		discordsim.PermViewChannel|discordsim.PermConnect|discordsim.PermSpeak))
	musicRole := h.roleOf(music.ID)
	see := discordsim.PermViewChannel | discordsim.PermConnect | discordsim.PermSpeak
	category := h.add(discordsim.ChannelOptions{Name: "Verified only", Type: discordsim.ChannelCategory,
		Overwrites: []discordsim.Overwrite{
			{ID: h.Guild, Deny: see},
			{ID: verified, Allow: see | discordsim.PermManageMessages}, // which Snug has not
			{ID: muted, Deny: discordsim.PermSpeak | discordsim.PermManageRoles},
			{ID: musicRole, Allow: see},
			{
				ID: h.App.ID, Member: true,
				Allow: discordsim.PermViewChannel | discordsim.PermConnect | discordsim.PermManageChannels,
			},
		}})
	h.settings(fmt.Sprintf(`{"category_id":"%d","helper_roles":["%d"],"rooms_per_member":5}`, category, helpers))

	id := h.open("jonas", "Secret").Room.ID
	for who, want := range map[snowflake.ID][2]discordsim.Permissions{
		verified: {discordsim.PermSpeak, 0}, muted: {0, discordsim.PermSpeak}, musicRole: {see, 0},
		helpers: {discordsim.Permissions(discordapi.GuestAllow), 0}, h.Guild: {0, see},
	} {
		allow, deny, _ := h.overwrite(id, who)
		if allow != int64(want[0]) || deny != int64(want[1]) {
			t.Errorf("in the private room %d has +%d -%d, want +%d -%d", who, allow, deny, want[0], want[1])
		}
	}
	if h.Join("kiyo", id) == nil {
		t.Error("a verified member came into a private room")
	}
	h.Must(h.Join("priya", id)) // a helper
	_, err := h.Discord.JoinVoice(h.Guild, music.ID, discordsim.ID(id), discordsim.VoiceFlags{})
	h.Must(err)

	h.changed("jonas", id, room.DoPublic)
	h.Must(h.Join("kiyo", id))
	if h.Join("tomas", id) == nil {
		t.Error("somebody who is not verified came into the open room")
	}
	h.changed("jonas", id, room.DoPrivate)
	if allow, _, _ := h.overwrite(id, verified); allow&int64(discordsim.PermConnect) != 0 {
		t.Error("private again, the verified may still enter")
	}

	// What others add by hand stays; what lets in more than the room does is taken back.
	byHand := h.role("By hand", 0)
	h.do(http.MethodPut, fmt.Sprintf("/channels/%d/permissions/%d", id, byHand),
		map[string]any{"type": 0, "allow": "0", "deny": fmt.Sprint(int64(discordsim.PermStream))}).Body.Close()
	h.do(http.MethodPut, fmt.Sprintf("/channels/%d/permissions/%d", id, h.Guild),
		map[string]any{"type": 0, "deny": fmt.Sprint(int64(discordsim.PermSpeak))}).Body.Close()
	h.eventually("the room is closed again", func() bool {
		_, deny, _ := h.overwrite(id, h.Guild)
		return deny&int64(see) == int64(see)
	})
	if _, deny, _ := h.overwrite(id, byHand); deny != int64(discordsim.PermStream) {
		t.Error("an overwrite made by hand is gone")
	}
	h.settings(`{"helper_roles":[]}`)
	h.sweep()
	if allow, _, _ := h.overwrite(id, helpers); allow&int64(discordapi.EveryoneDeny) != 0 {
		t.Error("a role that is no helper any more is still let in")
	}
}

// roleOf gives the role that came with a bot.
func (h *harness) roleOf(app snowflake.ID) (out snowflake.ID) {
	h.Helper()
	var roles []struct {
		ID   snowflake.ID `json:"id"`
		Tags struct {
			Bot snowflake.ID `json:"bot_id"`
		} `json:"tags"`
	}
	h.get("/guilds/"+h.Guild.String()+"/roles", &roles)
	for _, r := range roles {
		if r.Tags.Bot == app {
			return r.ID
		}
	}
	h.Fatal("the bot has no role of its own")
	return 0
}

// TestKickedOutStaysOut: a link that was good for one lets that one in again while they are a guest, and not
// after they were put out.
func TestKickedOutStaysOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 1})
	h.Must(err)
	h.Must(h.redeem("kiyo", link.Code))
	h.Must(h.redeem("kiyo", link.Code))
	h.changed("jonas", id, room.DoKick, h.at("kiyo"))
	h.wantCode(h.redeem("kiyo", link.Code), errs.TokenUsedUp)
	h.wantCode(h.redeem("ada", link.Code), errs.TokenUsedUp)
}

func TestKicksAndBans(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	for _, n := range []string{"kiyo", "priya"} {
		h.Must(h.redeem(n, r.Invite.Code))
		h.Must(h.Join(n, id))
	}
	h.awaitRoster(id, "kiyo", "priya")
	if done := h.changed("jonas", id, room.DoKick, h.at("kiyo")); done.Name != "Kiyo" {
		t.Errorf("it is told of %q", done.Name)
	}
	h.awaitRoster(id, "priya")
	if h.Join("kiyo", id) == nil {
		t.Error("who was put out of a private room walked in again")
	}
	if v := h.view("jonas", id); len(v.Control.Holds) != 0 || len(v.Control.Guests) != 1 {
		t.Errorf("after a kick: %+v", v.Control)
	}
	h.Must(h.redeem("kiyo", r.Invite.Code)) // by an invite that is good for more they may, and it costs a use
	if v := h.view("jonas", id); v.Invites[0].Invite.Left() != 1 {
		t.Errorf("the invite has %d uses left, want 1", v.Invites[0].Invite.Left())
	}
	preview := room.PreviewRequest{RoomID: r.Room.ID, Code: r.Invite.Code, UserID: h.People["kiyo"]}
	_, err := call(h, hub.PreviewInvite, preview)
	h.Must(err)
	h.changed("jonas", id, room.DoBan, h.at("kiyo"))
	h.wantCode(h.redeem("kiyo", r.Invite.Code), errs.Forbidden)
	_, err = call(h, hub.PreviewInvite, preview)
	h.wantCode(err, errs.Forbidden) // it tells them nothing either
	h.changed("jonas", id, room.DoBan, h.at("priya"))
	h.awaitRoster(id)
	if v := h.view("jonas", id); len(v.Control.Bans) != 2 || v.Control.Bans[1].Name != "Priya" ||
		len(v.Control.Guests) != 0 {
		t.Errorf("the bans are listed as %+v", v.Control)
	}
	_, _, err = letIn(h, "jonas", id, "priya")
	h.wantCode(err, errs.Forbidden)
	for _, bad := range []string{"jonas"} {
		_, err := h.change("jonas", id, room.DoBan, h.at(bad))
		h.wantCode(err, errs.Invalid)
	}
	_, err = h.change("jonas", id, room.DoKick, h.at("tomas"))
	h.wantCode(err, errs.NotFound)
	h.changed("jonas", id, room.DoUnban, h.at("kiyo"))
	h.Must(h.redeem("kiyo", r.Invite.Code))

	h.changed("jonas", id, room.DoPublic) // the ban holds in an open room too, and after a restart
	h.whileDown(func() {
		h.do(http.MethodDelete, fmt.Sprintf("/channels/%d/permissions/%d", id, h.People["priya"]), nil).Body.Close()
	})
	h.eventually("priya is kept out", func() bool {
		_, deny, _ := h.overwrite(id, h.People["priya"])
		return deny == int64(discordapi.EveryoneDeny)
	})
	_, err = call(h, hub.CloseRoom, h.request("jonas", id))
	h.Must(err)
	next := h.open("jonas", "Saturday") // and in the owner's next room
	if v := h.view("jonas", next.Room.ID); len(v.Control.Bans) != 1 || v.Control.Bans[0].UserID != h.People["priya"] {
		t.Errorf("the next room's bans: %+v", v.Control.Bans)
	}
	h.wantCode(h.redeem("priya", next.Invite.Code), errs.Forbidden)
	h.wantAudit(id, "kicked", "guest_admitted", "banned", "banned", "unbanned")
}

// letIn lets somebody in by name.
func letIn(h *harness, by string, id snowflake.ID, who string) (room.InviteLink, bool, error) {
	l, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor(by), RoomID: id, For: h.People[who]})
	return l, err == nil, err
}

func TestKnocking(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	knock := func(name string, q room.KnockRequest) room.KnockDone {
		t.Helper()
		q.Actor = h.actor(name)
		done, err := call(h, hub.Knock, q)
		h.Must(err)
		return done
	}
	// A private room tells nothing to who knocks, and hears them all the same.
	for _, q := range []room.KnockRequest{
		{RoomID: id}, {Owner: h.People["jonas"]}, {RoomID: 12345}, {Owner: h.People["ada"]},
	} {
		if done := knock("kiyo", q); done.Room != nil || done.Already {
			t.Errorf("knocking told %+v", done)
		}
	}
	h.await("the knock is told", func(l map[snowflake.ID]room.Live) bool { return l[id].Room.Knocking == 1 })
	if v := h.view("jonas", id); len(v.Control.Knocks) != 1 || v.Control.Knocks[0].Name != "Kiyo" {
		t.Errorf("the owner hears %+v", v.Control.Knocks)
	}
	answer := func(by, who string, in bool) error {
		_, err := call(h, hub.AnswerKnock,
			room.AnswerRequest{Actor: h.actor(by), RoomID: id, User: h.People[who], LetIn: in})
		return err
	}
	h.wantCode(answer("priya", "kiyo", true), errs.RoomNotFound)
	h.Must(answer("jonas", "kiyo", false))
	h.told("kiyo", "not now")
	h.wantCode(answer("jonas", "kiyo", true), errs.NotFound)
	knock("kiyo", room.KnockRequest{RoomID: id}) // too early: nobody hears it, and the room is still not told
	if n := h.view("jonas", id).Room.Knocking; n != 0 {
		t.Errorf("%d knock during the cool-down", n)
	}
	h.clock.Forward(10*time.Minute + time.Second)
	knock("kiyo", room.KnockRequest{RoomID: id})
	h.Must(answer("jonas", "kiyo", true))
	h.told("kiyo", "can enter", "Friday")
	h.Must(h.Join("kiyo", id))
	_, err := call(h, hub.Knock, room.KnockRequest{Actor: h.actor("kiyo"), RoomID: id})
	h.wantCode(err, errs.Conflict)

	// At a locked room that all see, the answers are plain.
	h.changed("jonas", id, room.DoPublic)
	h.changed("jonas", id, room.DoLock)
	if done := knock("priya", room.KnockRequest{RoomID: id}); done.Room == nil || done.Already {
		t.Errorf("knocking at a locked room: %+v", done)
	}
	if done := knock("priya", room.KnockRequest{RoomID: id}); !done.Already {
		t.Error("a second knock is not known for one")
	}
	h.Must(answer("jonas", "priya", false))
	_, err = call(h, hub.Knock, room.KnockRequest{Actor: h.actor("priya"), RoomID: id})
	h.wantCode(err, errs.RateLimited)
	h.changed("jonas", id, room.DoBan, h.at("ada"))
	if done := knock("ada", room.KnockRequest{RoomID: id}); done.Room != nil {
		t.Error("somebody banned was told of the room")
	}
	knock("tomas", room.KnockRequest{RoomID: id})
	h.clock.Forward(time.Hour)
	_, err = call(h, hub.KeepRoom, h.request("jonas", id))
	h.Must(err)
	h.sweep()
	if v := h.view("jonas", id); len(v.Control.Knocks) != 0 || v.Room.Knocking != 0 {
		t.Errorf("after an hour somebody still knocks: %+v", v.Control.Knocks)
	}
}

// Remembered guests are let in once Discord has said who they are: more than one request's worth of overwrites.
func TestManyRememberedGuests(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	var guests []snowflake.ID
	for i := range 150 {
		u := h.Discord.AddUser(fmt.Sprint("guest", i), "")
		h.Must(h.Discord.AddMember(h.Guild, u.ID, ""))
		guests = append(guests, u.ID)
	}
	_, err := h.hub.Members.Put(h.soon(), h.Guild.String()+"."+h.People["jonas"].String(),
		room.Preferences{Guests: guests})
	h.Must(err)
	r := h.open("jonas", "Party")
	h.eventually("all are let in", func() bool { return len(h.channels()[r.Room.ID].Overwrites) == 153 })
	_, err = h.Discord.JoinVoice(discordsim.ID(h.Guild), guests[149], discordsim.ID(r.Room.ID), discordsim.VoiceFlags{})
	h.Must(err)
	if n := h.asked("POST /guilds/{guild}/channels"); n != 1 {
		t.Errorf("opening took %d requests", n)
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.openWith("jonas", room.OpenRequest{Name: "Draft", Seats: 6})
	id := r.Room.ID
	h.changed("jonas", id, room.DoRename, text("Draft night"))
	h.changed("jonas", id, room.DoPublic)
	h.changed("jonas", id, room.DoLock)
	_, _, err := letIn(h, "jonas", id, "kiyo")
	h.Must(err)
	h.changed("mara", id, room.DoSeats, number(9)) // a manager's choice is not the owner's
	again := func() room.Summary {
		t.Helper()
		for _, l := range h.mine("jonas") {
			_, err := call(h, hub.CloseRoom, h.request("jonas", l))
			h.Must(err)
		}
		return h.openWith("jonas", room.OpenRequest{}).Room
	}
	got := again()
	if got.Name != "Draft night" || got.Seats != 6 || got.Access.Private || !got.Access.Locked ||
		!slices.Contains(got.Access.Guests, h.People["kiyo"]) {
		t.Errorf("the next room: %+v", got)
	}
	h.Must(h.Join("kiyo", got.ID))
	if h.Join("ada", got.ID) == nil {
		t.Error("the remembered lock does not hold")
	}
	p, err := call(h, hub.PreferencesOf, room.PreferencesRequest{Actor: h.actor("jonas")})
	h.Must(err)
	if p.Preferences.Name != "Draft night" || p.Preferences.Seats != 6 {
		t.Errorf("remembered: %+v", p)
	}
	h.changed("jonas", got.ID, room.DoKick, h.at("kiyo"))
	p, err = call(h, hub.PreferencesOf, room.PreferencesRequest{Actor: h.actor("jonas"), Forget: true})
	h.Must(err)
	if !p.Preferences.Empty() {
		t.Errorf("after forgetting: %+v", p)
	}
	if got := again(); got.Name != "Jonas's room" || got.Seats != 4 || !got.Access.Private ||
		len(got.Access.Guests) != 0 {
		t.Errorf("the room after forgetting: %+v", got)
	}
	if story := strings.Join(h.audited(0), " "); !strings.Contains(story, "preferences_forgotten") {
		t.Errorf("the audit says %s", story)
	}
}

// mine lists somebody's rooms.
func (h *harness) mine(name string) (out []snowflake.ID) {
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	for id, l := range h.facts.live {
		if l.Room.Access.OwnerID == h.People[name] {
			out = append(out, id)
		}
	}
	return out
}

// TestGuestsInvite: guests invite only while the owner lets them, each sees their own links, and the links end with
// the right to make them.
func TestGuestsInvite(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.Must(h.redeem("priya", r.Invite.Code))
	invites := func(name, label string) (room.InviteLink, error) {
		return call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor(name), RoomID: id, Label: label})
	}
	_, err := invites("kiyo", "")
	h.wantCode(err, errs.Forbidden)

	h.changed("jonas", id, room.DoShare)
	kiyos, err := invites("kiyo", "  Board \n games ")
	h.Must(err)
	if kiyos.Invite.Label != "Board games" || kiyos.Invite.ByName != "Kiyo" {
		t.Errorf("the invite is %+v", kiyos.Invite)
	}
	_, err = invites("kiyo", strings.Repeat("x", 41))
	h.wantCode(err, errs.Invalid)
	_, err = invites("ada", "") // who isn't let in
	h.wantCode(err, errs.RoomNotFound)
	_, err = call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("kiyo"), RoomID: id, For: h.People["ada"]})
	h.wantCode(err, errs.Forbidden) // letting somebody in at once stays the owner's
	priyas, err := invites("priya", "")
	h.Must(err)
	for name, sees := range map[string][]string{
		"kiyo": {kiyos.Code}, "priya": {priyas.Code}, "jonas": {r.Invite.Code, kiyos.Code, priyas.Code},
	} {
		var codes []string
		for _, l := range h.view(name, id).Invites {
			codes = append(codes, l.Code)
		}
		if !slices.Equal(codes, sees) {
			t.Errorf("%s sees the links %q", name, codes)
		}
	}
	revoke := func(name string, v room.Invite) error {
		_, err := call(h, hub.RevokeInvite, room.RevokeRequest{Actor: h.actor(name), RoomID: id, InviteID: v.ID})
		return err
	}
	h.wantCode(revoke("kiyo", priyas.Invite), errs.Forbidden)
	h.Must(revoke("kiyo", kiyos.Invite))
	for range 3 {
		kiyos, err = invites("kiyo", "")
		h.Must(err)
	}
	_, err = invites("kiyo", "")
	h.wantCode(err, errs.RoomLimit)

	h.changed("jonas", id, room.DoKick, h.at("priya"))
	h.wantCode(h.redeem("priya", priyas.Code), errs.TokenRevoked) // no way back by one's own link
	h.Must(h.redeem("ada", kiyos.Code))
	h.changed("jonas", id, room.DoUnshare)
	h.wantCode(h.redeem("tomas", kiyos.Code), errs.TokenRevoked)
	_, err = invites("kiyo", "")
	h.wantCode(err, errs.Forbidden)
	h.Must(h.redeem("tomas", r.Invite.Code)) // the owner's stays
	if v := h.view("ada", id); !v.MayEnter {
		t.Error("whom a guest let in lost their place")
	}
}
