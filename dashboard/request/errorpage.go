package request

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/text"
)

// errorPage says what went wrong and leads on, in the reader's language.
func (rs *Requests) errorPage(c *gin.Context, err error, wait int) *view.Message {
	e, t := errs.Public(err), rs.Texts(c)
	a, known := answers[e.Code]
	if !known {
		a = answers[errs.Internal]
	}
	heading := t.Say("fail." + string(e.Code))
	m := &view.Message{
		Layout: rs.Layout(c, heading), Kind: a.kind, Heading: heading, Sentence: t.Refusal(err), Code: e.Code,
		Request: InfoOf(c).ID,
	}
	back := PagePath(c.Request)
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
				Label: t.Say("nav.sign-in.discord"), URL: string(pages.Login), Post: true, ReturnTo: InfoOf(c).ReturnTo,
				Primary: true,
			},
			home,
		}
	case InfoOf(c).Following:
		followFailed(c, m, e, wait, home)
	case c.FullPath() == string(pages.Callback):
		m.Heading = t.Say("fail.sign-in")
		m.Actions = []view.Action{signInAgain(c, t, "fail.sign-in.again"), home}
	case e.Code == errs.RoomNotFound && c.FullPath() == string(pages.Room) && m.Me != nil:
		rs.offerKnock(c, m, home)
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
	landing := InfoOf(c).Landing
	switch {
	case again && landing != "":
		m.Actions = []view.Action{{Label: m.Text.Say("fail.back.invite"), URL: landing, Primary: true}, home}
	case again && c.Request.Method == http.MethodGet && c.FullPath() == string(pages.Invite):
		m.Refresh = min(wait, 60)
		m.Actions = []view.Action{
			{Label: m.Text.Say("room.again"), URL: c.Request.URL.RequestURI(), Primary: true}, home,
		}
	default:
		home.Primary = true
		m.Actions = []view.Action{home}
	}
}

// offerKnock is what somebody sees of a room that is not there, or not for them:
// the same in both cases. They can knock; having knocked, the page looks by itself whether it may show more.
func (rs *Requests) offerKnock(c *gin.Context, m *view.Message, home view.Action) {
	id := c.Param("channel")
	if c.Query("knocked") != "" {
		m.Kind, m.Heading, m.Sentence = view.KindWait, m.Text.Say("knock.sent"), m.Text.Say("knock.sent.text")
		m.Title, m.Refresh, m.Code, m.Request = m.Heading, 4, "", ""
		m.Actions = []view.Action{home}
		return
	}
	m.Actions = []view.Action{
		{Label: m.Text.Say("room.knock"), URL: pages.Knock.With(id), Post: true, Primary: true}, home,
	}
}

// signInAgain leads on from a login that came to nothing: to another one, or to the invite that it was to follow.
func signInAgain(c *gin.Context, t text.Texts, label string) view.Action {
	back := InfoOf(c).ReturnTo
	if pages.WithoutSecret(back) != back {
		return view.Action{Label: t.Say("fail.back.invite"), URL: back, Primary: true}
	}
	return view.Action{Label: t.Say(label), URL: LoginURL(back, false), Primary: true}
}
