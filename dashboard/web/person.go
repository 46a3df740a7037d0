package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/pages"
)

// personTime bounds how long gathering or erasing may take: a request ends after requestTime, and the rest is told.
const personTime = request.Timeout - 3*time.Second

// exportPerson gives somebody everything that is stored of them.
func (s *Site) exportPerson(c *gin.Context, me *session.Session) error {
	if err := s.req.Limits.Person.Allow("u" + me.User.ID.String()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), personTime)
	defer cancel()
	out, err := s.actions.ExportPerson(ctx, me)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="snug-`+me.User.ID.String()+`.json"`)
	c.Data(http.StatusOK, "application/json", b)
	return nil
}

// erasePerson has everything that is stored of somebody erased, and signs them out. If a server does not answer they
// stay signed in and are told, to do it once more.
func (s *Site) erasePerson(c *gin.Context, me *session.Session) error {
	if err := s.req.Limits.Person.Allow("u" + me.User.ID.String()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), personTime)
	defer cancel()
	done, err := s.actions.ErasePerson(ctx, me, s.o.Cookies.ID(c.Request))
	if err != nil {
		return err
	}
	if len(done.Failed) == 0 {
		request.InfoOf(c).SignOut()
		http.SetCookie(c.Writer, s.o.Cookies.Clear())
	}
	return s.req.Page(c, http.StatusOK, s.erasedPage(c, done))
}

// erasedPage says what was erased.
func (s *Site) erasedPage(c *gin.Context, done actions.Erased) *view.Message {
	t := s.req.Texts(c)
	m := &view.Message{Layout: s.req.Layout(c, t.Say("erase.done")), Kind: view.KindBye}
	m.Path = string(pages.Privacy)
	what := "erase.done.text"
	if len(done.Failed) > 0 { // their sign-in stays, to do it once more
		what = "erase.part.text"
	}
	say := []string{t.Say(what, "Entries", done.Entries, "Rooms", done.Rooms, "Tokens", done.Tokens)}
	if len(done.Stays) > 0 {
		say = append(say, t.Say("erase.stays", "Rooms", t.List(done.Stays)))
	}
	m.Actions = []view.Action{{Label: t.Say("bye.what"), URL: "/", Primary: true}}
	if len(done.Failed) > 0 {
		m.Title, m.Kind = t.Say("erase.failed"), view.KindBroken
		say = append(say, t.Say("erase.failed.text", "Servers", t.List(done.Failed)))
		m.Actions = []view.Action{{Label: t.Say("erase.again"), URL: string(pages.Erase), Post: true, Ends: true}}
	}
	m.Sentence = strings.Join(say, " ")
	return m
}

// askErase asks whether somebody means it.
func (s *Site) askErase(c *gin.Context, me *session.Session) error {
	t := s.req.Texts(c)
	m := &view.Message{
		Layout: s.req.Layout(c, t.Say("erase.ask")), Kind: view.KindClosed,
		Sentence: t.Say("erase.ask.text", "Name", me.User.DisplayName),
	}
	m.Actions = []view.Action{
		{Label: t.Say("erase.yes"), URL: string(pages.Erase), Post: true, Ends: true},
		{Label: t.Say("erase.no"), URL: string(pages.Privacy)},
	}
	return s.req.Page(c, http.StatusOK, m)
}
