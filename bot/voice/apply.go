package voice

import (
	"reflect"
	"slices"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
	"snug/shared/schema"
)

// Everything in this file runs in Run's goroutine.

// publication is a room's new state, to be published once the lock is released.
type publication struct {
	key  key
	live room.Live
	at   room.Mark // see Publication
}

func (t *Tracker) voiceOf(s discord.VoiceState, m *discord.Member) voice {
	v := voice{person: room.Person{
		UserID: s.UserID, Muted: s.GuildMute || s.SelfMute, Deafened: s.GuildDeaf || s.SelfDeaf,
		Streaming: s.SelfStream, Video: s.SelfVideo, Since: t.o.Now(),
	}}
	if s.ChannelID != nil {
		v.channel = *s.ChannelID
	}
	if m != nil && m.User.ID != 0 {
		v.person.Username, v.person.DisplayName, v.person.Bot = m.User.Username, schema.Printable(m.EffectiveName(),
			m.User.Username), m.User.Bot
		if m.User.Avatar != nil {
			v.person.Avatar = *m.User.Avatar
		}
	}
	return v
}

func (t *Tracker) applyVoice(guildID snowflake.ID, v voice, user snowflake.ID, at room.Mark) {
	t.mu.Lock()
	g := t.guild(guildID)
	was := g.voices[user]
	pubs, move := t.change(guildID, g, user, v)
	if move != nil && g.missed != nil {
		g.miss(was, g.voices[user], at, t.o.Now())
	}
	t.mu.Unlock()
	for i := range pubs {
		pubs[i].at = at
	}
	t.publish(pubs)
	if move != nil {
		t.o.Moved(*move)
	}
}

// miss notes a repeated move, for the rooms that are tracked later. The caller holds mu.
func (g *guild) miss(was, is voice, at room.Mark, now time.Time) {
	for _, m := range []struct {
		voice
		left bool
		at   time.Time
	}{{was, true, now}, {is, false, is.person.Since}} {
		if m.channel != 0 {
			g.missed[m.channel] = append(g.missed[m.channel], room.VisitEvent{Visit: room.Visit{
				UserID: m.person.UserID, Name: m.person.DisplayName, Bot: m.person.Bot, Left: m.left, At: m.at,
			}, Event: at})
		}
	}
}

// change stores a user's new voice state and returns what to
// publish, and the move if the channel changed. The caller holds mu.
func (t *Tracker) change(guildID snowflake.ID, g *guild, user snowflake.ID, v voice) (pubs []publication, move *Move) {
	old, had := g.voices[user]
	if !had && v.channel == 0 {
		return nil, nil
	}
	if v.person.Username == "" && had { // a state without its member: keep the name
		p, q := &v.person, old.person
		p.Username, p.DisplayName, p.Avatar, p.Bot = q.Username, q.DisplayName, q.Avatar, q.Bot
	}
	if had && old.channel == v.channel {
		v.person.Since, v.person.Seat = old.person.Since, old.person.Seat
		if old == v {
			return nil, nil
		}
		g.voices[user] = v
		return t.applyFact(pubs, guildID, g, v.channel, room.VoiceUpdated{Person: v.person}), nil
	}
	move = &Move{GuildID: guildID, UserID: user, Bot: v.person.Bot || old.person.Bot, From: old.channel, To: v.channel}
	now := t.o.Now()
	if had {
		if v.channel == 0 {
			move.Seats = g.holdSeat(g.rooms[old.channel], old.person, now)
		}
		pubs = t.applyFact(pubs, guildID, g, old.channel, room.VoiceLeft{UserID: user})
	}
	if v.channel == 0 {
		delete(g.voices, user)
	} else {
		g.voices[user] = v
		move.Seats = g.rooms[v.channel].takeSeat(user, now)
		pubs = t.applyFact(pubs, guildID, g, v.channel, room.VoiceJoined{Person: v.person})
	}
	return pubs, move
}

