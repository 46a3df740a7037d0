package panels

import (
	"context"
	"fmt"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/bot/rooms"
	"snug/shared/audit"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/text"
)

// DirectMessages sends a direct message to a user, caused by somebody: dms.Sender's Send.
type DirectMessages func(ctx context.Context, to, by snowflake.ID, m discord.MessageCreate) error

// Chat posts into a channel.
type Chat interface {
	Send(ctx context.Context, channel snowflake.ID, m discord.MessageCreate) (snowflake.ID, error)
}

// Notifier gives what the rooms send their notices with: direct messages, a
// room's chat, a guild's log channel. It is safe for concurrent use.
func Notifier(
	dms DirectMessages, chat Chat, texts *text.Catalog, site pages.Site,
) func(ctx context.Context, guildID snowflake.ID, language string, n rooms.Notice) error {
	return func(ctx context.Context, guildID snowflake.ID, language string, n rooms.Notice) error {
		t := texts.For(language)
		if p, ok := n.(rooms.Personal); ok {
			if inChat, yes := n.(rooms.InChat); yes {
				channel, m := chatMessage(t, site, inChat)
				_, err := chat.Send(ctx, channel, m)
				return err
			}
			to, by := p.Reader()
			return dms(ctx, to, by, silent(directMessage(t, site, p)))
		}
		channel, m := channelMessage(t, n)
		_, err := chat.Send(ctx, channel, silent(m))
		return err
	}
}

// silent mentions nobody, and is no longer than Discord takes.
func silent(m discord.MessageCreate) discord.MessageCreate {
	m.Content, m.AllowedMentions = message.Cut(m.Content, message.MaxContent), &discord.AllowedMentions{}
	return m
}

// directMessage finds the words of a direct message. It has links rather than
// buttons of ours: those work wherever the shard of direct messages is.
func directMessage(t text.Texts, site pages.Site, n rooms.Personal) discord.MessageCreate {
	about := func(r room.Summary, id string, pairs ...any) discord.MessageCreate {
		words := t.Say(id,
			append([]any{"Room", message.Bold(r.Name), "Channel", message.ChannelMention(r.ID)}, pairs...)...)
		return discord.MessageCreate{
			Content:    words,
			Components: []discord.LayoutComponent{message.Row(message.Link(t.Say("button.page"), site.Room(r.ID)))},
		}
	}
	switch n := n.(type) {
	case rooms.Invited:
		return discord.MessageCreate{
			Content: t.Say("dm.invited", "By", message.Escape(n.Name), "Room", message.Bold(n.Room.Name), "Link",
				n.Link),
			Components: []discord.LayoutComponent{message.Row(message.Link(t.Say("button.page"), n.Link))},
		}
	case rooms.OpenedAgain:
		return about(n.Room, "dm.again", "By", message.Escape(n.Name))
	case rooms.SeatFree:
		return about(n.Room, "dm.seat", "Time", message.ShortTime(n.Until))
	case rooms.MovedBack:
		if n.Held {
			return about(n.Room, "dm.held")
		}
		return about(n.Room, "dm.full")
	case rooms.KnockAnswered:
		if n.LetIn {
			return about(n.Room, "dm.let-in")
		}
		return discord.MessageCreate{Content: t.Say("dm.not-now")}
	case rooms.LobbyFailed:
		return discord.MessageCreate{Content: t.Say("dm.lobby", "Why", message.Refusal(t, n.Err))}
	}
	return discord.MessageCreate{}
}

// chatMessage finds the words, in the room's chat, for somebody who could not be messaged. It mentions them alone.
func chatMessage(t text.Texts, site pages.Site, n rooms.InChat) (snowflake.ID, discord.MessageCreate) {
	user, _ := n.Reader()
	m := discord.MessageCreate{AllowedMentions: &discord.AllowedMentions{Users: []snowflake.ID{user}}}
	var r room.Summary
	switch n := n.Personal.(type) {
	case rooms.SeatFree:
		r, m.Content = n.Room, t.Say("chat.seat", "User", message.UserMention(user), "Time",
			message.ShortTime(n.Until))
	case rooms.KnockAnswered:
		r, m.Content = n.Room, t.Say("chat.let-in", "User", message.UserMention(user))
	}
	m.Components = []discord.LayoutComponent{message.Row(message.Link(t.Say("button.page"), site.Room(r.ID)))}
	return r.ID, m
}

// channelMessage finds the words for all who read a channel.
func channelMessage(t text.Texts, n rooms.Notice) (snowflake.ID, discord.MessageCreate) {
	in := func(
		r room.Summary, words string, buttons ...discord.InteractiveComponent,
	) (snowflake.ID, discord.MessageCreate) {
		m := discord.MessageCreate{Content: words}
		if len(buttons) > 0 {
			m.Components = []discord.LayoutComponent{message.Row(buttons...)}
		}
		return r.ID, m
	}
	switch n := n.(type) {
	case rooms.ClosingSoon:
		if n.Reason == room.ClosedAge {
			return in(n.Room, t.Say("chat.closing.age", "When", message.RelativeTime(n.At)))
		}
		keep := message.CustomID{Action: message.ActionKeep, Guild: n.Room.GuildID, Room: n.Room.ID}
		return in(n.Room, t.Say("chat.closing", "When", message.RelativeTime(n.At)),
			message.Button(discord.ButtonStyleSuccess, "⏰", t.Say("button.keep"), keep))
	case rooms.NameRefused:
		return in(n.Room,
			t.Say("chat.name", "User", message.UserMention(n.Room.Access.OwnerID), "Name", message.Bold(n.Room.Name)))
	case rooms.StaysOpen:
		return in(n.Room, t.Say("chat.stays"))
	case rooms.NewOwner:
		return in(n.Room, t.Say("chat.owner", "User", message.UserMention(n.Owner)))
	case rooms.LogEntries:
		var list []string
		for _, e := range n.Entries {
			list = append(list, logLine(t, e))
		}
		return n.Channel, discord.MessageCreate{Content: strings.Join(list, "\n")}
	}
	return 0, discord.MessageCreate{}
}

// logLine gives an entry of the audit as a line of the log channel.
func logLine(t text.Texts, e audit.Entry) string {
	style := text.Style{
		Person:  message.UserMention,
		Room:    message.ChannelMention,
		Setting: func(name string) string { return t.Say("setting." + name) },
		Value: func(name, json string) string {
			return message.Cut(setting.SayJSON(t, name, json, func(_ schema.Kind, id snowflake.ID) string {
				return id.String()
			}), message.MaxOption)
		},
		Text: message.Escape,
	}
	row, _ := audit.Find(e.Kind)
	words := t.Entry(&e, style)
	if e.RoomID != 0 {
		words = message.ChannelMention(e.RoomID) + " · " + words
	}
	return fmt.Sprintf("<t:%d:T> %s %s", e.At.Unix(), row.Icon, words)
}
