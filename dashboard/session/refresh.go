package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"snug/shared/errs"
)

const (
	// claimTime is how long one process may take for a refresh before another may try.
	claimTime = 20 * time.Second
	// refreshAhead is how long before its expiry a Discord token is refreshed.
	refreshAhead = time.Minute
	// claimPoll is how often a process checks whether another one's refresh has finished.
	claimPoll = 100 * time.Millisecond
)

var errRefused = errs.E(errs.Unauthorized,
	"Discord ended your sign-in. Sign in again; you'll come back to this page.")

func (r *record) needsRefresh(now time.Time) bool {
	return r.Refresh != "" && now.After(r.AccessEnd.Add(-refreshAhead)) && now.After(r.ClaimedUntil)
}

// refreshed refreshes a session's Discord token, once for all requests that arrive meanwhile. If Discord
// refuses, the session ends (errs.Unauthorized). If Discord doesn't respond, the session stays: what its
// user may do is checked with the bot, so nobody gains anything, and the refresh is retried later.
func (s *Sessions) refreshed(ctx context.Context, key string) (*record, uint64, error) {
	type result struct {
		rec *record
		rev uint64
	}
	// The first tab may be closed while the others wait, so the refresh doesn't end with its request.
	v, err, _ := s.refresh.Do(key, func() (any, error) {
		c, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTime)
		defer cancel()
		rec, rev, err := s.refreshOnce(c, key)
		return result{rec, rev}, err
	})
	if err != nil {
		return nil, 0, err
	}
	r := v.(result)
	rec := *r.rec // each waiting request gets its own copy
	return &rec, r.rev, nil
}

func (s *Sessions) refreshOnce(ctx context.Context, key string) (*record, uint64, error) {
	rec, rev, err := s.load(ctx, key)
	now := s.o.Now()
	if err != nil || !rec.needsRefresh(now) {
		return rec, rev, err
	}
	// Discord accepts a refresh token once, so only one process may use it: the one whose claim is stored.
	rec.ClaimedUntil = now.Add(claimTime)
	if err := s.save(ctx, key, rec, rev); err != nil {
		if errs.Has(err, errs.Conflict) {
			return s.load(ctx, key)
		}
		return nil, 0, err
	}
	octx := context.WithValue(ctx, oauth2.HTTPClient, s.http)
	tok, err := s.oauth("", nil).TokenSource(octx, &oauth2.Token{RefreshToken: rec.Refresh}).Token()
	switch {
	case refused(err):
		s.log.Info("session ended: Discord refused to refresh its token", "user_id", rec.User.ID)
		s.forget(ctx, rec.User.ID, key)
		return nil, 0, errRefused
	case err != nil:
		failed := discordFailed(err)
		s.log.Warn("cannot refresh a Discord token; retrying later", "user_id", rec.User.ID, "err", failed)
		if rec, rev, err = s.load(ctx, key); err == nil {
			rec.failed = failed
		}
		return rec, rev, err
	}
	rec.take(tok, now)
	rec.Scopes = granted(tok, rec.Scopes)
	if user, err := s.me(ctx, tok.AccessToken); err == nil && user.ID == rec.User.ID {
		rec.User = user // names and avatars may have changed
	}
	return s.saveRefreshed(ctx, key, rec)
}

// saveRefreshed stores the token, which can't be obtained again. Only an extension or a sign-out
// can have happened meanwhile; an ended session stays ended.
func (s *Sessions) saveRefreshed(ctx context.Context, key string, rec *record) (*record, uint64, error) {
	for range casTries {
		now, rev, err := s.load(ctx, key)
		if err != nil {
			return nil, 0, err
		}
		rec.RolledAt, rec.Expires = now.RolledAt, now.Expires
		if err = s.save(ctx, key, rec, rev); err == nil {
			return s.load(ctx, key)
		} else if !errs.Has(err, errs.Conflict) {
			return nil, 0, err
		}
	}
	return nil, 0, unavailable(errors.New("session: too many writers"))
}

// refused reports whether Discord ended a login, according to the one response that RFC 6749, 5.2
// defines for that. Any other response without a token (a proxy's page, a wrong client secret, an
// outage) says nothing about the login.
func refused(err error) bool {
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && r.Response != nil && r.Response.StatusCode == http.StatusBadRequest && r.ErrorCode == "invalid_grant"
}

// AccessToken returns a session's Discord token, refreshed if necessary. If another process is
// refreshing it, AccessToken waits until ctx ends.
func (s *Sessions) AccessToken(ctx context.Context, key string) (string, error) {
	for {
		rec, _, err := s.load(ctx, key)
		if err != nil {
			return "", err
		}
		now := s.o.Now()
		if now.Before(rec.AccessEnd) {
			return rec.Access, nil
		}
		if rec.needsRefresh(now) {
			if rec, _, err = s.refreshed(ctx, key); err != nil {
				return "", err
			}
			switch {
			case s.o.Now().Before(rec.AccessEnd):
				return rec.Access, nil
			case rec.failed != nil:
				return "", rec.failed
			}
		} else if rec.Refresh == "" {
			return "", errRefused
		}
		t := time.NewTimer(claimPoll)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return "", errs.E(errs.DiscordUnavailable, "Discord isn't answering. Try again in a moment.").
				Because(ctx.Err())
		}
	}
}
