package api

import (
	"context"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/protocol"
	"snug/shared/room"
)

type (
	tokenInput struct {
		Token string `json:"token" doc:"The part of the link after ?t=."`
	}
	redeemedJSON struct {
		GuildID   snowflake.ID `json:"guildId"`
		ChannelID snowflake.ID `json:"channelId"`
		URL       string       `json:"url"`
		OnTheWay  bool         `json:"on_the_way" doc:"You are not in the server, or have not accepted its rules: your place is kept, and arrive-at-room says what is next."`
	}
	arrivingJSON struct {
		Step      room.Step `json:"step" doc:"join: accept Discord's invite; rules: accept the server's rules in Discord; wait: detail says what keeps you out; in: you are let in."`
		InviteURL string    `json:"invite_url,omitempty" doc:"Discord's invite to the server, for you alone."`
		Detail    string    `json:"detail,omitempty"`
		Until     time.Time `json:"kept_until" doc:"Your place is kept until then."`
		URL       string    `json:"url"`
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

func (s *Service) apiInvites() {
	write := openapi.Access{Scope: apitoken.RoomsWrite, Limit: openapi.Writes}
	follow := openapi.Access{Scope: apitoken.RoomsWrite, Limit: openapi.Invites}
	over := []int{http.StatusNotFound, http.StatusConflict, http.StatusGone}
	openapi.Register(s.api, openapi.Operation{
		ID: "create-invite", Method: http.MethodPost, Path: "/rooms/{channel}/invites", Tag: "Invites",
		Summary: "Make an invite link", Status: http.StatusCreated,
		Repeat: &openapi.Repeat{Still: s.stillInviting, Secrets: []string{"url"}}, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		RoomPath
		Body *wire.InviteInput
	}) (*answer[wire.Invite], error) {
		guildID, q, err := s.inRoom(ctx, who, in.Room)
		if err != nil {
			return nil, err
		}
		if in.Body == nil {
			in.Body = &wire.InviteInput{}
		}
		asked, err := in.Body.Request(q, openapi.RepeatID(ctx))
		if err != nil {
			return nil, err
		}
		l, err := s.actions.CreateInvite(ctx, guildID, asked)
		return ok(s.enc.Invite(q.RoomID, l)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "revoke-invite", Method: http.MethodDelete, Path: "/rooms/{channel}/invites/{id}", Tag: "Invites",
		Summary: "Take an invite back", Access: write,
	}, s.apiRevoke)
	openapi.Register(s.api, openapi.Operation{
		ID: "preview-invite", Method: http.MethodPost, Path: "/invites/preview", Tag: "Invites",
		Summary: "What an invite leads to", Errors: over,
		Description: "It lets nobody in.", Access: follow,
	}, s.apiPreview)
	openapi.Register(s.api, openapi.Operation{
		ID: "redeem-invite", Method: http.MethodPost, Path: "/invites/redeem", Tag: "Invites",
		Summary: "Follow an invite", Errors: over,
		Description: "You become a guest of the room. Following one twice costs one use.", Access: follow,
	}, s.redeem)
	openapi.Register(s.api, openapi.Operation{
		ID: "arrive-at-room", Method: http.MethodPost, Path: "/rooms/{channel}/arrive", Tag: "Invites",
		Summary: "What is next on your way into a room",
		Description: "For who followed an invite and is not in the server, or has not accepted its rules. When " +
			"nothing is next, it lets you in.",
		Access: follow,
	}, s.arrive)
}

func (s *Service) apiRevoke(ctx context.Context, who *openapi.Caller, in *struct {
	RoomPath
	ID string `path:"id" doc:"The invite's id."`
}) (*none, error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	return &none{}, s.actions.RevokeInvite(ctx, guildID, q, in.ID)
}

func (s *Service) apiPreview(
	ctx context.Context, who *openapi.Caller, in *struct{ Body tokenInput },
) (*answer[previewJSON], error) {
	claims, err := s.actions.ReadInvite(in.Body.Token, 0)
	if err == nil {
		err = within(who, claims.GuildID, actions.ErrNoRoom)
	}
	if err != nil {
		return nil, err
	}
	p, err := s.actions.PreviewInvite(ctx, claims.GuildID,
		room.PreviewRequest{Token: in.Body.Token, UserID: who.User.ID})
	if err != nil {
		return nil, err
	}
	l := room.Live{Room: room.Summary{ID: p.RoomID, GuildID: p.GuildID, Seats: p.Seats}, Roster: p.Roster}
	out := previewJSON{
		GuildID: p.GuildID, GuildName: p.GuildName, ChannelID: p.RoomID, Name: p.Name, Seats: p.Seats,
		Taken: room.Occupied(p.Roster), InvitedBy: p.InvitedBy,
		Locked: p.Locked, MayKnock: p.MayKnock,
		InVoice: s.enc.Room(l, protocol.Rev{}).Roster,
	}
	if out.InVoice == nil {
		out.InVoice = []protocol.Person{}
	}
	return ok(out), nil
}

// redeem is accept for programs.
func (s *Service) redeem(
	ctx context.Context, who *openapi.Caller, in *struct{ Body tokenInput },
) (*answer[redeemedJSON], error) {
	claims, err := s.actions.ReadInvite(in.Body.Token, 0)
	if err == nil {
		err = within(who, claims.GuildID, actions.ErrNoRoom)
	}
	if err != nil {
		return nil, err
	}
	out, err := s.actions.RedeemInvite(ctx, who.Session, claims, in.Body.Token)
	if err != nil {
		return nil, err
	}
	at := s.o.Links.Room(out.RoomID)
	if out.OnTheWay {
		at += "/coming"
	}
	return ok(redeemedJSON{out.GuildID, out.RoomID, at, out.OnTheWay}), nil
}

// arrive is coming for programs.
func (s *Service) arrive(ctx context.Context, who *openapi.Caller, in *struct {
	RoomPath
	Body *struct {
		NewInvite bool `json:"new_invite" required:"false" doc:"Make another invite of Discord's: the one there is does not work."`
	}
}) (*answer[arrivingJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	a, err := s.actions.Arrive(ctx, guildID,
		room.ArriveRequest{Actor: q.Actor, RoomID: q.RoomID, NewInvite: in.Body != nil && in.Body.NewInvite})
	if err != nil {
		return nil, err
	}
	out := arrivingJSON{
		Step: a.Step, InviteURL: s.o.Links.GuildInvite(a.Code), Until: a.Until.UTC(), URL: s.o.Links.Room(q.RoomID),
	}
	if a.Why != nil {
		out.Detail = a.Why.Message
	}
	return ok(out), nil
}
