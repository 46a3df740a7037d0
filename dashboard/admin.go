package dashboard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
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

// settingsInput is what is saved: the fields of a form, or those of a JSON object.
type settingsInput struct {
	form   view.SettingsForm
	fields []byte
	rev    uint64 // that was seen; 0: no check
}

func readSettings(c *gin.Context) (in settingsInput, err error) {
	var body struct {
		Rev      uint64          `json:"rev"`
		Settings json.RawMessage `json:"settings"`
	}
	formed := false
	err = read(c, &body, func(f url.Values) error {
		formed, in.form = true, view.ReadSettingsForm(f)
		in.rev, _ = strconv.ParseUint(f.Get("rev"), 10, 64) // without one there is no check
		in.fields, err = in.form.JSON()
		return err
	})
	if err != nil || formed {
		return in, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body.Settings), []byte("{")) {
		return in, errs.Field("settings", "settings must be an object with the fields to change.")
	}
	in.fields, in.rev = body.Settings, body.Rev
	return in, nil
}

// saveSettings saves the fields it is sent: all of the page's form, or some in
// JSON, {"rev": n, "settings": {…}}. With a revision it fails with
// errs.Conflict if somebody saved since.
func (s *Server) saveSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	in, err := readSettings(c)
	if err == nil {
		_, err = s.keeper.SaveSettings(ctx, g.ID, room.SettingsRequest{Actor: actor(me), JSON: in.fields, Rev: in.rev})
	}
	if err != nil && (!isForm(c) || !worthAgain(err)) {
		return err
	}
	settings, rev, e := s.settings(ctx, g.ID)
	if e != nil {
		return e
	}
	if err == nil {
		return back(c, http.StatusOK, settingsAtJSON{settings, rev}, "/admin/"+g.ID.String()+"?saved=1")
	}
	s.logFailure(c, statusOf(err), err)
	// What was typed stays; saving it again then is on purpose, so the newest revision goes with it.
	return s.page(c, statusOf(err), &view.Admin{
		Layout: s.layout(c, "Settings of "+g.Name), Guild: g, Form: in.form, Rev: rev, Err: errs.Public(err),
	})
}
