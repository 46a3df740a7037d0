package activity

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"go.uber.org/goleak"

	"snug/bot/voice"
	"snug/shared/audit"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCountsAndForgets(t *testing.T) {
	h, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	const guild = snowflake.ID(100)
	now := time.Now()
	keep := 24 * time.Hour
	var mu sync.Mutex // of now and keep: what is written behind the test reads them
	y := New(Options{
		Hub: h, Guilds: func() []snowflake.ID { return []snowflake.ID{guild, 200} },
		Retention: func(snowflake.ID) time.Duration { mu.Lock(); defer mu.Unlock(); return keep },
		Now:       func() time.Time { mu.Lock(); defer mu.Unlock(); return now }, Log: slog.New(slog.DiscardHandler),
	})
	defer y.Close()
	put := func(n uint64, people int) {
		l := room.Live{Room: room.Summary{ID: 7, GuildID: guild, Seats: 2, OpenedAt: now.Add(-time.Minute)},
			Roster: make([]room.Person, people), N: n,
			Event: &room.Event{Fact: room.VoiceJoined{}, At: now}}
		y.Published(voice.Publication{Key: "100.7", Live: &l})
	}
	if err := y.RecordMinute(t.Context()); err != nil { // nobody is in: nothing is written
		t.Fatal(err)
	}
	put(1, 1)
	put(2, 2)
	for range 2 {
		if err := y.RecordMinute(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d, _, err := h.Stats.Get(t.Context(), stats.Key(guild, now))
	if err != nil || d.Hours[now.UTC().Hour()] != (stats.Hour{PersonMinutes: 4, People: 2, Rooms: 1}) ||
		len(d.Fills) != 1 || d.Fills[0].Seconds != 60 || d.Until.IsZero() {
		t.Errorf("got %+v, %v", d, err)
	}
	if err := h.Audit.Append(t.Context(), "old", guild, 7, "room_opened", audit.Entry{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Stats.Put(t.Context(), stats.Key(guild, now.AddDate(0, 0, -5)),
		stats.Day{Until: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	now = now.Add(48 * time.Hour)
	mu.Unlock()
	if err := y.DeleteExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := h.Stats.Keys(t.Context(), "100")
	left, err2 := h.Audit.Page(t.Context(), guild, 0, 0, 10)
	if err != nil || err2 != nil || len(keys) != 0 || len(left) != 0 {
		t.Errorf("kept %v and %v, %v %v", keys, left, err, err2)
	}
}
