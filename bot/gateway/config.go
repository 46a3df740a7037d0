package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"

	"snug/shared/errs"
)

// Config configures a shard. A field's zero value means the default given with it.
type Config struct {
	Token      string        // the bot's token, without "Bot "; required
	ShardID    int           // from 0
	ShardCount int           // of the whole bot; default 1
	Intents    disgo.Intents // the events Discord is to send; required

	// Handler receives every event disgo knows, in order. It may be nil until Open is called; see Shard.Bind.
	Handler disgo.EventHandlerFunc

	// Unknown receives, in the same order, the events disgo doesn't know, as raw JSON. data is valid
	// until it returns. Default: they are dropped.
	Unknown func(g disgo.Gateway, kind disgo.EventType, data json.RawMessage)

	// URL is where to IDENTIFY. If it is empty, Locate returns the address, and is called again when that
	// address can't be reached. An error with errs.Unauthorized ends the shard; after any other, it retries.
	URL    string
	Locate func(context.Context) (string, error)

	Checkpoint Checkpoint                       // the session to resume; zero for a new one
	Presence   *disgo.MessageDataPresenceUpdate // set with IDENTIFY; default none
	Identify   IdentifyLimiter                  // shared by the shards of a process; default one of its own

	// Lease returns how long from now this process certainly holds the shard's lease, 0 if it doesn't.
	// Without the lease the shard neither dials, resumes, identifies nor handles events, and it closes
	// an open connection, resumable, before the lease expires. It is called often. Default: forever.
	Lease func() time.Duration

	Observer func(State)       // called with every state, in order; must return soon
	Logger   *slog.Logger      // default slog.Default()
	Metrics  *Metrics          // default none
	Dialer   *websocket.Dialer // default: proxy from the environment

	Plain          bool // do not ask for compression
	LargeThreshold int  // above this many members, Discord leaves out a guild's offline ones; default 50

	Backoff      time.Duration // first delay after a failure, doubled up to 16 times; default 1 s
	DialTimeout  time.Duration // for the WebSocket handshake; default 10 s
	HelloTimeout time.Duration // from handshake to HELLO; default 10 s
	ReadyTimeout time.Duration // to READY, and between two events of a replay; default 15 s
	AckTimeout   time.Duration // from a heartbeat to its ACK, capped at the interval; default 8 s
	WriteTimeout time.Duration // for writing one message; default 5 s

	Rand func() float64 // in [0,1), for jitter, called from the shard's goroutines; default math/rand/v2
}

// check fills in the defaults and returns everything that is wrong, joined.
func (c *Config) check() error {
	if c.ShardCount == 0 {
		c.ShardCount = 1
	}
	var wrong []error
	if c.Token == "" {
		wrong = append(wrong,
			errs.Field("token",
				"The bot token is empty. Copy it from https://discord.com/developers/applications → your "+
					"application → Bot."))
	}
	if c.ShardCount < 1 || c.ShardID < 0 || c.ShardID >= c.ShardCount {
		wrong = append(wrong,
			errs.Field("shard", "Shard %d of %d does not exist. Give an id from 0 to one less than the count.",
				c.ShardID, c.ShardCount))
	}
	if c.URL == "" && c.Locate == nil {
		wrong = append(wrong, errs.Field("url", "The gateway's address is missing. Set URL or Locate."))
	}
	if err := c.Checkpoint.check(); err != nil {
		wrong = append(wrong, err)
	}
	c.fill()
	return errors.Join(wrong...)
}

func (c *Config) fill() {
	orDuration := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	orDuration(&c.Backoff, time.Second)
	orDuration(&c.DialTimeout, 10*time.Second)
	orDuration(&c.HelloTimeout, 10*time.Second)
	orDuration(&c.ReadyTimeout, 15*time.Second)
	orDuration(&c.AckTimeout, 8*time.Second)
	orDuration(&c.WriteTimeout, 5*time.Second)
	if c.LargeThreshold <= 0 {
		c.LargeThreshold = 50
	}
	if c.Identify == nil {
		c.Identify = NewSessionStarts(nil)
	}
	if c.Lease == nil {
		c.Lease = func() time.Duration { return math.MaxInt64 }
	}
	if c.Observer == nil {
		c.Observer = func(State) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Dialer == nil {
		c.Dialer = &websocket.Dialer{Proxy: http.ProxyFromEnvironment}
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
}

// Checkpoint is a position in a session: what a process needs to resume it. Seq is the last event the handler
// has returned from. The session id lets its bearer read the bot's events, so store it like a credential.
type Checkpoint struct {
	SessionID string `json:"session_id"`
	ResumeURL string `json:"resume_url"`
	Seq       int    `json:"seq"`
}

// Resumable reports whether there is a session to resume.
func (c Checkpoint) Resumable() bool { return c.SessionID != "" }

func (c Checkpoint) check() error {
	if !c.Resumable() || c.ResumeURL == "" {
		return nil
	}
	if _, err := socketURL(c.ResumeURL, false); err != nil {
		return errs.Field("checkpoint", "The saved resume address is not a WebSocket address. "+
			"Remove the saved checkpoint to start a new session.").Because(err)
	}
	return nil
}
