package dashboard

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/api"
	"snug/dashboard/live"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
)

type (
	meJSON struct {
		ID          snowflake.ID `json:"id"`
		Username    string       `json:"username"`
		DisplayName string       `json:"displayName"`
		Avatar      *string      `json:"avatar" doc:"Hash of the picture; null for none, and with API tokens."`
		Token       *TokenJSON   `json:"token,omitempty" doc:"The API token that asked."`
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
		Room  snowflake.ID `json:"room" required:"false" doc:"For one room's events alone."`
	}
	liveJSON struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
)

func (s *Server) apiMe() {
	api.Register(s.api, api.Operation{
		ID: "me", Method: http.MethodGet, Path: "/me", Tag: "You", Summary: "Who you are",
		Access: api.Access{AnyToken: true},
	}, s.whoAmI)
	api.Register(s.api, api.Operation{
		ID: "live-token", Method: http.MethodPost, Path: "/live-token", Tag: "Live",
		Summary:     "Token for a live connection",
		Description: "The token opens a WebSocket at `/api/ws` within 60 seconds; docs/protocol.md says what is spoken there. With `room` it tells of that room alone, else of every room of the server that you may see.",
		Errors:      []int{http.StatusNotFound}, Access: api.Access{Scope: api.RoomsRead, Limit: api.Live},
	}, s.liveToken)
}

func (s *Server) apiGuilds() {
	api.Register(s.api, api.Operation{
		ID: "guilds", Method: http.MethodGet, Path: "/guilds", Tag: "Servers", Summary: "Your servers that Snug is in",
		Access: api.Access{Scope: api.MembersRead},
	}, s.listGuilds)
	api.Register(s.api, api.Operation{
		ID: "guild", Method: http.MethodGet, Path: "/guilds/{guild}", Tag: "Servers", Summary: "One server",
		Access: api.Access{Scope: api.MembersRead},
	}, s.showGuild)
	api.Register(s.api, api.Operation{
		ID: "member", Method: http.MethodGet, Path: "/guilds/{guild}/members/{user}", Tag: "Servers",
		Summary:     "What a member may do",
		Description: "Asked of Discord now. `@me` is you; others are told to who manages the server.",
		Access:      api.Access{Scope: api.MembersRead},
	}, s.showMember)
}

// whoAmI gives who is signed in.
func (s *Server) whoAmI(_ context.Context, who *api.Caller, _ *none) (*answer[meJSON], error) {
	out := meJSON{ID: who.User.ID, Username: who.User.Username, DisplayName: who.User.DisplayName}
	if who.User.Avatar != "" {
		out.Avatar = &who.User.Avatar
	}
	if who.Token != nil {
		t := newTokenJSON(*who.Token)
		out.Token = &t
	}
	return ok(out), nil
}

// liveToken gives the token that opens a live connection, for a server's page
// or a room's. Asked for before every connection, it is a cheap question: who
// may watch is decided when the token is used.
func (s *Server) liveToken(
	ctx context.Context, who *api.Caller, in *struct{ Body liveInput },
) (*answer[liveJSON], error) {
	if in.Body.Guild == 0 {
		return nil, errs.Field("guild", "guild is missing: send the server's id as a string.")
	}
	_, st, err := s.inGuild(ctx, who, in.Body.Guild.String())
	if err != nil {
		return nil, err
	}
	if in.Body.Room != 0 {
		l, ok := s.roomOf(in.Body.Guild, in.Body.Room)
		// Of a room that was just opened nothing may be known here yet: who may watch is decided when the
		// token is used.
		if young := s.young(in.Body.Room); (!ok || !l.Room.Access.MaySee(st)) && !young {
			return nil, errNoRoom
		}
	}
	token, err := s.live.Token(live.Ticket{
		UserID: who.User.ID, GuildID: in.Body.Guild, RoomID: in.Body.Room, SessionID: who.Key,
		SessionExpires: who.Expires,
	})
	if err != nil {
		return nil, err
	}
	return ok(liveJSON{token, s.now().Add(live.TokenLife).UTC()}), nil
}

func (s *Server) listGuilds(ctx context.Context, who *api.Caller, in *api.Paging) (*answer[guildsJSON], error) {
	var found []membership
	if who.Token != nil && who.Token.Server() {
		g, st, err := s.inGuild(ctx, who, who.Token.GuildID.String())
		if err != nil {
			return nil, err
		}
		found = []membership{{st, g}}
	} else {
		found = s.memberships(ctx, who.Session)
		slices.SortFunc(found, func(a, b membership) int { return int(a.info.ID) - int(b.info.ID) })
	}
	page, next, err := api.Page(found, *in, func(m membership) uint64 { return uint64(m.info.ID) })
	if err != nil {
		return nil, err
	}
	out := guildsJSON{Guilds: []guildJSON{}, Next: next}
	for _, m := range page {
		out.Guilds = append(out.Guilds, newGuildJSON(m.info, m.Standing))
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

func (s *Server) showGuild(ctx context.Context, who *api.Caller, in *GuildPath) (*answer[guildJSON], error) {
	g, st, err := s.inGuild(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	return ok(newGuildJSON(g, st)), nil
}

var errNoMember = errs.E(errs.NotFound, "Nobody with this id is in the server.")

func (s *Server) showMember(ctx context.Context, who *api.Caller, in *struct {
	GuildPath
	User string `path:"user" doc:"Their id, or @me."`
}) (*answer[standingJSON], error) {
	g, st, err := s.inGuild(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	if in.User != "@me" && in.User != who.User.ID.String() {
		id, err := parseID(in.User, errNoMember)
		if err != nil {
			return nil, err
		}
		if !st.Manager {
			return nil, errs.E(errs.Forbidden,
				"Only people who manage this server can ask about others. Ask one of them.")
		}
		if st, err = s.keeper.Standing(ctx, g.ID, room.StandingRequest{UserID: id}); err != nil {
			return nil, err
		}
		if !st.Member {
			return nil, errNoMember
		}
	}
	settings, _, err := s.settings(ctx, g.ID)
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
