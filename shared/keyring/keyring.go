// Package keyring holds the secrets with which Snug signs short-lived tokens (JSON Web Tokens, RFC
// 8725) and seals data at rest.
//
// Separate keys for signing and sealing are derived from each secret (HKDF), so that no key has two
// purposes. The first secret is used for new tokens and seals, and the others are still accepted, so
// that secrets can be rotated. It does no I/O. A Keyring is immutable and safe for concurrent use.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"snug/shared/errs"
)

// MinSecret is the minimum length of a secret, in bytes.
const MinSecret = 32

// Leeway is the tolerated difference between the clocks of two machines.
const Leeway = 5 * time.Second

const issuer = "snug"

type key struct {
	id   string
	sign []byte
	seal cipher.AEAD
}

// Keyring signs and seals with its first secret, and accepts what any of its secrets made.
type Keyring struct{ keys []key }

// New makes a keyring from secrets, the current one first. It fails if there is none, or if one is
// shorter than MinSecret bytes.
func New(secrets ...[]byte) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("keyring: no secret given")
	}
	r := &Keyring{}
	for i, s := range secrets {
		if len(s) < MinSecret {
			return nil, fmt.Errorf("keyring: secret %d has %d bytes, and at least %d are needed; "+
				"make one with: openssl rand -hex 32", i+1, len(s), MinSecret)
		}
		derive := func(use string) ([]byte, error) { return hkdf.Key(sha256.New, s, nil, "snug "+use, 32) }
		id, err1 := derive("key id")
		sign, err2 := derive("signing")
		seal, err3 := derive("sealing")
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
		block, err := aes.NewCipher(seal)
		if err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
		r.keys = append(r.keys, key{hex.EncodeToString(id[:6]), sign, aead})
	}
	return r, nil
}

// Claims are the standard claims of every token. Embed them in a token's own claims.
type Claims = jwt.RegisteredClaims

// Sign makes a token for one audience, valid from now until expires. It passes the standard claims
// (issuer, audience and times) to set, which returns the token's claims.
func (r *Keyring) Sign(audience string, now, expires time.Time, set func(Claims) jwt.Claims) (string, error) {
	claims := set(Claims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
	})
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	t.Header["kid"] = r.keys[0].id
	return t.SignedString(r.keys[0].sign)
}

// Verify reads a token into claims. It only accepts HS256, with a key of this ring, for this
// audience, and with an expiry. It returns errs.TokenExpired for a token of ours that has expired,
// and errs.TokenInvalid for everything else, without saying what was wrong.
func (r *Keyring) Verify(audience, token string, now time.Time, claims jwt.Claims) error {
	if err := wellFormed(token); err != nil {
		return invalid(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(Leeway), jwt.WithTimeFunc(func() time.Time { return now }),
	)
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical {
			return nil, errors.New("it has extensions that must be understood") // RFC 7515, section 4.1.11
		}
		kid, _ := t.Header["kid"].(string)
		for _, k := range r.keys {
			if k.id == kid {
				return k.sign, nil
			}
		}
		return nil, errors.New("unknown key")
	})
	if at, e := claims.GetIssuedAt(); e != nil || at == nil {
		return invalid(errors.Join(err, errors.New("no issue time")))
	}
	switch {
	case err == nil:
		return nil
	// Validation joins all errors; expiry counts only if nothing else is wrong.
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidAudience) &&
		!errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return errs.E(errs.TokenExpired, "This link has expired. Ask for a new one.").Because(err)
	}
	return invalid(err)
}

func invalid(cause error) error {
	return errs.E(errs.TokenInvalid,
		"This link isn't valid. Check that you copied all of it, or ask for a new one.").Because(cause)
}

// maxToken is the longest text that is tried as a token, in bytes.
const maxToken = 4 << 10

// wellFormed rejects what can't be a token before anything is decoded: Go's base64 would skip newlines.
func wellFormed(token string) error {
	if len(token) > maxToken {
		return errors.New("too long for a token")
	}
	for _, c := range []byte(token) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return errors.New("invalid character for a token")
		}
	}
	return nil
}

// Seal encrypts and authenticates plaintext, bound to a context: it can be opened only with the
// same context (for instance the key it is stored under).
func (r *Keyring) Seal(plaintext []byte, context string) []byte {
	k := r.keys[0]
	out := append([]byte{byte(len(k.id))}, k.id...)
	return k.seal.Seal(out, nil, plaintext, []byte(context))
}

// Open returns the plaintext of a seal, or an error if it was modified, or sealed with another
// context or a secret that isn't in this ring.
func (r *Keyring) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) < 1 || len(sealed) < 1+int(sealed[0]) {
		return nil, errors.New("keyring: not sealed data")
	}
	id, body := string(sealed[1:1+sealed[0]]), sealed[1+sealed[0]:]
	for _, k := range r.keys {
		if k.id == id {
			return k.seal.Open(nil, nil, body, []byte(context))
		}
	}
	return nil, errors.New("keyring: sealed with a secret that is no longer configured")
}

// Current reports whether data was sealed with the current secret. Otherwise it should be resealed
// while its secret is still accepted.
func (r *Keyring) Current(sealed []byte) bool {
	id := r.keys[0].id
	return len(sealed) > len(id) && int(sealed[0]) == len(id) && string(sealed[1:1+len(id)]) == id
}
