// Package hostname tells by a request's Host header whether a stranger's name
// can have led it here. A page of another site can have its own name point at
// this machine after it was loaded (DNS rebinding), and then read what a
// server here answers: what is not for the public answers only to names that nobody can register.
//
// It imports nothing of Snug, reads no clock and does no I/O.
package hostname

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Inside says whether a Host header's value is an address, a name of this
// machine, or a name without a dot, as containers and clusters use them.
func Inside(host string) bool {
	h := Of(host)
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	return h != "" && !strings.Contains(h, ".") || Local(h)
}

// Local says whether a name, without a port, can only be this machine.
func Local(name string) bool {
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.IsLoopback()
}

// Of gives the name of a Host header's value: without the port, in lower case.
func Of(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// Guard serves those requests alone that were sent to a name Inside or to one of others.
func Guard(next http.Handler, others ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Inside(r.Host) && !slices.Contains(others, Of(r.Host)) {
			http.Error(w,
				"This name is not one of this server's. Use its address, or a name without a dot.",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
