package bot

import (
	"context"

	"github.com/disgoorg/snowflake/v2"
)

// Sequence returns the number of the last event of a guild's shard that has been applied.
func (b *Bot) Sequence(guild snowflake.ID) int { return b.shards.Sequence(guild) }

// CatchUp returns once the rooms of a guild have followed what is published of its voice by now.
func (b *Bot) CatchUp(ctx context.Context, guild snowflake.ID) { b.rooms.CatchUp(ctx, guild) }
