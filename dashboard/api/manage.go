package api

import (
	"context"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/guild"
)

type (
	versionJSON struct {
		Rev      uint64         `json:"rev" doc:"Send it to undo-settings to return to this version. 0: the defaults."`
		At       *time.Time     `json:"at" doc:"null: before the first save."`
		By       *snowflake.ID  `json:"by" doc:"Who saved it. null: nobody, or Snug itself."`
		Via      access.Via     `json:"via,omitempty"`
		Settings guild.Settings `json:"settings"`
		Changes  []wire.Entry   `json:"changes" nullable:"false" doc:"What this save changed."`
	}
	versionsJSON struct {
		Versions []versionJSON `json:"versions" nullable:"false" doc:"Newest first. The first one is in use."`
	}
	undoInput struct {
		Rev uint64 `json:"rev" required:"false" doc:"The version to return to. 0 or left out: the one before the last."`
	}

	lobbiesJSON struct {
		Lobbies []guild.Lobby `json:"lobbies" nullable:"false"`
	}

	placeJSON struct {
		ID       snowflake.ID  `json:"id"`
		Name     string        `json:"name"`
		ParentID *snowflake.ID `json:"parent_id" doc:"The channel's category."`
	}
	placesJSON struct {
		Categories []placeJSON `json:"categories" nullable:"false"`
		Voice      []placeJSON `json:"voice" nullable:"false"`
		Text       []placeJSON `json:"text" nullable:"false"`
		Roles      []placeJSON `json:"roles" nullable:"false"`
	}

	setupInput struct {
		Apply        bool   `json:"apply" required:"false" doc:"Create what's missing. Otherwise, only check."`
		CategoryName string `json:"category_name" required:"false"`
		LobbyName    string `json:"lobby_name" required:"false"`
	}
	setupJSON struct {
		CategoryID   *snowflake.ID   `json:"category_id" doc:"null: none yet."`
		LobbyID      *snowflake.ID   `json:"lobby_id" doc:"null: none yet."`
		MadeCategory bool            `json:"made_category"`
		MadeLobby    bool            `json:"made_lobby"`
		Preflight    guild.Preflight `json:"preflight"`
	}

	preferencesJSON struct {
		Name    string         `json:"name,omitempty"`
		Seats   int            `json:"seats,omitempty"`
		Private *bool          `json:"private,omitempty"`
		Locked  bool           `json:"locked"`
		Hidden  bool           `json:"hidden"`
		Guests  []snowflake.ID `json:"guests" nullable:"false" doc:"People you let in by name."`
		Banned  []snowflake.ID `json:"banned" nullable:"false"`
	}
)

// LobbyPath is the path of a lobby.
type LobbyPath struct {
	GuildPath
	Lobby string `path:"lobby" doc:"The id of the lobby's voice channel."`
}

var errNoLobby = errs.E(errs.NotFound, "That channel isn't a lobby. Reload the page to see the lobbies.")

