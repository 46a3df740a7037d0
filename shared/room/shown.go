package room

import (
	"strings"
	"unicode"
)

// maxMarks is how many combining marks may stand on one letter: enough for
// every language, too few to write over the lines around it.
const maxMarks = 4

// Shown gives a name that Discord told, somebody's or a server's, as Snug
// shows it: without what is not seen or turns the writing around it, and with
// no more marks on a letter than writing needs. or stands in for a name of
// which nothing is left.
func Shown(name, or string) string {
	text, _ := cleanText("name", strings.ToValidUTF8(name, "\ufffd")) // fails on nothing but invalid UTF-8
	if text == "" {
		text = or
	}
	marks := 0
	return strings.Map(func(r rune) rune {
		if !unicode.In(r, unicode.Mn, unicode.Me) || r >= 0xfe00 && r <= 0xfe0f {
			marks = 0
			return r
		}
		if marks++; marks > maxMarks {
			return -1
		}
		return r
	}, text)
}
