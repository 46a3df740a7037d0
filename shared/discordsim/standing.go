package discordsim

import (
	"slices"
	"time"
)

// flagBypassesVerification exempts a member from verification ("Guild Member Flags").
const flagBypassesVerification = 1 << 2

// How long a new member has to wait, by verification level ("Verification Level").
const (
	registeredFor = 5 * time.Minute
	memberFor     = 10 * time.Minute
)

// restricted reports whether a member can only see and read: they are timed out ("Permissions For
// Timed Out Members"), have not passed the guild's screening ("Membership Screening Object":
// restricted from doing any actions), or do not meet its verification level. The caller knows that
// they aren't an administrator.
func (s *Server) restricted(g *guild, m *member) bool {
	return m.timeout.After(s.now()) || !m.user.bot && (m.pending || s.unverified(g, m))
}

// unverified reports whether a member doesn't meet the guild's verification level. A member with a
// role always does, according to Discord's help pages.
func (s *Server) unverified(g *guild, m *member) bool {
	if g.verify == 0 || len(m.roles) > 0 || m.flags&flagBypassesVerification != 0 {
		return false
	}
	now := s.now()
	return m.user.unverified || g.verify >= 2 && now.Sub(m.user.id.Time()) < registeredFor ||
		g.verify >= 3 && now.Sub(m.joinedAt) < memberFor
}

// inGuild runs f on a member while holding the lock.
func (s *Server) inGuild(guildID, user ID, f func(*guild, *member) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guildID]
	if g == nil {
		return errUnknownGuild()
	}
	m := g.members[user]
	if m == nil {
		return errUnknownMember()
	}
	return f(g, m)
}

// SetScreening enables or disables a guild's membership screening. Members who join from then on are pending.
func (s *Server) SetScreening(guildID ID, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guildID]
	if g == nil {
		return errUnknownGuild()
	}
	g.screening = on
	s.guildEvent(g)
	return nil
}

// SetVerification sets a guild's verification level, 0 to 4.
func (s *Server) SetVerification(guildID ID, level int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guildID]
	if g == nil {
		return errUnknownGuild()
	}
	g.verify = level
	s.guildEvent(g)
	return nil
}

// SetVerified sets whether a user has a verified email address and phone; by default they do.
func (s *Server) SetVerified(user ID, verified bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[user]
	if u == nil {
		return errUnknownUser()
	}
	u.unverified = !verified
	return nil
}

// SetPending sets whether a member still has to pass the guild's screening.
func (s *Server) SetPending(guildID, user ID, pending bool) error {
	return s.inGuild(guildID, user, func(g *guild, m *member) error {
		m.pending = pending
		s.memberEvent(g, m)
		return nil
	})
}

// TimeOut times a member out until a time, as a moderator does; they are disconnected from voice. A
// past time ends the timeout.
func (s *Server) TimeOut(guildID, user ID, until time.Time) error {
	return s.inGuild(guildID, user, func(g *guild, m *member) error {
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
func (s *Server) SetRoles(guildID, user ID, roles ...ID) error {
	return s.inGuild(guildID, user, func(g *guild, m *member) error {
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
func (s *Server) BanMember(guildID, user ID) error {
	return s.inGuild(guildID, user, func(g *guild, _ *member) error {
		g.bans[user] = ""
		s.removeMember(g, user)
		return nil
	})
}

// SetOverwrites replaces a channel's overwrites, as a member with all permissions does.
func (s *Server) SetOverwrites(channel ID, list ...Overwrite) error {
	return s.overwrite(channel, func([]overwrite) []overwrite { return readyOverwrites(list) })
}

// SetOverwrite sets one overwrite of a channel, replacing that of the same role or member.
func (s *Server) SetOverwrite(channel ID, o Overwrite) error {
	return s.overwrite(channel, func(have []overwrite) []overwrite {
		have = slices.DeleteFunc(have, func(x overwrite) bool { return x.id == o.ID })
		return append(have, readyOverwrites([]Overwrite{o})...)
	})
}

func (s *Server) overwrite(channel ID, change func([]overwrite) []overwrite) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil || c.guild == 0 {
		return errUnknownChannel()
	}
	was := c.overwrites
	c.overwrites = change(slices.Clone(was))
	s.channelEvent("CHANNEL_UPDATE", c)
	s.syncChildren(s.guilds[c.guild], c, was)
	return nil
}

// syncChildren copies a category's new overwrites to the channels in it that had the same ones
// before ("Permission Syncing").
func (s *Server) syncChildren(g *guild, category *channel, was []overwrite) {
	if category.kind != ChannelCategory || sameOverwrites(category.overwrites, was) {
		return
	}
	for _, c := range g.sortedChannels() {
		if c.parent == category.id && sameOverwrites(c.overwrites, was) {
			c.overwrites = slices.Clone(category.overwrites)
			s.channelEvent("CHANNEL_UPDATE", c)
		}
	}
}

func sameOverwrites(a, b []overwrite) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(o overwrite) bool { return !slices.Contains(b, o) })
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
func (s *Server) PermissionsIn(user, channel ID) (Permissions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil || c.guild == 0 {
		return 0, errUnknownChannel()
	}
	g := s.guilds[c.guild]
	return s.permsIn(g, g.members[user], c), nil
}

// MayJoin returns the error with which JoinVoice would fail.
func (s *Server) MayJoin(user, channel ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
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
}

// MoveMember moves a member on behalf of another, who needs Move Members in both channels and must
// be able to join the new one. The moved member doesn't have to be able to.
func (s *Server) MoveMember(guildID, by, user, channel ID) error {
	return s.inGuild(guildID, user, func(g *guild, m *member) error {
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
