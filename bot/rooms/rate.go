package rooms

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// How many rooms can be opened within openWindow: Discord limits
// how many channels a bot creates, and joining a lobby is quick.
const (
	openWindow     = 5 * time.Minute
	opensPerMember = 6 // or twice Settings.RoomsPerMember, if that is more
	opensPerGuild  = 100
)

// How often a member is moved within moveWindow. Discord limits the moves in a
// guild (observed: ten in ten seconds); one member must not use up all of them.
const (
	moveWindow     = 20 * time.Second
	movesPerMember = 4
)

// recordMove records that a member is moved.
func (g *guildState) recordMove(user snowflake.ID, now time.Time) {
	g.moves[user] = append(recentWithin(g.moves[user], now, moveWindow), now)
}

// moveWait returns how long a member has to wait until they may be moved again; 0 if not at all.
func (g *guildState) moveWait(user snowflake.ID, now time.Time) time.Duration {
	mine := recentWithin(g.moves[user], now, moveWindow)
	if len(mine) < movesPerMember {
		return 0
	}
	return mine[len(mine)-movesPerMember].Add(moveWindow).Sub(now)
}

// recordOpening records that a member opens a room.
func (g *guildState) recordOpening(user snowflake.ID, now time.Time) {
	for _, who := range []snowflake.ID{user, 0} {
		g.openings[who] = append(recent(g.openings[who], now), now)
	}
}

// checkOpenRate fails with errs.RateLimited if a member, or the guild, opened too many rooms recently.
func (g *guildState) checkOpenRate(user snowflake.ID, now time.Time) error {
	if mine := recent(g.openings[user], now); len(mine) >= max(opensPerMember, 2*g.settings.RoomsPerMember) {
		wait := mine[0].Add(openWindow).Sub(now).Round(time.Second)
		return errs.E(errs.RateLimited,
			"You've opened %d rooms in the last few minutes. You can open the next one in %s.", len(mine),
			wait).After(wait)
	}
	if all := recent(g.openings[0], now); len(all) >= opensPerGuild {
		wait := all[0].Add(openWindow).Sub(now).Round(time.Second)
		return errs.E(errs.RateLimited, "Too many rooms are being opened in this server right now. Try again in %s.",
			wait).After(wait)
	}
	return nil
}

func recent(times []time.Time, now time.Time) []time.Time {
	return recentWithin(times, now, openWindow)
}

func recentWithin(times []time.Time, now time.Time, window time.Duration) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return now.Sub(t) >= window })
}

// forgetOld drops expired entries of the rate limits and of fullCategories.
func (rs *Rooms) forgetOld(g *guildState) {
	now := g.now()
	for who, times := range g.openings {
		if g.openings[who] = recent(times, now); len(g.openings[who]) == 0 {
			delete(g.openings, who)
		}
	}
	for who, times := range g.moves {
		if g.moves[who] = recentWithin(times, now, moveWindow); len(g.moves[who]) == 0 {
			delete(g.moves, who)
		}
	}
	for user, m := range g.movingIn {
		if now.Sub(m.at) >= holdMoved {
			delete(g.movingIn, user)
		}
	}
	for user, at := range g.ejectedAt {
		if now.Sub(at) > time.Minute {
			delete(g.ejectedAt, user)
		}
	}
	for category, f := range g.fullCategories {
		if now.Sub(f.at) > fullFor {
			delete(g.fullCategories, category)
		}
	}
}
