package rooms

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
)

// ObserveStanding stores a standing that came with something
// else, such as a Voice State Update. It does not block.
func (rs *Rooms) ObserveStanding(s access.Standing) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	of := rs.observed[s.GuildID]
	if of == nil {
		of = map[snowflake.ID]access.Standing{}
		rs.observed[s.GuildID] = of
	}
	if old, known := of[s.UserID]; !known || !old.CheckedAt.After(s.CheckedAt) {
		of[s.UserID] = s
	}
}

// LearnStanding stores a standing that was fetched, and reviews the
// user's rooms: access is suspended or restored. It only enqueues.
func (rs *Rooms) LearnStanding(s access.Standing) {
	rs.ObserveStanding(s)
	g := rs.guild(s.GuildID, false)
	if g == nil || !g.hasPlace(s.UserID) {
		return
	}
	rs.enqueue(g, func(ctx context.Context) {
		if g.ready {
			rs.review(ctx, g, s.UserID)
		}
	})
}

// hasPlace reports whether a user is owner, guest or arrival of one of the guild's rooms, by the last snapshot.
func (g *guildState) hasPlace(user snowflake.ID) bool {
	m := g.snapshot.Load()
	return m != nil && slices.ContainsFunc(m.open,
		func(o openRoom) bool { _, has := o.doc.SuspendedFor(user); return has || o.doc.Arrival(user) != nil })
}

// knownStanding returns a user's last known standing, with the guild's present roles.
func (rs *Rooms) knownStanding(g *guildState, user snowflake.ID) (access.Standing, bool) {
	rs.mu.Lock()
	s, known := rs.observed[g.id][user]
	rs.mu.Unlock()
	if t, asked := rs.o.Standings.Known(g.id, user); asked && (!known || t.CheckedAt.After(s.CheckedAt)) {
		s, known = t, true
	}
	return s.WithGuild(g.info.Access), known
}

// freshStandingAge is how old a standing may be that decides about a user who does not act themselves.
const freshStandingAge = time.Minute

// freshStanding returns a user's standing if it is younger than freshStandingAge.
func (rs *Rooms) freshStanding(g *guildState, user snowflake.ID) (access.Standing, bool) {
	s, known := rs.knownStanding(g, user)
	return s, known && rs.o.Now().Sub(s.CheckedAt) < freshStandingAge
}

// recentStanding is freshStanding, or else fetches the standing.
func (rs *Rooms) recentStanding(ctx context.Context, g *guildState, user snowflake.ID) (access.Standing, error) {
	if s, known := rs.freshStanding(g, user); known {
		return s, nil
	}
	return rs.fetchStanding(ctx, g.id, user)
}

// updateAppearances updates the names and avatars of a room's
// guests, bans and waiting list from the known standings.
func (rs *Rooms) updateAppearances(g *guildState, doc *room.Room) {
	for i := range doc.Guests {
		if s, known := rs.knownStanding(g, doc.Guests[i].UserID); known {
			doc.Guests[i].SetAppearance(s)
		}
	}
	for i := range doc.Bans {
		if s, known := rs.knownStanding(g, doc.Bans[i].UserID); known {
			doc.Bans[i].SetAppearance(s)
		}
	}
	for i := range doc.Waiting {
		if s, known := rs.knownStanding(g, doc.Waiting[i].UserID); known {
			doc.Waiting[i].SetAppearance(s)
		}
	}
}

// forgetObserved drops old standings of users without a place in a room.
func (rs *Rooms) forgetObserved(g *guildState) {
	now := rs.o.Now()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	of := rs.observed[g.id]
	for user, s := range of {
		if now.Sub(s.CheckedAt) > 10*time.Minute && rs.o.Voice.ChannelOf(g.id, user) == 0 && !g.hasPlace(user) {
			delete(of, user)
		}
	}
	if len(of) == 0 {
		delete(rs.observed, g.id)
	}
}

// fetchStandings fetches users' standings in the background, then reviews the guild's rooms.
func (rs *Rooms) fetchStandings(g *guildState, users []snowflake.ID) {
	users = slices.DeleteFunc(users, func(u snowflake.ID) bool { return g.fetching[u] })
	if len(users) == 0 {
		return
	}
	for _, u := range users {
		g.fetching[u] = true
	}
	rs.goRun(func() {
		if err := rs.fetchStandingsOf(g.id, users); err != nil {
			rs.o.Log.Warn("access to rooms stays suspended until Discord answers who the users are", "guild_id", g.id,
				"users", len(users), "err", err)
		}
		rs.enqueue(g, func(ctx context.Context) {
			for _, u := range users {
				delete(g.fetching, u)
			}
			for _, r := range g.rooms {
				if g.ready && r.State == room.Open {
					rs.reviewRoom(ctx, g, r)
				}
			}
		})
	})
}

