package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
)

type (
	roomsJSON struct {
		Rooms []wire.Room `json:"rooms" nullable:"false"`
		Next  string      `json:"next_cursor,omitempty"`
	}
	closedRoomsJSON struct {
		Rooms []wire.Closed `json:"rooms" nullable:"false"`
	}
	membersJSON struct {
		InVoice []wire.Person  `json:"in_voice" nullable:"false" doc:"In the voice channel, longest there first."`
		Owner   snowflake.ID   `json:"owner"`
		Guests  []snowflake.ID `json:"guests" nullable:"false" doc:"People who were let in."`
		Banned  []snowflake.ID `json:"banned" nullable:"false" doc:"Empty unless you control the room."`
	}
	joinedJSON struct {
		Moved     bool       `json:"moved" doc:"Snug moved you into the room. Otherwise, open deep_link."`
		HeldUntil *time.Time `json:"held_until,omitempty" doc:"A seat is held for you until then."`
		DeepLink  string     `json:"deep_link" doc:"Opens the channel in Discord."`
	}
	created[T any] struct {
		Location string `header:"Location"`
		Body     T
	}
)

func (s *Service) apiRooms() {
	read, write := readAndWrite(apitoken.RoomsRead, apitoken.RoomsWrite)
	conflict := []int{http.StatusConflict}
	openapi.Register(s.api, openapi.Operation{
		ID: "rooms", Method: http.MethodGet, Path: "/guilds/{guild}/rooms", Tag: "Rooms",
		Summary: "List rooms you may see", Description: "Oldest first.", Access: read,
	}, s.listRooms)
	openapi.Register(s.api, openapi.Operation{
		ID: "open-room", Method: http.MethodPost, Path: "/guilds/{guild}/rooms", Tag: "Rooms", Summary: "Open a room",
		Status: http.StatusCreated, Repeat: &openapi.Repeat{Still: s.stillInGuild, Secrets: []string{"invite.url"}},
		Access: write,
		Description: "You own it. Fields you leave out follow the server's settings. The answer has the first " +
			"invite link.",
	}, s.apiOpen)
	openapi.Register(s.api, openapi.Operation{
		ID: "open-again", Method: http.MethodPost, Path: "/rooms/{channel}/again", Tag: "Rooms",
		Summary: "Open a closed room again", Errors: []int{http.StatusConflict}, Access: write,
		Description: "With the same settings and people, up to 14 days after it closed, for anyone who belonged to " +
			"it. You own it. If it is open again already, you get that room, so you can repeat this.",
	}, s.apiAgain)
	openapi.Register(s.api, openapi.Operation{
		ID: "closed-rooms", Method: http.MethodGet, Path: "/me/closed-rooms", Tag: "You",
		Summary: "List closed rooms that you can open again", Access: read,
		Description: "In all of your servers, the last one first.",
	}, s.closedRooms)
	openapi.Register(s.api, openapi.Operation{
		ID: "room", Method: http.MethodGet, Path: "/rooms/{channel}", Tag: "Rooms",
		Summary: "Get a room and what you may do there", Access: read,
	}, s.showRoom)
	openapi.Register(s.api, openapi.Operation{
		ID: "room-members", Method: http.MethodGet, Path: "/rooms/{channel}/members", Tag: "Rooms",
		Summary: "List who is in a room and who was let in", Access: read,
	}, s.roomMembers)
	openapi.Register(s.api, openapi.Operation{
		ID: "room-history", Method: http.MethodGet, Path: "/rooms/{channel}/history", Tag: "Rooms",
		Summary: "List what happened in a room", Access: read,
		Description: "Newest first. Only people who control the room see guests, knocks and bans.",
	}, s.roomHistory)
	openapi.Register(s.api, openapi.Operation{
		ID: "join-room", Method: http.MethodPost, Path: "/rooms/{channel}/join", Tag: "Rooms",
		Summary: "Join a room", Errors: conflict, Access: write,
		Description: "If you're in a voice channel of the server, Snug moves you. Otherwise, `deep_link` opens the " +
			"channel in Discord, and Snug holds a seat for you until `held_until`.",
	}, s.apiJoin)
	openapi.Register(s.api, openapi.Operation{
		ID: "keep-room", Method: http.MethodPost, Path: "/rooms/{channel}/keep", Tag: "Rooms",
		Summary: "Call off an announced closing", Errors: conflict, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[wire.Room], error) {
		return s.does(ctx, who, in.Room, s.actions.KeepRoom)
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "close-room", Method: http.MethodPost, Path: "/rooms/{channel}/close", Tag: "Rooms",
		Summary: "Close a room", Errors: conflict, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[wire.Room], error) {
		return s.does(ctx, who, in.Room, s.actions.CloseRoom)
	})
}

