package wire

import (
	"net/url"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/pages"
)

// Links are the addresses that Snug gives away.
type Links struct {
	// Site has scheme and host that browsers reach the dashboard at. Who is given a link gets this, whatever other name
	// of the dashboard's they are at.
	pages.Site
	Channels string // what a channel's deep link begins with, for instance https://discord.com/channels
	Invites  string // what the address of an invite of Discord's begins with, for instance https://discord.com/invite
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
