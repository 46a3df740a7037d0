package hub

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/preset"
)

// OwnPresets returns a person's presets; none is no error.
func (h *Hub) OwnPresets(ctx context.Context, user snowflake.ID) ([]preset.Preset, error) {
	l, _, err := h.Presets.Get(ctx, user.String())
	if errs.Has(err, errs.NotFound) {
		return nil, nil
	}
	return l.List, err
}

// SavePreset adds one of a person's presets or changes it, as preset.Put has it.
func (h *Hub) SavePreset(ctx context.Context, user snowflake.ID, p preset.Preset, was string) ([]preset.Preset, error) {
	l, _, err := h.Presets.EditOrCreate(ctx, user.String(), func(l *preset.List) (err error) {
		l.List, err = preset.Put(l.List, p, was, preset.MaxOwn)
		return err
	})
	return l.List, err
}

// RemovePreset removes one of a person's presets. It fails with errs.NotFound if there is none of that name. Nothing
// stays stored of a person without presets.
func (h *Hub) RemovePreset(ctx context.Context, user snowflake.ID, name string) (left []preset.Preset, err error) {
	l, rev, err := h.Presets.EditOrCreate(ctx, user.String(), func(l *preset.List) (err error) {
		l.List, _, err = preset.Remove(l.List, name)
		return err
	})
	if err == nil && len(l.List) == 0 {
		if err = h.Presets.DeleteAt(ctx, user.String(), rev); errs.Has(err, errs.Conflict) {
			err = nil // another was added meanwhile
		}
	}
	return l.List, err
}
