package bot_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// overwriteOf gives what a channel's overwrite allows and denies.
func (h *harness) overwriteOf(channel, id snowflake.ID) (allow, deny int64, there bool) {
	h.Helper()
	for _, o := range h.channels()[channel].Overwrites {
		if o.ID == id {
			return o.Allow, o.Deny, true
		}
	}
	return 0, 0, false
}

// What docs/decisions/0005-by-hand.md says of overwrites: Snug's are put back, others' are left alone, and
// the audit has it.
func TestOverwritesChangedByHand(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() }) // the test itself asks often
	r := h.open("jonas", "Friday")
	h.Must(h.redeem("kiyo", r.Invite.Code))
	id := r.Room.ID
	role := h.role("Listeners", 0)
	path := func(who snowflake.ID) string { return fmt.Sprintf("/channels/%d/permissions/%d", id, who) }
	foreign := map[string]any{"type": 0, "allow": fmt.Sprint(int64(discordsim.PermManageChannels)), "deny": "0"}
	h.do(http.MethodPut, path(role), foreign).Body.Close()

	h.do(http.MethodDelete, path(h.People["kiyo"]), nil).Body.Close()
	h.eventually("the guest may enter again",
		func() bool { a, _, _ := h.overwriteOf(id, h.People["kiyo"]); return a == int64(discordapi.GuestAllow) })
	h.do(http.MethodDelete, path(h.Guild), nil).Body.Close()
	h.eventually("everybody else is kept out again",
		func() bool { _, d, _ := h.overwriteOf(id, h.Guild); return d == int64(discordapi.EveryoneDeny) })
	h.do(http.MethodPut, path(h.App.ID),
		map[string]any{
			"type": 1, "allow": fmt.Sprint(int64(discordapi.BotAllow | discordapi.GuestAllow)), "deny": "0",
		}).Body.Close()
	h.eventually("the mark is exact again", func() bool {
		a, d, _ := h.overwriteOf(id, h.App.ID)
		return a == int64(discordapi.BotAllow|discordapi.BotExtra) && d == 0
	})
	if a, _, there := h.overwriteOf(id, role); !there || a != int64(discordsim.PermManageChannels) {
		t.Error("a role's overwrite, which is nobody's business, was changed")
	}
	h.eventually("the audit has each repair", func() bool {
		log := h.audited(id)
		return slices.Contains(log, "repaired shut_out") &&
			slices.Contains(log, "repaired access") &&
			slices.Contains(log, "repaired overwrite")
	})
}

// The category of rooms is deleted: the room stays, at the top of the server,
// and so does a new one, as log and audit say, until another category is chosen.
func TestCategoryDeletedByHand(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	category := h.add(discordsim.ChannelOptions{Name: "Rooms", Type: discordsim.ChannelCategory})
	h.settings(fmt.Sprintf(`{"category_id":"%d"}`, category))
	r := h.open("jonas", "Friday")
	if got := h.channels()[r.Room.ID].Parent; got != category {
		t.Fatalf("the room is in %d", got)
	}
	h.do(http.MethodDelete, fmt.Sprintf("/channels/%d", category), nil).Body.Close()
	h.sweep()
	if ch, there := h.channels()[r.Room.ID]; !there || ch.Parent != 0 {
		t.Fatalf("the room is there: %t, in %d", there, ch.Parent)
	}
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	for _, name := range []string{"kiyo", "priya"} { // the second with Snug's memory of it gone
		next := h.open(name, "Next")
		if ch, there := h.channels()[next.Room.ID]; !there || ch.Parent != 0 {
			t.Errorf("the new room is there: %t, in %d", there, ch.Parent)
		}
		if log := h.audited(next.Room.ID); !slices.Contains(log,
			"repaired category_gone") {
			t.Errorf("the audit has %q", log)
		}
		h.whileDown(func() {})
	}
}

