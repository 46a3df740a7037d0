// Package voice turns Discord's voice states into the rosters of rooms and publishes
// each change to the hub. It is the fast path from a gateway event to the browser.
//
// Nothing here waits for REST, a disk or a slow reader. Every input method only enqueues,
// so gateway listeners may call it; one goroutine (Run) applies the inputs in order and
// publishes, so a room's events keep Discord's order. Repeated inputs have no effect: a
// replay after RESUME changes nothing. All methods are safe for concurrent use.
package voice

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// Publisher stores rooms' states in the order of the calls. Put does not block; done is called
// once, from any goroutine, with nil or the error that kept the state from being stored.
type Publisher interface {
	Put(key string, live room.Live, done func(error))
}

// Move is a user's change of voice channel. A zero channel id means not in voice.
type Move struct {
	GuildID  snowflake.ID
	UserID   snowflake.ID
	Bot      bool
	From, To snowflake.ID
	Seats    *Seats // as they were published with it of the room they joined, or left with voice; nil: not known
}

// Publication is a room's new state.
type Publication struct {
	Key  string // see Key
	Live *room.Live
	At   room.Mark // the event of Discord's that led to it; zero: none, or several
	// Missed are joins and leaves of the room that Discord repeated before it was tracked.
	Missed []room.VisitEvent
}

// Options of a Tracker. All but Moved and Published are required.
type Options struct {
	Publisher Publisher
	// Moved is called with every change of channel, by Run's goroutine; it must not block.
	Moved func(Move)
	// Published is called with everything that is handed to the Publisher, in that order, by Run's goroutine; it must
	// not block, and must not change anything of it. It may be nil.
	Published func(Publication)
	// Collect is how long after inputs the next ones are collected and applied together, so that a burst wakes
	// everybody behind the Tracker once, not for each; an input after a pause is applied at once. 0: never.
	Collect time.Duration
	Now     func() time.Time
	Log     *slog.Logger
}

// RetryAfter is how long a Tracker waits before it publishes again what could not be stored.
const RetryAfter = 200 * time.Millisecond

// Tracker knows who is in which voice channel, and publishes the rosters of the channels that are rooms.
type Tracker struct {
	o     Options
	queue *queue

	mu     sync.RWMutex // guards guilds and everything in it; never held during a call out of the package
	guilds map[snowflake.ID]*guild
	dirty  map[key]bool // rooms whose last publication failed; only for Run's goroutine
}

type key struct{ guild, channel snowflake.ID }

func (k key) String() string { return Key(k.guild, k.channel) }

// Key is a room's key in the hub's rooms and rosters buckets: guild.channel.
func Key(guild, channel snowflake.ID) string { return guild.String() + "." + channel.String() }

type guild struct {
	voices map[snowflake.ID]voice     // by user
	rooms  map[snowflake.ID]*liveRoom // by channel
	// missed are the joins and leaves that Discord repeats after Restore, by channel, until Track.
	missed map[snowflake.ID][]room.VisitEvent
	putOut map[snowflake.ID]time.Time // when Snug began to disconnect somebody; see PutOut
}

type voice struct {
	channel snowflake.ID
	person  room.Person
}

type liveRoom struct {
	summary room.Summary
	roster  []room.Person
	n       uint64
	seats   *Seats       // replaced, never changed; nil: not known
	closed  *room.Closed // set once the room is closed; it stays until the hub has stored its last event
}

// New returns a Tracker; Run has to be called for it to do anything.
func New(o Options) *Tracker {
	if o.Moved == nil {
		o.Moved = func(Move) {}
	}
	if o.Published == nil {
		o.Published = func(Publication) {}
	}
	return &Tracker{o: o, queue: newQueue(), guilds: map[snowflake.ID]*guild{}, dirty: map[key]bool{}}
}

// Run applies inputs until ctx ends, then those that are left, and returns. It is called once. Later inputs are
// dropped.
func (t *Tracker) Run(ctx context.Context) {
	retry := time.NewTicker(RetryAfter)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			for !t.queue.end() {
				t.drain()
			}
			return
		case <-t.queue.ready:
			t.drain()
			t.collect(ctx)
		case <-retry.C:
			t.republishFailed()
		}
	}
}

// collect waits until the next inputs may be applied, or until somebody waits for them.
func (t *Tracker) collect(ctx context.Context) {
	if t.o.Collect == 0 {
		return
	}
	pause := time.NewTimer(t.o.Collect)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-t.queue.urgent:
	case <-ctx.Done():
	}
}

func (t *Tracker) drain() {
	for _, apply := range t.queue.take() {
		apply()
	}
}

// VoiceState handles a VOICE_STATE_UPDATE, and the event's position.
func (t *Tracker) VoiceState(s discord.VoiceState, m discord.Member, at room.Mark) {
	t.queue.put(func() { t.applyVoice(s.GuildID, t.voiceOf(s, &m), s.UserID, at) })
}

