// Package session signs people in with their Discord account and remembers them: OAuth2 with PKCE
// and a state that is bound to the browser and works once, opaque sessions stored sealed in the
// hub, automatic refresh of the Discord token, and sign-out here or everywhere.
//
// Only the dashboard uses it. It writes no cookies and no pages: it returns the values, and package
// dashboard does HTTP. A Sessions is safe for concurrent use, also by several processes with one
// hub; it starts no goroutines.
package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/singleflight"

	"snug/shared/agent"
	"snug/shared/errs"
	"snug/shared/keyring"
)

const (
	// Lifetime is how long a session lasts after its last use, by default.
	Lifetime = 30 * 24 * time.Hour
	// WholeLifetime is how long a session lasts in total, by default, however it is used (OWASP ASVS 7.3.2).
	WholeLifetime = 90 * 24 * time.Hour
	// LoginLifetime is how long a user may take on Discord's consent page.
	LoginLifetime = 10 * time.Minute

	rollEvery  = 24 * time.Hour // how often a session in use is extended
	maxPerUser = 50             // sessions; the oldest are dropped
	maxGuilds  = 100            // stored servers of a user
	casTries   = 8
)

// Discord's OAuth2 scopes.
const (
	ScopeIdentify   = "identify"
	ScopeGuildsJoin = "guilds.join"
)

// Doc is a sealed document and its expiry.
type Doc struct {
	Data    []byte
	Expires time.Time
}

// Store stores sealed documents until they expire: a bucket in the hub.
type Store interface {
	// Get returns a document and its revision, or errs.NotFound.
	Get(ctx context.Context, key string) (Doc, uint64, error)
	// Create returns errs.Conflict if the key exists.
	Create(ctx context.Context, key string, d Doc) error
	// Update returns errs.Conflict if rev isn't the newest revision.
	Update(ctx context.Context, key string, d Doc, rev uint64) error
	// Delete removes the document if rev is its newest revision (0: any revision). Otherwise it returns
	// errs.Conflict. It may succeed if there is no document.
	Delete(ctx context.Context, key string, rev uint64) error
}

// Discord are the addresses of Discord's OAuth2.
type Discord struct {
	AuthorizeURL string // the consent page, for browsers
	TokenURL     string
	RevokeURL    string
	APIURL       string // REST API, without a trailing slash: https://discord.com/api/v10
}

// Options of New. Log, HTTP, Ended and Discord.RevokeURL are optional.
type Options struct {
	Sessions, Logins Store
	Keys             *keyring.Keyring
	Discord          Discord
	ClientID         string
	ClientSecret     string
	HTTP             *http.Client // for requests to Discord; nil: one with a timeout of 10 s
	Now              func() time.Time
	Log              *slog.Logger
	// Ended is called with the keys of sessions that ended, for whatever reason: a sign-out, a new
	// login in the same browser, Discord's refusal. It must not block for long.
	Ended func(ctx context.Context, keys ...string)

	Lifetime, WholeLifetime time.Duration // 0: the constants with these names
}

// User is a session's user, as Discord described them at the last login or refresh.
type User struct {
	ID          snowflake.ID `json:"id"`
	Username    string       `json:"username"`
	DisplayName string       `json:"display_name"`     // global name, else username
	Avatar      string       `json:"avatar,omitempty"` // hash; "" for none
}

// Session is a signed-in browser.
type Session struct {
	// Key is the session's key in the hub: the SHA-256 of its id. It gives no access, but there is no need to show it.
	Key     string
	User    User
	Scopes  []string // granted by the user
	Expires time.Time
	// Extended means that Expires has just changed: set the cookie again.
	Extended bool
}

// Has reports whether the user granted a scope.
func (s *Session) Has(scope string) bool { return slices.Contains(s.Scopes, scope) }

// Sessions signs people in and out and recognizes them.
type Sessions struct {
	o       Options
	log     *slog.Logger
	http    *http.Client
	refresh singleflight.Group
}

// New returns a Sessions. It fails if an option is missing.
func New(o Options) (*Sessions, error) {
	if o.Sessions == nil || o.Logins == nil || o.Keys == nil || o.Now == nil {
		return nil, errors.New("session: Sessions, Logins, Keys and Now are required")
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("session: the application's client id and client secret are required; " +
			"both are on the OAuth2 page of https://discord.com/developers/applications")
	}
	for _, u := range []string{o.Discord.AuthorizeURL, o.Discord.TokenURL, o.Discord.APIURL} {
		if u == "" {
			return nil, errors.New("session: Discord's authorize, token and API addresses are required")
		}
	}
	s := &Sessions{o: o, log: o.Log, http: o.HTTP}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.o.Ended == nil {
		s.o.Ended = func(context.Context, ...string) {}
	}
	s.o.Lifetime, s.o.WholeLifetime = cmp.Or(o.Lifetime, Lifetime), cmp.Or(o.WholeLifetime, WholeLifetime)
	if s.http == nil {
		s.http = agent.Client(10 * time.Second)
	}
	return s, nil
}

