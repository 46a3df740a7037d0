package world

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
func (s *State) restricted(g *Guild, m *Member) bool {
	return m.Timeout.After(s.Now()) || !m.User.Bot && (m.Pending || s.unverified(g, m)) || m.flags&flagQuarantined != 0
}

// kept are the permissions that a restricted member keeps. That who is kept from everything because of their name may
// change it is a guess.
func (s *State) kept(m *Member) Permissions {
	if m.flags&flagQuarantined != 0 && !m.Timeout.After(s.Now()) {
		return timeoutKeeps | PermChangeNickname
	}
	return timeoutKeeps
}

// TimeOut times a member out until a time, and disconnects them from voice. A past time ends the timeout.
func (s *State) TimeOut(g *Guild, m *Member, until time.Time) {
	m.Timeout = until
	s.MemberEvent(g, m)
	if until.After(s.Now()) {
		s.Disconnect(g, m)
	}
}

// unverified reports whether a member doesn't meet the guild's verification level. A member with a
// role always does, according to Discord's help pages.
func (s *State) unverified(g *Guild, m *Member) bool {
	if g.Verify == 0 || len(m.Roles) > 0 || m.flags&flagBypassesVerification != 0 {
		return false
	}
	now := s.Now()
	return m.User.Unverified || g.Verify >= 2 && now.Sub(m.User.ID.Time()) < registeredFor ||
		g.Verify >= 3 && now.Sub(m.JoinedAt) < memberFor
}

// SyncChildren copies a category's new overwrites to the channels in it that had the same ones
// before ("Permission Syncing").
func (s *State) SyncChildren(g *Guild, category *Channel, was []Overwrite) {
	if category.Kind != ChannelCategory || sameOverwrites(category.Overwrites, was) {
		return
	}
	for _, c := range g.SortedChannels() {
		if c.Parent == category.ID && sameOverwrites(c.Overwrites, was) {
			c.Overwrites = slices.Clone(category.Overwrites)
			s.ChannelEvent("CHANNEL_UPDATE", c)
		}
	}
}

func sameOverwrites(a, b []Overwrite) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(o Overwrite) bool { return !slices.Contains(b, o) })
}
