// Package agent says to Discord who asks. It may be used by anybody and keeps nothing.
package agent

import (
	"net/http"
	"time"
)

// Discord is the User-Agent of every request to Discord: the address and the
// version of the client library, and whose it is. Requests without one of this
// form may be refused before they reach Discord's API.
// https://docs.discord.com/developers/reference#user-agent
const Discord = "DiscordBot (https://github.com/disgoorg/disgo, 0.19.6) Snug"

// Client gives an HTTP client, with connections of its own, for requests to Discord that do not go through disgo.
func Client(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: named{http.DefaultTransport.(*http.Transport).Clone()}}
}

// named adds the User-Agent to requests.
type named struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", Discord)
	return n.base.RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach base.
func (n named) CloseIdleConnections() {
	if c, ok := n.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
