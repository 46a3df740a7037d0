// Package message is what Snug's messages in Discord are made of, and what the
// packages that write them (commands, panels) have in common: texts that show
// names as they are, buttons, the custom ids and actions of components, and
// the addresses of the dashboard's pages. Everything here is a pure function.
package message

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/text"
)

// Discord's limits on what is shown, in characters.
// https://discord.com/developers/docs/resources/message#create-message
// https://discord.com/developers/docs/components/reference
const (
	MaxContent = 2000
	maxLabel   = 80  // of a button
	MaxOption  = 100 // of a menu's or a suggestion's label
	MaxChoices = 25  // of a menu, or suggestions, in number
)

// Escape shows a name as it is: Discord reads it neither as Markdown nor as a
// mention or a link, and signs that turn the writing around stay out.
func Escape(name string) string {
	var b strings.Builder
	for _, r := range Strip(name) {
		if strings.ContainsRune("\\*_~`|>#<@[]():-.!+", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Strip drops what changes how the rest is written, and joins lines.
func Strip(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError:
			return -1
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, name)
}

// Refusal says why something was refused, with what people typed in it shown as it is.
func Refusal(t text.Texts, err error) string {
	e := errs.Public(err)
	args := make([]any, len(e.Args))
	for i, v := range e.Args {
		if s, ok := v.(string); ok {
			v = escaped(s)
		}
		args[i] = v
	}
	if len(args) > 0 {
		e.Args, e.Message = args, fmt.Sprintf(e.Format, args...)
	}
	return t.Refusal(e)
}

// escaped is a text that is escaped after it was formatted, so that quoting it does not quote the escapes.
type escaped string

func (s escaped) Format(f fmt.State, verb rune) {
	// fmt's own state takes everything
	_, _ = io.WriteString(f, Escape(fmt.Sprintf(fmt.FormatString(f, verb), string(s))))
}

func Bold(name string) string { return "**" + Escape(name) + "**" }

// Cut shortens to so many characters.
func Cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// RelativeTime gives a time that every reader's Discord shows in their own words.
func RelativeTime(t time.Time) string { return fmt.Sprintf("<t:%d:R>", t.Unix()) }

// ShortTime tells a time of today as everybody's own clock shows it.
func ShortTime(t time.Time) string { return fmt.Sprintf("<t:%d:t>", t.Unix()) }

// ChannelMention shows a channel as a link to it.
func ChannelMention(id snowflake.ID) string { return "<#" + id.String() + ">" }

// UserMention shows a user. Nobody is notified unless the message's AllowedMentions say so.
func UserMention(id snowflake.ID) string { return "<@" + id.String() + ">" }

// Privacy says in a word or two who gets in.
func Privacy(t text.Texts, p room.Privacy) string {
	icons := map[string]string{"open": "🌍", "private": "🔒", "locked": "🚫", "hidden": "🙈"}
	var list []string
	for _, w := range p.Words() {
		list = append(list, icons[w]+" "+t.Say("privacy."+w))
	}
	return strings.Join(list, ", ")
}

// Seats says how many seats are taken.
func Seats(t text.Texts, taken, of int) string {
	return t.Say("room.taken", "Taken", taken, "Count", of)
}

// Row puts buttons, or one menu, beside each other.
func Row(list ...discord.InteractiveComponent) discord.LayoutComponent {
	return discord.NewActionRow(list...)
}

// Button is one of ours, with an emoji before its words.
func Button(style discord.ButtonStyle, emoji, label string, id CustomID) discord.ButtonComponent {
	b := discord.NewButton(style, Cut(label, maxLabel), id.String(), "", 0)
	if emoji != "" {
		b = b.WithEmoji(discord.NewComponentEmoji(emoji))
	}
	return b
}

// Link is a button that opens a page.
func Link(label, url string) discord.ButtonComponent {
	return discord.NewLinkButton(Cut(label, maxLabel), url)
}

// Mentions lists people as Discord shows them, as many as are read at a glance.
func Mentions(t text.Texts, users []snowflake.ID) string {
	const most = 15
	var list []string
	for i, u := range users {
		if i == most {
			list = append(list, t.Say("more", "Count", len(users)-most))
			break
		}
		list = append(list, UserMention(u))
	}
	return t.List(list)
}

// Lines joins what is not empty.
func Lines(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), "\n")
}

// Card shows a room's card in lines: its headline, its note, and its link with the whole address, so that everybody
// sees where it leads.
func Card(c room.Card) (lines []string) {
	if c.Headline != "" {
		lines = append(lines, "🪧 "+Bold(c.Headline))
	}
	if c.Note != "" {
		lines = append(lines, Escape(c.Note))
	}
	if c.Link != "" {
		lines = append(lines, "🔗 <"+c.Link+">")
	}
	return lines
}
