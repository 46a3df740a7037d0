package rooms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// loadPast reads the closed rooms that can be opened again.
func (rs *Rooms) loadPast(ctx context.Context, g *guildState) error {
	list, err := rs.o.Hub.Closed.List(ctx, g.id.String())
	if err != nil {
		return err
	}
	g.past = map[snowflake.ID]*room.Past{}
	for _, e := range list {
		g.past[e.Value.ID] = &e.Value
	}
	return nil
}

// rememberClosed stores who belonged to a room that is about to close, and its settings, so that it can be opened
// again. It comes before the closing is stored: nobody is sent out of the channel before it is known who was there.
func (rs *Rooms) rememberClosed(ctx context.Context, g *guildState, r *roomState, why room.CloseReason) error {
	if why == room.ClosedAlone {
		return nil // nobody was ever in it
	}
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	key := voice.Key(g.id, r.ID)
	visits, err := rs.o.Visits(ctx, key)
	if err != nil && !errs.Has(err, errs.NotFound) {
		return err
	}
	p := r.Room.Past(rs.o.Voice.Roster(g.id, r.ID), visits, rs.o.Now(), g.settings.AuditRetention.Std())
	switch _, err := rs.o.Hub.Closed.Put(ctx, key, p); {
	case errors.Is(err, hub.ErrFull): // a room must be able to close
		rs.o.Log.ErrorContext(ctx, "a closed room can't be opened again: there is no space to remember it",
			"guild_id", g.id, "room_id", r.ID, "err", err)
		return nil
	case err != nil:
		return err
	}
	g.past[p.ID] = &p
	return nil
}

// closedRoom returns a closed room that can be opened again, or nil.
func (g *guildState) closedRoom(id snowflake.ID, now time.Time) *room.Past {
	p := g.past[id]
	if p == nil || g.rooms[id] != nil || p.Over(now, g.settings.AuditRetention.Std()) {
		return nil
	}
	return p
}

// forgetPast deletes the closed rooms that are over.
func (rs *Rooms) forgetPast(ctx context.Context, g *guildState) (all error) {
	for id, p := range g.past {
		if !p.Over(rs.o.Now(), g.settings.AuditRetention.Std()) {
			continue
		}
		if err := rs.dropPast(ctx, g, id); err != nil {
			all = errors.Join(all, err)
		}
	}
	return all
}

func (rs *Rooms) dropPast(ctx context.Context, g *guildState, id snowflake.ID) error {
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	err := rs.o.Hub.Closed.Delete(ctx, voice.Key(g.id, id))
	if err == nil {
		delete(g.past, id)
	}
	return err
}

// Again opens a closed room again, with the same settings and people, as KnownTo has them: the actor owns it, and the
// others are let in. Whoever asks while it is open already, or at the same moment, gets that room. It fails with
// errs.RoomNotFound for whoever didn't belong to the room or after it is forgotten, else as Open does.
func (rs *Rooms) Again(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.OpenedRoom, err error) {
	who, err := rs.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		return g.inLane(ctx, againLane(q.RoomID), func() error {
			r, fresh, err := rs.again(ctx, g, who, q, &out)
			if err != nil {
				return err
			}
			out.Room, out.Joined = g.summary(r), r.OwnerID != who.UserID
			if i := slices.IndexFunc(r.Invites, func(v room.Invite) bool { return v.By == who.UserID }); i >= 0 {
				out.Invite = rs.link(ctx, r, &r.Invites[i])
			}
			if fresh {
				rs.tellOpenedAgain(g, r, who)
			}
			return nil
		})
	})
	return out, err
}

// again finds the room that was opened from a closed one, or opens it. fresh means that it was opened now.
func (rs *Rooms) again(
	ctx context.Context, g *guildState, who access.Standing, q room.Request, out *room.OpenedRoom,
) (r *roomState, fresh bool, err error) {
	if r := g.openAgain(q.RoomID, who); r != nil {
		return r, false, nil
	}
	p := g.closedRoom(q.RoomID, rs.o.Now())
	if p == nil || p.Person(who.UserID) == nil {
		return nil, false, errs.E(errs.RoomNotFound,
			"This room can't be opened again: it has been closed for too long, or you weren't part of it. Open a new "+
				"one with /create-room.")
	}
	for _, in := range g.pendingCreates { // an earlier try, whose answer was lost
		if in.AgainOf == p.ID && (in.OwnerID == who.UserID || slices.Contains(in.Guests, who.UserID) ||
			slices.Contains(in.Unasked, who.UserID)) {
			err = g.inLane(ctx, openLane(in.ID), func() error {
				r, err = rs.resumeOpen(ctx, g, in)
				return err
			})
			return r, err == nil, err
		}
	}
	o := opening{id: newID(), who: who, q: room.OpenRequest{Actor: q.Actor}, again: p, cut: &out.Cut}
	if l := g.settings.Lobby(p.LobbyID); l != nil {
		lobby := *l
		if lobby.CategoryID == 0 {
			lobby.CategoryID = rs.parentOf(ctx, g, lobby.ChannelID)
		}
		o.lobby = &lobby
	}
	r, err = rs.openInLane(ctx, g, o)
	return r, err == nil, err
}

