package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/schema"
)

// changeInput is wire.ChangeInput with its description.
type changeInput wire.ChangeInput

// Schema describes the input by the actions' rows.
func (changeInput) Schema(r huma.Registry) *huma.Schema {
	do := &huma.Schema{Type: huma.TypeString, Description: "What to do."}
	s := &huma.Schema{
		Type: huma.TypeObject, Properties: map[string]*huma.Schema{"do": do}, Required: []string{"do"},
		AdditionalProperties: false,
	}
	for _, a := range schema.Actions() {
		do.Enum = append(do.Enum, a.Name)
		switch field := s.Properties[a.Field]; {
		case field != nil:
			field.Description += ", " + a.Name
		case a.Field != "":
			s.Properties[a.Field] = fieldSchema(a, r)
		}
		for _, f := range a.Fields {
			s.Properties[f.Name] = &huma.Schema{
				Type:        huma.TypeString,
				Description: fmt.Sprintf("Up to %d characters; left out, it stays. For %s", f.Max, a.Name),
			}
		}
	}
	s.PrecomputeMessages()
	return s
}

// fieldSchema describes an action's field.
func fieldSchema(a schema.Action, r huma.Registry) *huma.Schema {
	var s *huma.Schema
	switch about := "For " + a.Name; a.Input { // the limits are refused in people's own words
	case schema.NumberInput:
		s = &huma.Schema{Type: huma.TypeInteger, Description: fmt.Sprintf("%d to %d. %s", a.Min, a.Max, about)}
	case schema.MemberInput, schema.BannedInput:
		s = openapi.ID(0).Schema(r)
		s.Nullable, s.Description = false, about
	default:
		s = &huma.Schema{
			Type: huma.TypeString, Description: fmt.Sprintf("%d to %d characters. %s", a.Min, a.Max, about),
		}
	}
	return s
}

type (
	roomChangedJSON struct {
		Room     wire.Room  `json:"room"`
		Later    *time.Time `json:"later,omitempty" doc:"When the new name applies. Missing: it already does."`
		WatchURL string     `json:"watch_url,omitempty" doc:"The new spectator link, after watch."`
	}

	knockedJSON struct {
		Already bool `json:"already" doc:"You've already knocked, and nobody has answered yet."`
	}
	answeredJSON struct {
		Room   wire.Room `json:"room"`
		Untold bool      `json:"untold" doc:"They may come in, but Snug couldn't message them."`
	}
	waitingJSON struct {
		Place     int        `json:"place" doc:"Your place on the waiting list, from 1. 0: you aren't on it."`
		HeldUntil *time.Time `json:"held_until,omitempty" doc:"A seat was free after all, held for you until then."`
	}

	controlJSON struct {
		Guests  []guestJSON `json:"guests" nullable:"false"`
		Bans    []banJSON   `json:"bans" nullable:"false"`
		Knocks  []askerJSON `json:"knocks" nullable:"false" doc:"Not answered yet."`
		Waiting []askerJSON `json:"waiting" nullable:"false" doc:"Waiting for a seat. The first gets the next one."`
		Holds   []holdJSON  `json:"holds" nullable:"false" doc:"Seats held for somebody."`
		Coming  []comerJSON `json:"on_the_way" nullable:"false" doc:"Invited, but not let in yet. kick cancels that."`

		OwnerSuspended access.Barrier `json:"owner_suspended,omitempty"`
		RenamesLeft    int            `json:"renames_left" doc:"How many renames Discord allows right now."`
		NextRename     *time.Time     `json:"next_rename,omitempty" doc:"When Discord allows the next one."`
		WantedName     string         `json:"wanted_name,omitempty" doc:"The name it gets then."`
		WatchURL       string         `json:"watch_url,omitempty" doc:"The spectator link, if it's on."`
		LobbyID        *snowflake.ID  `json:"lobby_id" doc:"The lobby that opened the room. null: none."`
	}
	guestJSON struct {
		UserID       snowflake.ID   `json:"user_id"`
		Name         string         `json:"name,omitempty"`
		By           *snowflake.ID  `json:"by" doc:"Who let them in."`
		InviteID     string         `json:"invite_id,omitempty" doc:"The invite link they followed."`
		Since        *time.Time     `json:"since,omitempty"`
		Suspended    access.Barrier `json:"suspended,omitempty"`
		MissingRoles string         `json:"missing_roles,omitempty" doc:"With missing_role: any of these is enough."`
	}
	comerJSON struct {
		UserID       snowflake.ID   `json:"user_id"`
		Name         string         `json:"name,omitempty"`
		InviteID     string         `json:"invite_id" doc:"The invite link they followed."`
		Since        time.Time      `json:"since"`
		Until        time.Time      `json:"kept_until" doc:"Their place is kept until then."`
		Step         room.Step      `json:"step,omitempty"`
		Suspended    access.Barrier `json:"suspended,omitempty"`
		MissingRoles string         `json:"missing_roles,omitempty" doc:"With missing_role: any of these is enough."`
	}
	banJSON struct {
		UserID snowflake.ID  `json:"user_id"`
		Name   string        `json:"name,omitempty"`
		By     *snowflake.ID `json:"by"`
		At     time.Time     `json:"at"`
	}
	askerJSON struct {
		UserID snowflake.ID `json:"user_id"`
		Name   string       `json:"name"`
		Since  time.Time    `json:"since"`
	}
	holdJSON struct {
		UserID snowflake.ID    `json:"user_id"`
		Why    room.HoldReason `json:"why"`
		Until  time.Time       `json:"until"`
	}
)

