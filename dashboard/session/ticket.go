package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"snug/shared/errs"
)

// way is what OAuth2's state carries: where the login leads, and nothing else. Discord and whoever sees the address
// cannot read it; a browser that has no ticket for it can start over with it.
type way struct {
	Path    string    `json:"path"`
	Expires time.Time `json:"expires"`
}

// ticket is what one browser holds of a login on its way, in a cookie: with it, and with nothing else, the
// code is exchanged.
type ticket struct {
	Verifier string    `json:"verifier"`
	Accept   bool      `json:"accept,omitempty"`
	Scopes   []string  `json:"scopes"`
	Expires  time.Time `json:"expires"`
}

// A seal opens at the origin it was made for alone, and a ticket with its own state alone.
func stateContext(origin string) string         { return "login state " + origin }
func ticketContext(origin, state string) string { return "login ticket " + origin + " " + keyOf(state) }

// maxSealed bounds what is looked at as a state or a ticket; maxReturnTo, sealed and in base64, is well below.
const maxSealed = 2048

func (s *Sessions) sealText(v any, context string) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.o.Keys.Seal(plain, context)), nil
}

func (s *Sessions) openText(text, context string, v any) error {
	if text == "" || len(text) > maxSealed {
		return errors.New("session: missing, or too long for one of ours")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	plain, err := s.o.Keys.Open(sealed, context)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, v)
}

// spend takes a state for good. Discord takes a code once; this holds should it ever not. It is written only after
// Discord has named a person, so strangers cannot fill the store, and a store that takes nothing more stops no login.
func (s *Sessions) spend(ctx context.Context, state string, ends time.Time) error {
	err := s.o.Logins.Create(ctx, keyOf(state), Doc{Expires: ends})
	switch {
	case errs.Has(err, errs.Conflict):
		return errLoginGone
	case err != nil:
		s.log.Warn("used sign-in not remembered; Discord takes its code once all the same", "err", err)
	}
	return nil
}
