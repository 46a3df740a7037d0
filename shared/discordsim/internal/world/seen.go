package world

import "time"

// See notes that a person is there: they did something.
func (s *State) See(u *User) { u.seen = s.Now() }

// LastSeen returns when a member was last there: now, if they are in voice, and otherwise when they joined or last did
// something.
func (s *State) LastSeen(g *Guild, m *Member) time.Time {
	if g.Voice[m.User.ID] != nil {
		return s.Now()
	}
	if m.User.seen.After(m.JoinedAt) {
		return m.User.seen
	}
	return m.JoinedAt
}
