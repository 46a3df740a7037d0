package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

const seeAndEnter = discordsim.PermViewChannel | discordsim.PermConnect

// gatedCategory has rooms opened in a category that members with a new role alone may see and enter.
func (h *harness) gatedCategory(members ...string) (category, verified snowflake.ID) {
	h.Helper()
	verified = h.role("Verified", 0, members...)
	category = h.add(discordsim.ChannelOptions{Name: "Members", Type: discordsim.ChannelCategory,
		Overwrites: []discordsim.Overwrite{
			{ID: h.Guild, Deny: seeAndEnter}, {ID: verified, Allow: seeAndEnter},
			{
				ID: h.App.ID, Member: true,
				Allow: seeAndEnter | discordsim.PermManageChannels | discordsim.PermMoveMembers,
			},
		}})
	h.settings(`{"category_id":"` + category.String() + `"}`)
	return category, verified
}

// has says whether somebody may see and enter a channel, as Discord says.
func (h *harness) has(name string, channel snowflake.ID) bool {
	h.Helper()
	return h.mayJoin(h.People[name], channel)
}

// Nobody is let into a room whom the server does not let into its category, and an invite they follow is not used up.
func TestGateOfARoom(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	category, verified := h.gatedCategory("jonas", "kiyo")
	h.settings(`{"bring_in":false}`) // who is not in the server is not brought in by the way
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("ada"), Name: "No"})
	h.wantCode(err, errs.Forbidden)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.Must(h.redeem("kiyo", r.Invite.Code))
	err = h.redeem("priya", r.Invite.Code)
	if h.wantCode(err, errs.Forbidden); !strings.Contains(err.Error(), "Verified") {
		t.Errorf("she is told: %v", err)
	}
	if _, _, err := letIn(h, "jonas", id, "priya"); !errs.Has(err, errs.Invalid) ||
		!strings.Contains(err.Error(), "Verified") {
		t.Errorf("the owner is told: %v", err)
	}
	if err := h.redeem("stranger", r.Invite.Code); !errs.Has(err, errs.GuildJoinDenied) ||
		strings.Contains(err.Error(), "Verified") {
		t.Errorf("a stranger is told: %v", err)
	}
	_, err = h.change("jonas", id, room.DoTransfer, h.at("priya"))
	h.wantCode(err, errs.Invalid)
	if v := h.view("jonas", id); v.Invites[0].Invite.Left() != v.Invites[0].Invite.MaxUses-1 {
		t.Errorf("the invite has %d uses left", v.Invites[0].Invite.Left())
	}
	if h.has("priya", id) || !h.has("kiyo", id) {
		t.Error("Discord lets in the wrong people")
	}
	h.Must(h.Discord.SetRoles(h.Guild, h.People["priya"], verified))
	h.Must(h.redeem("priya", r.Invite.Code))
	// The server may do without the role for guests, and without nothing else.
	h.settings(`{"guests_past_gate":true}`)
	h.Must(h.redeem("tomas", r.Invite.Code))
	h.heard(h.Discord.SetOverwrite(category,
		discordsim.Overwrite{ID: h.People["ada"], Member: true, Deny: discordsim.PermConnect}))
	h.eventually("the denial counts", func() bool { return errs.Has(h.redeem("ada", r.Invite.Code), errs.Forbidden) })
}

// Who does not pass any more loses their place, and has it back when they pass again.
func TestSuspended(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	category, verified := h.gatedCategory("jonas", "kiyo", "priya")
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	for _, n := range []string{"kiyo", "priya"} {
		h.Must(h.redeem(n, r.Invite.Code))
	}
	h.Must(h.Discord.SetRoles(h.Guild, h.People["kiyo"]))
	// her overwrite lets her in yet
	_, err := h.Discord.JoinVoice(h.Guild, h.People["kiyo"], id, discordsim.VoiceFlags{})
	h.Must(err)
	h.eventually("she is put out and shut out", func() bool { return h.where("kiyo") == 0 && !h.has("kiyo", id) })
	_, err = call(h, hub.ViewRoom, h.request("kiyo", id))
	h.wantCode(err, errs.RoomNotFound)
	if c := h.view("jonas", id).Control; c.Guests[0].Suspended != "missing_role" || c.Guests[1].Suspended != "" {
		t.Errorf("the owner sees %+v", c.Guests)
	}
	h.Must(h.Discord.SetRoles(h.Guild, h.People["kiyo"], verified))
	h.view2("kiyo", id)
	h.eventually("she is back in", func() bool { return h.has("kiyo", id) })

	// The category changes: whoever it denies loses their place without doing anything.
	h.heard(h.Discord.SetOverwrite(category,
		discordsim.Overwrite{ID: h.People["priya"], Member: true, Deny: seeAndEnter}))
	h.eventually("she is shut out", func() bool { return !h.has("priya", id) })
	h.wantAudit(id, "suspended missing_role", "restored missing_role", "suspended own_denial")
	// And the owner: nobody is above what the server denies.
	h.Must(h.Discord.SetRoles(h.Guild, h.People["jonas"]))
	_, err = call(h, hub.ViewRoom, h.request("jonas", id))
	h.wantCode(err, errs.RoomNotFound)
	h.eventually("the owner is shut out", func() bool { return !h.has("jonas", id) })
}

