// Package invite issues and verifies the tokens of invite links.
//
// A token says which invite of which room it is; whether that invite still
// lets anybody in is written in the room's document and decided by
// package rooms of the bot. No I/O; safe for concurrent use.
package invite

import (
	"crypto/rand"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/golang-jwt/jwt/v5"

	"snug/shared/keyring"
)

// Audience marks a token as an invite's, so that no other token of Snug passes for one.
const Audience = "snug-invite"

// How long an invite that somebody asks for can work.
const (
	MinLifetime = time.Minute
	MaxLifetime = 30 * 24 * time.Hour
)

// Claims are what an invite token says.
type Claims struct {
	keyring.Claims              // ID is the invite's id
	GuildID        snowflake.ID `json:"gid"`
	RoomID         snowflake.ID `json:"rid"`
}

// NewID gives an invite id of at least 128 random bits.
func NewID() string { return rand.Text() }

// Issue makes the token of an invite, valid until expires.
func Issue(keys *keyring.Keyring, id string, guild, room snowflake.ID, now, expires time.Time) (string, error) {
	return keys.Sign(Audience, now, expires, func(c keyring.Claims) jwt.Claims {
		c.ID = id
		return Claims{Claims: c, GuildID: guild, RoomID: room}
	})
}

// Verify reads a token. It fails with errs.TokenExpired or errs.TokenInvalid.
// With errs.TokenExpired the claims are set, so that the page can say which room it was for.
func Verify(keys *keyring.Keyring, token string, now time.Time) (Claims, error) {
	var c Claims
	err := keys.Verify(Audience, token, now, &c)
	return c, err
}
