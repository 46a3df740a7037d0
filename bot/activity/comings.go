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
	writeEvery = time.Second / 10 // how often comings and goings are written, after the first at once
	lastWrite  = 5 * time.Second  // how long Close waits for what is not written yet
)

// comings are what came and went and is not written yet. It hears of it behind the hub, so nothing that
// browsers wait for waits for it.
type comings struct {
	rosters map[string][]room.Person // who was in each room last
	waiting map[string][]room.Coming
	// rooms of which something may have happened unseen, by this process or by the one before it
	unsure map[string]bool
	gone   map[string]bool // rooms that were closed
	wake   chan struct{}
	held   map[string]snowflake.ID // the guilds this process kept last, by their keys
}

func newComings() comings {
	return comings{
		rosters: map[string][]room.Person{}, waiting: map[string][]room.Coming{}, unsure: map[string]bool{},
		gone: map[string]bool{}, wake: make(chan struct{}, 1),
	}
}

// heard notes who came and went. The caller holds the tally's lock.
func (c *comings) heard(key string, l *room.Live) {
	was := c.rosters[key]
	c.rosters[key] = l.Roster
	switch f := l.Event.Fact.(type) {
	case room.VoiceJoined:
		c.note(key,
			room.Coming{UserID: f.Person.UserID, Name: f.Person.DisplayName, Bot: f.Person.Bot, At: f.Person.Since})
	case room.VoiceLeft:
		if i := slices.IndexFunc(was, func(p room.Person) bool { return p.UserID == f.UserID }); i >= 0 {
			c.note(key,
				room.Coming{UserID: f.UserID, Name: was[i].DisplayName, Bot: was[i].Bot, Left: true, At: l.Event.At})
		}
	case room.Closed:
		delete(c.rosters, key)
		delete(c.waiting, key)
		delete(c.unsure, key)
		c.gone[key] = true
		c.hurry()
	}
}

// whole takes a roster that is told without what happened: after a start, or when the hub has begun anew.
func (c *comings) whole(key string, roster []room.Person) {
	c.rosters[key] = roster
	c.unsure[key] = true
	c.hurry()
}

func (c *comings) note(key string, what room.Coming) {
	list := append(c.waiting[key], what)
	c.waiting[key] = list[max(0, len(list)-room.MaxComings):]
	c.hurry()
}

func (c *comings) hurry() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// writeComings writes what comes until ctx ends, and what is left then.
func (t *Recorder) writeComings(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			t.flush(last)
			return
		case <-t.comings.wake:
		}
		t.flush(ctx)
		pause := time.NewTimer(writeEvery)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// flush writes what is waiting. What the hub does not take waits for the next time.
func (t *Recorder) flush(ctx context.Context) {
	w := t.takeComings()
	for key, list := range w.waiting {
		if g, mine := w.held[guildOf(key)]; mine {
			t.writeRoom(ctx, g, key, list, w)
		}
	}
	for key := range w.gone {
		if _, mine := w.held[guildOf(key)]; !mine {
			continue
		}
		if err := t.o.Hub.Comings.Delete(ctx, key); err != nil { // the hub forgets it by itself
			t.o.Log.Warn("who came into a closed room and went stays a while", "key", key, "err", err)
		}
	}
}

// takeComings takes what is waiting, with what is to be compared.
func (t *Recorder) takeComings() comings {
	held := map[string]snowflake.ID{}
	for _, g := range t.o.Holds() {
		held[g.String()] = g
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.comings
	if len(held) == 0 {
		held = c.held // this process is letting go of them
	}
	for key := range c.rosters {
		g := guildOf(key)
		if _, before := c.held[g]; !before && held[g] != 0 { // what its last holder heard last it may not have written
			c.unsure[key] = true
		}
	}
	c.held = held
	w := comings{rosters: map[string][]room.Person{}, waiting: c.waiting, unsure: c.unsure, gone: c.gone, held: held}
	for key := range w.unsure {
		if _, waits := w.waiting[key]; !waits {
			w.waiting[key] = nil
		}
		w.rosters[key] = c.rosters[key]
	}
	c.waiting, c.unsure, c.gone = map[string][]room.Coming{}, map[string]bool{}, map[string]bool{}
	return w
}

// writeRoom writes what came into a room and went.
func (t *Recorder) writeRoom(ctx context.Context, g snowflake.ID, key string, list []room.Coming, w comings) {
	_, _, err := t.o.Hub.Comings.EditOrCreate(ctx, key, func(c *room.Comings) error {
		was, since := slices.Clone(c.List), t.o.Now().Add(-t.keeps(g))
		c.Before(since)
		c.Add(list...)
		if w.unsure[key] {
			c.Meet(w.rosters[key], t.o.Now())
		}
		c.Before(since)
		if slices.EqualFunc(was, c.List, room.Coming.Equal) {
			return hub.Unchanged
		}
		return nil
	}, hub.TTL(stats.Keep))
	if err == nil {
		return
	}
	t.o.Log.Warn("who came and went is not written yet", "key", key, "err", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.comings.gone[key] {
		return
	}
	if len(list) > 0 {
		t.comings.waiting[key] = append(list, t.comings.waiting[key]...)
	}
	if w.unsure[key] {
		t.comings.unsure[key] = true
	}
	t.comings.hurry()
}

// guildOf gives the guild's part of a room's key.
func guildOf(key string) string {
	guild, _, _ := strings.Cut(key, ".")
	return guild
}

// keeps gives how long a guild wants things kept.
func (t *Recorder) keeps(guild snowflake.ID) time.Duration {
	if keep := t.o.Keep(guild); keep > 0 {
		return min(keep, stats.Keep)
	}
	return stats.Keep
}

// trimComings deletes what is older than a guild wants.
func (t *Recorder) trimComings(ctx context.Context, guild snowflake.ID, before time.Time) error {
	keys, err := t.o.Hub.Comings.Keys(ctx, guild.String())
	if err != nil {
		return err
	}
	for _, key := range keys {
		_, _, err := t.o.Hub.Comings.Edit(ctx, key, func(c *room.Comings) error {
			if !c.Before(before) {
				return hub.Unchanged
			}
			return nil
		}, hub.TTL(stats.Keep))
		if err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
	}
	return nil
}
