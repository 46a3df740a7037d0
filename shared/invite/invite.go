// Package invite issues and verifies the tokens of invite links.
//
// A token identifies an invite and its room. Whether the invite is still usable is stored in the
// room's document and decided by package bot/rooms. The package does no I/O and is safe for
// concurrent use.
package invite

import (
	"crypto/rand"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/golang-jwt/jwt/v5"

	"snug/shared/keyring"
)

// Audience marks a token as an invite token, so that no other kind of token is accepted as one.
const Audience = "snug-invite"

// Claims are the contents of an invite token.
type Claims struct {
	keyring.Claims              // ID is the invite id
	GuildID        snowflake.ID `json:"gid"`
	RoomID         snowflake.ID `json:"rid"`
}

// NewID returns an invite id with at least 128 random bits.
func NewID() string { return rand.Text() }

// Issue returns the token of an invite, valid until expires.
func Issue(keys *keyring.Keyring, id string, guild, room snowflake.ID, now, expires time.Time) (string, error) {
	return keys.Sign(Audience, now, expires, func(c keyring.Claims) jwt.Claims {
		c.ID = id
		return Claims{Claims: c, GuildID: guild, RoomID: room}
	})
}

// Verify parses and verifies a token. It fails with errs.TokenExpired or errs.TokenInvalid. With
// errs.TokenExpired the claims are set, so that the page can name the room.
func Verify(keys *keyring.Keyring, token string, now time.Time) (Claims, error) {
	var c Claims
	err := keys.Verify(Audience, token, now, &c)
	return c, err
}
