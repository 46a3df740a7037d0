package live

import (
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/protocol"
)

// HistoryUpdated tells a room's pages that its history has new entries. It doesn't block, and doesn't say
// what they are: pages whose users may know ask for them.
func (l *Live) HistoryUpdated(guild, channel snowflake.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.guilds[guild]
	if g == nil || g.rooms[channel] == nil {
		return
	}
	e := g.rooms[channel]
	var frame []byte
	for w := range e.pages {
		if _, sees := e.subs[w]; !sees || w.admission.spectator() {
			continue
		}
		if frame == nil {
			frame = textFrame(protocol.EncodeHistoryUpdated(guild, channel, l.o.Now()))
		}
		w.conn.send(frame)
	}
}
