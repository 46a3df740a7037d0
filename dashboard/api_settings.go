package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"snug/dashboard/api"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

type (
	settingsAtJSON struct {
		Settings guild.Settings `json:"settings"`
		Rev      uint64         `json:"rev" doc:"Send it back when you save: then nobody's change is lost."`
	}
	settingsAnswer struct {
		ETag string `header:"ETag"`
		Body settingsAtJSON
	}
	settingsPatchInput struct {
		Rev      uint64        `json:"rev" required:"false" doc:"The revision you saw. Left out, and without If-Match, there is no check."`
		Settings settingsPatch `json:"settings"`
	}
)

// settingsPatch are the settings to change: an object with any of their fields.
type settingsPatch json.RawMessage

// UnmarshalJSON keeps the object as it is; the keeper lays it over what is there.
func (p *settingsPatch) UnmarshalJSON(b []byte) error {
	*p = append((*p)[:0], b...)
	return nil
}

// MarshalJSON gives the object.
func (p settingsPatch) MarshalJSON() ([]byte, error) { return p, nil }

// Schema describes a patch: the settings' own fields, none of them required.
func (settingsPatch) Schema(r huma.Registry) *huma.Schema {
	whole := huma.SchemaFromType(r, reflect.TypeFor[guild.Settings]())
	s := &huma.Schema{
		Type: huma.TypeObject, Properties: whole.Properties, AdditionalProperties: false,
		Description: "The fields to change; others stay.",
	}
	s.PrecomputeMessages()
	return s
}

func (s *Server) apiSettings() {
	api.Register(s.api, api.Operation{
		ID: "settings", Method: http.MethodGet, Path: "/guilds/{guild}/settings", Tag: "Settings",
		Summary: "A server's settings", Access: api.Access{Scope: api.SettingsRead},
	}, s.showSettings)
	api.Register(s.api, api.Operation{
		ID: "change-settings", Method: http.MethodPatch, Path: "/guilds/{guild}/settings", Tag: "Settings",
		Summary:     "Change settings",
		Description: "With `rev`, or the header If-Match with the ETag you were given, it fails with CONFLICT if somebody saved since.",
		Errors:      []int{http.StatusConflict, http.StatusPreconditionFailed},
		Access:      api.Access{Scope: api.SettingsWrite, Limit: api.Writes},
	}, s.patchSettings)
}

func etag(rev uint64) string { return `"` + strconv.FormatUint(rev, 10) + `"` }

// showSettings is the settings page for programs.
func (s *Server) showSettings(ctx context.Context, who *api.Caller, in *GuildPath) (*settingsAnswer, error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	return s.settingsNow(ctx, g)
}

func (s *Server) settingsNow(ctx context.Context, g room.GuildInfo) (*settingsAnswer, error) {
	settings, rev, err := s.settings(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	return &settingsAnswer{etag(rev), settingsAtJSON{settings, rev}}, nil
}

func (s *Server) patchSettings(ctx context.Context, who *api.Caller, in *struct {
	GuildPath
	IfMatch string `header:"If-Match"`
	Body    settingsPatchInput
}) (*settingsAnswer, error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(in.Body.Settings), []byte("{")) {
		return nil, errs.Field("settings", "settings must be an object with the fields to change.")
	}
	rev, byHeader := in.Body.Rev, false
	if given := strings.TrimSpace(in.IfMatch); given != "" && given != "*" {
		if rev, err = strconv.ParseUint(strings.Trim(strings.TrimPrefix(given, "W/"), `"`), 10, 64); err != nil {
			return nil, errs.Field("If-Match",
				"If-Match takes the ETag that the settings came with. Please get them again.")
		}
		byHeader = true
	}
	_, err = s.keeper.SaveSettings(ctx, g.ID,
		room.SettingsRequest{Actor: actor(who.Session), JSON: in.Body.Settings, Rev: rev})
	if byHeader && errs.Has(err, errs.Conflict) {
		return nil, &statusError{http.StatusPreconditionFailed, errs.Public(err)}
	}
	if err != nil {
		return nil, err
	}
	return s.settingsNow(ctx, g)
}
