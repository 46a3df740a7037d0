package protocol

import (
	"time"

	"snug/shared/errs"
)

// CloseCode tells why the server closed a connection (RFC 6455, section 7.4).
type CloseCode int

// The close codes that the server sends.
const (
	CloseProtocol    CloseCode = 1002 // violates the protocol
	CloseBinary      CloseCode = 1003 // a binary message
	CloseNotUTF8     CloseCode = 1007
	ClosePolicy      CloseCode = 1008 // too slow, or too many messages
	CloseTooBig      CloseCode = 1009 // a message larger than MaxClientMessage
	CloseInternal    CloseCode = 1011
	CloseRestart     CloseCode = 1012
	CloseTryLater    CloseCode = 1013 // not ready, or Discord could not be reached
	CloseNoAuth      CloseCode = 4001 // no auth message in time
	CloseBadToken    CloseCode = 4002
	CloseSessionOver CloseCode = 4003
	CloseForbidden   CloseCode = 4004
	CloseTooMany     CloseCode = 4008 // too many connections
)

var closeTable = map[CloseCode]struct {
	meaning string
	retry   bool
	wait    time.Duration
}{
	CloseProtocol:    {"not this protocol", false, 0},
	CloseBinary:      {"text messages only", false, 0},
	CloseNotUTF8:     {"not UTF-8", false, 0},
	ClosePolicy:      {"too slow, or too many messages", true, time.Second},
	CloseTooBig:      {"message too big", false, 0},
	CloseInternal:    {"something broke on our side", true, time.Second},
	CloseRestart:     {"restarting", true, time.Second},
	CloseTryLater:    {"not ready yet", true, time.Second},
	CloseNoAuth:      {"no auth in time", true, time.Second},
	CloseBadToken:    {"bad token", true, time.Second},
	CloseSessionOver: {"session ended", false, 0},
	CloseForbidden:   {"not found, or not for you", false, 0},
	CloseTooMany:     {"too many connections", true, 16 * time.Second},
}

// Codes returns every close code that the server sends.
func Codes() []CloseCode {
	return []CloseCode{
		CloseProtocol, CloseBinary, CloseNotUTF8, ClosePolicy, CloseTooBig, CloseInternal, CloseRestart,
		CloseTryLater, CloseNoAuth, CloseBadToken, CloseSessionOver, CloseForbidden, CloseTooMany,
	}
}

// Meaning returns a short reason, as sent in the close frame.
func (c CloseCode) Meaning() string { return closeTable[c].meaning }

// Retry reports whether a client should reconnect with a new token, and how long it must wait
// first. A code that the server does not send means a broken connection: reconnect.
func (c CloseCode) Retry() (wait time.Duration, again bool) {
	t, ok := closeTable[c]
	if !ok {
		return time.Second, true
	}
	return t.wait, t.retry
}

// CloseFor returns the code for closing a connection because of err.
func CloseFor(err error) CloseCode {
	switch errs.CodeOf(err) {
	case errs.TokenInvalid, errs.TokenExpired:
		return CloseBadToken
	case errs.Unauthorized, errs.TokenRevoked:
		return CloseSessionOver
	case errs.Forbidden, errs.NotFound, errs.RoomNotFound:
		return CloseForbidden
	case errs.RateLimited:
		return CloseTooMany
	case errs.Invalid:
		return CloseProtocol
	case errs.Unavailable, errs.DiscordUnavailable:
		return CloseTryLater
	}
	return CloseInternal
}
