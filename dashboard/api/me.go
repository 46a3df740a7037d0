package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/live"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/room"
)

type (
	meJSON struct {
		ID          snowflake.ID `json:"id"`
		Username    string       `json:"username"`
		DisplayName string       `json:"display_name"`
		Avatar      *string      `json:"avatar" doc:"Discord's hash of the avatar. null: none, or an API token asks."`
		Token       *wire.Token  `json:"token,omitempty" doc:"The API token you use."`
	}

	guildJSON struct {
		ID      snowflake.ID `json:"id"`
		Name    string       `json:"name"`
		Icon    *string      `json:"icon"`
		Manager bool         `json:"manager" doc:"You may change Snug's settings there."`
	}
	guildsJSON struct {
		Guilds []guildJSON `json:"guilds" nullable:"false"`
		Next   string      `json:"next_cursor,omitempty"`
	}
	standingJSON struct {
		UserID      snowflake.ID   `json:"user_id"`
		Username    string         `json:"username"`
		DisplayName string         `json:"display_name"`
		Manager     bool           `json:"manager"`
		MayCreate   bool           `json:"may_create" doc:"May open rooms."`
		Roles       []snowflake.ID `json:"roles" nullable:"false"`
	}

	liveInput struct {
		Guild snowflake.ID `json:"guild" required:"false"`
		Room  snowflake.ID `json:"room" required:"false" doc:"For the events of this room only."`
	}
	liveJSON struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
)

func (s *Service) apiMe() {
	openapi.Register(s.api, openapi.Operation{
		ID: "me", Method: http.MethodGet, Path: "/me", Tag: "You", Summary: "Get who you are",
		Access: openapi.Access{AnyToken: true},
	}, s.whoAmI)
	openapi.Register(s.api, openapi.Operation{
		ID: "live-token", Method: http.MethodPost, Path: "/live-token", Tag: "Live",
		Summary: "Get a token for a live connection",
		Description: "The token opens a WebSocket at `/api/ws` within 60 seconds. Snug's docs/protocol.md describes " +
			"the messages. With `room`, they are about that room only; otherwise, about every room of the server " +
			"that you may see.",
		Errors: []int{http.StatusNotFound}, Access: openapi.Access{Scope: apitoken.RoomsRead, Limit: openapi.Live},
	}, s.liveToken)
}

func (s *Service) apiGuilds() {
	openapi.Register(s.api, openapi.Operation{
		ID: "guilds", Method: http.MethodGet, Path: "/guilds", Tag: "Servers",
		Summary: "List your servers that Snug is in", Access: openapi.Access{Scope: apitoken.MembersRead},
	}, s.listGuilds)
	openapi.Register(s.api, openapi.Operation{
		ID: "guild", Method: http.MethodGet, Path: "/guilds/{guild}", Tag: "Servers", Summary: "Get a server",
		Access: openapi.Access{Scope: apitoken.MembersRead},
	}, s.showGuild)
	openapi.Register(s.api, openapi.Operation{
		ID: "member", Method: http.MethodGet, Path: "/guilds/{guild}/members/{user}", Tag: "Servers",
		Summary:     "Get what a member may do",
		Description: "Snug asks Discord each time. `@me` is you; only managers of the server can ask about others.",
		Access:      openapi.Access{Scope: apitoken.MembersRead},
	}, s.showMember)
}

// whoAmI gives who is signed in.
func (s *Service) whoAmI(_ context.Context, who *openapi.Caller, _ *none) (*answer[meJSON], error) {
	out := meJSON{ID: who.User.ID, Username: who.User.Username, DisplayName: who.User.DisplayName}
	if who.User.Avatar != "" {
		out.Avatar = &who.User.Avatar
	}
	if who.Token != nil {
		t := wire.NewToken(*who.Token)
		out.Token = &t
	}
	return ok(out), nil
}

// liveToken gives the token that opens a live connection, for a server's page
// or a room's. Asked for before every connection, it is a cheap question: who
// may watch is decided when the token is used.
func (s *Service) liveToken(
	ctx context.Context, who *openapi.Caller, in *struct{ Body liveInput },
) (*answer[liveJSON], error) {
	if in.Body.Guild == 0 {
		return nil, errs.Field("guild", "guild is missing: send the server's id as a string.")
	}
	_, st, err := s.look(ctx, who, in.Body.Guild.String())
	if err != nil {
		return nil, err
	}
	if in.Body.Room != 0 {
		l, ok := s.actions.Room(in.Body.Guild, in.Body.Room)
		// Of a room that was just opened nothing may be known here yet: who may watch is decided when the token is
		// used.
		if young := s.actions.JustOpened(in.Body.Room); (!ok || !l.Room.Access.MaySee(st)) && !young {
			return nil, actions.ErrNoRoom
		}
	}
	token, err := s.actions.LiveToken(who.Session, in.Body.Guild, in.Body.Room)
	if err != nil {
		return nil, err
	}
	return ok(liveJSON{token, s.now().Add(live.TokenLife).UTC()}), nil
}

func (s *Service) listGuilds(
	ctx context.Context, who *openapi.Caller, in *openapi.Paging,
) (*answer[guildsJSON], error) {
	var found []actions.Membership
	if who.Token != nil && who.Token.Server() {
		g, st, err := s.look(ctx, who, who.Token.GuildID.String())
		if err != nil {
			return nil, err
		}
		found = []actions.Membership{{Standing: st, Guild: g}}
	} else {
		found = s.actions.Memberships(ctx, who.Session)
		slices.SortFunc(found, func(a, b actions.Membership) int { return int(a.Guild.ID) - int(b.Guild.ID) })
	}
	page, next, err := openapi.Page(found, *in, func(m actions.Membership) uint64 { return uint64(m.Guild.ID) })
	if err != nil {
		return nil, err
	}
	out := guildsJSON{Guilds: []guildJSON{}, Next: next}
	for _, m := range page {
		out.Guilds = append(out.Guilds, newGuildJSON(m.Guild, m.Standing))
	}
	return ok(out), nil
}

func newGuildJSON(g room.GuildInfo, st access.Standing) guildJSON {
	out := guildJSON{ID: g.ID, Name: g.Name, Manager: st.Manager}
	if g.Icon != "" {
		out.Icon = &g.Icon
	}
	return out
}

func (s *Service) showGuild(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[guildJSON], error) {
	g, st, err := s.look(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	return ok(newGuildJSON(g, st)), nil
}

var errNoMember = errs.E(errs.NotFound, "Nobody with this ID is in the server.")

func (s *Service) showMember(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	User string `path:"user" doc:"Their id, or @me."`
}) (*answer[standingJSON], error) {
	g, st, err := s.inGuild(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	if in.User != "@me" && in.User != who.User.ID.String() {
		id, err := actions.ParseID(in.User, errNoMember)
		if err != nil {
			return nil, err
		}
		if !st.Manager {
			return nil, errs.E(errs.Forbidden,
				"Only this server's managers can ask about others. Ask one of them.")
		}
		if st, err = s.actions.StandingOf(ctx, g.ID, id); err != nil {
			return nil, err
		}
		if !st.Member {
			return nil, errNoMember
		}
	}
	settings, _, err := s.actions.Settings(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	out := standingJSON{
		UserID: st.UserID, Username: st.Username, DisplayName: st.DisplayName, Manager: st.Manager,
		MayCreate: settings.MayCreate(st), Roles: st.Roles,
	}
	if out.Roles == nil {
		out.Roles = []snowflake.ID{}
	}
	return ok(out), nil
}
