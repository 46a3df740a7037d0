package push

import (
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Subscription is what a browser needs to be sent messages. All of it is secret: whoever has it can reach the browser.
type Subscription struct {
	Endpoint string `json:"endpoint"`
	P256DH   string `json:"p256dh"`
	Auth     string `json:"auth"`
}

// Check fails with errs.Invalid unless a push service can have made the subscription. Whether its address may be called
// is only checked before each call.
func (s Subscription) Check() error {
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(s.Endpoint) > MaxEndpoint {
		return errs.Field("endpoint", "A push service's address starts with https:// and is at most %d bytes long.",
			MaxEndpoint)
	}
	if _, err := ecdh.P256().NewPublicKey(unbase64(s.P256DH)); err != nil {
		return errs.Field("p256dh", "That isn't a browser's public key. Send what its subscription has as p256dh.")
	}
	if len(unbase64(s.Auth)) != 16 {
		return errs.Field("auth", "That isn't a browser's secret. Send what its subscription has as auth.")
	}
	return nil
}

// unbase64 reads base64url with or without padding; nil if it isn't that.
func unbase64(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil
	}
	return b
}

// DeviceID names the device of a subscription: the same one each time it is added.
func DeviceID(user snowflake.ID, endpoint string) string {
	sum := sha256.Sum256([]byte("snug device " + user.String() + " " + endpoint))
	return hex.EncodeToString(sum[:8])
}

// ServerKey is the key pair that Snug shows push services (VAPID, RFC 8292). Every subscription is made for one.
type ServerKey struct {
	Public  string    `json:"public"`  // base64url of the uncompressed point
	Private []byte    `json:"private"` // encrypted
	MadeAt  time.Time `json:"made_at"`
}

// ID names the key in devices.
func (k ServerKey) ID() string { return KeyID(k.Public) }

// KeyID is the ID of the key with a public part.
func KeyID(public string) string {
	sum := sha256.Sum256([]byte(public))
	return hex.EncodeToString(sum[:6])
}
