// Package voice is the fast lane: it turns Discord's voice states into the
// rosters of rooms and hands each change to the hub.
//
// Nothing on it waits for REST, a disk or a slow reader. Every input method
// only enqueues and may be called from gateway listeners; one goroutine (Run)
// applies the inputs in the order they came and publishes, so a room's events
// are in Discord's order. Repeated inputs are absorbed, so replays after a
// resume change nothing. The query methods may be called from anywhere.
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

// Publisher takes what is to be published, in order, without waiting; done
// is called once, from any goroutine, with nil or why it was not stored.
type Publisher interface {
	Put(key string, live room.Live, done func(error))
}

// Move is somebody's change of voice channel. Zero channel ids mean not in voice.
type Move struct {
	GuildID  snowflake.ID
	UserID   snowflake.ID
	Bot      bool
	From, To snowflake.ID
}

// Options of a Presence. All but Moved are needed.
type Options struct {
	Publisher Publisher
	// Moved is told of every change of channel. It is called by Run's goroutine and must only enqueue.
	Moved func(Move)
	Now   func() time.Time
	Log   *slog.Logger
}

// RetryAfter is how long presence waits before it publishes again what the hub did not take.
const RetryAfter = 200 * time.Millisecond

// Tracker keeps who is in which voice channel, and publishes it for the channels that are rooms.
type Tracker struct {
	o     Options
	queue queue

	mu     sync.RWMutex // guards guilds and all below it; held to apply or to read, never across a call out
	guilds map[snowflake.ID]*guild
	dirty  map[key]bool // rooms whose last publication failed; touched by Run's goroutine alone
}

type key struct{ guild, channel snowflake.ID }

func (k key) String() string { return Key(k.guild, k.channel) }

// Key is the rosters bucket's key of a room.
func Key(guild, channel snowflake.ID) string { return guild.String() + "." + channel.String() }

type guild struct {
	voices map[snowflake.ID]voice // by user
	rooms  map[snowflake.ID]*live // by channel
}

type voice struct {
	channel snowflake.ID
	person  room.Person
}

type live struct {
	summary room.Summary
	roster  []room.Person
	n       uint64
	closed  *room.Closed // it is gone; kept until the hub has its last event
}

// New makes a Presence; call Run for it to do anything.
func New(o Options) *Tracker {
	if o.Moved == nil {
		o.Moved = func(Move) {}
	}
	return &Tracker{o: o, queue: newQueue(), guilds: map[snowflake.ID]*guild{}, dirty: map[key]bool{}}
}

// Run applies what was enqueued until ctx ends, and what is left then.
func (p *Tracker) Run(ctx context.Context) {
	retry := time.NewTicker(RetryAfter)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			p.drain()
			return
		case <-p.queue.ready:
			p.drain()
		case <-retry.C:
			p.republish()
		}
	}
}

func (p *Tracker) drain() {
	for _, apply := range p.queue.take() {
		apply()
	}
}

// VoiceState takes a VOICE_STATE_UPDATE.
func (p *Tracker) VoiceState(s discord.VoiceState, m discord.Member) {
	p.queue.put(func() { p.applyVoice(s.GuildID, p.voiceOf(s, &m), s.UserID) })
}

// Guild takes a guild's whole voice states, from GUILD_CREATE. What differs
// from what was known is published as joins and leaves.
func (p *Tracker) Guild(id snowflake.ID, states []discord.VoiceState, members []discord.Member) {
	p.queue.put(func() { p.applyGuild(id, states, members) })
}

// GuildGone forgets who is in voice in a guild the bot is no longer in. That is not published: nobody
// knows. Its rooms stay, and go on counting, until Closed ends each of them: whoever keeps
// them tells that in an order of their own, and it may come after this, or after the guild's return.
func (p *Tracker) GuildGone(id snowflake.ID) {
	p.queue.put(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if g := p.guilds[id]; g != nil {
			clear(g.voices)
			p.tidy(id)
		}
	})
}

// tidy lets go of a guild of which nothing is known. The caller holds mu.
func (p *Tracker) tidy(id snowflake.ID) {
	if g := p.guilds[id]; g != nil && len(g.voices) == 0 && len(g.rooms) == 0 {
		delete(p.guilds, id)
	}
}

// Known is a room to be tracked after a start, and what the hub last held of it, if anything.
type Known struct {
	Room  room.Summary
	Prior *room.Live
}

// Track begins to publish rooms that were opened before this process knew
// the guild. A roster that differs from the prior one is published change by
// change; without a prior one, whole. done is called when they are applied.
func (p *Tracker) Track(rooms []Known, done func()) {
	p.queue.put(func() {
		for _, k := range rooms {
			p.applyKnown(k)
		}
		done()
	})
}

// Room publishes a fact about a room and what the room is now.
func (p *Tracker) Room(s room.Summary, fact room.Fact) {
	p.queue.put(func() { p.applyRoom(s, fact) })
}

// Closed publishes that a room is gone, and forgets it once the hub knows.
func (p *Tracker) Closed(s room.Summary, reason room.CloseReason) {
	p.queue.put(func() {
		p.applyRoom(s, room.Closed{Reason: reason})
	})
}

// Roster gives who is in a voice channel, in the order they came.
func (p *Tracker) Roster(guildID, channel snowflake.ID) []room.Person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	g := p.guilds[guildID]
	if g == nil {
		return nil
	}
	if l := g.rooms[channel]; l != nil {
		return append([]room.Person(nil), l.roster...)
	}
	return g.in(channel)
}

// ChannelOf gives the voice channel a user is in, or 0.
func (p *Tracker) ChannelOf(guildID, user snowflake.ID) snowflake.ID {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if g := p.guilds[guildID]; g != nil {
		return g.voices[user].channel
	}
	return 0
}

// Person gives a user's name and avatar as last seen in voice.
func (p *Tracker) Person(guildID, user snowflake.ID) (room.Person, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if g := p.guilds[guildID]; g != nil {
		v, ok := g.voices[user]
		return v.person, ok
	}
	return room.Person{}, false
}

// guild gives a guild, made if it is new. The caller holds mu.
func (p *Tracker) guild(id snowflake.ID) *guild {
	g := p.guilds[id]
	if g == nil {
		g = &guild{voices: map[snowflake.ID]voice{}, rooms: map[snowflake.ID]*live{}}
		p.guilds[id] = g
	}
	return g
}

// in gives who is in a channel, in the order they came.
func (g *guild) in(channel snowflake.ID) []room.Person {
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

// queue is an unbounded queue: the gateway must never wait for it.
type queue struct {
	mu    *sync.Mutex
	items *[]func()
	ready chan struct{}
}

func newQueue() queue {
	return queue{mu: new(sync.Mutex), items: new([]func()), ready: make(chan struct{}, 1)}
}

func (q queue) put(f func()) {
	q.mu.Lock()
	*q.items = append(*q.items, f)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q queue) take() []func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := *q.items
	*q.items = nil
	return items
}
