package request

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"snug/shared/errs"
	"snug/shared/hostname"
)

// policies makes the Content-Security-Policy of each host.
func (rs *Requests) policies() {
	rs.csp = map[string]string{}
	ws := "ws"
	if rs.o.Base.Scheme == "https" {
		ws = "wss"
	}
	for host := range rs.o.Hosts {
		rs.csp[host] = strings.Join([]string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "manifest-src 'self'",
			"worker-src 'self'",
			"img-src 'self' " + rs.o.View.CDN(),
			"connect-src 'self' " + ws + "://" + host,
			// Chromium follows a form's redirects, and signing in redirects to Discord.
			"form-action 'self' " + originOf(rs.o.AuthorizeURL),
			"base-uri 'none'", "frame-ancestors 'none'",
		}, "; ")
	}
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}

// guard sends other host names to the base address, and tells browsers what pages may do.
func (rs *Requests) guard(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")        // Page takes it away from the pages that may be found
	h.Set("Referrer-Policy", "no-referrer") // the address of an invite's page is the invite
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if rs.o.Base.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	host := PlainHost(rs.o.Base.Scheme, c.Request.Host)
	origin, ok := rs.o.Hosts[host]
	if !ok {
		h.Set("Content-Security-Policy", rs.csp[PlainHost(rs.o.Base.Scheme, rs.o.Base.Host)])
		rs.otherHost(c)
		return
	}
	h.Set("Content-Security-Policy", rs.csp[host])
	InfoOf(c).Origin = origin
}

// otherHost answers a request to a name that is not ours. Probes come by
// address or by a name inside a cluster, and are served; not by a name of the
// internet, which somebody could have lead here (DNS rebinding).
func (rs *Requests) otherHost(c *gin.Context) {
	InfoOf(c).Origin = rs.o.Base.String()
	switch c.Request.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		if hostname.Inside(c.Request.Host) {
			return
		}
	}
	if c.Request.Method == http.MethodGet && c.GetHeader("Upgrade") == "" {
		to := *rs.o.Base
		to.Path, to.RawPath, to.RawQuery = c.Request.URL.Path, c.Request.URL.RawPath, c.Request.URL.RawQuery
		Private(c)
		c.Redirect(http.StatusTemporaryRedirect, to.String())
		c.Abort()
		return
	}
	rs.Fail(c,
		&StatusError{
			Status: http.StatusMisdirectedRequest,
			Err:    errs.E(errs.Invalid, "That isn't this dashboard's address. Use %s.", rs.o.Base),
		})
	c.Abort()
}

// PlainHost gives a Host header's value in the form it is compared in: lower case, without the scheme's own port.
func PlainHost(scheme, host string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}
