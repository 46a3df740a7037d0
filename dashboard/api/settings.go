package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"snug/dashboard/api/openapi"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/setting"
)

type (
	settingsAnswer struct {
		ETag string `header:"ETag"`
		Body wire.SettingsAt
	}
	settingsPatchInput struct {
		Rev      uint64        `json:"rev" required:"false" doc:"The revision you changed. 0 or left out: any."`
		Settings settingsPatch `json:"settings"`
	}
)

// settingsPatch are the settings to change: an object with any of their fields.
type settingsPatch json.RawMessage

// UnmarshalJSON keeps the object as it is; the bot lays it over what is there.
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
		Description: "The fields to change. Others stay as they are.",
	}
	s.PrecomputeMessages()
	return s
}

// describeSettings puts into the description what the settings' rows say: what each is for, and within which limits.
func (s *Service) describeSettings() {
	all := s.api.OpenAPI().Components.Schemas.Map()
	for _, properties := range []map[string]*huma.Schema{
		all["Settings"].Properties, all["SettingsPatchInput"].Properties["settings"].Properties,
	} {
		for _, row := range schema.Settings() {
			describeSetting(properties[row.Name], row, setting.Hint(s.o.English, row))
		}
	}
	for _, of := range []string{"Lobby", "LobbyInput"} {
		for _, row := range schema.LobbySettings() {
			describeSetting(all[of].Properties[row.Name], row, setting.LobbyHint(s.o.English, row))
		}
	}
}

func describeSetting(s *huma.Schema, row schema.Setting, says string) {
	s.Description = says
	number := func(n int) *float64 {
		f := float64(n)
		return &f
	}
	switch row.Kind {
	case schema.Number:
		s.Minimum, s.Maximum = number(row.Min), number(row.Max)
	case schema.Duration:
		s.Examples = []any{guild.Duration(row.MaxTime).String()}
	case schema.Template:
		s.MinLength, s.MaxLength = &row.Min, &row.Max
	case schema.Language:
		s.Enum = []any{""}
		for _, code := range schema.LanguageCodes() {
			s.Enum = append(s.Enum, code)
		}
	case schema.Roles, schema.Words, schema.Lobbies, schema.Presets:
		s.MaxItems = &row.Max
	}
	s.PrecomputeMessages()
}

func (s *Service) apiSettings() {
	openapi.Register(s.api, openapi.Operation{
		ID: "settings", Method: http.MethodGet, Path: "/guilds/{guild}/settings", Tag: "Settings",
		Summary: "Get a server's settings", Access: openapi.Access{Scope: apitoken.SettingsRead},
	}, s.showSettings)
	openapi.Register(s.api, openapi.Operation{
		ID: "change-settings", Method: http.MethodPatch, Path: "/guilds/{guild}/settings", Tag: "Settings",
		Summary: "Change settings",
		Description: "To avoid overwriting somebody else's change, send `rev`, or the `ETag` you got as `If-Match`: " +
			"if somebody saved since, it fails with `CONFLICT`. Get the settings again, then repeat your change.",
		Errors: []int{http.StatusConflict, http.StatusPreconditionFailed},
		Access: openapi.Access{Scope: apitoken.SettingsWrite, Limit: openapi.Writes},
	}, s.patchSettings)
}

func etag(rev uint64) string { return `"` + strconv.FormatUint(rev, 10) + `"` }

// showSettings is the settings page for programs.
func (s *Service) showSettings(ctx context.Context, who *openapi.Caller, in *GuildPath) (*settingsAnswer, error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	return s.settingsNow(ctx, g)
}

func (s *Service) settingsNow(ctx context.Context, g room.GuildInfo) (*settingsAnswer, error) {
	settings, rev, err := s.actions.Settings(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	return &settingsAnswer{etag(rev), wire.SettingsAt{Settings: settings, Rev: rev}}, nil
}

func (s *Service) patchSettings(ctx context.Context, who *openapi.Caller, in *struct {
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
				"If-Match takes the ETag that the settings came with. Get the settings again.")
		}
		byHeader = true
	}
	err = s.actions.SaveSettings(ctx, who.Session, g.ID, in.Body.Settings, rev)
	if byHeader && errs.Has(err, errs.Conflict) {
		return nil, &request.StatusError{Status: http.StatusPreconditionFailed, Err: errs.Public(err)}
	}
	if err != nil {
		return nil, err
	}
	return s.settingsNow(ctx, g)
}
