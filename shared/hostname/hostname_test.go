package hostname

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuard(t *testing.T) {
	h := Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "snug.monitoring.svc")
	for host, want := range map[string]int{
		"127.0.0.1:8089": 200, "[::1]:8089": 200, "10.1.2.3": 200, "[2001:db8::1]": 200, "localhost:8089": 200,
		"LOCALHOST":            200,
		"alice.localhost:9081": 200, "snug:8089": 200, "snug.monitoring.svc:8089": 200,
		"evil.example:8089": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "": 421, ".": 421,
		"evil.example.": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for name, want := range map[string]bool{
		"localhost": true, "a.localhost": true, "127.0.0.1": true, "127.8.9.1": true, "::1": true, "[::1]": true,
		"10.0.0.1": false, "example.org": false, "localhost.example": false, "": false, "notlocalhost": false,
	} {
		if got := Local(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
