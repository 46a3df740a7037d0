package web

import (
	"net/http"
	"net/url"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
)

// changedJSON is what a room's page is told after a change.
type changedJSON struct {
	Later int64 `json:"later,omitempty"` // Unix milliseconds: when a new name is applied
}

// changeRoom does an action to a room: what the bot lets this person do.
func (s *Site) changeRoom(c *gin.Context, me *session.Session) error {
	var form url.Values
	guildID, asked, err := s.asks(c, me, func(f url.Values) error { form = f; return nil })
	if err != nil {
		return err
	}
	q, err := wire.Change(asked, form.Get("do"), func(field string) (string, bool) {
		return form.Get(field), form.Has(field)
	})
	if err != nil {
		return s.actions.IfSeen(c.Request.Context(), guildID, asked, err)
	}
	done, err := s.actions.ChangeRoom(c.Request.Context(), guildID, q)
	if err != nil {
		return gone(err)
	}
	var out changedJSON
	if !done.Later.IsZero() {
		out.Later = done.Later.UnixMilli()
	}
	return request.ReplyOrRedirect(c, http.StatusOK, out, pages.Room.With(q.RoomID)+"#control")
}

// userOf reads the user a form is about; 0 for none.
func userOf(f url.Values) (snowflake.ID, error) {
	if f.Get("user") == "" {
		return 0, nil
	}
	return actions.ParseID(f.Get("user"), errs.Field("user", "That ID doesn't belong to anyone. Reload the page "+
		"and choose again."))
}

// knock asks to be let into a room. Where there is none, or none that this
// person may know of, the answer is the same.
func (s *Site) knock(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.asks(c, me, nil)
	if err == nil {
		_, err = s.actions.Knock(c.Request.Context(), guildID, q)
	}
	switch errs.CodeOf(err) {
	case "", errs.NotFound, errs.RoomNotFound:
	default:
		return err
	}
	return request.ReplyOrRedirect(c, http.StatusOK, struct{}{}, request.PagePath(c.Request)+"?knocked=1")
}

// answerKnock lets in who knocked, or says not now.
func (s *Site) answerKnock(c *gin.Context, me *session.Session) error {
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
	done, err := s.actions.AnswerKnock(c.Request.Context(), guildID, q)
	if err != nil {
		return gone(err)
	}
	out := struct {
		Untold bool `json:"untold,omitempty"` // they may come in and do not know it
	}{q.LetIn && (done.Delivery == room.DMsClosed || done.Delivery == room.NotDelivered)}
	return request.ReplyOrRedirect(c, http.StatusOK, out, pages.Room.With(q.RoomID))
}

// waitedJSON is a person's place in a waiting list, from 1; 0: they do not wait.
type waitedJSON struct {
	Place     int   `json:"place"`
	HeldUntil int64 `json:"heldUntil,omitempty"` // Unix milliseconds: a seat was free after all
}

// waitForSeat enters the waiting list of a full room, or leaves it.
func (s *Site) waitForSeat(c *gin.Context, me *session.Session) error {
	var q room.WaitRequest
	guildID, asked, err := s.asks(c, me, func(f url.Values) error { q.Leave = f.Get("leave") != ""; return nil })
	if err != nil {
		return err
	}
	q.Actor, q.RoomID = asked.Actor, asked.RoomID
	done, err := s.actions.WaitForSeat(c.Request.Context(), guildID, q)
	if err != nil {
		return err
	}
	out := waitedJSON{Place: done.Place}
	if !done.HeldUntil.IsZero() {
		out.HeldUntil = done.HeldUntil.UnixMilli()
	}
	return request.ReplyOrRedirect(c, http.StatusOK, out, pages.Room.With(q.RoomID)+"#actions")
}

// gone is told of whom or what is not found in a room as of a room that is not there.
func gone(err error) error {
	if errs.Has(err, errs.NotFound) {
		return actions.ErrNoRoom
	}
	return err
}
