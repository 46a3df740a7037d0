// Package activity counts people in rooms for the activity page, and writes down who comes into a room and
// goes: it looks at every room of the guilds this process keeps once a minute, notes when a room is full for
// the first time, and each night deletes what a guild does not want kept.
//
// The bot makes one Tally, has cron call Minute and Night, and closes it. Its
// methods may be called from any goroutine.
package activity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

// Options of New. All are needed.
type Options struct {
	Hub   *hub.Hub
	Holds func() []snowflake.ID                  // the guilds this process keeps
	Keep  func(guild snowflake.ID) time.Duration // how long a guild wants things kept
	Now   func() time.Time
	Log   *slog.Logger
}

// Recorder counts. Make one with New.
type Recorder struct {
	o     Options
	rooms *hub.Table[room.Live]
	stop  context.CancelFunc

	mu    sync.Mutex
	fills map[snowflake.ID][]fill // by guild, since the last minute
	full  map[snowflake.ID]bool   // rooms that were full
	days  map[snowflake.ID]today

	comings comings
	writing sync.WaitGroup
}

type fill struct {
	room  snowflake.ID
	after time.Duration
}

// today is a guild's day as it was written last.
type today struct {
	key string
	day stats.Day
}

// New follows the rosters until Close.
func New(o Options) (*Recorder, error) {
	t := &Recorder{
		o: o, fills: map[snowflake.ID][]fill{}, full: map[snowflake.ID]bool{}, days: map[snowflake.ID]today{},
		comings: newComings(),
	}
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	var err error
	t.rooms, err = o.Hub.Rosters.Table(ctx, hub.Follower[room.Live]{Change: t.changed})
	if err != nil {
		stop()
		return nil, err
	}
	t.writing.Go(func() { t.writeComings(ctx) })
	return t, nil
}

// changed notes that a room is full for the first time, when somebody takes its last seat.
func (t *Recorder) changed(c hub.Change[room.Live]) {
	l := c.Value
	if l == nil || l.Event == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if delete(t.comings.rosters, c.Key); l != nil {
			t.comings.whole(c.Key, l.Roster)
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.comings.heard(c.Key, l)
	if l.Gone() {
		delete(t.full, l.Room.ID)
		return
	}
	if _, joined := l.Event.Fact.(room.VoiceJoined); !joined || l.Occupied() < l.Room.Seats || t.full[l.Room.ID] {
		return
	}
	t.full[l.Room.ID] = true
	g := l.Room.GuildID
	t.fills[g] = append(t.fills[g], fill{l.Room.ID, l.Event.At.Sub(l.Room.OpenedAt)})
}

// Minute looks at every room once and writes the days that changed. It gives
// what could not be written; that is written with the next minute.
func (t *Recorder) Minute(ctx context.Context) error {
	now := t.o.Now()
	var all []error
	t.comings.hurry() // this process may hold guilds that it did not
	for _, g := range t.o.Holds() {
		var rooms []room.Live
		people := 0
		for _, e := range t.rooms.Group(g.String()) {
			rooms = append(rooms, e.Value)
			people += e.Value.Occupied()
		}
		t.mu.Lock()
		fills := t.fills[g]
		delete(t.fills, g)
		t.mu.Unlock()
		if people > 0 || len(fills) > 0 {
			all = append(all, t.count(ctx, g, now, rooms, fills))
		}
	}
	return errors.Join(all...)
}

func (t *Recorder) count(ctx context.Context, g snowflake.ID, now time.Time, rooms []room.Live, fills []fill) error {
	key := stats.Key(g, now)
	t.mu.Lock()
	d, known := t.days[g]
	t.mu.Unlock()
	if !known || d.key != key {
		day, _, err := t.o.Hub.Stats.Latest(ctx, key)
		if err != nil && !errs.Has(err, errs.NotFound) {
			t.again(g, fills)
			return err
		}
		d = today{key, day}
	}
	d.day.Fills = append([]stats.Fill(nil), d.day.Fills...) // the copy that is kept must not share it
	d.day.Minute(now, rooms)
	for _, f := range fills {
		d.day.Filled(f.room, f.after)
	}
	d.day.Until = now.UTC().Truncate(24 * time.Hour).Add(stats.Keep)
	t.mu.Lock()
	t.days[g] = d
	t.mu.Unlock()
	_, err := t.o.Hub.Stats.Put(ctx, key, d.day)
	return err
}

// again keeps fills for the next minute.
func (t *Recorder) again(g snowflake.ID, fills []fill) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fills[g] = append(fills, t.fills[g]...)
}

// Night deletes audit entries and days that are older than their guild wants.
func (t *Recorder) Night(ctx context.Context) error {
	var all []error
	for _, g := range t.o.Holds() {
		keep := t.o.Keep(g)
		if keep <= 0 || keep >= stats.Keep {
			continue // the hub itself forgets after 90 days
		}
		before := t.o.Now().Add(-keep)
		n, err := t.o.Hub.Audit.Trim(ctx, g, before)
		all = append(all, err, t.trimComings(ctx, g, before))
		keys, err := t.o.Hub.Stats.Keys(ctx, g.String())
		all = append(all, err)
		for _, k := range keys {
			if k < stats.Key(g, before) {
				all = append(all, t.o.Hub.Stats.Delete(ctx, k))
			}
		}
		if n > 0 {
			t.o.Log.Info("old activity was deleted", "guild_id", g, "entries", n)
		}
	}
	return errors.Join(all...)
}

// Close stops following and waits for it.
func (t *Recorder) Close() {
	t.stop()
	t.rooms.Wait()
	t.writing.Wait()
}
