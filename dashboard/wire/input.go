package wire

import (
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// CreateInput is what a new room can be told.
type CreateInput struct {
	Name    string `json:"name" required:"false" doc:"1 to 100 characters."`
	Seats   *int   `json:"seats" required:"false" doc:"1 to 99. Left out, the server's setting."`
	Private *bool  `json:"private" required:"false" doc:"Left out, the server's setting."`
}

// Request checks the input and makes the request for a room of it.
func (in *CreateInput) Request(a access.Actor) (room.OpenRequest, error) {
	q := room.OpenRequest{Actor: a, Private: in.Private}
	var err error
	if q.Name, err = schema.CleanName(in.Name); err != nil {
		return q, err
	}
	if in.Seats != nil {
		if err := schema.CheckSeats(*in.Seats); err != nil {
			return q, err
		}
		q.Seats = *in.Seats
	}
	return q, nil
}

// InviteInput is what a new invite can be told.
type InviteInput struct {
	Hours float64 `json:"hours" required:"false" doc:"How long it works: up to 720. 0 or left out: the server's setting."`
	Uses  int     `json:"uses" required:"false" doc:"How many people it lets in. 0 or left out: the server's setting."`
}

// Request makes the request for an invite to a room of it. id names the invite; "": it gets a name of its own.
func (in InviteInput) Request(q room.Request, id string) (room.InviteRequest, error) {
	lifetime := time.Duration(-1)                                      // what no duration can be is no lifetime
	if in.Hours >= 0 && in.Hours <= schema.MaxInviteLifetime.Hours() { // NaN is neither
		lifetime = time.Duration(in.Hours * float64(time.Hour))
	}
	return room.InviteRequest{Actor: q.Actor, RoomID: q.RoomID, Lifetime: lifetime, Uses: in.Uses, ID: id},
		schema.CheckInvite(lifetime, in.Uses)
}

// Change makes the request for an action of what was sent: do, and the field that the action's row names. sent gives a
// field's text, and whether it was sent. It fails with errs.Invalid if a field is missing, or is another action's.
func Change(q room.Request, do string, sent func(field string) (string, bool)) (room.ChangeRequest, error) {
	out := room.ChangeRequest{Actor: q.Actor, RoomID: q.RoomID, Do: room.Action(do)}
	a, known := out.Do.Row()
	if !known {
		return out, errs.Field("do", "Snug can't do that to a room. Reload the page, then try again.")
	}
	for _, other := range schema.Actions() {
		if _, given := sent(other.Field); given && other.Field != a.Field {
			return out, errs.Field(other.Field, "%s doesn't take %s. Leave it out.", do, other.Field)
		}
	}
	if a.Input == schema.NoInput {
		return out, nil
	}
	text, given := sent(a.Field)
	if text = strings.TrimSpace(text); !given || text == "" && (a.Input != schema.TextInput || a.Min > 0) {
		return out, errs.Field(a.Field, "%s needs %s. Send it.", do, a.Field)
	}
	var err error
	switch a.Input {
	case schema.NumberInput:
		if out.Number, err = strconv.Atoi(text); err != nil {
			return out, errs.Field(a.Field, "%.20q isn't a whole number. Type one, like 4.", text)
		}
	case schema.MemberInput, schema.BannedInput:
		if out.User, err = snowflake.Parse(text); err != nil {
			return out, errs.Field(a.Field, "That ID doesn't belong to anyone. Reload the page and choose again.")
		}
	default:
		out.Text = text
	}
	return out, nil
}