// fetchStandingsOf fetches users' standings together, over the gateway as far as possible.
func (rs *Rooms) fetchStandingsOf(guildID snowflake.ID, users []snowflake.ID) error {
	const together = 100
	var all errgroup.Group
	all.SetLimit(together)
	for _, u := range users {
		all.Go(func() error {
			s, err := rs.Standing(rs.ctx, guildID, room.StandingRequest{UserID: u, Within: freshStandingAge})
			if err == nil {
				rs.ObserveStanding(s)
			}
			return err
		})
	}
	return all.Wait()
}

// standing returns the actor's standing: from the interaction, or else fetched from Discord.
func (rs *Rooms) standing(ctx context.Context, guildID snowflake.ID, a access.Actor) (access.Standing, error) {
	if a.Standing != nil {
		rs.ObserveStanding(*a.Standing)
		return *a.Standing, nil
	}
	s, err := rs.fetchStanding(ctx, guildID, a.UserID)
	if err == nil && !s.Member {
		return s, errNotMember
	}
	return s, err
}

// defaultStandingAge is how old a standing from Standing may be by default: pages are loaded
// in bursts, and Discord's rate limits are tight. Actions always fetch the actor's standing.
const defaultStandingAge = 5 * time.Second

// Standings is a cache of what Discord last said about members.
type Standings interface {
	// Follow keeps the standings of users up to date for a while, and returns those that are known.
	Follow(guild snowflake.ID, users []snowflake.ID) []access.Standing
	// Get returns a standing that is no older than within, if that takes no REST request.
	Get(ctx context.Context, guild, user snowflake.ID, within time.Duration) (access.Standing, bool)
	// Known returns the last standing, of whatever age; false if there is none.
	Known(guild, user snowflake.ID) (access.Standing, bool)
	// Put stores a standing that Discord just gave.
	Put(access.Standing)
	// Hurry requests a member's standing over the gateway soon;
	// false if the shard is not connected. It does not wait.
	Hurry(guild, user snowflake.ID) bool
	// Drop removes a member's standing.
	Drop(guild, user snowflake.ID)
}

// lookTime is how long somebody who looks waits for the gateway before Discord is asked over REST.
const lookTime = 700 * time.Millisecond

// Standing returns a user's standing in a guild, no older than
// q.Within. Member is false for a user who is not in the guild.
func (rs *Rooms) Standing(ctx context.Context, guildID snowflake.ID, q room.StandingRequest) (access.Standing, error) {
	asking := ctx
	if q.Follow {
		rs.o.Standings.Follow(guildID, []snowflake.ID{q.UserID})
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(ctx, lookTime)
		defer cancel()
	}
	if s, ok := rs.o.Standings.Get(asking, guildID, q.UserID, cmp.Or(q.Within, defaultStandingAge)); ok {
		return s, nil
	}
	return rs.fetchStanding(ctx, guildID, q.UserID)
}

// look calls f with the standing of an actor who only looks, which is at most room.LookAge old. Nobody is refused by
// what may be outdated: then f is called again with what Discord says now.
func (rs *Rooms) look(
	ctx context.Context, guildID snowflake.ID, a access.Actor, f func(access.Actor) error,
) error {
	if a.Standing != nil {
		return f(a)
	}
	s, err := rs.Standing(ctx, guildID,
		room.StandingRequest{UserID: a.UserID, Within: room.LookAge, Follow: true})
	switch {
	case err != nil:
		return err
	case s.Member:
		known := a
		known.Standing = &s
		err = f(known)
	default:
		err = errNotMember
	}
	refused := errs.Has(err, errs.Forbidden) || errs.Has(err, errs.RoomNotFound)
	if refused && rs.o.Now().Sub(s.CheckedAt) > defaultStandingAge {
		return f(a)
	}
	return err
}

var errNotMember = errs.E(errs.Forbidden, "You aren't in this server. Ask a member for an invite.")

// fetchStanding asks Discord for a user's standing over REST.
func (rs *Rooms) fetchStanding(ctx context.Context, guildID, user snowflake.ID) (access.Standing, error) {
	now := rs.o.Now()
	s, err := rs.o.Discord.Standing(ctx, guildID, user)
	if err == nil {
		s.CheckedAt = now
		rs.o.Standings.Put(s)
		rs.ObserveStanding(s)
	}
	return s, err
}
