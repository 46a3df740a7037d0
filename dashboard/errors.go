package dashboard

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/text"
)

// answers says what each code becomes on the web.
var answers = map[errs.Code]struct {
	status int
	mood   view.Mood
}{
	errs.Invalid:            {http.StatusBadRequest, view.MoodLost},
	errs.Unauthorized:       {http.StatusUnauthorized, view.MoodClosed},
	errs.Forbidden:          {http.StatusForbidden, view.MoodClosed},
	errs.NotFound:           {http.StatusNotFound, view.MoodLost},
	errs.Conflict:           {http.StatusConflict, view.MoodBroken},
	errs.InProgress:         {http.StatusConflict, view.MoodWait},
	errs.RoomNotFound:       {http.StatusNotFound, view.MoodLost},
	errs.RoomFull:           {http.StatusConflict, view.MoodClosed},
	errs.RoomLimit:          {http.StatusConflict, view.MoodClosed},
	errs.TokenInvalid:       {http.StatusBadRequest, view.MoodClosed},
	errs.TokenExpired:       {http.StatusGone, view.MoodClosed},
	errs.TokenRevoked:       {http.StatusGone, view.MoodClosed},
	errs.TokenUsedUp:        {http.StatusGone, view.MoodClosed},
	errs.GuildJoinDenied:    {http.StatusForbidden, view.MoodClosed},
	errs.NotInVoice:         {http.StatusConflict, view.MoodClosed},
	errs.MissingPermission:  {http.StatusConflict, view.MoodBroken},
	errs.RateLimited:        {http.StatusTooManyRequests, view.MoodWait},
	errs.DiscordUnavailable: {http.StatusServiceUnavailable, view.MoodBroken},
	errs.Unavailable:        {http.StatusServiceUnavailable, view.MoodWait},
	errs.Internal:           {http.StatusInternalServerError, view.MoodBroken},
}

// statusOf gives the HTTP status of an error.
func statusOf(err error) int {
	if tooLong(err) {
		return http.StatusRequestEntityTooLarge
	}
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status
	}
	if e, ok := errors.AsType[*api.Refused](err); ok {
		return e.Status
	}
	if a, ok := answers[errs.CodeOf(err)]; ok {
		return a.status
	}
	return http.StatusInternalServerError
}

// statusError is an error whose status is not that of its code.
type statusError struct {
	status int
	err    *errs.Error
}

// Error is the coded error's.
func (e *statusError) Error() string { return e.err.Error() }

// Unwrap gives the coded error.
func (e *statusError) Unwrap() error { return e.err }

func tooLong(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// retryAfter gives when to come back, for the answers that say so; 0 for none.
func retryAfter(err error) time.Duration {
	e := errs.Public(err)
	switch {
	case e.RetryAfter > 0:
		return e.RetryAfter
	case e.Code == errs.RateLimited:
		return time.Second
	case e.Code == errs.Unavailable:
		return 3 * time.Second
	case e.Code == errs.DiscordUnavailable:
		return 5 * time.Second
	}
	return 0
}

// refuseEvery is the beat on which answers go out that there is no such room
// or server: how long it took to find that out, by asking a keeper or nobody, tells nothing then.
const refuseEvery = 250 * time.Millisecond

// even waits for the next beat where an error says that there is nothing, or nothing for this person.
func (s *Server) even(c *gin.Context, err error) {
	if code := errs.CodeOf(err); code != errs.NotFound && code != errs.RoomNotFound ||
		len(c.Params) == 0 && !errors.Is(err, errNoRoom) {
		return
	}
	every := s.o.RefuseEvery
	left := every - time.Since(visitOf(c).begun)%every
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.Request.Context().Done():
	}
}

// fail answers with an error: JSON for programs, login for who is not signed in, a page that says what to do
// for everybody else.
func (s *Server) fail(c *gin.Context, err error) {
	s.even(c, err)
	status := statusOf(err)
	s.logFailure(c, status, err)
	if c.Writer.Written() {
		return // too late to say anything
	}
	wait := int(math.Ceil(retryAfter(err).Seconds()))
	if wait > 0 {
		c.Header("Retry-After", strconv.Itoa(wait))
	}
	private(c)
	c.Writer.Header().Del("Content-Disposition") // what was to be a file is a page that says what went wrong
	e := errs.Public(err)
	if wantsJSON(c.Request) {
		s.problem(c, err).Write(c)
		return
	}
	if e.Code == errs.Unauthorized {
		// Who was signed in comes back without being asked.
		c.Redirect(http.StatusSeeOther, loginURL(pagePath(c.Request), s.cookies.ID(c.Request) != ""))
		return
	}
	s.message(c, status, s.errorPage(c, err, wait))
}

// problem gives an error in JSON.
func (s *Server) problem(c *gin.Context, err error) *api.Problem {
	e, status := errs.Public(err), statusOf(err)
	return &api.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: s.texts(c).Refusal(err),
		Code: e.Code, Field: e.Field,
		RetryAfter: int(math.Ceil(retryAfter(err).Seconds())), RequestID: visitOf(c).id,
	}
}

func (s *Server) logFailure(c *gin.Context, status int, err error) {
	visitOf(c).code = errs.CodeOf(err)
	if status >= 500 && errors.Is(c.Request.Context().Err(), context.Canceled) {
		s.log.DebugContext(c, "a browser went away before its answer", "request_id", visitOf(c).id,
			"route", c.FullPath(), "err", err)
		return
	}
	if status >= 500 && !errs.Has(err, errs.Unavailable) && !errs.Has(err, errs.DiscordUnavailable) {
		s.log.ErrorContext(c, "request failed", "request_id", visitOf(c).id, "route", c.FullPath(), "err", err)
	} else if status >= 500 {
		s.log.WarnContext(c, "request not served", "request_id", visitOf(c).id, "route", c.FullPath(), "err", err)
	}
}

