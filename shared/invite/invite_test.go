package invite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"snug/shared/errs"
	"snug/shared/invite"
	"snug/shared/keyring"
)

func TestInviteToken(t *testing.T) {
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC)
	token, err := invite.Issue(keys, "the-id", 1, 2, now, now.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c, err := invite.Verify(keys, token, now.Add(23*time.Hour))
	if err != nil || c.ID != "the-id" || c.GuildID != 1 || c.RoomID != 2 {
		t.Fatalf("claims %+v, %v", c, err)
	}
	c, err = invite.Verify(keys, token, now.Add(25*time.Hour))
	if !errs.Has(err, errs.TokenExpired) || c.RoomID != 2 {
		t.Errorf("a day later: %+v, %v", c, err)
	}
	for i := range token {
		changed := []byte(token)
		changed[i]++
		if changed[i] == '.' || token[i] == '.' {
			continue
		}
		if _, err := invite.Verify(keys, string(changed), now); !errs.Has(err, errs.TokenInvalid) {
			t.Fatalf("with character %d changed: %v", i, err)
		}
	}
	other, err := keys.Sign("snug-live", now, now.Add(time.Hour), func(c keyring.Claims) jwt.Claims { return c })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := invite.Verify(keys, other, now); !errs.Has(err, errs.TokenInvalid) {
		t.Errorf("a live token passed for an invite: %v", err)
	}
	if a, b := invite.NewID(), invite.NewID(); len(a) < 26 || a == b {
		t.Error("ids are too short or repeat")
	}
}
