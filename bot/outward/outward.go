// Package outward calls addresses that people gave Snug: webhooks and push services. Its clients dial only the public
// internet and the networks that the host allows, follow no redirects, use no proxy, and say of a failure only what
// reveals nothing about the network inside.
package outward

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"snug/shared/webhook"
)

// Timeout is how long a call may take in all.
const Timeout = 15 * time.Second

// ErrUnreachable is the only error shown for an address that is not called. It reveals neither what a name
// resolves to in the internal network, nor whether the name exists.
var ErrUnreachable = errors.New("its address does not lead to the public internet, and nothing is sent there")

// Options of New. All may be left out.
type Options struct {
	Networks []netip.Prefix // allowed besides the public internet
	Resolver *net.Resolver  // nil: the system's
	Roots    *x509.CertPool // trusted certificates; nil: the system's
}

// New returns a client. Whoever uses it closes its idle connections in the end.
func New(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Resolver: o.Resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			return mayCall(address, o.Networks)
		}}
	return &http.Client{
		Timeout: Timeout,
		// No proxy from the environment: the client would call it instead of the address that was checked.
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second,
			TLSClientConfig:       &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			ResponseHeaderTimeout: 10 * time.Second,
			MaxIdleConnsPerHost:   1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// mayCall checks the address that is dialled, after its name was resolved, so a name that resolves
// differently the next time gains nothing.
func mayCall(address string, networks []netip.Prefix) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := at.Addr().Unmap().WithZone("")
	if webhook.Public(a) || slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return nil
	}
	return ErrUnreachable
}

// Describe returns why there was no answer, without addresses. Unknown names and names that resolve to
// internal addresses get the same text.
func Describe(err error) string {
	var timeout net.Error
	switch {
	case Unreachable(err):
		return ErrUnreachable.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there"
	case strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "tls:"):
		return "its certificate is not valid"
	}
	return "the connection broke"
}

// Unreachable reports whether an address was not called, or its name not found.
func Unreachable(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, ErrUnreachable) || errors.As(err, &dns)
}
