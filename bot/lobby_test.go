package bot_test

import (
	"context"
	"fmt"
	"slices"
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

func TestLobbies(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	category := h.add(discordsim.ChannelOptions{Name: "Tables", Type: discordsim.ChannelCategory})
	wide := h.add(discordsim.ChannelOptions{Name: "Join me", Type: discordsim.ChannelVoice, Parent: category})
	open, soon := false, guild.Duration(0)
	h.lobby(guild.Lobby{ChannelID: wide}, "")
	duo := h.lobby(guild.Lobby{
		Seats: 2, Private: &open, NameTemplate: "Duo {n}: {owner} {game}", IdleTimeout: &soon, CategoryID: category,
	},
		"Duo lobby").Lobby.ChannelID
	if len(h.channels()) < 4 {
		t.Fatal("no channel was made for the lobby")
	}
	order := h.order()

	h.Must(h.Join("kiyo", wide))
	a := h.opened("kiyo").Room
	h.awaitRoster(a.ID, "kiyo")
	if a.Seats != 4 || !a.Access.Private || a.Name != "Kiyo's room" || h.parent(a.ID) != category {
		t.Errorf("the first lobby's room: %+v in %d", a, h.parent(a.ID))
	}
	h.Must(h.Join("ada", duo))
	b := h.opened("ada").Room
	h.awaitRoster(b.ID, "ada")
	if b.Seats != 2 || b.Access.Private || b.Name != "Duo 2: Ada" || h.parent(b.ID) != category {
		t.Errorf("the second lobby's room: %+v", b)
	}
	if got := h.order(); !slices.Equal(got[:len(order)], order) {
		t.Errorf("the order of channels was %v and is %v", order, got)
	}

	h.Must(h.Join("kiyo", wide)) // again: into the room there is
	h.awaitRoster(a.ID)
	h.awaitRoster(a.ID, "kiyo")
	if n := h.asked("POST /guilds/{guild}/channels"); n != 3 { // the lobby and two rooms
		t.Errorf("%d channels were made", n)
	}
	h.Leave("ada")
	h.await("the duo's seat is held a while", func(l map[snowflake.ID]room.Live) bool {
		return len(l[b.ID].Roster) == 0 && len(l[b.ID].Room.Held) == 1 && l[b.ID].Room.ClosingAt.IsZero()
	})
	h.clock.Forward(time.Minute)
	h.sweep()
	h.clock.Forward(31 * time.Second)
	h.sweep()
	h.await("the duo's room is gone, the other stands", func(l map[snowflake.ID]room.Live) bool {
		_, there := l[b.ID]
		return !there && len(l[a.ID].Roster) == 1
	})
	if got := h.order(); !slices.Equal(got[:len(order)], order) {
		t.Errorf("after a closing the order of channels was %v and is %v", order, got)
	}

	done, err := call(h, hub.RemoveLobby, guild.LobbyRemoval{Actor: h.actor("mara"), ChannelID: duo, Delete: true})
	h.Must(err)
	if _, there := h.channels()[duo]; there || len(done.Lobbies) != 1 {
		t.Errorf("the lobby stays: %+v", done)
	}
	_, err = call(h, hub.SaveLobby, guild.LobbyRequest{Actor: h.actor("mara"), Lobby: guild.Lobby{ChannelID: a.ID}})
	h.wantCode(err, errs.Invalid)
	_, err = call(h, hub.SaveLobby, guild.LobbyRequest{Actor: h.actor("jonas")})
	h.wantCode(err, errs.Forbidden)
}

// order gives the server's channels as Discord shows them: by position, then by age.
func (h *harness) order() (out []snowflake.ID) {
	var list []struct {
		ID       snowflake.ID `json:"id"`
		Position int          `json:"position"`
	}
	h.get("/guilds/"+h.Guild.String()+"/channels", &list)
	slices.SortStableFunc(list, func(a, b struct {
		ID       snowflake.ID `json:"id"`
		Position int          `json:"position"`
	}) int {
		if a.Position != b.Position {
			return a.Position - b.Position
		}
		return int(a.ID>>22) - int(b.ID>>22)
	})
	for _, c := range list {
		out = append(out, c.ID)
	}
	return out
}

func (h *harness) parent(id snowflake.ID) snowflake.ID {
	var c struct {
		Parent snowflake.ID `json:"parent_id"`
	}
	h.get("/channels/"+id.String(), &c)
	return c.Parent
}

func TestLeavingDuringCreationLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	lobby := h.lobby(guild.Lobby{}, "Lobby").Lobby.ChannelID
	before := len(h.channels())
	h.requests.Lock()
	h.requests.hook = func(route string) {
		if strings.HasPrefix(route, "POST /guilds/{guild}/channels") {
			// the channel is made, and Snug does not know yet
			h.Leave("kiyo")
		}
	}
	h.requests.Unlock()
	h.Must(h.Join("kiyo", lobby))
	h.await("the room is closed again", func(l map[snowflake.ID]room.Live) bool {
		return len(l) == 0 && slices.Contains(h.facts.story, "closed abandoned")
	})
	h.eventually("its channel is gone", func() bool { return len(h.channels()) == before })
	left, err := h.hub.PendingCreates.List(h.soon(), h.Guild.String())
	h.Must(err)
	rooms, err := h.hub.Rooms.List(h.soon(), h.Guild.String())
	h.Must(err)
	if len(left) != 0 || len(rooms) != 0 {
		t.Errorf("%d intentions and %d rooms are left", len(left), len(rooms))
	}
	h.requests.Lock()
	h.requests.hook = nil
	h.requests.Unlock()

	h.whileDown(func() { h.Must(h.Join("priya", lobby)) }) // who came while Snug was away is served after it
	h.awaitRoster(h.opened("priya").Room.ID, "priya")
}

