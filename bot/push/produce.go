package push

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/push"
	"snug/shared/room"
)

const (
	batch     = 100             // audit entries read at once
	pollEvery = 5 * time.Second // how often the log is read if nobody told that there is something new
)

// producer makes messages of what happens. Only Run's goroutine uses it, but for joins.
type producer struct {
	s    *Sender
	pos  uint64 // of the audit log: all before it has been read; 0: nothing yet
	held map[snowflake.ID]bool
	// readAt is when the log was last read.
	readAt time.Time

	mu     sync.Mutex
	joins  map[join]bool // who sat down within push.Fresh
	follow func()        // waits for the end of following visits; nil: nobody wanted to know yet
}

// join is that somebody sat down.
type join struct {
	guild, room, user snowflake.ID
	at                time.Time
}

func newProducer(s *Sender) *producer {
	return &producer{s: s, held: map[snowflake.ID]bool{}, joins: map[join]bool{}}
}

// wait returns once visits are no longer followed.
func (p *producer) wait() {
	if p.follow != nil {
		p.follow()
	}
}

// step makes messages of what happened since the last one. What fails is tried again at the next step; the hub logs it.
func (p *producer) step(ctx context.Context) {
	loaded, any, trusted := p.s.people.wants()
	if !loaded {
		return
	}
	if !any {
		p.pos, p.held = 0, map[snowflake.ID]bool{} // what happens until somebody wants it is not told
		return
	}
	held := map[snowflake.ID]bool{}
	fresh := false
	for _, g := range p.s.o.Guilds() {
		if p.s.o.Rooms.Snapshot(g).Ready {
			held[g] = true
			fresh = fresh || !p.held[g]
		}
	}
	if fresh || p.pos == 0 {
		if !p.lookBack(ctx, held) {
			return
		}
	}
	p.held = held
	if came := p.s.came.Swap(false); came || time.Since(p.readAt) > pollEvery {
		if !p.read(ctx) {
			p.s.came.Store(true)
			return
		}
		p.readAt = time.Now()
	}
	if !trusted {
		return
	}
	if p.follow == nil {
		wait, err := p.s.o.Hub.Visits.Follow(ctx, hub.Follower[room.VisitLog]{Change: p.visits})
		if err != nil {
			return
		}
		p.follow = wait
	}
	p.tellJoins(ctx)
}

// lookBack reads what happened within push.Fresh in guilds that this process has only held since the last step: their
// former holder may not have got to it. pos is then after it.
func (p *producer) lookBack(ctx context.Context, held map[snowflake.ID]bool) bool {
	// Asked first, so that nothing that is appended meanwhile is skipped.
	last, err := p.s.o.Hub.Audit.Newest(ctx)
	if err != nil {
		return false
	}
	failed := false
	// The log's times are the machine's.
	err = p.s.o.Hub.Audit.Since(ctx, 0, 0, time.Now().Add(-push.Fresh), func(e hub.AuditEntry) error {
		last = max(last, e.Seq)
		if held[e.Guild] && (!p.held[e.Guild] || e.Seq > p.pos) && !p.tell(ctx, e) {
			failed = true
			return errStop
		}
		return nil
	})
	if err != nil || failed {
		return false
	}
	p.pos = last
	return true
}

var errStop = errs.E(errs.Unavailable, "stopped") // not shown

// read reads the log from pos on.
func (p *producer) read(ctx context.Context) bool {
	for {
		list, err := p.s.o.Hub.Audit.After(ctx, 0, p.pos, batch)
		if err != nil {
			return false
		}
		for _, e := range list {
			if p.held[e.Guild] && !p.tell(ctx, e) {
				return false
			}
			p.pos = max(p.pos, e.Seq)
		}
		if len(list) < batch {
			return true
		}
	}
}

