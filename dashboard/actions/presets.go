package actions

import (
	"context"
	"encoding/json"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/preset"
)

// OwnPresets gives somebody's own presets.
func (a *Actions) OwnPresets(ctx context.Context, me *session.Session) ([]preset.Preset, error) {
	return a.o.Hub.OwnPresets(ctx, me.User.ID)
}

// SaveOwnPreset adds or changes one of somebody's own presets.
func (a *Actions) SaveOwnPreset(
	ctx context.Context, me *session.Session, in wire.PresetInput,
) ([]preset.Preset, error) {
	return a.o.Hub.SavePreset(ctx, me.User.ID, in.Preset(), in.Was)
}

// RemoveOwnPreset removes one of somebody's own presets. It fails with errs.NotFound.
func (a *Actions) RemoveOwnPreset(ctx context.Context, me *session.Session, name string) ([]preset.Preset, error) {
	return a.o.Hub.RemovePreset(ctx, me.User.ID, name)
}

// SaveServerPreset adds or changes a preset of a server. It fails with errs.Forbidden unless the person manages it.
func (a *Actions) SaveServerPreset(
	ctx context.Context, me *session.Session, guildID snowflake.ID, in wire.PresetInput,
) ([]preset.Preset, error) {
	return a.changePresets(ctx, me, guildID, func(list []preset.Preset) ([]preset.Preset, error) {
		return preset.Put(list, in.Preset(), in.Was, preset.MaxServer)
	})
}

// RemoveServerPreset removes a preset of a server, as SaveServerPreset changes one.
func (a *Actions) RemoveServerPreset(
	ctx context.Context, me *session.Session, guildID snowflake.ID, name string,
) ([]preset.Preset, error) {
	return a.changePresets(ctx, me, guildID, func(list []preset.Preset) ([]preset.Preset, error) {
		list, _, err := preset.Remove(list, name)
		return list, err
	})
}

// changePresets changes the presets of a server's settings; if somebody else saves meanwhile, what they saved.
func (a *Actions) changePresets(
	ctx context.Context, me *session.Session, guildID snowflake.ID,
	change func([]preset.Preset) ([]preset.Preset, error),
) ([]preset.Preset, error) {
	if _, err := a.Managed(ctx, me, guildID); err != nil {
		return nil, err
	}
	for tries := 0; ; tries++ {
		settings, rev, err := a.Settings(ctx, guildID)
		if err != nil {
			return nil, err
		}
		list, err := change(settings.Presets)
		if err != nil {
			return nil, err
		}
		fields, err := json.Marshal(map[string]any{"presets": append([]preset.Preset{}, list...)})
		if err != nil {
			return nil, err
		}
		err = a.SaveSettings(ctx, me, guildID, fields, rev)
		if err == nil || tries == 3 || !errs.Has(err, errs.Conflict) {
			return list, err
		}
	}
}
