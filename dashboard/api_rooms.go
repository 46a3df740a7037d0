package dashboard

import (
	"context"
	"net/http"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/api"
	"snug/shared/errs"
	"snug/shared/protocol"
	"snug/shared/room"
)

type (
	roomsJSON struct {
		Rooms []RoomJSON `json:"rooms" nullable:"false"`
		Next  string     `json:"next_cursor,omitempty"`
	}
	membersJSON struct {
		InVoice []protocol.Person `json:"in_voice" nullable:"false" doc:"Who is in the voice channel, in the order they came."`
		Owner   snowflake.ID      `json:"owner"`
		Guests  []snowflake.ID    `json:"guests" nullable:"false" doc:"Who was let in."`
		Banned  []snowflake.ID    `json:"banned" nullable:"false" doc:"Who is kept out; told to who controls the room."`
	}
	created[T any] struct {
		Location string `header:"Location"`
		Body     T
	}
)

func (s *Server) apiRooms() {
	read, write := api.Access{Scope: api.RoomsRead}, api.Access{Scope: api.RoomsWrite, Limit: api.Writes}
	conflict := []int{http.StatusConflict}
	api.Register(s.api, api.Operation{
		ID: "rooms", Method: http.MethodGet, Path: "/guilds/{guild}/rooms", Tag: "Rooms",
		Summary: "Rooms you may see, the oldest first", Access: read,
	}, s.listRooms)
	api.Register(s.api, api.Operation{
		ID: "open-room", Method: http.MethodPost, Path: "/guilds/{guild}/rooms", Tag: "Rooms", Summary: "Open a room",
		Status: http.StatusCreated, Repeat: &api.Repeat{Still: s.stillInGuild, Secrets: []string{"invite.url"}},
		Access:      write,
		Description: "You own it. What is left out is as the server's settings say. The answer has the first invite link.",
	}, s.apiOpen)
	api.Register(s.api, api.Operation{
		ID: "room", Method: http.MethodGet, Path: "/rooms/{channel}", Tag: "Rooms",
		Summary: "One room, and what you may do there", Access: read,
	}, s.showRoom)
	api.Register(s.api, api.Operation{
		ID: "room-members", Method: http.MethodGet, Path: "/rooms/{channel}/members", Tag: "Rooms",
		Summary: "Who is in a room, and who was let in", Access: read,
	}, s.roomMembers)
	api.Register(s.api, api.Operation{
		ID: "room-history", Method: http.MethodGet, Path: "/rooms/{channel}/history", Tag: "Rooms",
		Summary: "What happened in a room, the newest first", Access: read,
		Description: "Guests, knocks and bans are told to who controls the room.",
	}, s.roomHistory)
	api.Register(s.api, api.Operation{
		ID: "join-room", Method: http.MethodPost, Path: "/rooms/{channel}/join", Tag: "Rooms",
		Summary: "Come into a room", Errors: conflict, Access: write,
		Description: "Who is in a voice channel of the server is moved; otherwise `deep_link` opens the channel in Discord, and a seat is held for a moment.",
	}, s.apiJoin)
	api.Register(s.api, api.Operation{
		ID: "keep-room", Method: http.MethodPost, Path: "/rooms/{channel}/keep", Tag: "Rooms",
		Summary: "Call an announced closing off", Errors: conflict, Access: write,
	}, func(ctx context.Context, who *api.Caller, in *RoomPath) (*answer[RoomJSON], error) {
		return s.does(ctx, who, in.Room, s.keeper.KeepRoom)
	})
	api.Register(s.api, api.Operation{
		ID: "close-room", Method: http.MethodPost, Path: "/rooms/{channel}/close", Tag: "Rooms",
		Summary: "Close a room", Errors: conflict, Access: write,
	}, func(ctx context.Context, who *api.Caller, in *RoomPath) (*answer[RoomJSON], error) {
		return s.does(ctx, who, in.Room, s.keeper.CloseRoom)
	})
}

