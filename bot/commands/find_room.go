package commands

import (
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/bot/rooms"
	"snug/shared/errs"
	"snug/shared/room"
)

// memory gives what package rooms knows of the guild, without waiting for anything.
func (c *Commands) memory(q *call) rooms.Snapshot { return c.o.Rooms.Snapshot(q.guild) }

// visible lists the rooms that the caller may see, the oldest first.
func (c *Commands) visible(q *call) []room.Room {
	m := c.memory(q)
	return slices.DeleteFunc(slices.Clone(m.Rooms), func(r room.Room) bool { return !m.Access(&r).MaySee(q.who) })
}

// placed lists the rooms that the caller may see, or has a suspended place in: package rooms tells them why.
func (c *Commands) placed(q *call) []room.Room {
	m := c.memory(q)
	return slices.DeleteFunc(slices.Clone(m.Rooms), func(r room.Room) bool {
		return !m.Access(&r).MaySee(q.who) && c.o.Rooms.Suspended(m, &r, q.who) == nil
	})
}

// which finds the room a command is about: the one that its option names, else
// the one whose chat it was typed in, else the one the caller sits in, else their own.
func (c *Commands) which(q *call) (snowflake.ID, error) {
	if q.custom.Room != 0 {
		return q.custom.Room, nil
	}
	list := c.placed(q)
	if name := strings.TrimSpace(q.data.String("room")); name != "" {
		return named(list, name)
	}
	for _, id := range []snowflake.ID{q.channel, c.o.Rooms.VoiceOf(q.guild, q.who.UserID)} {
		if id != 0 && slices.ContainsFunc(list, func(r room.Room) bool { return r.ID == id }) {
			return id, nil
		}
	}
	for _, r := range list {
		if r.OwnerID == q.who.UserID {
			return r.ID, nil
		}
	}
	return 0, errs.E(errs.RoomNotFound, "You don't have a room here. Open one with /create-room, or join one first.")
}

// named finds a room by its id, as suggestions give it, or by its name. An id
// is good for any room: whether the caller may do something there is for package rooms to say.
func named(list []room.Room, name string) (snowflake.ID, error) {
	if id, ok := message.ParseID(name); ok && id != 0 {
		return id, nil
	}
	for _, r := range list {
		if strings.EqualFold(r.Name, name) {
			return r.ID, nil
		}
	}
	return 0, errs.E(errs.RoomNotFound,
		"You can't see a room called “%s”. Choose one from the list that opens while you type, or use /rooms.",
		message.Strip(name))
}

// ours finds a room from memory that the caller controls, for what must be answered at once. what is as for
// CheckControl.
func (c *Commands) ours(q *call, what errs.Term) (room.Room, error) {
	id, err := c.which(q)
	if err != nil {
		return room.Room{}, err
	}
	m := c.memory(q)
	i := slices.IndexFunc(m.Rooms, func(r room.Room) bool { return r.ID == id })
	if i >= 0 && !m.Access(&m.Rooms[i]).MaySee(q.who) {
		if err := c.o.Rooms.Suspended(m, &m.Rooms[i], q.who); err != nil {
			return room.Room{}, err
		}
	}
	if i < 0 || !m.Access(&m.Rooms[i]).MaySee(q.who) {
		return room.Room{}, errs.E(errs.RoomNotFound,
			"This room is closed, or you aren't invited. Open a new one with /create-room, or ask for an invite link.")
	}
	return m.Rooms[i], m.Access(&m.Rooms[i]).CheckControl(q.who, what)
}

// about makes a custom id about a room.
func (q *call) about(action string, roomID snowflake.ID, arg string) message.CustomID {
	return message.CustomID{Action: action, Guild: q.guild, Room: roomID, Arg: arg}
}
