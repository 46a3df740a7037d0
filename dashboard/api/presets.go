package api

import (
	"context"
	"net/http"

	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/preset"
)

type (
	// PresetPath is the path of one of your own presets.
	PresetPath struct {
		Preset string `path:"preset" doc:"Its name."`
	}
	// ServerPresetPath is the path of a server's preset.
	ServerPresetPath struct {
		GuildPath
		PresetPath
	}

	presetRefJSON struct {
		Ref string `json:"ref" doc:"Names the preset when you open a room."`
		preset.Preset
	}
	presetsJSON struct {
		Presets []presetRefJSON `json:"presets" nullable:"false"`
	}
)

func presetsOf(of string, list []preset.Preset) presetsJSON {
	out := presetsJSON{Presets: []presetRefJSON{}}
	for _, p := range list {
		out.Presets = append(out.Presets, presetRefJSON{string(preset.RefTo(of, p.Name)), p})
	}
	return out
}

func (s *Service) apiPresets() {
	mine, saveMine := readAndWrite(apitoken.RoomsRead, apitoken.RoomsWrite)
	_, manage := readAndWrite(apitoken.SettingsRead, apitoken.SettingsWrite)
	const own, server = "/me/presets", "/guilds/{guild}/presets"
	openapi.Register(s.api, openapi.Operation{
		ID: "my-presets", Method: http.MethodGet, Path: own, Tag: "You", Summary: "List your presets", Access: mine,
		Description: "A preset is how a room is to be, under a name. You can use yours in every server.",
	}, func(ctx context.Context, who *openapi.Caller, _ *none) (*answer[presetsJSON], error) {
		list, err := s.actions.OwnPresets(ctx, who.Session)
		return ok(presetsOf(preset.Own, list)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "save-my-preset", Method: http.MethodPost, Path: own, Tag: "You",
		Summary: "Add or change a preset of yours", Access: saveMine,
		Description: "What you send replaces all that the preset of that name had.",
		Repeat:      &openapi.Repeat{Still: stillMe},
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		Body wire.PresetInput
	}) (*answer[presetsJSON], error) {
		list, err := s.actions.SaveOwnPreset(ctx, who.Session, in.Body)
		return ok(presetsOf(preset.Own, list)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "remove-my-preset", Method: http.MethodDelete, Path: own + "/{preset}", Tag: "You",
		Summary: "Remove a preset of yours", Access: saveMine, Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, who *openapi.Caller, in *PresetPath) (*none, error) {
		_, err := s.actions.RemoveOwnPreset(ctx, who.Session, in.Preset)
		return &none{}, err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "presets", Method: http.MethodGet, Path: server, Tag: "Rooms", Summary: "List a server's presets",
		Access:      mine,
		Description: "Every member who may open rooms can use them.",
	}, func(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[presetsJSON], error) {
		g, _, err := s.inGuild(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		settings, _, err := s.actions.Settings(ctx, g.ID)
		return ok(presetsOf(preset.Server, settings.Presets)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "save-preset", Method: http.MethodPost, Path: server, Tag: "Settings",
		Summary: "Add or change a server's preset", Access: manage, Errors: []int{http.StatusConflict},
		Description: "What you send replaces all that the preset of that name had.",
		Repeat:      &openapi.Repeat{Still: s.stillManaging},
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		Body wire.PresetInput
	}) (*answer[presetsJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		list, err := s.actions.SaveServerPreset(ctx, who.Session, g.ID, in.Body)
		return ok(presetsOf(preset.Server, list)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "remove-preset", Method: http.MethodDelete, Path: server + "/{preset}", Tag: "Settings",
		Summary: "Remove a server's preset", Access: manage, Errors: []int{http.StatusConflict},
	}, func(ctx context.Context, who *openapi.Caller, in *ServerPresetPath) (*none, error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err == nil {
			_, err = s.actions.RemoveServerPreset(ctx, who.Session, g.ID, in.Preset)
		}
		return &none{}, err
	})
}
