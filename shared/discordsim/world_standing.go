package discordsim

import (
	"slices"
	"time"
)

// flagBypassesVerification exempts a member from verification ("Guild Member Flags").
const flagBypassesVerification = 1 << 2

// How long a new member has to wait, by verification level ("Verification Level").
const (
	registeredFor = 5 * time.Minute
	memberFor     = 10 * time.Minute
)

// restricted reports whether a member can only see and read: they are timed out ("Permissions For
// Timed Out Members"), have not passed the guild's screening ("Membership Screening Object":
// restricted from doing any actions), or do not meet its verification level. The caller knows that
// they aren't an administrator.
func (s *state) restricted(g *guild, m *member) bool {
	return m.timeout.After(s.now()) || !m.user.bot && (m.pending || s.unverified(g, m))
}

// unverified reports whether a member doesn't meet the guild's verification level. A member with a
// role always does, according to Discord's help pages.
func (s *state) unverified(g *guild, m *member) bool {
	if g.verify == 0 || len(m.roles) > 0 || m.flags&flagBypassesVerification != 0 {
		return false
	}
	now := s.now()
	return m.user.unverified || g.verify >= 2 && now.Sub(m.user.id.Time()) < registeredFor ||
		g.verify >= 3 && now.Sub(m.joinedAt) < memberFor
}

// syncChildren copies a category's new overwrites to the channels in it that had the same ones
// before ("Permission Syncing").
func (s *state) syncChildren(g *guild, category *channel, was []overwrite) {
	if category.kind != ChannelCategory || sameOverwrites(category.overwrites, was) {
		return
	}
	for _, c := range g.sortedChannels() {
		if c.parent == category.id && sameOverwrites(c.overwrites, was) {
			c.overwrites = slices.Clone(category.overwrites)
			s.channelEvent("CHANNEL_UPDATE", c)
		}
	}
}

func sameOverwrites(a, b []overwrite) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(o overwrite) bool { return !slices.Contains(b, o) })
}
