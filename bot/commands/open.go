package commands

import (
	"context"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/preset"
	"snug/shared/room"
)

// createRoom opens a room and gives its page and a link.
func (c *Commands) createRoom(ctx context.Context, q *call) (reply, error) {
	req := room.OpenRequest{Actor: q.actor, Name: q.data.String("name"), Seats: q.data.Int("seats"),
		Preset: preset.Ref(q.data.String("preset"))}
	if private, ok := q.data.OptBool("private"); ok {
		req.Private = &private
	}
	r, err := c.o.Rooms.Open(ctx, q.guild, q.id, req)
	if err != nil {
		return reply{}, err
	}
	return c.openedRoom(q, r), nil
}

// openedRoom tells of a room that was opened for the caller, and what it was opened without.
func (c *Commands) openedRoom(q *call, r room.OpenedRoom) reply {
	page, v := c.o.Pages.Room(r.Room.ID), r.Invite.Invite
	text := message.Lines(
		q.t.Say("opened", "Room", message.Bold(r.Room.Name), "Channel", message.ChannelMention(r.Room.ID)),
		q.t.Say("room.seats", "Count", r.Room.Seats)+" · "+message.Privacy(q.t, r.Room.Access.Privacy()),
		q.t.Say("opened.page", "Page", page),
	)
	if r.Invite.Code != "" {
		text += "\n" + q.t.Say("opened.link", "Link", c.o.Pages.Invite(r.Invite.Code), "Count", v.MaxUses,
			"When", message.RelativeTime(v.ExpiresAt))
	}
	for _, cut := range r.Cut {
		text += "\n⚠️ " + q.t.Say("opened.cut."+cut.Field) + " " + message.Refusal(q.t, cut.Why)
	}
	return reply{text: text, rows: []discord.LayoutComponent{message.Row(
		message.Button(discord.ButtonStylePrimary, "🔊", q.t.Say("button.join"),
			q.about(message.ActionJoin, r.Room.ID, "")),
		message.Link(q.t.Say("button.page"), page),
	)}}
}

// invite makes a link, or lets somebody in at once.
func (c *Commands) invite(ctx context.Context, q *call) (reply, error) {
	return c.inviteWho(ctx, q, q.data.Snowflake("user"))
}

// inviteTarget is the menu on a person.
func (c *Commands) inviteTarget(ctx context.Context, q *call) (reply, error) {
	return c.inviteWho(ctx, q, q.target)
}

// admit lets the person in whom a button is about.
func (c *Commands) admit(ctx context.Context, q *call) (reply, error) {
	return c.inviteWho(ctx, q, q.custom.User())
}

func (c *Commands) inviteWho(ctx context.Context, q *call, who snowflake.ID) (reply, error) {
	id, err := c.which(q)
	if err != nil {
		return reply{}, err
	}
	l, reached, err := c.o.Rooms.Invite(ctx, q.guild, room.InviteRequest{
		Actor: q.actor, RoomID: id, Uses: q.data.Int("uses"), Lifetime: time.Duration(q.data.Int("hours")) * time.Hour,
		Label: q.data.String("label"), For: who,
	})
	if err != nil {
		return reply{}, err
	}
	url := c.o.Pages.Invite(l.Code)
	if who == 0 {
		return reply{
			text: q.t.Say("invited.link", "Channel", message.ChannelMention(id), "Count", l.Invite.MaxUses, "When",
				message.RelativeTime(l.Invite.ExpiresAt), "Link", url),
		}, nil
	}
	say := "invited.unsent"
	switch reached {
	case room.DeliveredDirect:
		say = "invited.told"
	case room.DMsClosed:
		say = "invited.untold"
	}
	return reply{
		text: q.t.Say(say, "User", message.UserMention(who), "Channel", message.ChannelMention(id), "Link", url),
	}, nil
}
