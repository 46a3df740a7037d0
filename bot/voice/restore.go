package voice

import (
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// Occupant is somebody in a voice channel.
type Occupant struct {
	Channel snowflake.ID `json:"channel"`
	Person  room.Person  `json:"person"`
}

// Export gives who is in which voice channel of a guild once everything that
// was enqueued before is applied. done is called by Run's goroutine and must return at once.
func (p *Tracker) Export(id snowflake.ID, done func([]Occupant)) {
	p.queue.put(func() {
		var out []Occupant
		if g := p.guilds[id]; g != nil { // only Run's goroutine writes
			for _, v := range g.voices {
				out = append(out, Occupant{v.channel, v.person})
			}
		}
		done(out)
	})
}

// Restore takes what Export gave to a process before this one. It comes before
// any event of the guild, and before its rooms are tracked.
func (p *Tracker) Restore(id snowflake.ID, who []Occupant) {
	p.queue.put(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		g := p.guild(id)
		for _, o := range who {
			g.voices[o.Person.UserID] = voice{o.Channel, o.Person}
		}
	})
}

// Refill publishes every room of a guild whole, for a hub that has begun anew.
// done is called once the hub has taken all of them, or with why it did not;
// it may be called from any goroutine.
func (p *Tracker) Refill(id snowflake.ID, done func(error)) {
	p.queue.put(func() {
		var outs []out
		p.mu.Lock()
		if g := p.guilds[id]; g != nil {
			for channel := range g.rooms {
				outs = p.tell(outs, id, g, channel, nil)
			}
		}
		p.mu.Unlock()
		left, first := len(outs), error(nil)
		if left == 0 {
			done(nil)
			return
		}
		// Answers come from the publisher's goroutine, one after the other, or
		// at once from this one; counting in Run's goroutine needs no lock.
		p.publishThen(outs, func(err error) {
			p.queue.put(func() {
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
