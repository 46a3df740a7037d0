package bot

import "github.com/disgoorg/snowflake/v2"

// HasHeardOf reports whether Discord has told the bot of a channel or a role over the gateway.
func (b *Bot) HasHeardOf(guild, id snowflake.ID) bool {
	_, channel := b.client.Caches.Channel(id)
	_, role := b.client.Caches.Role(guild, id)
	return channel || role
}
