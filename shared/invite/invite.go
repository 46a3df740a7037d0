// Package invite makes the codes of invite links, and says where they lead.
//
// Whoever knows a code can follow its link, so only its SHA-256 is stored in the clear: as the key under which the
// hub's bucket Invites has the Target. The code itself is sealed in the room's document, so that the people who may
// hand the link out can see it again. Whether a link still lets somebody in is in that document too, and package
// bot/rooms decides. This package does no I/O and is safe for concurrent use.
package invite

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/keyring"
)

// length is a code's, in characters.
const length = 26

// Remembered is how long it is known after an invite's end where its link led, so that its page can say what happened.
const Remembered = 24 * time.Hour

// Target is where a code leads.
type Target struct {
	GuildID snowflake.ID `json:"guild_id"`
	RoomID  snowflake.ID `json:"room_id"`
	Expires time.Time    `json:"expires"` // the invite's end
}

// ExpiresAt is when the hub drops the target.
func (t Target) ExpiresAt() time.Time { return t.Expires.Add(Remembered) }

// NewID returns the id of an invite, which is no secret.
func NewID() string { return rand.Text() }

// NewCode returns a code: 130 random bits in lower-case base32 (RFC 4648).
func NewCode() string { return strings.ToLower(rand.Text()) }

// Parse returns a code in lower case, as people may type it in either. It fails with errs.TokenInvalid.
func Parse(text string) (string, error) {
	code := strings.ToLower(text)
	strange := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
	if len(code) != length || strings.ContainsFunc(code, strange) {
		return "", Unknown()
	}
	return code, nil
}

// Unknown is the error for a code that nobody was given, or that ended so long ago that it's forgotten.
func Unknown() error {
	return errs.E(errs.TokenInvalid,
		"This link doesn't lead anywhere. Check that you have all of it, or ask the person who sent it for a new one.")
}

// Key returns a code's key in the hub.
func Key(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// Seal encrypts the code of the invite with this id.
func Seal(keys *keyring.Keyring, id, code string) []byte { return keys.Seal([]byte(code), sealing(id)) }

// Open decrypts what Seal returned for the same invite. It fails if none of the keys made it.
func Open(keys *keyring.Keyring, id string, sealed []byte) (string, error) {
	code, err := keys.Open(sealed, sealing(id))
	if err != nil {
		return "", fmt.Errorf("opening the code of invite %s: %w", id, err)
	}
	return string(code), nil
}

// sealing binds a code to its invite, so that it can't be moved to another.
func sealing(id string) string { return "invite " + id }
