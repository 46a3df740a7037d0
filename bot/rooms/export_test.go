package rooms

import "github.com/disgoorg/snowflake/v2"

// Idle reports whether nothing runs or is queued in a guild, but for timers.
func (rs *Rooms) Idle(id snowflake.ID) bool {
	g := rs.guild(id, false)
	if g == nil {
		return true
	}
	<-g.lockToken
	defer func() { g.lockToken <- struct{}{} }()
	for _, r := range g.rooms {
		if r.confirming {
			return false
		}
	}
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	return g.tasks == 0 && len(g.fetching) == 0 && len(g.queue) == 0 && !g.draining && !g.sendingNotices &&
		g.directMessages == 0
}
