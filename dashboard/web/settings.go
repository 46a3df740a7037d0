package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
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
	p.Form, p.Rev = view.NewSettingsForm(settings), rev
	p.Saved, p.Done = c.Query("saved") == "1", c.Query("saved") == "lobby"
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

// saveSettings saves the page's form. With a revision it fails with
// errs.Conflict if somebody saved since.
func (s *Site) saveSettings(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	f, err := request.PostForm(c.Request)
	if err != nil {
		return err
	}
	ctx, form := c.Request.Context(), view.ReadSettingsForm(f)
	seen, _ := strconv.ParseUint(f.Get("rev"), 10, 64) // without one there is no check
	fields, err := form.JSON()
	if err == nil {
		err = s.actions.SaveSettings(ctx, me, g.ID, fields, seen)
	}
	if err == nil {
		return request.Redirect(c, pages.Admin.With(g.ID)+"?saved=1")
	}
	if !worthAgain(err) {
		return err
	}
	settings, rev, e := s.actions.Settings(ctx, g.ID)
	if e != nil {
		return e
	}
	s.req.LogFailure(c, request.StatusOf(err), err)
	// What was typed stays; saving it again then is on purpose, so the newest revision goes with it.
	p := s.settingsPage(c, me, g, settings)
	p.Form, p.Rev, p.Err = form, rev, errs.Public(err)
	if was, ok := s.actions.SettingsAt(ctx, me, g.ID, seen); ok && seen != rev {
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
	p.Members, p.Places = s.actions.Members(ctx, g.ID, ids), s.channelsAndRoles(ctx, g.ID, me)
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
