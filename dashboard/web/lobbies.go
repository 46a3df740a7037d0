package web

import (
	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/pages"
)

// saveLobby adds, changes or removes a lobby.
func (s *Site) saveLobby(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	f, err := request.PostForm(c.Request)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	remove := f.Get("do") == "remove"
	if remove {
		var channel snowflake.ID
		if channel, err = actions.ParseID(f.Get("lobby"), errNoLobby); err == nil {
			err = s.actions.RemoveLobby(ctx, me, g.ID, channel, false)
		}
	} else {
		var in wire.LobbyInput
		if in, err = view.ReadLobbyForm(f); err == nil {
			_, err = s.actions.SaveLobby(ctx, me, g.ID, in)
		}
	}
	if err == nil {
		return request.Redirect(c, pages.Admin.With(g.ID)+"?saved=lobby#lobbies")
	}
	if remove || !worthAgain(err) {
		return err
	}
	settings, rev, e := s.actions.Settings(ctx, g.ID)
	if e != nil {
		return e
	}
	s.req.LogFailure(c, request.StatusOf(err), err)
	p := s.settingsPage(c, me, g, settings)
	p.Form, p.Rev, p.LobbyForm, p.LobbyErr = view.NewSettingsForm(settings), rev, f, errs.Public(err)
	return s.req.Page(c, request.StatusOf(err), p)
}

var errNoLobby = errs.E(errs.NotFound, "That channel isn't a lobby. Reload the page to see the lobbies.")