// Guild handles all voice states of a guild, from GUILD_CREATE. Differences from the known state
// are published as joins and leaves.
func (t *Tracker) Guild(id snowflake.ID, states []discord.VoiceState, members []discord.Member) {
	t.queue.put(func() { t.applyGuild(id, states, members) })
}

// GuildGone forgets who is in voice in a guild that the bot left. It publishes nothing, because who
// is in voice there is unknown. The guild's rooms stay until Closed is called for each, which may
// happen after this or even after the guild returned.
func (t *Tracker) GuildGone(id snowflake.ID) {
	t.queue.put(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if g := t.guilds[id]; g != nil {
			clear(g.voices)
			t.dropIfEmpty(id)
		}
	})
}

// Forget forgets everything about a guild that another process holds from now on, and publishes nothing.
func (t *Tracker) Forget(id snowflake.ID) {
	t.queue.put(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.guilds, id)
	})
}

// dropIfEmpty forgets a guild without voice states and rooms. The caller holds mu.
func (t *Tracker) dropIfEmpty(id snowflake.ID) {
	if g := t.guilds[id]; g != nil && len(g.voices) == 0 && len(g.rooms) == 0 {
		delete(t.guilds, id)
	}
}

// KnownRoom is a stored room to track after a start; Prior is its last published state, or nil.
type KnownRoom struct {
	Room  room.Summary
	Seats *Seats // see Room
	Prior *room.Live
}

// Track starts publishing a guild's rooms, all that were opened before this process held it. A roster that differs
// from Prior is published change by change; without Prior, as a whole. done is called when all are applied.
func (t *Tracker) Track(id snowflake.ID, rooms []KnownRoom, done func()) {
	t.queue.putNow(func() {
		for _, k := range rooms {
			t.applyKnown(k)
		}
		if g := t.guilds[id]; g != nil { // only Run's goroutine writes
			g.missed = nil
		}
		done()
	})
}

// Room publishes a fact about a room and the room's current summary. By the seats, comings and goings are published
// with the seats that are held because of them; without any, nothing is known of that here.
func (t *Tracker) Room(s room.Summary, seats *Seats, fact room.Fact) {
	t.queue.put(func() { t.applyRoom(s, seats, fact) })
}

// Closed publishes that a room is gone, and forgets it once that is stored.
func (t *Tracker) Closed(s room.Summary, reason room.CloseReason) {
	t.queue.put(func() {
		t.applyRoom(s, nil, room.Closed{Reason: reason})
	})
}

// Roster returns who is in a voice channel, in the order they joined.
func (t *Tracker) Roster(guildID, channel snowflake.ID) []room.Person {
	t.mu.RLock()
	defer t.mu.RUnlock()
	g := t.guilds[guildID]
	if g == nil {
		return nil
	}
	if l := g.rooms[channel]; l != nil {
		return append([]room.Person(nil), l.roster...)
	}
	return g.occupants(channel)
}

// ChannelOf returns the voice channel a user is in, or 0.
func (t *Tracker) ChannelOf(guildID, user snowflake.ID) snowflake.ID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if g := t.guilds[guildID]; g != nil {
		return g.voices[user].channel
	}
	return 0
}

// Person returns a user's name and avatar as last seen in voice.
func (t *Tracker) Person(guildID, user snowflake.ID) (room.Person, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if g := t.guilds[guildID]; g != nil {
		v, ok := g.voices[user]
		return v.person, ok
	}
	return room.Person{}, false
}

// guild returns a guild's state, creating it if needed. The caller holds mu.
func (t *Tracker) guild(id snowflake.ID) *guild {
	g := t.guilds[id]
	if g == nil {
		g = &guild{voices: map[snowflake.ID]voice{}, rooms: map[snowflake.ID]*liveRoom{}}
		t.guilds[id] = g
	}
	return g
}

// occupants returns who is in a channel, in the order they joined.
func (g *guild) occupants(channel snowflake.ID) []room.Person {
	var out []room.Person
	for _, v := range g.voices {
		if v.channel == channel {
			out = append(out, v.person)
		}
	}
	slices.SortFunc(out,
		func(a, b room.Person) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.UserID, b.UserID)) })
	return out
}

// queue is an unbounded queue: gateway listeners must never wait for it.
type queue struct {
	mu     sync.Mutex
	items  []func()
	ended  bool
	ready  chan struct{} // receives when there are items
	urgent chan struct{} // receives when somebody waits for one of them
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1), urgent: make(chan struct{}, 1)} }

// put reports whether f is going to be taken.
func (q *queue) put(f func()) bool {
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return false
	}
	q.items = append(q.items, f)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return true
}

// putNow is put for what somebody waits for.
func (q *queue) putNow(f func()) bool {
	if !q.put(f) {
		return false
	}
	select {
	case q.urgent <- struct{}{}:
	default:
	}
	return true
}

func (q *queue) take() []func() {
	select {
	case <-q.urgent:
	default:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// end ends the queue if it is empty.
func (q *queue) end() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = len(q.items) == 0
	return q.ended
}
