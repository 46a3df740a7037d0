package dashboard

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"snug/dashboard/api"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
)

var errNoPage = errs.E(errs.NotFound,
	"This page doesn't exist. The address may be incomplete; your servers and rooms are on the home page.")

var errNoOperation = errs.E(errs.NotFound, "The API doesn't have that operation. /api lists them all.")

// routes puts everything together.
func (s *Server) routes() (http.Handler, error) {
	e, err := engine(s.o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	s.engine = e
	e.Use(s.requests.Middleware()...)
	s.site.Mount(e)
	s.api = api.New(e, api.Options{
		Requests: s.requests, Actions: s.actions, Links: s.links(), Hub: s.o.Hub, Keys: s.o.Keys, Base: s.base,
		Version: s.o.Version, English: s.view.Texts("en", ""), Now: s.o.Now, Log: s.o.Log,
	})
	s.operations(e)
	e.GET(request.LivePath, s.o.Live.Handler())
	e.GET(view.StaticPrefix+"*path", gin.WrapH(s.view.StaticHandler()))
	e.NoRoute(s.requests.Do(s.noRoute))
	e.NoMethod(s.noMethod)
	return request.Wrap(e)
}

// operations are for who runs Snug, and for robots.
func (s *Server) operations(e *gin.Engine) {
	e.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.ready)
	if s.o.Gatherer != nil {
		e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.o.Gatherer, promhttp.HandlerOpts{})))
	}
	e.GET("/robots.txt", robots)
	e.GET("/favicon.ico", s.requests.Do(func(c *gin.Context) error {
		path, err := s.view.Asset("img/mark.svg")
		if err != nil {
			return err
		}
		c.Header("Cache-Control", "public, max-age=3600")
		c.Redirect(http.StatusFound, path)
		return nil
	}))
}

// robots keeps search engines from what leads nowhere without a person. A page that isn't to be found says so itself:
// whatever makes cards of links reads this too, and opens no page that it may not.
func robots(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=86400")
	c.String(http.StatusOK, "User-agent: *\nDisallow: "+strings.Join([]string{
		string(pages.Login), "/auth/", string(pages.Logout), pages.Admin.Root(), string(pages.API) + "/",
	}, "\nDisallow: ")+"\n")
}

// ready says whether this process can serve, in a line an operator can act on.
func (s *Server) ready(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	var wrong strings.Builder
	for _, p := range s.actions.Parts(c.Request.Context()) {
		if p.Err != nil {
			fmt.Fprintf(&wrong, "%s: %s\n", p.Name, p.Why())
		}
	}
	if wrong.Len() > 0 {
		c.Header("Retry-After", "3")
		c.String(http.StatusServiceUnavailable, wrong.String())
		return
	}
	c.String(http.StatusOK, "ready\n")
}

// noRoute answers an address that is none, and leads from one with a slash too many to the page.
func (s *Server) noRoute(c *gin.Context) error {
	to := *c.Request.URL
	to.Path, to.RawPath = strings.TrimSuffix(to.Path, "/"), ""
	if c.Request.Method == http.MethodGet && to.Path != c.Request.URL.Path && session.ReturnTo(to.Path) == to.Path {
		request.Private(c)
		c.Redirect(http.StatusPermanentRedirect, to.RequestURI())
		return nil
	}
	if strings.HasPrefix(c.Request.URL.Path, "/api/") {
		return errNoOperation
	}
	return errNoPage
}

// noMethod leads who opens the address of a form's action, perhaps after signing in, to its page.
func (s *Server) noMethod(c *gin.Context) {
	if c.Request.Method == http.MethodGet && !request.WantsJSON(c.Request) {
		post := *c.Request
		post.Method = http.MethodPost
		if to := request.PagePath(&post); to != c.Request.URL.Path {
			request.Private(c)
			c.Redirect(http.StatusSeeOther, to)
			return
		}
	}
	s.requests.Fail(c,
		&request.StatusError{
			Status: http.StatusMethodNotAllowed,
			Err: errs.E(errs.Invalid, "This address doesn't support that method. The Allow header lists the "+
				"ones it does."),
		})
}
