package openapitest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"snug/shared/discordsim/openapi"
	"snug/shared/discordsim/openapi/openapitest"
)

// recorded is a test whose failures are looked at.
type recorded struct {
	testing.TB
	errors  []string
	cleanup func()
}

func (r *recorded) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorded) Cleanup(f func()) { r.cleanup = f }

func TestWhatIsWrongFailsTheTest(t *testing.T) {
	if openapi.Find() == "" {
		w := httptest.NewRecorder()
		openapitest.Wrap(t)(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/api/v10/gateway", nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("there is nothing to check against, and it answers %d", w.Code)
		}
		t.Skip("Discord's OpenAPI description is not at hand: make openapi")
	}
	r := &recorded{TB: t}
	wrapped := openapitest.Wrap(r)(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, req.URL.Query().Get("say"))
	}))
	for _, say := range []string{`{"url":"ws://127.0.0.1:1"}`, `{"url":5}`, `{"url":5}`} {
		wrapped.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v10/gateway?say="+say, nil))
	}
	r.cleanup()
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "the answer 200 to GET /api/v10/gateway") ||
		!strings.Contains(r.errors[0], "url") {
		t.Errorf("told: %q", r.errors)
	}
}
