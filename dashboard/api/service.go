package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
	"snug/shared/text"
)

// Options are what a Service needs. All are needed.
type Options struct {
	Requests *request.Requests
	Actions  *actions.Actions
	Links    wire.Links
	Hub      *hub.Hub
	Keys     *keyring.Keyring
	Base     *url.URL // what browsers reach the dashboard at
	Version  string
	English  text.Texts // describes the operations
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is the JSON API's operations, each registered beside its handler. It is safe for concurrent use.
type Service struct {
	o       Options
	api     *openapi.API
	req     *request.Requests
	actions *actions.Actions
	enc     wire.Encoder
	now     func() time.Time
}

// New makes the API, whose operations and description become routes of e.
func New(e *gin.Engine, o Options) *Service {
	s := &Service{
		o: o, req: o.Requests, actions: o.Actions, enc: wire.Encoder{Links: o.Links}, now: o.Now,
	}
	s.api = openapi.New(e, openapi.Options{
		Version: o.Version, Server: o.Base.String(), Caller: s.apiCaller, Allow: s.apiAllow, Problem: s.req.Refuse,
		Replays: &openapi.Replays{Hub: o.Hub, Bucket: o.Hub.Replays, Keys: o.Keys, Now: o.Now, Log: o.Log},
	})
	for _, register := range []func(){
		s.apiMe, s.apiGuilds, s.apiRooms, s.apiChanges, s.apiInvites, s.apiSettings, s.apiManage, s.apiActivity,
		s.apiWebhooks, s.apiHealth,
		s.apiStatus, s.apiTokens, s.apiPresets, s.apiNotifications,
	} {
		register()
	}
	s.describeSettings()
	description := sync.OnceValues(s.api.Description) // takes a while, and few ask
	e.GET("/api/openapi.json", func(c *gin.Context) {
		b, err := description()
		if err != nil {
			s.req.Refuse(c, err).Write(c)
			return
		}
		c.Header("Cache-Control", "public, max-age=300")
		c.Data(http.StatusOK, "application/json", b)
	})
	return s
}

// Operations gives the operations, in the order in which they were registered.
func (s *Service) Operations() []openapi.Operation { return s.api.Operations() }

// OpenAPI gives the description of the whole API.
func (s *Service) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

func (s *Service) apiCaller(c *gin.Context) (*openapi.Caller, error) {
	me, err := s.req.Me(c)
	if err == nil {
		err = s.req.Limits.Read.Allow("u" + me.User.ID.String())
	}
	if err != nil {
		return nil, err
	}
	return &openapi.Caller{Session: me, Token: request.InfoOf(c).Token}, nil
}

func (s *Service) apiAllow(c *gin.Context, l openapi.Limit) error {
	switch l {
	case openapi.Writes:
		return s.req.Allow(c, s.req.Limits.Write)
	case openapi.Invites:
		return s.req.Allow(c, s.req.Limits.Invite)
	case openapi.Live:
		return s.req.Allow(c, s.req.Limits.LiveToken)
	}
	return nil
}

// within fails, as if there were no such server, if a server's token is for another.
func within(who *openapi.Caller, guildID snowflake.ID, missing *errs.Error) error {
	if who.Token != nil && who.Token.Server() && who.Token.GuildID != guildID {
		return missing
	}
	return nil
}

// guildID reads the id of a server, which has to be that of the token if that is one of a server's.
func guildID(who *openapi.Caller, raw string) (snowflake.ID, error) {
	id, err := actions.ParseID(raw, actions.ErrNoServer)
	if err == nil {
		err = within(who, id, actions.ErrNoServer)
	}
	return id, err
}

// inGuild gives the server of a path to a member.
func (s *Service) inGuild(
	ctx context.Context, who *openapi.Caller, raw string,
) (room.GuildInfo, access.Standing, error) {
	id, err := guildID(who, raw)
	if err != nil {
		return room.GuildInfo{}, access.Standing{}, err
	}
	return s.actions.Standing(ctx, who.Session, id)
}

// look is inGuild for an operation that only shows what is there, as pages do.
func (s *Service) look(
	ctx context.Context, who *openapi.Caller, raw string,
) (room.GuildInfo, access.Standing, error) {
	id, err := guildID(who, raw)
	if err != nil {
		return room.GuildInfo{}, access.Standing{}, err
	}
	return s.actions.Look(ctx, who.Session, id)
}

// managing gives the server of a path to who manages it.
func (s *Service) managing(ctx context.Context, who *openapi.Caller, raw string) (room.GuildInfo, error) {
	id, err := guildID(who, raw)
	if err != nil {
		return room.GuildInfo{}, err
	}
	return s.actions.Managed(ctx, who.Session, id)
}

// Who may be told again what a repeatable operation answered: who manages the
// server, who is in it, or who controls the room, now.
func (s *Service) stillManaging(ctx context.Context, who *openapi.Caller, param func(string) string) error {
	_, err := s.managing(ctx, who, param("guild"))
	return err
}

func (s *Service) stillInGuild(ctx context.Context, who *openapi.Caller, param func(string) string) error {
	_, _, err := s.inGuild(ctx, who, param("guild"))
	return err
}

func (s *Service) stillInviting(ctx context.Context, who *openapi.Caller, param func(string) string) error {
	guildID, q, err := s.inRoom(ctx, who, param("channel"))
	if err != nil {
		return err
	}
	v, _, err := s.actions.SeeRoomNow(ctx, who.Session, guildID, q.RoomID)
	if err == nil && !v.MayControl {
		err = errs.E(errs.Forbidden,
			"Only the room's owner or a manager of the server can see this. Ask one of them.")
	}
	return err
}

// stillMe is for what is the caller's own.
func stillMe(context.Context, *openapi.Caller, func(string) string) error { return nil }

// inRoom finds the room of a path. Whether the caller may see it is not yet said.
func (s *Service) inRoom(
	ctx context.Context, who *openapi.Caller, raw string,
) (guildID snowflake.ID, q room.Request, err error) {
	id, err := actions.ParseID(raw, actions.ErrNoRoom)
	if err == nil {
		guildID, err = s.actions.FindRoom(ctx, id)
	}
	if err == nil {
		err = within(who, guildID, actions.ErrNoRoom)
	}
	return guildID, room.Request{Actor: actions.Actor(who.Session), RoomID: id}, err
}

// Inputs and outputs that many operations share.
type (
	// GuildPath is exported because the description is made of exported parts alone; so is RoomPath.
	GuildPath struct {
		Guild string `path:"guild" doc:"The server's id."`
	}
	// RoomPath is the path of a room.
	RoomPath struct {
		Room string `path:"channel" doc:"The id of the room's voice channel."`
	}
	none          struct{}
	answer[T any] struct {
		Body T
	}
)

// orNone is what was sent; without a body, nothing.
func orNone[T any](body *T) T {
	if body == nil {
		return *new(T)
	}
	return *body
}

func ok[T any](v T) *answer[T] { return &answer[T]{v} }

// readAndWrite gives the access of operations that look at something and of those that change it.
func readAndWrite(reading, writing apitoken.Scope) (read, write openapi.Access) {
	return openapi.Access{Scope: reading}, openapi.Access{Scope: writing, Limit: openapi.Writes}
}
