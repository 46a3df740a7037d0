package discordsim

import (
	"net"
	"testing"
)

func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8081": "127.0.0.1:8081",
		"[::1]:8081":     "[::1]:8081",
		"192.0.2.1:80":   "192.0.2.1:80",
		"0.0.0.0:8081":   "localhost:8081",
		"[::]:8081":      "localhost:8081",
	} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(a); got != want {
			t.Errorf("%s is reached at %s, want %s", addr, got, want)
		}
	}
}
