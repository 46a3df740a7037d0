package rooms

import (
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// How many rooms can be opened within openWindow: Discord counts the channels
// a bot makes, and a lobby is entered quickly.
const (
	openWindow     = 5 * time.Minute
	opensPerMember = 6 // or twice as many as the member may have at a time
	opensPerGuild  = 100
)

// How often a member is moved out of lobbies within moveWindow. Discord counts
// the moves of a server, ten in ten seconds as far as is known; nobody shall use up all of them.
const (
	moveWindow     = 20 * time.Second
	movesPerMember = 4
)

// recordMove notes that a member is moved.
func (g *guildState) recordMove(user snowflake.ID, now time.Time) {
	g.moves[user] = append(recentWithin(g.moves[user], now, moveWindow), now)
}

// moveWait says how long a member has to wait until they are moved again; 0 if they need not.
func (g *guildState) moveWait(user snowflake.ID, now time.Time) time.Duration {
	mine := recentWithin(g.moves[user], now, moveWindow)
	if len(mine) < movesPerMember {
		return 0
	}
	return mine[len(mine)-movesPerMember].Add(moveWindow).Sub(now)
}

// recordOpening notes that a member opens a room.
func (g *guildState) recordOpening(user snowflake.ID, now time.Time) {
	for _, who := range []snowflake.ID{user, 0} {
		g.openings[who] = append(recent(g.openings[who], now), now)
	}
}

// checkOpenRate fails with errs.RateLimited if a member, or the guild, opened too many rooms lately.
func (g *guildState) checkOpenRate(user snowflake.ID, now time.Time) error {
	if mine := recent(g.openings[user], now); len(mine) >= max(opensPerMember, 2*g.settings.RoomsPerMember) {
		wait := mine[0].Add(openWindow).Sub(now).Round(time.Second)
		return errs.E(errs.RateLimited,
			"You have opened %d rooms in the last few minutes. You can open the next in %s.", len(mine),
			wait).After(wait)
	}
	if all := recent(g.openings[0], now); len(all) >= opensPerGuild {
		wait := all[0].Add(openWindow).Sub(now).Round(time.Second)
		return errs.E(errs.RateLimited, "Very many rooms are being opened in this server just now. Try again in %s.",
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

// forgetOld drops what is remembered for minutes only.
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
