package bot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/access"
	"snug/shared/agent"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
)

// do asks Discord as the bot, behind Snug's back.
func (h *harness) do(method, path string, body any) *http.Response {
	h.Helper()
	b, err := json.Marshal(body)
	h.Must(err)
	req, err := http.NewRequestWithContext(context.Background(), method, h.URL+"/api/v10"+path, bytes.NewReader(b))
	h.Must(err)
	req.Header.Set("Authorization", "Bot "+h.App.BotToken)
	req.Header.Set("User-Agent", agent.Discord)
	req.Header.Set("Content-Type", "application/json")
	res, err := testkit.HTTP.Do(req)
	h.Must(err)
	if res.StatusCode >= 300 {
		h.Fatalf("%s %s: %s", method, path, res.Status)
	}
	return res
}

// whileDown stops Snug, changes the world, and starts Snug again.
func (h *harness) whileDown(change func()) {
	h.Helper()
	h.shut()
	change()
	h.start()
}

// stored opens the hub alone, as a process that died left it.
func (h *harness) stored(f func(*hub.Hub)) {
	h.Helper()
	b, err := hub.Open(context.Background(), hub.Options{Dir: h.dir, Log: h.log()})
	h.Must(err)
	f(b)
	h.Must(b.Close(context.Background()))
}

func TestRestartFindsEverybodyWhereTheyAre(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seats":5}`)
	r := h.open("jonas", "Friday")
	gone := h.open("kiyo", "Gone")
	h.Must(h.redeem("priya", r.Invite.Code))
	for _, n := range []string{"jonas", "kiyo"} {
		h.Must(h.Join(n, r.Room.ID))
	}
	h.awaitRoster(r.Room.ID, "jonas", "kiyo")
	other := h.openWith("tomas", room.OpenRequest{Private: new(true)})
	h.whileDown(func() {})
	if n := h.asked("PATCH /channels/{channel}") - h.asked("PATCH /channels/{channel}/"); n != 0 {
		t.Errorf("a restart where all is well changed %d channels", n)
	}
	_, err := call(h, hub.CloseRoom, h.request("tomas", other.Room.ID))
	h.Must(err)
	h.whileDown(func() {
		h.Leave("kiyo")
		h.Must(h.Join("priya", r.Room.ID))
		h.Must(h.Join("ada", r.Room.ID))
		h.do(http.MethodDelete, "/channels/"+gone.Room.ID.String(), nil).Body.Close()
		h.do(http.MethodDelete, fmt.Sprintf("/channels/%d/permissions/%d", r.Room.ID, h.People["priya"]),
			nil).Body.Close()
	})
	h.awaitRoster(r.Room.ID, "jonas", "priya", "ada")
	v := h.view("jonas", r.Room.ID)
	if v.Room.Seats != 5 || len(v.Invites) != 1 || v.Invites[0].Code != r.Invite.Code ||
		!v.Room.Access.Admitted(h.People["priya"]) {
		t.Errorf("after the restart: %+v", v)
	}
	_, err = call(h, hub.ViewRoom, h.request("kiyo", gone.Room.ID))
	h.wantCode(err, errs.RoomNotFound)
	let := false
	for _, o := range h.channels()[r.Room.ID].Overwrites {
		let = let || o.ID == h.People["priya"] && o.Allow == int64(discordapi.GuestAllow)
	}
	if !let {
		t.Error("the guest's overwrite was not given back")
	}
	h.Must(h.redeem("tomas", r.Invite.Code))
}

func TestIdleTimeSurvivesARestart(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.clock.Forward(40 * time.Minute)
	h.whileDown(func() { h.clock.Forward(19*time.Minute + 31*time.Second) })
	h.await("its closing is announced",
		func(l map[snowflake.ID]room.Live) bool { return !l[r.Room.ID].Room.ClosingAt.IsZero() })
	h.whileDown(func() { h.clock.Forward(time.Minute) })
	if _, there := h.channels()[r.Room.ID]; there {
		t.Error("the room outlived its timeout")
	}
}

