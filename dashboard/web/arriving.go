package web

import (
	"context"
	"net/http"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/pages"
	"snug/shared/room"
)

// comingPath is the page of who followed an invite and is on their way into a room.
func comingPath(id snowflake.ID) string { return pages.Coming.With(id) }

// coming tells somebody on their way what is next, and leads them in when nothing is. The page asks again by itself.
func (s *Site) coming(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.inRoom(c, me)
	if err != nil {
		return err
	}
	a, err := s.actions.Arrive(c.Request.Context(), guildID, q, wire.ArriveInput{})
	if err != nil {
		return err
	}
	if a.Step == room.StepIn {
		return request.Redirect(c, pages.Room.With(a.RoomID))
	}
	p := &view.Coming{
		Layout: s.req.Layout(c, a.Name), Arriving: a, InviteURL: s.o.Links.GuildInvite(a.Code),
		ServerURL: s.o.Links.Guild(a.GuildID),
	}
	p.Path = comingPath(a.RoomID)
	return s.req.Page(c, http.StatusOK, p)
}

// comingAnew makes another invite of Discord's for somebody whose does not work.
func (s *Site) comingAnew(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.ArriveInput,
) (to string, err error) {
	_, err = s.actions.Arrive(ctx, guildID, q, in)
	return comingPath(q.RoomID), err
}

// onTheWay leads somebody to their page who opens that of a room they are on their way into.
func (s *Site) onTheWay(c *gin.Context, me *session.Session) bool {
	guildID, q, err := s.inRoom(c, me)
	if err != nil {
		return false
	}
	a, err := s.actions.Arrive(c.Request.Context(), guildID, q, wire.ArriveInput{})
	if err != nil || a.Step == room.StepIn {
		return false
	}
	c.Redirect(http.StatusSeeOther, comingPath(q.RoomID))
	return true
}
