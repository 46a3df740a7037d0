package web

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
)

// login leads to Discord's consent page. Whoever is signed in goes where they wanted to go.
func (s *Site) login(c *gin.Context) error {
	request.Private(c)
	in := struct {
		ReturnTo string `json:"return_to"`
	}{c.Query("return_to")}
	if c.Request.Method == http.MethodPost {
		if err := request.ReadForm(c, &in); err != nil {
			return err
		}
	}
	to := session.ReturnTo(in.ReturnTo)
	if c.Request.Method == http.MethodGet {
		// addresses are kept in histories and logs; the pages' forms send a secret one in the body
		to = pages.WithoutSecret(to)
	}
	if _, err := s.req.Me(c); err == nil {
		c.Redirect(http.StatusSeeOther, to)
		return nil
	}
	// In the demo several people share a browser, so Discord always asks who it is.
	return s.beginLogin(c, session.Begin{ReturnTo: to, Again: c.Query("again") != "" && !s.o.Demo})
}

// beginLogin sends the browser to Discord.
func (s *Site) beginLogin(c *gin.Context, b session.Begin) error {
	if err := s.req.Allow(c, s.req.Limits.Login); err != nil {
		return err
	}
	b.Origin = request.InfoOf(c).Origin
	l, err := s.o.Sessions.Begin(b)
	if err != nil {
		return err
	}
	for _, k := range s.o.Cookies.Begun(c.Request, l) {
		http.SetCookie(c.Writer, k)
	}
	c.Redirect(http.StatusSeeOther, l.URL)
	return nil
}

// callback ends a login. An invite that was accepted by signing in is followed at once.
func (s *Site) callback(c *gin.Context) error {
	request.Private(c)
	state := c.Query("state")
	f, err := s.o.Sessions.Finish(c.Request.Context(), session.Callback{
		Origin: request.InfoOf(c).Origin, State: state, Code: c.Query("code"), Error: c.Query("error"),
		Ticket: s.o.Cookies.Ticket(c.Request, state), OldID: s.o.Cookies.ID(c.Request),
	})
	v := request.InfoOf(c)
	if f.ReturnTo != "" {
		v.ReturnTo = f.ReturnTo
	}
	if err != nil {
		return s.loginFailed(c, err)
	}
	s.logins.WithLabelValues("ok").Inc()
	v.SignIn(f.Session)
	http.SetCookie(c.Writer, s.o.Cookies.Ended(state))
	http.SetCookie(c.Writer, s.o.Cookies.Session(f.ID, s.now(), f.Session.Expires))
	if !f.Accept {
		c.Redirect(http.StatusSeeOther, f.ReturnTo)
		return nil
	}
	return s.enter(c, f.Session, pages.CodeIn(f.ReturnTo))
}

func (s *Site) loginFailed(c *gin.Context, err error) error {
	result := "failed"
	elsewhere := errors.Is(err, session.ErrOtherBrowser)
	switch {
	case errors.Is(err, session.ErrCancelled):
		result = "cancelled"
	case elsewhere:
		result = "other browser"
	}
	s.logins.WithLabelValues(result).Inc()
	if elsewhere || errs.Has(err, errs.TokenExpired) {
		if _, no := s.req.Me(c); no == nil { // signed in here already, or somebody went back in their browser
			c.Redirect(http.StatusSeeOther, request.InfoOf(c).ReturnTo)
			return nil
		}
	}
	return err
}

// logout ends this browser's session, or at /logout/everywhere all of the user's.
func (s *Site) logout(c *gin.Context) error {
	request.Private(c)
	end := s.o.Sessions.End
	if c.FullPath() == string(pages.LogoutEverywhere) {
		end = s.o.Sessions.EndAll
	}
	if err := end(c.Request.Context(), s.o.Cookies.ID(c.Request)); err != nil {
		return err
	}
	http.SetCookie(c.Writer, s.o.Cookies.Clear())
	return request.Redirect(c, string(pages.Logout))
}

// bye says that nobody is signed in, or asks whether to sign out.
func (s *Site) bye(c *gin.Context) error {
	request.Private(c)
	t := s.req.Texts(c)
	m := &view.Message{Layout: s.req.Layout(c, t.Say("bye.title")), Kind: view.KindBye}
	m.Path = "/"
	if m.Me == nil {
		m.Sentence = t.Say("bye.text")
		m.Actions = []view.Action{
			{Label: t.Say("nav.sign-in.discord"), URL: string(pages.Login), Primary: true},
			{Label: t.Say("bye.what"), URL: "/"},
		}
	} else {
		m.Title = t.Say("bye.ask")
		m.Sentence = t.Say("bye.ask.text", "Name", m.Me.Name)
		m.Actions = []view.Action{
			{Label: t.Say("bye.here"), URL: string(pages.Logout), Post: true, Primary: true},
			{Label: t.Say("bye.everywhere"), URL: string(pages.LogoutEverywhere), Post: true},
		}
	}
	return s.req.Page(c, http.StatusOK, m)
}
