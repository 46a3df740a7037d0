package publish_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/eventjson"
	"snug/bot/publish"
	"snug/bot/voice"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
)

const muted = `{"member":{"user":{"username":"bruno","public_flags":0,"primary_guild":null,"id":"USER",` +
	`"global_name":"Bruno","display_name_styles":null,"discriminator":"0","collectibles":null,"bot":false,` +
	`"avatar_decoration_data":null,"avatar":null},"roles":["1442084704080887900"],"premium_since":null,` +
	`"pending":false,"nick":null,"mute":false,"joined_at":"2025-11-16T10:00:00.000000+00:00","flags":0,"deaf":false,` +
	`"communication_disabled_until":null,"banner":null,"avatar":null},"user_id":"USER","suppress":false,` +
	`"session_id":"3f2a9c0e1b7d4a55","self_video":false,"self_mute":MUTE,"self_deaf":false,` +
	`"request_to_speak_timestamp":null,"mute":false,"guild_id":"1001","deaf":false,"channel_id":"ROOM"}`

// BenchmarkVoiceStates measures a voice state's way from the bytes of the event to a follower of the hub, in 500 rooms
// of four people: decoding, the tracker, the hub's publisher and its server, and the follower.
func BenchmarkVoiceStates(b *testing.B) {
	const rooms, people = 500, 4
	h, err := hub.Open(context.Background(), hub.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	testkit.NoError(b, err)
	defer func() { testkit.NoError(b, h.Close(context.Background())) }()
	rosters, err := publish.NewRosters(h, func(snowflake.ID) bool { return true })
	testkit.NoError(b, err)
	tracker := voice.New(voice.Options{Publisher: rosters, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); tracker.Run(ctx) }()
	defer func() { stop(); <-ran }()
	var seen atomic.Int64
	_, err = h.Rosters.Follow(ctx, hub.Follower[room.Live]{Change: func(c hub.Change[room.Live]) {
		if c.Value.Event != nil {
			if _, is := c.Value.Event.Fact.(room.VoiceUpdated); is {
				seen.Add(1)
			}
		}
	}})
	testkit.NoError(b, err)
	events := [2][][]byte{}
	for r := range rooms {
		id := 2000 + r
		s := room.Summary{ID: snowflake.ID(id), GuildID: 1001, Name: "Friday", Seats: people}
		tracker.Room(s, nil, room.Opened{})
		for p := range people {
			for i, mute := range []string{"false", "true"} {
				events[i] = append(events[i], []byte(strings.NewReplacer("USER", strconv.Itoa(10_000*(p+1)+r), "ROOM",
					strconv.Itoa(id), "MUTE", mute).Replace(muted)))
			}
		}
	}
	send := func(data []byte) {
		ev, ok := eventjson.Decode(gateway.EventTypeVoiceStateUpdate, data)
		if !ok {
			b.Fatal("not decoded")
		}
		e := ev.(gateway.EventVoiceStateUpdate)
		tracker.VoiceState(e.VoiceState, e.Member, room.Mark{})
	}
	for _, data := range events[0] {
		send(data)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		send(events[(i/len(events[0])+1)%2][i%len(events[0])])
		for int64(i)-seen.Load() > 2048 { // as a gateway that waits for its socket
			time.Sleep(50 * time.Microsecond)
		}
	}
	testkit.Eventually(b, "all came", func() bool { return seen.Load() >= int64(b.N) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
