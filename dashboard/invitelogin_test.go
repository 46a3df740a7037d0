package dashboard

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var hrefs = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// addresses gives every address that a page leads to or loads.
func (g got) addresses() (all []string) {
	for _, m := range hrefs.FindAllStringSubmatch(g.body, -1) {
		all = append(all, m[1])
	}
	return all
}

// TestInviteCodeStaysOutOfOtherAddresses: an invite's code is in its own link alone: a login that starts from the
// landing page carries it in a form's body and keeps it on the server.
func TestInviteCodeStaysOutOfOtherAddresses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	token := b.invite(r)
	link := "/i/" + token
	w := b.browser(member.String())
	landing := w.get(link)
	if landing.status != http.StatusOK || landing.header.Get("Referrer-Policy") != "no-referrer" ||
		!strings.Contains(landing.body, `<meta name="referrer" content="no-referrer">`) {
		t.Fatalf("got %d %v", landing.status, landing.header)
	}
	for _, a := range landing.addresses() {
		if strings.Contains(a, token) && a != link {
			t.Errorf("the landing page leads to %s", a)
		}
	}
	// The sign-in at its top: the token goes in the body, and never to Discord.
	start := w.form("/login", url.Values{"return_to": {link}})
	if to := start.header.Get("Location"); start.status != http.StatusSeeOther || !strings.HasPrefix(to, b.oauth.URL) ||
		strings.Contains(to, token) {
		t.Fatalf("signing in led to %d %s", start.status, to)
	}
	if done := w.get(w.get(start.header.Get("Location")).header.Get("Location")); done.location() != link {
		t.Errorf("signed in, led to %s", done.location())
	}
	if got := b.guests(r.ID); len(got) != 1 {
		t.Errorf("signing in alone let somebody in: %v", got)
	}
	// As an address of its own it is dropped: those are kept in histories and logs.
	again := b.browser(stranger.String())
	to := again.get("/login?return_to=" + url.QueryEscape(link)).header.Get("Location")
	if done := again.get(again.get(to).header.Get("Location")); done.location() != "/" {
		t.Errorf("a token in the address of /login led to %s", done.location())
	}
	// A login that came to nothing leads back to the invite, in no other address.
	no := b.browser("cancel")
	for name, start := range map[string]got{
		"sign in": no.form("/login", url.Values{"return_to": {link}}),
		"come in": no.form("/i/"+token, nil),
	} {
		end := no.follow(start)
		if end.status != http.StatusForbidden || !strings.Contains(end.body, `href="`+link+`"`) {
			t.Errorf("%s, cancelled: %d %s", name, end.status, end.text())
		}
		for _, a := range end.addresses() {
			if strings.Contains(a, token) && a != link {
				t.Errorf("%s, cancelled: led to %s", name, a)
			}
		}
	}
}

func TestTrailingSlash(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.browser("")
	got := w.get("/servers/100/", "X-Forwarded-Prefix", "/evil")
	if got.status != http.StatusPermanentRedirect || got.header.Get("Location") != "/servers/100" ||
		got.header.Get("Content-Security-Policy") == "" {
		t.Errorf("got %d %v", got.status, got.header)
	}
	for _, path := range []string{
		"//evil.example/", "/%5cevil.example/", "/\\evil.example/", "//evil.example/%2f..", "/%2fevil.example/",
		"/servers//evil.example/", "/.//evil.example/",
	} {
		got := w.send("GET", b.url+path, "", "", "Accept", "text/html")
		if to := got.header.Get("Location"); to != "" &&
			(strings.HasPrefix(to, "//") || strings.Contains(to, "\\") || !strings.HasPrefix(to, "/")) {
			t.Errorf("%s led to %s", path, to)
		}
	}
}
