package voice

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// Occupant is somebody in a voice channel.
type Occupant struct {
	Channel snowflake.ID `json:"channel"`
	Person  room.Person  `json:"person"`
}

// Export passes to done who is in which voice channel of a guild, once all inputs enqueued before are applied. Run's
// goroutine calls done, which must return at once; after Run has ended, Export itself does.
func (t *Tracker) Export(id snowflake.ID, done func([]Occupant)) {
	export := func() {
		var out []Occupant
		if g := t.guilds[id]; g != nil { // only Run's goroutine writes
			for _, v := range g.voices {
				out = append(out, Occupant{v.channel, v.person})
			}
		}
		done(out)
	}
	if !t.queue.putNow(export) {
		export()
	}
}

// Sync returns once all inputs enqueued before are applied, or when ctx ends.
func (t *Tracker) Sync(ctx context.Context) {
	applied := make(chan struct{})
	if !t.queue.putNow(func() { close(applied) }) {
		return
	}
	select {
	case <-applied:
	case <-ctx.Done():
	}
}

// Restore sets the voice states that an earlier process exported.
// Call it before any event of the guild and before Track.
func (t *Tracker) Restore(id snowflake.ID, who []Occupant) {
	t.queue.put(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		g := t.guild(id)
		g.missed = map[snowflake.ID][]room.VisitEvent{}
		for _, o := range who {
			g.voices[o.Person.UserID] = voice{o.Channel, o.Person}
		}
	})
}

// Republish publishes the whole state of every room of a guild, for a hub that lost its memory buckets.
// done is called once, from any goroutine, with nil when all are stored or with the first error.
func (t *Tracker) Republish(id snowflake.ID, done func(error)) {
	t.queue.put(func() {
		var pubs []publication
		t.mu.Lock()
		if g := t.guilds[id]; g != nil {
			for channel := range g.rooms {
				pubs = t.applyFact(pubs, id, g, channel, nil)
			}
		}
		t.mu.Unlock()
		left, first := len(pubs), error(nil)
		if left == 0 {
			done(nil)
			return
		}
		// Results arrive on the publisher's goroutine or on this
		// one; counting them in Run's goroutine needs no lock.
		t.publishThen(pubs, func(err error) {
			t.queue.put(func() {
				if err != nil && first == nil {
					first = err
				}
				if left--; left == 0 {
					done(first)
				}
			})
		})
	})
}
