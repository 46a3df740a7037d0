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

// Config says how a shard connects. The zero value of a field means the default named with it.
type Config struct {
	Token      string        // the bot's token, without "Bot "; required
	ShardID    int           // from 0
	ShardCount int           // of the whole bot; default 1
	Intents    disgo.Intents // what Discord is to send; required

	// Handler gets every event disgo knows, in order. It may be nil until Open is called; see Shard.Bind.
	Handler disgo.EventHandlerFunc

	// Unknown gets, in the same order, what disgo does not know, as it came; data is valid until it returns.
	// Default: nobody.
	Unknown func(g disgo.Gateway, kind disgo.EventType, data json.RawMessage)

	// URL is where to IDENTIFY. Where it is empty, Locate is asked for it, and
	// asked again when the address cannot be reached. An error of Locate that
	// carries errs.Unauthorized ends the shard; any other is retried.
	URL    string
	Locate func(context.Context) (string, error)

	Checkpoint Checkpoint                       // where to resume; zero for a new session
	Presence   *disgo.MessageDataPresenceUpdate // shown after IDENTIFY; default none
	Identify   IdentifyLimiter                  // shared by the shards of a process; default one of its own

	// Lease gives for how long from now this process may surely use the shard's
	// session; 0: not now. Without it nothing is dialled, resumed, identified or
	// handled, and a connection is closed in time, resumable. It is asked often.
	// Default: for ever.
	Lease func() time.Duration

	Observer func(State)       // told of every state, in order; must return soon
	Logger   *slog.Logger      // default slog.Default()
	Metrics  *Metrics          // default none
	Dialer   *websocket.Dialer // default: proxy from the environment

	Plain          bool // do not ask for compression
	LargeThreshold int  // members above which a guild's offline ones are left out; default 50

	Backoff      time.Duration // first delay after a failure, doubled up to 16 times; default 1 s
	DialTimeout  time.Duration // for the WebSocket handshake; default 10 s
	HelloTimeout time.Duration // from handshake to HELLO; default 10 s
	ReadyTimeout time.Duration // to READY, and between two events of a replay; default 15 s
	AckTimeout   time.Duration // from a heartbeat to its ACK, at most the interval; default 8 s
	WriteTimeout time.Duration // for one message to leave; default 5 s

	Rand func() float64 // in [0,1), for jitter, called from the shard's goroutines; default math/rand/v2
}

// check fills in the defaults and tells everything that is wrong at once.
func (c *Config) check() error {
	if c.ShardCount == 0 {
		c.ShardCount = 1
	}
	var wrong []error
	if c.Token == "" {
		wrong = append(wrong,
			errs.Field("token",
				"The bot token is empty. Copy it from https://discord.com/developers/applications, your application, Bot."))
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
		c.Identify = NewIdentifies(nil)
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

// Checkpoint is where a session stands: what a process needs to resume it.
// Seq is the last event the handler has returned from. The session id lets
// its bearer read the bot's events, so store it like a credential.
type Checkpoint struct {
	SessionID string `json:"session_id"`
	ResumeURL string `json:"resume_url"`
	Seq       int    `json:"seq"`
}

// Resumable says whether there is a session to resume.
func (c Checkpoint) Resumable() bool { return c.SessionID != "" }

func (c Checkpoint) check() error {
	if !c.Resumable() || c.ResumeURL == "" {
		return nil
	}
	if _, err := socketURL(c.ResumeURL, false); err != nil {
		return errs.Field("checkpoint",
			"The saved resume address is not a WebSocket address. Remove the saved checkpoint to start a new session.").Because(err)
	}
	return nil
}
