package bot

import (
	"cmp"
	"context"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// places lists what settings can point at: the channels as Discord tells them now, the roles as it told them last.
func (b *Bot) places(
	ctx context.Context, id snowflake.ID, q guild.ManageRequest,
) (out guild.ChannelsAndRoles, err error) {
	who, err := b.keeper.Standing(ctx, id, room.StandingRequest{UserID: q.Actor.UserID})
	if err != nil {
		return out, err
	}
	if err := who.CheckManager(); err != nil {
		return out, err
	}
	channels, err := b.client.Rest.GetGuildChannels(id, rest.WithCtx(ctx))
	if err != nil {
		return out,
			errs.E(errs.DiscordUnavailable,
				"Discord did not tell which channels there are. Please try again in a moment.").Because(err)
	}
	slices.SortStableFunc(channels, func(a, b discord.GuildChannel) int {
		return cmp.Or(cmp.Compare(a.Position(), b.Position()), cmp.Compare(a.ID(), b.ID()))
	})
	rooms := b.keeper.Snapshot(id).Rooms
	for _, c := range channels {
		if slices.ContainsFunc(rooms, func(r room.Room) bool { return r.ID == c.ID() }) {
			continue // no place for settings, and a private one's name is not for every manager
		}
		p := guild.Place{ID: c.ID(), Name: c.Name()}
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
	for r := range b.client.Caches.Roles(id) {
		if r.ID != id && !r.Managed {
			roles = append(roles, r)
		}
	}
	slices.SortFunc(roles, func(a, b discord.Role) int {
		return cmp.Or(cmp.Compare(b.Position, a.Position), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range roles {
		out.Roles = append(out.Roles, guild.Place{ID: r.ID, Name: r.Name})
	}
	return out, nil
}
