package dashboard

import (
	"context"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// TestManagingByProgram: what is asked reaches the bot, and its answers are as described.
func TestManagingByProgram(t *testing.T) {
	b := newBench(t)
	calls, err := b.hub.Calls(0)
	if err != nil {
		t.Fatal(err)
	}
	var undone guild.UndoRequest
	var saved guild.LobbyRequest
	var removed guild.LobbyRemoval
	var setup guild.SetupRequest
	hub.SettingsHistory.Serve(calls, func(
		context.Context, snowflake.ID, guild.ManageRequest,
	) (guild.SettingsHistory, error) {
		changed := guild.SettingsVersion{
			Rev: 7, At: b.clock(), By: manager, Via: access.ViaWeb, Settings: guild.Defaults(),
			Changes: []audit.Entry{{ID: "x", Kind: audit.SettingsChanged, Detail: "seats", Old: "4", New: "6"}},
		}
		return guild.SettingsHistory{Versions: []guild.SettingsVersion{changed, {Settings: guild.Defaults()}}}, nil
	})
	hub.UndoSettings.Serve(calls, func(_ context.Context, _ snowflake.ID, q guild.UndoRequest) (room.Saved, error) {
		undone = q
		return room.Saved{}, nil
	})
	hub.SaveLobby.Serve(calls, func(_ context.Context, _ snowflake.ID, q guild.LobbyRequest) (guild.LobbyDone, error) {
		saved = q
		return guild.LobbyDone{Lobby: q.Lobby}, nil
	})
	hub.RemoveLobby.Serve(calls, func(
		_ context.Context, _ snowflake.ID, q guild.LobbyRemoval,
	) (guild.LobbyDone, error) {
		removed = q
		return guild.LobbyDone{}, nil
	})
	hub.Setup.Serve(calls, func(_ context.Context, _ snowflake.ID, q guild.SetupRequest) (guild.SetupDone, error) {
		setup = q
		return guild.SetupDone{LobbyID: 9, MadeLobby: !q.Dry, Preflight: guild.Preflight{OK: true}}, nil
	})
	hub.PlacesOf.Serve(calls, func(context.Context, snowflake.ID, guild.ManageRequest) (guild.ChannelsAndRoles, error) {
		return guild.ChannelsAndRoles{Voice: []guild.NamedID{{ID: 8, Name: "Voice", ParentID: 7}}}, nil
	})
	if err := calls.Hold(t.Context(), friends); err != nil {
		t.Fatal(err)
	}
	w, at := b.signedIn(manager), "/api/v1/guilds/100"
	var h gotVersions
	if w.api("GET", at+"/settings/history", "").json(&h); len(h.Versions) != 2 || *h.Versions[0].By != manager ||
		h.Versions[0].Changes[0].New != "6" || h.Versions[1].At != nil {
		t.Errorf("the history is %+v", h)
	}
	if got := w.api("POST", at+"/settings/undo", `{"rev":7}`); got.status != 200 || got.header.Get("ETag") == "" ||
		undone.Rev != 7 || undone.Actor.UserID != manager {
		t.Errorf("undo: %d %s, %+v", got.status, got.body, undone)
	}
	if got := w.api("POST", at+"/lobbies",
		`{"channel_id":"8","seats":5,"private":false,"idle_timeout":"30m"}`); got.status != 200 ||
		saved.Lobby.ChannelID != 8 || saved.Lobby.Seats != 5 || *saved.Lobby.Private || saved.Lobby.IdleTimeout == nil {
		t.Errorf("a lobby: %d %s, %+v", got.status, got.body, saved)
	}
	if got := w.api("POST", at+"/lobbies", `{"channel_id":"8","name":"x"}`); got.status != 400 ||
		got.problem().Field != "name" {
		t.Errorf("a name for a channel that is there: %d %s", got.status, got.body)
	}
	if got := w.api("DELETE", at+"/lobbies/8?delete_channel=true", ""); got.status != 204 || removed.ChannelID != 8 ||
		!removed.Delete {
		t.Errorf("removing: %d %s, %+v", got.status, got.body, removed)
	}
	if got := w.api("GET", at+"/lobbies", ""); got.status != 200 {
		t.Errorf("lobbies: %d %s", got.status, got.body)
	}
	if got := w.api("POST", at+"/setup", ""); got.status != 200 || !setup.Dry {
		t.Errorf("only looking: %d %s, %+v", got.status, got.body, setup)
	}
	if got := w.api("POST", at+"/setup", `{"apply":true,"lobby_name":"Hall"}`); got.status != 200 || setup.Dry ||
		setup.LobbyName != "Hall" {
		t.Errorf("setting up: %d %s, %+v", got.status, got.body, setup)
	}
	var p gotPlaces
	if w.api("GET", at+"/places", "").json(&p); len(p.Voice) != 1 || *p.Voice[0].ParentID != 7 || p.Roles == nil {
		t.Errorf("places: %+v", p)
	}
	if got := b.signedIn(member).api("GET", at+"/settings/history", ""); got.status != 403 ||
		got.problem().Code != errs.Forbidden {
		t.Errorf("a member: %d", got.status)
	}
	b.rooms.mu.Lock()
	b.rooms.remembered = room.Preferences{Name: "My old room", Seats: 7}
	b.rooms.mu.Unlock()
	var mine, after gotPreferences
	w.api("GET", at+"/preferences", "").json(&mine)
	got := w.api("DELETE", at+"/preferences", "")
	w.api("GET", at+"/preferences", "").json(&after)
	if mine.Name != "My old room" || mine.Seats != 7 || got.status != 204 || after.Name != "" {
		t.Errorf("remembered %+v, forgetting %d, then %+v", mine, got.status, after)
	}
}
