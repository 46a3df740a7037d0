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
	"snug/shared/room"
)

type (
	redeemedJSON struct {
		GuildID   snowflake.ID `json:"guild_id"`
		ChannelID snowflake.ID `json:"channel_id"`
		URL       string       `json:"url"`
		OnTheWay  bool         `json:"on_the_way" doc:"Your place is kept. Call arrive-at-room for the next step."`
	}
	arrivingJSON struct {
		Step      room.Step `json:"step"`
		InviteURL string    `json:"invite_url,omitempty" doc:"Discord's invite to the server, for you only."`
		Detail    string    `json:"detail,omitempty" doc:"With wait: what keeps you out."`
		Until     time.Time `json:"kept_until" doc:"Your place is kept until then."`
		URL       string    `json:"url"`
	}
	previewJSON struct {
		GuildID   snowflake.ID  `json:"guild_id"`
		GuildName string        `json:"guild_name"`
		ChannelID snowflake.ID  `json:"channel_id"`
		Name      string        `json:"name"`
		Seats     int           `json:"seats"`
		Taken     int           `json:"taken"`
		InvitedBy string        `json:"invited_by"`
		Locked    bool          `json:"locked" doc:"Nobody new gets in right now."`
		MayKnock  bool          `json:"may_knock" doc:"You can ask to be let in anyway, with knock."`
		InVoice   []wire.Person `json:"in_voice" nullable:"false"`
	}
)

func (s *Service) apiInvites() {
	write := openapi.Access{Scope: apitoken.RoomsWrite, Limit: openapi.Writes}
	follow := openapi.Access{Scope: apitoken.RoomsWrite, Limit: openapi.Invites}
	over := []int{http.StatusNotFound, http.StatusConflict, http.StatusGone}
	openapi.Register(s.api, openapi.Operation{
		ID: "create-invite", Method: http.MethodPost, Path: "/rooms/{channel}/invites", Tag: "Invites",
		Summary: "Create an invite link", Status: http.StatusCreated,
		Repeat: &openapi.Repeat{Still: s.stillInviting, Secrets: []string{"url"}}, Access: write,
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		RoomPath
		Body *wire.InviteInput
	}) (*answer[wire.Invite], error) {
		guildID, q, err := s.inRoom(ctx, who, in.Room)
		if err != nil {
			return nil, err
		}
		l, err := s.actions.CreateInvite(ctx, guildID, q, orNone(in.Body), openapi.RepeatID(ctx))
		return ok(s.enc.Invite(l)), err
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "revoke-invite", Method: http.MethodDelete, Path: "/rooms/{channel}/invites/{id}", Tag: "Invites",
		Summary: "Revoke an invite link", Access: write,
	}, s.apiRevoke)
	openapi.Register(s.api, openapi.Operation{
		ID: "preview-invite", Method: http.MethodPost, Path: "/invites/preview", Tag: "Invites",
		Summary: "See where an invite link leads", Errors: over,
		Description: "This doesn't let you in.", Access: follow,
	}, s.apiPreview)
	openapi.Register(s.api, openapi.Operation{
		ID: "redeem-invite", Method: http.MethodPost, Path: "/invites/redeem", Tag: "Invites",
		Summary: "Follow an invite link", Errors: over,
		Description: "Makes you a guest of the room. Following the same link again doesn't use it up.", Access: follow,
	}, s.redeem)
	openapi.Register(s.api, openapi.Operation{
		ID: "arrive-at-room", Method: http.MethodPost, Path: "/rooms/{channel}/arrive", Tag: "Invites",
		Summary: "Get the next step on your way into a room",
		Description: "For people who followed an invite link but aren't in the server yet, or haven't accepted its " +
			"rules. If nothing is left to do, it lets you in.",
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
	ctx context.Context, who *openapi.Caller, in *struct{ Body wire.InviteCodeInput },
) (*answer[previewJSON], error) {
	to, err := s.actions.ReadInvite(ctx, in.Body.Code)
	if err == nil {
		err = within(who, to.GuildID, actions.ErrNoRoom)
	}
	if err != nil {
		return nil, err
	}
	p, err := s.actions.PreviewInvite(ctx, to, who.User.ID)
	if err != nil {
		return nil, err
	}
	return ok(previewJSON{
		GuildID: p.GuildID, GuildName: p.GuildName, ChannelID: p.RoomID, Name: p.Name, Seats: p.Seats,
		Taken: room.Occupied(p.Roster), InvitedBy: p.InvitedBy,
		Locked: p.Locked, MayKnock: p.MayKnock, InVoice: wire.People(p.Roster),
	}), nil
}

// redeem is accept for programs.
func (s *Service) redeem(
	ctx context.Context, who *openapi.Caller, in *struct{ Body wire.InviteCodeInput },
) (*answer[redeemedJSON], error) {
	to, err := s.actions.ReadInvite(ctx, in.Body.Code)
	if err == nil {
		err = within(who, to.GuildID, actions.ErrNoRoom)
	}
	if err != nil {
		return nil, err
	}
	out, err := s.actions.RedeemInvite(ctx, who.Session, to)
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
	Body *wire.ArriveInput
}) (*answer[arrivingJSON], error) {
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	a, err := s.actions.Arrive(ctx, guildID, q, orNone(in.Body))
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
