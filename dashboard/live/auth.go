package live

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/protocol"
)

func errNoRoom() error {
	return errs.E(errs.RoomNotFound, "That room doesn't exist, or you can't see it. Ask its owner for an invite link.")
}

func errNotMember() error {
	return errs.E(errs.Forbidden, "You aren't in this server. Join it in Discord, then reload the page.")
}

// refusal is the error for somebody who isn't, or no longer, in the guild. For a room's page it is
// the same as for somebody without an invite, so it reveals nothing more.
func (s admission) refusal() error {
	if s.room != 0 {
		return errNoRoom()
	}
	return errNotMember()
}

// authenticate handles a watcher's auth message, from its token to its snapshots. The error is what to send to it.
func (l *Live) authenticate(w *watcher, a protocol.Auth) error {
	timer := w.timer
	w.timer = nil // as long as it watches, it needs none
	if timer == nil || !timer.Stop() {
		return errLeft // the auth timer has already ended it
	}
	s, err := l.readToken(a.Token)
	if err != nil {
		return err
	}
	if a.GuildID != 0 && a.GuildID != s.guild {
		return errs.E(errs.TokenInvalid,
			"This live token is for another server. Get one for this server from POST /api/v1/live-token.")
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := l.admit(w, s, cancel); err != nil {
		return err
	}
	if err = l.let(ctx, w, s); err != nil && ctx.Err() != nil {
		return errLeft // whoever ended it meanwhile says why
	}
	return err
}

// let gives an admitted watcher what they may see. It fails if ctx ends, which it does when the watcher leaves.
func (l *Live) let(ctx context.Context, w *watcher, s admission) error {
	if err := l.awaitReady(ctx, s.guild); err != nil {
		return err
	}
	asked := l.o.Now()
	if s.spectator() {
		return l.enter(ctx, w, standing{}, asked)
	}
	st, err := l.ask(ctx, personKey{s.guild, s.user})
	if err != nil {
		l.log.Warn("live: cannot get a watcher's standing", "guild_id", s.guild, "user_id", s.user, "err", err)
		return errs.E(errs.Unavailable,
			"Snug couldn't check with Discord whether you can see this. Wait a moment.").Because(err)
	}
	if !st.Member {
		l.mu.Lock()
		defer l.mu.Unlock()
		if p := l.people[personKey{s.guild, s.user}]; p != nil {
			l.learn(p, st, asked)
		}
		return s.refusal()
	}
	if s.room == 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		if w.left {
			return errLeft
		}
		l.join(w, st, asked)
		l.welcome(w)
		return nil
	}
	return l.enter(ctx, w, st, asked)
}

// admit counts a watcher for its user and session, unless a limit is reached.
func (l *Live) admit(w *watcher, s admission, cancel context.CancelFunc) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.left {
		return errLeft
	}
	if s.spectator() {
		w.admission, w.cancel = s, cancel
		return nil
	}
	if _, over := l.ended[s.session]; over {
		return errSessionOver()
	}
	if most := l.o.Limits.PerUser; most > 0 && l.byUser[s.user] >= most {
		return errs.E(errs.RateLimited, "You have %d live pages open, the maximum. Close some of them.", most)
	}
	w.admission, w.cancel = s, cancel
	l.byUser[s.user]++
	if l.sessions[s.session] == nil {
		l.sessions[s.session] = map[*watcher]struct{}{}
	}
	l.sessions[s.session][w] = struct{}{}
	for o := range l.sessions[s.session] { // an extended session is extended for all its pages
		if o.admission.ends.Before(s.ends) {
			o.admission.ends = s.ends
		}
	}
	return nil
}

// awaitReady waits until the guild's rooms are known, so that a page doesn't show none.
func (l *Live) awaitReady(ctx context.Context, guild snowflake.ID) error {
	ctx, cancel := context.WithTimeout(ctx, l.o.Limits.ReadyWithin)
	defer cancel()
	for {
		l.mu.Lock()
		ready, news := l.ready(guild), l.news
		l.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return errs.E(errs.Unavailable, "Snug is still starting. Wait a moment.")
		}
	}
}

// enter adds a watcher to a room's page. It waits briefly for a missing room, because a page may
// load faster than the event of its own room or invite arrives. A room that exists but isn't open
// to this person takes equally long, so that the two can't be told apart.
func (l *Live) enter(ctx context.Context, w *watcher, st standing, asked time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, l.o.Limits.RoomWithin)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(l.guild(w.admission.guild), w.admission.room)
	e.waiting++
	defer func() {
		e.waiting--
		l.removeIfUnused(e)
	}()
	for {
		if w.left {
			return errLeft
		}
		if e.live != nil && (w.admission.opens(e.live.Room.Access) ||
			!w.admission.spectator() && e.live.Room.Access.MaySee(st)) {
			if !w.admission.spectator() {
				l.join(w, st, asked)
			}
			l.welcome(w)
			return nil
		}
		if e.bell == nil {
			e.bell = make(chan struct{})
		}
		bell := e.bell
		l.mu.Unlock()
		select {
		case <-bell:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			if w.left {
				return errLeft
			}
			return errNoRoom()
		}
	}
}

// welcome sends auth.ok, what the watcher may see, and everything after that. The caller holds
// Live.mu, so nothing comes between the list and the rooms.
func (l *Live) welcome(w *watcher) {
	g := l.guild(w.admission.guild)
	rooms := g.rooms
	if w.admission.room == 0 {
		g.pages[w] = struct{}{}
	} else {
		e := l.entry(g, w.admission.room)
		e.pages[w] = struct{}{}
		rooms = map[snowflake.ID]*entry{e.id: e}
	}
	var seen []*entry
	for _, e := range rooms {
		if e.sees(w) {
			seen = append(seen, e)
		}
	}
	slices.SortFunc(seen, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
	hello := protocol.Welcome{GuildID: g.id, UserID: w.admission.user}
	for _, e := range seen {
		hello.Rooms = append(hello.Rooms, e.id)
	}
	w.conn.hold(textFrame(protocol.EncodeWelcome(hello, l.epoch, l.o.Now())))
	now, shard := time.Now(), l.hearing.shard(w.admission.guild)
	if ok, at := l.hears(shard, now); !ok {
		l.hearing.reported[shard] = ok
		w.conn.hold(l.heartbeat(ok, now.Sub(at)))
	} else if _, known := l.hearing.reported[shard]; !known {
		l.hearing.reported[shard] = ok
	}
	for _, e := range seen {
		l.show(e, w, l.snapshot(e))
	}
	w.conn.release()
}
