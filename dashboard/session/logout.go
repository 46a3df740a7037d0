package session

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// revokeTime limits how long a sign-out waits for Discord.
const revokeTime = 3 * time.Second

// End signs a browser out: its session no longer exists when End returns without an error. Without a
// session it does nothing. If it was the user's last session, End also revokes Discord's token: Discord
// always revokes all tokens of a user, so doing that earlier would sign out their other browsers.
func (s *Sessions) End(ctx context.Context, id string) error {
	if !wellFormed(id) {
		return nil
	}
	key := keyOf(id)
	rec, _, err := s.load(ctx, key)
	if errs.Has(err, errs.Unauthorized) {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.drop(ctx, key); err != nil {
		return err
	}
	var left int
	err = s.changeIndex(ctx, rec.User.ID, func(x *index) { x.remove(key); left = x.live(s.o.Now()) })
	if err != nil {
		s.log.Warn("cannot update the index of a user's sessions", "user_id", rec.User.ID, "err", err)
	} else if left == 0 {
		s.revoke(ctx, rec)
	}
	return nil
}

// EndAll signs a user out in every browser and revokes Discord's token.
func (s *Sessions) EndAll(ctx context.Context, id string) error {
	if !wellFormed(id) {
		return nil
	}
	own := keyOf(id)
	rec, _, err := s.load(ctx, own)
	if errs.Has(err, errs.Unauthorized) {
		return nil
	} else if err != nil {
		return err
	}
	keys := []string{own}
	err = s.changeIndex(ctx, rec.User.ID, func(x *index) {
		keys = keys[:1]
		for _, e := range x.Sessions {
			if e.Key != own {
				keys = append(keys, e.Key)
			}
		}
		x.Sessions = nil
	})
	if err != nil {
		return err
	}
	var failed error
	for _, k := range keys {
		failed = errors.Join(failed, s.drop(ctx, k))
	}
	s.revoke(ctx, rec)
	return failed
}

// Erase signs a user out in every browser, revokes Discord's token, and deletes the servers they were seen in.
func (s *Sessions) Erase(ctx context.Context, id string, user snowflake.ID) error {
	if err := s.EndAll(ctx, id); err != nil {
		return err
	}
	if err := s.o.Sessions.Delete(ctx, "user."+user.String(), 0); err != nil && !errs.Has(err, errs.NotFound) {
		return unavailable(err)
	}
	return nil
}

// drop removes a session and reports it to Options.Ended.
func (s *Sessions) drop(ctx context.Context, key string) error {
	if err := s.o.Sessions.Delete(ctx, key, 0); err != nil && !errs.Has(err, errs.NotFound) {
		return unavailable(err)
	}
	s.o.Ended(ctx, key)
	return nil
}

// forget removes a session although nobody asked for that: a failure is only logged, and the session then expires.
func (s *Sessions) forget(ctx context.Context, user snowflake.ID, key string) {
	s.remove(ctx, key)
	if err := s.changeIndex(ctx, user, func(x *index) { x.remove(key) }); err != nil {
		s.log.Warn("cannot update the index of a user's sessions", "user_id", user, "err", err)
	}
}

func (s *Sessions) remove(ctx context.Context, key string) {
	if err := s.drop(ctx, key); err != nil {
		s.log.Warn("cannot delete a session", "err", err)
	}
}

// revoke revokes the token at Discord. The session is gone whatever Discord responds.
func (s *Sessions) revoke(ctx context.Context, rec *record) {
	token := rec.Refresh
	if token == "" {
		token = rec.Access
	}
	if s.o.Discord.RevokeURL == "" || token == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTime)
	defer cancel()
	form := url.Values{"token": {token}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.Discord.RevokeURL,
		strings.NewReader(form.Encode()))
	if err != nil {
		s.log.Warn("cannot revoke a token at Discord", "user_id", rec.User.ID, "err", err)
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.o.ClientID), url.QueryEscape(s.o.ClientSecret))
	res, err := s.http.Do(req)
	if err != nil {
		s.log.Warn("cannot revoke a token at Discord", "user_id", rec.User.ID, "err", err)
		return
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		s.log.Warn("cannot revoke a token at Discord", "user_id", rec.User.ID, "status", res.StatusCode)
	}
}
