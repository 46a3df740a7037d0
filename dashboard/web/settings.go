package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/pages"
	"snug/shared/room"
)

// managed gives the guild of the path to who manages it.
func (s *Site) managed(c *gin.Context, me *session.Session) (room.GuildInfo, error) {
	id, err := idOf(c, "guild", actions.ErrNoServer)
	if err != nil {
		return room.GuildInfo{}, err
	}
	return s.actions.Managed(c.Request.Context(), me, id)
}

// adminTab gives what the pages of those who manage a server share; title is a message.
func (s *Site) adminTab(c *gin.Context, g room.GuildInfo, title string) view.AdminTab {
	t := view.AdminTab{Layout: s.req.Layout(c, ""), Guild: g}
	t.Title = t.Text.Say(title) + " · " + g.Name
	return t
}

// adminPage shows a server's settings.
func (s *Site) adminPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	settings, rev, err := s.actions.Settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	p := s.settingsPage(c, me, g, settings)
	p.Form, p.Rev, p.Saved, p.Done = view.NewSettingsForm(settings), rev, c.Query("saved") == "1", c.Query("saved") == "lobby"
	return s.req.Page(c, http.StatusOK, p)
}

// settingsPage gives the settings page without its form. What can be chosen
// from is asked for live; without an answer those fields are left out, and their settings stay.
func (s *Site) settingsPage(
	c *gin.Context, me *session.Session, g room.GuildInfo, settings guild.Settings,
) *view.Admin {
	return &view.Admin{
		AdminTab: s.adminTab(c, g, "admin.settings"), Lobbies: settings.Lobbies,
		Places: s.channelsAndRoles(c.Request.Context(), g.ID, me),
	}
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
	err = request.ReadBody(c, &body, func(f url.Values) error {
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

// saveSettings saves the page's form. With a revision it fails with
// errs.Conflict if somebody saved since.
func (s *Site) saveSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	in, err := readSettings(c)
	if err == nil {
		err = s.actions.SaveSettings(ctx, me, g.ID, in.fields, in.rev)
	}
	if err != nil && (!request.IsForm(c) || !worthAgain(err)) {
		return err
	}
	settings, rev, e := s.actions.Settings(ctx, g.ID)
	if e != nil {
		return e
	}
	if err == nil {
		return request.ReplyOrRedirect(c, http.StatusOK, wire.SettingsAt{Settings: settings, Rev: rev},
			pages.Admin.With(g.ID)+"?saved=1")
	}
	s.req.LogFailure(c, request.StatusOf(err), err)
	// What was typed stays; saving it again then is on purpose, so the newest revision goes with it.
	p := s.settingsPage(c, me, g, settings)
	p.Form, p.Rev, p.Err = in.form, rev, errs.Public(err)
	if was, ok := s.actions.SettingsAt(ctx, me, g.ID, in.rev); ok && in.rev != rev {
		p.Merge(was, settings)
	}
	return s.req.Page(c, request.StatusOf(err), p)
}

// exportSettings gives the settings as a file.
func (s *Site) exportSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	settings, _, err := s.actions.Settings(c.Request.Context(), g.ID)
	if err != nil {
		return err
	}
	fields, err := settings.Fields() // all of them, so that a file sets what is empty, too
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="snug-settings-`+g.ID.String()+`.json"`)
	c.Data(http.StatusOK, "application/json", append(b, '\n'))
	return nil
}

// importSettings saves the settings of a file that exportSettings gave, here or for another server. What
// points at another server's channels and roles is for the person to look at; the health page tells what points
// nowhere.
func (s *Site) importSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	head, err := c.FormFile("file")
	if err != nil {
		if request.TooLong(err) {
			return request.BadBody(err)
		}
		return errs.Field("file", "Choose a settings file that Snug exported.")
	}
	f, err := head.Open()
	if err != nil {
		return request.BadBody(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, request.MaxBody))
	if err != nil {
		return request.BadBody(err)
	}
	if !json.Valid(b) || !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return errs.Field("file", "This isn't a settings file. Choose one that Snug exported.")
	}
	if err := s.actions.SaveSettings(c.Request.Context(), me, g.ID, b, 0); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, pages.Admin.With(g.ID)+"?saved=1")
	return nil
}

// historyPage shows who changed which settings, and undoes the last change.
func (s *Site) historyPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	p := &view.AdminHistory{AdminTab: s.adminTab(c, g, "admin.history"), Undone: c.Query("undone") != ""}
	h, err := s.actions.SettingsHistory(ctx, me, g.ID)
	if err != nil {
		s.req.LogFailure(c, request.StatusOf(err), err)
		p.Failed = errs.Public(err)
	}
	p.Versions = h.Versions
	var ids []snowflake.ID
	for _, v := range h.Versions {
		ids = append(ids, v.By)
	}
	p.Names, p.Places = s.actions.DisplayNames(ctx, g.ID, ids), s.channelsAndRoles(ctx, g.ID, me)
	return s.req.Page(c, http.StatusOK, p)
}

// channelsAndRoles gives what settings can point at, asked of Discord now; nothing if that cannot be had.
func (s *Site) channelsAndRoles(ctx context.Context, guildID snowflake.ID, me *session.Session) guild.ChannelsAndRoles {
	places, err := s.actions.ChannelsAndRoles(ctx, me, guildID)
	if err != nil {
		s.log.WarnContext(ctx, "channels and roles are not known", "guild_id", guildID, "err", err)
	}
	return places
}

func (s *Site) undoSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	if err := s.actions.UndoSettings(c.Request.Context(), me, g.ID, 0); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, pages.History.With(g.ID)+"?undone=1")
	return nil
}
