package discordapi

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
)

// ChannelsAndRoles lists the channels and roles that settings can refer to: the channels as
// requested now, without those to skip, and the cached roles.
func (d *Discord) ChannelsAndRoles(
	ctx context.Context, id snowflake.ID, skip func(channel snowflake.ID) bool,
) (out guild.ChannelsAndRoles, err error) {
	channels, err := d.client.Rest.GetGuildChannels(id, rest.WithCtx(ctx))
	if err != nil {
		return out, coded(err, listing, toList)
	}
	slices.SortStableFunc(channels, func(a, b discord.GuildChannel) int {
		return cmp.Or(cmp.Compare(a.Position(), b.Position()), cmp.Compare(a.ID(), b.ID()))
	})
	for _, c := range channels {
		if skip(c.ID()) {
			continue
		}
		p := guild.NamedID{ID: c.ID(), Name: c.Name()}
		if c.ParentID() != nil {
			p.ParentID = *c.ParentID()
		}
		switch c.Type() {
		case discord.ChannelTypeGuildCategory:
			out.Categories = append(out.Categories, p)
		case discord.ChannelTypeGuildVoice:
			out.Voice = append(out.Voice, p)
		case discord.ChannelTypeGuildText, discord.ChannelTypeGuildNews:
			out.Text = append(out.Text, p)
		}
	}
	var roles []discord.Role
	for r := range d.client.Caches.Roles(id) {
		if r.ID != id && !r.Managed {
			roles = append(roles, r)
		}
	}
	slices.SortFunc(roles, func(a, b discord.Role) int {
		return cmp.Or(cmp.Compare(b.Position, a.Position), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range roles {
		out.Roles = append(out.Roles, guild.NamedID{ID: r.ID, Name: r.Name})
	}
	return out, nil
}
