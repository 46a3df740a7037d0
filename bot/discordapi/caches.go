package discordapi

import (
	"fmt"
	"runtime/debug"
	"slices"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// Follow updates disgo's caches from an event. It fails if they panic; Snug can still handle the event
// itself.
func (d *Discord) Follow(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("disgo's caches could not follow the event %s (%d of shard %d): panic: %v\n%s",
				kind, seq, g.ShardID(), p, debug.Stack())
		}
	}()
	switch e := data.(type) {
	case dgateway.EventReady:
		if e.User.ID == 0 { // it could not be read
			return nil
		}
	case dgateway.EventGuildCreate:
		d.forgetUnlisted(e)
		// Snug doesn't use them, and without them less can go wrong.
		e.Threads, e.Presences, e.Emojis, e.Stickers = nil, nil, nil, nil
		e.StageInstances, e.GuildScheduledEvents, e.SoundboardSounds = nil, nil, nil
		data = e
	}
	d.client.EventManager.HandleGatewayEvent(g, kind, seq, data)
	return nil
}

// forgetUnlisted removes the cached channels and roles that a guild's description no longer lists: disgo
// only adds.
func (d *Discord) forgetUnlisted(e dgateway.EventGuildCreate) {
	if e.Unavailable {
		return
	}
	caches := d.client.Caches
	channels, roles := map[snowflake.ID]bool{}, map[snowflake.ID]bool{}
	for _, c := range e.Channels {
		channels[c.ID()] = true
	}
	for _, r := range e.Roles {
		roles[r.ID] = true
	}
	for c := range caches.ChannelsForGuild(e.ID) {
		if !channels[c.ID()] {
			caches.RemoveChannel(c.ID())
		}
	}
	for _, r := range slices.Collect(caches.Roles(e.ID)) { // collected: the iterator holds a lock
		if !roles[r.ID] {
			caches.RemoveRole(e.ID, r.ID)
		}
	}
}