func (t *Tracker) applyGuild(id snowflake.ID, states []discord.VoiceState, members []discord.Member) {
	byUser := map[snowflake.ID]*discord.Member{}
	for i := range members {
		byUser[members[i].User.ID] = &members[i]
	}
	now := map[snowflake.ID]voice{}
	var order []snowflake.ID
	for _, s := range states {
		if s.ChannelID != nil {
			now[s.UserID] = t.voiceOf(s, byUser[s.UserID])
			order = append(order, s.UserID)
		}
	}
	var moves []Move
	apply := func(pubs []publication, m *Move) []publication {
		if m != nil {
			moves = append(moves, *m)
		}
		return pubs
	}
	t.mu.Lock()
	g := t.guild(id)
	var pubs []publication
	gone := make([]snowflake.ID, 0, len(g.voices))
	for user := range g.voices {
		if _, still := now[user]; !still {
			gone = append(gone, user)
		}
	}
	slices.Sort(gone)
	for _, user := range gone { // leaves before joins, so that a full room stays within its seats
		pubs = append(pubs, apply(t.change(id, g, user, voice{person: room.Person{UserID: user}}))...)
	}
	for _, user := range order {
		pubs = append(pubs, apply(t.change(id, g, user, now[user]))...)
	}
	t.mu.Unlock()
	t.publish(pubs)
	for _, m := range moves {
		t.o.Moved(m)
	}
}

func (t *Tracker) applyKnown(k KnownRoom) {
	id := key{k.Room.GuildID, k.Room.ID}
	t.mu.Lock()
	g := t.guild(id.guild)
	if l := g.rooms[id.channel]; l != nil && l.closed == nil {
		// a second GUILD_CREATE: the roster has been compared already
		t.mu.Unlock()
		t.applyRoom(k.Room, k.Seats, nil)
		return
	}
	l := &liveRoom{summary: k.Room, seats: k.Seats}
	var last uint64 // N of a room that was closed here, which the hub may not know yet
	if was := g.rooms[id.channel]; was != nil {
		last, k.Prior = was.n, nil
	}
	g.rooms[id.channel] = l
	present := g.occupants(id.channel)
	var pubs []publication
	if k.Prior != nil {
		last = k.Prior.N
	}
	l.n = last
	if k.Prior == nil || k.Prior.Gone() {
		l.roster = present
		pubs = t.applyFact(pubs, id.guild, g, id.channel, nil)
	} else {
		l.roster = k.Prior.Roster
		g.assignSeats(l)
		for _, was := range slices.Clone(l.roster) {
			if !room.In(present, was.UserID) {
				pubs = t.applyFact(pubs, id.guild, g, id.channel, room.VoiceLeft{UserID: was.UserID})
			}
		}
		for _, now := range present {
			i := slices.IndexFunc(l.roster, byUser(now.UserID))
			if i < 0 {
				pubs = t.applyFact(pubs, id.guild, g, id.channel, room.VoiceJoined{Person: now})
				continue
			}
			// since they joined, not since this process started
			now.Since, now.Seat = l.roster[i].Since, l.roster[i].Seat
			g.voices[now.UserID] = voice{id.channel, now}
			if now != l.roster[i] {
				pubs = t.applyFact(pubs, id.guild, g, id.channel, room.VoiceUpdated{Person: now})
			}
		}
		if !reflect.DeepEqual(k.Prior.Room, k.Room) {
			pubs = t.applyFact(pubs, id.guild, g, id.channel, room.Changed{})
		}
	}
	tracked := Publication{
		Key: id.String(), Live: &room.Live{Room: l.summary, Roster: l.roster, N: l.n}, Missed: g.missed[id.channel],
	}
	t.mu.Unlock()
	t.o.Published(tracked)
	t.publish(pubs)
}

// applyRoom sets a room's summary and publishes the fact. Without
// a fact it publishes the whole room if the summary differs.
func (t *Tracker) applyRoom(s room.Summary, seats *Seats, fact room.Fact) {
	t.mu.Lock()
	g := t.guild(s.GuildID)
	l := g.rooms[s.ID]
	isNew := l == nil
	if isNew {
		l = &liveRoom{roster: g.occupants(s.ID)}
		g.rooms[s.ID] = l
	}
	same := !isNew && reflect.DeepEqual(l.summary, s)
	l.summary, l.seats = s, seats
	var pubs []publication
	if fact != nil || !same {
		pubs = t.applyFact(pubs, s.GuildID, g, s.ID, fact)
	}
	t.mu.Unlock()
	t.publish(pubs)
}

