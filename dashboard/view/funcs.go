package view

import (
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// funcs are what templates can call beside the methods of their data.
func (e *Engine) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":  e.assets.path,
		"avatar": e.avatar,
		"icon":   e.icon,
		"tint":   tint,
		"letter": letter,
		"ago":    ago,
		"until":  until,
		"clock":  clock,
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"qr":     QR,
		"plural": plural,
		"field":  newField,
		"has":    has,
		"at":     func(now time.Time, c RoomCard) house { return house{c, now} },
	}
}

// avatar gives the address of a user's picture, or "" if they have none.
func (e *Engine) avatar(user snowflake.ID, hash string) string {
	if hash == "" {
		return ""
	}
	return e.cdn + "/avatars/" + user.String() + "/" + hash + ".png?size=128"
}

// icon gives the address of a server's picture, or "" if it has none.
func (e *Engine) icon(g room.GuildInfo) string {
	if g.Icon == "" {
		return ""
	}
	return e.cdn + "/icons/" + g.ID.String() + "/" + g.Icon + ".png?size=64"
}

// tint gives the number of the colour somebody without a picture has: always
// the same one. The scripts count in the same way.
func tint(id snowflake.ID) int { return int((uint64(id) >> 22) % 8) }

// letter is what stands on an avatar without a picture.
func letter(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return strings.ToUpper(string(r))
		}
	}
	if r, _ := utf8.DecodeRuneInString(name); r != utf8.RuneError {
		return string(r)
	}
	return "?"
}

// ago tells how long since, as in "42 min ago".
func ago(now, t time.Time) string {
	if d := now.Sub(t); d >= time.Minute {
		return span(d, false) + " ago"
	}
	return "just now"
}

// until tells how long until, as in "23 h 18 min" or "24 s".
func until(now, t time.Time) string { return span(max(0, t.Sub(now)), true) }

// span tells a length of time in its one or two largest units, rounded down; with seconds only below a minute.
func span(d time.Duration, fine bool) string {
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	join := func(a int, unitA string, b int, unitB string) string {
		s := strconv.Itoa(a) + " " + unitA
		if fine && b > 0 {
			s += " " + strconv.Itoa(b) + " " + unitB
		}
		return s
	}
	switch {
	case days == 1:
		return join(1, "day", hours, "h")
	case days > 1:
		return join(days, "days", hours, "h")
	case hours > 0:
		return join(hours, "h", minutes, "min")
	case minutes > 0:
		return join(minutes, "min", 0, "")
	}
	return strconv.Itoa(int(math.Ceil(d.Seconds()))) + " s"
}

// clock tells a countdown, as in "1:40".
func clock(now, t time.Time) string {
	s := int(math.Ceil(max(0, t.Sub(now).Seconds())))
	return strconv.Itoa(s/60) + ":" + pad(s%60)
}

func pad(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// plural gives "1 seat" or "4 seats".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func has(list []string, id snowflake.ID) bool {
	for _, s := range list {
		if s == id.String() {
			return true
		}
	}
	return false
}

// house is a room on the street, as it is drawn.
type house struct {
	RoomCard
	Now time.Time
}
