package openapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"snug/shared/discordsim/openapi"
	"snug/shared/testkit"
)

var loadOnce = sync.OnceValues(func() (*openapi.Description, error) { return openapi.Load(openapi.Find()) })

func load(t *testing.T) *openapi.Description {
	t.Helper()
	if openapi.Find() == "" {
		t.Skip("Discord's OpenAPI description is not at hand: make openapi")
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
		{
			"bits as text", "POST", "/api/v10/guilds/1/channels",
			`{"name":"a","permission_overwrites":[{"id":"1","type":0,"allow":"1024","deny":"0"}]}`, "",
		},
		{
			"bits as words", "POST", "/api/v10/guilds/1/channels",
			`{"name":"a","permission_overwrites":[{"id":"1","allow":"all"}]}`, "allow",
		},
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
		{
			"a refused form", "POST", "/api/v10/guilds/1/channels", 400,
			`{"code":50035,"message":"Invalid Form Body",
				"errors":{"name":{"_errors":[{"code":"BASE_TYPE_REQUIRED","message":"This field is required"}]}}}`,
			"",
		},
		{"a refusal without code", "GET", "/api/v10/channels/1", 404, `{"message":"Unknown Channel"}`, "code"},
		{
			"a limit", "GET", "/api/v10/channels/1", 429,
			`{"message":"slow","retry_after":0.5,"global":false,"code":0}`, "",
		},
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

func TestRecord(t *testing.T) {
	d := load(t)
	seen := make(chan openapi.Exchange, 2)
	srv := httptest.NewServer(openapi.Record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	}), func(x openapi.Exchange) { seen <- x }))
	defer srv.Close()
	const sent = `{"name":5}`
	for _, path := range []string{"/elsewhere", "/api/v10/guilds/1/channels"} {
		res, err := testkit.HTTP.Post(srv.URL+path, "application/json", strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != sent || res.StatusCode != http.StatusCreated {
			t.Fatalf("%s through the recorder: %d %s, %v", path, res.StatusCode, got, err)
		}
	}
	x := <-seen
	if x.Path != "/api/v10/guilds/1/channels" || string(x.Body) != sent || x.Status != 201 || string(x.Answer) != sent {
		t.Errorf("recorded %+v", x)
	}
	err := d.Check(x)
	if err == nil || !strings.Contains(err.Error(), "the request POST") ||
		!strings.Contains(err.Error(), "the answer 201") {
		t.Errorf("both are wrong, and it says %v", err)
	}
	x.Status, x.Answer = 400, []byte(`{"code":50035,"message":"Invalid Form Body"}`)
	if err := d.Check(x); err != nil {
		t.Errorf("a refused form: %v", err)
	}
}

// TestRecordKeepsBrokenBodies: a body that broke off does for the handler behind the recorder too.
func TestRecordKeepsBrokenBodies(t *testing.T) {
	lost := errors.New("lost")
	var body []byte
	var err error
	h := openapi.Record(http.HandlerFunc(func(
		_ http.ResponseWriter, r *http.Request,
	) {
		body, err = io.ReadAll(r.Body)
	}),
		func(x openapi.Exchange) { t.Errorf("recorded %+v", x) })
	h.ServeHTTP(httptest.NewRecorder(),
		httptest.NewRequest("POST", "/api/v10/guilds/1/channels",
			io.MultiReader(strings.NewReader(`{"a":1}`), iotest.ErrReader(lost))))
	if string(body) != `{"a":1}` || !errors.Is(err, lost) {
		t.Errorf("read %s, %v", body, err)
	}
}
