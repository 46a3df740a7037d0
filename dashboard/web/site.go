package web

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"snug/dashboard/actions"
	"snug/dashboard/card"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/keyring"
	"snug/shared/pages"
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
	Keys     *keyring.Keyring // seals the cards in their pictures' addresses
	Base     *url.URL         // what browsers reach the dashboard at
	Demo     bool             // Discord is simulated

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
	log     *slog.Logger
	now     func() time.Time
	logins  *prometheus.CounterVec

	pictures *card.Pictures
}

// New makes the pages.
func New(o Options) (*Site, error) {
	s := &Site{
		o: o, req: o.Requests, actions: o.Actions,
		log: o.Log, now: o.Now, pictures: card.NewPictures(),
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
	e.GET(string(pages.Home), s.req.Do(s.home))
	e.GET(string(pages.Login), s.req.Do(s.login))
	e.POST(string(pages.Login), s.req.Do(s.login))
	e.GET(string(pages.Callback), s.req.Do(s.callback))
	e.GET(string(pages.Logout), s.req.Do(s.bye))
	e.GET(string(pages.Server), s.openTo(s.serverForStrangers, s.req.Member(s.serverPage)))
	e.GET(string(pages.Room), s.openTo(s.roomForStrangers, s.req.Member(s.roomPage)))
	e.GET(string(pages.Card), s.req.Do(s.cardPicture))
	e.GET(string(pages.Watch), s.req.Do(s.watchPage))
	e.POST(string(pages.WatchToken), s.req.Do(s.watchToken))
	e.GET(string(pages.Admin), s.req.Member(s.adminPage))
	e.GET(string(pages.History), s.req.Member(s.historyPage))
	e.GET(string(pages.Activity), s.req.Member(s.activityPage))
	e.GET(string(pages.ActivityCSV), s.req.Member(s.activityFile("csv")))
	e.GET(string(pages.ActivityJSON), s.req.Member(s.activityFile("json")))
	e.GET(string(pages.Webhooks), s.req.Member(s.webhooksPage))
	e.GET(string(pages.ServerTokens), s.req.Member(s.serverTokensPage))
	e.GET(string(pages.Tokens), s.req.Member(s.tokensPage))
	e.GET(string(pages.Notifications), s.req.Member(s.notificationsPage))
	e.GET(string(pages.Offline), s.req.Do(s.offlinePage))
	e.GET(string(pages.Manifest), s.req.Do(s.manifest))
	e.GET(string(pages.Worker), s.req.Do(s.worker))
	e.GET(string(pages.Health), s.req.Member(s.healthPage))
	e.GET(string(pages.Presets), s.req.Member(s.presetsPage))
	e.GET(string(pages.ServerPresets), s.req.Member(s.serverPresetsPage))
	e.GET(string(pages.API), s.req.Do(s.referencePage))
	e.GET(string(pages.Status), s.req.Do(s.statusPage))
	e.GET(string(pages.Privacy), s.req.Do(s.privacyPage))
	e.GET(string(pages.Terms), s.req.Do(s.termsPage))
	e.GET(string(pages.PersonFile), s.req.Member(s.exportPerson))
	e.GET(string(pages.Erase), s.req.Member(s.askErase))
	e.GET(string(pages.SettingsFile), s.req.Member(s.exportSettings))
}

func (s *Site) mountForms(e *gin.Engine) {
	e.POST(string(pages.Language), s.req.Do(s.chooseLanguage))
	e.POST(string(pages.Logout), s.req.Do(s.logout))
	e.POST(string(pages.LogoutEverywhere), s.req.Do(s.logout))
	e.POST(string(pages.OpenRoom), s.req.Writes(s.createRoom))
	e.POST(string(pages.OpenAnywhere), s.req.Writes(s.openAnywhere))
	e.POST(string(pages.Again), s.req.Writes(s.openAgain))
	e.POST(string(pages.Presets), s.req.Writes(s.savePreset))
	e.POST(string(pages.ServerPresets), s.req.Writes(s.saveServerPreset))
	e.POST(string(pages.Forget), s.req.Writes(s.forgetPreferences))
	e.GET(string(pages.Invite), s.req.Do(s.landing))
	e.POST(string(pages.Invite), s.req.Do(s.accept))
	e.GET(string(pages.Coming), s.req.Member(s.coming))
	e.POST(string(pages.Coming), s.req.Writes(onRoom(s, s.comingAnew)))
	e.POST(string(pages.Join), s.req.Writes(onRoom(s, s.joinRoom)))
	e.POST(string(pages.Keep), s.req.Writes(onRoom(s, s.keepRoom)))
	e.POST(string(pages.Close), s.req.Writes(onRoom(s, s.closeRoom)))
	e.POST(string(pages.Change), s.req.Writes(onRoom(s, s.changeRoom)))
	e.POST(string(pages.Edit), s.req.Writes(onRoom(s, s.editRoom)))
	e.POST(string(pages.Knock), s.req.Writes(s.knock))
	e.POST(string(pages.Answer), s.req.Writes(onRoom(s, s.answerKnock)))
	e.POST(string(pages.Wait), s.req.Writes(onRoom(s, s.waitForSeat)))
	e.POST(string(pages.Invites), s.req.Writes(onRoom(s, s.createInvite)))
	e.POST(string(pages.Revoke), s.req.Writes(s.revokeInvite))
	e.POST(string(pages.Admin), s.req.Writes(s.saveSettings))
	e.POST(string(pages.Import), s.req.Writes(s.importSettings))
	e.POST(string(pages.Lobbies), s.req.Writes(s.saveLobby))
	e.POST(string(pages.Webhooks), s.req.Writes(s.saveWebhook))
	e.POST(string(pages.ServerTokens), s.req.Writes(s.saveServerToken))
	e.POST(string(pages.Tokens), s.req.Writes(s.saveToken))
	e.POST(string(pages.Notifications), s.req.Writes(s.saveNotifications))
	e.POST(string(pages.Erase), s.req.Writes(s.erasePerson))
	e.POST(string(pages.Health), s.req.Writes(s.repair))
	e.POST(string(pages.Undo), s.req.Writes(s.undoSettings))
}
