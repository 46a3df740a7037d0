package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"snug/shared/errs"
)

// Limits of a room, from Discord's voice channels.
const (
	MaxName  = 100 // characters
	MinSeats = 1
	MaxSeats = 99
	// MaxStatus bounds a voice channel's status.
	MaxStatus = 500 // characters
	// MaxPresetName bounds a preset's name: two fit beside each other on a phone.
	MaxPresetName = 32 // characters
)

// CleanName returns the name as it is stored: surrounding and repeated space folded, control
// characters dropped. It fails with errs.Invalid unless 1 to MaxName characters are left.
func CleanName(name string) (string, error) {
	name, err := cleanText("name", name)
	if err != nil {
		return "", err
	}
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", errs.Field("name", "A room needs a name of 1 to %d characters.", MaxName)
	case n > MaxName:
		return "", errs.Field("name",
			"That name has %d characters, and a room's name can have up to %d. Shorten it.", n, MaxName)
	}
	return name, nil
}

// CleanPresetName returns a preset's name as it is stored, by the rules of rooms' names.
func CleanPresetName(name string) (string, error) {
	name, err := cleanText("name", name)
	if n := utf8.RuneCountInString(name); err == nil && (n == 0 || n > MaxPresetName) {
		err = errs.Field("name", "A preset needs a name of 1 to %d characters.", MaxPresetName)
	}
	return name, err
}

// cleanText folds space and drops what is not seen: control characters,
// invisible format characters that are no part of an emoji, and bidirectional overrides.
func cleanText(field, text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", errs.Field(field, "That name isn't valid text. Type it again.")
	}
	seen := false
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r', unicode.Is(unicode.Zs, r):
			return ' '
		case r == 0x200c, r == 0x200d, r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0020 && r <= 0xe007f:
			// joiners, emoji variants and flags
			return r
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Cs, r), unicode.Is(unicode.Co, r),
			r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x2800, r == 0x2028, r == 0x2029:
			// fillers that look like nothing
			return -1
		}
		seen = true
		return r
	}, text)
	if !seen {
		text = ""
	}
	return strings.Join(strings.Fields(text), " "), nil
}

// CheckSeats fails with errs.Invalid unless a room may have that many seats.
func CheckSeats(seats int) error {
	if seats < MinSeats || seats > MaxSeats {
		return errs.Field("seats", "A room can have %d to %d seats, not %d.", MinSeats, MaxSeats, seats)
	}
	return nil
}

// CleanStatus returns a voice status as it is stored, by the rules of names; "" is none.
func CleanStatus(status string) (string, error) {
	if strings.TrimSpace(status) == "" {
		return "", nil
	}
	status, err := cleanText("status", status)
	if n := utf8.RuneCountInString(status); err == nil && n > MaxStatus {
		return "", errs.Field("status", "That status has %d characters, and it can have up to %d. Shorten it.", n,
			MaxStatus)
	}
	return status, err
}

// maxMarks is how many combining marks may stand on one letter: enough for
// every language, too few to write over the lines around it.
const maxMarks = 4

// Printable returns a user's or server's name from Discord as Snug displays
// it: without invisible and bidirectional control characters, and with at most
// maxMarks combining marks on a letter. If nothing is left it returns or.
func Printable(name, or string) string {
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
