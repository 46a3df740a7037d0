package discordapi

import (
	"context"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// roles returns a guild's roles from the cache, or else from Discord.
func (d *Discord) roles(ctx context.Context, guild snowflake.ID) (map[snowflake.ID]discord.Role, error) {
	out := map[snowflake.ID]discord.Role{}
	for r := range d.client.Caches.Roles(guild) {
		out[r.ID] = r
	}
	if _, whole := out[guild]; whole {
		return out, nil
	}
	list, err := d.client.Rest.GetRoles(guild, rest.WithCtx(ctx))
	if err != nil {
		return nil, coded(err, "look at the server's roles", "View Channels")
	}
	for _, r := range list {
		out[r.ID] = r
	}
	return out, nil
}

// own returns the bot's permissions in a guild, without any channel's overwrites.
func (d *Discord) own(
	ctx context.Context, guild snowflake.ID, roles map[snowflake.ID]discord.Role,
) (discord.Permissions, error) {
	m, ok := d.client.Caches.SelfMember(guild)
	if !ok {
		member, err := d.client.Rest.GetMember(guild, d.client.ApplicationID, rest.WithCtx(ctx))
		if err != nil {
			return 0, coded(err, "look up its own roles", "View Channels")
		}
		m = *member
		m.GuildID = guild
		d.client.Caches.AddMember(m) // the gateway keeps it up to date from now on
	}
	return permissions(m, roles, guild), nil
}

// permissions returns a member's permissions in a guild, without any channel's overwrites.
// https://discord.com/developers/docs/topics/permissions#permission-overwrites
func permissions(m discord.Member, roles map[snowflake.ID]discord.Role, guild snowflake.ID) discord.Permissions {
	p := roles[guild].Permissions
	for _, id := range m.RoleIDs {
		p |= roles[id].Permissions
	}
	if p.Has(discord.PermissionAdministrator) {
		return discord.PermissionsAll | p
	}
	return p
}

// permissionsIn applies a channel's overwrites to base permissions.
func permissionsIn(
	base discord.Permissions, list []discord.PermissionOverwrite, guild, user snowflake.ID, has []snowflake.ID,
) discord.Permissions {
	if base.Has(discord.PermissionAdministrator) {
		return base
	}
	var allow, deny discord.Permissions
	own := discord.MemberPermissionOverwrite{}
	for _, o := range list {
		switch o := o.(type) {
		case discord.RolePermissionOverwrite:
			switch {
			case o.RoleID == guild:
				base = base&^o.Deny | o.Allow
			case slices.Contains(has, o.RoleID):
				allow, deny = allow|o.Allow, deny|o.Deny
			}
		case discord.MemberPermissionOverwrite:
			if o.UserID == user {
				own = o
			}
		}
	}
	p := base&^deny | allow
	p = p&^own.Deny | own.Allow
	if !p.Has(discord.PermissionViewChannel) {
		return 0
	}
	return p
}

// isBot reports whether a member is a bot. If Discord can't be asked, the member counts as a
// person, to protect privacy.
func (d *Discord) isBot(ctx context.Context, guild, user snowflake.ID) bool {
	d.mu.Lock()
	bot, known := d.bots[user]
	d.mu.Unlock()
	if known {
		return bot
	}
	m, err := d.client.Rest.GetMember(guild, user, rest.WithCtx(ctx))
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.bots) > 10_000 {
		clear(d.bots)
	}
	d.bots[user] = m.User.Bot
	return m.User.Bot
}
