package bot_test

import (
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

// Many lose their place at once, and have it back, while a moderator changes overwrites of the same channel by hand:
// what they change stays, whether Discord has told of it or not, and nobody whom they deny is allowed anything.
func TestDenialsByHandWhileManyAreReviewed(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(map[bool]string{false: "told at once", true: "told late"}[late], func(t *testing.T) {
			t.Parallel()
			testReviewOfMany(t, late)
		})
	}
}

// isOut gives why somebody's place in a room is suspended.
func (h *harness) isOut(id, user snowflake.ID) access.Barrier {
	h.Helper()
	doc := h.doc(id)
	why, _ := doc.SuspendedFor(user)
	return why
}

func testReviewOfMany(t *testing.T, late bool) {
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	role := func(name string, users ...snowflake.ID) snowflake.ID {
		id := h.role(name, 0)
		for _, u := range users {
			h.Must(h.Discord.SetRoles(h.Guild, u, id))
		}
		return id
	}
	many := h.masses(8)
	h.Must(h.Discord.SetRoles(h.Guild, h.People["jonas"]))
	regulars := role("Regulars", many...)
	staff := role("Staff", h.People["jonas"], h.People["priya"], h.People["tomas"])
	listeners := role("Listeners")
	gate := []discordsim.Overwrite{
		{ID: h.Guild, Deny: seeAndEnter}, {ID: regulars, Allow: seeAndEnter}, {ID: staff, Allow: seeAndEnter},
		{ID: h.App.ID, Member: true, Allow: seeAndEnter | discordsim.PermManageChannels | discordsim.PermMoveMembers},
	}
	category := h.add(discordsim.ChannelOptions{Name: "Members", Type: discordsim.ChannelCategory, Overwrites: gate})
	h.settings(`{"category_id":"` + category.String() + `"}`)
	r := h.open("jonas", "Friday")
	id := r.Room.ID
	link, err := call(h, hub.CreateInvite, room.InviteRequest{Actor: h.actor("jonas"), RoomID: id, Uses: 20})
	h.Must(err)
	for i, u := range many {
		h.People[string(rune('a'+i))] = u
		h.Must(h.redeem(string(rune('a'+i)), link.Code))
	}
	for _, n := range []string{"priya", "tomas"} {
		h.Must(h.redeem(n, link.Code))
	}
	outs := func(want access.Barrier) func() bool {
		return func() bool {
			doc := h.doc(id)
			return !slices.ContainsFunc(many, func(u snowflake.ID) bool {
				why, _ := doc.SuspendedFor(u)
				return why != want
			})
		}
	}
	// byHand makes a change that begins a review, and one by hand while Discord's answers to what follows are late.
	byHand := func(review discordsim.Overwrite, change func()) {
		t.Helper()
		const one = "/channels/{channel}/permissions/{overwrite}"
		for _, route := range []string{"PATCH /channels/" + id.String(), "PUT " + one, "DELETE " + one} {
			_, err := h.Discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultLatency, Route: route, Count: 1, Delay: 0.7,
			})
			h.Must(err)
		}
		looked := h.asked("GET /channels/{channel}")
		h.Must(h.Discord.SetOverwrite(category, review))
		h.eventually("the review is under way", func() bool { return h.asked("GET /channels/{channel}") > looked })
		if late {
			_, err := h.Discord.Inject(discordsim.Fault{
				Kind: discordsim.FaultDelay, Event: "CHANNEL_UPDATE", Count: 1, Delay: 2,
			})
			h.Must(err)
		}
		change()
	}
	deny := func(name string) { // and doesn't wait until the bot has heard of it
		t.Helper()
		h.Must(h.Discord.SetOverwrite(id, discordsim.Overwrite{ID: h.People[name], Member: true, Deny: seeAndEnter}))
	}
	told := func(when string) {
		t.Helper()
		h.eventually(when+": the denied guest is suspended", func() bool {
			return h.isOut(id, h.People["priya"]) == access.OwnDenial && h.denied(id, "priya") == seeAndEnter &&
				!h.has("priya", id)
		})
		if _, deny, _ := h.overwriteOf(id, listeners); deny != int64(discordsim.PermSpeak) {
			t.Errorf("%s: the role is denied %b", when, deny)
		}
		if !h.has("tomas", id) || !h.has("jonas", id) {
			t.Errorf("%s: tomas enters: %v, jonas: %v", when, h.has("tomas", id), h.has("jonas", id))
		}
	}

	byHand(discordsim.Overwrite{ID: regulars}, func() {
		deny("priya")
		h.Must(h.Discord.SetOverwrite(id, discordsim.Overwrite{ID: listeners, Deny: discordsim.PermSpeak}))
	})
	h.eventually("all lost their place", outs(access.MissingRole))
	h.eventually("Discord lets none of them in", func() bool {
		return !h.due(id) && !slices.ContainsFunc(many, func(u snowflake.ID) bool { return h.mayJoin(u, id) })
	})
	told("suspended")

	byHand(discordsim.Overwrite{ID: regulars, Allow: seeAndEnter}, func() { deny("h") })
	h.eventually("the others have it back", func() bool {
		return !h.due(id) && !slices.ContainsFunc(many[:7], func(u snowflake.ID) bool { return !h.mayJoin(u, id) })
	})
	h.eventually("the last is denied", func() bool {
		return h.isOut(id, h.People["h"]) == access.OwnDenial && h.denied(id, "h") == seeAndEnter && !h.has("h", id)
	})
	told("restored")
	h.clock.Forward(time.Hour)
	h.sweep()
	told("after a sweep")
}
