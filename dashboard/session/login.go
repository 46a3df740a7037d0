package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/oauth2"

	"snug/shared/errs"
	"snug/shared/room"
)

// CallbackPath is where Discord sends browsers back to, on the origin the
// login began at. Register origin and path at Discord as a redirect.
const CallbackPath = "/auth/discord/callback"

// ErrCancelled is what Finish fails with when the person said no at Discord.
var ErrCancelled = errs.E(errs.Forbidden, "You cancelled at Discord, so nobody was signed in. You can sign in whenever you like.")

// Begin is what a login starts from.
type Begin struct {
	Origin   string // scheme and host of this browser's dashboard
	ReturnTo string // where to go afterwards; made safe by ReturnTo
	Invite   string // the token of an invite the person accepted by signing in, or ""
	Binding  string // the browser's login cookie, or ""
	// Again has Discord not ask whoever agreed before: for a browser whose
	// session ended without anybody having signed out.
	Again bool
	// Join asks for the scope guilds.join too, for an invite that may bring people into the server.
	Join bool
}

// Begun is a login on its way.
type Begun struct {
	URL     string // Discord's consent page: send the browser there
	Binding string // the login cookie's value: set it
}

// pending is what is kept of a login, sealed, under the hash of its state.
type pending struct {
	Verifier string   `json:"verifier"`
	Origin   string   `json:"origin"`
	ReturnTo string   `json:"return_to"`
	Invite   string   `json:"invite,omitempty"`
	Browser  [32]byte `json:"browser"` // hash of the login cookie
	Scopes   []string `json:"scopes"`
}

// Begin starts a login. A browser that has a login on its way keeps its
// cookie, so that two tabs may sign in side by side; each has its own state.
func (s *Sessions) Begin(ctx context.Context, b Begin) (Begun, error) {
	binding := b.Binding
	if !wellFormed(binding) {
		binding = newSecret()
	}
	state := newSecret()
	p := pending{
		Verifier: oauth2.GenerateVerifier(), Origin: b.Origin, ReturnTo: ReturnTo(b.ReturnTo), Invite: b.Invite,
		Browser: sha256.Sum256([]byte(binding)), Scopes: []string{ScopeIdentify},
	}
	if b.Join {
		p.Scopes = append(p.Scopes, ScopeGuildsJoin)
	}
	err := s.write(ctx, s.o.Logins, "login", keyOf(state), p, s.o.Now().Add(LoginLifetime), 0)
	if err != nil {
		return Begun{}, err
	}
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(p.Verifier)}
	if b.Again {
		opts = append(opts, oauth2.SetAuthURLParam("prompt", "none"))
	}
	return Begun{URL: s.oauth(p).AuthCodeURL(state, opts...), Binding: binding}, nil
}

func (s *Sessions) oauth(p pending) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.o.ClientID, ClientSecret: s.o.ClientSecret, RedirectURL: p.Origin + CallbackPath, Scopes: p.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: s.o.Discord.AuthorizeURL, TokenURL: s.o.Discord.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// Callback is what a browser brings back from Discord.
type Callback struct {
	Origin  string
	State   string
	Code    string
	Error   string // OAuth2's error, when there is no code
	Binding string // the login cookie
	OldID   string // the session cookie, if the browser was signed in; that session ends
}

// Finished is a login that is done.
type Finished struct {
	ID       string // the new session cookie's value
	Session  *Session
	ReturnTo string
	Invite   string
}

var errLoginGone = errs.E(errs.TokenExpired, "This sign-in was already used, or took longer than ten minutes. Please start it again.")

// Finish ends a login. A state works once, in the browser it was made for and
// on the origin it began at. With ErrCancelled, and when Discord fails, the
// answer's ReturnTo still says where the person was.
func (s *Sessions) Finish(ctx context.Context, c Callback) (Finished, error) {
	if !wellFormed(c.State) {
		return Finished{}, errLoginGone
	}
	var p pending
	key := keyOf(c.State)
	rev, err := s.read(ctx, s.o.Logins, "login", key, &p)
	if errs.Has(err, errs.NotFound) {
		return Finished{}, errLoginGone
	} else if err != nil {
		return Finished{}, err
	}
	browser := sha256.Sum256([]byte(c.Binding))
	if !wellFormed(c.Binding) || subtle.ConstantTimeCompare(browser[:], p.Browser[:]) != 1 || p.Origin != c.Origin {
		return Finished{}, errs.E(errs.TokenInvalid, "This sign-in was started in another browser, or cookies are switched off. Please start it again here.")
	}
	switch err := s.o.Logins.Delete(ctx, key, rev); {
	case errs.Has(err, errs.Conflict), errs.Has(err, errs.NotFound):
		return Finished{}, errLoginGone
	case err != nil:
		return Finished{}, unavailable(err)
	}
	back := Finished{ReturnTo: p.ReturnTo, Invite: p.Invite}
	switch {
	case c.Error == "access_denied":
		return back, ErrCancelled
	case c.Error != "" || c.Code == "":
		return back, errs.E(errs.DiscordUnavailable, "Discord did not sign you in. Please try again.").
			Because(fmt.Errorf("oauth2 error %.40q", c.Error))
	}
	return s.exchange(ctx, c, p, back)
}

