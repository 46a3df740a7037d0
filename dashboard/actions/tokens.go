package actions

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
)

// tokenLife is how long what a token without an end opened lives at most.
const tokenLife = 30 * 24 * time.Hour

// tokenSession names the sockets that a token opened.
func tokenSession(t apitoken.Token) string { return "token:" + t.Key() }

// TokenUser gives as whom a token acts. A server's token is good as long as its maker manages the server.
func (a *Actions) TokenUser(ctx context.Context, text string) (*session.Session, *apitoken.Token, error) {
	t, err := a.tokens.Check(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	if t.Server() {
		st, err := a.StandingOf(ctx, t.GuildID, t.UserID)
		if err != nil {
			return nil, nil, err
		}
		if !st.Member || !st.Manager {
			return nil, nil, errs.E(errs.Unauthorized,
				"The person who made this token no longer manages the server. A manager has to make a new one.")
		}
	}
	me := &session.Session{
		Key: tokenSession(t), User: session.User{ID: t.UserID, Username: t.Username, DisplayName: t.DisplayName},
		Expires: t.Expires,
	}
	if me.Expires.IsZero() {
		me.Expires = a.now().Add(tokenLife)
	}
	return me, &t, nil
}

// Tokens gives the API tokens of a server, or with guild 0 of somebody, the newest first.
func (a *Actions) Tokens(ctx context.Context, me *session.Session, guildID snowflake.ID) ([]apitoken.Token, error) {
	return a.tokens.List(ctx, me.User.ID, guildID)
}

// MakeToken makes a token of a server, or with guild 0 of somebody, and gives its text to show once; repeatID is as
// AddWebhook has it. A server's is noted first, which also asks Discord whether its maker manages the server now.
func (a *Actions) MakeToken(
	ctx context.Context, me *session.Session, guildID snowflake.ID, in wire.NewTokenInput, repeatID string,
) (apitoken.Token, string, error) {
	t, text, err := a.tokens.New(ctx, apitoken.Token{
		UserID: me.User.ID, GuildID: guildID, Name: in.Name, Scopes: in.Scopes, Expires: in.ExpiresAt,
		Username: me.User.Username, DisplayName: me.User.DisplayName,
	}, repeatID)
	if err == nil && t.Server() {
		err = a.note(ctx, me, t.GuildID, audit.TokenCreated, t.Name, "")
	}
	if err == nil {
		err = a.tokens.Keep(ctx, t, repeatID)
	}
	if err != nil {
		return t, "", err
	}
	a.log.InfoContext(ctx, "an API token was made", "user_id", me.User.ID, "guild_id", t.GuildID, "scopes", t.Scopes)
	return t, text, nil
}

// RevokeToken ends a token of a server, or with guild 0 of somebody. It fails with errs.NotFound. A server's is noted
// first, as MakeToken does.
func (a *Actions) RevokeToken(ctx context.Context, me *session.Session, guildID snowflake.ID, id string) error {
	t, err := a.tokens.Find(ctx, me.User.ID, guildID, id)
	if err == nil && t.Server() {
		err = a.note(ctx, me, guildID, audit.TokenRevoked, t.Name, "")
	}
	if err != nil {
		return err
	}
	return a.tokens.Revoke(ctx, t)
}

// note writes to the server's audit log what somebody is about to do there. It fails, and so does what they
// are about to do, with errs.Forbidden if they do not manage the server now.
func (a *Actions) note(
	ctx context.Context, me *session.Session, guildID snowflake.ID, kind audit.Kind, name, what string,
) error {
	_, err := hub.NoteChange.Call(ctx, a.o.Hub, guildID,
		guild.ChangeRecord{Actor: Actor(me), Kind: kind, Detail: name, New: what})
	return err
}
