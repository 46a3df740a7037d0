package api

import (
	"context"
	"net/http"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
)

type (
	tokensJSON struct {
		Tokens []wire.Token `json:"tokens" nullable:"false"`
	}
	madeTokenJSON struct {
		wire.Token
		Secret string `json:"secret,omitempty" doc:"The token's text. It's shown only once."`
	}
)

func (s *Service) apiTokens() {
	pages := openapi.Access{Limit: openapi.Writes} // by people, on pages
	const once = "The answer has the token's text. It's shown only once."
	type IDPath struct {
		ID string `path:"id"`
	}
	openapi.Register(s.api, openapi.Operation{
		ID: "my-tokens", Method: http.MethodGet, Path: "/me/tokens", Tag: "API tokens",
		Summary: "List your personal tokens", Access: openapi.Access{},
	}, func(ctx context.Context, who *openapi.Caller, _ *none) (*answer[tokensJSON], error) {
		return s.listTokens(ctx, who, 0)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "create-my-token", Method: http.MethodPost, Path: "/me/tokens", Tag: "API tokens",
		Summary: "Create a personal token", Description: once,
		Status: http.StatusCreated, Repeat: &openapi.Repeat{Still: stillMe, Secrets: []string{"secret"}}, Access: pages,
	}, func(
		ctx context.Context, who *openapi.Caller, in *struct{ Body wire.NewTokenInput },
	) (*answer[madeTokenJSON], error) {
		return s.makeToken(ctx, who, 0, in.Body)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "revoke-my-token", Method: http.MethodDelete, Path: "/me/tokens/{id}", Tag: "API tokens",
		Summary: "Revoke a personal token", Access: pages,
	}, func(ctx context.Context, who *openapi.Caller, in *IDPath) (*none, error) {
		return &none{}, s.actions.RevokeToken(ctx, who.Session, 0, in.ID)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "tokens", Method: http.MethodGet, Path: "/guilds/{guild}/tokens", Tag: "API tokens",
		Summary: "List a server's tokens", Access: openapi.Access{},
	}, func(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[tokensJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		return s.listTokens(ctx, who, g.ID)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "create-token", Method: http.MethodPost, Path: "/guilds/{guild}/tokens", Tag: "API tokens",
		Summary:     "Create a server token",
		Description: "It works in this server only, and acts as you as long as you manage the server. " + once,
		Status:      http.StatusCreated, Repeat: &openapi.Repeat{Still: s.stillManaging, Secrets: []string{"secret"}},
		Access: pages,
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		Body wire.NewTokenInput
	}) (*answer[madeTokenJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		return s.makeToken(ctx, who, g.ID, in.Body)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "revoke-token", Method: http.MethodDelete, Path: "/guilds/{guild}/tokens/{id}", Tag: "API tokens",
		Summary: "Revoke a server token", Access: pages,
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		IDPath
	}) (*none, error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		return &none{}, s.actions.RevokeToken(ctx, who.Session, g.ID, in.ID)
	})
}

func (s *Service) listTokens(
	ctx context.Context, who *openapi.Caller, guildID snowflake.ID,
) (*answer[tokensJSON], error) {
	list, err := s.actions.Tokens(ctx, who.Session, guildID)
	if err != nil {
		return nil, err
	}
	out := tokensJSON{Tokens: []wire.Token{}}
	for _, t := range list {
		out.Tokens = append(out.Tokens, wire.NewToken(t))
	}
	return ok(out), nil
}

func (s *Service) makeToken(
	ctx context.Context, who *openapi.Caller, guildID snowflake.ID, in wire.NewTokenInput,
) (*answer[madeTokenJSON], error) {
	t, text, err := s.actions.MakeToken(ctx, who.Session, guildID, in, openapi.RepeatID(ctx))
	if err != nil {
		return nil, err
	}
	return ok(madeTokenJSON{wire.NewToken(t), text}), nil
}
