package commands

import (
	"context"
	"strings"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/message"
	"snug/shared/errs"
	"snug/shared/room"
)

// join takes a seat in a room.
func (c *Commands) join(ctx context.Context, q *call) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	j, err := c.o.Rooms.Join(ctx, q.guild, room.Request{Actor: q.actor, RoomID: id})
	switch {
	case errs.Has(err, errs.RoomFull):
		return reply{text: message.Refusal(q.t, err), rows: []discord.LayoutComponent{message.Row(
			message.Button(discord.ButtonStylePrimary, "⏳", q.t.Say("button.wait"),
				q.about(message.ActionWait, id, "")),
			message.Link(q.t.Say("button.page"), c.o.Pages.Room(id)),
		)}}, nil
	case err != nil:
		return reply{}, err
	case j.Moved:
		return reply{text: q.t.Say("joined", "Channel", message.ChannelMention(id))}, nil
	}
	return reply{
		text: q.t.Say("join.held", "Channel", message.ChannelMention(id), "Time", message.ShortTime(j.HeldUntil)),
	}, nil
}

// knock asks to be let into a room, or into whatever room somebody has.
func (c *Commands) knock(ctx context.Context, q *call) (reply, error) {
	req := room.KnockRequest{Actor: q.actor, RoomID: q.custom.Room, Owner: q.data.Snowflake("user")}
	if name := strings.TrimSpace(q.data.String("room")); req.RoomID == 0 && name != "" {
		id, err := named(c.visible(q), name)
		if err != nil {
			return reply{}, err
		}
		req.RoomID, req.Owner = id, 0
	}
	if req.RoomID == 0 && req.Owner == 0 {
		return reply{}, errs.E(errs.Invalid,
			"Say whose room you want to visit, like /knock user:@Mara. /rooms lists the rooms you can see.")
	}
	done, err := c.o.Rooms.Knock(ctx, q.guild, req)
	if err != nil {
		return reply{}, err
	}
	switch {
	case done.Room == nil && req.Owner == 0:
		return reply{text: q.t.Say("knock.perhaps.room")}, nil
	case done.Room == nil:
		return reply{text: q.t.Say("knock.perhaps", "User", message.UserMention(req.Owner))}, nil
	case done.Already:
		return reply{text: q.t.Say("knock.already", "Room", message.Bold(done.Room.Name))}, nil
	}
	return reply{text: q.t.Say("knock.done", "Room", message.Bold(done.Room.Name))}, nil
}

// answerKnock lets somebody in, or tells them "not now".
func (c *Commands) answerKnock(letIn bool) handler {
	return func(ctx context.Context, q *call) (reply, error) {
		user := q.custom.User()
		done, err := c.o.Rooms.Answer(ctx, q.guild,
			room.AnswerRequest{Actor: q.actor, RoomID: q.custom.Room, User: user, LetIn: letIn})
		if err != nil {
			return reply{}, err
		}
		say := "knock.not-now"
		switch {
		case letIn && done.Delivery == room.DeliveredDirect:
			say = "knock.let-in"
		case letIn && done.Delivery == room.DeliveredInChat:
			say = "knock.let-in.chat"
		case letIn:
			say = "knock.let-in.untold"
		case done.Delivery != room.DeliveredDirect:
			say = "knock.not-now.untold"
		}
		return reply{text: q.t.Say(say, "User", message.UserMention(user), "Room", message.Bold(done.Room.Name))}, nil
	}
}

// wait enters the waiting list of a full room.
func (c *Commands) wait(ctx context.Context, q *call) (reply, error) { return c.waiting(ctx, q, false) }

// unwait leaves it.
func (c *Commands) unwait(ctx context.Context, q *call) (reply, error) {
	return c.waiting(ctx, q, true)
}

func (c *Commands) waiting(ctx context.Context, q *call, leave bool) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	done, err := c.o.Rooms.Wait(ctx, q.guild, room.WaitRequest{Actor: q.actor, RoomID: id, Leave: leave})
	switch {
	case err != nil:
		return reply{}, err
	case leave:
		return reply{text: q.t.Say("wait.left", "Room", message.Bold(done.Room.Name))}, nil
	case !done.HeldUntil.IsZero():
		return reply{
			text: q.t.Say("join.held", "Channel", message.ChannelMention(id), "Time",
				message.ShortTime(done.HeldUntil)),
		}, nil
	}
	return reply{
		text: q.t.Say("wait.place", "Room", message.Bold(done.Room.Name), "Place", done.Place),
		rows: []discord.LayoutComponent{
			message.Row(message.Button(discord.ButtonStyleSecondary, "", q.t.Say("button.unwait"),
				q.about(message.ActionUnwait, id, ""))),
		},
	}, nil
}
