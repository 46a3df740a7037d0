package dashboard

import (
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/live"
	"snug/dashboard/session"
	"snug/shared/errs"
	"snug/shared/room"
)

// liveToken gives the token that opens a live connection, for a server's page
// or a room's. Asked for before every connection, it is a cheap question: who
// may watch is decided when the token is used.
func (s *Server) liveToken(c *gin.Context, me *session.Session) error {
	if err := s.allow(c, s.limits.liveToken); err != nil {
		return err
	}
	var in struct {
		Guild snowflake.ID `json:"guild"`
		Room  snowflake.ID `json:"room"`
	}
	if err := read(c, &in, nil); err != nil {
		return err
	}
	if in.Guild == 0 {
		return errs.Field("guild", "guild is missing: send the server's id as a string.")
	}
	if _, err := s.guildInfo(in.Guild); err != nil {
		return err
	}
	st, err := s.keeper.Standing(c.Request.Context(), in.Guild, room.StandingRequest{UserID: me.User.ID})
	if err != nil {
		return err
	}
	if !st.Member {
		return errNoServer
	}
	if in.Room != 0 {
		if l, ok := s.roomOf(in.Guild, in.Room); ok && !l.Room.Access.MaySee(st) {
			return errNoRoom
		}
	}
	token, err := s.live.Token(live.Ticket{UserID: me.User.ID, GuildID: in.Guild, RoomID: in.Room, SessionID: me.Key, SessionExpires: me.Expires})
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}{token, s.now().Add(live.TokenLife).UTC()})
}