// Fifty channels fill a category; the next room goes into a further one.
func TestOverflowIntoAFurtherCategory(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	verified := h.role("Verified", 0)
	category := h.add(discordsim.ChannelOptions{
		Name: "Rooms", Type: discordsim.ChannelCategory,
		Overwrites: []discordsim.Overwrite{{ID: verified, Deny: discordsim.PermSpeak}},
	})
	for i := range 49 {
		h.add(discordsim.ChannelOptions{Name: fmt.Sprint("text", i), Type: discordsim.ChannelText, Parent: category})
	}
	h.settings(fmt.Sprintf(`{"category_id":"%d","rooms_per_member":9}`, category))
	first, second, third := h.open("jonas", "1"), h.open("jonas", "2"), h.open("kiyo", "3")
	further := h.parent(second.Room.ID)
	if h.parent(first.Room.ID) != category || further == category || further == 0 ||
		h.parent(third.Room.ID) != further {
		t.Fatalf("rooms lie in %d, %d and %d", h.parent(first.Room.ID), further, h.parent(third.Room.ID))
	}
	if c := h.channels()[further]; c.Name != "Rooms 2" {
		t.Errorf("the further category is called %q", c.Name)
	}
	if _, deny, ok := h.overwrite(further, verified); !ok || deny != int64(discordsim.PermSpeak) {
		t.Error("the further category has not the first one's overwrites")
	}
	h.whileDown(func() {}) // it is known again by its name and mark
	fourth := h.open("ada", "4")
	if h.parent(fourth.Room.ID) != further {
		t.Errorf("after a restart a room lies in %d", h.parent(fourth.Room.ID))
	}
	for name, id := range map[string]snowflake.ID{
		"jonas": first.Room.ID, "kiyo": third.Room.ID, "ada": fourth.Room.ID,
	} {
		_, err := call(h, hub.CloseRoom, h.request(name, id))
		h.Must(err)
	}
	if fifth := h.open("priya", "5"); h.parent(fifth.Room.ID) != category {
		t.Errorf("with space again a room lies in %d", h.parent(fifth.Room.ID))
	}
	_, err := call(h, hub.CloseRoom, h.request("jonas", second.Room.ID))
	h.Must(err)
	if _, there := h.channels()[further]; there {
		t.Error("the empty further category stays")
	}
	if _, there := h.channels()[category]; !there {
		t.Error("the category itself is gone")
	}
}

