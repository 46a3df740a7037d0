package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/live"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/room"
)

// errNotWatched is told whoever comes by a watch link that is none, or not any more.
var errNotWatched = errs.E(errs.NotFound,
	"This link for spectators has ended, or the room is closed. Ask whoever gave it to you for a new one.")

// watched finds the room that a watch link shows. It asks nobody and knows no
// person: the link is all there is to it. Any other room is as if there were none.
func (s *Server) watched(c *gin.Context, token string) (liveRoom, error) {
	if err := s.allowAddress(c, s.limits.liveToken); err != nil {
		return liveRoom{}, err
	}
	guildID, id, err := s.place(c)
	if errs.Has(err, errs.Unavailable) {
		return liveRoom{}, err
	}
	l, ok := s.roomOf(guildID, id)
	if err != nil || !ok || len(token) > maxToken || !l.Room.Access.MayWatch(token) {
		return liveRoom{}, errNotWatched
	}
	// Who is banned and signed in here is shown nothing of it; a frame on another site gets no cookie, and is
	// as anybody.
	if s.cookies.ID(c.Request) != "" {
		if me, err := s.me(c); err == nil && slices.Contains(l.Room.Access.Banned, me.User.ID) {
			return liveRoom{}, errNotWatched
		}
	}
	return l, nil
}

// watchPage is the roster of a room for spectators and streaming software:
// transparent, without controls or cookies, and the one page that others may frame.
func (s *Server) watchPage(c *gin.Context) error {
	private(c)
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
	t := s.texts(c)
	return s.page(c, http.StatusOK, &view.Watch{
		Layout: view.Layout{
			Title: t.Say("watch.title", "Room", l.Room.Name), Now: s.now(), Text: t,
			Path: "/watch/" + l.Room.ID.String(),
		},
		Room: l.Room, Roster: l.Roster, Rev: l.rev, Token: token,
	})
}

// watchToken gives the token that opens a spectator's live connection.
func (s *Server) watchToken(c *gin.Context) error {
	private(c)
	var in struct {
		Token string `json:"t"`
	}
	if err := read(c, &in, nil); err != nil {
		return err
	}
	l, err := s.watched(c, in.Token)
	if err != nil {
		return err
	}
	token, err := s.live.Token(live.Ticket{
		GuildID: l.Room.GuildID, RoomID: l.Room.ID, WatchKey: room.WatchKey(in.Token),
	})
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}{token, s.now().Add(live.TokenLife).UTC()})
}

// allowAddress is allow for pages that know no person: it looks at no cookie and sets none.
func (s *Server) allowAddress(c *gin.Context, l *limiter) error {
	return l.allow("a" + addressGroup(c.ClientIP()))
}
