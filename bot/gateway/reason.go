package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"

	"snug/shared/errs"
)

// Reasons why we ended a connection ourselves. All others are a *websocket.CloseError or a network error.
var (
	errReconnect    = errors.New("Discord asks to reconnect (op 7)")
	errNoHello      = errors.New("no HELLO within the timeout")
	errBadHello     = errors.New("HELLO without a heartbeat interval")
	errNoReady      = errors.New("neither READY nor RESUMED within the timeout")
	errZombie       = errors.New("no heartbeat ACK within the timeout: the connection is half-open")
	errClosing      = errors.New("the shard is closing")
	errGone         = errors.New("the connection ended while a message was waiting to be sent")
	errNoOpcode     = errors.New("message without an opcode")
	errIdentifyTurn = errors.New("waiting for a turn to identify")
	errNoLease      = errors.New("waiting for the shard's lease: another process may hold it")
)

// invalidSession is Invalid Session (op 9).
type invalidSession struct{ resumable bool }

func (e *invalidSession) Error() string {
	return "Discord calls the session invalid (op 9), resumable: " + strconv.FormatBool(e.resumable)
}

// badStream means that compressed data can't be decoded; the rest of the stream is lost.
type badStream struct{ err error }

func (e *badStream) Error() string { return e.err.Error() }
func (e *badStream) Unwrap() error { return e.err }

// refusal is an HTTP response other than a WebSocket upgrade.
type refusal struct {
	status int
	after  time.Duration
}

func (e *refusal) Error() string {
	return fmt.Sprintf("the gateway answered HTTP %d %s instead of upgrading to a WebSocket",
		e.status, http.StatusText(e.status))
}

// closeCode returns the close code Discord sent, 0 if it sent none.
func closeCode(err error) int {
	var ce *websocket.CloseError
	if errors.As(err, &ce) && ce.Code != websocket.CloseAbnormalClosure {
		return ce.Code
	}
	return 0
}

// label returns a short name of a reason, for metrics.
func label(err error) string {
	var (
		op9   *invalidSession
		bad   *badStream
		said  *refusal
		coded *errs.Error
	)
	switch code := closeCode(err); {
	case code != 0:
		return "close_" + strconv.Itoa(code)
	case errors.Is(err, errClosing):
		return "closed_by_us"
	case errors.Is(err, errNoLease):
		return "no_lease"
	case errors.Is(err, errReconnect):
		return "reconnect_asked"
	case errors.As(err, &op9):
		return "invalid_session"
	case errors.Is(err, errZombie):
		return "heartbeat_timeout"
	case errors.Is(err, errNoHello), errors.Is(err, errBadHello):
		return "hello_timeout"
	case errors.Is(err, errNoReady):
		return "ready_timeout"
	case errors.As(err, &bad):
		return "bad_stream"
	case errors.As(err, &said):
		return "refused_" + strconv.Itoa(said.status)
	case errors.As(err, &coded):
		return "no_address"
	}
	return "dropped"
}

// fatal returns the error to stop with, which names the remedy, if err is one that only a person can fix; otherwise
// nil.
func (c *Config) fatal(err error) error {
	if errs.Has(err, errs.Unauthorized) {
		return err
	}
	var e *errs.Error
	switch closeCode(err) {
	case disgo.CloseEventCodeAuthenticationFailed.Code:
		e = errs.E(errs.Unauthorized,
			"Discord rejects the bot token (4004). Reset it in "+
				"https://discord.com/developers/applications → your application → Bot → Reset Token, put the "+
				"new one into Snug's configuration, and start Snug again.")
	case disgo.CloseEventCodeInvalidShard.Code:
		e = errs.E(errs.Invalid,
			"Discord refuses shard %d of %d (4010). Give every process the same shard count, "+
				"and shard ids from 0 to one less than it.",
			c.ShardID, c.ShardCount)
	case disgo.CloseEventCodeShardingRequired.Code:
		e = errs.E(errs.Invalid,
			"The bot is in too many servers for %d shard(s) (4011): a shard holds 2,500. "+
				"Raise the shard count, in every process, and start Snug again.",
			c.ShardCount)
	case disgo.CloseEventCodeInvalidAPIVersion.Code:
		e = errs.E(errs.Internal, "Discord no longer speaks version %d of its gateway (4012). Update Snug.",
			disgo.Version)
	case disgo.CloseEventCodeInvalidIntent.Code:
		e = errs.E(errs.Internal, "Discord doesn't know the intents %d (4013). Update Snug.", int64(c.Intents))
	case disgo.CloseEventCodeDisallowedIntent.Code:
		e = errs.E(errs.MissingPermission,
			"Discord doesn't allow the bot its intents (4014). In "+
				"https://discord.com/developers/applications → your application → Bot → Privileged Gateway "+
				"Intents, turn on %s, or turn the intent off in Snug's configuration; then start Snug again.",
			c.privileged())
	default:
		return nil
	}
	return e.Because(err)
}

// privileged names the privileged intents, which have to be enabled in the Developer Portal.
func (c *Config) privileged() string {
	var names []string
	if c.Intents.Has(disgo.IntentGuildMembers) {
		names = append(names, `"Server Members Intent"`)
	}
	if c.Intents.Has(disgo.IntentGuildPresences) {
		names = append(names, `"Presence Intent"`)
	}
	if c.Intents.Has(disgo.IntentMessageContent) {
		names = append(names, `"Message Content Intent"`)
	}
	if len(names) == 0 {
		return "what the intents need"
	}
	return strings.Join(names, " and ")
}

// errNotReady is Send's error while the shard isn't connected.
func errNotReady() error {
	return errs.E(errs.Unavailable,
		"Snug is reconnecting to Discord. Try again in a moment.").Because(discord.ErrShardNotReady)
}
