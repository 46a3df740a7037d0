package dashboard

import (
	"net/http"
	"net/url"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/room"
)

// comingPath is the page of who followed an invite and is on their way into a room.
func comingPath(id snowflake.ID) string { return "/game/" + id.String() + "/coming" }

// coming tells somebody on their way what is next, and leads them in when nothing is. The page asks again by itself.
func (s *Server) coming(c *gin.Context, me *session.Session) error {
	guildID, id, err := s.place(c)
	if err != nil {
		return err
	}
	a, err := s.keeper.Arrive(c.Request.Context(), guildID, room.ArriveRequest{Actor: actor(me), RoomID: id})
	if err != nil {
		return gone(err)
	}
	return s.showComing(c, a)
}

// comingAnew makes another invite of Discord's for somebody whose does not work.
func (s *Server) comingAnew(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, func(url.Values) error { return nil })
	if err != nil {
		return err
	}
	_, err = s.keeper.Arrive(c.Request.Context(), guildID,
		room.ArriveRequest{Actor: q.Actor, RoomID: q.RoomID, Anew: true})
	if err != nil {
		return gone(err)
	}
	c.Redirect(http.StatusSeeOther, comingPath(q.RoomID))
	return nil
}

// gone is told alike, whether the room is closed or was never for them.
func gone(err error) error {
	switch errs.CodeOf(err) {
	case errs.Forbidden, errs.NotFound, errs.RoomNotFound:
		return errNoRoom
	default:
		return err
	}
}

func (s *Server) showComing(c *gin.Context, a room.Arriving) error {
	to := "/game/" + a.RoomID.String()
	if wantsJSON(c.Request) {
		return reply(c, http.StatusOK, struct {
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
		Layout: s.layout(c, a.Name), Arriving: a, InviteURL: s.inviteTo(a),
		ServerURL: s.o.Discord.ChannelsURL + "/" + a.GuildID.String(),
	}
	p.Path = comingPath(a.RoomID)
	return s.page(c, http.StatusOK, p)
}

// inviteTo is the address of Discord's invite for somebody on their way; "" for none.
func (s *Server) inviteTo(a room.Arriving) string {
	if a.Code == "" {
		return ""
	}
	return s.o.Discord.InviteURL + "/" + url.PathEscape(a.Code)
}

func (s *Server) why(c *gin.Context, err *errs.Error) string {
	if err == nil {
		return ""
	}
	return s.texts(c).Refusal(err)
}

// onTheWay leads somebody to their page who opens that of a room they are on their way into.
func (s *Server) onTheWay(c *gin.Context, me *session.Session) bool {
	guildID, id, err := s.place(c)
	if err != nil {
		return false
	}
	a, err := s.keeper.Arrive(c.Request.Context(), guildID, room.ArriveRequest{Actor: actor(me), RoomID: id})
	if err != nil || a.Step == room.StepIn {
		return false
	}
	c.Redirect(http.StatusSeeOther, comingPath(id))
	return true
}
