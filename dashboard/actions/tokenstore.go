package actions

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/hub"
)

// tokenStore makes, checks, lists and revokes API tokens. It keeps nothing in memory.
type tokenStore struct {
	Bucket *hub.Bucket[apitoken.Token]
	Now    func() time.Time
	Log    *slog.Logger
	// Revoked is told of a token that ended, so that what it opened is closed.
	Revoked func(ctx context.Context, t apitoken.Token)
}

var errBadToken = errs.E(errs.Unauthorized,
	"This API token isn't valid. Make a new one on the API tokens page, and send it as Authorization: Bearer snug_….")

// usedEvery is how exactly it is known when a token was last used.
const usedEvery = time.Minute

// Check gives the token of a text. It fails with errs.Unauthorized.
func (s *tokenStore) Check(ctx context.Context, text string) (apitoken.Token, error) {
	key, secret, ok := apitoken.Parse(text)
	if !ok {
		return apitoken.Token{}, errBadToken
	}
	t, rev, err := s.Bucket.Get(ctx, key)
	switch {
	case errs.Has(err, errs.NotFound):
		return apitoken.Token{}, errBadToken
	case err != nil:
		return apitoken.Token{}, err
	case !t.Proves(secret):
		return apitoken.Token{}, errBadToken
	}
	if now := s.Now(); now.Sub(t.LastUsedAt) >= usedEvery {
		t.LastUsedAt = now.UTC()
		// Somebody else may have noted a use just now, or revoked the token: then theirs stands.
		if _, err := s.Bucket.Update(ctx, key, t, rev); err != nil && !errs.Has(err, errs.Conflict) {
			s.Log.WarnContext(ctx, "a token's use was not noted", "user_id", t.UserID, "err", err)
		}
	}
	return t, nil
}

// New completes a token that may be made, and gives the text to show once. Nothing is kept before Keep.
func (s *tokenStore) New(ctx context.Context, t apitoken.Token, repeatID string) (apitoken.Token, string, error) {
	t.CreatedAt = s.Now().UTC()
	if !t.Expires.IsZero() && !t.Expires.After(t.CreatedAt) {
		return t, "", errs.Field("expires_at", "That's in the past. Choose a later day, or none.")
	}
	if repeatID != "" {
		t.ID = repeatID[:12]
	}
	t, text, err := apitoken.New(t)
	if err != nil {
		return t, "", err
	}
	have, err := s.List(ctx, t.UserID, t.GuildID)
	if err != nil {
		return t, "", err
	}
	// an earlier try made it, and its text reached nobody
	again := slices.ContainsFunc(have, func(o apitoken.Token) bool { return o.ID == t.ID })
	if len(have) >= apitoken.MaxPerOwner && !again {
		return t, "", errs.E(errs.Conflict,
			"There are already %d tokens, the maximum. Revoke one that isn't used.", apitoken.MaxPerOwner)
	}
	return t, text, nil
}

// Keep keeps a token that New gave; from now on it is good, and not the one of an earlier try of the same request.
func (s *tokenStore) Keep(ctx context.Context, t apitoken.Token, repeatID string) error {
	keep := s.Bucket.Create
	if repeatID != "" {
		keep = s.Bucket.Put
	}
	_, err := keep(ctx, t.Key(), t)
	return err
}

// List gives the tokens of a server, or with guild 0 of a user, the newest first.
func (s *tokenStore) List(ctx context.Context, user, guild snowflake.ID) ([]apitoken.Token, error) {
	entries, err := s.Bucket.List(ctx, apitoken.Owner(user, guild))
	if err != nil {
		return nil, err
	}
	out := make([]apitoken.Token, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Value)
	}
	slices.SortFunc(out, func(a, b apitoken.Token) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, nil
}

// Find gives a token of a server, or with guild 0 of a user. It fails with errs.NotFound.
func (s *tokenStore) Find(ctx context.Context, user, guild snowflake.ID, id string) (apitoken.Token, error) {
	list, err := s.List(ctx, user, guild)
	if err != nil {
		return apitoken.Token{}, err
	}
	i := slices.IndexFunc(list, func(t apitoken.Token) bool { return t.ID == id })
	if i < 0 {
		return apitoken.Token{}, errs.E(errs.NotFound, "That token no longer exists. Reload the page.")
	}
	return list[i], nil
}

// Revoke ends a token that Find gave.
func (s *tokenStore) Revoke(ctx context.Context, t apitoken.Token) error {
	if err := s.Bucket.Delete(ctx, t.Key()); err != nil {
		return err
	}
	s.Revoked(ctx, t)
	return nil
}
