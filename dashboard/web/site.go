package web

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"snug/dashboard/actions"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
)

// Options are what a Site needs. All are needed unless said otherwise.
type Options struct {
	Requests *request.Requests
	Actions  *actions.Actions
	Links    wire.Links
	Sessions *session.Sessions
	Cookies  session.Cookies
	View     *view.Engine
	Live     *live.Live
	Base     *url.URL // what browsers reach the dashboard at
	Demo     bool     // Discord is simulated

	// Host says who runs this Snug, for /privacy and /terms.
	Host view.Host
	// SessionLifetime is how long a session lasts after it was last used, WholeSessionLifetime in all, as /privacy
	// says; 0: as package session has it.
	SessionLifetime, WholeSessionLifetime time.Duration
	// Reference gives the API's operations, for the page /api.
	Reference func() []view.ReferenceGroup

	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: metrics are not registered
}

// Site is Snug's pages and what their forms do. It is safe for concurrent use.
type Site struct {
	o       Options
	req     *request.Requests
	actions *actions.Actions
	enc     wire.Encoder
	log     *slog.Logger
	now     func() time.Time
	logins  *prometheus.CounterVec
}

// New makes the pages.
func New(o Options) (*Site, error) {
	s := &Site{
		o: o, req: o.Requests, actions: o.Actions, enc: wire.Encoder{Links: o.Links, Now: o.Now, Log: o.Log},
		log: o.Log, now: o.Now,
	}
	s.logins = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "snug_logins_total", Help: "Sign-ins by how they ended.",
	},
		[]string{"result"})
	if o.Registerer != nil {
		if err := o.Registerer.Register(s.logins); err != nil {
			return nil, fmt.Errorf("dashboard: metrics: %w", err)
		}
	}
	return s, nil
}

// Mount adds the routes of pages and forms.
func (s *Site) Mount(e *gin.Engine) {
	s.mountPages(e)
	s.mountForms(e)
}

func (s *Site) mountPages(e *gin.Engine) {
	e.GET("/", s.req.Do(s.home))
	e.GET("/login", s.req.Do(s.login))
	e.POST("/login", s.req.Do(s.login))
	e.GET(session.CallbackPath, s.req.Do(s.callback))
	e.GET("/logout", s.req.Do(s.bye))
	e.GET("/servers/:guild", s.req.Member(s.serverPage))
	e.GET("/game/:channel", s.req.Do(s.roomOrLanding))
	e.GET("/watch/:channel", s.req.Do(s.watchPage))
	e.POST("/watch/:channel/token", s.req.Do(s.watchToken))
	e.GET("/admin/:guild", s.req.Member(s.adminPage))
	e.GET("/admin/:guild/history", s.req.Member(s.historyPage))
	e.GET("/admin/:guild/activity", s.req.Member(s.activityPage))
	e.GET("/admin/:guild/activity.csv", s.req.Member(s.activityFile("csv")))
	e.GET("/admin/:guild/activity.json", s.req.Member(s.activityFile("json")))
	e.GET("/admin/:guild/webhooks", s.req.Member(s.webhooksPage))
	e.GET("/admin/:guild/tokens", s.req.Member(s.serverTokensPage))
	e.GET("/tokens", s.req.Member(s.tokensPage))
	e.GET("/admin/:guild/health", s.req.Member(s.healthPage))
	e.GET("/api", s.req.Do(s.referencePage))
	e.GET("/status", s.req.Do(s.statusPage))
	e.GET("/heard", s.req.Do(s.heard))
	e.GET("/privacy", s.req.Do(s.privacyPage))
	e.GET("/terms", s.req.Do(s.termsPage))
	e.GET("/privacy/data.json", s.req.Member(s.exportPerson))
	e.GET("/privacy/erase", s.req.Member(s.askErase))
	e.GET("/admin/:guild/settings.json", s.req.Member(s.exportSettings))
}

func (s *Site) mountForms(e *gin.Engine) {
	e.POST("/language", s.req.Do(s.chooseLanguage))
	e.POST("/logout", s.req.Do(s.logout))
	e.POST("/logout/everywhere", s.req.Do(s.logout))
	e.POST("/servers/:guild/rooms", s.req.Writes(s.createRoom))
	e.POST("/servers/:guild/forget", s.req.Writes(s.forgetPreferences))
	e.POST("/game/:channel/accept", s.req.Do(s.accept))
	e.GET("/game/:channel/coming", s.req.Member(s.coming))
	e.POST("/game/:channel/coming", s.req.Writes(s.comingAnew))
	e.POST("/game/:channel/join", s.req.Writes(s.joinRoom))
	e.POST("/game/:channel/keep", s.req.Writes(s.keepRoom))
	e.POST("/game/:channel/close", s.req.Writes(s.closeRoom))
	e.POST("/game/:channel/change", s.req.Writes(s.changeRoom))
	e.POST("/game/:channel/knock", s.req.Writes(s.knock))
	e.POST("/game/:channel/answer", s.req.Writes(s.answerKnock))
	e.POST("/game/:channel/wait", s.req.Writes(s.waitForSeat))
	e.POST("/game/:channel/invites", s.req.Writes(s.createInvite))
	e.POST("/game/:channel/invites/:id/revoke", s.req.Writes(s.revokeInvite))
	e.POST("/admin/:guild", s.req.Writes(s.saveSettings))
	e.POST("/admin/:guild/import", s.req.Writes(s.importSettings))
	e.POST("/admin/:guild/lobbies", s.req.Writes(s.saveLobby))
	e.POST("/admin/:guild/webhooks", s.req.Writes(s.saveWebhook))
	e.POST("/admin/:guild/tokens", s.req.Writes(s.saveServerToken))
	e.POST("/tokens", s.req.Writes(s.saveToken))
	e.POST("/privacy/erase", s.req.Writes(s.erasePerson))
	e.POST("/admin/:guild/health", s.req.Writes(s.repair))
	e.POST("/admin/:guild/undo", s.req.Writes(s.undoSettings))
}
