package discordapi

import (
	"fmt"
	"slices"
	"testing"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

func voiceChannel(t testing.TB, guild, id snowflake.ID, kind discord.ChannelType) discord.GuildChannel {
	t.Helper()
	var c discord.UnmarshalChannel
	text := fmt.Appendf(nil, `{"id":"%d","guild_id":"%d","type":%d,"name":"c"}`, id, guild, kind)
	if err := c.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return c.Channel.(discord.GuildChannel)
}

func TestChannelCache(t *testing.T) {
	c := newChannelCache(func(c discord.GuildChannel) bool { return c.Type() == discord.ChannelTypeGuildVoice })
	ids := func(guild snowflake.ID) (list []snowflake.ID) {
		for ch := range c.ChannelsForGuild(guild) {
			list = append(list, ch.ID())
		}
		slices.Sort(list)
		return list
	}
	for _, x := range []struct {
		name          string
		do            func()
		first, second []snowflake.ID // channels of guilds 1 and 2
	}{
		{"none", func() {}, nil, nil},
		{"two", func() {
			for _, id := range []snowflake.ID{11, 12} {
				c.AddChannel(voiceChannel(t, 1, id, discord.ChannelTypeGuildVoice))
			}
		}, []snowflake.ID{11, 12}, nil},
		{"of another guild", func() {
			c.AddChannel(voiceChannel(t, 2, 21, discord.ChannelTypeGuildVoice))
		}, []snowflake.ID{11, 12}, []snowflake.ID{21}},
		{"one that isn't kept", func() {
			c.AddChannel(voiceChannel(t, 1, 13, discord.ChannelTypeGuildText))
		}, []snowflake.ID{11, 12}, []snowflake.ID{21}},
		{"again", func() {
			c.AddChannel(voiceChannel(t, 1, 11, discord.ChannelTypeGuildVoice))
		}, []snowflake.ID{11, 12}, []snowflake.ID{21}},
		{"removed", func() { c.RemoveChannel(11) }, []snowflake.ID{12}, []snowflake.ID{21}},
		{"unknown removed", func() { c.RemoveChannel(99) }, []snowflake.ID{12}, []snowflake.ID{21}},
		{"a guild removed", func() { c.RemoveChannelsByGuildID(1) }, nil, []snowflake.ID{21}},
	} {
		x.do()
		if !slices.Equal(ids(1), x.first) || !slices.Equal(ids(2), x.second) ||
			c.ChannelsLen() != len(x.first)+len(x.second) {
			t.Errorf("%s: %v and %v of %d channels", x.name, ids(1), ids(2), c.ChannelsLen())
		}
	}
}

// BenchmarkChannelsForGuild costs the same with 500 and with 5,000 guilds.
func BenchmarkChannelsForGuild(b *testing.B) {
	for _, guilds := range []int{500, 5000} {
		b.Run(fmt.Sprint(guilds), func(b *testing.B) {
			c := newChannelCache(func(discord.GuildChannel) bool { return true })
			for g := range guilds {
				for i := range 50 {
					c.AddChannel(voiceChannel(b, snowflake.ID(g+1), snowflake.ID(g*100+i+1),
						discord.ChannelTypeGuildVoice))
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				for range c.ChannelsForGuild(7) {
				}
			}
		})
	}
}
