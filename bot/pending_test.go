package bot_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// failing has Discord fail a route from now on; what it gives ends that.
func (h *harness) failing(route string) (mended func()) {
	h.Helper()
	f, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultError, Route: route, Status: 503, Count: -1})
	h.Must(err)
	return func() { h.Discord.ClearFaults(f.ID) }
}

// made good gives sweeps what they wait for.
func (h *harness) madeGood(what string, ok func() bool) {
	h.Helper()
	h.eventually(what, func() bool {
		h.clock.Forward(31 * time.Second)
		h.sweep()
		return ok()
	})
}

// What Discord is owed of a room is paid, whatever succeeds meanwhile.
func TestSuccessClearsNoDebtItDidNotPay(t *testing.T) {
	const overwrites, members = "* /channels/{channel}/permissions/{overwrite}", "PATCH /guilds/{guild}/members/{user}"
	for name, x := range map[string]struct {
		fails string
		do    func(h *harness, id snowflake.ID) error
		right func(h *harness, id snowflake.ID) bool
	}{
		"a kicked guest's access": {overwrites,
			func(h *harness, id snowflake.ID) error {
				_, err := h.change("jonas", id, room.DoKick, h.at("kiyo"))
				return err
			},
			func(h *harness, id snowflake.ID) bool {
				_, _, there := h.overwriteOf(id, h.People["kiyo"])
				return !there
			},
		},
		"a ban": {overwrites,
			func(h *harness, id snowflake.ID) error {
				_, err := h.change("jonas", id, room.DoBan, h.at("kiyo"))
				return err
			},
			func(h *harness, id snowflake.ID) bool {
				_, deny, _ := h.overwriteOf(id, h.People["kiyo"])
				return deny != 0
			},
		},
		"putting a kicked guest out of voice": {members,
			func(h *harness, id snowflake.ID) error {
				_, err := h.change("jonas", id, room.DoKick, h.at("kiyo"))
				return err
			},
			func(h *harness, id snowflake.ID) bool { return h.where("kiyo") == 0 },
		},
		"a new owner's access": {overwrites,
			func(h *harness, id snowflake.ID) error {
				_, err := h.change("jonas", id, room.DoTransfer, h.at("tomas"))
				return err
			},
			func(h *harness, id snowflake.ID) bool {
				allow, _, _ := h.overwriteOf(id, h.People["tomas"])
				return allow != 0
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
			r := h.open("jonas", "Friday")
			id := r.Room.ID
			h.Must(h.redeem("kiyo", r.Invite.Code))
			h.Must(h.Join("kiyo", id))
			h.awaitRoster(id, "kiyo")
			mended := h.failing(x.fails)
			h.wantCode(x.do(h, id), errs.DiscordUnavailable)
			mended()
			h.Must(h.redeem("priya", r.Invite.Code)) // lets somebody else in, and that works
			h.madeGood("it is made good", func() bool { return x.right(h, id) })
			if allow, _, _ := h.overwriteOf(id, h.People["priya"]); allow == 0 {
				t.Error("who was let in meanwhile is not")
			}
		})
	}
}

// Who was to be put out of voice, left, and came in again by a way that is open to them, is not put out for
// what was owed before.
func TestDebtOfPuttingOutEndsWhenTheyLeave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "kiyo")
	mended := h.failing("PATCH /guilds/{guild}/members/{user}")
	_, err := h.change("jonas", id, room.DoKick, h.at("kiyo"))
	h.wantCode(err, errs.DiscordUnavailable)
	h.Leave("kiyo")
	h.awaitRoster(id)
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "kiyo")
	mended()
	h.eventually("the bot has heard that they are back",
		func() bool { return h.view("kiyo", id).IdleDeadline.IsZero() })
	asked := h.asked("PATCH /guilds/{guild}/members/{user}")
	h.clock.Forward(31 * time.Second)
	h.sweep()
	if h.where("kiyo") != id || h.asked("PATCH /guilds/{guild}/members/{user}") != asked {
		t.Error("they were put out of a room they may enter")
	}
}

