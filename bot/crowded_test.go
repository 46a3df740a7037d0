package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// named gives a category's overwrites for people, one in three denied and the others allowed, and the bot's own.
func (h *harness) named(people []snowflake.ID) (list []discordsim.Overwrite) {
	list = append(list, discordsim.Overwrite{ID: h.App.ID, Member: true,
		Allow: seeAndEnter | discordsim.PermManageChannels | discordsim.PermMoveMembers})
	for i, u := range people {
		o := discordsim.Overwrite{ID: u, Member: true, Allow: seeAndEnter}
		if i%3 == 0 {
			o.Allow, o.Deny = 0, seeAndEnter
		}
		list = append(list, o)
	}
	return list
}

// A channel is made with a hundred overwrites at most (OpenAPI: permission_overwrites, maxItems 100). Below a
// category with more, rooms are opened all the same, by command and through a lobby, and at no moment let in
// whom the category denies.
func TestRoomBelowACrowdedCategory(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	people := h.masses(150)
	category := h.add(discordsim.ChannelOptions{
		Name: "Crowd", Type: discordsim.ChannelCategory, Overwrites: h.named(people),
	})
	h.settings(fmt.Sprintf(`{"private":false,"category_id":"%d"}`, category))
	check := func(what string, id snowflake.ID) {
		t.Helper()
		for _, i := range []int{0, 3, 99, 147} {
			if h.mayJoin(people[i], id) {
				t.Errorf("%s: %d, who is denied, may enter", what, i)
			}
		}
	}
	whole := func(what string, id snowflake.ID) {
		t.Helper()
		h.eventually(what+" has all overwrites", func() bool {
			return !h.due(id) && len(h.channels()[id].Overwrites) >= len(people)+2
		})
		check(what, id)
		for _, i := range []int{1, 2, 149} {
			if !h.mayJoin(people[i], id) {
				t.Errorf("%s: %d, who is allowed, may not enter", what, i)
			}
		}
	}
	slow := h.slow("PUT /channels/{channel}/permissions/{overwrite}", 20*time.Millisecond)
	id := h.open("jonas", "Friday").Room.ID
	check("at once", id)
	slow()
	whole("the room", id)
	h.changed("jonas", id, room.DoLock)
	check("locked", id)
	h.changed("jonas", id, room.DoUnlock)
	whole("unlocked", id)

	lobby := h.lobby(guild.Lobby{CategoryID: category}, "Come in").Lobby.ChannelID
	check("the lobby", lobby)
	h.Must(h.Join("kiyo", lobby))
	mine := h.opened("kiyo").Room.ID
	check("at once, from the lobby", mine)
	whole("the lobby's room", mine)
}

// A channel holds a thousand overwrites (error 30060). Where a category has them all there is no space for a
// room's own: nothing is left out to make it fit, and it is said what to do.
func TestRoomBelowAFullCategory(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	people := h.masses(999)
	category := h.add(discordsim.ChannelOptions{
		Name: "Crowd", Type: discordsim.ChannelCategory, Overwrites: h.named(people),
	})
	h.settings(fmt.Sprintf(`{"private":false,"category_id":"%d"}`, category))
	before := len(h.channels())
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: "Friday"})
	h.wantCode(err, errs.RoomLimit)
	const says = "The category has 1000 permission overwrites"
	if !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "/snug settings") {
		t.Errorf("it says: %v", err)
	}
	h.wantText(h.Command("jonas", "create-room", map[string]any{"name": "Friday"}), says, "choose another category")
	if n := len(h.channels()); n != before {
		t.Errorf("%d channels were made", n-before)
	}
	for _, u := range people[:10] { // as many as a room needs, and some
		h.do(http.MethodDelete, fmt.Sprintf("/channels/%d/permissions/%d", category, u), nil).Body.Close()
	}
	h.eventually("a room is opened", func() bool {
		_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas"), Name: "Friday"})
		return err == nil
	})
}
