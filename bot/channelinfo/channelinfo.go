// Package channelinfo learns what channel objects don't contain about voice channels: their status,
// and since when somebody is in them. Discord sends both in events of their own, and in response to
// Request Channel Info (opcode 43). disgo knows none of these.
package channelinfo

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/time/rate"

	"snug/bot/rooms"
	"snug/bot/schedule"
)

const (
	opRequestChannelInfo dgateway.Opcode = 43

	eventChannelInfo dgateway.EventType = "CHANNEL_INFO"
	eventStatus      dgateway.EventType = "VOICE_CHANNEL_STATUS_UPDATE"
	eventStartTime   dgateway.EventType = "VOICE_CHANNEL_START_TIME_UPDATE"
)

const (
	// 10 requests a minute: half of what standings leaves of Discord's 120 gateway messages a minute.
	interval = 6 * time.Second
	burst    = 5
	timeout  = 10 * time.Second // of a response; then the same server may be requested again
)

// Options of Requests. All are required.
type Options struct {
	Rooms   *rooms.Rooms
	ShardOf func(guild snowflake.ID) int
	Log     *slog.Logger
}

// Requests requests the channels of servers, each over the connection of its shard, and passes what
// Discord says about channels to the rooms. Make it with New; Run makes the requests of one shard.
// Its methods are safe for concurrent use.
type Requests struct {
	o Options

	mu     sync.Mutex // guards queues and what they contain
	queues map[int]*queue
}

// queue holds the requests of a shard.
type queue struct {
	waiting []snowflake.ID // servers to request, in this order
	asked   map[snowflake.ID]time.Time
	wake    chan struct{} // holds one token when there is something to do
}

// New makes Requests with empty queues.
func New(o Options) *Requests { return &Requests{o: o, queues: map[int]*queue{}} }

// queue returns a shard's queue, and makes it if needed. The caller holds mu.
func (r *Requests) queue(shard int) *queue {
	q := r.queues[shard]
	if q == nil {
		q = &queue{asked: map[snowflake.ID]time.Time{}, wake: make(chan struct{}, 1)}
		r.queues[shard] = q
	}
	return q
}

// Add queues the request of a server's channels. It only enqueues.
func (r *Requests) Add(guild snowflake.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queue(r.o.ShardOf(guild))
	if !slices.Contains(q.waiting, guild) {
		q.waiting = append(q.waiting, guild)
		q.poke()
	}
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next returns the server to request now, or how long until there is one; 0 until something is added. A server
// isn't requested while a response is pending, because responses don't say which request they belong to.
func (r *Requests) next(q *queue, now time.Time) (guild snowflake.ID, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, g := range q.waiting {
		if at, awaited := q.asked[g]; awaited {
			if left := timeout - now.Sub(at); left > 0 {
				if wait == 0 || left < wait {
					wait = left
				}
				continue
			}
		}
		q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
		q.asked[g] = now
		return g, 0
	}
	return 0, wait
}

// answered returns when the server was requested whose response has arrived.
func (r *Requests) answered(guild snowflake.ID) (asked time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[r.o.ShardOf(guild)]
	if q == nil {
		return time.Time{}, false
	}
	asked, ok = q.asked[guild]
	delete(q.asked, guild)
	q.poke()
	return asked, ok
}

// Run makes the requests of a shard until ctx ends. send sends over the shard's connection; it
// fails if there is no connection.
func (r *Requests) Run(
	ctx context.Context, shard int, send func(context.Context, dgateway.Opcode, dgateway.MessageData) error,
) {
	r.mu.Lock()
	q := r.queue(shard)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.queues, shard)
		r.mu.Unlock()
	}()
	limit := rate.NewLimiter(rate.Every(interval), burst)
	for ctx.Err() == nil {
		guild, wait := r.next(q, time.Now())
		if guild == 0 {
			if wait == 0 {
				wait = time.Hour
			}
			schedule.Pause(ctx, q.wake, wait)
			continue
		}
		if limit.Wait(ctx) != nil {
			return
		}
		request := dgateway.EventUnknown(`{"guild_id":"` + guild.String() + `","fields":["status","voice_start_time"]}`)
		if err := send(ctx, opRequestChannelInfo, request); err != nil { // not connected
			r.answered(guild)
			r.Add(guild)
			schedule.Pause(ctx, nil, time.Second)
		}
	}
}

// voiceChannel is Discord's information about a voice channel.
type voiceChannel struct {
	ID        snowflake.ID `json:"id"`
	GuildID   snowflake.ID `json:"guild_id"`
	Status    string       `json:"status"`           // null: none
	StartTime int64        `json:"voice_start_time"` // in Unix seconds; null: nobody is in it
}

func (c voiceChannel) since() time.Time {
	if c.StartTime == 0 {
		return time.Time{}
	}
	return time.Unix(c.StartTime, 0)
}

// Event handles the events that disgo doesn't know, and ignores those about something else. It doesn't block.
func (r *Requests) Event(kind dgateway.EventType, data json.RawMessage) {
	var err error
	switch kind {
	case eventStatus, eventStartTime:
		var c voiceChannel
		if err = json.Unmarshal(data, &c); err != nil {
			break
		}
		if kind == eventStatus {
			r.o.Rooms.StatusUpdated(c.GuildID, c.ID, c.Status)
		} else {
			r.o.Rooms.StartTimeUpdated(c.GuildID, c.ID, c.since())
		}
	case eventChannelInfo:
		var answer struct {
			GuildID  snowflake.ID   `json:"guild_id"`
			Channels []voiceChannel `json:"channels"`
		}
		if err = json.Unmarshal(data, &answer); err != nil {
			break
		}
		if asked, ok := r.answered(answer.GuildID); ok {
			channels := map[snowflake.ID]rooms.ChannelInfo{}
			for _, c := range answer.Channels {
				channels[c.ID] = rooms.ChannelInfo{Status: c.Status, Since: c.since()}
			}
			r.o.Rooms.ChannelInfoReceived(answer.GuildID, asked, channels)
		}
	}
	if err != nil {
		r.o.Log.Warn("cannot parse an event", "event", string(kind), "err", err)
	}
}
