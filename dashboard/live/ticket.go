package live

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/golang-jwt/jwt/v5"

	"snug/shared/errs"
	"snug/shared/keyring"
	"snug/shared/room"
)

// Audience marks a token as one for the live connection.
const Audience = "snug-live"

// TokenLife is how long a token opens a connection. The connection then lives as long as its session.
const TokenLife = 60 * time.Second

// Ticket is what a live token stands for: who watches what, and until when.
type Ticket struct {
	UserID, GuildID snowflake.ID
	RoomID          snowflake.ID // 0: all rooms of the guild that this person may see
	// SessionID is what EndSession takes. The token holds a hash of it alone.
	SessionID      string
	SessionExpires time.Time
	// WatchKey makes it a spectator's ticket, for RoomID alone: nobody is
	// signed in, and it is good for as long as it is the key of the room's Access.
	WatchKey string
}

type claims struct {
	keyring.Claims              // Subject is the user's id
	GuildID        snowflake.ID `json:"gid"`
	RoomID         snowflake.ID `json:"rid,omitempty"`
	Session        string       `json:"sid"`
	Ends           int64        `json:"end"` // Unix milliseconds
	Watch          string       `json:"wk,omitempty"`
}

// seat is a ticket as read from a token.
type seat struct {
	user, guild, room snowflake.ID
	session           string // hash
	ends              time.Time
	watch             string // a spectator's key; "" for who is signed in
}

// spectator reports whether nobody is signed in.
func (s seat) spectator() bool { return s.watch != "" }

// opens reports whether a spectator's key is the room's.
func (s seat) opens(a room.Access) bool {
	return s.watch != "" && subtle.ConstantTimeCompare([]byte(s.watch), []byte(a.WatchKey)) == 1
}

// Token makes the token for a ticket. It fails with errs.Invalid for a ticket without user, guild or an end,
// unless it is a spectator's.
func (l *Live) Token(t Ticket) (string, error) {
	if t.GuildID == 0 || t.WatchKey == "" && (t.UserID == 0 || t.SessionExpires.IsZero()) ||
		t.WatchKey != "" && (t.UserID != 0 || t.RoomID == 0) {
		return "", errs.E(errs.Invalid, "A live token needs a user, a server and the end of a session.")
	}
	now := l.o.Now()
	return l.o.Keys.Sign(Audience, now, now.Add(TokenLife), func(c keyring.Claims) jwt.Claims {
		if t.WatchKey != "" {
			c.Subject = "spectator"
			return claims{Claims: c, GuildID: t.GuildID, RoomID: t.RoomID, Watch: t.WatchKey}
		}
		c.Subject = t.UserID.String()
		return claims{
			Claims: c, GuildID: t.GuildID, RoomID: t.RoomID, Session: hashSession(t.SessionID),
			Ends: t.SessionExpires.UnixMilli(),
		}
	})
}

// readToken fails with errs.TokenInvalid or TokenExpired, and with errs.Unauthorized if the session ended.
func (l *Live) readToken(token string) (seat, error) {
	var c claims
	now := l.o.Now()
	if err := l.o.Keys.Verify(Audience, token, now, &c); err != nil {
		return seat{},
			errs.E(errs.CodeOf(err),
				"This live token is not valid any more. Get a new one from POST /api/v1/live-token and connect again.").Because(err)
	}
	if c.Watch != "" {
		return seat{guild: c.GuildID, room: c.RoomID, watch: c.Watch}, nil
	}
	user, err := snowflake.Parse(c.Subject)
	if err != nil {
		return seat{},
			errs.E(errs.TokenInvalid,
				"This live token is not valid. Get a new one from POST /api/v1/live-token and connect again.").Because(err)
	}
	s := seat{user: user, guild: c.GuildID, room: c.RoomID, session: c.Session, ends: time.UnixMilli(c.Ends)}
	if !s.ends.After(now) {
		return seat{}, errSessionOver()
	}
	return s, nil
}

func errSessionOver() error {
	return errs.E(errs.Unauthorized, "Your session ended. Please sign in again.")
}

// hashSession is what of a session's id may be seen by a page's scripts.
func hashSession(id string) string {
	sum := sha256.Sum256([]byte("snug live session " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
