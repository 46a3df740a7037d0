package voice

import (
	"reflect"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
	"snug/shared/schema"
)

// Everything in this file runs in Run's goroutine.

// out is a publication that was made under the lock and goes out after it.
type out struct {
	key  key
	live room.Live
}

func (p *Tracker) voiceOf(s discord.VoiceState, m *discord.Member) voice {
	v := voice{person: room.Person{
		UserID: s.UserID, Muted: s.GuildMute || s.SelfMute, Deafened: s.GuildDeaf || s.SelfDeaf,
		Streaming: s.SelfStream, Video: s.SelfVideo, Since: p.o.Now(),
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

func (p *Tracker) applyVoice(guildID snowflake.ID, v voice, user snowflake.ID) {
	p.mu.Lock()
	g := p.guild(guildID)
	outs, move := p.change(guildID, g, user, v)
	p.mu.Unlock()
	p.publish(outs)
	if move != nil {
		p.o.Moved(*move)
	}
}

// change puts a user's new voice state into a guild and gives what follows from it.
func (p *Tracker) change(guildID snowflake.ID, g *guild, user snowflake.ID, v voice) (outs []out, move *Move) {
	old, had := g.voices[user]
	if !had && v.channel == 0 {
		return nil, nil
	}
	if v.person.Username == "" && had { // a state without its member: keep the name
		v.person.Username, v.person.DisplayName, v.person.Avatar, v.person.Bot = old.person.Username, old.person.DisplayName, old.person.Avatar, old.person.Bot
	}
	if had && old.channel == v.channel {
		v.person.Since, v.person.Seat = old.person.Since, old.person.Seat
		if old == v {
			return nil, nil
		}
		g.voices[user] = v
		return p.tell(outs, guildID, g, v.channel, room.VoiceUpdated{Person: v.person}), nil
	}
	if had {
		outs = p.tell(outs, guildID, g, old.channel, room.VoiceLeft{UserID: user})
	}
	if v.channel == 0 {
		delete(g.voices, user)
	} else {
		g.voices[user] = v
		outs = p.tell(outs, guildID, g, v.channel, room.VoiceJoined{Person: v.person})
	}
	return outs,
		&Move{GuildID: guildID, UserID: user, Bot: v.person.Bot || old.person.Bot, From: old.channel, To: v.channel}
}

func (p *Tracker) applyGuild(id snowflake.ID, states []discord.VoiceState, members []discord.Member) {
	byUser := map[snowflake.ID]*discord.Member{}
	for i := range members {
		byUser[members[i].User.ID] = &members[i]
	}
	now := map[snowflake.ID]voice{}
	var order []snowflake.ID
	for _, s := range states {
		if s.ChannelID != nil {
			now[s.UserID] = p.voiceOf(s, byUser[s.UserID])
			order = append(order, s.UserID)
		}
	}
	var moves []Move
	apply := func(outs []out, m *Move) []out {
		if m != nil {
			moves = append(moves, *m)
		}
		return outs
	}
	p.mu.Lock()
	g := p.guild(id)
	var outs []out
	gone := make([]snowflake.ID, 0, len(g.voices))
	for user := range g.voices {
		if _, still := now[user]; !still {
			gone = append(gone, user)
		}
	}
	slices.Sort(gone)
	for _, user := range gone { // first who left, then who came: a full room stays within its seats
		outs = append(outs, apply(p.change(id, g, user, voice{person: room.Person{UserID: user}}))...)
	}
	for _, user := range order {
		outs = append(outs, apply(p.change(id, g, user, now[user]))...)
	}
	p.mu.Unlock()
	p.publish(outs)
	for _, m := range moves {
		p.o.Moved(m)
	}
}

func (p *Tracker) applyKnown(k Known) {
	id := key{k.Room.GuildID, k.Room.ID}
	p.mu.Lock()
	g := p.guild(id.guild)
	if l := g.rooms[id.channel]; l != nil && l.closed == nil {
		// a second GUILD_CREATE: the roster has been compared already
		p.mu.Unlock()
		p.applyRoom(k.Room, nil)
		return
	}
	l := &live{summary: k.Room}
	var last uint64 // of a room that was closed here, which the hub may not know yet
	if was := g.rooms[id.channel]; was != nil {
		last, k.Prior = was.n, nil
	}
	g.rooms[id.channel] = l
	present := g.in(id.channel)
	var outs []out
	if k.Prior != nil {
		last = k.Prior.N
	}
	l.n = last
	if k.Prior == nil || k.Prior.Gone() {
		l.roster = present
		outs = p.tell(outs, id.guild, g, id.channel, nil)
	} else {
		l.roster = k.Prior.Roster
		g.seat(l)
		for _, was := range slices.Clone(l.roster) {
			if !room.In(present, was.UserID) {
				outs = p.tell(outs, id.guild, g, id.channel, room.VoiceLeft{UserID: was.UserID})
			}
		}
		for _, now := range present {
			i := slices.IndexFunc(l.roster, is(now.UserID))
			if i < 0 {
				outs = p.tell(outs, id.guild, g, id.channel, room.VoiceJoined{Person: now})
				continue
			}
			now.Since, now.Seat = l.roster[i].Since, l.roster[i].Seat // not since this process saw them
			g.voices[now.UserID] = voice{id.channel, now}
			if now != l.roster[i] {
				outs = p.tell(outs, id.guild, g, id.channel, room.VoiceUpdated{Person: now})
			}
		}
		if !reflect.DeepEqual(k.Prior.Room, k.Room) {
			outs = p.tell(outs, id.guild, g, id.channel, room.Changed{})
		}
	}
	p.mu.Unlock()
	p.publish(outs)
}

// applyRoom sets what a room is and publishes the fact; without a fact it publishes the whole, if it differs.
func (p *Tracker) applyRoom(s room.Summary, fact room.Fact) {
	p.mu.Lock()
	g := p.guild(s.GuildID)
	l := g.rooms[s.ID]
	isNew := l == nil
	if isNew {
		l = &live{roster: g.in(s.ID)}
		g.rooms[s.ID] = l
	}
	same := !isNew && reflect.DeepEqual(l.summary, s)
	l.summary = s
	var outs []out
	if fact != nil || !same {
		outs = p.tell(outs, s.GuildID, g, s.ID, fact)
	}
	p.mu.Unlock()
	p.publish(outs)
}

// tell applies a fact to a room's roster and appends its publication; a
// channel that is no room is nobody's business. The caller holds mu.
func (p *Tracker) tell(outs []out, guildID snowflake.ID, g *guild, channel snowflake.ID, fact room.Fact) []out {
	l := g.rooms[channel]
	if l == nil || l.closed != nil && fact != nil {
		return outs
	}
	switch f := fact.(type) {
	case room.VoiceJoined:
		if i := slices.IndexFunc(l.roster, is(f.Person.UserID)); i >= 0 {
			f.Person.Seat = l.roster[i].Seat
		}
		l.roster = append(slices.DeleteFunc(slices.Clone(l.roster), is(f.Person.UserID)), f.Person)
	case room.VoiceLeft:
		l.roster = slices.DeleteFunc(slices.Clone(l.roster), is(f.UserID))
	case room.VoiceUpdated:
		l.roster = slices.Clone(l.roster)
		if i := slices.IndexFunc(l.roster, is(f.Person.UserID)); i >= 0 {
			l.roster[i] = f.Person
		}
	}
	moved := g.seat(l)
	if f, ok := fact.(room.VoiceJoined); ok {
		f.Person = l.roster[len(l.roster)-1]
		fact, moved = f, slices.DeleteFunc(moved, is(f.Person.UserID))
	}
	l.n++
	v := room.Live{Room: l.summary, Roster: l.roster, N: l.n}
	if fact != nil {
		v.Event = &room.Event{Fact: fact, At: p.o.Now()}
	} else if l.closed != nil { // its last event did not reach the hub: it is told again
		v.Event = &room.Event{Fact: *l.closed, At: p.o.Now()}
	}
	if f, ok := fact.(room.Closed); ok {
		l.closed = &f
	}
	if l.closed != nil {
		v.Until = p.o.Now().Add(room.Remembered)
	}
	outs = append(outs, out{key{guildID, channel}, v})
	switch fact.(type) {
	case room.VoiceJoined, room.VoiceLeft, room.Changed: // the other facts come with the whole roster, or move nobody
		for _, q := range moved {
			outs = p.tell(outs, guildID, g, channel, room.VoiceUpdated{Person: q})
		}
	}
	return outs
}

// seat gives everybody in a room their seat, and says who has another than before. The caller holds mu.
func (g *guild) seat(l *live) (moved []room.Person) {
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

func is(user snowflake.ID) func(room.Person) bool {
	return func(q room.Person) bool { return q.UserID == user }
}

// publish hands on what was made under the lock. A failure marks the room;
// its latest state is published again until the hub takes it.
func (p *Tracker) publish(outs []out) { p.publishThen(outs, nil) }

// publishThen publishes, and tells then, if it is set, of each answer.
func (p *Tracker) publishThen(outs []out, then func(error)) {
	for _, o := range outs {
		delete(p.dirty, o.key)
		p.o.Publisher.Put(o.key.String(), o.live, func(err error) {
			switch {
			case err != nil:
				p.queue.put(func() { p.failed(o.key, err) })
			case o.live.Gone():
				p.queue.put(func() { p.forget(o.key) })
			}
			if then != nil {
				then(err)
			}
		})
	}
}

func (p *Tracker) failed(k key, err error) {
	if p.tracked(k) && !p.dirty[k] {
		p.dirty[k] = true
		p.o.Log.Warn("the hub did not take a roster; its latest state will be published again", "guild_id", k.guild,
			"room_id", k.channel, "err", err)
	}
}

// forget lets go of a closed room that the hub knows to be closed.
func (p *Tracker) forget(k key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.guilds[k.guild]; g != nil && g.rooms[k.channel] != nil && g.rooms[k.channel].closed != nil {
		delete(g.rooms, k.channel)
		p.tidy(k.guild)
	}
}

func (p *Tracker) tracked(k key) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	g := p.guilds[k.guild]
	return g != nil && g.rooms[k.channel] != nil
}

func (p *Tracker) republish() {
	if len(p.dirty) == 0 {
		return
	}
	var outs []out
	p.mu.Lock()
	for k := range p.dirty {
		if g := p.guilds[k.guild]; g != nil {
			outs = p.tell(outs, k.guild, g, k.channel, nil)
		}
	}
	clear(p.dirty)
	p.mu.Unlock()
	p.publish(outs)
}
