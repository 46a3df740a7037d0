package discordsim

import (
	"slices"
	"time"
)

// inGuild runs f on a member in an Update.
func (c *Control) inGuild(guildID, user ID, f func(controlHeld, *guild, *member) error) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guildID]
		if g == nil {
			return errUnknownGuild()
		}
		m := g.members[user]
		if m == nil {
			return errUnknownMember()
		}
		return f(s, g, m)
	})
}

// SetScreening enables or disables a guild's membership screening. Members who join from then on are pending.
func (c *Control) SetScreening(guildID ID, on bool) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guildID]
		if g == nil {
			return errUnknownGuild()
		}
		g.screening = on
		s.guildEvent(g)
		return nil
	})
}

// SetVerification sets a guild's verification level, 0 to 4.
func (c *Control) SetVerification(guildID ID, level int) error {
	return c.do(func(s controlHeld) error {
		g := s.guilds[guildID]
		if g == nil {
			return errUnknownGuild()
		}
		g.verify = level
		s.guildEvent(g)
		return nil
	})
}

// SetVerified sets whether a user has a verified email address and phone; by default they do.
func (c *Control) SetVerified(user ID, verified bool) error {
	return c.do(func(s controlHeld) error {
		u := s.users[user]
		if u == nil {
			return errUnknownUser()
		}
		u.unverified = !verified
		return nil
	})
}

// SetPending sets whether a member still has to pass the guild's screening.
func (c *Control) SetPending(guildID, user ID, pending bool) error {
	return c.inGuild(guildID, user, func(s controlHeld, g *guild, m *member) error {
		m.pending = pending
		s.memberEvent(g, m)
		return nil
	})
}

// TimeOut times a member out until a time, as a moderator does; they are disconnected from voice. A
// past time ends the timeout.
func (c *Control) TimeOut(guildID, user ID, until time.Time) error {
	return c.inGuild(guildID, user, func(s controlHeld, g *guild, m *member) error {
		if until.After(s.now()) && s.basePerms(g, m).Has(PermAdministrator) {
			return errMissingPermissions()
		}
		m.timeout = until
		s.memberEvent(g, m)
		if until.After(s.now()) && g.voice[user] != nil {
			s.disconnect(g, m)
		}
		return nil
	})
}

// SetRoles replaces a member's roles.
func (c *Control) SetRoles(guildID, user ID, roles ...ID) error {
	return c.inGuild(guildID, user, func(s controlHeld, g *guild, m *member) error {
		for _, r := range roles {
			if g.roles[r] == nil || r == g.id {
				return errUnknownRole()
			}
		}
		m.roles = slices.Clone(roles)
		s.memberEvent(g, m)
		return nil
	})
}

// BanMember bans a member from a guild, as a moderator does.
func (c *Control) BanMember(guildID, user ID) error {
	return c.inGuild(guildID, user, func(s controlHeld, g *guild, _ *member) error {
		g.bans[user] = ""
		s.removeMember(g, user)
		return nil
	})
}

// SetOverwrites replaces a channel's overwrites, as a member with all permissions does.
func (c *Control) SetOverwrites(channel ID, list ...Overwrite) error {
	return c.overwrite(channel, func([]overwrite) []overwrite { return readyOverwrites(list) })
}

// SetOverwrite sets one overwrite of a channel, replacing that of the same role or member.
func (c *Control) SetOverwrite(channel ID, o Overwrite) error {
	return c.overwrite(channel, func(have []overwrite) []overwrite {
		have = slices.DeleteFunc(have, func(x overwrite) bool { return x.id == o.ID })
		return append(have, readyOverwrites([]Overwrite{o})...)
	})
}

func (c *Control) overwrite(channel ID, change func([]overwrite) []overwrite) error {
	return c.do(func(s controlHeld) error {
		c := s.channels[channel]
		if c == nil || c.guild == 0 {
			return errUnknownChannel()
		}
		was := c.overwrites
		c.overwrites = change(slices.Clone(was))
		s.channelEvent("CHANNEL_UPDATE", c)
		s.syncChildren(s.guilds[c.guild], c, was)
		return nil
	})
}

func readyOverwrites(list []Overwrite) []overwrite {
	var out []overwrite
	for _, o := range list {
		kind := overwriteRole
		if o.Member {
			kind = overwriteMember
		}
		out = append(out, overwrite{id: o.ID, kind: kind, allow: o.Allow, deny: o.Deny})
	}
	return out
}

// PermissionsIn returns a user's permissions in a channel: none if they aren't a member of its guild.
func (c *Control) PermissionsIn(user, channel ID) (Permissions, error) {
	return act(c, func(s controlHeld) (Permissions, error) {
		c := s.channels[channel]
		if c == nil || c.guild == 0 {
			return 0, errUnknownChannel()
		}
		g := s.guilds[c.guild]
		return s.permsIn(g, g.members[user], c), nil
	})
}

// MayJoin returns the error with which JoinVoice would fail.
func (c *Control) MayJoin(user, channel ID) error {
	return c.do(func(s controlHeld) error {
		c := s.channels[channel]
		if c == nil || c.guild == 0 {
			return errUnknownChannel()
		}
		g := s.guilds[c.guild]
		m := g.members[user]
		if m == nil {
			return errUnknownMember()
		}
		return s.mayJoin(g, m, c)
	})
}

// MoveMember moves a member on behalf of another, who needs Move Members in both channels and must
// be able to join the new one. The moved member doesn't have to be able to.
func (c *Control) MoveMember(guildID, by, user, channel ID) error {
	return c.inGuild(guildID, user, func(s controlHeld, g *guild, m *member) error {
		v, mover, to := g.voice[user], g.members[by], g.channels[channel]
		switch {
		case v == nil:
			return errNotInVoice()
		case to == nil || !to.voice():
			return errUnknownChannel()
		case mover == nil, !s.permsIn(g, mover, g.channels[v.channel]).Has(PermMoveMembers),
			!s.permsIn(g, mover, to).Has(PermConnect | PermMoveMembers):
			return errMissingPermissions()
		}
		next := *v
		next.channel, next.selfStream, next.selfVideo = channel, false, false
		next.suppress = !s.permsIn(g, m, to).Has(PermSpeak)
		s.connect(g, m, next)
		return nil
	})
}