// Dying at any step of opening leaves a room or nothing.
func TestOpeningSurvivesDeath(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	in := room.PendingCreate{
		ID: "x", GuildID: h.Guild, OwnerID: h.People["jonas"], OwnerName: "Jonas", Name: "Friday", Seats: 4,
		Private: true, Via: access.ViaDiscord,
	}
	record := func() {
		in.At = time.Now() // as Discord's clock, which is not put forward
		h.stored(func(b *hub.Hub) {
			_, err := b.PendingCreates.Create(context.Background(), h.Guild.String()+"."+in.ID, in)
			h.Must(err)
		})
	}
	left := func() (n int) {
		h.shut()
		h.stored(func(b *hub.Hub) {
			list, err := b.PendingCreates.List(context.Background(), h.Guild.String())
			h.Must(err)
			n = len(list)
		})
		h.start()
		return n
	}

	h.whileDown(record) // before the channel
	h.sweep()
	h.clock.Forward(3 * time.Minute)
	h.sweep()
	if n := left(); n != 0 || len(h.live()) != 0 {
		t.Fatalf("%d intentions and %d rooms are left of nothing", n, len(h.live()))
	}

	var c channel
	h.whileDown(func() { // after the channel
		in.ID = "y"
		record()
		res := h.do(http.MethodPost, "/guilds/"+h.Guild.String()+"/channels", map[string]any{
			"name": in.Name, "type": 2, "user_limit": in.Seats, "permission_overwrites": []map[string]any{
				{"id": h.Guild, "type": 0, "deny": fmt.Sprint(int64(discordapi.EveryoneDeny)), "allow": "0"},
				{"id": h.App.ID, "type": 1, "allow": fmt.Sprint(int64(discordapi.BotAllow)), "deny": "0"},
				{"id": in.OwnerID, "type": 1, "allow": fmt.Sprint(int64(discordapi.GuestAllow)), "deny": "0"},
			}})
		defer res.Body.Close()
		h.Must(json.NewDecoder(res.Body).Decode(&c))
	})
	h.await("the channel became a room",
		func(l map[snowflake.ID]room.Live) bool { return l[c.ID].Room.OwnerName == "Jonas" })

	h.whileDown(func() { // after the room, before the intention was forgotten
		h.stored(func(b *hub.Hub) {
			_, err := b.PendingCreates.Create(context.Background(), h.Guild.String()+"."+in.ID, in)
			h.Must(err)
		})
	})
	h.sweep()
	if n := left(); n != 0 {
		t.Errorf("%d intentions are left", n)
	}
	voice := 0
	for _, ch := range h.channels() {
		if ch.Type == 2 {
			voice++
		}
	}
	if voice != 2 { // General and the room
		t.Errorf("%d voice channels", voice)
	}
}

// Discord made the channel, but its answer was lost: there is one channel and one room.
func TestCreationWithUnknownOutcome(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, kind := range []string{discordsim.FaultError, discordsim.FaultReset} {
		before := len(h.channels())
		_, err := h.Discord.Inject(discordsim.Fault{
			Kind: kind, Route: "POST /guilds/{guild.id}/channels", After: true, Count: 1,
		})
		h.Must(err)
		r := h.open("jonas", "Friday")
		if n := len(h.channels()); n != before+1 {
			t.Errorf("%s: %d channels were made", kind, n-before)
		}
		_, err = call(h, hub.CloseRoom, h.request("jonas", r.Room.ID))
		h.Must(err)
	}
}