// record is what is stored of a session, sealed.
type record struct {
	User      User      `json:"user"`
	Scopes    []string  `json:"scopes"`
	Access    string    `json:"access"`
	Refresh   string    `json:"refresh,omitempty"`
	AccessEnd time.Time `json:"access_end"`
	CreatedAt time.Time `json:"created_at"`
	RolledAt  time.Time `json:"rolled_at"`
	Expires   time.Time `json:"expires"`
	// ClaimedUntil is set while a process refreshes the Discord token, so that no other does.
	ClaimedUntil time.Time `json:"claimed_until,omitzero"`

	failed error // why this process could not refresh the token just now; not stored
}

func (r *record) session(key string) *Session {
	return &Session{Key: key, User: r.User, Scopes: r.Scopes, Expires: r.Expires}
}

// newSecret returns 256 random bits for a cookie or a state.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// keyOf returns the key that a secret's document is stored under.
func keyOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// wellFormed reports whether the value of a cookie or a state can be one of ours.
func wellFormed(secret string) bool {
	b, err := base64.RawURLEncoding.DecodeString(secret)
	return err == nil && len(b) == 32
}

var errSignedOut = errs.E(errs.Unauthorized, "You aren't signed in. Sign in with Discord.")

// Get returns the session for a cookie's value, extends it if it is due, and refreshes the Discord
// token if that has expired. It returns errs.Unauthorized if there is no such session, or no
// longer, and errs.Unavailable if the hub doesn't respond.
func (s *Sessions) Get(ctx context.Context, id string) (*Session, error) {
	if !wellFormed(id) {
		return nil, errSignedOut
	}
	key := keyOf(id)
	rec, rev, err := s.load(ctx, key)
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	if rec.needsRefresh(now) {
		if rec, rev, err = s.refreshed(ctx, key); err != nil {
			return nil, err
		}
	}
	sess := rec.session(key)
	if now.Sub(rec.RolledAt) >= rollEvery && s.ends(rec.CreatedAt).After(rec.Expires) {
		sess.Extended = s.roll(ctx, key, rec, rev)
		sess.Expires = rec.Expires
	}
	return sess, nil
}

// ends returns when a session ends that began at a time and is used now.
func (s *Sessions) ends(begun time.Time) time.Time {
	rolled, whole := s.o.Now().Add(s.o.Lifetime), begun.Add(s.o.WholeLifetime)
	if whole.Before(rolled) {
		return whole
	}
	return rolled
}

// roll extends a session in use. Losing the race against another request that does the same is harmless.
func (s *Sessions) roll(ctx context.Context, key string, rec *record, rev uint64) bool {
	now := s.o.Now()
	next := *rec
	next.RolledAt, next.Expires = now, s.ends(rec.CreatedAt)
	if err := s.save(ctx, key, &next, rev); err != nil {
		if !errs.Has(err, errs.Conflict) {
			s.log.Warn("cannot extend a session", "user_id", rec.User.ID, "err", err)
		}
		return false
	}
	*rec = next
	if err := s.changeIndex(ctx, rec.User.ID, func(x *index) { x.add(key, next.Expires, now) }); err != nil {
		s.log.Warn("cannot update the index of a user's sessions", "user_id", rec.User.ID, "err", err)
	}
	return true
}

// load reads a session that hasn't expired. A document that can't be opened, because the secret
// that sealed it is gone, counts as missing.
func (s *Sessions) load(ctx context.Context, key string) (*record, uint64, error) {
	var rec record
	rev, err := s.read(ctx, s.o.Sessions, "session", key, &rec)
	switch {
	case errs.Has(err, errs.NotFound), err == nil && !s.o.Now().Before(rec.Expires):
		return nil, 0, errSignedOut
	case err != nil:
		return nil, 0, err
	}
	return &rec, rev, nil
}

func (s *Sessions) save(ctx context.Context, key string, rec *record, rev uint64) error {
	return s.write(ctx, s.o.Sessions, "session", key, rec, rec.Expires, rev)
}

// read opens a sealed document into v. It returns errs.NotFound if there is none that can be opened and hasn't expired.
func (s *Sessions) read(ctx context.Context, in Store, kind, key string, v any) (uint64, error) {
	d, rev, err := in.Get(ctx, key)
	if errs.Has(err, errs.NotFound) {
		return 0, err
	} else if err != nil {
		return 0, unavailable(err)
	}
	if !s.o.Now().Before(d.Expires) {
		return 0, errs.E(errs.NotFound, "It has expired.")
	}
	plain, err := s.o.Keys.Open(d.Data, kind+" "+key)
	if err != nil {
		s.log.Info("cannot open a sealed document: its secret is no longer configured", "kind", kind, "err", err)
		return 0, errs.E(errs.NotFound, "Snug can no longer read it.").Because(err)
	}
	return rev, json.Unmarshal(plain, v)
}

// write seals v under key: rev 0 creates it, another rev replaces that revision.
func (s *Sessions) write(ctx context.Context, in Store, kind, key string, v any, expires time.Time, rev uint64) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	d := Doc{Data: s.o.Keys.Seal(plain, kind+" "+key), Expires: expires}
	if rev == 0 {
		err = in.Create(ctx, key, d)
	} else {
		err = in.Update(ctx, key, d, rev)
	}
	if err == nil || errs.Has(err, errs.Conflict) {
		return err
	}
	return unavailable(err)
}

// unavailable adds a message for users to an error of the hub.
func unavailable(err error) error {
	return errs.E(errs.Unavailable, "Snug can't reach its data right now. Try again in a moment.").Because(err)
}
