package wire

import (
	"net/url"

	"github.com/disgoorg/snowflake/v2"
)

// Links are the addresses that Snug gives away.
type Links struct {
	// Base is scheme and host that browsers reach the dashboard at. Who is given a link gets this, whatever other name
	// of the dashboard's they are at.
	Base     string
	Channels string // what a channel's deep link begins with, for instance https://discord.com/channels
	Invites  string // what the address of an invite of Discord's begins with, for instance https://discord.com/invite
}

// Room is the address of a room's page.
func (l Links) Room(id snowflake.ID) string { return l.Base + "/game/" + id.String() }

// Invite is the link that an invite is given away as.
func (l Links) Invite(id snowflake.ID, token string) string { return l.Room(id) + "?t=" + token }

// Watch is the link by which spectators see a room.
func (l Links) Watch(id snowflake.ID, token string) string {
	return l.Base + "/watch/" + id.String() + "?t=" + url.QueryEscape(token)
}

// Guild opens a server in Discord.
func (l Links) Guild(id snowflake.ID) string { return l.Channels + "/" + id.String() }

// Channel opens a channel in Discord.
func (l Links) Channel(guildID, id snowflake.ID) string { return l.Guild(guildID) + "/" + id.String() }

// GuildInvite is the address of an invite of Discord's to a server; "" for no code.
func (l Links) GuildInvite(code string) string {
	if code == "" {
		return ""
	}
	return l.Invites + "/" + url.PathEscape(code)
}
