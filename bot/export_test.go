package bot

import "github.com/disgoorg/snowflake/v2"

// Sequence returns the number of the last event of a guild's shard that has been applied.
func (b *Bot) Sequence(guild snowflake.ID) int { return b.shards.Sequence(guild) }
