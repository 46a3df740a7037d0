// Package http3 stands where gin expects a server of HTTP/3. See docs/decisions/0084-without-parts-of-gin.md.
package http3

import (
	"errors"
	"net/http"
)

// ListenAndServeQUIC fails.
func ListenAndServeQUIC(addr, certFile, keyFile string, handler http.Handler) error {
	return errors.New("Snug is built without HTTP/3; see docs/decisions/0084-without-parts-of-gin.md")
}
