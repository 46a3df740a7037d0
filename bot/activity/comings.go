package activity

import (
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/stats"
)

const (
	writeEvery = time.Second     // how often comings and goings are written, after the first at once
	lastWrite  = 5 * time.Second // how long Close waits for what is not written yet
)

// comings are what came and went and is not written yet. It hears of it behind the hub, so nothing that browsers wait for waits for it.
type comings struct {
	rosters map[string][]room.Person // who was in each room last
	waiting map[string][]room.Coming
	gone    map[string]bool // rooms that were closed
	wake    chan struct{}
	held    []snowflake.ID // the guilds this process kept last
}

func newComings() comings {
	return comings{rosters: map[string][]room.Person{}, waiting: map[string][]room.Coming{}, gone: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// heard notes who came and went. The caller holds the tally's lock.
func (c *comings) heard(key string, l *room.Live) {
	was := c.rosters[key]
	c.rosters[key] = l.Roster
	switch f := l.Event.Fact.(type) {
	case room.VoiceJoined:
		c.note(key, room.Coming{UserID: f.Person.UserID, Name: f.Person.DisplayName, Bot: f.Person.Bot, At: f.Person.Since})
	case room.VoiceLeft:
		if i := slices.IndexFunc(was, func(p room.Person) bool { return p.UserID == f.UserID }); i >= 0 {
			c.note(key, room.Coming{UserID: f.UserID, Name: was[i].DisplayName, Bot: was[i].Bot, Left: true, At: l.Event.At})
		}
	case room.Closed:
		delete(c.rosters, key)
		delete(c.waiting, key)
		c.gone[key] = true
		c.hurry()
	}
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
func (t *Tally) writeComings(ctx context.Context) {
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
func (t *Tally) flush(ctx context.Context) {
	held := t.o.Holds()
	t.mu.Lock()
	if len(held) == 0 {
		held = t.comings.held // this process is letting go of them
	}
	t.comings.held = held
	waiting, gone := t.comings.waiting, t.comings.gone
	t.comings.waiting, t.comings.gone = map[string][]room.Coming{}, map[string]bool{}
	t.mu.Unlock()
	for _, g := range held {
		for key, list := range waiting {
			if !isOf(key, g) {
				continue
			}
			_, _, err := t.o.Hub.Comings.EditOrCreate(ctx, key, func(c *room.Comings) error {
				c.Add(list...)
				c.Before(t.o.Now().Add(-t.keeps(g)))
				return nil
			}, hub.TTL(stats.Keep))
			if err != nil {
				t.o.Log.Warn("who came and went is not written yet", "key", key, "err", err)
				t.mu.Lock()
				t.comings.waiting[key] = append(list, t.comings.waiting[key]...)
				t.comings.hurry()
				t.mu.Unlock()
			}
		}
		for key := range gone {
			if !isOf(key, g) {
				continue
			}
			if err := t.o.Hub.Comings.Delete(ctx, key); err != nil { // the hub forgets it by itself
				t.o.Log.Warn("who came into a closed room and went stays a while", "key", key, "err", err)
			}
		}
	}
}

func isOf(key string, guild snowflake.ID) bool {
	id := guild.String()
	return len(key) > len(id) && key[:len(id)] == id && key[len(id)] == '.'
}

// keeps gives how long a guild wants things kept.
func (t *Tally) keeps(guild snowflake.ID) time.Duration {
	if keep := t.o.Keep(guild); keep > 0 {
		return min(keep, stats.Keep)
	}
	return stats.Keep
}

// trimComings deletes what is older than a guild wants.
func (t *Tally) trimComings(ctx context.Context, guild snowflake.ID, before time.Time) error {
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