// listRooms gives the rooms of a server that the caller may see.
func (s *Service) listRooms(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	openapi.Paging
	Member string `query:"member" doc:"Only the room that this user is in."`
}) (*answer[roomsJSON], error) {
	_, st, err := s.look(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	list := s.actions.VisibleRooms(st)
	if in.Member != "" {
		id, err := snowflake.Parse(in.Member)
		if err != nil {
			return nil, errs.Field("member", "“%s” isn't a user's ID. Send one.", in.Member)
		}
		list = slices.DeleteFunc(list, func(l actions.LiveRoom) bool { return !room.In(l.Roster, id) })
	}
	page, next, err := openapi.Page(list, in.Paging,
		func(l actions.LiveRoom) uint64 { return uint64(l.Room.ID) })
	if err != nil {
		return nil, err
	}
	out := roomsJSON{Rooms: []wire.Room{}, Next: next}
	for _, l := range page {
		out.Rooms = append(out.Rooms, s.enc.Room(l.Live, l.Rev))
	}
	return ok(out), nil
}

func (s *Service) apiOpen(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	Body *wire.CreateInput
}) (*created[wire.Opened], error) {
	id, err := guildID(who, in.Guild)
	if err != nil {
		return nil, err
	}
	opened, err := s.actions.OpenRoom(ctx, who.Session, id, orNone(in.Body))
	if err != nil {
		return nil, err
	}
	out := s.enc.Opened(opened)
	return &created[wire.Opened]{request.APIPrefix + "/rooms/" + out.ChannelID.String(), out}, nil
}

// apiAgain opens a closed room again.
func (s *Service) apiAgain(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[wire.Opened], error) {
	id, err := actions.ParseID(in.Room, actions.ErrNoRoom)
	if err != nil {
		return nil, err
	}
	guildID, err := s.actions.FindClosed(ctx, id, who.User.ID)
	if err == nil {
		err = within(who, guildID, actions.ErrNoRoom)
	}
	if err != nil {
		return nil, err
	}
	opened, err := s.actions.OpenAgain(ctx, who.Session, guildID, id)
	if err != nil {
		return nil, err
	}
	return ok(s.enc.Opened(opened)), nil
}

func (s *Service) closedRooms(ctx context.Context, who *openapi.Caller, _ *none) (*answer[closedRoomsJSON], error) {
	out := closedRoomsJSON{Rooms: []wire.Closed{}}
	for _, c := range s.actions.ClosedRooms(ctx, who.Session) {
		if within(who, c.GuildID, actions.ErrNoRoom) == nil {
			out.Rooms = append(out.Rooms, wire.NewClosed(c))
		}
	}
	return ok(out), nil
}

// showRoom is the room's page for programs.
func (s *Service) showRoom(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[wire.View], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, l, err := s.actions.SeeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	out := s.enc.View(l.Live, l.Rev, v)
	if !who.May(apitoken.RoomsWrite) { // who may only look is not handed what lets others in
		for i := range out.Invites {
			out.Invites[i].URL = ""
		}
	}
	return ok(out), nil
}

func (s *Service) roomMembers(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[membersJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, l, err := s.actions.SeeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	out := membersJSON{
		InVoice: wire.People(l.Roster), Owner: v.Room.Access.OwnerID,
		Guests: append([]snowflake.ID{}, v.Room.Access.Guests...), Banned: []snowflake.ID{},
	}
	if v.MayControl {
		out.Banned = append(out.Banned, v.Room.Access.Banned...)
	}
	return ok(out), nil
}

func (s *Service) apiJoin(ctx context.Context, who *openapi.Caller, in *RoomPath) (*answer[joinedJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	j, err := s.actions.JoinRoom(ctx, guildID, q)
	if err != nil {
		return nil, err
	}
	out := joinedJSON{Moved: j.Moved, DeepLink: s.o.Links.Channel(guildID, q.RoomID)}
	if !j.Moved {
		out.HeldUntil = wire.TimeOrNull(j.HeldUntil)
	}
	return ok(out), nil
}

// does something to a room.
func (s *Service) does(
	ctx context.Context, who *openapi.Caller, raw string,
	do func(context.Context, snowflake.ID, room.Request) (room.Summary, error),
) (*answer[wire.Room], error) {
	guildID, q, err := s.inRoom(ctx, who, raw)
	if err != nil {
		return nil, err
	}
	sum, err := do(ctx, guildID, q)
	if err != nil {
		return nil, err
	}
	return ok(s.enc.Room(s.actions.WithRoster(sum), protocol.Rev{})), nil
}
