package control

import (
	"slices"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// inGuild runs f on a member in an Update.
func (c *Control) inGuild(guildID, user world.ID, f func(held, *world.Guild, *world.Member) error) error {
	return c.do(func(s held) error {
		g := s.Guilds[guildID]
		if g == nil {
			return form.UnknownGuild()
		}
		m := g.Members[user]
		if m == nil {
			return form.UnknownMember()
		}
		return f(s, g, m)
	})
}

// SetScreening enables or disables a guild's membership screening. Members who join from then on are pending.
func (c *Control) SetScreening(guildID world.ID, on bool) error {
	return c.do(func(s held) error {
		g := s.Guilds[guildID]
		if g == nil {
			return form.UnknownGuild()
		}
		g.Screening = on
		s.GuildEvent(g)
		return nil
	})
}

// SetVerification sets a guild's verification level, 0 to 4.
func (c *Control) SetVerification(guildID world.ID, level int) error {
	return c.do(func(s held) error {
		g := s.Guilds[guildID]
		if g == nil {
			return form.UnknownGuild()
		}
		g.Verify = level
		s.GuildEvent(g)
		return nil
	})
}

// SetBoosts sets how many boosts a guild has: from 2, 7 and 14 on, its tier is 1, 2 and 3.
func (c *Control) SetBoosts(guildID world.ID, boosts int) error {
	return c.do(func(s held) error {
		g := s.Guilds[guildID]
		if g == nil {
			return form.UnknownGuild()
		}
		g.Boosts = boosts
		s.GuildEvent(g)
		return nil
	})
}

// SetVerified sets whether a user has a verified email address and phone; by default they do.
func (c *Control) SetVerified(user world.ID, verified bool) error {
	return c.do(func(s held) error {
		u := s.Users[user]
		if u == nil {
			return form.UnknownUser()
		}
		u.Unverified = !verified
		return nil
	})
}

// SetPending sets whether a member still has to pass the guild's screening.
func (c *Control) SetPending(guildID, user world.ID, pending bool) error {
	return c.inGuild(guildID, user, func(s held, g *world.Guild, m *world.Member) error {
		m.Pending = pending
		s.MemberEvent(g, m)
		return nil
	})
}

// TimeOut times a member out until a time, as a moderator does; they are disconnected from voice. A
// past time ends the timeout.
func (c *Control) TimeOut(guildID, user world.ID, until time.Time) error {
	return c.inGuild(guildID, user, func(s held, g *world.Guild, m *world.Member) error {
		if until.After(s.Now()) && s.BasePerms(g, m).Has(world.PermAdministrator) {
			return form.MissingPermissions()
		}
		s.TimeOut(g, m, until)
		return nil
	})
}

// SetRoles replaces a member's roles.
func (c *Control) SetRoles(guildID, user world.ID, roles ...world.ID) error {
	return c.inGuild(guildID, user, func(s held, g *world.Guild, m *world.Member) error {
		for _, r := range roles {
			if g.Roles[r] == nil || r == g.ID {
				return form.UnknownRole()
			}
		}
		m.Roles = slices.Clone(roles)
		s.MemberEvent(g, m)
		return nil
	})
}

// BanMember bans a member from a guild, as a moderator does.
func (c *Control) BanMember(guildID, user world.ID) error {
	return c.inGuild(guildID, user, func(s held, g *world.Guild, m *world.Member) error {
		s.Ban(g, m.User, "")
		return nil
	})
}

// SetOverwrites replaces a channel's overwrites, as a member with all permissions does.
func (c *Control) SetOverwrites(channel world.ID, list ...Overwrite) error {
	return c.overwrite(channel, func([]world.Overwrite) []world.Overwrite { return readyOverwrites(list) })
}

// SetOverwrite sets one overwrite of a channel, replacing that of the same role or member.
func (c *Control) SetOverwrite(channel world.ID, o Overwrite) error {
	return c.overwrite(channel, func(have []world.Overwrite) []world.Overwrite {
		have = slices.DeleteFunc(have, func(x world.Overwrite) bool { return x.ID == o.ID })
		return append(have, readyOverwrites([]Overwrite{o})...)
	})
}

func (c *Control) overwrite(channel world.ID, change func([]world.Overwrite) []world.Overwrite) error {
	return c.do(func(s held) error {
		c := s.Channels[channel]
		if c == nil || c.Guild == 0 {
			return form.UnknownChannel()
		}
		was := c.Overwrites
		c.Overwrites = change(slices.Clone(was))
		s.ChannelEvent("CHANNEL_UPDATE", c)
		s.SyncChildren(s.Guilds[c.Guild], c, was)
		return nil
	})
}

func readyOverwrites(list []Overwrite) []world.Overwrite {
	var out []world.Overwrite
	for _, o := range list {
		kind := world.OverwriteRole
		if o.Member {
			kind = world.OverwriteMember
		}
		out = append(out, world.Overwrite{ID: o.ID, Kind: kind, Allow: o.Allow, Deny: o.Deny})
	}
	return out
}

// PermissionsIn returns a user's permissions in a channel: none if they aren't a member of its guild.
func (c *Control) PermissionsIn(user, channel world.ID) (world.Permissions, error) {
	return act(c, func(s held) (world.Permissions, error) {
		c := s.Channels[channel]
		if c == nil || c.Guild == 0 {
			return 0, form.UnknownChannel()
		}
		g := s.Guilds[c.Guild]
		return s.PermsIn(g, g.Members[user], c), nil
	})
}

// MayJoin returns the error with which JoinVoice would fail.
func (c *Control) MayJoin(user, channel world.ID) error {
	return c.do(func(s held) error {
		c := s.Channels[channel]
		if c == nil || c.Guild == 0 {
			return form.UnknownChannel()
		}
		g := s.Guilds[c.Guild]
		m := g.Members[user]
		if m == nil {
			return form.UnknownMember()
		}
		return s.MayJoin(g, m, c)
	})
}

// MoveMember moves a member on behalf of another, who needs Move Members in both channels and must
// be able to join the new one. The moved member doesn't have to be able to.
func (c *Control) MoveMember(guildID, by, user, channel world.ID) error {
	return c.inGuild(guildID, user, func(s held, g *world.Guild, m *world.Member) error {
		v, mover, to := g.Voice[user], g.Members[by], g.Channels[channel]
		switch {
		case v == nil:
			return form.NotInVoice()
		case to == nil || !to.Voice():
			return form.UnknownChannel()
		case mover == nil, !s.PermsIn(g, mover, g.Channels[v.Channel]).Has(world.PermMoveMembers),
			!s.PermsIn(g, mover, to).Has(world.PermConnect | world.PermMoveMembers):
			return form.MissingPermissions()
		}
		s.Connect(g, m, s.Moved(g, m, *v, to))
		return nil
	})
}