// exchange turns a code into a session.
func (s *Sessions) exchange(ctx context.Context, c Callback, p pending, back Finished) (Finished, error) {
	octx := context.WithValue(ctx, oauth2.HTTPClient, s.http)
	tok, err := s.oauth(p).Exchange(octx, c.Code, oauth2.VerifierOption(p.Verifier))
	if err != nil {
		return back, discordFailed(err)
	}
	user, err := s.me(ctx, tok.AccessToken)
	if err != nil {
		return back, err
	}
	now, id := s.o.Now(), newSecret()
	rec := &record{User: user, Scopes: granted(tok, p.Scopes), CreatedAt: now, RolledAt: now, Expires: now.Add(Lifetime)}
	rec.take(tok, now)
	key := keyOf(id)
	if err := s.save(ctx, key, rec, 0); err != nil {
		return back, err
	}
	var dropped []string
	err = s.changeIndex(ctx, user.ID, func(x *index) { dropped = x.add(key, rec.Expires, now) })
	if err != nil {
		return back, err
	}
	for _, k := range dropped {
		s.remove(ctx, k)
	}
	if wellFormed(c.OldID) {
		// The id is renewed at each login; the old one ends without revoking what the new one may share.
		old := keyOf(c.OldID)
		if rec, _, err := s.load(ctx, old); err == nil {
			s.forget(ctx, rec.User.ID, old)
		}
	}
	back.ID, back.Session = id, rec.session(key)
	return back, nil
}

// granted gives the scopes Discord says it granted, or those asked for when it says nothing.
func granted(tok *oauth2.Token, asked []string) []string {
	if s, ok := tok.Extra("scope").(string); ok && s != "" {
		return strings.Fields(s)
	}
	return asked
}

// take keeps a token's values. A token without an expiry is taken to last Discord's week.
func (r *record) take(tok *oauth2.Token, now time.Time) {
	r.Access = tok.AccessToken
	if tok.RefreshToken != "" {
		r.Refresh = tok.RefreshToken
	}
	ttl := 7 * 24 * time.Hour
	if tok.ExpiresIn > 0 {
		ttl = time.Duration(tok.ExpiresIn) * time.Second
	}
	r.AccessEnd, r.ClaimedUntil = now.Add(ttl), time.Time{}
}

// me asks Discord who a token belongs to.
func (s *Sessions) me(ctx context.Context, access string) (User, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.o.Discord.APIURL+"/users/@me", nil)
	if err != nil {
		return User{}, fmt.Errorf("session: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	res, err := s.http.Do(req)
	if err != nil {
		return User{}, discordFailed(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return User{}, discordFailed(fmt.Errorf("GET /users/@me: %s", res.Status))
	}
	var u struct {
		ID         snowflake.ID `json:"id"`
		Username   string       `json:"username"`
		GlobalName *string      `json:"global_name"`
		Avatar     *string      `json:"avatar"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&u); err != nil || u.ID == 0 {
		return User{}, discordFailed(fmt.Errorf("GET /users/@me: no user in the answer: %w", err))
	}
	me := User{ID: u.ID, Username: u.Username, DisplayName: u.Username}
	if u.GlobalName != nil && *u.GlobalName != "" {
		me.DisplayName = room.Shown(*u.GlobalName, u.Username)
	}
	if u.Avatar != nil {
		me.Avatar = *u.Avatar
	}
	return me, nil
}

// discordFailed hides what Discord answered, which may repeat what we sent it.
func discordFailed(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		err = fmt.Errorf("token endpoint: status %d, error %.40q", r.Response.StatusCode, r.ErrorCode)
		if r.ErrorCode == "invalid_client" {
			return errs.E(errs.Unavailable, "Snug is set up wrongly here: Discord does not take its client secret, so nobody can sign in. Please tell whoever runs it.").
				Because(fmt.Errorf("%w. Reset the client secret in the Developer Portal → OAuth2 → Reset Secret, and set DISCORD_CLIENT_SECRET to the new one", err))
		}
	}
	return errs.E(errs.DiscordUnavailable, "Discord could not sign you in just now. Please try again in a moment.").Because(err)
}
