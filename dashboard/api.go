package dashboard

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
)

// The JSON API: each operation is registered beside its handler, in the files api_*.go.

// describe makes the API and registers everything it can do.
func (s *Server) describe(e *gin.Engine) error {
	s.tokens = &api.Tokens{Bucket: s.o.Hub.Tokens, Now: s.now, Log: s.log,
		Revoked: func(ctx context.Context, t api.Token) {
			s.tellEnded(ctx, tokenSession(t))
		}}
	s.api = api.New(e, api.Options{
		Version: s.o.Version, Server: s.base.String(), Caller: s.apiCaller, Allow: s.apiAllow, Problem: s.apiProblem,
		Replays: &api.Replays{Hub: s.o.Hub, Bucket: s.o.Hub.Replays, Keys: s.o.Keys, Now: s.now, Log: s.log},
	})
	s.apiMe()
	s.apiGuilds()
	s.apiRooms()
	s.apiChanges()
	s.apiInvites()
	s.apiSettings()
	s.apiManage()
	s.apiActivity()
	s.apiWebhooks()
	s.apiHealth()
	s.apiStatus()
	s.apiTokens()
	b, err := s.api.Description()
	if err != nil {
		return err
	}
	e.GET("/api/openapi.json", func(c *gin.Context) {
		c.Header("Cache-Control", "public, max-age=300")
		c.Data(http.StatusOK, "application/json", b)
	})
	return nil
}

// bearer gives the API token that a request for the API came with.
func bearer(r *http.Request) (string, bool) {
	if !strings.HasPrefix(r.URL.Path, api.Prefix+"/") {
		return "", false
	}
	given := r.Header.Get("Authorization")
	scheme, text, _ := strings.Cut(given, " ")
	if given == "" {
		return "", false
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true // it is refused as a token
	}
	return strings.TrimSpace(text), true
}

// tokenLife is how long what a token without an end opened lives at most.
const tokenLife = 30 * 24 * time.Hour

// tokenSession names the sockets that a token opened.
func tokenSession(t api.Token) string { return "token:" + t.Key() }

// tokenCaller gives as whom a token acts. A server's token is good as long as its maker manages the server.
func (s *Server) tokenCaller(ctx context.Context, text string) (*session.Session, *api.Token, error) {
	t, err := s.tokens.Check(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	if t.Server() {
		st, err := s.keeper.Standing(ctx, t.GuildID, room.StandingRequest{UserID: t.UserID})
		if err != nil {
			return nil, nil, err
		}
		if !st.Member || !st.Manager {
			return nil, nil, errs.E(errs.Unauthorized,
				"Whoever made this token does not manage the server any more. Somebody who does has to make a new one.")
		}
	}
	me := &session.Session{
		Key: tokenSession(t), User: session.User{ID: t.UserID, Username: t.Username, DisplayName: t.DisplayName},
		Expires: t.Expires,
	}
	if me.Expires.IsZero() {
		me.Expires = s.now().Add(tokenLife)
	}
	return me, &t, nil
}

func (s *Server) apiCaller(c *gin.Context) (*api.Caller, error) {
	me, err := s.me(c)
	if err == nil {
		err = s.limits.read.allow("u" + me.User.ID.String())
	}
	if err != nil {
		return nil, err
	}
	return &api.Caller{Session: me, Token: visitOf(c).token}, nil
}

func (s *Server) apiAllow(c *gin.Context, l api.Limit) error {
	switch l {
	case api.Writes:
		return s.allow(c, s.limits.write)
	case api.Invites:
		return s.allow(c, s.limits.invite)
	case api.Live:
		return s.allow(c, s.limits.liveToken)
	}
	return nil
}

func (s *Server) apiProblem(c *gin.Context, err error) *api.Problem {
	s.even(c, err)
	s.logFailure(c, statusOf(err), err)
	if wait := int(math.Ceil(retryAfter(err).Seconds())); wait > 0 {
		c.Header("Retry-After", strconv.Itoa(wait))
	}
	return s.problem(c, err)
}

// within fails, as if there were no such server, if a server's token is for another.
func within(who *api.Caller, guildID snowflake.ID, missing *errs.Error) error {
	if who.Token != nil && who.Token.Server() && who.Token.GuildID != guildID {
		return missing
	}
	return nil
}

// inGuild gives the server of a path to a member.
func (s *Server) inGuild(ctx context.Context, who *api.Caller, raw string) (room.GuildInfo, access.Standing, error) {
	id, err := parseID(raw, errNoServer)
	if err == nil {
		err = within(who, id, errNoServer)
	}
	if err != nil {
		return room.GuildInfo{}, access.Standing{}, err
	}
	return s.standingIn(ctx, who.Session, id)
}

// managing gives the server of a path to who manages it.
func (s *Server) managing(ctx context.Context, who *api.Caller, raw string) (room.GuildInfo, error) {
	g, st, err := s.inGuild(ctx, who, raw)
	if err == nil && !st.Manager {
		err = errNotManager
	}
	return g, err
}

// Who may be told again what a repeatable operation answered: who manages the
// server, who is in it, or who controls the room, now.
func (s *Server) stillManaging(ctx context.Context, who *api.Caller, param func(string) string) error {
	_, err := s.managing(ctx, who, param("guild"))
	return err
}

func (s *Server) stillInGuild(ctx context.Context, who *api.Caller, param func(string) string) error {
	_, _, err := s.inGuild(ctx, who, param("guild"))
	return err
}

func (s *Server) stillInviting(ctx context.Context, who *api.Caller, param func(string) string) error {
	guildID, q, err := s.inRoom(ctx, who, param("channel"))
	if err != nil {
		return err
	}
	v, _, err := s.seeRoom(ctx, who.Session, guildID, q.RoomID)
	if err == nil && !v.MayControl {
		err = errs.E(errs.Forbidden,
			"Only the room's owner, or somebody who manages the server, can see this. Ask one of them.")
	}
	return err
}

// stillMe is for what is the caller's own.
func stillMe(context.Context, *api.Caller, func(string) string) error { return nil }

// inRoom finds the room of a path. Whether the caller may see it is not yet said.
func (s *Server) inRoom(
	ctx context.Context, who *api.Caller, raw string,
) (guildID snowflake.ID, q room.Request, err error) {
	guildID, id, err := s.find(ctx, raw)
	if err == nil {
		err = within(who, guildID, errNoRoom)
	}
	return guildID, room.Request{Actor: actor(who.Session), RoomID: id}, err
}

// Inputs and outputs that many operations share.
type (
	// GuildPath is exported because the description is made of exported parts alone; so is RoomPath.
	GuildPath struct {
		Guild string `path:"guild" doc:"The server's id."`
	}
	// RoomPath is the path of a room.
	RoomPath struct {
		Room string `path:"channel" doc:"The room's id, which is its voice channel's."`
	}
	none          struct{}
	answer[T any] struct {
		Body T
	}
)

func ok[T any](v T) *answer[T] { return &answer[T]{v} }