// Discord takes so long to make the channel that nobody waits any more: until
// it is known what became of it no second one is made, and its owner is told so.
func TestCreationThatTimesOut(t *testing.T) {
	for name, made := range map[string]bool{"made all the same": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			before := len(h.channels())
			// it goes on when nobody waits
			faults := []discordsim.Fault{
				{Kind: discordsim.FaultLatency, Route: "POST /guilds/{guild.id}/channels", Delay: 60, Count: 1},
			}
			if !made {
				faults = append(faults,
					discordsim.Fault{Kind: discordsim.FaultReset, Route: "POST /guilds/{guild.id}/channels", Count: 1})
			}
			for _, f := range faults {
				_, err := h.Discord.Inject(f)
				h.Must(err)
			}
			open := func(patience time.Duration) (room.OpenedRoom, error) {
				ctx, cancel := context.WithTimeout(hub.WithCallID(context.Background(), "jonas-presses-once"), patience)
				defer cancel()
				return hub.OpenRoom.Call(ctx, h.hub, h.Guild, room.OpenRequest{Actor: h.actor("jonas"), Name: "Friday"})
			}
			h.eventually("Discord is asked for the channel", func() bool {
				if _, err := open(time.Second); err == nil {
					t.Fatal("it was not told that Discord does not answer")
				}
				return len(h.Discord.Faults()) < len(faults)
			})
			_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: "Another"})
			h.wantCode(err, errs.RoomLimit)
			if !contains(err.Error(), "still opening") {
				t.Errorf("the owner is told %q", err)
			}
			h.eventually("Discord is done",
				func() bool { return len(h.Discord.Faults()) == 0 && h.asked("POST /guilds/{guild}/channels") == 1 })
			h.sweep()
			want := before
			if made {
				want++
				first := h.opened("jonas")
				if r, err := open(patience); err != nil || r.Room.ID != first.Room.ID {
					t.Errorf("asked once more it is %d, %v", r.Room.ID, err)
				}
			} else {
				h.later(3 * time.Minute)
				h.sweep()
			}
			if n := len(h.channels()); n != want {
				t.Errorf("%d channels were made", n-before)
			}
			intended, err := h.hub.PendingCreates.List(h.soon(), h.Guild.String())
			if h.Must(err); len(intended) != 0 {
				t.Errorf("%d intentions are left", len(intended))
			}
			if !made {
				h.open("jonas", "Friday")
			}
		})
	}
}

func TestClosingIsFinishedAfterDiscordFailed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultError, Route: "DELETE /channels/*", Count: 50})
	h.Must(err)
	impatient, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err = hub.CloseRoom.Call(impatient, h.hub, h.Guild, h.request("jonas", r.Room.ID)); err == nil {
		t.Fatal("closing did not tell that Discord failed")
	}
	h.Discord.ClearFaults(0)
	h.eventually("a sweep has finished the closing", func() bool {
		h.clock.Forward(31 * time.Second)
		h.sweep()
		_, there := h.channels()[r.Room.ID]
		return !there
	})
}

func TestChangesByHand(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.do(http.MethodPatch, "/channels/"+r.Room.ID.String(),
		map[string]any{"name": "Saturday", "user_limit": 6}).Body.Close()
	h.await("the room follows", func(l map[snowflake.ID]room.Live) bool {
		return l[r.Room.ID].Room.Name == "Saturday" && l[r.Room.ID].Room.Seats == 6
	})
	h.do(http.MethodPatch, "/channels/"+r.Room.ID.String(), map[string]any{"user_limit": 0}).Body.Close()
	h.eventually("its channel has a limit again", func() bool { return h.channels()[r.Room.ID].UserLimit == 6 })
	h.wantAudit(r.Room.ID, "room_opened", "room_renamed Friday>Saturday", "seats_changed 4>6",
		"repaired seats")
	h.do(http.MethodDelete, "/channels/"+r.Room.ID.String(), nil).Body.Close()
	h.await("the room is gone", func(l map[snowflake.ID]room.Live) bool { return len(l) == 0 })
	if story := h.storied(); story[len(story)-1] != "closed channel_deleted" {
		t.Errorf("followers were told %q", story)
	}
	h.open("jonas", "Friday again")
}

func TestKickedAndInvitedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.Must(h.Discord.RemoveMember(h.Guild, h.App.ID))
	h.await("the room is not shown any more", func(l map[snowflake.ID]room.Live) bool { return len(l) == 0 })
	h.eventually("requests are refused", func() bool {
		_, err := call(h, hub.ViewRoom, h.request("jonas", r.Room.ID))
		return errs.Has(err, errs.Unavailable)
	})
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
	h.await("the room is back", func(l map[snowflake.ID]room.Live) bool { return l[r.Room.ID].Room.Name == "Friday" })
}

func TestMissingPermissionIsNamed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID,
		discordsim.Permissions(discordapi.Permissions)&^discordsim.PermManageChannels))
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: "Friday"})
	h.wantCode(err, errs.MissingPermission)
}
