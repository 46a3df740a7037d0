// Package vapid keeps the key pair with which Snug identifies itself to push services (VAPID, RFC 8292). It is made
// once and shared through the hub, the private part sealed by the keyring, so every process sends with the same key:
// browsers bind their subscriptions to it.
package vapid

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/push"
)

const (
	name  = "vapid"    // its key in the bucket
	bound = "push key" // what its private part is bound to
)

// Key is the key pair, opened.
type Key struct {
	Public  string // base64url, for browsers and push services
	Private string // base64url
}

// ID names the key in devices.
func (k Key) ID() string { return push.KeyID(k.Public) }

// Load returns the key, and makes it if there is none. A key that no secret of the keyring opens is replaced: browsers
// renew their subscriptions when Snug is opened there. One that was sealed with a former secret is sealed again. It
// fails with errs.Unavailable while the hub can't be reached.
func Load(ctx context.Context, h *hub.Hub, keys *keyring.Keyring, now time.Time, log *slog.Logger) (Key, error) {
	for {
		doc, rev, err := h.PushKeys.Latest(ctx, name)
		if errs.Has(err, errs.NotFound) {
			doc, rev, err = push.ServerKey{}, 0, nil
		}
		if err != nil {
			return Key{}, err
		}
		private, unreadable := keys.Open(doc.Private, bound)
		if unreadable == nil && keys.Current(doc.Private) {
			return Key{doc.Public, string(private)}, nil
		}
		made := Key{doc.Public, string(private)}
		if unreadable != nil {
			if made, err = generate(); err != nil {
				return Key{}, err
			}
			doc = push.ServerKey{Public: made.Public, MadeAt: now.UTC()}
		}
		doc.Private = keys.Seal([]byte(made.Private), bound)
		write := h.PushKeys.Create
		if rev > 0 {
			write = func(ctx context.Context, key string, v push.ServerKey, _ ...hub.WriteOption) (hub.Rev, error) {
				return h.PushKeys.Update(ctx, key, v, rev)
			}
		}
		_, err = write(ctx, name, doc)
		if errs.Has(err, errs.Conflict) {
			continue // another process was faster
		}
		if err == nil && rev > 0 && unreadable != nil {
			log.WarnContext(ctx, "replaced the key for push services, because its secret is no longer configured; "+
				"browsers get notifications again once Snug is opened there", "err", unreadable)
		}
		return made, err
	}
}

func generate() (Key, error) {
	pair, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("vapid: %w", err)
	}
	return Key{
		Public:  base64.RawURLEncoding.EncodeToString(pair.PublicKey().Bytes()),
		Private: base64.RawURLEncoding.EncodeToString(pair.Bytes()),
	}, nil
}
