package web

import (
	"context"
	"net/url"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/schema"
)

// onRoom makes the handler of a form about the room of the path. do does what was sent, as an operation of the API
// does, and gives the page to lead to.
func onRoom[T any](
	s *Site, do func(ctx context.Context, guildID snowflake.ID, q room.Request, in T) (to string, err error),
) request.UserHandler {
	return func(c *gin.Context, me *session.Session) error {
		var in T
		if err := request.ReadForm(c, &in); err != nil {
			return err
		}
		guildID, q, err := s.inRoom(c, me)
		if err != nil {
			return err
		}
		to, err := do(c.Request.Context(), guildID, q, in)
		if err != nil {
			return err
		}
		return request.Redirect(c, to)
	}
}

// none is what forms send that only have a button.
type none = struct{}

// changeRoom does an action to a room: what the bot lets this person do.
func (s *Site) changeRoom(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.ChangeInput,
) (to string, err error) {
	_, err = s.actions.ChangeRoom(ctx, guildID, q, in)
	return pages.Room.With(q.RoomID) + "#control", gone(err)
}

// editInput is the panel's form: its texts and numbers, and what each was when the page was made.
type editInput map[string]string

// Fill takes every input of the form.
func (in *editInput) Fill(f url.Values) {
	*in = editInput{}
	for name := range f {
		(*in)[name] = f.Get(name)
	}
}

// changes are what the person changed, so that what somebody else changed meanwhile stays.
func (in editInput) changes() (list []wire.ChangeInput) {
	for _, a := range schema.Actions() {
		change := wire.ChangeInput{"do": a.Name}
		for _, field := range a.Takes() {
			is, sent := in[field]
			if was, known := in[view.WasPrefix+field]; sent && known && is != was {
				change[field] = is
			}
		}
		if len(change) > 1 {
			list = append(list, change)
		}
	}
	return list
}

// editRoom does what the panel's form changes. What comes before something that is refused is done.
func (s *Site) editRoom(
	ctx context.Context, guildID snowflake.ID, q room.Request, in editInput,
) (to string, err error) {
	changes := in.changes()
	if len(changes) == 0 {
		return pages.Room.With(q.RoomID) + "#control", s.actions.CheckSeen(ctx, guildID, q)
	}
	for _, change := range changes {
		if _, err := s.actions.ChangeRoom(ctx, guildID, q, change); err != nil {
			return "", gone(err)
		}
	}
	return pages.Room.With(q.RoomID) + "#control", nil
}

// knock asks to be let into a room. Where there is none, or none that this
// person may know of, the answer is the same.
func (s *Site) knock(c *gin.Context, me *session.Session) error {
	guildID, q, err := s.inRoom(c, me)
	if err == nil {
		_, err = s.actions.Knock(c.Request.Context(), guildID, q)
	}
	switch errs.CodeOf(err) {
	case "", errs.NotFound, errs.RoomNotFound:
	default:
		return err
	}
	return request.Redirect(c, request.PagePath(c.Request)+"?knocked=1")
}

// answerKnock lets in who knocked, or says not now.
func (s *Site) answerKnock(
	ctx context.Context, guildID snowflake.ID, q room.Request, in wire.AnswerInput,
) (to string, err error) {
	_, err = s.actions.AnswerKnock(ctx, guildID, q, in)
	return pages.Room.With(q.RoomID), gone(err)
}

// waitInput is what programs say by the operation that they choose.
type waitInput struct {
	Leave bool `json:"leave"`
}

// waitForSeat enters the waiting list of a full room, or leaves it.
func (s *Site) waitForSeat(
	ctx context.Context, guildID snowflake.ID, q room.Request, in waitInput,
) (to string, err error) {
	_, err = s.actions.WaitForSeat(ctx, guildID, q, in.Leave)
	return pages.Room.With(q.RoomID) + "#actions", err
}

// gone is told of whom or what is not found in a room as of a room that is not there.
func gone(err error) error {
	if errs.Has(err, errs.NotFound) {
		return actions.ErrNoRoom
	}
	return err
}
