package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/shared/errs"
	"snug/shared/room"
)

// changedJSON is what a room's page is told after a change.
type changedJSON struct {
	Later int64 `json:"later,omitempty"` // Unix milliseconds: when a new name is applied
}

// changeRoom does one thing to a room: what its keeper lets this person do.
func (s *Server) changeRoom(c *gin.Context, me *session.Session) error {
	var q room.ChangeRequest
	guildID, asked, err := s.asks(c, me, func(f url.Values) (err error) {
		q.Do, q.Text = room.Action(f.Get("do")), f.Get("text")
		if n := strings.TrimSpace(f.Get("number")); n != "" {
			if q.Number, err = strconv.Atoi(n); err != nil {
				return errs.Field("seats", "%.20q is not a whole number. Please type one, like 4.", n)
			}
		}
		q.User, err = userOf(f)
		return err
	})
	if err != nil {
		return err
	}
	q.Actor, q.RoomID = asked.Actor, asked.RoomID
	done, err := s.keeper.ChangeRoom(c.Request.Context(), guildID, q)
	if err != nil {
		return s.hide(c, guildID, asked, err)
	}
	s.log.InfoContext(c, "room changed", "guild_id", guildID, "room_id", q.RoomID, "user_id", me.User.ID, "do", q.Do)
	var out changedJSON
	if !done.Later.IsZero() {
		out.Later = done.Later.UnixMilli()
	}
	to := "/game/" + q.RoomID.String()
	if q.Do != room.DoClaim && q.Do != room.DoTransfer {
		to += "#control"
	}
	return back(c, http.StatusOK, out, to)
}

// userOf reads the user a form is about; 0 for none.
func userOf(f url.Values) (snowflake.ID, error) {
	if f.Get("user") == "" {
		return 0, nil
	}
	return parseID(f.Get("user"), errs.Field("user", "That is nobody's id. Reload the page and choose again."))
}

// knock asks to be let into a room. Where there is none, or none that this
// person may know of, the answer is the same.
func (s *Server) knock(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, nil)
	if err == nil {
		if _, err = s.keeper.Knock(c.Request.Context(), guildID,
			room.KnockRequest{Actor: q.Actor, RoomID: q.RoomID}); err != nil {
			err = s.hide(c, guildID, q, err)
		}
	}
	switch errs.CodeOf(err) {
	case "", errs.NotFound, errs.RoomNotFound:
	default:
		return err
	}
	return back(c, http.StatusOK, struct{}{}, pagePath(c.Request)+"?knocked=1")
}

// answerKnock lets in who knocked, or says not now.
func (s *Server) answerKnock(c *gin.Context, me *session.Session) error {
	var q room.AnswerRequest
	guildID, asked, err := s.asks(c, me, func(f url.Values) (err error) {
		q.LetIn = f.Get("let_in") != ""
		q.User, err = userOf(f)
		return err
	})
	if err != nil {
		return err
	}
	q.Actor, q.RoomID = asked.Actor, asked.RoomID
	done, err := s.keeper.AnswerKnock(c.Request.Context(), guildID, q)
	if err != nil {
		return s.hide(c, guildID, asked, err)
	}
	out := struct {
		Untold bool `json:"untold,omitempty"` // they may come in and do not know it
	}{q.LetIn && (done.Reached == room.ReachedClosed || done.Reached == room.ReachedNot)}
	return back(c, http.StatusOK, out, "/game/"+q.RoomID.String())
}

// waitedJSON is a person's place in a waiting list, from 1; 0: they do not wait.
type waitedJSON struct {
	Place     int   `json:"place"`
	HeldUntil int64 `json:"heldUntil,omitempty"` // Unix milliseconds: a seat was free after all
}

// waitForSeat enters the waiting list of a full room, or leaves it.
func (s *Server) waitForSeat(c *gin.Context, me *session.Session) error {
	var q room.WaitRequest
	guildID, asked, err := s.asks(c, me, func(f url.Values) error { q.Leave = f.Get("leave") != ""; return nil })
	if err != nil {
		return err
	}
	q.Actor, q.RoomID = asked.Actor, asked.RoomID
	done, err := s.keeper.WaitForSeat(c.Request.Context(), guildID, q)
	if err != nil {
		return s.hide(c, guildID, asked, err)
	}
	out := waitedJSON{Place: done.Place}
	if !done.HeldUntil.IsZero() {
		out.HeldUntil = done.HeldUntil.UnixMilli()
	}
	return back(c, http.StatusOK, out, "/game/"+q.RoomID.String()+"#actions")
}

// forgetPreferences drops what was remembered for this person's next room in a server.
func (s *Server) forgetPreferences(c *gin.Context, me *session.Session) error {
	if err := read(c, &struct{}{}, nil); err != nil {
		return err
	}
	g, _, err := s.standing(c, me)
	if err != nil {
		return err
	}
	if _, err := s.keeper.Preferences(c.Request.Context(), g.ID,
		room.PreferencesRequest{Actor: actor(me), Forget: true}); err != nil {
		return err
	}
	return back(c, http.StatusOK, struct{}{}, "/servers/"+g.ID.String()+"?forgotten=1")
}