// listRooms gives the rooms of a server that the caller may see.
func (s *Server) listRooms(ctx context.Context, who *api.Caller, in *struct {
	GuildPath
	api.Paging
}) (*answer[roomsJSON], error) {
	_, st, err := s.inGuild(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	page, next, err := api.Page(s.visibleRooms(st), in.Paging, func(l liveRoom) uint64 { return uint64(l.Room.ID) })
	if err != nil {
		return nil, err
	}
	out := roomsJSON{Rooms: []RoomJSON{}, Next: next}
	for _, l := range page {
		out.Rooms = append(out.Rooms, s.roomJSON(l))
	}
	return ok(out), nil
}

func (s *Server) apiOpen(ctx context.Context, who *api.Caller, in *struct {
	GuildPath
	Body *createInput
}) (*created[openedJSON], error) {
	id, err := parseID(in.Guild, errNoServer)
	if err == nil {
		err = within(who, id, errNoServer)
	}
	if err != nil {
		return nil, err
	}
	if in.Body == nil {
		in.Body = &createInput{}
	}
	out, err := s.open(ctx, who.Session, id, in.Body)
	if err != nil {
		return nil, err
	}
	return &created[openedJSON]{api.Prefix + "/rooms/" + out.ChannelID.String(), out}, nil
}

// showRoom is the room's page for programs.
func (s *Server) showRoom(ctx context.Context, who *api.Caller, in *RoomPath) (*answer[viewJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, l, err := s.seeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	out := s.viewJSON(l, v)
	if !who.May(api.RoomsWrite) { // who may only look is not handed what lets others in
		for i := range out.Invites {
			out.Invites[i].URL = ""
		}
	}
	return ok(out), nil
}

func (s *Server) roomMembers(ctx context.Context, who *api.Caller, in *RoomPath) (*answer[membersJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, l, err := s.seeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	out := membersJSON{
		InVoice: s.roomJSON(l).Roster, Owner: v.Room.Access.OwnerID, Guests: v.Room.Access.Guests,
		Banned: []snowflake.ID{},
	}
	if out.InVoice == nil {
		out.InVoice = []protocol.Person{}
	}
	if out.Guests == nil {
		out.Guests = []snowflake.ID{}
	}
	if v.MayControl {
		out.Banned = append(out.Banned, v.Room.Access.Banned...)
	}
	return ok(out), nil
}

func (s *Server) apiJoin(ctx context.Context, who *api.Caller, in *RoomPath) (*answer[joinedJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	j, err := s.keeper.JoinRoom(ctx, guildID, q)
	if err != nil {
		return nil, s.hideFrom(ctx, guildID, q, err)
	}
	out := joinedJSON{Moved: j.Moved, DeepLink: s.deepLink(guildID, q.RoomID)}
	if !j.Moved && !j.HeldUntil.IsZero() {
		out.HeldUntil = &j.HeldUntil
	}
	return ok(out), nil
}

// does has the keeper do something to a room.
func (s *Server) does(
	ctx context.Context, who *api.Caller, raw string,
	do func(context.Context, snowflake.ID, room.Request) (room.Summary, error),
) (*answer[RoomJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, raw)
	if err != nil {
		return nil, err
	}
	sum, err := do(ctx, guildID, q)
	if err != nil {
		return nil, s.hideFrom(ctx, guildID, q, err)
	}
	return ok(s.summaryJSON(sum)), nil
}

type (
	tokenInput struct {
		Token string `json:"token" doc:"The part of the link after ?t=."`
	}
	previewJSON struct {
		GuildID   snowflake.ID      `json:"guildId"`
		GuildName string            `json:"guildName"`
		ChannelID snowflake.ID      `json:"channelId"`
		Name      string            `json:"name"`
		Seats     int               `json:"seats"`
		Taken     int               `json:"taken"`
		InvitedBy string            `json:"invitedBy"`
		Locked    bool              `json:"locked" doc:"The invite lets nobody new in for now."`
		MayKnock  bool              `json:"mayKnock" doc:"You can ask to be let in all the same, with the operation knock."`
		InVoice   []protocol.Person `json:"in_voice" nullable:"false"`
	}
)

func (s *Server) apiInvites() {
	write := api.Access{Scope: api.RoomsWrite, Limit: api.Writes}
	follow := api.Access{Scope: api.RoomsWrite, Limit: api.Invites}
	over := []int{http.StatusNotFound, http.StatusConflict, http.StatusGone}
	api.Register(s.api, api.Operation{
		ID: "create-invite", Method: http.MethodPost, Path: "/rooms/{channel}/invites", Tag: "Invites",
		Summary: "Make an invite link", Status: http.StatusCreated,
		Repeat: &api.Repeat{Still: s.stillInviting, Secrets: []string{"url"}}, Access: write,
	}, func(ctx context.Context, who *api.Caller, in *struct {
		RoomPath
		Body *inviteInput
	}) (*answer[inviteJSON], error) {
		guildID, q, err := s.inRoom(ctx, who, in.Room)
		if err != nil {
			return nil, err
		}
		if in.Body == nil {
			in.Body = &inviteInput{}
		}
		out, err := s.newInvite(ctx, who.Session, guildID, q.RoomID, *in.Body)
		return ok(out), err
	})
	api.Register(s.api, api.Operation{
		ID: "revoke-invite", Method: http.MethodDelete, Path: "/rooms/{channel}/invites/{id}", Tag: "Invites",
		Summary: "Take an invite back", Access: write,
	}, s.apiRevoke)
	api.Register(s.api, api.Operation{
		ID: "preview-invite", Method: http.MethodPost, Path: "/invites/preview", Tag: "Invites",
		Summary: "What an invite leads to", Errors: over,
		Description: "It lets nobody in.", Access: follow,
	}, s.apiPreview)
	api.Register(s.api, api.Operation{
		ID: "redeem-invite", Method: http.MethodPost, Path: "/invites/redeem", Tag: "Invites",
		Summary: "Follow an invite", Errors: over,
		Description: "You become a guest of the room. Following one twice costs one use.", Access: follow,
	}, s.redeem)
	api.Register(s.api, api.Operation{
		ID: "arrive-at-room", Method: http.MethodPost, Path: "/rooms/{channel}/arrive", Tag: "Invites",
		Summary:     "What is next on your way into a room",
		Description: "For who followed an invite and is not in the server, or has not accepted its rules. When nothing is next, it lets you in.",
		Access:      follow,
	}, s.arrive)
}

func (s *Server) apiRevoke(ctx context.Context, who *api.Caller, in *struct {
	RoomPath
	ID string `path:"id" doc:"The invite's id."`
}) (*none, error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	if len(in.ID) > 64 {
		return nil, errs.E(errs.NotFound, "There is no such invite any more.")
	}
	_, err = s.keeper.RevokeInvite(ctx, guildID, room.RevokeRequest{Actor: q.Actor, RoomID: q.RoomID, InviteID: in.ID})
	if err != nil && !errs.Has(err, errs.NotFound) { // that is the invite, to who may see the room
		err = s.hideFrom(ctx, guildID, q, err)
	}
	return &none{}, err
}

func (s *Server) apiPreview(
	ctx context.Context, who *api.Caller, in *struct{ Body tokenInput },
) (*answer[previewJSON], error) {
	claims, err := s.invited(in.Body.Token, 0)
	if err == nil {
		err = within(who, claims.GuildID, errNoRoom)
	}
	if err != nil {
		return nil, err
	}
	p, err := s.keeper.PreviewInvite(ctx, claims.GuildID,
		room.PreviewRequest{Token: in.Body.Token, UserID: who.User.ID})
	if err != nil {
		return nil, err
	}
	l := liveRoom{
		Live: room.Live{Room: room.Summary{ID: p.RoomID, GuildID: p.GuildID, Seats: p.Seats}, Roster: p.Roster},
	}
	out := previewJSON{
		GuildID: p.GuildID, GuildName: p.GuildName, ChannelID: p.RoomID, Name: p.Name, Seats: p.Seats,
		Taken: room.Occupied(p.Roster), InvitedBy: p.InvitedBy,
		Locked: p.Locked, MayKnock: p.MayKnock,
		InVoice: s.roomJSON(l).Roster,
	}
	if out.InVoice == nil {
		out.InVoice = []protocol.Person{}
	}
	return ok(out), nil
}

// redeem is accept for programs.
func (s *Server) redeem(
	ctx context.Context, who *api.Caller, in *struct{ Body tokenInput },
) (*answer[redeemedJSON], error) {
	claims, err := s.invited(in.Body.Token, 0)
	if err == nil {
		err = within(who, claims.GuildID, errNoRoom)
	}
	if err != nil {
		return nil, err
	}
	out, err := s.follows(ctx, who.Session, claims, in.Body.Token)
	if err != nil {
		return nil, err
	}
	at := s.roomURL(out.RoomID)
	if out.OnTheWay {
		at += "/coming"
	}
	return ok(redeemedJSON{out.GuildID, out.RoomID, at, out.OnTheWay}), nil
}

// arrive is coming for programs.
func (s *Server) arrive(ctx context.Context, who *api.Caller, in *struct {
	RoomPath
	Body *struct {
		Anew bool `json:"anew" required:"false" doc:"Make another invite of Discord's: the one there is does not work."`
	}
}) (*answer[arrivingJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	a, err := s.keeper.Arrive(ctx, guildID,
		room.ArriveRequest{Actor: q.Actor, RoomID: q.RoomID, Anew: in.Body != nil && in.Body.Anew})
	if err != nil {
		return nil, gone(err)
	}
	out := arrivingJSON{Step: a.Step, InviteURL: s.inviteTo(a), Until: a.Until.UTC(), URL: s.roomURL(q.RoomID)}
	if a.Why != nil {
		out.Detail = a.Why.Message
	}
	return ok(out), nil
}
