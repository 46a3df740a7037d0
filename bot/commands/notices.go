package commands

import (
	"context"
	"fmt"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	api "snug/bot/discord"
	"snug/bot/keeper"
	"snug/shared/room"
)

// Teller gives what the keeper has its notices said with: direct messages, a
// room's chat, a guild's log channel. It is safe for concurrent use.
func Teller(d *api.Discord, pages Pages) func(ctx context.Context, guildID snowflake.ID, language string, n keeper.Notice) error {
	return func(ctx context.Context, guildID snowflake.ID, _ string, n keeper.Notice) error {
		to, text := notice(n, pages)
		m := discord.MessageCreate{Content: text, AllowedMentions: &discord.AllowedMentions{}}
		if to.user != 0 {
			return d.Tell(ctx, to.user, m)
		}
		_, err := d.Send(ctx, to.channel, m)
		return err
	}
}

// reader is whom a notice is for: a user, or all who read a channel.
type reader struct{ user, channel snowflake.ID }

func notice(n keeper.Notice, pages Pages) (reader, string) {
	switch n := n.(type) {
	case keeper.Invited:
		return reader{user: n.User}, escape(n.By) + " lets you into " + bold(n.Room.Name) + ": " + n.Link
	case keeper.ClosingSoon:
		if n.Reason == room.ClosedAge {
			return reader{channel: n.Room.ID}, "This room closes " + when(n.At) + ": it is as old as rooms may become here. Open a new one with /create-room."
		}
		return reader{channel: n.Room.ID}, "Nobody is here, so this room closes " + when(n.At) + ". Come in or use /room keep to keep it."
	case keeper.StaysOpen:
		return reader{channel: n.Room.ID}, "This room stays open."
	case keeper.SeatFree:
		return reader{user: n.User}, "A seat in " + bold(n.Room.Name) + " is free. It is yours until " + when(n.Until) + ": <#" + n.Room.ID.String() + ">"
	case keeper.MovedBack:
		why := "is full: all its seats are taken, so you were moved back. Its owner can give it more seats, or you can wait for one: "
		if n.Held {
			why = "has a free seat, but it is held for somebody else just now, so you were moved back. You can wait for the next: "
		}
		return reader{user: n.User}, bold(n.Room.Name) + " " + why + pages.Room(n.Room.ID)
	case keeper.KnockAnswered:
		if n.LetIn {
			return reader{user: n.User}, "You are let into " + bold(n.Room.Name) + ": <#" + n.Room.ID.String() + ">"
		}
		return reader{user: n.User}, "You knocked, and the answer is “not now”. You can knock again later."
	case keeper.NewOwner:
		return reader{channel: n.Room.ID}, "<@" + n.Owner.String() + "> owns this room now."
	case keeper.LobbyFailed:
		return reader{user: n.User}, "Snug could not open a room for you. " + n.Err.Message
	case keeper.Happened:
		var lines []string
		for _, e := range n.Entries {
			lines = append(lines, line(e))
		}
		return reader{channel: n.Channel}, cut(strings.Join(lines, "\n"), 2000)
	}
	return reader{}, ""
}

// line gives an entry of the audit as a line of the log channel.
func line(e room.Entry) string {
	s := fmt.Sprintf("<t:%d:T> %s", e.At.Unix(), strings.ReplaceAll(string(e.Kind), "_", " "))
	if e.RoomID != 0 {
		s += " <#" + e.RoomID.String() + ">"
	}
	if e.By != 0 {
		s += " by <@" + e.By.String() + ">"
	}
	if e.Target != 0 {
		s += ": <@" + e.Target.String() + ">"
	}
	if e.Detail != "" {
		s += " (" + escape(e.Detail) + ")"
	}
	if e.Old != "" || e.New != "" {
		s += " " + escape(e.Old) + " → " + escape(e.New)
	}
	return s
}