func TestOpeningTooOften(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	lobby := h.lobby(guild.Lobby{}, "Lobby").Lobby.ChannelID
	for range 6 {
		r := h.open("jonas", "Again")
		_, err := call(h, hub.CloseRoom, h.request("jonas", r.Room.ID))
		h.Must(err)
	}
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas")})
	h.wantCode(err, errs.RateLimited)
	if after := errs.Public(err).RetryAfter; after <= 0 || after > 5*time.Minute {
		t.Errorf("the next is promised in %v", after)
	}
	h.Must(h.Join("jonas", lobby))
	h.told("jonas", "couldn't open a room", "6 rooms")
	h.open("kiyo", "Others may")
	h.clock.Forward(5*time.Minute + time.Second)
	h.Leave("jonas")
	h.open("jonas", "Later")
}

func TestServerLimitOfChannels(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := len(h.channels()); i < 500; i++ {
		h.add(discordsim.ChannelOptions{Name: fmt.Sprint("text", i), Type: discordsim.ChannelText})
	}
	_, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor("jonas")})
	h.wantCode(err, errs.RoomLimit)
	if !strings.Contains(err.Error(), "500") {
		t.Errorf("the limit is not named: %v", err)
	}
	left, err := h.hub.PendingCreates.List(context.Background(), h.Guild.String())
	h.Must(err)
	if len(left) != 0 {
		t.Errorf("%d intentions are left", len(left))
	}
}

// TestInactiveChannelIsNoLobby: Discord moves people who are idle there, and they want no room. One that becomes the
// inactive channel after it was a lobby opens none.
func TestInactiveChannelIsNoLobby(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.heard(h.Discord.SetAFKChannel(h.Guild, h.public))
	other := h.add(discordsim.ChannelOptions{Name: "Join to play", Type: discordsim.ChannelVoice})
	h.eventually("the inactive channel is refused", func() bool {
		_, err := call(h, hub.SaveLobby,
			guild.LobbyRequest{Actor: h.actor("mara"), Lobby: guild.Lobby{ChannelID: h.public}})
		return errs.Has(err, errs.Invalid) && strings.Contains(err.Error(), "inactive channel")
	})
	byFile := fmt.Appendf(nil, `{"lobbies":[{"channel_id":"%d"}]}`, h.public)
	_, err := call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: byFile})
	h.wantCode(err, errs.Invalid)
	_, err = call(h, hub.SaveLobby, guild.LobbyRequest{Actor: h.actor("mara"), Lobby: guild.Lobby{ChannelID: other}})
	h.Must(err)
	h.heard(h.Discord.SetAFKChannel(h.Guild, other))
	h.eventually("the lobby is the inactive channel now", func() bool {
		_, err := call(h, hub.SaveLobby,
			guild.LobbyRequest{Actor: h.actor("mara"), Lobby: guild.Lobby{ChannelID: other}})
		return errs.Has(err, errs.Invalid)
	})
	_, err = call(h, hub.SaveLobby, guild.LobbyRequest{Actor: h.actor("mara"), Lobby: guild.Lobby{ChannelID: h.public}})
	h.Must(err)
	h.Must(h.Join("jonas", other))
	h.Must(h.Join("kiyo", h.public)) // is looked at after jonas
	h.await("one room, of who came into the lobby", func(l map[snowflake.ID]room.Live) bool {
		for _, r := range l {
			if r.Room.Access.OwnerID != h.People["kiyo"] {
				t.Errorf("a room of %v", r.Room.Access.OwnerID)
			}
		}
		return len(l) == 1
	})
}
