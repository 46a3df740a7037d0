package session

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
)

// cloudflare is what Cloudflare shows to who it keeps out, shortened.
const cloudflare = `<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>
<body>Sorry, you have been blocked</body></html>`

// TestOnlyInvalidGrantEndsALogin renews a login at the simulated Discord while its token endpoint answers
// anything that it or something on the way may answer. One answer says that the login is over; after any
// other it goes on.
func TestOnlyInvalidGrantEndsALogin(t *testing.T) {
	html, text := map[string]string{"Content-Type": "text/html"}, map[string]string{"Content-Type": "text/plain"}
	oauth := func(status int, code string) discordsim.Fault {
		return discordsim.Fault{
			Kind: discordsim.FaultAnswer, Status: status, Body: `{"error": "` + code + `", "error_description": "x"}`,
		}
	}
	for name, c := range map[string]struct {
		fault discordsim.Fault
		ends  bool
	}{
		"invalid_grant": {oauth(400, "invalid_grant"), true},
		"revoked":       {discordsim.Fault{Kind: discordsim.FaultRevokeTokens}, true},

		"Cloudflare's page": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 403, Body: cloudflare, Headers: html}, false,
		},
		"Cloudflare's 1015": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 429, Body: "error code: 1015", Headers: text}, false,
		},
		"a rate limit": {discordsim.Fault{Kind: discordsim.FaultRateLimit}, false},
		"404": {
			discordsim.Fault{
				Kind: discordsim.FaultAnswer, Status: 404, Body: `{"message": "404: Not Found", "code": 0}`,
			},
			false,
		},
		"405 without a body": {discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 405}, false},
		"401 of REST": {
			discordsim.Fault{
				Kind: discordsim.FaultAnswer, Status: 401, Body: `{"message": "401: Unauthorized", "code": 0}`,
			},
			false,
		},
		"invalid_client":                 {oauth(401, "invalid_client"), false},
		"invalid_client, 400":            {oauth(400, "invalid_client"), false},
		"invalid_request":                {oauth(400, "invalid_request"), false},
		"unauthorized_client":            {oauth(400, "unauthorized_client"), false},
		"unsupported_grant_type":         {oauth(400, "unsupported_grant_type"), false},
		"invalid_scope":                  {oauth(400, "invalid_scope"), false},
		"temporarily_unavailable":        {oauth(400, "temporarily_unavailable"), false},
		"temporarily_unavailable, 503":   {oauth(503, "temporarily_unavailable"), false},
		"server_error":                   {oauth(500, "server_error"), false},
		"an error nobody knows":          {oauth(400, "sorry"), false},
		"invalid_grant in a 502":         {oauth(502, "invalid_grant"), false},
		"invalid_grant in a proxy's 403": {oauth(403, "invalid_grant"), false},
		"400 without an error": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 400, Body: `{}`}, false,
		},
		"200 that is no JSON": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 200, Body: cloudflare, Headers: html}, false,
		},
		"200 that is cut off": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 200, Body: `{"access_token": "abc`}, false,
		},
		"200 without a token": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 200, Body: `{"token_type": "Bearer"}`}, false,
		},
		"200 that is null": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 200, Body: `null`}, false,
		},
		"a captive portal's redirect": {
			discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 302, Headers: map[string]string{"Location": "/"}},
			false,
		},
		"500":                 {discordsim.Fault{Kind: discordsim.FaultError, Status: 500}, false},
		"502":                 {discordsim.Fault{Kind: discordsim.FaultError, Status: 502}, false},
		"503":                 {discordsim.Fault{Kind: discordsim.FaultError, Status: 503}, false},
		"a broken connection": {discordsim.Fault{Kind: discordsim.FaultReset}, false},
		"no answer in time":   {discordsim.Fault{Kind: discordsim.FaultLatency, Delay: 60, Count: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, discord, alice := newSimulatorBench(t)
			id := b.signIn(alice)
			b.clock.Forward(8 * 24 * time.Hour)
			if c.fault.Kind != discordsim.FaultRevokeTokens {
				c.fault.Route = "POST /oauth2/token"
			}
			if _, err := discord.Inject(c.fault); err != nil {
				t.Fatal(err)
			}
			if c.fault.Kind == discordsim.FaultLatency { // the request is abandoned, so nothing follows
				if _, err := discord.Inject(discordsim.Fault{
					Kind: discordsim.FaultReset, Route: c.fault.Route,
				}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := b.Get(t.Context(), id)
			if c.ends {
				if !errs.Has(err, errs.Unauthorized) || len(b.ended) != 1 {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if err != nil || got.User.ID == 0 || len(b.ended) != 0 {
				t.Fatalf("it signed somebody out: %v, ended %v", err, b.ended)
			}
			testkit.Eventually(t, "the fault happens", func() bool { return len(discord.Faults()) == 0 })
			// When it is over the token is renewed, unseen.
			b.clock.Forward(claimTime + time.Second)
			if tok, err := b.AccessToken(t.Context(), keyOf(id)); err != nil || tok == "" {
				t.Errorf("not renewed afterwards: %v", err)
			}
		})
	}
}

// Who needs the token itself is told that Discord does not give one, at once and with what is wrong, and
// stays signed in.
func TestTokenNotToBeHad(t *testing.T) {
	b, discord, alice := newSimulatorBench(t)
	id := b.signIn(alice)
	for name, c := range map[string]struct {
		fault discordsim.Fault
		want  errs.Code
	}{
		"an outage": {
			discordsim.Fault{Kind: discordsim.FaultError, Route: "POST /oauth2/token"}, errs.DiscordUnavailable,
		},
		"a wrong client secret": {
			discordsim.Fault{
				Kind: discordsim.FaultAnswer, Status: 401, Body: `{"error":"invalid_client"}`,
				Route: "POST /oauth2/token",
			},
			errs.Unavailable,
		},
	} {
		b.clock.Forward(8 * 24 * time.Hour)
		if _, err := discord.Inject(c.fault); err != nil {
			t.Fatal(err)
		}
		if _, err := b.AccessToken(t.Context(), keyOf(id)); !errs.Has(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := b.Get(t.Context(), id); err != nil {
			t.Errorf("%s signed somebody out: %v", name, err)
		}
	}
}

// newSimulatorBench gives a Sessions that signs in at the simulated Discord.
func newSimulatorBench(t *testing.T) (*bench, *discordsim.Server, discordsim.ID) {
	t.Helper()
	b := newBench(t)
	w := world.Start(t, discordsim.Options{Seed: 1, Now: b.clock.Now})
	w.AddPeople("alice")
	app := w.Discord.AddApplication(
		discordsim.ApplicationOptions{Name: "Snug", RedirectURIs: []string{origin + CallbackPath}})
	o := b.opts
	o.ClientID, o.ClientSecret = app.ID.String(), app.ClientSecret
	o.HTTP = &http.Client{
		Transport: b.transport, Timeout: 500 * time.Millisecond,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o.Discord = Discord{
		AuthorizeURL: w.URL + "/oauth2/authorize", TokenURL: w.URL + "/api/oauth2/token",
		RevokeURL: w.URL + "/api/oauth2/token/revoke", APIURL: w.URL + "/api/v10",
	}
	var err error
	b.Sessions, err = New(o)
	w.Must(err)
	return b, w.Discord, w.People["alice"]
}

// signIn signs a user in.
func (b *bench) signIn(user discordsim.ID) string {
	b.t.Helper()
	l, err := b.Begin(Begin{Origin: origin})
	if err != nil {
		b.t.Fatal(err)
	}
	c := &http.Client{
		Transport:     b.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	u, _ := url.Parse(l.URL)
	form := u.Query()
	form.Set("user_id", user.String())
	res, err := c.Post(strings.SplitN(l.URL, "?", 2)[0], "application/x-www-form-urlencoded",
		strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := b.Finish(b.t.Context(),
		Callback{Origin: origin, State: back.Query().Get("state"), Code: back.Query().Get("code"), Ticket: l.Ticket})
	if err != nil {
		b.t.Fatal(err)
	}
	return f.ID
}
