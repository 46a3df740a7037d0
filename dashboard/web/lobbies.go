package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/guild"
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
	l, err := readLobby(f)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if f.Get("do") == "remove" {
		err = s.actions.RemoveLobby(ctx, me, g.ID, l.ChannelID, false)
	} else {
		_, err = s.actions.SaveLobby(ctx, me, g.ID, l, strings.TrimSpace(f.Get("lobby_name")))
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, pages.Admin.With(g.ID)+"?saved=lobby#lobbies")
	return nil
}

func readLobby(f url.Values) (l guild.Lobby, err error) {
	var channel snowflake.ID
	if raw := f.Get("channel"); raw != "" {
		if channel, err = actions.ParseID(raw,
			errs.Field("channel", "Snug couldn't read that choice. Choose again.")); err != nil {
			return l, err
		}
	}
	return view.ReadLobbyForm(channel, f)
}
