package activity

import (
	"cmp"
	"context"
	"errors"
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
	visitsEvery  = 2 * time.Second  // a room's visits are written at once, and then this often at most
	pauseBetween = time.Second / 10 // between two rounds of writing
	keepLog      = time.Minute      // how long a log is remembered after it was written
	closeTimeout = 5 * time.Second  // bounds the last writes on Close
)

// visitQueue holds visits that are not written yet.
type visitQueue struct {
	rooms   map[string]*room.Live // as each was last published
	pending map[string][]room.VisitEvent
	// rooms of which an event may have been missed, by this process or by the one before it
	incomplete map[string]bool
	closed     map[string]bool // closed rooms, whose log is to be deleted
	wake       chan struct{}
	guilds     map[string]snowflake.ID // the guilds this process held last, by key
	// What is not written yet is numbered in the order in which it came: of each room, the oldest that is queued and
	// the oldest that is being written; and the newest of all.
	oldest, writing map[string]uint64
	newest          uint64
	stored          []*storedWaiter
	ended           bool // nothing is written any more unless Stored does
}

// storedWaiter waits until everything of some rooms up to a number is written.
type storedWaiter struct {
	rooms map[string]bool
	until uint64
	done  chan error // has room for the answer
}

// visitLog is a room's log as it was last written or read.
type visitLog struct {
	log  room.VisitLog
	rev  hub.Rev
	used time.Time // by the monotonic clock
}

func newVisitQueue() visitQueue {
	return visitQueue{
		rooms: map[string]*room.Live{}, pending: map[string][]room.VisitEvent{}, incomplete: map[string]bool{},
		closed: map[string]bool{}, wake: make(chan struct{}, 1),
		oldest: map[string]uint64{}, writing: map[string]uint64{},
	}
}

// onEvent queues a join or leave. The caller holds the Recorder's lock.
func (q *visitQueue) onEvent(key string, l *room.Live, at room.Mark) {
	was := q.rosterOf(key)
	q.rooms[key] = l
	switch f := l.Event.Fact.(type) {
	case room.VoiceJoined:
		q.add(key, room.VisitEvent{Visit: room.Visit{
			UserID: f.Person.UserID, Name: f.Person.DisplayName, Bot: f.Person.Bot, At: f.Person.Since,
		}, Event: at})
	case room.VoiceLeft:
		if i := slices.IndexFunc(was, func(p room.Person) bool { return p.UserID == f.UserID }); i >= 0 {
			q.add(key, room.VisitEvent{Visit: room.Visit{
				UserID: f.UserID, Name: was[i].DisplayName, Bot: was[i].Bot, Left: true, At: l.Event.At,
			}, Event: at})
		}
	case room.Closed:
		delete(q.rooms, key)
		delete(q.pending, key)
		delete(q.incomplete, key)
		q.closed[key] = true
		q.number(key)
	}
}

// onSnapshot handles a roster without an event: after a start, or when the hub has lost its memory buckets.
func (q *visitQueue) onSnapshot(key string, l *room.Live) {
	q.rooms[key] = l
	q.incomplete[key] = true
	q.number(key)
}

func (q *visitQueue) add(key string, what room.VisitEvent) {
	list := append(q.pending[key], what)
	q.pending[key] = list[max(0, len(list)-room.MaxVisits):]
	q.number(key)
}

// number notes that there is something to write of a room.
func (q *visitQueue) number(key string) {
	q.newest++
	if _, waits := q.oldest[key]; !waits {
		q.oldest[key] = q.newest
	}
	q.wakeWriter()
}

func (q *visitQueue) wakeWriter() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// errEnded says that visits were not written when the Recorder was closed.
var errEnded = errors.New("activity: closed before all visits were written")

// Stored returns once everything of the guilds is written that Published took before, or with an error if it won't be.
// With now, it is written at once. What comes of other guilds is not waited for.
func (r *Recorder) Stored(ctx context.Context, guilds []snowflake.ID, now bool) error {
	of := make(map[string]bool, len(guilds))
	for _, id := range guilds {
		of[id.String()] = true
	}
	if now {
		r.flush(ctx, of)
	}
	w := r.waitFor(of)
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		r.visits.stored = slices.DeleteFunc(r.visits.stored, func(q *storedWaiter) bool { return q == w })
		return context.Cause(ctx)
	}
}

