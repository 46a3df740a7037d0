package actions

import (
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// Preferences gives what is remembered of somebody for their next room in a server.
func (a *Actions) Preferences(
	ctx context.Context, me *session.Session, guildID snowflake.ID,
) (room.Preferences, error) {
	done, err := hub.PreferencesOf.Call(ctx, a.o.Hub, guildID, room.PreferencesRequest{Actor: Actor(me)})
	return done.Preferences, err
}

// ForgetPreferences forgets what Preferences gives.
func (a *Actions) ForgetPreferences(ctx context.Context, me *session.Session, guildID snowflake.ID) error {
	_, err := hub.PreferencesOf.Call(ctx, a.o.Hub, guildID, room.PreferencesRequest{Actor: Actor(me), Forget: true})
	return err
}

// SaveSettings saves the fields of a JSON object over a server's settings. With the revision that was seen it fails
// with errs.Conflict if somebody saved since; rev 0 checks nothing.
func (a *Actions) SaveSettings(
	ctx context.Context, me *session.Session, guildID snowflake.ID, fields []byte, rev uint64,
) error {
	_, err := hub.SaveSettings.Call(ctx, a.o.Hub, guildID,
		room.SettingsRequest{Actor: Actor(me), JSON: fields, Rev: rev})
	return err
}

// SettingsHistory gives who changed which settings, the newest first.
func (a *Actions) SettingsHistory(
	ctx context.Context, me *session.Session, guildID snowflake.ID,
) (guild.SettingsHistory, error) {
	return hub.SettingsHistory.Call(ctx, a.o.Hub, guildID, guild.ManageRequest{Actor: Actor(me)})
}

// UndoSettings takes the settings back to a revision; 0: before the last save.
func (a *Actions) UndoSettings(ctx context.Context, me *session.Session, guildID snowflake.ID, rev uint64) error {
	_, err := hub.UndoSettings.Call(ctx, a.o.Hub, guildID, guild.UndoRequest{Actor: Actor(me), Rev: rev})
	return err
}

// ChannelsAndRoles gives what settings can point at, asked of Discord now.
func (a *Actions) ChannelsAndRoles(
	ctx context.Context, me *session.Session, guildID snowflake.ID,
) (guild.ChannelsAndRoles, error) {
	return hub.PlacesOf.Call(ctx, a.o.Hub, guildID, guild.ManageRequest{Actor: Actor(me)})
}

// SaveLobby adds or changes a lobby; without a channel one is made.
func (a *Actions) SaveLobby(
	ctx context.Context, me *session.Session, guildID snowflake.ID, in wire.LobbyInput,
) (guild.Lobby, error) {
	done, err := hub.SaveLobby.Call(ctx, a.o.Hub, guildID,
		guild.LobbyRequest{Actor: Actor(me), Lobby: in.Lobby, Name: in.Name})
	return done.Lobby, err
}

// RemoveLobby ends a lobby, and deletes its voice channel if so asked. Its rooms stay.
func (a *Actions) RemoveLobby(
	ctx context.Context, me *session.Session, guildID, channel snowflake.ID, deleteChannel bool,
) error {
	_, err := hub.RemoveLobby.Call(ctx, a.o.Hub, guildID,
		guild.LobbyRemoval{Actor: Actor(me), ChannelID: channel, Delete: deleteChannel})
	return err
}

// Setup makes a category and a lobby where there are none.
func (a *Actions) Setup(ctx context.Context, guildID snowflake.ID, q guild.SetupRequest) (guild.SetupDone, error) {
	return hub.Setup.Call(ctx, a.o.Hub, guildID, q)
}

// Settings gives a guild's settings and their revision.
func (a *Actions) Settings(ctx context.Context, id snowflake.ID) (guild.Settings, uint64, error) {
	doc, rev, err := a.o.Hub.Settings.Get(ctx, id.String())
	if errs.Has(err, errs.NotFound) {
		return guild.Defaults(), 0, nil
	}
	return doc.Settings, uint64(rev), err
}

// SettingsAt gives the settings as they were at a revision, if that is still known.
func (a *Actions) SettingsAt(
	ctx context.Context, me *session.Session, guildID snowflake.ID, rev uint64,
) (guild.Settings, bool) {
	if rev == 0 {
		return guild.Settings{}, false
	}
	h, err := a.SettingsHistory(ctx, me, guildID)
	if err != nil {
		a.log.WarnContext(ctx, "what was changed meanwhile is not known", "guild_id", guildID, "err", err)
	}
	for i, v := range slices.Backward(h.Versions) { // the oldest first; a version's revision is that of its last write
		if v.Rev == rev || v.Rev > rev && i < len(h.Versions)-1 {
			return v.Settings, true
		} else if v.Rev > rev {
			break // it was before all that is known
		}
	}
	return guild.Settings{}, false
}
