// Package channelinfo learns what Discord says of voice channels beyond the
// channel itself: their status, and since when somebody is in them. Discord
// tells of both by events of their own, and to who asks by Request Channel Info
// (opcode 43). disgo knows none of them.
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
	// A request, with burst to spare: of the 20 a minute that asking after people leaves of Discord's 120.
	interval = 6 * time.Second
	burst    = 5
	timeout  = 10 * time.Second // of an answer; then the same may be asked again
)

// Options of Requests. All are needed.
type Options struct {
	Rooms   *rooms.Rooms
	ShardOf func(guild snowflake.ID) int
	Log     *slog.Logger
}

// Requests asks for the channels of servers, over the connection of each one's
// shard, and tells the rooms what Discord says of channels. Make it with New;
// Run asks for one shard's servers. Its methods may be called from anywhere.
type Requests struct {
	o Options

	mu     sync.Mutex // guards what follows, and what is in it
	queues map[int]*queue
}

// queue are the requests of a shard.
type queue struct {
	waiting []snowflake.ID // servers to ask for, in this order
	asked   map[snowflake.ID]time.Time
	wake    chan struct{} // holds one token when there is something to do
}

// New makes Requests that ask for nothing yet.
func New(o Options) *Requests { return &Requests{o: o, queues: map[int]*queue{}} }

// queue returns a shard's queue, made if it is new. The caller holds mu.
func (r *Requests) queue(shard int) *queue {
	q := r.queues[shard]
	if q == nil {
		q = &queue{asked: map[snowflake.ID]time.Time{}, wake: make(chan struct{}, 1)}
		r.queues[shard] = q
	}
	return q
}

// Add has Discord asked for a server's channels. It only enqueues.
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

// next returns the server to ask for now, or how long until there is one; 0 until something wakes.
// No server is asked for while its last answer is awaited: answers do not tell to which request they are.
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

// answered returns when a server was asked for, now that its answer has come.
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

// Run asks for the servers of a shard until ctx ends. send sends over the
// shard's connection, and fails when that is not there.
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

// voiceChannel is what Discord tells of one.
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

// Event takes events that disgo does not know; those that are about something
// else do nothing. It waits for nothing.
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
		r.o.Log.Warn("an event could not be read", "event", string(kind), "err", err)
	}
}
