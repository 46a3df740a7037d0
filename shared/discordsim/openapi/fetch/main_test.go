package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snug/shared/discordsim/openapi"
)

// TestFetch: the description is stored completely, or the old one stays and the reason is reported.
func TestFetch(t *testing.T) {
	const described = `{"openapi":"3.1.0","paths":{"/gateway":{}}}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			_, _ = w.Write([]byte(described))
		case "/page":
			_, _ = w.Write([]byte("<!doctype html>"))
		case "/other":
			_, _ = w.Write([]byte(`{"openapi":"3.1.0","paths":{"/pets":{}}}`))
		case "/half":
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(described))
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	to := filepath.Join(t.TempDir(), "bin", "openapi.json")
	for _, c := range []struct{ from, problem string }{
		{srv.URL + "/good", ""},
		{srv.URL + "/gone", "404"},
		{srv.URL + "/page", "cannot be used"},
		{srv.URL + "/other", "not Discord's OpenAPI description"},
		{srv.URL + "/half", "unexpected EOF"},
		{"http://127.0.0.1:1/", "refused"},
		{"nonsense", "unsupported protocol"},
	} {
		err := fetch(t.Context(), c.from, to)
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v", c.from, err)
		}
		if got, err := os.ReadFile(to); err != nil || string(got) != described {
			t.Errorf("after %s there is %q, %v", c.from, got, err)
		}
		if all, err := os.ReadDir(filepath.Dir(to)); err != nil || len(all) != 1 {
			t.Errorf("after %s there are %v, %v", c.from, all, err)
		}
	}
}

// TestFound: the tests look where it is put.
func TestFound(t *testing.T) {
	t.Setenv("DISCORD_OPENAPI", "")
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("go.mod", []byte("module x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openapi.Find(); got != "" {
		t.Errorf("found %s", got)
	}
	if err := os.MkdirAll(filepath.Join("bin", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "bin", "openapi.json")
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join("bin", "deep"))
	got, err := filepath.EvalSymlinks(openapi.Find())
	want, err2 := filepath.EvalSymlinks(own)
	if err != nil || err2 != nil || got != want {
		t.Errorf("found %s, want %s: %v, %v", got, want, err, err2)
	}
}
