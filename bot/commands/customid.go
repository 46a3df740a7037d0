package commands

import (
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"
)

// customID is what a button, a menu or a modal of ours carries: all that is
// needed to act on it, so that it works after a restart. It comes back from
// people's clients, so nothing in it is believed: ids are looked up, and what
// somebody may do is asked of the keeper each time.
type customID struct {
	action string
	guild  snowflake.ID
	room   snowflake.ID // 0: about no room
	arg    string       // such as a user's id; "" for none
}

// customPrefix begins our custom ids, with the version of their form.
const customPrefix = "snug1"

// maxCustomID is Discord's limit.
const maxCustomID = 100

func (id customID) String() string {
	return strings.Join([]string{customPrefix, id.action, id.guild.String(), id.room.String(), id.arg}, "/")
}

// user reads the argument as a user's id; 0 if it is none.
func (id customID) user() snowflake.ID {
	u, _ := parseID(id.arg)
	return u
}

// parseCustomID reads what String wrote, and nothing else.
func parseCustomID(s string) (customID, bool) {
	part := strings.Split(s, "/")
	if len(s) > maxCustomID || len(part) != 5 || part[0] != customPrefix || part[1] == "" || !plain(part[1]) || !plain(part[4]) {
		return customID{}, false
	}
	guild, ok1 := parseID(part[2])
	room, ok2 := parseID(part[3])
	if !ok1 || !ok2 || guild == 0 {
		return customID{}, false
	}
	return customID{action: part[1], guild: guild, room: room, arg: part[4]}, true
}

// plain says whether a text has nothing but small letters, digits and signs that join them.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) < 0
}

// parseID reads an id in the one form that it has.
func parseID(s string) (snowflake.ID, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return snowflake.ID(n), err == nil && strconv.FormatUint(n, 10) == s
}
