package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
)

var errNoPage = errs.E(errs.NotFound,
	"There is no such page. Perhaps the address was cut short; your servers and rooms are on the first page.")

var errNoOperation = errs.E(errs.NotFound, "The API has no such operation. /api lists those there are.")

// routes puts everything together.
func (s *Server) routes() (http.Handler, error) {
	e, err := engine(s.o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	s.engine = e
	e.Use(s.begin, s.recovered, s.guard, s.do(s.pace), s.do(s.takeBody), s.sameOrigin())
	s.pages(e)
	s.actions(e)
	if err := s.describe(e); err != nil {
		return nil, err
	}
	s.operations(e)
	e.GET(livePath, s.live.Handler())
	e.GET(view.StaticPrefix+"*path", gin.WrapH(s.view.StaticHandler()))
	e.NoRoute(s.do(s.noRoute))
	e.NoMethod(s.noMethod)
	return outer(e)
}

func (s *Server) pages(e *gin.Engine) {
	e.GET("/", s.do(s.home))
	e.GET("/login", s.do(s.login))
	e.POST("/login", s.do(s.login))
	e.GET(session.CallbackPath, s.do(s.callback))
	e.GET("/logout", s.do(s.bye))
	e.GET("/servers/:guild", s.member(s.serverPage))
	e.GET("/game/:channel", s.do(s.roomOrLanding))
	e.GET("/watch/:channel", s.do(s.watchPage))
	e.POST("/watch/:channel/token", s.do(s.watchToken))
	e.GET("/admin/:guild", s.member(s.adminPage))
	e.GET("/admin/:guild/history", s.member(s.historyPage))
	e.GET("/admin/:guild/activity", s.member(s.activityPage))
	e.GET("/admin/:guild/activity.csv", s.member(s.activityFile("csv")))
	e.GET("/admin/:guild/activity.json", s.member(s.activityFile("json")))
	e.GET("/admin/:guild/webhooks", s.member(s.webhooksPage))
	e.GET("/admin/:guild/tokens", s.member(s.serverTokensPage))
	e.GET("/tokens", s.member(s.tokensPage))
	e.GET("/admin/:guild/health", s.member(s.healthPage))
	e.GET("/api", s.do(s.referencePage))
	e.GET("/status", s.do(s.statusPage))
	e.GET("/heard", s.do(s.heard))
	e.GET("/privacy", s.do(s.privacyPage))
	e.GET("/terms", s.do(s.termsPage))
	e.GET("/privacy/data.json", s.member(s.exportPerson))
	e.GET("/privacy/erase", s.member(s.askErase))
	e.GET("/admin/:guild/settings.json", s.member(s.exportSettings))
}

// actions are what pages' forms do.
func (s *Server) actions(e *gin.Engine) {
	e.POST("/language", s.do(s.chooseLanguage))
	e.POST("/logout", s.do(s.logout))
	e.POST("/logout/everywhere", s.do(s.logout))
	e.POST("/servers/:guild/rooms", s.writes(s.createRoom))
	e.POST("/servers/:guild/forget", s.writes(s.forgetPreferences))
	e.POST("/game/:channel/accept", s.do(s.accept))
	e.GET("/game/:channel/coming", s.member(s.coming))
	e.POST("/game/:channel/coming", s.writes(s.comingAnew))
	e.POST("/game/:channel/join", s.writes(s.joinRoom))
	e.POST("/game/:channel/keep", s.writes(s.keepRoom))
	e.POST("/game/:channel/close", s.writes(s.closeRoom))
	e.POST("/game/:channel/change", s.writes(s.changeRoom))
	e.POST("/game/:channel/knock", s.writes(s.knock))
	e.POST("/game/:channel/answer", s.writes(s.answerKnock))
	e.POST("/game/:channel/wait", s.writes(s.waitForSeat))
	e.POST("/game/:channel/invites", s.writes(s.createInvite))
	e.POST("/game/:channel/invites/:id/revoke", s.writes(s.revokeInvite))
	e.POST("/admin/:guild", s.writes(s.saveSettings))
	e.POST("/admin/:guild/import", s.writes(s.importSettings))
	e.POST("/admin/:guild/lobbies", s.writes(s.saveLobby))
	e.POST("/admin/:guild/webhooks", s.writes(s.saveWebhook))
	e.POST("/admin/:guild/tokens", s.writes(s.saveServerToken))
	e.POST("/tokens", s.writes(s.saveToken))
	e.POST("/privacy/erase", s.writes(s.erasePerson))
	e.POST("/admin/:guild/health", s.writes(s.repair))
	e.POST("/admin/:guild/undo", s.writes(s.undoSettings))
}

// operations are for who runs Snug, and for robots.
func (s *Server) operations(e *gin.Engine) {
	e.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.ready)
	if s.o.Gatherer != nil {
		e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.o.Gatherer, promhttp.HandlerOpts{})))
	}
	e.GET("/robots.txt", func(c *gin.Context) {
		c.Header("Cache-Control", "public, max-age=86400")
		c.String(http.StatusOK,
			"User-agent: *\nDisallow: /game/\nDisallow: /watch/\nDisallow: /servers/\nDisallow: /admin/\nDisallow: /login\nDisallow: /auth/\nDisallow: /api/\n")
	})
	e.GET("/favicon.ico", s.do(func(c *gin.Context) error {
		path, err := s.view.Asset("img/mark.svg")
		if err != nil {
			return err
		}
		c.Header("Cache-Control", "public, max-age=3600")
		c.Redirect(http.StatusFound, path)
		return nil
	}))
}