func (s *Service) apiChanges() {
	read, write := readAndWrite(apitoken.RoomsRead, apitoken.RoomsWrite)
	conflict := []int{http.StatusConflict}
	openapi.Register(s.api, openapi.Operation{
		ID: "room-control", Method: http.MethodGet, Path: "/rooms/{channel}/control", Tag: "Rooms",
		Summary: "Get what only people who control a room see", Access: read,
		Description: "Guests, people on their way, bans, knocks, the waiting list and the spectator link. For the " +
			"owner, and for managers of the server who may see the room.",
	}, s.roomControl)
	openapi.Register(s.api, openapi.Operation{
		ID: "change-room", Method: http.MethodPost, Path: "/rooms/{channel}/change", Tag: "Rooms",
		Summary: "Change a room", Errors: conflict, Access: write,
		Description: "One change at a time. `do` says which:\n\n" + s.aboutActions(),
	}, s.apiChange)
	openapi.Register(s.api, openapi.Operation{
		ID: "knock", Method: http.MethodPost, Path: "/rooms/{channel}/knock", Tag: "Rooms",
		Summary: "Ask to be let into a room", Errors: conflict, Access: write,
		Description: "If you may not see the room, the answer is the same as for a room that doesn't exist.",
	}, s.apiKnock)
	openapi.Register(s.api, openapi.Operation{
		ID: "answer-knock", Method: http.MethodPost, Path: "/rooms/{channel}/answer", Tag: "Rooms",
		Summary: "Answer a knock", Errors: conflict, Access: write,
	}, s.apiAnswer)
	openapi.Register(s.api, openapi.Operation{
		ID: "wait", Method: http.MethodPost, Path: "/rooms/{channel}/wait", Tag: "Rooms",
		Summary: "Join the waiting list of a full room", Errors: conflict, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[waitingJSON], error) {
		done, err := s.apiWait(ctx, who, in.Room, false)
		return ok(waitingJSON{done.Place, wire.TimeOrNull(done.HeldUntil)}), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "stop-waiting", Method: http.MethodDelete, Path: "/rooms/{channel}/wait", Tag: "Rooms",
		Summary: "Leave the waiting list", Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *RoomPath) (*none, error) {
		_, err := s.apiWait(ctx, who, in.Room, true)
		return &none{}, err
	})
}

// aboutActions says what each action does.
func (s *Service) aboutActions() string {
	var list []string
	for _, a := range schema.Actions() {
		list = append(list, "`"+a.Name+"`: "+s.o.English.Say("action."+a.Name+".about")+".")
	}
	return strings.Join(list, "\n\n")
}