// A room whose channel Discord's list does not show is not closed for that, nor called by what hides it.
func TestRepairOfAHiddenChannel(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	lobby := h.lobby(guild.Lobby{}, "Lobby")
	r, deleted := h.open("jonas", "Friday"), h.open("kiyo", "Deleted")
	h.do(http.MethodDelete, "/channels/"+r.Room.ID.String()+"/permissions/"+h.App.ID.String(), nil).Body.Close()
	if _, there := h.channels()[r.Room.ID]; there {
		t.Fatal("Snug still sees the channel")
	}
	h.do(http.MethodPut, "/channels/"+lobby.Lobby.ChannelID.String()+"/permissions/"+h.App.ID.String(),
		map[string]any{"type": 1, "deny": fmt.Sprint(int64(discordsim.PermViewChannel))}).Body.Close()
	rep, err := call(h, hub.Repair, guild.RepairRequest{Actor: h.actor("mara")})
	h.Must(err)
	if !slices.ContainsFunc(rep.Issues,
		func(f guild.Issue) bool { return f.Kind == guild.IssueUnseen && f.ChannelID == r.Room.ID }) {
		t.Errorf("it is not told that the channel is not seen: %+v", rep.Issues)
	}
	h.do(http.MethodDelete, "/channels/"+deleted.Room.ID.String(), nil).Body.Close()
	_, err = call(h, hub.Repair, guild.RepairRequest{Actor: h.actor("mara"), Apply: true})
	h.Must(err)
	if v := h.view("jonas", r.Room.ID); v.Room.Name != "Friday" {
		t.Errorf("the room is called %q", v.Room.Name)
	}
	if s := h.settingsNow(); s.Lobby(lobby.Lobby.ChannelID) == nil {
		t.Error("the lobby, which is there, was taken out of the settings")
	}
	_, err = call(h, hub.ViewRoom, h.request("kiyo", deleted.Room.ID))
	h.wantCode(err, errs.RoomNotFound)
}

// A seat that was lent to a bot is given back, also if the bot left while Snug was away; and a lending that
// failed is owed.
func TestLentSeatsAreGivenBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	h.settings(`{"private":false}`)
	music := h.Discord.AddApplication(discordsim.ApplicationOptions{Name: "Tunes"})
	h.Must(h.Discord.InstallBot(h.Guild, music.ID,
		discordsim.PermViewChannel|discordsim.PermConnect|discordsim.PermSpeak))
	come := func(id snowflake.ID) {
		_, err := h.Discord.JoinVoice(h.Guild, music.ID, id, discordsim.VoiceFlags{})
		h.Must(err)
	}
	limit := func(id snowflake.ID) int { return h.channels()[id].UserLimit }
	id := h.open("jonas", "Friday").Room.ID
	come(id)
	h.eventually("a seat is lent", func() bool { return limit(id) == 5 })
	h.whileDown(func() {
		_, err := h.Discord.LeaveVoice(h.Guild, music.ID)
		h.Must(err)
	})
	h.eventually("the seat is given back", func() bool { return limit(id) == 4 })
	if s := h.view("jonas", id).Room.Seats; s != 4 {
		t.Errorf("the room has %d seats now", s)
	}
	h.whileDown(func() { // what people do meanwhile is followed
		h.do(http.MethodPatch, "/channels/"+id.String(), map[string]any{"user_limit": 6}).Body.Close()
	})
	h.eventually("what was changed by hand is followed",
		func() bool { return h.view("jonas", id).Room.Seats == 6 && limit(id) == 6 })

	mended := h.failing("PATCH /channels/{channel}")
	tried := h.asked("PATCH /channels/{channel}")
	come(id)
	h.eventually("lending was tried", func() bool { return h.asked("PATCH /channels/{channel}") > tried })
	h.whileDown(mended)
	h.madeGood("the seat is lent after all", func() bool { return limit(id) == 7 })
	if s := h.view("jonas", id).Room.Seats; s != 6 {
		t.Errorf("the room has %d seats now", s)
	}
}

// The bot is removed from a server: what watchers hear of its rooms goes on counting, and the last is that
// they are closed.
func TestRoomsOfALeftServerAreClosedInOrder(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("kiyo", id))
	h.awaitRoster(id, "kiyo")
	h.Must(h.Discord.RemoveMember(h.Guild, h.App.ID))
	h.await("the room is closed", func(live map[snowflake.ID]room.Live) bool { _, there := live[id]; return !there })
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.SnugPermissions)) // and again, at once
	h.eventually("the room is there again", func() bool {
		v, err := call(h, hub.ViewRoom, h.request("jonas", id))
		return err == nil && v.Room.Name == "Friday"
	})
	h.awaitRoster(id, "kiyo")
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	var n []uint64
	closed := 0
	for _, l := range h.facts.all {
		if l.Room.ID == id {
			n = append(n, l.N)
			if l.Gone() {
				closed++
			}
		}
	}
	for i := range n {
		if n[i] != n[0]+uint64(i) {
			t.Fatalf("the changes have the numbers %v", n)
		}
	}
	if closed != 1 {
		t.Errorf("it was closed %d times", closed)
	}
}
