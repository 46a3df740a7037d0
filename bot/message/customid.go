package message

import (
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"
)

// CustomID is what a button, a menu or a modal of ours carries: all that is
// needed to act on it, so that it works after a restart. It comes back from
// people's clients, so nothing in it is believed: ids are looked up, and what
// somebody may do is asked of package rooms each time.
type CustomID struct {
	Action string
	Guild  snowflake.ID
	Room   snowflake.ID // 0: about no room
	Arg    string       // such as a user's id; "" for none
}

// customPrefix begins our custom ids, with the version of their form.
const customPrefix = "snug1"

// maxCustomID is Discord's limit.
const maxCustomID = 100

// String writes the id as Discord carries it, in up to 100 characters.
func (id CustomID) String() string {
	return strings.Join([]string{customPrefix, id.Action, id.Guild.String(), id.Room.String(), id.Arg}, "/")
}

// User reads the argument as a user's id; 0 if it is none.
func (id CustomID) User() snowflake.ID {
	u, _ := ParseID(id.Arg)
	return u
}

// ParseCustomID reads what String wrote, and nothing else.
func ParseCustomID(s string) (CustomID, bool) {
	part := strings.Split(s, "/")
	if len(s) > maxCustomID || len(part) != 5 || part[0] != customPrefix || part[1] == "" || !plain(part[1]) ||
		!plain(part[4]) {
		return CustomID{}, false
	}
	guild, ok1 := ParseID(part[2])
	room, ok2 := ParseID(part[3])
	if !ok1 || !ok2 || guild == 0 {
		return CustomID{}, false
	}
	return CustomID{Action: part[1], Guild: guild, Room: room, Arg: part[4]}, true
}

// plain says whether a text has nothing but small letters, digits and signs that join them.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) < 0
}

// ParseID reads an id in the one form that it has.
func ParseID(s string) (snowflake.ID, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return snowflake.ID(n), err == nil && strconv.FormatUint(n, 10) == s
}