// tell makes the messages of an entry. It returns false if the hub did not store one.
func (p *producer) tell(ctx context.Context, a hub.AuditEntry) bool {
	var e audit.Entry
	switch audit.Kind(a.Kind) {
	case audit.Knocked, audit.WaitingEnded, audit.GuestAdmitted, audit.RoomClosing:
	default:
		return true
	}
	if json.Unmarshal(a.Data, &e) != nil {
		return true
	}
	m := push.Message{ID: idOf(a.ID), GuildID: a.Guild, RoomID: a.Channel, At: e.At, Until: e.At.Add(push.Fresh)}
	r, there := p.room(a.Guild, a.Channel)
	if !there {
		return true
	}
	var to []snowflake.ID
	switch e.Kind {
	case audit.Knocked:
		m.Kind, m.Who, to = push.Knock, e.By, []snowflake.ID{r.OwnerID}
	case audit.WaitingEnded:
		if m.Kind, to = push.Seat, []snowflake.ID{e.Target}; e.Detail != "offered" {
			return true
		}
		if h := r.Hold(e.Target, e.At); h != nil && h.Until.Before(m.Until) {
			m.Until = h.Until
		}
	case audit.GuestAdmitted:
		m.Kind, m.LetIn, to = push.Seat, true, []snowflake.ID{e.Target}
		if e.Detail == audit.ByLink || e.By == e.Target {
			return true
		}
	case audit.RoomClosing:
		m.Kind, to = push.Closing, p.concerned(&r)
		if !r.ClosingAt.IsZero() && r.ClosingAt.Before(m.Until) {
			m.Until = r.ClosingAt
		}
	}
	return p.enqueue(ctx, m, to)
}

// idOf makes a message's id of an event's: keys take few characters.
func idOf(event string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, event)
}

func (p *producer) room(guild, id snowflake.ID) (room.Room, bool) {
	list := p.s.o.Rooms.Snapshot(guild).Rooms
	i := slices.IndexFunc(list, func(r room.Room) bool { return r.ID == id })
	if i < 0 {
		return room.Room{}, false
	}
	return list[i], true
}

// concerned lists the people whom a room's end concerns: its owner, its guests, and who sits in it or waits for a seat.
func (p *producer) concerned(r *room.Room) []snowflake.ID {
	ids := []snowflake.ID{r.OwnerID}
	for _, g := range r.Guests {
		ids = append(ids, g.UserID)
	}
	for _, w := range r.Waiting {
		ids = append(ids, w.UserID)
	}
	for _, o := range p.s.o.Rooms.Roster(r.GuildID, r.ID) {
		ids = append(ids, o.UserID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// enqueue stores a message for each browser of those people who want it. One that was stored before stays as it is.
func (p *producer) enqueue(ctx context.Context, m push.Message, to []snowflake.ID) bool {
	for _, user := range to {
		who, ok := p.s.people.get(user)
		if !ok || !who.Wants(m.Kind) || !p.s.o.Now().Before(m.Until) {
			continue
		}
		m.User = user
		for _, one := range who.NewMessages(m) {
			_, err := p.s.o.Hub.Pushes.Create(ctx, one.Key(), one)
			if err != nil && !errs.Has(err, errs.Conflict) {
				return false
			}
		}
	}
	return true
}

// visits notes who sat down in a room just now. The hub calls it.
func (p *producer) visits(c hub.Change[room.VisitLog]) {
	g, id, _ := strings.Cut(c.Key, ".")
	guild, err1 := snowflake.Parse(g)
	channel, err2 := snowflake.Parse(id)
	if c.Value == nil || err1 != nil || err2 != nil {
		return
	}
	now := p.s.o.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range c.Value.List {
		if !v.Left && !v.Bot && now.Sub(v.At) < push.Fresh {
			p.joins[join{guild, channel, v.UserID, v.At.UTC()}] = true
		}
	}
}

// tellJoins makes messages of who sat down. A join of a guild that another process holds is kept for a while, because
// this one may take it over.
func (p *producer) tellJoins(ctx context.Context) {
	p.mu.Lock()
	joins := slices.Collect(maps.Keys(p.joins))
	p.mu.Unlock()
	for _, j := range joins {
		over := p.s.o.Now().Sub(j.at) >= push.Fresh
		if p.held[j.guild] && !over {
			// Who goes and comes back within minutes is told of once.
			id := fmt.Sprintf("sat-%s-%s-%d", j.room, j.user, j.at.Unix()/int64(push.Fresh/time.Second))
			over = p.enqueue(ctx, push.Message{
				ID: id, GuildID: j.guild, RoomID: j.room, Kind: push.Trusted, Who: j.user, At: j.at,
				Until: j.at.Add(push.Fresh),
			}, p.s.people.whoTrust(j.user))
		}
		if over {
			p.mu.Lock()
			delete(p.joins, j)
			p.mu.Unlock()
		}
	}
}
