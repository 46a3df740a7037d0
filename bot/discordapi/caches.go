package discordapi

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/disgoorg/disgo/discord"
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
		d.fillCaches(e)
		return nil
	}
	d.client.EventManager.HandleGatewayEvent(g, kind, seq, data)
	return nil
}

// fillCaches does what disgo does with a GUILD_CREATE, for the caches that Snug has. disgo would also collect, at each
// guild, those that haven't come yet: the start of a shard would cost guilds × guilds.
func (d *Discord) fillCaches(e dgateway.EventGuildCreate) {
	caches := d.client.Caches
	caches.SetGuildUnready(e.ID, false)
	if e.Unavailable {
		return
	}
	caches.SetGuildUnavailable(e.ID, false)
	caches.AddGuild(e.Guild)
	for _, c := range e.Channels {
		caches.AddChannel(discord.ApplyGuildIDToChannel(c, e.ID))
	}
	for _, r := range e.Roles {
		r.GuildID = e.ID
		caches.AddRole(r)
	}
	for _, m := range e.Members {
		m.GuildID = e.ID
		caches.AddMember(m)
	}
}

// forgetUnlisted removes the cached channels and roles that a guild's description no longer lists: disgo
// only adds.
func (d *Discord) forgetUnlisted(e dgateway.EventGuildCreate) {
	if e.Unavailable {
		return
	}
	caches := d.client.Caches
	had := slices.Collect(caches.ChannelsForGuild(e.ID))
	hadRoles := slices.Collect(caches.Roles(e.ID)) // collected: the iterator holds a lock
	if len(had) == 0 && len(hadRoles) == 0 {
		return // as at the start, for thousands
	}
	channels, roles := map[snowflake.ID]bool{}, map[snowflake.ID]bool{}
	for _, c := range e.Channels {
		channels[c.ID()] = true
	}
	for _, r := range e.Roles {
		roles[r.ID] = true
	}
	for _, c := range had {
		if !channels[c.ID()] {
			caches.RemoveChannel(c.ID())
		}
	}
	for _, r := range hadRoles {
		if !roles[r.ID] {
			caches.RemoveRole(e.ID, r.ID)
		}
	}
}
