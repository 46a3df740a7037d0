package commands

import (
	"fmt"
	"strings"
	"time"

	"snug/shared/room"
)

// escape keeps Discord from reading a name as Markdown or as a mention.
func escape(name string) string {
	var b strings.Builder
	for _, r := range name {
		if strings.ContainsRune("\\*_~`|>#<@[]():-", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func bold(name string) string { return "**" + escape(name) + "**" }

// when gives a time that every reader's Discord shows in their own words.
func when(t time.Time) string { return fmt.Sprintf("<t:%d:R>", t.Unix()) }

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func privacy(a room.Access) string {
	switch {
	case a.Locked:
		return "locked"
	case a.Private:
		return "private"
	}
	return "open to all members"
}
