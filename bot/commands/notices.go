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
	"snug/shared/text"
)

// Teller gives what the keeper has its notices said with: direct messages, a
// room's chat, a guild's log channel. It is safe for concurrent use.
func Teller(d *api.Discord, texts *text.Catalog, pages Pages) func(ctx context.Context, guildID snowflake.ID, language string, n keeper.Notice) error {
	return func(ctx context.Context, guildID snowflake.ID, language string, n keeper.Notice) error {
		to, m := notice(texts.For(language), pages, n)
		m.Content, m.AllowedMentions = cut(m.Content, maxMessage), &discord.AllowedMentions{}
		if to.user != 0 {
			return d.Tell(ctx, to.user, m)
		}
		_, err := d.Send(ctx, to.channel, m)
		return err
	}
}

// reader is whom a notice is for: a user, or all who read a channel.
type reader struct{ user, channel snowflake.ID }

// notice finds the words. Direct messages have links rather than buttons of
// ours: those work wherever the shard of direct messages is.
func notice(t text.Texts, pages Pages, n keeper.Notice) (reader, discord.MessageCreate) {
	to := func(user snowflake.ID, r room.Summary, id string, pairs ...any) (reader, discord.MessageCreate) {
		words := t.Say(id, append([]any{"Room", bold(r.Name), "Channel", channelMention(r.ID)}, pairs...)...)
		return reader{user: user}, discord.MessageCreate{Content: words, Components: []discord.LayoutComponent{row(link(t.Say("button.page"), pages.Room(r.ID)))}}
	}
	in := func(r room.Summary, words string, buttons ...discord.InteractiveComponent) (reader, discord.MessageCreate) {
		m := discord.MessageCreate{Content: words}
		if len(buttons) > 0 {
			m.Components = []discord.LayoutComponent{row(buttons...)}
		}
		return reader{channel: r.ID}, m
	}
	switch n := n.(type) {
	case keeper.Invited:
		return reader{user: n.User}, discord.MessageCreate{
			Content:    t.Say("told.invited", "By", escape(n.By), "Room", bold(n.Room.Name), "Link", n.Link),
			Components: []discord.LayoutComponent{row(link(t.Say("button.page"), n.Link))},
		}
	case keeper.ClosingSoon:
		if n.Reason == room.ClosedAge {
			return in(n.Room, t.Say("told.closing.age", "When", when(n.At)))
		}
		keep := customID{action: actKeep, guild: n.Room.GuildID, room: n.Room.ID}
		return in(n.Room, t.Say("told.closing", "When", when(n.At)), button(discord.ButtonStyleSuccess, "⏰", t.Say("button.keep"), keep))
	case keeper.StaysOpen:
		return in(n.Room, t.Say("told.stays"))
	case keeper.SeatFree:
		return to(n.User, n.Room, "told.seat", "Time", clock(n.Until))
	case keeper.MovedBack:
		if n.Held {
			return to(n.User, n.Room, "told.held")
		}
		return to(n.User, n.Room, "told.full")
	case keeper.KnockAnswered:
		if n.LetIn {
			return to(n.User, n.Room, "told.let-in")
		}
		return reader{user: n.User}, discord.MessageCreate{Content: t.Say("told.not-now")}
	case keeper.NewOwner:
		return in(n.Room, t.Say("told.owner", "User", userMention(n.Owner)))
	case keeper.LobbyFailed:
		return reader{user: n.User}, discord.MessageCreate{Content: t.Say("told.lobby", "Why", refusal(t, n.Err))}
	case keeper.Happened:
		var list []string
		for _, e := range n.Entries {
			list = append(list, line(t, e))
		}
		return reader{channel: n.Channel}, discord.MessageCreate{Content: strings.Join(list, "\n")}
	}
	return reader{}, discord.MessageCreate{}
}

// line gives an entry of the audit as a line of the log channel.
func line(t text.Texts, e room.Entry) string {
	person := func(id snowflake.ID) string {
		if id == 0 {
			return "Snug"
		}
		return userMention(id)
	}
	about := channelMention(e.RoomID)
	if e.RoomID == 0 {
		about = ""
	}
	old, now, detail := e.Old, e.New, e.Detail
	switch e.Kind {
	case room.EntrySettings:
		if s, ok := settingNamed(e.Detail); ok {
			detail = t.Say("setting." + s.name)
		}
		old, now = strings.Trim(cut(old, 100), `"`), strings.Trim(cut(now, 100), `"`)
	case room.EntryClosed, room.EntryClosing:
		detail = t.Say("why." + e.Detail)
	case room.EntryPrivacy:
		old, now = privacyWords(t, old), privacyWords(t, now)
	}
	id := "line." + string(e.Kind)
	if e.Kind == room.EntryAdmitted && e.Detail == room.ByLink {
		id += ".link"
	}
	words := t.Say(id, "Room", about, "By", person(e.By), "Target", person(e.Target),
		"Detail", escape(detail), "Old", escape(old), "New", escape(now))
	return fmt.Sprintf("<t:%d:T> %s", e.At.Unix(), words)
}

// privacyWords says what an entry names in codes, such as "private,locked".
func privacyWords(t text.Texts, codes string) string {
	var list []string
	for _, c := range strings.Split(codes, ",") {
		if c == "open" || c == "private" || c == "locked" || c == "hidden" {
			c = t.Say("privacy." + c)
		}
		list = append(list, c)
	}
	return strings.Join(list, ", ")
}
