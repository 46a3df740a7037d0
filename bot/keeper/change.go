package keeper

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

func coming() error {
	return errs.E(errs.Unavailable, "This is not possible just now. Please try again later.")
}

// Change does one thing to a room, as room.Action tells. It fails with
// errs.RoomNotFound, Forbidden, Invalid, MissingPermission or DiscordUnavailable.
func (k *Keeper) Change(ctx context.Context, guildID snowflake.ID, q room.ChangeRequest) (out room.ChangeDone, err error) {
	return out, coming()
}

// Knock asks to be let into a room. It fails with errs.RateLimited after a refusal or too many knocks.
func (k *Keeper) Knock(ctx context.Context, guildID snowflake.ID, q room.KnockRequest) (out room.KnockDone, err error) {
	return out, coming()
}

// Answer lets somebody in who knocked, or tells them "not now".
func (k *Keeper) Answer(ctx context.Context, guildID snowflake.ID, q room.AnswerRequest) (out room.ChangeDone, err error) {
	return out, coming()
}

// Wait enters or leaves the waiting list of a full room.
func (k *Keeper) Wait(ctx context.Context, guildID snowflake.ID, q room.WaitRequest) (out room.WaitDone, err error) {
	return out, coming()
}

// Preferences gives what the actor had remembered, or forgets it.
func (k *Keeper) Preferences(ctx context.Context, guildID snowflake.ID, q room.PreferencesRequest) (out room.PreferencesDone, err error) {
	return out, coming()
}

// Settings gives a guild's settings to those who manage it.
func (k *Keeper) Settings(ctx context.Context, guildID snowflake.ID, q guild.ManageRequest) (out guild.SettingsView, err error) {
	return out, coming()
}

// SettingsHistory gives the last versions of the settings.
func (k *Keeper) SettingsHistory(ctx context.Context, guildID snowflake.ID, q guild.ManageRequest) (out guild.SettingsHistory, err error) {
	return out, coming()
}

// UndoSettings takes the settings back to an earlier version.
func (k *Keeper) UndoSettings(ctx context.Context, guildID snowflake.ID, q guild.UndoRequest) (out room.Saved, err error) {
	return out, coming()
}

// SaveLobby adds or changes a lobby.
func (k *Keeper) SaveLobby(ctx context.Context, guildID snowflake.ID, q guild.LobbyRequest) (out guild.LobbyDone, err error) {
	return out, coming()
}

// RemoveLobby ends a lobby.
func (k *Keeper) RemoveLobby(ctx context.Context, guildID snowflake.ID, q guild.LobbyRemoval) (out guild.LobbyDone, err error) {
	return out, coming()
}

// Setup is the guided first run.
func (k *Keeper) Setup(ctx context.Context, guildID snowflake.ID, q guild.SetupRequest) (out guild.SetupDone, err error) {
	return out, coming()
}

// Preflight tells what Snug may do in the guild, and what it lacks.
func (k *Keeper) Preflight(ctx context.Context, guildID snowflake.ID, q guild.ManageRequest) (out guild.Preflight, err error) {
	return out, coming()
}

// Repair looks for disagreements between Discord, store and web, and mends them.
func (k *Keeper) Repair(ctx context.Context, guildID snowflake.ID, q guild.RepairRequest) (out guild.RepairReport, err error) {
	return out, coming()
}
