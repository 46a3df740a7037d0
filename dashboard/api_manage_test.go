package dashboard

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// channels gives the names of the friends' channels in Discord.
func (b *bench) channels() (names []string) {
	b.t.Helper()
	list, err := b.bot.Discord.Channels(b.t.Context(), friends)
	b.must(err)
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

// TestManagingByProgram: settings, lobbies and the first setup, with answers as described.
func TestManagingByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hub.PlacesOf.Serve(b.bot.Calls, func( // the bot's own, not its rooms'
		context.Context, snowflake.ID, guild.ManageRequest,
	) (guild.ChannelsAndRoles, error) {
		return guild.ChannelsAndRoles{Voice: []guild.NamedID{{ID: 8, Name: "Voice", ParentID: 7}}}, nil
	})
	w, at := b.signedIn(manager), "/api/v1/guilds/100"
	b.settings(`{"seats":6}`)
	b.settings(`{"seats":7}`)
	var h gotVersions
	if w.api("GET", at+"/settings/history", "").json(&h); len(h.Versions) != 3 || *h.Versions[0].By != manager ||
		h.Versions[0].Changes[0].New != "7" || h.Versions[1].Settings.Seats != 6 || h.Versions[2].At != nil {
		t.Fatalf("the history is %+v", h)
	}
	six := strconv.FormatUint(h.Versions[1].Rev, 10)
	var s wire.SettingsAt
	if got := w.api("POST", at+"/settings/undo", `{"rev":`+six+`}`); got.status != 200 ||
		got.header.Get("ETag") == "" {
		t.Errorf("undo: %d %s", got.status, got.body)
	}
	if w.api("GET", at+"/settings", "").json(&s); s.Settings.Seats != 6 {
		t.Errorf("undone, a room has %d seats", s.Settings.Seats)
	}
	hall := b.bot.Discord.AddChannel(rooms.KindVoice, "Hall", 0).String()
	if got := w.api("POST", at+"/lobbies",
		`{"channel_id":"`+hall+`","seats":5,"private":false,"idle_timeout":"30m"}`); got.status != 200 {
		t.Errorf("a lobby: %d %s", got.status, got.body)
	}
	if got := w.api("GET", at+"/lobbies", ""); got.status != 200 || !strings.Contains(got.body, `"`+hall+`"`) ||
		!strings.Contains(got.body, `"seats":5`) || !strings.Contains(got.body, `"idle_timeout":"30m"`) {
		t.Errorf("lobbies: %d %s", got.status, got.body)
	}
	if got := w.api("POST", at+"/lobbies", `{"channel_id":"`+hall+`","name":"x"}`); got.status != 400 ||
		got.problem().Field != "name" {
		t.Errorf("a name for a channel that is there: %d %s", got.status, got.body)
	}
	if got := w.api("DELETE", at+"/lobbies/"+hall+"?delete_channel=true", ""); got.status != 204 ||
		slices.Contains(b.channels(), "Hall") {
		t.Errorf("removing: %d %s, there are %v", got.status, got.body, b.channels())
	}
	if got := w.api("POST", at+"/setup", ""); got.status != 200 || len(b.channels()) != 0 {
		t.Errorf("only looking: %d %s, there are %v", got.status, got.body, b.channels())
	}
	if got := w.api("POST", at+"/setup", `{"apply":true,"lobby_name":"Foyer"}`); got.status != 200 ||
		!slices.Contains(b.channels(), "Foyer") {
		t.Errorf("setting up: %d %s, there are %v", got.status, got.body, b.channels())
	}
	var p gotPlaces
	if w.api("GET", at+"/places", "").json(&p); len(p.Voice) != 1 || *p.Voice[0].ParentID != 7 || p.Roles == nil {
		t.Errorf("places: %+v", p)
	}
	if got := b.signedIn(member).api("GET", at+"/settings/history", ""); got.status != 403 ||
		got.problem().Code != errs.Forbidden {
		t.Errorf("a member: %d", got.status)
	}
	call(b, hub.OpenRoom, room.OpenRequest{Actor: actor(manager), Name: "My old room", Seats: 7})
	var mine, after gotPreferences
	w.api("GET", at+"/preferences", "").json(&mine)
	got := w.api("DELETE", at+"/preferences", "")
	w.api("GET", at+"/preferences", "").json(&after)
	if mine.Name != "My old room" || mine.Seats != 7 || got.status != 204 || after.Name != "" {
		t.Errorf("remembered %+v, forgetting %d, then %+v", mine, got.status, after)
	}
}
