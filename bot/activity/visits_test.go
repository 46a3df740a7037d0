package activity

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
)

// Joins and leaves are stored in order, including the very last ones, and deleted with the room.
func TestComings(t *testing.T) {
	h, err := hub.Open(t.Context(), hub.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	const guild, key = snowflake.ID(100), "100.7"
	now := time.Now()
	begin := func() *Recorder {
		return New(Options{
			Hub: h, Guilds: func() []snowflake.ID { return []snowflake.ID{guild} },
			Retention: func(snowflake.ID) time.Duration { return 24 * time.Hour },
			Now:       func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		})
	}
	n := uint64(0)
	tell := func(y *Recorder, f room.Fact, at time.Time, in ...room.Person) {
		t.Helper()
		n++
		l := room.Live{
			Room: room.Summary{ID: 7, GuildID: guild, Seats: 4}, Roster: in, N: n, Event: &room.Event{Fact: f, At: at},
		}
		if _, gone := f.(room.Closed); gone {
			l.Until = now.Add(time.Hour)
		}
		y.Published(voice.Publication{Key: key, Live: &l})
	}
	stored := func() (out []string) {
		c, _, err := h.Visits.Get(t.Context(), key)
		if err != nil && !errs.Has(err, errs.NotFound) {
			t.Fatal(err)
		}
		for _, x := range c.List {
			out = append(out, fmt.Sprint(x.Name, map[bool]string{true: " left"}[x.Left]))
		}
		return out
	}
	if _, err := h.Visits.Put(t.Context(), key,
		room.VisitLog{List: []room.Visit{{UserID: 5, Name: "Long ago", At: now.Add(-25 * time.Hour)}}}); err != nil {
		t.Fatal(err)
	}
	mara, jonas := room.Person{
		UserID: 1, DisplayName: "Mara", Since: now.Add(-3 * time.Minute),
	}, room.Person{UserID: 2, DisplayName: "Jonas", Since: now.Add(-2 * time.Minute)}
	y := begin()
	tell(y, room.VoiceJoined{Person: mara}, mara.Since, mara)
	tell(y, room.VoiceJoined{Person: jonas}, jonas.Since, mara, jonas)
	tell(y, room.VoiceLeft{UserID: 1}, now, jonas)
	y.Close()
	if got := stored(); !slices.Equal(got, []string{"Mara", "Jonas", "Mara left"}) {
		t.Errorf("stored %q", got)
	}
	y = begin() // the hub's repetitions count once
	defer y.Close()
	tell(y, room.VoiceUpdated{Person: jonas}, now, jonas)
	if err := y.trimVisits(t.Context(), guild, now.Add(-150*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := stored(); !slices.Equal(got, []string{"Jonas", "Mara left"}) {
		t.Errorf("after the night %q", got)
	}
	tell(y, room.Closed{}, now)
	testkit.Eventually(t, "of a closed room nothing stays", func() bool { return stored() == nil })
}