// Snug is denied the sight of rooms' channels, before its eyes and while it is
// away: they look like deleted ones, and are not. Given back, they are mended.
func TestDeniedSightIsNotDeleted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() }) // the test itself asks often
	seen, away, deleted := h.open("jonas", "Seen"), h.open("kiyo", "Away"), h.open("priya", "Deleted")
	deny := func(id snowflake.ID) {
		h.do(http.MethodDelete, fmt.Sprintf("/channels/%d/permissions/%d", id, h.App.ID), nil).Body.Close()
		if _, there := h.channels()[id]; there {
			t.Fatal("Snug still sees the channel")
		}
	}
	asked := h.asked("GET /channels/{channel}")
	deny(seen.Room.ID)
	h.eventually("Snug asked for the channel", func() bool { return h.asked("GET /channels/{channel}") > asked })
	h.whileDown(func() {
		deny(away.Room.ID)
		h.do(http.MethodDelete, "/channels/"+deleted.Room.ID.String(), nil).Body.Close()
	})
	h.sweep()
	for name, r := range map[string]room.OpenedRoom{"jonas": seen, "kiyo": away} {
		if v := h.view(name, r.Room.ID); v.Room.Name != r.Room.Name || v.Room.Seats != r.Room.Seats {
			t.Errorf("%s became %s with %d seats", r.Room.Name, v.Room.Name, v.Room.Seats)
		}
	}
	_, err := call(h, hub.ViewRoom, h.request("priya", deleted.Room.ID))
	h.wantCode(err, errs.RoomNotFound)

	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.PermAdministrator))
	for _, r := range []room.OpenedRoom{seen, away} {
		h.eventually("Snug's own overwrite is there again", func() bool {
			a, _, _ := h.overwriteOf(r.Room.ID, h.App.ID)
			return a == int64(discordapi.BotAllow|discordapi.BotExtra)
		})
	}
}

// A permission is taken away and given back: refusals name it, and nothing else is lost.
func TestPermissionTakenAwayAndGivenBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID,
		discordsim.Permissions(discordapi.Permissions)&^discordsim.PermManageChannels))
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("kiyo"), Name: "Mine"})
	h.wantCode(err, errs.MissingPermission)
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas") // what needs no permission goes on
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
	h.eventually("it works again", func() bool {
		_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("kiyo"), Name: "Mine"})
		return err == nil
	})
}

// Discord loses a server for a while: requests are refused, and afterwards the
// rosters and rooms are what they became meanwhile.
func TestServerOutage(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultOutage, Guild: h.Guild})
	h.Must(err)
	h.eventually("requests are refused", func() bool {
		_, err := call(h, hub.ViewRoom, h.request("jonas", r.Room.ID))
		return errs.Has(err, errs.Unavailable)
	})
	_, err = h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultRestore, Guild: h.Guild})
	h.Must(err)
	h.eventually("the server is back", func() bool {
		_, err := call(h, hub.ViewRoom, h.request("jonas", r.Room.ID))
		return err == nil
	})
	h.Must(h.Join("kiyo", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas", "kiyo")
	for _, what := range h.storied() {
		if what == "closed lost" {
			t.Error("an outage closed a room")
		}
	}
}

func (h *harness) storied() []string {
	h.facts.mu.Lock()
	defer h.facts.mu.Unlock()
	return slices.Clone(h.facts.story)
}

// Close codes that only a person can mend end the bot, and its error names the remedy.
func TestFatalCloseCodes(t *testing.T) {
	for code, want := range map[int]errs.Code{4004: errs.Unauthorized, 4011: "", 4014: ""} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultClose, Code: code})
			h.Must(err)
			select {
			case err := <-h.bot.Done():
				if want != "" && !errs.Has(err, want) || len(errs.Public(err).Message) < 40 {
					t.Errorf("%d ends with %v", code, err)
				}
				t.Log(errs.Public(err).Message)
			case <-h.soon().Done():
				t.Error("the bot goes on")
			}
		})
	}
}
