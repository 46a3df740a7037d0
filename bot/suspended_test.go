package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// asks answers a command of somebody's, as they type it in the lounge.
func (h *harness) asks(name, command string, options map[string]any) *discordsim.Answer {
	h.Helper()
	a, err := h.try(name, command, h.public, options)
	h.Must(err)
	return a
}

// Whose place is suspended is told in Discord what is missing and what to do: by info, commands and forms alike; the
// owner is told of their guests, the panel's readers who it is, and a stranger to the room nothing at all.
func TestSuspendedIsToldInDiscord(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	_, verified := h.gatedCategory("jonas", "kiyo", "priya")
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	for _, n := range []string{"kiyo", "priya"} {
		h.Must(h.redeem(n, r.Invite.Code))
	}
	card := map[string]any{"room": id.String()}
	board := h.panel("jonas", id, "is there", func(*discordsim.Message) bool { return true })

	h.Must(h.Discord.SetRoles(h.Guild, h.People["kiyo"]))
	const lacks = "you need a role there: Verified"
	h.wantText(h.asks("kiyo", "room info", card), "Friday", lacks, "Ask a manager of the server")
	h.wantText(h.asks("kiyo", "room info", map[string]any{"room": "friday"}), lacks)
	h.wantText(h.asks("kiyo", "room rename", map[string]any{"room": id.String(), "name": "Mine"}), lacks)
	h.eventually("she is suspended", func() bool { return h.isOut(id, h.People["kiyo"]) == access.MissingRole })
	kiyo := "<@" + h.People["kiyo"].String() + ">"
	h.wantText(h.asks("jonas", "room info", card), kiyo+": they need a role: Verified")
	h.panel("jonas", id, "names her", func(m *discordsim.Message) bool {
		return strings.Contains(m.Text(), "doesn't let these people in right now: "+kiyo)
	})
	for _, n := range []string{"tomas", "ada"} { // who never had a place
		told := h.asks(n, "room info", card).Message.Text()
		if strings.Contains(told, "Friday") || strings.Contains(told, "Verified") {
			t.Errorf("%s is told: %s", n, told)
		}
	}

	// The owner loses theirs: by a command without a room's name, and by a form that is asked for at once.
	h.Must(h.Discord.SetRoles(h.Guild, h.People["jonas"]))
	says := func(name string, options map[string]any, words string) func() bool {
		return func() bool { return strings.Contains(h.asks(name, "room info", options).Message.Text(), words) }
	}
	h.eventually("he is told", says("jonas", nil, lacks))
	for _, command := range []string{"room rename", "room lock", "room keep", "room close", "invite"} {
		h.wantText(h.asks("jonas", command, nil), lacks)
	}
	h.panel("priya", id, "names both", func(m *discordsim.Message) bool {
		return strings.Contains(m.Text(), "right now: <@"+h.People["jonas"].String()+">") && m.ID == board.ID
	})

	// Pending, and denied: another sentence each.
	h.Must(h.Discord.SetRoles(h.Guild, h.People["kiyo"], verified))
	h.view2("kiyo", id)
	h.Must(h.Discord.SetPending(h.Guild, h.People["kiyo"], true))
	h.eventually("rules, where Discord's app lets them ask", func() bool {
		_, err := call(h, hub.ViewRoom, h.request("kiyo", id))
		return errs.Has(err, errs.RoomNotFound) && strings.Contains(err.Error(), "accept this server's rules")
	})
	h.eventually("she is kept out in Discord, too", func() bool { return !h.has("kiyo", id) })
	h.Must(h.Discord.SetPending(h.Guild, h.People["kiyo"], false))
	h.view2("kiyo", id)
	// What is denied before Snug has let her in again in Discord, too, would give way to that.
	h.eventually("she is let in again in Discord", func() bool { return h.has("kiyo", id) })
	h.deny(id, "kiyo", discordsim.PermViewChannel)
	h.eventually("a denial", says("kiyo", card, "this server doesn't let you in there"))

}

// Who is on their way is listed for the room's owner with what they still have to do, and the owner can take the place
// back: Discord's invite goes with it.
func TestOwnerSeesWhoIsOnTheWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.heard(h.Discord.SetScreening(h.Guild, true))
	id := h.open("jonas", "Friday").Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 5})
	h.Must(err)
	h.follow("stranger", link.Code)
	first := h.step("stranger", id, room.StepJoin)
	h.People["late"] = h.Discord.AddUser("late", "Late").ID
	h.Must(h.Discord.AddMember(h.Guild, h.People["late"], ""))
	h.follow("late", link.Code)
	way := func() map[snowflake.ID]room.OnTheWay {
		out := map[snowflake.ID]room.OnTheWay{}
		for _, w := range h.view("jonas", id).Control.OnTheWay {
			out[w.UserID] = w
		}
		return out
	}
	list := way()
	s, l := list[h.stranger()], list[h.People["late"]]
	if len(list) != 2 || s.Step != room.StepJoin || l.Step != room.StepRules || l.Name != "Late" ||
		s.InviteID != link.Invite.ID || !s.Until.After(h.clock.Now()) {
		t.Fatalf("on their way: %+v", list)
	}
	a := h.Command("jonas", "room info", map[string]any{"room": id.String()})
	const still = "on their way: they still have to accept "
	h.wantText(a, still+"Discord’s invite", still+"the server’s rules")

	// They go on: the rules are accepted, and the room is locked.
	h.changed("jonas", id, room.DoLock)
	h.Must(h.Discord.SetPending(h.Guild, h.People["late"], false))
	h.clock.Forward(6 * time.Second)
	h.step("late", id, room.StepWait)
	if l := way()[h.People["late"]]; l.Step != room.StepWait || l.Why != access.Passes {
		t.Errorf("behind a lock: %+v", l)
	}
	h.wantText(h.Command("jonas", "room info", map[string]any{"room": id.String()}), "the room is locked")

	// Taken back by the menu below the answer.
	m := a.Message
	who := h.press("jonas", m.ID, h.menu(m).CustomID, h.stranger().String())
	h.wantText(h.press("jonas", who.Message.ID, "Kick"), "was kicked from")
	if _, there := way()[h.stranger()]; there || len(h.discords(id)) != 0 {
		t.Errorf("taken back: %+v, invites %v", way(), h.discords(id))
	}
	if _, err := h.Discord.UseInvite(discordsim.ID(h.stranger()), first.Code); err == nil {
		t.Error("Discord's invite still works")
	}
	h.changed("jonas", id, room.DoKick, h.at("late"))
	h.changed("jonas", id, room.DoUnlock)
	h.sweep()
	if list := way(); len(list) != 0 || h.view("jonas", id).Room.Access.Admitted(h.People["late"]) {
		t.Errorf("left: %+v", list)
	}
}

// Whom a denial leaves their eyes sees the room, and in it why they have no place.
func TestSuspendedWhoSeesTheRoom(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.deny(id, "kiyo", discordsim.PermConnect)
	h.eventually("she is suspended", func() bool { return h.isOut(id, h.People["kiyo"]) == access.OwnDenial })
	card := map[string]any{"room": id.String()}
	h.wantText(h.asks("kiyo", "room info", card), "Friday", "Your place in", "is suspended",
		"ask one of its managers")
	if v := h.view("kiyo", id); v.Suspended == nil || h.view("jonas", id).Suspended != nil {
		t.Errorf("her view says %v", v.Suspended)
	}
	h.wantText(h.asks("jonas", "room info", card), "the server denies them access by name")
}