// apiChange does one thing to a room.
func (s *Service) apiChange(ctx context.Context, who *openapi.Caller, in *struct {
	RoomPath
	Body changeInput
}) (*answer[roomChangedJSON], error) {
	guildID, at, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	done, err := s.actions.ChangeRoom(ctx, guildID, at, wire.ChangeInput(in.Body))
	if err != nil {
		return nil, err
	}
	out := roomChangedJSON{
		Room: s.enc.Room(s.actions.WithRoster(done.Room), protocol.Rev{}), Later: wire.TimeOrNull(done.Later),
	}
	if done.WatchToken != "" {
		out.WatchURL = s.o.Links.Watch(at.RoomID, done.WatchToken)
	}
	return ok(out), nil
}

// apiKnock is knock for programs.
func (s *Service) apiKnock(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[knockedJSON], error) {
	var done room.KnockDone
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err == nil {
		done, err = s.actions.Knock(ctx, guildID, q)
	}
	switch errs.CodeOf(err) {
	case "":
		return ok(knockedJSON{done.Already}), nil
	case errs.NotFound, errs.RoomNotFound:
		return ok(knockedJSON{}), nil
	default:
		return nil, err
	}
}

// apiAnswer is answerKnock for programs.
func (s *Service) apiAnswer(ctx context.Context, who *openapi.Caller, in *struct {
	RoomPath
	Body wire.AnswerInput
}) (*answer[answeredJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	done, err := s.actions.AnswerKnock(ctx, guildID, q, in.Body)
	if err != nil {
		return nil, err
	}
	return ok(answeredJSON{
		s.enc.Room(s.actions.WithRoster(done.Room), protocol.Rev{}),
		in.Body.LetIn && (done.Delivery == room.DMsClosed || done.Delivery == room.NotDelivered),
	}), nil
}

// apiWait is waitForSeat for programs.
func (s *Service) apiWait(ctx context.Context, who *openapi.Caller, raw string, leave bool) (room.WaitDone, error) {
	guildID, q, err := s.inRoom(ctx, who, raw)
	if err != nil {
		return room.WaitDone{}, err
	}
	return s.actions.WaitForSeat(ctx, guildID, q, leave)
}

// roomControl gives what a room's page shows to who controls it.
func (s *Service) roomControl(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[controlJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, _, err := s.actions.SeeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	c := v.Control
	if c == nil {
		return nil, errs.E(errs.Forbidden,
			"Only the room's owner or a manager of the server can see this. Ask one of them.")
	}
	out := controlJSON{
		Guests: []guestJSON{}, Bans: []banJSON{}, Knocks: []askerJSON{}, Waiting: []askerJSON{}, Holds: []holdJSON{},
		Coming:         []comerJSON{},
		OwnerSuspended: c.OwnerSuspended, RenamesLeft: c.RenamesLeft, NextRename: wire.TimeOrNull(c.NextRename),
		WantedName: c.WantedName, LobbyID: wire.IDOrNull(c.LobbyID),
	}
	if c.WatchToken != "" && who.May(apitoken.RoomsWrite) {
		out.WatchURL = s.o.Links.Watch(q.RoomID, c.WatchToken)
	}
	for _, g := range c.Guests {
		out.Guests = append(out.Guests,
			guestJSON{
				g.UserID, g.Name, wire.IDOrNull(g.By), g.InviteID, wire.TimeOrNull(g.Since), g.Suspended,
				c.Lacks[g.UserID],
			})
	}
	for _, w := range c.OnTheWay {
		out.Coming = append(out.Coming,
			comerJSON{w.UserID, w.Name, w.InviteID, w.Since, w.Until, w.Step, w.Why, c.Lacks[w.UserID]})
	}
	for _, b := range c.Bans {
		out.Bans = append(out.Bans, banJSON{b.UserID, b.Name, wire.IDOrNull(b.By), b.At})
	}
	for _, k := range c.Knocks {
		out.Knocks = append(out.Knocks, askerJSON{k.UserID, k.Name, k.At})
	}
	for _, w := range c.Waiting {
		out.Waiting = append(out.Waiting, askerJSON{w.UserID, w.Name, w.Since})
	}
	for _, h := range c.Holds {
		out.Holds = append(out.Holds, holdJSON{h.UserID, h.Why, h.Until})
	}
	return ok(out), nil
}
