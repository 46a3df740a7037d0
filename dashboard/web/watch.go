package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
)

// maxToken bounds what is looked at as a spectator token, in bytes.
const maxToken = 2048

// errNotWatched is told whoever comes by a watch link that is none, or not any more.
var errNotWatched = errs.E(errs.NotFound,
	"This spectator link has ended, or the room is closed. Ask the person who gave it to you for a new one.")

// watched finds the room that a watch link shows. It asks nobody and knows no
// person: the link is all there is to it. Any other room is as if there were none.
func (s *Site) watched(c *gin.Context, token string) (actions.LiveRoom, error) {
	if err := s.req.AllowAddress(c, s.req.Limits.LiveToken); err != nil {
		return actions.LiveRoom{}, err
	}
	guildID, id, err := s.place(c)
	if errs.Has(err, errs.Unavailable) {
		return actions.LiveRoom{}, err
	}
	l, ok := s.actions.Room(guildID, id)
	if err != nil || !ok || len(token) > maxToken || !l.Room.Access.MayWatch(token) {
		return actions.LiveRoom{}, errNotWatched
	}
	// Who is banned and signed in here is shown nothing of it; a frame on another site gets no cookie, and is as
	// anybody.
	if s.o.Cookies.ID(c.Request) != "" {
		if me, err := s.req.Me(c); err == nil && slices.Contains(l.Room.Access.Banned, me.User.ID) {
			return actions.LiveRoom{}, errNotWatched
		}
	}
	return l, nil
}

// watchPage is a room's table for spectators, or with ?overlay=1 who sits there, for streaming software: without
// controls or cookies, and the one page that others may frame.
func (s *Site) watchPage(c *gin.Context) error {
	request.Private(c)
	token := c.Query("t")
	l, err := s.watched(c, token)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Security-Policy",
		strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors *", 1))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Del("X-Frame-Options")
	t := s.req.Texts(c)
	return s.req.Page(c, http.StatusOK, &view.Watch{
		Layout: view.Layout{
			Title: t.Say("watch.title", "Room", l.Room.Name), Now: s.now(), Text: t,
			Path: pages.Watch.With(l.Room.ID),
		},
		Room: l.Room, Roster: l.Roster, Rev: l.Rev, Token: token, Overlay: c.Query("overlay") != "",
	})
}

// watchToken gives the token that opens a spectator's live connection.
func (s *Site) watchToken(c *gin.Context) error {
	request.Private(c)
	var in struct {
		Token string `json:"t"`
	}
	if err := request.ReadJSON(c, &in); err != nil {
		return err
	}
	l, err := s.watched(c, in.Token)
	if err != nil {
		return err
	}
	token, err := s.actions.SpectatorToken(l.Room, in.Token)
	if err != nil {
		return err
	}
	return request.Reply(c, http.StatusOK, struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}{token, s.now().Add(live.TokenLife).UTC()})
}
