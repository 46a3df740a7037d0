package dashboard

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
)

// audited gives kind, name and what changed of the server's audit entries, oldest first.
func (b *bench) audited() (lines []string) {
	b.t.Helper()
	list, err := b.hub.Audit.Page(b.t.Context(), friends, 0, 0, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range slices.Backward(list) {
		var e audit.Entry
		if err := json.Unmarshal(a.Data, &e); err != nil || e.By != manager {
			b.t.Errorf("%s: by %d, %v", a.Data, e.By, err)
		}
		lines = append(lines, strings.TrimSpace(string(e.Kind)+" "+e.Detail+" "+e.New))
	}
	return lines
}

// TestWhatManagersMakeIsAudited: tokens of the server and webhooks, by pages and by the API; personal tokens
// are nobody else's business.
func TestWhatManagersMakeIsAudited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, at := b.signedIn(manager), "/api/v1/guilds/100"
	var token struct{ ID string }
	w.api("POST", at+"/tokens", `{"name":"by API","scopes":["rooms:read"]}`).json(&token)
	w.api("DELETE", at+"/tokens/"+token.ID, "")
	w.form("/admin/100/tokens", url.Values{"name": {"by form"}, "scopes": {"rooms:read"}})
	w.api("POST", "/api/v1/me/tokens", `{"name":"personal","scopes":["rooms:read"]}`)
	w.api("POST", at+"/tokens", `{"name":"","scopes":["rooms:read"]}`) // refused, and so it did not happen
	var hook struct{ ID string }
	w.api("POST", at+"/webhooks", `{"name":"ops","url":"https://example.org/x"}`).json(&hook)
	w.api("PATCH", at+"/webhooks/"+hook.ID, `{"url":"https://example.org/y","renew_secret":true}`)
	w.api("PATCH", at+"/webhooks/"+hook.ID, `{"name":"ops"}`) // it is that already
	w.api("PATCH", at+"/webhooks/"+hook.ID, `{"url":"nonsense"}`)
	w.form("/admin/100/webhooks", url.Values{"hook": {hook.ID}, "enabled": {"false"}})
	w.form("/admin/100/webhooks", url.Values{"hook": {hook.ID}, "enabled": {"true"}})
	w.api("DELETE", at+"/webhooks/"+hook.ID, "")
	want := []string{
		"token_made by API", "token_revoked by API", "token_made by form",
		"webhook_made ops", "webhook_changed ops address,secret", "webhook_changed ops off", "webhook_changed ops on",
		"webhook_removed ops",
	}
	if got := b.audited(); !slices.Equal(got, want) {
		t.Errorf("the audit log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := w.get("/admin/100/activity"); got.status != http.StatusOK ||
		!strings.Contains(got.text(), "changed the webhook “ops” (address and new secret)") ||
		!strings.Contains(got.text(), "revoked the API token “by API”") {
		t.Errorf("the activity page: %d %s", got.status, got.text())
	}
}

// TestNobodyMakesWhatIsNotNoted: who manages the server no more, or where the log takes nothing, makes nothing.
func TestNobodyMakesWhatIsNotNoted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, at := b.signedIn(manager), "/api/v1/guilds/100"
	var hook struct{ ID string }
	w.api("POST", at+"/webhooks", `{"name":"ops","url":"https://example.org/x"}`).json(&hook)
	b.fail(errs.E(errs.Forbidden, "You no longer manage this server."), hub.NoteChange.Name)
	for _, c := range [][3]string{
		{"POST", at + "/tokens", `{"name":"late","scopes":["rooms:read"]}`},
		{"POST", at + "/webhooks", `{"name":"late","url":"https://example.org/"}`},
		{"PATCH", at + "/webhooks/" + hook.ID, `{"enabled":false}`}, {"DELETE", at + "/webhooks/" + hook.ID, ""},
	} {
		if got := w.api(c[0], c[1], c[2]); got.status != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", c[0], c[1], got.status, got.body)
		}
	}
	tokens, err := b.hub.Tokens.List(t.Context(), "s100")
	if err != nil || len(tokens) != 0 {
		t.Errorf("tokens: %v, %v", tokens, err)
	}
	hooks, err := b.hub.Webhooks.List(t.Context(), "100")
	if err != nil || len(hooks) != 1 || !hooks[0].Value.Enabled ||
		hooks[0].Value.CreatedAt.After(b.clock.Now().Add(time.Second)) {
		t.Errorf("webhooks: %v, %v", hooks, err)
	}
}
