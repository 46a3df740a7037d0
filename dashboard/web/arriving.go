package web

import (
	"net/http"
	"net/url"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
)

// comingPath is the page of who followed an invite and is on their way into a room.
func comingPath(id snowflake.ID) string { return pages.Coming.With(id) }

// coming tells somebody on their way what is next, and leads them in when nothing is. The page asks again by itself.
func (s *Site) coming(c *gin.Context, me *session.Session) error {
	guildID, id, err := s.place(c)
	if err != nil {
		return err
	}
	a, err := s.actions.Arrive(c.Request.Context(), guildID, room.ArriveRequest{Actor: actions.Actor(me), RoomID: id})
	if err != nil {
		return err
	}
	return s.showComing(c, a)
}

// comingAnew makes another invite of Discord's for somebody whose does not work.
func (s *Site) comingAnew(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, func(url.Values) error { return nil })
	if err != nil {
		return err
	}
	_, err = s.actions.Arrive(c.Request.Context(), guildID,
		room.ArriveRequest{Actor: q.Actor, RoomID: q.RoomID, NewInvite: true})
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, comingPath(q.RoomID))
	return nil
}

func (s *Site) showComing(c *gin.Context, a room.Arriving) error {
	to := pages.Room.With(a.RoomID)
	if request.WantsJSON(c.Request) {
		return request.Reply(c, http.StatusOK, struct {
			Step  room.Step `json:"step"`
			Ready bool      `json:"ready"` // there is something to press
			Why   string    `json:"why,omitempty"`
		}{a.Step, a.Code != "", s.why(c, a.Why)})
	}
	if a.Step == room.StepIn {
		c.Redirect(http.StatusSeeOther, to)
		return nil
	}
	p := &view.Coming{
		Layout: s.req.Layout(c, a.Name), Arriving: a, InviteURL: s.o.Links.GuildInvite(a.Code),
		ServerURL: s.o.Links.Guild(a.GuildID),
	}
	p.Path = comingPath(a.RoomID)
	return s.req.Page(c, http.StatusOK, p)
}

func (s *Site) why(c *gin.Context, err *errs.Error) string {
	if err == nil {
		return ""
	}
	return s.req.Texts(c).Refusal(err)
}

// onTheWay leads somebody to their page who opens that of a room they are on their way into.
func (s *Site) onTheWay(c *gin.Context, me *session.Session) bool {
	guildID, id, err := s.place(c)
	if err != nil {
		return false
	}
	a, err := s.actions.Arrive(c.Request.Context(), guildID, room.ArriveRequest{Actor: actions.Actor(me), RoomID: id})
	if err != nil || a.Step == room.StepIn {
		return false
	}
	c.Redirect(http.StatusSeeOther, comingPath(id))
	return true
}
