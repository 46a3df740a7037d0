package dashboard

import (
	"context"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/api"
	"snug/shared/apitoken"
)

type (
	// TokenJSON is exported because the description is made of exported parts alone.
	TokenJSON struct {
		ID         string        `json:"id"`
		Name       string        `json:"name"`
		Scopes     []api.Scope   `json:"scopes" nullable:"false"`
		GuildID    *snowflake.ID `json:"guild_id,omitempty" doc:"The one server it is good for; left out for a personal token."`
		MadeBy     snowflake.ID  `json:"made_by"`
		CreatedAt  time.Time     `json:"created_at"`
		ExpiresAt  *time.Time    `json:"expires_at" doc:"null: never"`
		LastUsedAt *time.Time    `json:"last_used_at" doc:"To the minute; null: never"`
	}
	tokensJSON struct {
		Tokens []TokenJSON `json:"tokens" nullable:"false"`
	}
	newTokenInput struct {
		Name      string      `json:"name" maxLength:"240"`
		Scopes    []api.Scope `json:"scopes" nullable:"false"`
		ExpiresAt time.Time   `json:"expires_at" required:"false" doc:"Left out: never."`
	}
	madeTokenJSON struct {
		TokenJSON
		Secret string `json:"secret,omitempty" doc:"The token. It is shown this once."`
	}
)

func newTokenJSON(t api.Token) TokenJSON {
	out := TokenJSON{ID: t.ID, Name: t.Name, Scopes: t.Scopes, MadeBy: t.UserID, CreatedAt: t.CreatedAt}
	if t.Server() {
		out.GuildID = &t.GuildID
	}
	if !t.Expires.IsZero() {
		out.ExpiresAt = &t.Expires
	}
	if !t.LastUsedAt.IsZero() {
		out.LastUsedAt = &t.LastUsedAt
	}
	return out
}

func (s *Server) apiTokens() {
	pages := api.Access{Limit: api.Writes} // by people, on pages
	const once = "The answer has the token's text, which is shown this once."
	type IDPath struct {
		ID string `path:"id"`
	}
	api.Register(s.api, api.Operation{
		ID: "my-tokens", Method: http.MethodGet, Path: "/me/tokens", Tag: "API tokens", Summary: "Your personal tokens",
		Access: api.Access{},
	}, func(ctx context.Context, who *api.Caller, _ *none) (*answer[tokensJSON], error) {
		return s.listTokens(ctx, who, 0)
	})
	api.Register(s.api, api.Operation{
		ID: "create-my-token", Method: http.MethodPost, Path: "/me/tokens", Tag: "API tokens",
		Summary: "Make a personal token", Description: once,
		Status: http.StatusCreated, Repeat: &api.Repeat{Still: stillMe, Secrets: []string{"secret"}}, Access: pages,
	}, func(ctx context.Context, who *api.Caller, in *struct{ Body newTokenInput }) (*answer[madeTokenJSON], error) {
		return s.makeToken(ctx, who, 0, in.Body)
	})
	api.Register(s.api, api.Operation{
		ID: "revoke-my-token", Method: http.MethodDelete, Path: "/me/tokens/{id}", Tag: "API tokens",
		Summary: "Revoke a personal token", Access: pages,
	}, func(ctx context.Context, who *api.Caller, in *IDPath) (*none, error) {
		return &none{}, s.revokeToken(ctx, who.Session, 0, in.ID)
	})
	api.Register(s.api, api.Operation{
		ID: "tokens", Method: http.MethodGet, Path: "/guilds/{guild}/tokens", Tag: "API tokens",
		Summary: "A server's tokens", Access: api.Access{},
	}, func(ctx context.Context, who *api.Caller, in *GuildPath) (*answer[tokensJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		return s.listTokens(ctx, who, g.ID)
	})
	api.Register(s.api, api.Operation{
		ID: "create-token", Method: http.MethodPost, Path: "/guilds/{guild}/tokens", Tag: "API tokens",
		Summary:     "Make a server's token",
		Description: "It is good for this server alone, acts as you, and only while you manage the server. " + once,
		Status:      http.StatusCreated, Repeat: &api.Repeat{Still: s.stillManaging, Secrets: []string{"secret"}},
		Access: pages,
	}, func(ctx context.Context, who *api.Caller, in *struct {
		GuildPath
		Body newTokenInput
	}) (*answer[madeTokenJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		return s.makeToken(ctx, who, g.ID, in.Body)
	})
	api.Register(s.api, api.Operation{
		ID: "revoke-token", Method: http.MethodDelete, Path: "/guilds/{guild}/tokens/{id}", Tag: "API tokens",
		Summary: "Revoke a server's token", Access: pages,
	}, func(ctx context.Context, who *api.Caller, in *struct {
		GuildPath
		IDPath
	}) (*none, error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		return &none{}, s.revokeToken(ctx, who.Session, g.ID, in.ID)
	})
}

func (s *Server) listTokens(ctx context.Context, who *api.Caller, guildID snowflake.ID) (*answer[tokensJSON], error) {
	list, err := s.tokens.List(ctx, who.User.ID, guildID)
	if err != nil {
		return nil, err
	}
	out := tokensJSON{Tokens: []TokenJSON{}}
	for _, t := range list {
		out.Tokens = append(out.Tokens, newTokenJSON(t))
	}
	return ok(out), nil
}

func (s *Server) makeToken(
	ctx context.Context, who *api.Caller, guildID snowflake.ID, in newTokenInput,
) (*answer[madeTokenJSON], error) {
	t, text, err := s.newToken(ctx, who.Session, apitoken.Token{
		UserID: who.User.ID, GuildID: guildID, Name: in.Name, Scopes: in.Scopes, Expires: in.ExpiresAt,
		Username: who.User.Username, DisplayName: who.User.DisplayName,
	})
	if err != nil {
		return nil, err
	}
	return ok(madeTokenJSON{newTokenJSON(t), text}), nil
}
