package dashboard

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

var errNotManager = errs.E(errs.Forbidden, "Only people who manage this server can see and change its settings. Ask one of them.")

// managed gives the guild of the path to who manages it.
func (s *Server) managed(c *gin.Context, me *session.Session) (room.GuildInfo, error) {
	g, st, err := s.standing(c, me)
	if err == nil && !st.Manager {
		err = errNotManager
	}
	return g, err
}

// adminPage shows a server's settings.
func (s *Server) adminPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	settings, rev, err := s.settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, &view.Admin{
		Layout: s.layout(c, "Settings of "+g.Name), Guild: g, Form: view.NewSettingsForm(settings), Rev: rev, Saved: c.Query("saved") != "",
	})
}

type settingsJSON struct {
	Settings guild.Settings `json:"settings"`
	Rev      uint64         `json:"rev"`
}

// readSettings is adminPage for programs.
func (s *Server) readSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	settings, rev, err := s.settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, settingsJSON{settings, rev})
}

// saveSettings saves the fields it is sent: all of the page's form, or some in
// JSON, {"rev": n, "settings": {…}}. With a revision it fails with
// errs.Conflict if somebody saved since.
func (s *Server) saveSettings(c *gin.Context, me *session.Session) error {
	if !isForm(c) {
		return s.patchSettings(c, me)
	}
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	if err := c.Request.ParseForm(); err != nil {
		return badBody(err)
	}
	form := view.ReadSettingsForm(c.Request.PostForm)
	rev, _ := strconv.ParseUint(c.Request.PostForm.Get("rev"), 10, 64) // without one there is no check
	fields, err := form.JSON()
	if err == nil {
		_, err = s.keeper.SaveSettings(c.Request.Context(), g.ID, room.SettingsRequest{Actor: actor(me), JSON: fields, Rev: rev})
	}
	switch {
	case err == nil:
		c.Redirect(http.StatusSeeOther, "/admin/"+g.ID.String()+"?saved=1")
		return nil
	case !worthAgain(err):
		return err
	}
	s.logFailure(c, statusOf(err), err)
	_, now, e := s.settings(c.Request.Context(), g.ID)
	if e != nil {
		return e
	}
	// What was typed stays; saving it again then is on purpose, so the newest revision goes with it.
	return s.page(c, statusOf(err), &view.Admin{
		Layout: s.layout(c, "Settings of "+g.Name), Guild: g, Form: form, Rev: now, Err: errs.Public(err),
	})
}

func (s *Server) patchSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	var in struct {
		Rev      uint64          `json:"rev"`
		Settings json.RawMessage `json:"settings"`
	}
	b, err := io.ReadAll(c.Request.Body)
	if err != nil {
		return badBody(err)
	}
	if err := strictJSON(b, &in); err != nil {
		return err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(in.Settings), []byte("{")) {
		return errs.Field("settings", "settings must be an object with the fields to change.")
	}
	saved, err := s.keeper.SaveSettings(c.Request.Context(), g.ID, room.SettingsRequest{Actor: actor(me), JSON: in.Settings, Rev: in.Rev})
	if err != nil {
		return err
	}
	settings, rev, err := s.settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, settingsJSON{settings, max(rev, saved.Rev)})
}