// errorPage says what went wrong and leads on, in the reader's language.
func (s *Server) errorPage(c *gin.Context, err error, wait int) *view.Message {
	e, t := errs.Public(err), s.texts(c)
	a, known := answers[e.Code]
	if !known {
		a = answers[errs.Internal]
	}
	heading := t.Say("fail." + string(e.Code))
	m := &view.Message{
		Layout: s.layout(c, heading), Mood: a.mood, Heading: heading, Sentence: t.Refusal(err), Code: e.Code,
		Request: visitOf(c).id,
	}
	back := pagePath(c.Request)
	home := view.Action{Label: t.Say("nav.mine"), URL: "/"}
	switch {
	case errors.Is(err, session.ErrCancelled):
		m.Heading, m.Code, m.Request = t.Say("fail.cancelled"), "", ""
		m.Actions = []view.Action{signInAgain(c, t, "nav.sign-in.discord"), home}
	case errors.Is(err, session.ErrOtherBrowser):
		// An invite's token goes back to the server in the form's body: addresses are kept.
		m.Heading, m.Code, m.Request = t.Say("fail.other-browser"), "", ""
		m.Actions = []view.Action{
			{
				Label: t.Say("nav.sign-in.discord"), URL: "/login", Post: true, ReturnTo: visitOf(c).returnTo,
				Primary: true,
			},
			home,
		}
	case visitOf(c).following:
		followFailed(c, m, e, wait, home)
	case c.FullPath() == session.CallbackPath:
		m.Heading = t.Say("fail.sign-in")
		m.Actions = []view.Action{signInAgain(c, t, "fail.sign-in.again"), home}
	case e.Code == errs.RoomNotFound && c.FullPath() == roomPath && m.Me != nil:
		s.atTheDoor(c, m, home)
	case c.Request.Method == http.MethodPost && back != "/":
		m.Actions = []view.Action{{Label: t.Say("fail.back"), URL: back, Primary: true}, home}
	case e.Code == errs.Unavailable || e.Code == errs.DiscordUnavailable || e.Code == errs.RateLimited:
		m.Refresh = min(wait, 60)
		m.Actions = []view.Action{{Label: t.Say("room.again"), URL: c.Request.URL.RequestURI(), Primary: true}, home}
	case c.Request.Method == http.MethodPost:
		m.Actions = []view.Action{{Label: t.Say("fail.back.short"), URL: "/", Primary: true}}
	default:
		home.Primary = true
		m.Actions = []view.Action{home}
	}
	return m
}

// followFailed says why an invite let nobody in, and leads back to it where it may do so in a moment.
func followFailed(c *gin.Context, m *view.Message, e *errs.Error, wait int, home view.Action) {
	if e.Code == errs.Forbidden {
		m.Heading = m.Text.Say("fail.invite.kept-out")
		m.Title = m.Heading
	}
	again := e.Code == errs.Unavailable || e.Code == errs.DiscordUnavailable || e.Code == errs.RateLimited
	landing := visitOf(c).landing
	switch {
	case again && landing != "":
		m.Actions = []view.Action{{Label: m.Text.Say("fail.back.invite"), URL: landing, Primary: true}, home}
	case again && c.Request.Method == http.MethodGet && c.FullPath() == roomPath:
		m.Refresh = min(wait, 60)
		m.Actions = []view.Action{
			{Label: m.Text.Say("room.again"), URL: c.Request.URL.RequestURI(), Primary: true}, home,
		}
	default:
		home.Primary = true
		m.Actions = []view.Action{home}
	}
}

// roomPath is a room's page, as gin writes it.
const roomPath = "/game/:channel"

// atTheDoor is what somebody sees of a room that is not there, or not for them:
// the same in both cases. They can knock; having knocked, the page looks by itself whether it may show more.
func (s *Server) atTheDoor(c *gin.Context, m *view.Message, home view.Action) {
	id := c.Param("channel")
	if c.Query("knocked") != "" {
		m.Mood, m.Heading, m.Sentence, m.Refresh, m.Code, m.Request = view.MoodWait, m.Text.Say("knock.sent"), m.Text.Say("knock.sent.text"), 4, "", ""
		m.Title = m.Heading
		m.Actions = []view.Action{home}
		return
	}
	m.Actions = []view.Action{
		{Label: m.Text.Say("room.knock"), URL: "/game/" + id + "/knock", Post: true, Primary: true}, home,
	}
}

// signInAgain leads on from a login that came to nothing: to another one, or to the invite that it was to follow.
func signInAgain(c *gin.Context, t text.Texts, label string) view.Action {
	back := visitOf(c).returnTo
	if withoutToken(back) != back {
		return view.Action{Label: t.Say("fail.back.invite"), URL: back, Primary: true}
	}
	return view.Action{Label: t.Say(label), URL: loginURL(back, false), Primary: true}
}

// pagePath gives the page a request belongs to, without its query: that of a room for what one does to it. It is where
// signing in and errors lead back to.
func pagePath(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method == http.MethodGet || len(parts) < 2 {
		return session.ReturnTo(r.URL.RequestURI())
	}
	switch parts[0] {
	case "game", "servers", "admin":
		return session.ReturnTo("/" + parts[0] + "/" + parts[1])
	}
	return "/"
}

// wantsJSON says whether a program asked.
func wantsJSON(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return true
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
