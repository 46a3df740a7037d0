package keeper

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/presence"
	"snug/shared/errs"
	"snug/shared/room"
)

// How long a seat is held for somebody who asked to join.
const (
	holdMoved = 10 * time.Second // moved by the bot: until Discord tells of it
	holdLink  = time.Minute      // on their way through Discord
)

// View gives a room as the actor may see it. It fails with errs.RoomNotFound, also if they may not.
func (k *Keeper) View(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.View, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.visible(q.RoomID, who)
		if err != nil {
			return err
		}
		s := g.summary(r)
		out = room.View{
			Room: s, Roster: k.o.Presence.Roster(g.id, r.ID), Standing: who,
			MayEnter: s.Access.MayEnter(who), MayControl: s.Access.MayControl(who),
			VoiceIn:      k.o.Presence.ChannelOf(g.id, who.UserID),
			IdleDeadline: r.Idle.Deadline(time.Duration(g.settings.IdleTimeout)),
		}
		if !out.MayControl {
			return nil
		}
		now := k.o.Now()
		for i := range r.Invites {
			if v := &r.Invites[i]; v.Live(now) {
				l, err := k.link(r, v)
				if err != nil {
					return err
				}
				out.Invites = append(out.Invites, l)
			}
		}
		return nil
	})
	return out, err
}

// Join takes a seat: who is in voice is moved into the room; for who is not, a
// seat is held while they come through Discord. It fails with errs.RoomFull,
// RoomNotFound, Forbidden, MissingPermission or DiscordUnavailable.
func (k *Keeper) Join(ctx context.Context, guildID snowflake.ID, q room.Request) (out room.Joined, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		r, err := g.visible(q.RoomID, who)
		if err != nil {
			return err
		}
		if !g.summary(r).Access.MayEnter(who) {
			return errs.E(errs.Forbidden, "This room is locked. Ask its owner to let you in.")
		}
		in := k.o.Presence.ChannelOf(g.id, who.UserID)
		if in == r.ID {
			out.Moved = true
			return nil
		}
		if g.free(k.o.Presence.Roster(g.id, r.ID), r, who.UserID, k.o.Now()) <= 0 {
			return full(r)
		}
		out, err = k.seat(ctx, g, r, who.UserID, in)
		return err
	})
	return out, err
}

// seat holds a seat and moves the user there if they are in voice.
func (k *Keeper) seat(ctx context.Context, g *guildRooms, r *kept, user, in snowflake.ID) (room.Joined, error) {
	if in != 0 {
		g.hold(r.ID, user, k.o.Now().Add(holdMoved))
		err := k.o.Discord.Move(ctx, g.id, user, r.ID, "Snug: joined on the web")
		if err == nil {
			return room.Joined{Moved: true}, nil
		}
		if !errs.Has(err, errs.NotInVoice) {
			if !errs.Has(err, errs.DiscordUnavailable) {
				delete(g.held[r.ID], user)
			}
			return room.Joined{}, err
		}
	}
	until := k.o.Now().Add(holdLink)
	g.hold(r.ID, user, until)
	return room.Joined{HeldUntil: until}, nil
}

func full(r *kept) error {
	return errs.E(errs.RoomFull, "“%s” is full: all %d seats are taken. Watch its page and join when one is free.", r.Name, r.Seats)
}

func (g *guildRooms) hold(roomID, user snowflake.ID, until time.Time) {
	if g.held[roomID] == nil {
		g.held[roomID] = map[snowflake.ID]time.Time{}
	}
	g.held[roomID][user] = until
}

// free counts the seats that are neither taken nor held for somebody else.
func (g *guildRooms) free(roster []room.Person, r *kept, user snowflake.ID, now time.Time) int {
	n := r.Seats - room.Taken(roster)
	for holder, until := range g.held[r.ID] {
		switch {
		case !now.Before(until) || room.In(roster, holder):
			delete(g.held[r.ID], holder)
		case holder != user:
			n--
		}
	}
	return n
}

// Moved takes a change of voice channel from presence. It only enqueues.
func (k *Keeper) Moved(m presence.Move) {
	if g := k.guild(m.GuildID, false); g != nil {
		k.later(g, func(ctx context.Context) {
			if g.ready { // otherwise the comparison that makes it ready sees the rosters as they are
				k.moved(ctx, g, m)
			}
		})
	}
}