// waitFor waits for what isn't written of some guilds.
func (r *Recorder) waitFor(guilds map[string]bool) *storedWaiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &r.visits
	w := &storedWaiter{map[string]bool{}, q.newest, make(chan error, 1)}
	for _, unwritten := range []map[string]uint64{q.oldest, q.writing} {
		for key := range unwritten {
			if guilds[guildOf(key)] {
				w.rooms[key] = true
			}
		}
	}
	q.stored = append(q.stored, w)
	q.tellStored()
	return w
}

// tellStored tells those who wait for what is written by now, and the others once nobody writes any more. The caller
// holds the Recorder's lock.
func (q *visitQueue) tellStored() {
	q.stored = slices.DeleteFunc(q.stored, func(w *storedWaiter) bool {
		for key := range w.rooms {
			if q.waitsUntil(key, w.until) {
				if !q.ended {
					return false
				}
				w.done <- errEnded
				return true
			}
			delete(w.rooms, key)
		}
		w.done <- nil
		return true
	})
}

// waitsUntil reports whether anything of a room up to a number isn't written. The caller holds the Recorder's lock.
func (q *visitQueue) waitsUntil(key string, until uint64) bool {
	for _, unwritten := range []map[string]uint64{q.oldest, q.writing} {
		if n, waits := unwritten[key]; waits && n <= until {
			return true
		}
	}
	return false
}

// runWriter writes queued visits until ctx ends, then what is left.
func (r *Recorder) runWriter(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer cancel()
			r.flush(last, r.queuedGuilds())
			r.end()
			return
		case <-r.visits.wake:
		}
		r.flush(ctx, nil)
		pause := time.NewTimer(pauseBetween)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// queuedGuilds returns the guilds of which anything is queued.
func (r *Recorder) queuedGuilds() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	guilds := map[string]bool{}
	for key := range r.visits.oldest {
		guilds[guildOf(key)] = true
	}
	return guilds
}

// end notes that the writer has ended, and tells those who wait for it.
func (r *Recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.visits.ended = true
	r.visits.tellStored()
}

// flush writes the queued visits of the rooms that are due; what fails stays queued.
func (r *Recorder) flush(ctx context.Context, guilds map[string]bool) {
	now := time.Now()
	for _, key := range r.due(now, guilds) {
		if ctx.Err() != nil {
			break
		}
		r.writeMu.Lock()
		r.writeRoom(ctx, key)
		r.writeMu.Unlock()
	}
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	for key, l := range r.logs {
		if now.Sub(l.used) > keepLog {
			delete(r.logs, key)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.visits.tellStored()
	if len(r.visits.oldest) > 0 {
		r.visits.wakeWriter()
	}
}

// due lists the rooms to write, the longest waiting first: those that were not written within visitsEvery; if guilds
// isn't nil, all of these guilds instead.
func (r *Recorder) due(now time.Time, guilds map[string]bool) (keys []string) {
	held := map[string]snowflake.ID{}
	for _, g := range r.o.Guilds() {
		held[g.String()] = g
	}
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &r.visits
	if len(held) == 0 {
		held = q.guilds // this process is shutting down and still writes for them
	}
	for key, l := range q.rooms {
		g := guildOf(key)
		if _, before := q.guilds[g]; held[g] == 0 {
			delete(q.rooms, key)
		} else if !before {
			q.onSnapshot(key, l) // the previous holder may not have written the last events it got
		}
	}
	q.guilds = held
	for key := range q.oldest {
		g, l := guildOf(key), r.logs[key]
		if _, mine := held[g]; !mine {
			q.forget(key)
		} else if guilds[g] || guilds == nil && (q.closed[key] || l == nil || now.Sub(l.used) >= visitsEvery) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(q.oldest[a], q.oldest[b]) })
	return keys
}

// rosterOf returns who is in a room. The caller holds the Recorder's lock.
func (q *visitQueue) rosterOf(key string) []room.Person {
	if l := q.rooms[key]; l != nil {
		return l.Roster
	}
	return nil
}

// forget drops what is queued of a room. The caller holds the Recorder's lock.
func (q *visitQueue) forget(key string) {
	delete(q.pending, key)
	delete(q.incomplete, key)
	delete(q.closed, key)
	delete(q.oldest, key)
}

// queued is what is queued of one room.
type queued struct {
	list               []room.VisitEvent
	incomplete, closed bool
	roster             []room.Person
}

// take takes what is queued of a room, to write it; wrote or giveBack follows.
func (r *Recorder) take(key string) queued {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &r.visits
	w := queued{q.pending[key], q.incomplete[key], q.closed[key], q.rosterOf(key)}
	q.writing[key] = q.oldest[key]
	q.forget(key)
	return w
}

// wrote notes that what was taken is written.
func (r *Recorder) wrote(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.visits.writing, key)
	r.visits.tellStored()
}