// applyFact applies a fact to a room's roster and appends what to publish. It ignores channels that
// aren't rooms. The caller holds mu.
func (t *Tracker) applyFact(
	pubs []publication, guildID snowflake.ID, g *guild, channel snowflake.ID, fact room.Fact,
) []publication {
	l := g.rooms[channel]
	if l == nil || l.closed != nil && fact != nil {
		return pubs
	}
	switch f := fact.(type) {
	case room.VoiceJoined:
		if i := slices.IndexFunc(l.roster, byUser(f.Person.UserID)); i >= 0 {
			f.Person.Seat = l.roster[i].Seat
		}
		l.roster = append(slices.DeleteFunc(slices.Clone(l.roster), byUser(f.Person.UserID)), f.Person)
	case room.VoiceLeft:
		l.roster = slices.DeleteFunc(slices.Clone(l.roster), byUser(f.UserID))
	case room.VoiceUpdated:
		l.roster = slices.Clone(l.roster)
		if i := slices.IndexFunc(l.roster, byUser(f.Person.UserID)); i >= 0 {
			l.roster[i] = f.Person
		}
	}
	moved := g.assignSeats(l)
	if f, ok := fact.(room.VoiceJoined); ok {
		f.Person = l.roster[len(l.roster)-1]
		fact, moved = f, slices.DeleteFunc(moved, byUser(f.Person.UserID))
	}
	l.n++
	v := room.Live{Room: l.summary, Roster: l.roster, N: l.n}
	if fact != nil {
		v.Event = &room.Event{Fact: fact, At: t.o.Now()}
	} else if l.closed != nil { // its last event did not reach the hub: repeat it
		v.Event = &room.Event{Fact: *l.closed, At: t.o.Now()}
	}
	if f, ok := fact.(room.Closed); ok {
		l.closed = &f
	}
	if l.closed != nil {
		v.Until = t.o.Now().Add(room.ClosedTTL)
	}
	pubs = append(pubs, publication{key: key{guildID, channel}, live: v})
	switch fact.(type) {
	case room.VoiceJoined, room.VoiceLeft, room.Changed:
		// the other facts come with the whole roster, or change no seats
		for _, q := range moved {
			pubs = t.applyFact(pubs, guildID, g, channel, room.VoiceUpdated{Person: q})
		}
	}
	return pubs
}

// assignSeats numbers the seats of a room's roster and
// returns the people whose seat changed. The caller holds mu.
func (g *guild) assignSeats(l *liveRoom) (moved []room.Person) {
	for i, n := range room.AssignSeats(l.roster, l.summary.Seats) {
		if l.roster[i].Seat == n {
			continue
		}
		if moved == nil {
			l.roster = slices.Clone(l.roster) // the old one is published
		}
		l.roster[i].Seat = n
		moved = append(moved, l.roster[i])
		user := l.roster[i].UserID
		if v, ok := g.voices[user]; ok && v.channel == l.summary.ID {
			v.person.Seat = n
			g.voices[user] = v
		}
	}
	return moved
}

func byUser(user snowflake.ID) func(room.Person) bool {
	return func(q room.Person) bool { return q.UserID == user }
}

// publish hands publications to the Publisher. A failure marks the room
// dirty: its latest state is published again until the hub accepts it.
func (t *Tracker) publish(pubs []publication) { t.publishThen(pubs, nil) }

// publishThen publishes, and calls then (if not nil) with each result.
func (t *Tracker) publishThen(pubs []publication, then func(error)) {
	for _, o := range pubs {
		delete(t.dirty, o.key)
		t.o.Published(Publication{Key: o.key.String(), Live: &o.live, At: o.at})
		t.o.Publisher.Put(o.key.String(), o.live, func(err error) {
			switch {
			case err != nil:
				t.queue.put(func() { t.onPublishFailed(o.key, err) })
			case o.live.Gone():
				t.queue.put(func() { t.dropClosed(o.key) })
			}
			if then != nil {
				then(err)
			}
		})
	}
}

func (t *Tracker) onPublishFailed(k key, err error) {
	if t.tracked(k) && !t.dirty[k] {
		t.dirty[k] = true
		t.o.Log.Warn("cannot store a roster; retrying with its latest state", "guild_id", k.guild,
			"room_id", k.channel, "err", err)
	}
}

// dropClosed forgets a closed room once the hub has stored its last event.
func (t *Tracker) dropClosed(k key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.guilds[k.guild]; g != nil && g.rooms[k.channel] != nil && g.rooms[k.channel].closed != nil {
		delete(g.rooms, k.channel)
		t.dropIfEmpty(k.guild)
	}
}

func (t *Tracker) tracked(k key) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	g := t.guilds[k.guild]
	return g != nil && g.rooms[k.channel] != nil
}

func (t *Tracker) republishFailed() {
	if len(t.dirty) == 0 {
		return
	}
	var pubs []publication
	t.mu.Lock()
	for k := range t.dirty {
		if g := t.guilds[k.guild]; g != nil {
			pubs = t.applyFact(pubs, k.guild, g, k.channel, nil)
		}
	}
	clear(t.dirty)
	t.mu.Unlock()
	t.publish(pubs)
}
