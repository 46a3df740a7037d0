// Package apitoken is what Snug knows of an API token: who may do what with
// it, and a hash of its secret; the secret itself is shown once and not kept.
//
// It does no I/O and reads no clock. Its values are plain data. A token's text
// is snug_{owner}_{id}_{secret}: owner is "u" and a user's id, or "s" and a
// server's; owner and id find it, and the secret, 130 random bits, proves it.
// A hash without salt is right for a secret that cannot be guessed.
package apitoken

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Prefix is how every token's text begins, so that scanners of secrets find lost ones.
const Prefix = "snug_"

// MaxPerOwner is how many tokens one user, or one server, may have.
const MaxPerOwner = 25

// Token is an API token without its secret.
type Token struct {
	ID     string       `json:"id"`
	UserID snowflake.ID `json:"user_id"` // who made it, and as whom it acts
	// the one server it is good for; 0: a personal token, good wherever its user is
	GuildID snowflake.ID `json:"guild_id,omitempty"`
	Name    string       `json:"name"`
	Scopes  []Scope      `json:"scopes"`
	Hash    []byte       `json:"hash"` // SHA-256 of the secret

	// As pages show whoever made it.
	Username    string `json:"username,omitempty"`
	DisplayName string `json:"display_name,omitempty"`

	CreatedAt  time.Time `json:"created_at"`
	Expires    time.Time `json:"expires,omitzero"` // zero: never
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// ExpiresAt gives when the hub may forget the token.
func (t Token) ExpiresAt() time.Time { return t.Expires }

// Server says whether it is a server's token.
func (t Token) Server() bool { return t.GuildID != 0 }

// Key is where the token is kept: owner.id.
func (t Token) Key() string { return Owner(t.UserID, t.GuildID) + "." + t.ID }

// Owner is the first part of a token's key: the server's if there is one, else the user's.
func Owner(user, guild snowflake.ID) string {
	if guild != 0 {
		return "s" + guild.String()
	}
	return "u" + user.String()
}

// New completes a token with a hash, and an id where it has none, and gives the text to show once.
func New(t Token) (Token, string, error) {
	t.Name = strings.Join(strings.Fields(t.Name), " ")
	if n := utf8.RuneCountInString(t.Name); n < 1 || n > 60 || !utf8.ValidString(t.Name) {
		return t, "", errs.Field("name", "A token needs a name of 1 to 60 characters, such as the program that "+
			"uses it.")
	}
	if err := CheckScopes(t.Scopes); err != nil {
		return t, "", err
	}
	secret := rand.Text()
	if t.ID == "" {
		t.ID = strings.ToLower(rand.Text()[:12])
	}
	t.Hash = hash(secret)
	return t, Prefix + Owner(t.UserID, t.GuildID) + "_" + t.ID + "_" + secret, nil
}

// Parse takes a token's text apart: the key it is kept under, and its secret.
func Parse(text string) (key, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok || len(text) > 120 {
		return "", "", false
	}
	p := strings.Split(rest, "_")
	if len(p) != 3 || len(p[0]) < 2 || p[0][0] != 'u' && p[0][0] != 's' || !digits(p[0][1:]) || !word(p[1]) ||
		!word(p[2]) {
		return "", "", false
	}
	return p[0] + "." + p[1], p[2], true
}

func digits(s string) bool { return len(s) > 0 && len(s) <= 20 && strings.Trim(s, "0123456789") == "" }

func word(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// Proves says whether the secret is the token's.
func (t Token) Proves(secret string) bool {
	return len(t.Hash) > 0 && subtle.ConstantTimeCompare(t.Hash, hash(secret)) == 1
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
