package bot_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// deny has a moderator deny somebody a channel by name.
func (h *harness) deny(channel snowflake.ID, name string, p discordsim.Permissions) {
	h.Helper()
	h.heard(h.Discord.SetOverwrite(channel, discordsim.Overwrite{ID: h.People[name], Member: true, Deny: p}))
}

// denied gives what a channel denies somebody by name.
func (h *harness) denied(channel snowflake.ID, name string) discordsim.Permissions {
	h.Helper()
	_, d, _ := h.overwriteOf(channel, h.People[name])
	return discordsim.Permissions(d)
}

// What a moderator denies somebody by name on a room's channel holds, in the
// very bits that Snug writes for a ban too, whatever Snug tells Discord of the room afterwards.
func TestDenialsByHandHold(t *testing.T) {
	t.Parallel()
	for _, bits := range []discordsim.Permissions{seeAndEnter, discordsim.PermConnect} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
			h.settings(`{"private":false}`)
			r := h.open("jonas", "Friday")
			id := r.Room.ID
			h.Must(h.redeem("kiyo", r.Invite.Code))
			names := []string{"kiyo", "priya", "jonas"} // a guest, a stranger to the room, its owner
			for _, n := range names {
				h.deny(id, n, bits)
			}
			h.eventually("guest and owner are suspended", func() bool {
				doc := h.doc(id)
				return doc.OwnerSuspended == "own_denial" && doc.Guests[0].Suspended == "own_denial"
			})
			for _, do := range []room.Action{room.DoLock, room.DoUnlock, room.DoPrivate, room.DoPublic} {
				h.changed("mara", id, do) // every overwrite is told anew
				for _, n := range names {
					if h.has(n, id) || h.denied(id, n)&seeAndEnter != bits {
						t.Errorf("%s: %s is denied %b, enters: %v", do, n, h.denied(id, n), h.has(n, id))
					}
				}
			}
			h.wantCode(h.redeem("priya", r.Invite.Code), errs.Forbidden)
			for _, n := range names {
				h.deny(id, n, 0)
			}
			h.eventually("owner and guest are let in again", func() bool {
				doc := h.doc(id)
				return doc.OwnerSuspended == "" && doc.Guests[0].Suspended == ""
			})
			h.eventually("Discord lets them in", func() bool { return h.has("kiyo", id) && h.has("jonas", id) })
			h.eventually("who follows an invite is let in",
				func() bool { return h.redeem("priya", r.Invite.Code) == nil })
		})
	}
}

// A ban goes when it is undone, and nothing else: not what a moderator had
// denied them before, by name on the channel or in its category.
func TestBanUndoneLeavesDenials(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	category := h.add(discordsim.ChannelOptions{Name: "Tables", Type: discordsim.ChannelCategory})
	h.settings(`{"private":false,"category_id":"` + category.String() + `"}`)
	h.deny(category, "tomas", seeAndEnter)
	id := h.open("jonas", "Friday").Room.ID
	h.deny(id, "kiyo", seeAndEnter)
	h.eventually("Snug knows", func() bool { return errs.Has(h.enters("kiyo", id), errs.RoomNotFound) })
	for _, n := range []string{"kiyo", "tomas", "priya"} {
		h.changed("jonas", id, room.DoBan, h.at(n))
	}
	h.changed("jonas", id, room.DoLock)
	h.changed("jonas", id, room.DoUnlock)
	for _, n := range []string{"kiyo", "tomas", "priya"} {
		h.changed("jonas", id, room.DoUnban, h.at(n))
	}
	told := func(when string) {
		t.Helper()
		for n, want := range map[string]discordsim.Permissions{"kiyo": seeAndEnter, "tomas": seeAndEnter, "priya": 0} {
			if got := h.denied(id, n); got != want {
				t.Errorf("%s: %s is denied %b, want %b", when, n, got, want)
			}
		}
	}
	told("undone one by one")
	h.changed("jonas", id, room.DoLock)
	told("after all overwrites were told anew")
}

// A ban that was undone while Discord did not answer goes with the next sweep, and what was denied before stays.
func TestBanUndoneLate(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	h.deny(id, "kiyo", discordsim.PermConnect)
	h.eventually("Snug knows", func() bool { return errs.Has(h.enters("kiyo", id), errs.Forbidden) })
	for _, n := range []string{"kiyo", "priya"} {
		h.changed("jonas", id, room.DoBan, h.at(n))
	}
	f, err := h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultError, Status: http.StatusServiceUnavailable, Route: "/channels/*", Count: -1,
	})
	h.Must(err)
	for _, n := range []string{"kiyo", "priya"} {
		if _, err := h.change("jonas", id, room.DoUnban, h.at(n)); err == nil {
			t.Fatal("Discord took it")
		}
	}
	h.Discord.ClearFaults(f.ID)
	h.deny(id, "tomas", seeAndEnter) // meanwhile, by hand
	h.eventually("the bans are gone", func() bool {
		h.clock.Forward(time.Minute)
		return h.denied(id, "priya") == 0 && h.denied(id, "kiyo") == discordsim.PermConnect
	})
	if h.denied(id, "tomas") != seeAndEnter {
		t.Errorf("tomas is denied %b", h.denied(id, "tomas"))
	}
	h.eventually("nothing is due", func() bool { due := h.doc(id).Pending; return !due.Any() })
}

// A guest whom a moderator mutes on the channel by name stays muted, and a guest.
func TestMutedByHand(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.deny(id, "priya", discordsim.PermSpeak)
	h.heard(h.Discord.SetOverwrite(id,
		discordsim.Overwrite{
			ID: h.People["kiyo"], Member: true,
			Allow: discordsim.Permissions(discordapi.GuestAllow) &^ discordsim.PermSpeak, Deny: discordsim.PermSpeak,
		}))
	h.eventually("Snug knows", func() bool { return h.redeem("priya", r.Invite.Code) == nil })
	told := func(when string) {
		t.Helper()
		for _, n := range []string{"kiyo", "priya"} {
			if !h.has(n, id) || h.denied(id, n) != discordsim.PermSpeak {
				t.Errorf("%s: %s is in: %v, denied %b", when, n, h.has(n, id), h.denied(id, n))
			}
		}
	}
	told("let in")
	h.changed("jonas", id, room.DoLock)
	told("after all overwrites were told anew")
}

// enters says why somebody may not take a seat, or nil.
func (h *harness) enters(name string, id snowflake.ID) error {
	h.Helper()
	_, err := call(h, hub.JoinRoom, h.request(name, id))
	return err
}
