package dashboard

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
)

// login leads to Discord's consent page. Whoever is signed in goes where they wanted to go.
func (s *Server) login(c *gin.Context) error {
	private(c)
	in := struct {
		ReturnTo string `json:"return_to"`
	}{c.Query("return_to")}
	if c.Request.Method == http.MethodPost {
		if err := read(c, &in, func(f url.Values) error { in.ReturnTo = f.Get("return_to"); return nil }); err != nil {
			return err
		}
	}
	to := session.ReturnTo(in.ReturnTo)
	if c.Request.Method == http.MethodGet {
		to = withoutToken(to) // addresses are kept in histories and logs; the pages' forms send an invite in the body
	}
	if _, err := s.me(c); err == nil {
		c.Redirect(http.StatusSeeOther, to)
		return nil
	}
	// In the demo several people share a browser, so Discord always asks who it is.
	return s.beginLogin(c, session.Begin{ReturnTo: to, Again: c.Query("again") != "" && !s.o.Demo})
}

// withoutToken gives a path without the invite's token in its query.
func withoutToken(path string) string {
	u, err := url.Parse(path)
	if err != nil || !u.Query().Has("t") {
		return path
	}
	q := u.Query()
	q.Del("t")
	u.RawQuery = q.Encode()
	return u.String()
}

// tokenIn gives the invite's token in a page's path, or "".
func tokenIn(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return ""
	}
	return u.Query().Get("t")
}

// beginLogin sends the browser to Discord.
func (s *Server) beginLogin(c *gin.Context, b session.Begin) error {
	if err := s.allow(c, s.limits.login); err != nil {
		return err
	}
	b.Origin = visitOf(c).origin
	l, err := s.sessions.Begin(b)
	if err != nil {
		return err
	}
	for _, k := range s.cookies.Begun(c.Request, l) {
		http.SetCookie(c.Writer, k)
	}
	c.Redirect(http.StatusSeeOther, l.URL)
	return nil
}

// callback ends a login. An invite that was accepted by signing in is followed at once.
func (s *Server) callback(c *gin.Context) error {
	private(c)
	state := c.Query("state")
	f, err := s.sessions.Finish(c.Request.Context(), session.Callback{
		Origin: visitOf(c).origin, State: state, Code: c.Query("code"), Error: c.Query("error"),
		Ticket: s.cookies.Ticket(c.Request, state), OldID: s.cookies.ID(c.Request),
	})
	v := visitOf(c)
	if f.ReturnTo != "" {
		v.returnTo = f.ReturnTo
	}
	if err != nil {
		return s.loginFailed(c, err)
	}
	s.metrics.logins.WithLabelValues("ok").Inc()
	v.looked, v.me, v.err = true, f.Session, nil
	http.SetCookie(c.Writer, s.cookies.Ended(state))
	http.SetCookie(c.Writer, s.cookies.Session(f.ID, s.now(), f.Session.Expires))
	if !f.Accept {
		c.Redirect(http.StatusSeeOther, f.ReturnTo)
		return nil
	}
	return s.enter(c, f.Session, tokenIn(f.ReturnTo))
}

func (s *Server) loginFailed(c *gin.Context, err error) error {
	result := "failed"
	elsewhere := errors.Is(err, session.ErrOtherBrowser)
	switch {
	case errors.Is(err, session.ErrCancelled):
		result = "cancelled"
	case elsewhere:
		result = "other browser"
	}
	s.metrics.logins.WithLabelValues(result).Inc()
	if elsewhere || errs.Has(err, errs.TokenExpired) {
		if _, no := s.me(c); no == nil { // signed in here already, or somebody went back in their browser
			c.Redirect(http.StatusSeeOther, visitOf(c).returnTo)
			return nil
		}
	}
	return err
}

// logout ends this browser's session, or at /logout/everywhere all of the user's.
func (s *Server) logout(c *gin.Context) error {
	private(c)
	end := s.sessions.End
	if c.FullPath() == "/logout/everywhere" {
		end = s.sessions.EndAll
	}
	if err := end(c.Request.Context(), s.cookies.ID(c.Request)); err != nil {
		return err
	}
	http.SetCookie(c.Writer, s.cookies.Clear())
	if wantsJSON(c.Request) {
		c.Status(http.StatusNoContent)
		return nil
	}
	c.Redirect(http.StatusSeeOther, "/logout")
	return nil
}

// bye says that nobody is signed in, or asks whether to sign out.
func (s *Server) bye(c *gin.Context) error {
	private(c)
	t := s.texts(c)
	m := &view.Message{Layout: s.layout(c, t.Say("bye.title")), Mood: view.MoodBye}
	m.Path = "/"
	if m.Me == nil {
		m.Sentence = t.Say("bye.text")
		m.Actions = []view.Action{
			{Label: t.Say("nav.sign-in.discord"), URL: "/login", Primary: true}, {Label: t.Say("bye.what"), URL: "/"},
		}
	} else {
		m.Title = t.Say("bye.ask")
		m.Sentence = t.Say("bye.ask.text", "Name", m.Me.Name)
		m.Actions = []view.Action{
			{Label: t.Say("bye.here"), URL: "/logout", Post: true, Primary: true},
			{Label: t.Say("bye.everywhere"), URL: "/logout/everywhere", Post: true},
		}
	}
	return s.page(c, http.StatusOK, m)
}
