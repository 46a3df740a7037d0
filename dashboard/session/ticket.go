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

// loginState is the content of OAuth2's state: only where the login leads. Discord and others who see the
// address can't read it; a browser without the login's ticket can use it to start over.
type loginState struct {
	Path    string    `json:"path"`
	Expires time.Time `json:"expires"`
}

// ticket is the content of a login's cookie: it, and nothing else, allows the browser to exchange the code.
type ticket struct {
	Verifier string    `json:"verifier"`
	Accept   bool      `json:"accept,omitempty"`
	Scopes   []string  `json:"scopes"`
	Expires  time.Time `json:"expires"`
}

// A seal can only be opened for the origin it was made for, and a ticket only with its own state.
func stateContext(origin string) string         { return "login state " + origin }
func ticketContext(origin, state string) string { return "login ticket " + origin + " " + keyOf(state) }

// maxSealed is the longest text that is tried as a state or a ticket; maxReturnTo, sealed and in base64, is far below.
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

// markUsed marks a state as used. Discord accepts a code only once; this still holds should it ever
// not. It is stored only after Discord has named a user, so strangers can't fill the store, and a
// full store doesn't prevent logins.
func (s *Sessions) markUsed(ctx context.Context, state string, ends time.Time) error {
	err := s.o.Logins.Create(ctx, keyOf(state), Doc{Expires: ends})
	switch {
	case errs.Has(err, errs.Conflict):
		return errLoginGone
	case err != nil:
		s.log.Warn("cannot mark a login's state as used; Discord still accepts its code only once", "err", err)
	}
	return nil
}
