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

// Audience marks a token as meant for the live connection.
const Audience = "snug-live"

// TokenLife is how long a token can be used to connect. The connection then lasts as long as its session.
const TokenLife = 60 * time.Second

// Ticket is the content of a live token: who watches what, and until when.
type Ticket struct {
	UserID, GuildID snowflake.ID
	RoomID          snowflake.ID // 0: all rooms of the guild that this user may see
	// SessionID is the argument for EndSession. The token contains only its hash.
	SessionID      string
	SessionExpires time.Time
	// WatchKey makes it a spectator's ticket, only for RoomID: nobody is signed in, and it is valid as
	// long as it is the key in the room's Access.
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

// admission is the content of a token that was read.
type admission struct {
	user, guild, room snowflake.ID
	session           string // hash
	ends              time.Time
	watch             string // a spectator's key; "" for somebody who is signed in
}

// spectator reports whether nobody is signed in.
func (s admission) spectator() bool { return s.watch != "" }

// opens reports whether a spectator's key is the room's current one.
func (s admission) opens(a room.Access) bool {
	return s.watch != "" && subtle.ConstantTimeCompare([]byte(s.watch), []byte(a.WatchKey)) == 1
}

// Token makes a ticket's token. It returns errs.Invalid if the ticket has no user, guild or end,
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

// readToken fails with errs.TokenInvalid or TokenExpired, and with errs.Unauthorized if the session has ended.
func (l *Live) readToken(token string) (admission, error) {
	var c claims
	now := l.o.Now()
	if err := l.o.Keys.Verify(Audience, token, now, &c); err != nil {
		return admission{}, errs.E(errs.CodeOf(err),
			"This live token is no longer valid. Get a new one from POST /api/v1/live-token and connect again.").
			Because(err)
	}
	if c.Watch != "" {
		return admission{guild: c.GuildID, room: c.RoomID, watch: c.Watch}, nil
	}
	user, err := snowflake.Parse(c.Subject)
	if err != nil {
		return admission{}, errs.E(errs.TokenInvalid,
			"This live token isn't valid. Get a new one from POST /api/v1/live-token and connect again.").
			Because(err)
	}
	s := admission{user: user, guild: c.GuildID, room: c.RoomID, session: c.Session, ends: time.UnixMilli(c.Ends)}
	if !s.ends.After(now) {
		return admission{}, errSessionOver()
	}
	return s, nil
}

func errSessionOver() error {
	return errs.E(errs.Unauthorized, "Your session ended. Sign in again.")
}

// hashSession returns the hash of a session's id, which page scripts may see.
func hashSession(id string) string {
	sum := sha256.Sum256([]byte("snug live session " + id))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