// ready says whether this process can serve, in a line an operator can act on.
func (s *Server) ready(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	var wrong strings.Builder
	for _, p := range s.parts(c.Request.Context()) {
		if p.err != nil {
			fmt.Fprintf(&wrong, "%s: %s\n", p.name, p.why())
		}
	}
	if wrong.Len() > 0 {
		c.Header("Retry-After", "3")
		c.String(http.StatusServiceUnavailable, wrong.String())
		return
	}
	c.String(http.StatusOK, "ready\n")
}

// part is something that must work so that this process can serve.
type part struct {
	name string // "store", "rooms" or "discord"
	err  error  // nil: it does
}

// why says what does not work; "" if it does.
func (p part) why() string {
	if p.err == nil {
		return ""
	}
	return errs.Public(p.err).Message
}

// parts looks at everything that this process needs. What needs another part that does not work is left out.
func (s *Server) parts(ctx context.Context) []part {
	store := part{"store", s.o.Hub.Ready(ctx)}
	if store.err != nil {
		return []part{store}
	}
	rooms := part{name: "rooms"}
	if !s.caughtUp() {
		rooms.err = errs.E(errs.Unavailable, "Starting: the rooms are still being loaded.")
	}
	if s.o.Ready == nil {
		return []part{store, rooms}
	}
	return []part{store, rooms, {"discord", s.o.Ready(ctx)}}
}

// serving says whether every part works.
func serving(parts []part) bool {
	return !slices.ContainsFunc(parts, func(p part) bool { return p.err != nil })
}

// noRoute answers an address that is none, and leads from one with a slash too many to the page.
func (s *Server) noRoute(c *gin.Context) error {
	to := *c.Request.URL
	to.Path, to.RawPath = strings.TrimSuffix(to.Path, "/"), ""
	if c.Request.Method == http.MethodGet && to.Path != c.Request.URL.Path && session.ReturnTo(to.Path) == to.Path {
		private(c)
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
	if c.Request.Method == http.MethodGet && !wantsJSON(c.Request) {
		post := *c.Request
		post.Method = http.MethodPost
		if to := pagePath(&post); to != c.Request.URL.Path {
			private(c)
			c.Redirect(http.StatusSeeOther, to)
			return
		}
	}
	s.fail(c,
		&statusError{
			http.StatusMethodNotAllowed,
			errs.E(errs.Invalid, "That cannot be done at this address. The header Allow says what can."),
		})
}
