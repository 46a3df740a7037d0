package activity

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/room"
)

// TestDue: a room's visits are written at once, and then every two seconds at most; a closed room's are deleted at
// once, and those of a guild that another process holds are dropped.
func TestDue(t *testing.T) {
	const key = "100.7"
	joined := voice.Publication{Key: key, Live: &room.Live{Event: &room.Event{Fact: room.VoiceJoined{}}}}
	closed := voice.Publication{Key: key, Live: &room.Live{Event: &room.Event{Fact: room.Closed{}}}}
	for name, c := range map[string]struct {
		written time.Duration // how long ago; negative: never
		what    voice.Publication
		held    []snowflake.ID
		all     bool
		want    []string
	}{
		"never written":         {-1, joined, []snowflake.ID{100}, false, []string{key}},
		"written a while ago":   {2 * time.Second, joined, []snowflake.ID{100}, false, []string{key}},
		"just written":          {time.Second, joined, []snowflake.ID{100}, false, nil},
		"just written, closing": {time.Second, joined, []snowflake.ID{100}, true, []string{key}},
		"closed":                {time.Second, closed, []snowflake.ID{100}, false, []string{key}},
		"another's":             {-1, joined, []snowflake.ID{200}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &Recorder{
					o: Options{
						Guilds: func() []snowflake.ID { return c.held }, Now: time.Now,
						Log: slog.New(slog.DiscardHandler),
					},
					visits: newVisitQueue(), logs: map[string]*visitLog{},
				}
				r.visits.guilds = map[string]snowflake.ID{"100": 100}
				if c.written >= 0 {
					r.logs[key] = &visitLog{used: time.Now()}
					time.Sleep(c.written)
				}
				r.Published(c.what)
				if got := r.due(time.Now(), c.all); !slices.Equal(got, c.want) {
					t.Errorf("due are %v, not %v", got, c.want)
				}
			})
		})
	}
}

// TestStored: who waits is told when everything that came before is written, and not by what comes later.
func TestStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Recorder{visits: newVisitQueue(), logs: map[string]*visitLog{}}
		come := func(key string) {
			r.Published(voice.Publication{Key: key, Live: &room.Live{Event: &room.Event{Fact: room.VoiceJoined{}}}})
		}
		wrote := func(key string) {
			r.take(key)
			r.mu.Lock()
			r.visits.tellStored()
			r.mu.Unlock()
		}
		told := func() chan error {
			c := make(chan error, 1)
			go func() { c <- r.Stored(t.Context()) }()
			synctest.Wait()
			return c
		}
		if err := <-told(); err != nil {
			t.Error("with nothing to write: ", err)
		}
		come("1.1")
		come("1.2")
		c := told()
		come("1.3")
		wrote("1.2")
		r.giveBack("1.1", r.take("1.1")) // it failed
		synctest.Wait()
		if len(c) > 0 {
			t.Error("told before the first was written")
		}
		wrote("1.1")
		if err := <-c; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if r.Stored(ctx) == nil {
			t.Error("the third wasn't written")
		}
		r.visits.ended = true
		if r.Stored(t.Context()) == nil {
			t.Error("nobody writes it any more")
		}
	})
}
