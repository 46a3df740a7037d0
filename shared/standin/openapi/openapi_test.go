package openapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"snug/shared/standin/openapi"
)

var loadOnce = sync.OnceValues(func() (*openapi.Description, error) { return openapi.Load(openapi.Find()) })

func load(t *testing.T) *openapi.Description {
	t.Helper()
	if openapi.Find() == "" {
		t.Skip("Discord's OpenAPI description is not at hand; set DISCORD_OPENAPI to its path")
	}
	d, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRequestsAreChecked(t *testing.T) {
	d := load(t)
	for _, c := range []struct{ name, method, path, body, problem string }{
		{"bits as text", "POST", "/api/v10/guilds/1/channels", `{"name":"a","permission_overwrites":[{"id":"1","type":0,"allow":"1024","deny":"0"}]}`, ""},
		{"bits as words", "POST", "/api/v10/guilds/1/channels", `{"name":"a","permission_overwrites":[{"id":"1","allow":"all"}]}`, "allow"},
		{"name too long", "POST", "/api/v9/guilds/1/channels", `{"name":"` + strings.Repeat("a", 101) + `"}`, "name"},
		{"no name", "POST", "/api/guilds/1/channels", `{}`, "name"},
		{"no body", "POST", "/api/v10/guilds/1/channels", ``, "missing"},
		{"@me is not an id", "PATCH", "/api/v10/users/@me", `{"username":"a","bio":1}`, "bio"},
		{"somewhere else", "POST", "/api/v10/oauth2/token", `{"a":1}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := d.Request(c.method, c.path, []byte(c.body))
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want a problem with %q", err, c.problem)
			}
		})
	}
}

func TestAnswersAreChecked(t *testing.T) {
	d := load(t)
	for _, c := range []struct {
		name, method, path string
		status             int
		body, problem      string
	}{
		{"gateway", "GET", "/api/v10/gateway", 200, `{"url":"ws://127.0.0.1:1"}`, ""},
		{"a field is missing", "GET", "/api/v10/gateway", 200, `{}`, "url"},
		{"a body where none belongs", "DELETE", "/api/v10/applications/1/commands/2", 204, `{}`, "none is described"},
		{"status", "POST", "/api/v10/guilds/1/channels", 200, `{}`, "not described"},
		{"a refusal", "GET", "/api/v10/channels/1", 404, `{"code":10003,"message":"Unknown Channel"}`, ""},
		{"a refused form", "POST", "/api/v10/guilds/1/channels", 400, `{"code":50035,"message":"Invalid Form Body","errors":{"name":{"_errors":[{"code":"BASE_TYPE_REQUIRED","message":"This field is required"}]}}}`, ""},
		{"a refusal without code", "GET", "/api/v10/channels/1", 404, `{"message":"Unknown Channel"}`, "code"},
		{"a limit", "GET", "/api/v10/channels/1", 429, `{"message":"slow","retry_after":0.5,"global":false,"code":0}`, ""},
		{"a limit without its time", "GET", "/api/v10/channels/1", 429, `{"message":"slow","code":0}`, "retry_after"},
		{"the edge", "GET", "/api/v10/channels/1", 502, `x`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := d.Answer(c.method, c.path, c.status, []byte(c.body))
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want a problem with %q", err, c.problem)
			}
		})
	}
}

func TestHandlerAndTransportReport(t *testing.T) {
	d := load(t)
	var server, client []string
	srv := httptest.NewServer(d.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"url":5}`)
	}), func(err error) { server = append(server, err.Error()) }))
	defer srv.Close()
	c := &http.Client{Transport: d.Transport(http.DefaultTransport, func(err error) { client = append(client, err.Error()) })}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	res, err := c.Get(srv.URL + "/api/v10/gateway")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if string(body) != `{"url":5}` || len(server) != 1 || len(client) != 1 {
		t.Errorf("body %s, server %v, client %v", body, server, client)
	}
}
