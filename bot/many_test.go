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
	"snug/shared/room"
)

// masses adds members to the server.
func (h *harness) masses(n int) (ids []snowflake.ID) {
	h.Helper()
	for i := range n {
		u := h.Discord.AddUser(fmt.Sprint("mass", i), "")
		h.Must(h.Discord.AddMember(h.Guild, u.ID, ""))
		ids = append(ids, u.ID)
	}
	return ids
}

// crowded opens a room of jonas's with so many guests and bans from before.
func (h *harness) crowded(guests, banned []snowflake.ID) snowflake.ID {
	h.Helper()
	p := room.Preferences{Guests: guests, Banned: banned}
	_, err := h.hub.Members.Put(h.soon(), h.Guild.String()+"."+h.People["jonas"].String(), p)
	h.Must(err)
	id := h.open("jonas", "Party").Room.ID
	h.eventually("all have their overwrites", func() bool {
		return len(h.channels()[id].Overwrites) >= len(guests)+len(banned)+2 && !h.due(id)
	})
	return id
}

// due says whether Discord is still to be told of a room's access.
func (h *harness) due(id snowflake.ID) bool { return h.doc(id).Pending.Access }

// doc is what Snug keeps of a room.
func (h *harness) doc(id snowflake.ID) room.Room {
	h.Helper()
	doc, _, err := h.hub.Rooms.Get(h.soon(), h.Guild.String()+"."+id.String())
	h.Must(err)
	return doc
}

// mayJoin says whether somebody may see and enter a channel, as Discord says. It doesn't send them in: someone who goes
// in and leaves again may still be in the room for Snug when the next step says who stays.
func (h *harness) mayJoin(user, channel snowflake.ID) bool {
	h.Helper()
	p, err := h.Discord.PermissionsIn(user, channel)
	h.Must(err)
	return p.Has(seeAndEnter)
}

// A request takes a hundred overwrites; rooms with more are locked, opened, closed and mended all the same.
func TestMoreThanAHundredOverwrites(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { l.Buckets, l.GlobalPerSecond = false, 0 })
	h.settings(`{"private":false,"seat_grace":"0s"}`)
	people := h.masses(140)
	guests, banned := people[:65], people[65:130]
	id := h.crowded(guests, banned)
	check := func(when string, stranger bool) {
		t.Helper()
		for _, last := range []struct {
			who  snowflake.ID
			want bool
		}{
			{guests[0], true}, {guests[64], true}, {banned[0], false}, {banned[64], false}, {people[135], stranger},
			{h.People["jonas"], true},
		} {
			if got := h.mayJoin(last.who, id); got != last.want {
				t.Errorf("%s: %d may enter: %v", when, last.who, got)
			}
		}
	}
	check("open", true)
	for _, step := range []struct {
		do       room.Action
		stranger bool
	}{
		{room.DoLock, false}, {room.DoUnlock, true}, {room.DoPrivate, false}, {room.DoHide, false},
		{room.DoPublic, true},
	} {
		before := h.asked("PUT /channels/{channel}/permissions")
		h.changed("jonas", id, step.do)
		if n := h.asked("PUT /channels/{channel}/permissions") - before; n > 5 {
			t.Errorf("%s took %d requests that change something", step.do, n)
		}
		check(string(step.do), step.stranger)
	}

	// Repair finds what was taken by hand, and puts it back.
	h.changed("jonas", id, room.DoPrivate)
	h.whileDown(func() {
		for _, who := range append(append([]snowflake.ID{}, guests[50:]...), banned[40:]...) {
			h.do(http.MethodDelete, fmt.Sprintf("/channels/%d/permissions/%d", id, who), nil).Body.Close()
		}
	})
	asked := 0
	h.eventually("everybody has their place again", func() bool {
		if asked++; asked%50 == 0 { // what Discord told late of the deletions stops a repair; a sweep goes on with it
			h.clock.Forward(31 * time.Second)
			h.sweep()
		}
		return len(h.channels()[id].Overwrites) == len(guests)+len(banned)+3 && !h.due(id)
	})
	check("repaired", false)
}

// A refusal in the middle leaves what was decided undone in the room, and Discord is told what holds.
func TestRefusedHalfWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { l.Buckets, l.GlobalPerSecond = false, 0 })
	h.settings(`{"private":false}`)
	helpers := []snowflake.ID{h.role("Helpers", 0, "priya"), h.role("More helpers", 0, "ada")}
	h.settings(fmt.Sprintf(`{"helper_roles":["%d","%d"]}`, helpers[0], helpers[1]))
	id := h.crowded(h.masses(120), nil)
	// Closing takes two steps: everyone is kept out, then helpers are let in. The second is refused.
	_, err := h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultAnswer, Body: `{"code":50013,"message":"Missing Permissions"}`,
		Route: "PUT /channels/{channel}/permissions/{overwrite}", Skip: 1, Count: 1,
	})
	h.Must(err)
	_, err = h.change("jonas", id, room.DoPrivate)
	h.wantCode(err, errs.MissingPermission)
	if h.view("jonas", id).Room.Access.Private {
		t.Error("the room looks private")
	}
	h.clock.Forward(time.Minute)
	h.sweep()
	h.eventually("the room is open again", func() bool { return !h.due(id) })
	if _, deny, _ := h.overwrite(id, h.Guild); deny&int64(discordapi.EveryoneDeny) != 0 {
		t.Error("an open room is closed in Discord")
	}
}
