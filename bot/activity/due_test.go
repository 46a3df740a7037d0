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
		now     map[string]bool
		want    []string
	}{
		"never written":       {-1, joined, []snowflake.ID{100}, nil, []string{key}},
		"written a while ago": {2 * time.Second, joined, []snowflake.ID{100}, nil, []string{key}},
		"just written":        {time.Second, joined, []snowflake.ID{100}, nil, nil},
		"just written, given up": {
			time.Second, joined, []snowflake.ID{100}, map[string]bool{"100": true}, []string{key},
		},
		"another guild is given up": {-1, joined, []snowflake.ID{100}, map[string]bool{"200": true}, nil},
		"closed":                    {time.Second, closed, []snowflake.ID{100}, nil, []string{key}},
		"another's":                 {-1, joined, []snowflake.ID{200}, nil, nil},
		"another's is not given up": {-1, joined, []snowflake.ID{200}, map[string]bool{"100": true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder(Options{
					Guilds: func() []snowflake.ID { return c.held }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
				})
				r.visits.guilds = map[string]snowflake.ID{"100": 100}
				if c.written >= 0 {
					r.logs[key] = &visitLog{used: time.Now()}
					time.Sleep(c.written)
				}
				r.Published(c.what)
				if got := r.due(time.Now(), c.now); !slices.Equal(got, c.want) {
					t.Errorf("due are %v, not %v", got, c.want)
				}
			})
		})
	}
}

// TestStored: who waits is told when everything of the guilds that came before is written, and waits neither for what
// comes later nor for other guilds.
func TestStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(Options{})
		come := func(key string) {
			r.Published(voice.Publication{Key: key, Live: &room.Live{Event: &room.Event{Fact: room.VoiceJoined{}}}})
		}
		wrote := func(key string) { r.take(key); r.wrote(key) }
		stored := func(guilds ...snowflake.ID) chan error {
			c := make(chan error, 1)
			go func() { c <- r.Stored(t.Context(), guilds, false) }()
			synctest.Wait()
			return c
		}
		if err := <-stored(1, 2); err != nil {
			t.Error("with nothing to write: ", err)
		}
		come("1.1")
		come("1.2")
		come("2.1")
		c := stored(1)
		come("1.3")
		wrote("1.2")
		r.giveBack("1.1", r.take("1.1")) // it failed
		synctest.Wait()
		if len(c) > 0 {
			t.Error("told before the first was written")
		}
		begun := time.Now()
		wrote("1.1")
		if err := <-c; err != nil {
			t.Error(err)
		}
		if err := <-stored(3); err != nil {
			t.Error("with nothing to write of that guild: ", err)
		}
		if d := time.Since(begun); d > 0 {
			t.Errorf("waited for %v, for what is another guild's", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if r.Stored(ctx, []snowflake.ID{1}, false) == nil {
			t.Error("the third wasn't written")
		}
		if n := len(r.visits.stored); n > 0 {
			t.Errorf("%d still wait", n)
		}
		c = stored(1)
		if r.end(); <-c == nil {
			t.Error("nobody writes it any more")
		}
		if <-stored(1) == nil {
			t.Error("nobody is going to write it")
		}
	})
}

// TestStoredWaitsForWhatIsBeingWritten: what has been taken to be written isn't stored yet.
func TestStoredWaitsForWhatIsBeingWritten(t *testing.T) {
	for name, c := range map[string]struct {
		come  int // during the write
		fails bool
		told  bool
	}{
		"it is written":                 {0, false, true},
		"it fails":                      {0, true, false},
		"more comes, and it is written": {1, false, true},
		"more comes, and it fails":      {1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder(Options{})
				come := func() {
					r.Published(voice.Publication{
						Key: "1.1", Live: &room.Live{Event: &room.Event{Fact: room.VoiceJoined{}}},
					})
				}
				come()
				w := r.take("1.1")
				stored := make(chan error, 1)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				go func() { stored <- r.Stored(ctx, []snowflake.ID{1}, false) }()
				synctest.Wait()
				if len(stored) > 0 {
					t.Fatal("told while it was being written")
				}
				for range c.come {
					come()
				}
				if c.fails {
					r.giveBack("1.1", w)
				} else {
					r.wrote("1.1")
				}
				if err := <-stored; (err == nil) != c.told {
					t.Errorf("then: %v", err)
				}
			})
		})
	}
}
