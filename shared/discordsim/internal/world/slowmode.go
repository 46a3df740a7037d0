package world

import (
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// Slowmode reports whether a member has waited long enough since their last message in a channel. Bots, and those who
// may bypass it, don't have to ("rate_limit_per_user" in Discord's document of the channel).
func (s *State) Slowmode(c *Channel, user ID, p Permissions) error {
	if c.Slowmode == 0 || p.Has(PermBypassSlowmode) {
		return nil
	}
	left := time.Duration(c.Slowmode)*time.Second - s.Now().Sub(c.spoke[user])
	if left <= 0 {
		return nil
	}
	e := form.TooMany(left.Seconds(), "user")
	e.Code, e.Message = 20016, "This action cannot be performed due to slowmode rate limit"
	return e
}

// Spoke notes that a message was sent, for the channel's slowmode.
func (s *State) Spoke(c *Channel, m *Message) {
	if c.Slowmode == 0 || m.Author.Bot {
		return
	}
	if c.spoke == nil {
		c.spoke = map[ID]time.Time{}
	}
	c.spoke[m.Author.ID] = s.Now()
}
