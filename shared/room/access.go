package room

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// Via says through which door a request came.
type Via string

// The doors.
const (
	ViaDiscord Via = "discord" // a slash command, button or menu
	ViaWeb     Via = "web"     // the dashboard's pages and its JSON API
	ViaSnug    Via = "snug"    // Snug itself: the reaper, a repair
)

// Standing is a user's place in a guild, as Discord said at CheckedAt.
type Standing struct {
	GuildID snowflake.ID   `json:"guild_id"`
	UserID  snowflake.ID   `json:"user_id"`
	Member  bool           `json:"member"`            // is in the server
	Owner   bool           `json:"owner,omitempty"`   // owns the server
	Admin   bool           `json:"admin,omitempty"`   // owns the server, or has Administrator: Discord denies them nothing
	Manager bool           `json:"manager,omitempty"` // as Admin, or has Manage Server and is not timed out
	Roles   []snowflake.ID `json:"roles,omitempty"`   // without @everyone
	Bot     bool           `json:"bot,omitempty"`
	// Pending is set until they accept the rules (membership screening): they see and read, nothing more.
	Pending bool `json:"pending,omitempty"`
	// TimedOutUntil is when their timeout ends, as Discord told it: it may be past; zero for none.
	TimedOutUntil time.Time `json:"timed_out_until,omitzero"`
	Username      string    `json:"username"`
	DisplayName   string    `json:"display_name"`     // nickname, else global name, else username
	Avatar        string    `json:"avatar,omitempty"` // hash; "" for none
	CheckedAt     time.Time `json:"checked_at"`
}

// CheckManager fails with errs.Forbidden unless they manage the server.
func (s Standing) CheckManager() error {
	if !s.Manager {
		return errs.E(errs.Forbidden, "Only members with the Manage Server permission can change Snug's settings. Ask one of them.")
	}
	return nil
}

// Actor is who asks for something, and how.
type Actor struct {
	UserID snowflake.ID `json:"user_id"`
	Via    Via          `json:"via"`
	// Standing is set when Discord told it with the request (an
	// interaction); otherwise the keeper asks Discord.
	Standing *Standing `json:"standing,omitempty"`
}

// Access is what decides who may see and enter a room.
type Access struct {
	OwnerID     snowflake.ID   `json:"owner_id"`
	Private     bool           `json:"private"`
	Locked      bool           `json:"locked,omitempty"`
	Hidden      bool           `json:"hidden,omitempty"`
	ManagersSee bool           `json:"managers_see,omitempty"` // managers see private rooms too
	Guests      []snowflake.ID `json:"guests,omitempty"`
	Banned      []snowflake.ID `json:"banned,omitempty"`
	// WatchKey is WatchKey of the room's watch token; "" while the room may not be watched.
	WatchKey string `json:"watch_key,omitempty"`
}

// WatchKey gives the key by which a watch token is known without being told; "" for "".
func WatchKey(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("snug watch " + token))
	return hex.EncodeToString(sum[:16])
}

// MayWatch says whether a watch token shows the room to a spectator, who
// need not be signed in: the room may be watched and the token is its present one.
func (a Access) MayWatch(token string) bool {
	return a.WatchKey != "" && subtle.ConstantTimeCompare([]byte(WatchKey(token)), []byte(a.WatchKey)) == 1
}

// Admitted says whether the user has a place of their own in the room: its owner and its guests have.
func (a Access) Admitted(user snowflake.ID) bool {
	return !slices.Contains(a.Banned, user) && (a.OwnerID == user || slices.Contains(a.Guests, user))
}

// MaySee says whether somebody may see the room and who is in it.
func (a Access) MaySee(s Standing) bool {
	switch {
	case !s.Member || slices.Contains(a.Banned, s.UserID):
		return false
	case a.Admitted(s.UserID), a.ManagersSee && s.Manager:
		return true
	}
	return !a.Private && !a.Hidden
}

// MayEnter says whether somebody may take a seat, if one is free. In a locked
// room only its owner and its guests may, and invites let nobody in.
func (a Access) MayEnter(s Standing) bool {
	if !a.MaySee(s) {
		return false
	}
	return a.Admitted(s.UserID) || !a.Private && !a.Locked
}

// MayControl says whether somebody may change the room and invite to it: its
// owner may, and the server's managers where they may see it.
func (a Access) MayControl(s Standing) bool {
	return a.MaySee(s) && a.MayClose(s)
}

// MayClose says whether somebody may close the room: its owner and the
// server's managers may, also where they do not see who is in it.
func (a Access) MayClose(s Standing) bool {
	return s.Member && (a.OwnerID == s.UserID || s.Manager)
}

// CheckClose fails with errs.Forbidden unless somebody may close the room.
func (a Access) CheckClose(s Standing) error {
	if !a.MayClose(s) {
		return errs.E(errs.Forbidden, "Only the room's owner or somebody who manages the server can close it. Please ask them.")
	}
	return nil
}

// MayKnock says whether somebody can ask to be let in: they are in the server, not inside already, and not banned.
func (a Access) MayKnock(s Standing) bool {
	return s.Member && !slices.Contains(a.Banned, s.UserID) && !a.MayEnter(s)
}