// giveBack queues again what could not be written.
func (r *Recorder) giveBack(key string, w queued) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := &r.visits
	since := q.writing[key]
	delete(q.writing, key)
	if q.closed[key] {
		return // the log is about to be deleted
	}
	if len(w.list) > 0 {
		q.pending[key] = append(w.list, q.pending[key]...)
	}
	if w.incomplete {
		q.incomplete[key] = true
	}
	q.oldest[key] = since
}

// writeRoom writes what is queued of a room. The caller holds writeMu.
func (r *Recorder) writeRoom(ctx context.Context, key string) {
	w := r.take(key)
	if w.closed {
		delete(r.logs, key)
		if err := r.o.Hub.Visits.Delete(ctx, key); err != nil { // the bucket's TTL deletes it later
			r.o.Log.Warn("cannot delete the visits of a closed room; they will expire", "key", key,
				"err", err)
		}
		if len(w.list) == 0 && !w.incomplete {
			r.wrote(key)
			return
		}
	}
	err := r.change(ctx, key, func(c *room.VisitLog) { r.apply(c, key, w) })
	if err == nil {
		r.wrote(key)
		return
	}
	r.o.Log.Warn("cannot write a room's visits; retrying", "key", key, "err", err)
	r.giveBack(key, w)
}

// apply adds what is queued to a room's log.
func (r *Recorder) apply(c *room.VisitLog, key string, w queued) {
	since := r.o.Now().Add(-r.retention(key))
	c.DropBefore(since)
	for _, e := range w.list {
		c.AddEvent(e)
	}
	if w.incomplete {
		c.Reconcile(w.roster, r.o.Now())
	}
	c.DropBefore(since)
}

// change changes a room's log in the hub, without reading it if it is known. The caller holds writeMu.
func (r *Recorder) change(ctx context.Context, key string, apply func(*room.VisitLog)) error {
	used := time.Now()
	if l := r.logs[key]; l != nil {
		next := l.log.Copy()
		apply(&next)
		if same(l.log, next) {
			return nil
		}
		rev, err := r.o.Hub.Visits.Update(ctx, key, next, l.rev, hub.TTL(stats.Retention))
		if err == nil {
			*l = visitLog{next, rev, used}
			return nil
		}
		delete(r.logs, key) // somebody was erased from it, or it isn't known whether it was written
		if !errs.Has(err, errs.Conflict) {
			return err
		}
	}
	log, rev, err := r.o.Hub.Visits.EditOrCreate(ctx, key, func(c *room.VisitLog) error {
		was := c.Copy()
		if apply(c); same(was, *c) {
			return hub.Unchanged
		}
		return nil
	}, hub.TTL(stats.Retention))
	if err == nil {
		r.logs[key] = &visitLog{log, rev, used}
	}
	return err
}

func same(a, b room.VisitLog) bool {
	return a.Through == b.Through && slices.EqualFunc(a.List, b.List, room.Visit.Equal)
}

// Visits returns a room's log with what isn't written yet. It fails with errs.NotFound if there is none.
func (r *Recorder) Visits(ctx context.Context, key string) (room.VisitLog, error) {
	r.writeMu.Lock() // what is just being written is in neither
	defer r.writeMu.Unlock()
	log, _, err := r.o.Hub.Visits.Get(ctx, key)
	r.mu.Lock()
	q := &r.visits
	w := queued{slices.Clone(q.pending[key]), q.incomplete[key], false, q.rosterOf(key)}
	r.mu.Unlock()
	if err != nil && !(errs.Has(err, errs.NotFound) && len(w.list) > 0) {
		return log, err
	}
	r.apply(&log, key, w)
	return log, nil
}

// guildOf returns the guild part of a room's key.
func guildOf(key string) string {
	guild, _, _ := strings.Cut(key, ".")
	return guild
}

// retention returns how long a room's visits are kept.
func (r *Recorder) retention(key string) time.Duration {
	guild, _ := snowflake.Parse(guildOf(key)) // 0 for what is no guild's
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
