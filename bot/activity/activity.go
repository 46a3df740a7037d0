// Package activity records how rooms are used: once a minute it counts the people in the rooms
// of the guilds that this process holds, it records when a room is full for the first time and
// who joins and leaves, and each night it deletes what is older than a guild's retention.
//
// The bot creates one Recorder, has cron call RecordMinute and
// DeleteExpired, and closes it. Its methods are safe for concurrent use.
package activity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

// Options of New. All are required.
type Options struct {
	Hub       *hub.Hub
	Guilds    func() []snowflake.ID                  // the guilds this process holds
	Retention func(guild snowflake.ID) time.Duration // how long a guild's records are kept
	Now       func() time.Time
	Log       *slog.Logger
}

// Recorder writes the hub's stats and visits buckets.
type Recorder struct {
	o    Options
	stop context.CancelFunc

	mu      sync.Mutex              // guards what follows, up to visits
	fills   map[snowflake.ID][]fill // by guild, since the last RecordMinute
	wasFull map[snowflake.ID]bool   // rooms that were full
	days    map[snowflake.ID]today

	visits  visitQueue
	writing sync.WaitGroup

	writeMu sync.Mutex           // held while a room's visits are written; before mu
	logs    map[string]*visitLog // of rooms whose visits were written lately; guarded by writeMu
}

type fill struct {
	room  snowflake.ID
	after time.Duration
}

// today is a guild's day as it was last written.
type today struct {
	key string
	day stats.Day
}

// New returns a Recorder, which is told by Published until Close.
func New(o Options) *Recorder {
	r := newRecorder(o)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.writing.Go(func() { r.runWriter(ctx) })
	return r
}

func newRecorder(o Options) *Recorder {
	return &Recorder{
		o: o, fills: map[snowflake.ID][]fill{}, wasFull: map[snowflake.ID]bool{}, days: map[snowflake.ID]today{},
		visits: newVisitQueue(), logs: map[string]*visitLog{},
	}
}

// Published takes what the voice.Tracker publishes of a room. It does not block, and keeps what it gets, which must not
// be changed.
func (r *Recorder) Published(p voice.Publication) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range p.Missed {
		r.visits.add(p.Key, e)
	}
	if p.Live.Event == nil {
		r.visits.onSnapshot(p.Key, p.Live)
		return
	}
	r.visits.onEvent(p.Key, p.Live, p.At)
	r.noteFill(p.Live)
}

// noteFill records when somebody takes a room's last seat for the first time. The caller holds mu.
func (r *Recorder) noteFill(l *room.Live) {
	if l.Gone() {
		delete(r.wasFull, l.Room.ID)
		return
	}
	if _, joined := l.Event.Fact.(room.VoiceJoined); !joined || l.Occupied() < l.Room.Seats || r.wasFull[l.Room.ID] {
		return
	}
	r.wasFull[l.Room.ID] = true
	g := l.Room.GuildID
	r.fills[g] = append(r.fills[g], fill{l.Room.ID, l.Event.At.Sub(l.Room.OpenedAt)})
}

// RecordMinute counts every room once and writes the days that changed. It returns the
// errors of the writes that failed; their counts are written with the next minute.
func (r *Recorder) RecordMinute(ctx context.Context) error {
	now := r.o.Now()
	var all []error
	r.visits.wakeWriter() // this process may hold other guilds than before
	of := r.roomsByGuild()
	for _, g := range r.o.Guilds() {
		rooms, people := of[g], 0
		for i := range rooms {
			people += rooms[i].Occupied()
		}
		r.mu.Lock()
		fills := r.fills[g]
		delete(r.fills, g)
		r.mu.Unlock()
		if people > 0 || len(fills) > 0 {
			all = append(all, r.recordDay(ctx, g, now, rooms, fills))
		}
	}
	return errors.Join(all...)
}

func (r *Recorder) roomsByGuild() map[snowflake.ID][]room.Live {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := map[snowflake.ID][]room.Live{}
	for _, l := range r.visits.rooms {
		of[l.Room.GuildID] = append(of[l.Room.GuildID], *l)
	}
	return of
}

func (r *Recorder) recordDay(
	ctx context.Context, g snowflake.ID, now time.Time, rooms []room.Live, fills []fill,
) error {
	key := stats.Key(g, now)
	r.mu.Lock()
	d, known := r.days[g]
	r.mu.Unlock()
	if !known || d.key != key {
		day, _, err := r.o.Hub.Stats.Latest(ctx, key)
		if err != nil && !errs.Has(err, errs.NotFound) {
			r.requeueFills(g, fills)
			return err
		}
		d = today{key, day}
	}
	d.day.Fills = append([]stats.Fill(nil), d.day.Fills...) // the stored copy must not share the array
	d.day.Minute(now, rooms)
	for _, f := range fills {
		d.day.Filled(f.room, f.after)
	}
	d.day.Until = now.UTC().Truncate(24 * time.Hour).Add(stats.Retention)
	r.mu.Lock()
	r.days[g] = d
	r.mu.Unlock()
	_, err := r.o.Hub.Stats.Put(ctx, key, d.day)
	return err
}

// requeueFills puts fills back, for the next minute.
func (r *Recorder) requeueFills(g snowflake.ID, fills []fill) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fills[g] = append(fills, r.fills[g]...)
}

// DeleteExpired deletes audit entries, visits and days that are older than their guild's retention.
func (r *Recorder) DeleteExpired(ctx context.Context) error {
	var all []error
	for _, g := range r.o.Guilds() {
		keep := r.o.Retention(g)
		if keep <= 0 || keep >= stats.Retention {
			continue // the hub's own limit of 90 days applies
		}
		before := r.o.Now().Add(-keep)
		n, err := r.o.Hub.Audit.Trim(ctx, g, before)
		all = append(all, err, r.trimVisits(ctx, g, before))
		keys, err := r.o.Hub.Stats.Keys(ctx, g.String())
		all = append(all, err)
		for _, k := range keys {
			if k < stats.Key(g, before) {
				all = append(all, r.o.Hub.Stats.Delete(ctx, k))
			}
		}
		if n > 0 {
			r.o.Log.Info("deleted expired activity", "guild_id", g, "entries", n)
		}
	}
	return errors.Join(all...)
}

// Close writes what is left.
func (r *Recorder) Close() {
	r.stop()
	r.writing.Wait()
}
