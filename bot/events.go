package bot

import (
	"context"

	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/room"
)

// event takes every gateway event of a shard, in order. Nothing here waits:
// presence, keeper and commands enqueue and return.
func (b *Bot) event(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) {
	switch e := data.(type) {
	case dgateway.EventVoiceStateUpdate: // the fast lane, before anything else
		if b.serves(e.GuildID) {
			b.presence.VoiceState(e.VoiceState, e.Member)
		}
		return
	case dgateway.EventReady:
		b.dropMissing(g.ShardID(), g.ShardCount(), e)
	}
	b.client.EventManager.HandleGatewayEvent(g, kind, seq, data) // caches, and interactions to commands

	switch e := data.(type) {
	case dgateway.EventGuildCreate:
		if b.serves(e.ID) && !e.Unavailable {
			b.presence.Guild(e.ID, e.VoiceStates, e.Members)
			b.keeper.Load(infoOf(e), b.discord.VoiceChannels(e.Channels))
		}
	case dgateway.EventGuildDelete:
		if e.Unavailable {
			b.keeper.Unready(e.ID)
		} else {
			b.keeper.Left(e.ID)
			b.presence.GuildGone(e.ID)
		}
	case dgateway.EventChannelUpdate:
		if c, ok := b.discord.VoiceChannel(e.GuildChannel); ok {
			b.keeper.Changed(e.GuildID(), c)
		}
	case dgateway.EventChannelDelete:
		b.keeper.Gone(e.GuildID(), e.ID())
	}
}

func (b *Bot) serves(guild snowflake.ID) bool { return b.o.GuildID == 0 || b.o.GuildID == guild }

func infoOf(e dgateway.EventGuildCreate) room.GuildInfo {
	info := room.GuildInfo{ID: e.ID, Name: e.Name, Locale: string(e.PreferredLocale)}
	if e.Icon != nil {
		info.Icon = *e.Icon
	}
	return info
}

// dropMissing lets go of guilds that a fresh READY no longer lists: the bot was removed while it was away.
func (b *Bot) dropMissing(shard, shards int, e dgateway.EventReady) {
	listed := map[snowflake.ID]bool{}
	for _, g := range e.Guilds {
		listed[g.ID] = true
	}
	for _, id := range b.keeper.Holds() {
		if !listed[id] && int(uint64(id)>>22%uint64(shards)) == shard {
			b.keeper.Left(id)
			b.presence.GuildGone(id)
		}
	}
}

// announce tells the dashboard of a guild, and begins or ends to answer for it.
func (b *Bot) announce(ctx context.Context, info room.GuildInfo) error {
	if !info.Ready {
		b.calls.Drop(info.ID)
	} else if err := b.calls.Hold(ctx, info.ID); err != nil {
		return err
	}
	_, err := b.o.Hub.Guilds.Put(ctx, info.ID.String(), info)
	return err
}