func (s *Service) apiManage() {
	read, write := readAndWrite(apitoken.SettingsRead, apitoken.SettingsWrite)
	const base = "/guilds/{guild}"
	openapi.Register(s.api, openapi.Operation{
		ID: "settings-history", Method: http.MethodGet, Path: base + "/settings/history", Tag: "Settings",
		Summary: "List who changed which settings", Access: read,
	}, s.settingsVersions)
	openapi.Register(s.api, openapi.Operation{
		ID: "undo-settings", Method: http.MethodPost, Path: base + "/settings/undo", Tag: "Settings",
		Summary: "Undo changes of settings", Errors: []int{http.StatusConflict},
		Repeat: &openapi.Repeat{Still: s.stillManaging}, Access: write,
		Description: "Undoing is a change too, so you can undo it as well.",
	}, s.apiUndo)
	openapi.Register(s.api, openapi.Operation{
		ID: "places", Method: http.MethodGet, Path: base + "/places", Tag: "Settings",
		Summary: "List channels and roles that settings can name", Access: read,
	}, s.apiPlaces)
	openapi.Register(s.api, openapi.Operation{
		ID: "lobbies", Method: http.MethodGet, Path: base + "/lobbies", Tag: "Settings",
		Summary: "List a server's lobbies", Access: read,
		Description: "A lobby is a voice channel that opens a room for anyone who joins it. Fields that are missing " +
			"follow the server's settings.",
	}, func(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[lobbiesJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		settings, _, err := s.actions.Settings(ctx, g.ID)
		return ok(lobbiesJSON{append([]guild.Lobby{}, settings.Lobbies...)}), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "save-lobby", Method: http.MethodPost, Path: base + "/lobbies", Tag: "Settings",
		Summary: "Add or change a lobby", Errors: []int{http.StatusConflict},
		Repeat: &openapi.Repeat{Still: s.stillManaging}, Access: write,
		Description: "What you send replaces all that the channel's lobby had. Without `channel_id`, Snug creates a " +
			"voice channel.",
	}, s.apiSaveLobby)
	openapi.Register(s.api, openapi.Operation{
		ID: "remove-lobby", Method: http.MethodDelete, Path: base + "/lobbies/{lobby}", Tag: "Settings",
		Summary: "Remove a lobby", Errors: []int{http.StatusConflict}, Access: write,
		Description: "Rooms that it opened stay open.",
	}, s.apiRemoveLobby)
	openapi.Register(s.api, openapi.Operation{
		ID: "setup", Method: http.MethodPost, Path: base + "/setup", Tag: "Settings",
		Summary: "Set up a category and a lobby", Errors: []int{http.StatusConflict},
		Repeat: &openapi.Repeat{Still: s.stillManaging}, Access: write,
		Description: "Creates only what's missing, and nothing while Snug is missing a required permission: " +
			"`preflight` says which. You can run it again.",
	}, s.apiSetup)
	openapi.Register(s.api, openapi.Operation{
		ID: "preferences", Method: http.MethodGet, Path: base + "/preferences", Tag: "You",
		Summary: "Get what Snug remembers for your next room", Access: openapi.Access{Scope: apitoken.RoomsRead},
	}, s.apiPreferences)
	openapi.Register(s.api, openapi.Operation{
		ID: "forget-preferences", Method: http.MethodDelete, Path: base + "/preferences", Tag: "You",
		Summary: "Forget what Snug remembers for your next room",
		Access:  openapi.Access{Scope: apitoken.RoomsWrite, Limit: openapi.Writes},
	}, func(ctx context.Context, who *openapi.Caller, in *GuildPath) (*none, error) {
		g, _, err := s.inGuild(ctx, who, in.Guild)
		if err == nil {
			err = s.actions.ForgetPreferences(ctx, who.Session, g.ID)
		}
		return &none{}, err
	})
}

// settingsVersions is the history page for programs.
func (s *Service) settingsVersions(
	ctx context.Context, who *openapi.Caller, in *GuildPath,
) (*answer[versionsJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	h, err := s.actions.SettingsHistory(ctx, who.Session, g.ID)
	out := versionsJSON{Versions: []versionJSON{}}
	for _, v := range h.Versions {
		j := versionJSON{
			Rev: v.Rev, At: wire.TimeOrNull(v.At), By: wire.IDOrNull(v.By), Via: v.Via, Settings: v.Settings,
			Changes: []wire.Entry{},
		}
		for _, e := range v.Changes {
			j.Changes = append(j.Changes, wire.NewEntry(e))
		}
		out.Versions = append(out.Versions, j)
	}
	return ok(out), err
}

// apiUndo is undoSettings for programs.
func (s *Service) apiUndo(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	Body *undoInput
}) (*settingsAnswer, error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	if err := s.actions.UndoSettings(ctx, who.Session, g.ID, orNone(in.Body).Rev); err != nil {
		return nil, err
	}
	return s.settingsNow(ctx, g)
}

// apiPlaces gives what settings can point at, asked of Discord now.
func (s *Service) apiPlaces(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[placesJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	p, err := s.actions.ChannelsAndRoles(ctx, who.Session, g.ID)
	list := func(places []guild.NamedID) []placeJSON {
		out := []placeJSON{}
		for _, x := range places {
			out = append(out, placeJSON{x.ID, x.Name, wire.IDOrNull(x.ParentID)})
		}
		return out
	}
	return ok(placesJSON{list(p.Categories), list(p.Voice), list(p.Text), list(p.Roles)}), err
}

// apiSaveLobby is saveLobby for programs.
func (s *Service) apiSaveLobby(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	Body wire.LobbyInput
}) (*answer[guild.Lobby], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	if in.Body.ChannelID != 0 && in.Body.Name != "" {
		return nil, errs.Field("name", "name is for a new channel. Leave out name or channel_id.")
	}
	l, err := s.actions.SaveLobby(ctx, who.Session, g.ID, in.Body)
	if err != nil {
		return nil, err
	}
	return ok(l), nil
}

func (s *Service) apiRemoveLobby(ctx context.Context, who *openapi.Caller, in *struct {
	LobbyPath
	Delete bool `query:"delete_channel" doc:"Delete the voice channel too."`
}) (*none, error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	id, err := actions.ParseID(in.Lobby, errNoLobby)
	if err != nil {
		return nil, err
	}
	return &none{}, s.actions.RemoveLobby(ctx, who.Session, g.ID, id, in.Delete)
}

func (s *Service) apiSetup(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	Body *setupInput
}) (*answer[setupJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	q := guild.SetupRequest{Actor: actions.Actor(who.Session), Dry: true}
	if in.Body != nil {
		q.Dry, q.CategoryName, q.LobbyName = !in.Body.Apply, in.Body.CategoryName, in.Body.LobbyName
	}
	d, err := s.actions.Setup(ctx, g.ID, q)
	return ok(setupJSON{
			wire.IDOrNull(d.CategoryID), wire.IDOrNull(d.LobbyID), d.MadeCategory, d.MadeLobby, d.Preflight,
		}),
		err
}

// apiPreferences gives what is remembered of the caller.
func (s *Service) apiPreferences(
	ctx context.Context, who *openapi.Caller, in *GuildPath,
) (*answer[preferencesJSON], error) {
	g, _, err := s.inGuild(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	p, err := s.actions.Preferences(ctx, who.Session, g.ID)
	out := preferencesJSON{
		p.Name, p.Seats, p.Private, p.Locked, p.Hidden, append([]snowflake.ID{}, p.Guests...),
		append([]snowflake.ID{}, p.Banned...),
	}
	return ok(out), err
}
