package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
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
	if raw := f.Get("channel"); raw != "" {
		if l.ChannelID, err = actions.ParseID(raw,
			errs.Field("channel", "Snug couldn't read that choice. Choose again.")); err != nil {
			return l, err
		}
	}
	if text := strings.TrimSpace(f.Get("lobby_seats")); text != "" {
		if l.Seats, err = strconv.Atoi(text); err != nil {
			return l, errs.Field("lobby_seats", "%.20q isn't a whole number. Type one, like 4.", text)
		}
	}
	if text := strings.TrimSpace(f.Get("lobby_idle")); text != "" {
		d, err := guild.ParseDuration(text)
		if err != nil {
			return l, err
		}
		l.IdleTimeout = &d
	}
	if v := f.Get("lobby_private"); v != "" {
		private := v == "yes"
		l.Private = &private
	}
	l.NameTemplate = strings.TrimSpace(f.Get("lobby_template"))
	return l, nil
}
