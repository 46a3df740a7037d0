package discordapi

import (
	"iter"
	"slices"
	"sync"

	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

// disgoCache is disgo's, under a name that isn't that of one of its methods.
type disgoCache = cache.ChannelCache

// channelCache is disgo's channel cache with an index by guild. disgo's own looks through the channels of all guilds to
// find those of one, at each GUILD_CREATE and each checkpoint: the start of a shard would cost guilds × guilds.
type channelCache struct {
	disgoCache

	mu sync.RWMutex // held while either changes, so that both agree
	of map[snowflake.ID]map[snowflake.ID]struct{}
}

func newChannelCache(keep cache.Policy[discord.GuildChannel]) *channelCache {
	return &channelCache{
		disgoCache: cache.NewChannelCache(cache.NewCache(cache.FlagChannels, cache.FlagChannels, keep)),
		of:         map[snowflake.ID]map[snowflake.ID]struct{}{},
	}
}

// ChannelsForGuild returns a guild's channels as they are now. The iterator holds no lock.
func (c *channelCache) ChannelsForGuild(guild snowflake.ID) iter.Seq[discord.GuildChannel] {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]discord.GuildChannel, 0, len(c.of[guild]))
	for id := range c.of[guild] {
		if ch, ok := c.Channel(id); ok {
			list = append(list, ch)
		}
	}
	return slices.Values(list)
}

// AddChannel implements cache.ChannelCache.
func (c *channelCache) AddChannel(ch discord.GuildChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disgoCache.AddChannel(ch)
	if _, kept := c.Channel(ch.ID()); !kept {
		return
	}
	if c.of[ch.GuildID()] == nil {
		c.of[ch.GuildID()] = map[snowflake.ID]struct{}{}
	}
	c.of[ch.GuildID()][ch.ID()] = struct{}{}
}

// RemoveChannel implements cache.ChannelCache.
func (c *channelCache) RemoveChannel(id snowflake.ID) (discord.GuildChannel, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch, ok := c.disgoCache.RemoveChannel(id)
	if ok {
		guild := ch.GuildID()
		if delete(c.of[guild], id); len(c.of[guild]) == 0 {
			delete(c.of, guild)
		}
	}
	return ch, ok
}

// RemoveChannelsByGuildID implements cache.ChannelCache.
func (c *channelCache) RemoveChannelsByGuildID(guild snowflake.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.of[guild] {
		c.disgoCache.RemoveChannel(id)
	}
	delete(c.of, guild)
}
