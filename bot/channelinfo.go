package bot

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/time/rate"

	"snug/bot/rooms"
)

// Discord tells of a voice channel's status and of since when somebody is in
// it by events of their own, and to who asks by opcode 43. disgo knows none of them.
const (
	opRequestChannelInfo dgateway.Opcode = 43

	channelInfo      dgateway.EventType = "CHANNEL_INFO"
	voiceStatusTold  dgateway.EventType = "VOICE_CHANNEL_STATUS_UPDATE"
	voiceStartedTold dgateway.EventType = "VOICE_CHANNEL_START_TIME_UPDATE"
)

const (
	// a question, with infoAtOnce to spare: of the 20 a minute that asking after people leaves of Discord's
	// 120
	infoEvery    = 6 * time.Second
	infoAtOnce   = 5
	infoPatience = 10 * time.Second // for an answer; then the same may be asked again
)

// infos are the questions of a shard after the state of its servers' voice channels.
type infos struct {
	mu    sync.Mutex
	want  []snowflake.ID // servers to ask for, in this order
	asked map[snowflake.ID]time.Time
	wake  chan struct{} // holds one token when there is something to do
}

func newInfos() *infos {
	return &infos{asked: map[snowflake.ID]time.Time{}, wake: make(chan struct{}, 1)}
}

// askInfo has Discord asked for a server's channels. It only enqueues.
func (b *Bot) askInfo(guild snowflake.ID) {
	if s := b.saver(shardOf(guild, b.shardCount())); s != nil {
		s.infos.add(guild)
	}
}

func (q *infos) add(guild snowflake.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, g := range q.want {
		if g == guild {
			return
		}
	}
	q.want = append(q.want, guild)
	q.poke()
}

func (q *infos) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next gives the server to ask for now, or how long until there is one; 0 until something wakes.
// No server is asked for while its last answer is awaited: answers do not tell to which question they are.
func (q *infos) next(now time.Time) (guild snowflake.ID, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, g := range q.want {
		if at, awaited := q.asked[g]; awaited {
			if left := infoPatience - now.Sub(at); left > 0 {
				if wait == 0 || left < wait {
					wait = left
				}
				continue
			}
		}
		q.want = append(q.want[:i:i], q.want[i+1:]...)
		q.asked[g] = now
		return g, 0
	}
	return 0, wait
}

// answered gives when a server was asked for, now that its answer has come.
func (q *infos) answered(guild snowflake.ID) (asked time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	asked, ok = q.asked[guild]
	delete(q.asked, guild)
	q.poke()
	return asked, ok
}

// askInfos asks for the servers of a shard until ctx ends.
func (b *Bot) askInfos(ctx context.Context, s *saver) {
	limit := rate.NewLimiter(rate.Every(infoEvery), infoAtOnce)
	for ctx.Err() == nil {
		guild, wait := s.infos.next(time.Now())
		if guild == 0 {
			if wait == 0 {
				wait = time.Hour
			}
			sleep(ctx, s.infos.wake, wait)
			continue
		}
		if limit.Wait(ctx) != nil {
			return
		}
		question := dgateway.EventUnknown(`{"guild_id":"` + guild.String() +
			`","fields":["status","voice_start_time"]}`)
		if err := s.shard.Send(ctx, opRequestChannelInfo, question); err != nil { // not connected
			s.infos.answered(guild)
			s.infos.add(guild)
			sleep(ctx, nil, time.Second)
		}
	}
}

func sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// voiceChannel is what Discord tells of one.
type voiceChannel struct {
	ID      snowflake.ID `json:"id"`
	GuildID snowflake.ID `json:"guild_id"`
	Status  string       `json:"status"`           // null: none
	Since   int64        `json:"voice_start_time"` // in Unix seconds; null: nobody is in it
}

func (c voiceChannel) since() time.Time {
	if c.Since == 0 {
		return time.Time{}
	}
	return time.Unix(c.Since, 0)
}

// unknownEvent takes events that disgo does not know. Like event, it waits for nothing.
func (b *Bot) unknownEvent(g dgateway.Gateway, kind dgateway.EventType, data json.RawMessage) {
	s := b.saver(g.ShardID())
	if s == nil {
		return // given up
	}
	switch kind {
	case voiceStatusTold, voiceStartedTold:
		var c voiceChannel
		if err := json.Unmarshal(data, &c); err != nil {
			b.o.Log.Warn("an event could not be read", "event", string(kind), "err", err)
			return
		}
		if kind == voiceStatusTold {
			b.keeper.StatusUpdated(c.GuildID, c.ID, c.Status)
		} else {
			b.keeper.StartTimeUpdated(c.GuildID, c.ID, c.since())
		}
	case channelInfo:
		var answer struct {
			GuildID  snowflake.ID   `json:"guild_id"`
			Channels []voiceChannel `json:"channels"`
		}
		if err := json.Unmarshal(data, &answer); err != nil {
			b.o.Log.Warn("an event could not be read", "event", string(kind), "err", err)
			return
		}
		if asked, ok := s.infos.answered(answer.GuildID); ok {
			told := map[snowflake.ID]rooms.ChannelInfo{}
			for _, c := range answer.Channels {
				told[c.ID] = rooms.ChannelInfo{Status: c.Status, Since: c.since()}
			}
			b.keeper.ChannelInfoReceived(answer.GuildID, asked, told)
		}
	}
}