// view2 looks at a room until it is there.
func (h *harness) view2(name string, id snowflake.ID) {
	h.Helper()
	h.eventually(name+" sees the room", func() bool {
		_, err := call(h, hub.ViewRoom, h.request(name, id))
		return err == nil
	})
}

// Who is timed out or pending sees and reads, and does nothing.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	other := h.open("kiyo", "Hers").Room.ID
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.Must(h.Discord.TimeOut(h.Guild, h.People["kiyo"], time.Now().Add(time.Hour)))
	h.Must(h.Discord.SetPending(h.Guild, h.People["priya"], true))
	for _, n := range []string{"kiyo", "priya"} {
		h.view(n, id)
		actor := h.actor(n)
		for what, try := range map[string]func() error{
			"open": func() error {
				_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: actor, Name: "x"})
				return err
			},
			"join":   func() error { _, err := call(h, hub.JoinRoom, h.request(n, id)); return err },
			"keep":   func() error { _, err := call(h, hub.KeepRoom, h.request(n, id)); return err },
			"close":  func() error { _, err := call(h, hub.CloseRoom, h.request(n, other)); return err },
			"rename": func() error { _, err := h.change(n, other, room.DoRename, text("x")); return err },
			"claim":  func() error { _, err := h.change(n, id, room.DoClaim); return err },
			"knock": func() error {
				_, err := call(h, hub.Knock, room.KnockRequest{Actor: actor, RoomID: id})
				return err
			},
			"wait": func() error { _, err := h.wait(n, id, false); return err },
			"invite": func() error {
				_, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: actor, RoomID: other})
				return err
			},
		} {
			if err := try(); !errs.Has(err, errs.Forbidden) {
				t.Errorf("%s: %s: %v", n, what, err)
			}
		}
	}
	// Somebody pending keeps a place, and is let in once they accept the server's rules, not before.
	way, err := call(h, hub.RedeemInvite, h.redeemRequest("priya", r.Invite.Code))
	if h.Must(err); !way.OnTheWay {
		t.Errorf("somebody pending is let in: %+v", way)
	}
	if slices.Contains(h.view("jonas", id).Room.Access.Guests, h.People["priya"]) {
		t.Error("somebody pending is a guest")
	}
	h.clock.Forward(2 * time.Hour)
	h.theirs.Forward(2 * time.Hour)
	if _, err := call(h, hub.JoinRoom, h.request("kiyo", id)); err != nil {
		t.Errorf("when the timeout is over: %v", err)
	}
}

// Who is muted in the category is a guest who listens: no place of Snug's gets anybody past what the server denies.
func TestMutedGuestsListen(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	muted := h.role("Muted", 0, "kiyo")
	category := h.add(discordsim.ChannelOptions{Name: "Tables", Type: discordsim.ChannelCategory,
		Overwrites: []discordsim.Overwrite{
			{ID: muted, Deny: discordsim.PermSpeak | discordsim.PermStream},
		}})
	h.settings(`{"category_id":"` + category.String() + `"}`)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	speaks := func(name string) bool {
		p, err := h.Discord.PermissionsIn(h.People[name], id)
		h.Must(err)
		return p.Has(seeAndEnter | discordsim.PermSpeak)
	}
	for _, n := range []string{"kiyo", "priya"} {
		h.Must(h.redeem(n, r.Invite.Code))
	}
	told := func(when string) {
		t.Helper()
		if !h.has("kiyo", id) || speaks("kiyo") || !speaks("priya") || !speaks("jonas") {
			t.Errorf("%s: kiyo is in: %v; kiyo speaks: %v, priya: %v, jonas: %v",
				when, h.has("kiyo", id), speaks("kiyo"), speaks("priya"), speaks("jonas"))
		}
	}
	told("let in one by one")
	h.changed("jonas", id, room.DoLock)
	told("after all overwrites were told anew")
}