// openAgain returns the room itself, if it is open, or the open one that continues it, if a user may see it; else nil.
func (g *guildState) openAgain(id snowflake.ID, who access.Standing) *roomState {
	for _, r := range g.rooms {
		if (r.ID == id || r.AgainOf == id) && r.State == room.Open && g.summary(r).Access.MaySee(who) {
			return r
		}
	}
	return nil
}

// maxTold bounds the direct messages about one room that is opened again.
const maxTold = 10

// tellOpenedAgain tells those who are let in, the ones who were in it last first.
func (rs *Rooms) tellOpenedAgain(g *guildState, r *roomState, who access.Standing) {
	p, told := g.past[r.AgainOf], 0
	if p == nil {
		return
	}
	for _, o := range p.KnownTo(who.UserID) {
		if guest := r.Guest(o.UserID); guest == nil || guest.Bot || o.Bot || told == maxTold {
			continue
		}
		told++
		rs.notify(g, OpenedAgain{Room: g.summary(r), User: o.UserID, By: who.UserID, Name: who.DisplayName})
	}
}

// Circle returns the closed rooms that the actor can open again, and whom they are close to in the guild.
func (rs *Rooms) Circle(ctx context.Context, guildID snowflake.ID, q room.CircleRequest) (out room.Circle, err error) {
	err = rs.look(ctx, guildID, q.Actor, func(by access.Actor) error {
		who, err := rs.standing(ctx, guildID, by)
		if err != nil || !who.Member {
			return err
		}
		return rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
			out, err = rs.circle(ctx, g, who)
			return err
		})
	})
	return out, err
}

func (rs *Rooms) circle(ctx context.Context, g *guildState, who access.Standing) (out room.Circle, err error) {
	prefs, err := rs.preferences(ctx, g, who.UserID)
	out.Trusted = prefs.Guests
	out.Recent = map[snowflake.ID]time.Time{}
	now := rs.o.Now()
	continued := map[snowflake.ID]bool{} // closed rooms that were opened again and have closed since
	for id := range g.past {
		p := g.closedRoom(id, now)
		if p == nil || p.Person(who.UserID) == nil {
			continue
		}
		continued[p.AgainOf] = true
		seen := p.SeenBy(who.UserID)
		if r := g.openAgain(id, who); r != nil {
			seen.Again = r.ID
		}
		out.Closed = append(out.Closed, seen)
		for _, o := range seen.People {
			if o.LastIn.After(out.Recent[o.UserID]) && !o.Bot {
				out.Recent[o.UserID] = o.LastIn
			}
		}
	}
	out.Closed = newestClosed(out.Closed, continued)
	return out, err
}

// Closed returns the closed rooms of a guild that a user can open again, by the last snapshot, the newest first. It
// never blocks. Rooms that are open again are not among them.
func (rs *Rooms) Closed(guildID, user snowflake.ID) (out []room.ClosedRoom) {
	m, now := rs.Snapshot(guildID), rs.o.Now()
	continued := map[snowflake.ID]bool{}
	for _, r := range m.Rooms {
		continued[r.AgainOf] = true
	}
	for _, p := range m.Past {
		if !p.Over(now, m.Settings.AuditRetention.Std()) && p.Person(user) != nil {
			continued[p.AgainOf] = true
			out = append(out, p.SeenBy(user))
		}
	}
	return newestClosed(out, continued)
}

// newestClosed sorts closed rooms and leaves out those that were opened again.
func newestClosed(list []room.ClosedRoom, continued map[snowflake.ID]bool) []room.ClosedRoom {
	list = slices.DeleteFunc(list, func(c room.ClosedRoom) bool { return continued[c.ID] })
	slices.SortFunc(list, func(a, b room.ClosedRoom) int {
		return cmp.Or(b.ClosedAt.Compare(a.ClosedAt), cmp.Compare(b.ID, a.ID))
	})
	return list[:min(len(list), maxClosed)]
}

// maxClosed bounds the closed rooms of a guild that one person is offered.
const maxClosed = 20

// personPast lists, and with Erase removes, what the guild's closed rooms store about the user.
func (rs *Rooms) personPast(ctx context.Context, g *guildState, q room.PersonRequest, out *room.PersonData) error {
	for _, id := range g.pastIDs() {
		p := g.past[id]
		as := p.Parts(q.UserID)
		if len(as) == 0 {
			continue
		}
		in := room.PersonRoom{ID: p.ID, Name: p.Setup.RoomName, As: as}
		if q.Erase {
			if err := rs.forgetInPast(ctx, g, id, q.UserID); err != nil {
				return err
			}
			if p := g.past[id]; p != nil {
				in.Stays = p.Parts(q.UserID)
			}
		}
		out.Closed = append(out.Closed, in)
	}
	return nil
}

// forgetInPast removes a user from a closed room; one that nobody is left of is deleted.
func (rs *Rooms) forgetInPast(ctx context.Context, g *guildState, id, user snowflake.ID) error {
	next := *g.past[id]
	next.Forget(user)
	if len(next.People) == 0 {
		return rs.dropPast(ctx, g, id)
	}
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	if _, err := rs.o.Hub.Closed.Put(ctx, voice.Key(g.id, id), next); err != nil {
		return err
	}
	g.past[id] = &next
	return nil
}

// pastIDs are the ids of the guild's closed rooms, the oldest first.
func (g *guildState) pastIDs() []snowflake.ID {
	ids := make([]snowflake.ID, 0, len(g.past))
	for id := range g.past {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
