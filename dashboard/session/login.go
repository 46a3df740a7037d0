package session

import (
	"context"
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
	"snug/shared/pages"
	"snug/shared/schema"
)

// CallbackPath is where Discord redirects browsers to, on the origin where the login began.
// Register origin and path in the Developer Portal as a redirect.
const CallbackPath = string(pages.Callback)

// ErrCancelled is returned by Finish if the user cancelled at Discord.
var ErrCancelled = errs.E(errs.Forbidden,
	"You cancelled in Discord, so you aren't signed in. You can sign in whenever you like.")

// ErrOtherBrowser is returned by Finish if this browser has no cookie of the login: it began in
// another one, for example in an app's built-in browser, and Discord redirected to the phone's
// browser. The code isn't exchanged.
var ErrOtherBrowser = errs.E(errs.TokenInvalid,
	"You started signing in with another browser; apps often open links in their own. Sign in "+
		"here once more to get where you were going. If you end up here again, allow cookies for "+
		"this page.")

// Begin are the parameters of a login.
type Begin struct {
	Origin   string // scheme and host of the dashboard in this browser
	ReturnTo string // where to go afterwards; sanitized by ReturnTo
	// Accept means that by signing in the user accepts the invite on the page ReturnTo.
	Accept bool
	// Again skips Discord's consent page for users who already consented, for a browser whose session
	// expired without a sign-out.
	Again bool
	// Join also requests the scope guilds.join, for an invite that may add people to the server.
	Join bool
}

// Begun is a login in progress.
type Begun struct {
	URL    string // Discord's consent page: redirect the browser there
	State  string // determines the name of the login's cookie
	Ticket string // the value of the login's cookie
}

// Begin starts a login. It stores nothing: what is needed to finish the login is sealed in a cookie
// of its own, so that several tabs can sign in at the same time.
func (s *Sessions) Begin(b Begin) (Begun, error) {
	ends := s.o.Now().Add(LoginLifetime)
	state, err := s.sealText(loginState{ReturnTo(b.ReturnTo), ends}, stateContext(b.Origin))
	if err != nil {
		return Begun{}, err
	}
	t := ticket{Verifier: oauth2.GenerateVerifier(), Accept: b.Accept, Scopes: []string{ScopeIdentify}, Expires: ends}
	if b.Join {
		t.Scopes = append(t.Scopes, ScopeGuildsJoin)
	}
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(t.Verifier)}
	if b.Again {
		opts = append(opts, oauth2.SetAuthURLParam("prompt", "none"))
	}
	sealed, err := s.sealText(t, ticketContext(b.Origin, state))
	return Begun{URL: s.oauth(b.Origin, t.Scopes).AuthCodeURL(state, opts...), State: state, Ticket: sealed}, err
}

func (s *Sessions) oauth(origin string, scopes []string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.o.ClientID, ClientSecret: s.o.ClientSecret, RedirectURL: origin + CallbackPath, Scopes: scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: s.o.Discord.AuthorizeURL, TokenURL: s.o.Discord.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// Callback is what a browser sends after Discord's redirect.
type Callback struct {
	Origin string
	State  string
	Code   string
	Error  string // OAuth2's error, if there is no code
	Ticket string // the login's cookie
	OldID  string // the session cookie, if the browser was signed in; that session ends
}

// Finished is a finished login.
type Finished struct {
	ID       string // value of the new session cookie
	Session  *Session
	ReturnTo string
	Accept   bool // the invite on the page ReturnTo was accepted
}

var errLoginGone = errs.E(errs.TokenExpired,
	"This sign-in was already used or took longer than ten minutes. Start again.")

// Finish finishes a login. A state works once, in the browser it was made for and on the origin
// where it began. If Finish fails, with ErrCancelled, ErrOtherBrowser or another error, ReturnTo in
// its result is still set if known.
func (s *Sessions) Finish(ctx context.Context, c Callback) (Finished, error) {
	var to loginState
	if err := s.openText(c.State, stateContext(c.Origin), &to); err != nil || !s.o.Now().Before(to.Expires) {
		return Finished{}, errLoginGone.Because(err)
	}
	back := Finished{ReturnTo: ReturnTo(to.Path)}
	var t ticket
	if err := s.openText(c.Ticket, ticketContext(c.Origin, c.State), &t); err != nil {
		return back, ErrOtherBrowser // unwrapped, because errors.Is compares pointers
	}
	if !s.o.Now().Before(t.Expires) {
		return back, errLoginGone
	}
	back.Accept = t.Accept
	switch {
	case c.Error == "access_denied":
		return back, ErrCancelled
	case c.Error != "" || c.Code == "":
		return back, errs.E(errs.DiscordUnavailable, "Discord didn't sign you in. Try again.").
			Because(fmt.Errorf("oauth2 error %.40q", c.Error))
	}
	return s.exchange(ctx, c, t, back)
}

// exchange exchanges a code for a session.
func (s *Sessions) exchange(ctx context.Context, c Callback, t ticket, back Finished) (Finished, error) {
	octx := context.WithValue(ctx, oauth2.HTTPClient, s.http)
	tok, err := s.oauth(c.Origin, t.Scopes).Exchange(octx, c.Code, oauth2.VerifierOption(t.Verifier))
	switch {
	case refused(err): // the code was used before, or has expired
		return back, errLoginGone.Because(tokenRefused(err))
	case err != nil:
		return back, discordFailed(err)
	}
	user, err := s.me(ctx, tok.AccessToken)
	if err != nil {
		return back, err
	}
	if err := s.markUsed(ctx, c.State, t.Expires); err != nil {
		return back, err
	}
	now, id := s.o.Now(), newSecret()
	rec := &record{User: user, Scopes: granted(tok, t.Scopes), CreatedAt: now, RolledAt: now, Expires: s.ends(now)}
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
		// Each login gets a new id. The old session ends without revoking a token that the new one may share.
		old := keyOf(c.OldID)
		if rec, _, err := s.load(ctx, old); err == nil {
			s.forget(ctx, rec.User.ID, old)
		}
	}
	back.ID, back.Session = id, rec.session(key)
	return back, nil
}

// granted returns the scopes Discord granted, or the requested ones if it doesn't say.
func granted(tok *oauth2.Token, asked []string) []string {
	if s, ok := tok.Extra("scope").(string); ok && s != "" {
		return strings.Fields(s)
	}
	return asked
}

// take stores a token's values. A token without an expiry is assumed to last a week, like Discord's.
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

// me asks Discord whose token this is.
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
		me.DisplayName = schema.Printable(*u.GlobalName, u.Username)
	}
	if u.Avatar != nil {
		me.Avatar = *u.Avatar
	}
	return me, nil
}

// tokenRefused hides the token endpoint's response, which may repeat what we sent.
func tokenRefused(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok && r.Response != nil {
		return fmt.Errorf("token endpoint: status %d, error %.40q", r.Response.StatusCode, r.ErrorCode)
	}
	return errors.New("token endpoint: no answer that could be read")
}

func discordFailed(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		err = tokenRefused(err)
		if r.ErrorCode == "invalid_client" {
			return errs.E(errs.Unavailable,
				"Snug isn't set up correctly: Discord rejects its client secret, so nobody can sign in. "+
					"Let the person who hosts Snug know.").
				Because(fmt.Errorf("%w. Reset the client secret in the Developer Portal → OAuth2 → Reset Secret, "+
					"and set DISCORD_CLIENT_SECRET to the new one",
					err))
		}
	}
	return errs.E(errs.DiscordUnavailable,
		"Discord couldn't sign you in. Try again in a moment.").Because(err)
}
