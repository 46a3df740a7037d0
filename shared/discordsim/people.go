package discordsim

import "time"

// SetScreening enables or disables a guild's membership screening. Members who join from then on are pending.
func (s *Server) SetScreening(guildID ID, on bool) error { return s.control.SetScreening(guildID, on) }

// SetVerification sets a guild's verification level, 0 to 4.
func (s *Server) SetVerification(guildID ID, level int) error {
	return s.control.SetVerification(guildID, level)
}

// SetBoosts sets how many boosts a guild has: from 2, 7 and 14 on, its tier is 1, 2 and 3.
func (s *Server) SetBoosts(guildID ID, boosts int) error { return s.control.SetBoosts(guildID, boosts) }

// SetVerified sets whether a user has a verified email address and phone; by default they do.
func (s *Server) SetVerified(user ID, verified bool) error {
	return s.control.SetVerified(user, verified)
}

// SetPending sets whether a member still has to pass the guild's screening.
func (s *Server) SetPending(guildID, user ID, pending bool) error {
	return s.control.SetPending(guildID, user, pending)
}

// TimeOut times a member out until a time, as a moderator does; they are disconnected from voice. A
// past time ends the timeout.
func (s *Server) TimeOut(guildID, user ID, until time.Time) error {
	return s.control.TimeOut(guildID, user, until)
}

// SetRoles replaces a member's roles.
func (s *Server) SetRoles(guildID, user ID, roles ...ID) error {
	return s.control.SetRoles(guildID, user, roles...)
}

// BanMember bans a member from a guild, as a moderator does.
func (s *Server) BanMember(guildID, user ID) error { return s.control.BanMember(guildID, user) }

// SetOverwrites replaces a channel's overwrites, as a member with all permissions does.
func (s *Server) SetOverwrites(channel ID, list ...Overwrite) error {
	return s.control.SetOverwrites(channel, list...)
}

// SetOverwrite sets one overwrite of a channel, replacing that of the same role or member.
func (s *Server) SetOverwrite(channel ID, o Overwrite) error {
	return s.control.SetOverwrite(channel, o)
}

// PermissionsIn returns a user's permissions in a channel: none if they aren't a member of its guild.
func (s *Server) PermissionsIn(user, channel ID) (Permissions, error) {
	return s.control.PermissionsIn(user, channel)
}

// MayJoin returns the error with which JoinVoice would fail.
func (s *Server) MayJoin(user, channel ID) error { return s.control.MayJoin(user, channel) }

// MoveMember moves a member on behalf of another, who needs Move Members in both channels and must
// be able to join the new one. The moved member doesn't have to be able to.
func (s *Server) MoveMember(guildID, by, user, channel ID) error {
	return s.control.MoveMember(guildID, by, user, channel)
}

// JoinVoice connects a member to a voice channel, or moves them there, and returns when the event
// was dispatched. It returns an *APIError if the member may not connect or the channel is full.
func (s *Server) JoinVoice(guild, user, channel ID, flags VoiceFlags) (time.Time, error) {
	return s.control.JoinVoice(guild, user, channel, flags)
}

// LeaveVoice disconnects a member. It returns 40032 if they aren't connected.
func (s *Server) LeaveVoice(guild, user ID) (time.Time, error) {
	return s.control.LeaveVoice(guild, user)
}

// SetVoice changes a connected member's flags: mute, deaf, stream, video.
func (s *Server) SetVoice(guild, user ID, flags VoiceFlags) (time.Time, error) {
	return s.control.SetVoice(guild, user, flags)
}
