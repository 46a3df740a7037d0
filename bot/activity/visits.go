package activity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

const (
	writeEvery   = time.Second / 10 // pause between writes; the first one is immediate
	closeTimeout = 5 * time.Second  // bounds the last write on Close
)

// visitQueue holds visits that are not written yet. It is fed by the
// hub's rosters, not by the gateway, so no browser waits for it.
type visitQueue struct {
	rosters map[string][]room.Person // each room's last roster
	pending map[string][]room.Visit
	// rooms of which an event may have been missed, by this process or by the one before it
	incomplete map[string]bool
	closed     map[string]bool // closed rooms, whose log is to be deleted
	wake       chan struct{}
	guilds     map[string]snowflake.ID // the guilds this process held last, by key
}

func newVisitQueue() visitQueue {
	return visitQueue{
		rosters: map[string][]room.Person{}, pending: map[string][]room.Visit{}, incomplete: map[string]bool{},
		closed: map[string]bool{}, wake: make(chan struct{}, 1),
	}
}

// onEvent queues a join or leave. The caller holds the Recorder's lock.
func (q *visitQueue) onEvent(key string, l *room.Live) {
	was := q.rosters[key]
	q.rosters[key] = l.Roster
	switch f := l.Event.Fact.(type) {
	case room.VoiceJoined:
		q.add(key,
			room.Visit{UserID: f.Person.UserID, Name: f.Person.DisplayName, Bot: f.Person.Bot, At: f.Person.Since})
	case room.VoiceLeft:
		if i := slices.IndexFunc(was, func(p room.Person) bool { return p.UserID == f.UserID }); i >= 0 {
			q.add(key,
				room.Visit{UserID: f.UserID, Name: was[i].DisplayName, Bot: was[i].Bot, Left: true, At: l.Event.At})
		}
	case room.Closed:
		delete(q.rosters, key)
		delete(q.pending, key)
		delete(q.incomplete, key)
		q.closed[key] = true
		q.wakeWriter()
	}
}

// onSnapshot handles a roster without an event: after a start, or when the hub has lost its memory buckets.
func (q *visitQueue) onSnapshot(key string, roster []room.Person) {
	q.rosters[key] = roster
	q.incomplete[key] = true
	q.wakeWriter()
}

func (q *visitQueue) add(key string, what room.Visit) {
	list := append(q.pending[key], what)
	q.pending[key] = list[max(0, len(list)-room.MaxVisits):]
	q.wakeWriter()
}

func (q *visitQueue) wakeWriter() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// runWriter writes queued visits until ctx ends, then what is left.
func (r *Recorder) runWriter(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer cancel()
			r.flush(last)
			return
		case <-r.visits.wake:
		}
		r.flush(ctx)
		pause := time.NewTimer(writeEvery)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// flush writes the queued visits. What fails stays queued.
func (r *Recorder) flush(ctx context.Context) {
	w := r.takePending()
	for key, list := range w.pending {
		if g, mine := w.guilds[guildOf(key)]; mine {
			r.writeRoom(ctx, g, key, list, w)
		}
	}
	for key := range w.closed {
		if _, mine := w.guilds[guildOf(key)]; !mine {
			continue
		}
		if err := r.o.Hub.Visits.Delete(ctx, key); err != nil { // the bucket's TTL deletes it later
			r.o.Log.Warn("cannot delete the visits of a closed room; they will expire", "key", key,
				"err", err)
		}
	}
}

// takePending empties the queue and returns it, with the rosters of the rooms to reconcile.
func (r *Recorder) takePending() visitQueue {
	held := map[string]snowflake.ID{}
	for _, g := range r.o.Guilds() {
		held[g.String()] = g
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.visits
	if len(held) == 0 {
		held = c.guilds // this process is shutting down and still writes for them
	}
	for key := range c.rosters {
		g := guildOf(key)
		if _, before := c.guilds[g]; !before && held[g] != 0 {
			// the previous holder may not have written the last events it got
			c.incomplete[key] = true
		}
	}
	c.guilds = held
	w := visitQueue{
		rosters: map[string][]room.Person{}, pending: c.pending, incomplete: c.incomplete, closed: c.closed,
		guilds: held,
	}
	for key := range w.incomplete {
		if _, waits := w.pending[key]; !waits {
			w.pending[key] = nil
		}
		w.rosters[key] = c.rosters[key]
	}
	c.pending, c.incomplete, c.closed = map[string][]room.Visit{}, map[string]bool{}, map[string]bool{}
	return w
}

// writeRoom appends visits to a room's log.
func (r *Recorder) writeRoom(ctx context.Context, g snowflake.ID, key string, list []room.Visit, w visitQueue) {
	_, _, err := r.o.Hub.Visits.EditOrCreate(ctx, key, func(c *room.VisitLog) error {
		was, since := slices.Clone(c.List), r.o.Now().Add(-r.retention(g))
		c.DropBefore(since)
		c.Add(list...)
		if w.incomplete[key] {
			c.Reconcile(w.rosters[key], r.o.Now())
		}
		c.DropBefore(since)
		if slices.EqualFunc(was, c.List, room.Visit.Equal) {
			return hub.Unchanged
		}
		return nil
	}, hub.TTL(stats.Retention))
	if err == nil {
		return
	}
	r.o.Log.Warn("cannot write a room's visits; retrying", "key", key, "err", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.visits.closed[key] {
		return
	}
	if len(list) > 0 {
		r.visits.pending[key] = append(list, r.visits.pending[key]...)
	}
	if w.incomplete[key] {
		r.visits.incomplete[key] = true
	}
	r.visits.wakeWriter()
}

// guildOf returns the guild part of a room's key.
func guildOf(key string) string {
	guild, _, _ := strings.Cut(key, ".")
	return guild
}

// retention returns how long a guild's visits are kept.
func (r *Recorder) retention(guild snowflake.ID) time.Duration {
	if keep := r.o.Retention(guild); keep > 0 {
		return min(keep, stats.Retention)
	}
	return stats.Retention
}

// trimVisits deletes a guild's visits before a time.
func (r *Recorder) trimVisits(ctx context.Context, guild snowflake.ID, before time.Time) error {
	keys, err := r.o.Hub.Visits.Keys(ctx, guild.String())
	if err != nil {
		return err
	}
	for _, key := range keys {
		_, _, err := r.o.Hub.Visits.Edit(ctx, key, func(c *room.VisitLog) error {
			if !c.DropBefore(before) {
				return hub.Unchanged
			}
			return nil
		}, hub.TTL(stats.Retention))
		if err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
	}
	return nil
}
