package wire

import (
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/apitoken"
)

// Token is an API token, without its text.
type Token struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Scopes     []apitoken.Scope `json:"scopes" nullable:"false"`
	GuildID    *snowflake.ID    `json:"guild_id,omitempty" doc:"The server it works in. Missing: a personal token."`
	MadeBy     snowflake.ID     `json:"made_by"`
	CreatedAt  time.Time        `json:"created_at"`
	ExpiresAt  *time.Time       `json:"expires_at" doc:"null: never."`
	LastUsedAt *time.Time       `json:"last_used_at" doc:"To the minute. null: never."`
}

// NewToken gives a token as JSON has it.
func NewToken(t apitoken.Token) Token {
	out := Token{ID: t.ID, Name: t.Name, Scopes: t.Scopes, MadeBy: t.UserID, CreatedAt: t.CreatedAt}
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
