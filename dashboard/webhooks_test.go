package dashboard

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/webhook"
)

func TestWebhooks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	page := "/admin/100/webhooks"
	if got := b.signedIn(member).get(page); got.status != 403 {
		t.Errorf("a member: %d", got.status)
	}
	for field, f := range map[string]url.Values{
		"f-name": {"do": {"make"}, "url": {"https://example.org"}},
		"f-url":  {"do": {"make"}, "name": {"x"}, "url": {"ftp://example.org"}},
	} {
		if got := w.form(page, f); got.status != 400 || !strings.Contains(got.body, field+"-error") {
			t.Errorf("%v: %d", f, got.status)
		}
	}
	got := w.form(page, url.Values{
		"do": {"make"}, "name": {"Bot"}, "url": {"https://example.org/x"}, "kinds": {"room_opened"},
	})
	_, text, _ := strings.Cut(got.body, "whsec_")
	text, _, _ = strings.Cut(text, "<")
	text = html.UnescapeString(text)
	if got.status != 200 || len(text) < 40 {
		t.Fatalf("no secret: %d %s", got.status, got.text())
	}
	if again := w.get(page); strings.Contains(again.body, "whsec_") ||
		!strings.Contains(again.body, "https://example.org/x") {
		t.Error("the secret is shown again, or the webhook is not")
	}
	var list gotHooks
	p, _ := w.program("/api/v1/guilds/100/tokens", apitoken.WebhooksRead, apitoken.WebhooksWrite)
	base := "/api/v1/guilds/100/webhooks"
	p.do("GET", base, "").json(&list)
	h, _, err := b.hub.Webhooks.Get(t.Context(), "100."+list.Webhooks[0].ID)
	if err != nil || strings.Contains(string(h.Secret), text) {
		t.Errorf("kept as %+v, %v", h, err)
	}
	if secret, err := b.o.Keys.Open(h.Secret, "webhook "+h.Key()); err != nil ||
		webhook.SecretText(secret) != "whsec_"+text {
		t.Errorf("it is not the secret that was shown: %v", err)
	}
	one := base + "/" + h.ID
	var d gotDelivery
	if got := p.do("POST", one+"/ping", ""); got.status != 202 {
		t.Errorf("ping: %d %s", got.status, got.body)
	} else {
		got.json(&d)
	}
	var told gotDeliveries
	p.do("GET", one+"/deliveries", "").json(&told)
	if len(told.Deliveries) != 1 || told.Deliveries[0].ID != d.ID || told.Deliveries[0].State != webhook.Pending {
		t.Errorf("told %+v", told)
	}
	if _, _, err := b.hub.Deliveries.Edit(t.Context(), "100."+h.ID+"."+d.ID, func(d *webhook.Delivery) error {
		d.Tried(webhook.Try{At: b.clock.Now()})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.get(page); !strings.Contains(got.body, "delivered") {
		t.Errorf("the last delivery is not shown: %s", got.text())
	}
	if got := w.form(page, url.Values{"do": {"replay"}, "hook": {h.ID}, "message": {d.ID}}); got.status != 303 {
		t.Errorf("replay: %d", got.status)
	}
	p.do("GET", one+"/deliveries", "").json(&told)
	if told.Deliveries[0].State != webhook.Pending {
		t.Errorf("after the replay: %+v", told.Deliveries[0])
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PATCH", one, `{"enabled":false}`, 200}, {"PATCH", one, `{"url":"nonsense"}`, 400},
		{"PATCH", one, `{"renew_secret":true}`, 200},
		{"PATCH", base + "/nobody", `{"enabled":false}`, 404}, {"POST", one + "/deliveries/nothing/replay", "", 404},
		{"POST", one + "/deliveries/a*b/replay", "", 404},
		{"POST", "/api/v1/guilds/200/webhooks", `{"name":"x","url":"https://example.org"}`, 404},
		{"DELETE", one, "", 204}, {"DELETE", one, "", 404}, {"GET", one + "/deliveries", "", 404},
	} {
		if got := p.do(c.method, c.path, c.body); got.status != c.status {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got.status, got.body)
		}
	}
	if keys, err := b.hub.Deliveries.Keys(t.Context(), "100"); err != nil || len(keys) != 0 {
		t.Errorf("deliveries outlive their webhook: %v %v", keys, err)
	}
	for range webhook.MaxPerGuild {
		p.do("POST", base, `{"name":"x","url":"https://example.org"}`)
	}
	if got := p.do("POST", base, `{"name":"x","url":"https://example.org"}`); got.status != 409 {
		t.Errorf("one too many: %d", got.status)
	}
	if strings.Contains(b.log.String(), text) || len(audit.Kinds()) < 20 {
		t.Error("the log has a secret, or there are no events")
	}
}

func TestTokenPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.signedIn(manager)
	if got := b.signedIn(member).get("/admin/100/tokens"); got.status != 403 {
		t.Errorf("a member: %d", got.status)
	}
	for _, page := range []string{"/tokens", "/admin/100/tokens"} {
		if got := w.form(page, url.Values{"do": {"make"}, "name": {"x"}}); got.status != 400 ||
			!strings.Contains(got.body, "at least one scope") {
			t.Errorf("%s: %d", page, got.status)
		}
		soon := url.Values{"do": {"make"}, "name": {"x"}, "scopes": {"rooms:read"}, "expires_at": {"soon"}}
		if got := w.form(page, soon); got.status != 400 ||
			!strings.Contains(got.body, "read that choice") {
			t.Errorf("%s: %d", page, got.status)
		}
		got := w.form(page, url.Values{
			"do": {"make"}, "name": {"<robot>"}, "scopes": {"rooms:read", "members:read"},
			"expires_at": {"2099-01-31T18:00:00Z"},
		})
		_, secret, _ := strings.Cut(got.body, `>snug_`)
		secret, _, _ = strings.Cut(secret, "<")
		if got.status != 200 || secret == "" {
			t.Fatalf("%s: %d %s", page, got.status, got.text())
		}
		p := program{b.browser(""), "snug_" + secret}
		if got := p.do("GET", "/api/v1/guilds/100", ""); got.status != 200 {
			t.Errorf("%s: the token does not work: %d %s", page, got.status, got.body)
		}
		again := w.get(page)
		if strings.Contains(again.body, secret) || !strings.Contains(again.body, "&lt;robot&gt;") ||
			!strings.Contains(again.body, "last used") {
			t.Errorf("%s: %s", page, again.text())
		}
		_, id, _ := strings.Cut(again.body, `name="id" value="`)
		id, _, _ = strings.Cut(id, `"`)
		if got := w.form(page, url.Values{"do": {"revoke"}, "id": {id}}); got.status != 303 {
			t.Errorf("%s: revoking: %d", page, got.status)
		}
		if got := p.do("GET", "/api/v1/guilds/100", ""); got.status != 401 {
			t.Errorf("%s: after revoking: %d", page, got.status)
		}
	}
}
