package discordsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/testkit"
)

// world is a running simulator with the demo's guild in it.
type world struct {
	*discordsim.Server
	discordsim.Demo
	t    *testing.T
	base string
}

func start(t *testing.T, change ...func(*discordsim.Options)) *world {
	t.Helper()
	limits := discordsim.NoRateLimits()
	o := discordsim.Options{Seed: 1, Limits: &limits, Wrap: openapitest.Wrap(t)}
	for _, f := range change {
		f(&o)
	}
	o.Around(checkControl(t))
	s := discordsim.New(o)
	d, err := s.Demo(discordsim.ApplicationOptions{AnyLoopbackRedirect: true})
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &world{s, d, t, base}
}

// answer is what came back from a request.
type answer struct {
	status int
	header http.Header
	raw    []byte
	json   map[string]any
}

func (a answer) code() int { n, _ := a.json["code"].(float64); return int(n) }

func (a answer) str(key string) string { s, _ := a.json[key].(string); return s }

// request sends one request with any authorisation.
func (w *world) request(method, path, auth string, body any) answer {
	w.t.Helper()
	return w.requestWith(method, path, http.Header{"Authorization": {auth}}, body)
}

func (w *world) botWithReason(method, path, reason string, body any) answer {
	w.t.Helper()
	return w.requestWith(method, "/api/v10"+path,
		http.Header{"Authorization": {"Bot " + w.Application.BotToken}, "X-Audit-Log-Reason": {reason}}, body)
}

func (w *world) requestWith(method, path string, header http.Header, body any) answer {
	w.t.Helper()
	var r io.Reader
	if body != nil {
		data, ok := body.(string)
		if !ok {
			raw, err := json.Marshal(body)
			if err != nil {
				w.t.Fatal(err)
			}
			data = string(raw)
		}
		r = strings.NewReader(data)
	}
	req, err := http.NewRequest(method, w.base+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = header
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	res, err := testkit.HTTP.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: raw}
	if bytes.HasPrefix(raw, []byte("{")) {
		if err := json.Unmarshal(raw, &a.json); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return a
}

// bot sends a request as the demo's bot.
func (w *world) bot(method, path string, body any) answer {
	w.t.Helper()
	return w.request(method, "/api/v10"+path, "Bot "+w.Application.BotToken, body)
}

// must fails the test unless the answer has the status.
func (a answer) must(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}