func (k *Keeper) moved(ctx context.Context, g *guildRooms, m presence.Move) {
	for _, channel := range []snowflake.ID{m.From, m.To} {
		if r := g.rooms[channel]; r != nil && r.State == room.Open {
			k.occupancy(ctx, g, r)
		}
	}
	if m.Bot {
		k.lendSeats(ctx, g, m)
	} else if r := g.rooms[m.To]; r != nil {
		delete(g.held[r.ID], m.UserID)
		k.enforceSeats(ctx, g, r, m)
	}
}

// seatless says whether somebody came when every seat was taken already. The
// roster is in the order people came; who came before keeps their seat.
func seatless(roster []room.Person, seats int, user snowflake.ID) bool {
	for _, p := range roster {
		if p.Bot {
			continue
		}
		if p.UserID == user {
			return seats <= 0
		}
		seats--
	}
	return false // gone again
}

// lendSeats raises a channel's limit by the bots in it, so that a helper bot takes nobody's seat.
func (k *Keeper) lendSeats(ctx context.Context, g *guildRooms, m presence.Move) {
	for _, channel := range []snowflake.ID{m.From, m.To} {
		r := g.rooms[channel]
		if r == nil || r.State != room.Open {
			continue
		}
		if err := k.setLimit(ctx, g, r, "Snug: bots take no seat"); err != nil {
			k.o.Log.Warn("could not lend a bot a seat", "guild_id", g.id, "room_id", r.ID, "err", err)
		}
	}
}

// setLimit sets a channel's limit, and remembers it: Discord tells of our own changes as of anybody's.
func (k *Keeper) setLimit(ctx context.Context, g *guildRooms, r *kept, reason string) error {
	limit, now := k.limit(g, r), k.o.Now()
	if r.limits == nil {
		r.limits = map[int]time.Time{}
	}
	r.limits[limit] = now
	return k.o.Discord.SetLimit(ctx, r.ID, limit, reason)
}

// asked says whether we asked for this limit a short while ago.
func (r *kept) asked(limit int, now time.Time) bool {
	at, ok := r.limits[limit]
	return ok && now.Sub(at) < time.Minute
}

// limit is the user limit a room's channel should have: its seats and one for each bot in it, as far as Discord's goes.
func (k *Keeper) limit(g *guildRooms, r *kept) int {
	roster := k.o.Presence.Roster(g.id, r.ID)
	return min(r.Seats+len(roster)-room.Taken(roster), room.MaxSeats)
}

// enforceSeats moves back who got past the seat limit with a permission of their own.
func (k *Keeper) enforceSeats(ctx context.Context, g *guildRooms, r *kept, m presence.Move) {
	if !g.settings.StrictSeats || !seatless(k.o.Presence.Roster(g.id, r.ID), r.Seats, m.UserID) {
		return
	}
	log := k.o.Log.With("guild_id", g.id, "room_id", r.ID, "user_id", m.UserID)
	if g.settings.AdminsExempt {
		who, err := k.o.Discord.Standing(ctx, g.id, m.UserID)
		if err != nil {
			log.Warn("could not ask whether somebody past the seat limit is exempt; they stay", "err", err)
			return
		}
		if who.Manager {
			return
		}
	}
	to := m.From
	if back := g.rooms[to]; back != nil && g.free(k.o.Presence.Roster(g.id, to), back, m.UserID, k.o.Now()) <= 0 {
		to = 0 // their old seat is taken meanwhile
	}
	err := k.o.Discord.Move(ctx, g.id, m.UserID, to, "Snug: every seat is taken")
	if err != nil && to != 0 { // the channel they came from may be gone
		err = k.o.Discord.Move(ctx, g.id, m.UserID, 0, "Snug: every seat is taken")
	}
	if errs.Has(err, errs.NotInVoice) {
		return
	}
	if err != nil {
		log.Warn("could not move back somebody past the seat limit", "err", err)
		return
	}
	entry := room.Entry{Kind: room.EntryRefused, Target: m.UserID}
	if err := k.edit(ctx, g, r, &entry, func(*room.Room) {}); err != nil {
		log.Warn("a refused seat is not in the audit log", "err", err)
	}
	text := "“" + r.Name + "” is full: all its seats are taken, so you were moved back. Its owner can give it more seats, or you can join when one is free."
	if err := k.o.Discord.Tell(ctx, m.UserID, text); err != nil {
		log.Info("who was moved back takes no direct messages", "err", err)
	}
}
