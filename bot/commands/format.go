package commands

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
const (
	maxMessage = 2000
	maxLabel   = 80  // of a button
	maxOption  = 100 // of a menu's or a suggestion's label
	maxChoices = 25
)

// escape shows a name as it is: Discord reads it neither as Markdown nor as a
// mention or a link, and signs that turn the writing around stay out.
func escape(name string) string {
	var b strings.Builder
	for _, r := range strip(name) {
		if strings.ContainsRune("\\*_~`|>#<@[]():-.!+", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// strip drops what changes how the rest is written, and joins lines.
func strip(name string) string {
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

// refusal says why something was refused, with what people typed in it shown as it is.
func refusal(t text.Texts, err error) string {
	e := errs.Public(err)
	args := make([]any, len(e.Args))
	for i, v := range e.Args {
		if s, ok := v.(string); ok {
			v = shown(s)
		}
		args[i] = v
	}
	if len(args) > 0 {
		e.Args, e.Message = args, fmt.Sprintf(e.Format, args...)
	}
	return t.Refusal(e)
}

// shown is a text that is escaped after it was formatted, so that quoting it does not quote the escapes.
type shown string

func (s shown) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, escape(fmt.Sprintf(fmt.FormatString(f, verb), string(s)))) // fmt's own state takes everything
}

func bold(name string) string { return "**" + escape(name) + "**" }

// cut shortens to so many characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// when gives a time that every reader's Discord shows in their own words.
func when(t time.Time) string { return fmt.Sprintf("<t:%d:R>", t.Unix()) }

// clock tells a time of today as everybody's own clock shows it.
func clock(t time.Time) string { return fmt.Sprintf("<t:%d:t>", t.Unix()) }

func channelMention(id snowflake.ID) string { return "<#" + id.String() + ">" }

func userMention(id snowflake.ID) string { return "<@" + id.String() + ">" }

// privacy says in a word or two who gets in.
func privacy(t text.Texts, a room.Access) string {
	var list []string
	switch {
	case a.Private:
		list = append(list, t.Say("privacy.private"))
	case a.Hidden:
		list = append(list, t.Say("privacy.hidden"))
	}
	if a.Locked {
		list = append(list, t.Say("privacy.locked"))
	}
	if len(list) == 0 {
		return t.Say("privacy.open")
	}
	return strings.Join(list, ", ")
}

// seats says how many seats are taken.
func seats(t text.Texts, taken, of int) string {
	return t.Say("room.taken", "Taken", taken, "Count", of)
}

func row(list ...discord.InteractiveComponent) discord.LayoutComponent {
	return discord.NewActionRow(list...)
}

// button is one of ours, with an emoji before its words.
func button(style discord.ButtonStyle, emoji, label string, id customID) discord.ButtonComponent {
	b := discord.NewButton(style, cut(label, maxLabel), id.String(), "", 0)
	if emoji != "" {
		b = b.WithEmoji(discord.NewComponentEmoji(emoji))
	}
	return b
}

// link is a button that opens a page.
func link(label, url string) discord.ButtonComponent {
	return discord.NewLinkButton(cut(label, maxLabel), url)
}

// mentions lists people as Discord shows them, as many as are read at a glance.
func mentions(t text.Texts, users []snowflake.ID) string {
	const most = 15
	var list []string
	for i, u := range users {
		if i == most {
			list = append(list, t.Say("more", "Count", len(users)-most))
			break
		}
		list = append(list, userMention(u))
	}
	return t.List(list)
}

// lines joins what is not empty.
func lines(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), "\n")
}
