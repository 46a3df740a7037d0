package discordsim

import "time"

// JoinVoice connects a member to a voice channel, or moves them there, and returns when the event
// was dispatched. It returns an *APIError if the member may not connect or the channel is full.
func (c *Control) JoinVoice(guild, user, channel ID, flags VoiceFlags) (time.Time, error) {
	return act(c, func(s controlHeld) (time.Time, error) {
		return s.joinVoice(guild, user, channel, flags)
	})
}

// LeaveVoice disconnects a member. It returns 40032 if they aren't connected.
func (c *Control) LeaveVoice(guild, user ID) (time.Time, error) {
	return act(c, func(s controlHeld) (time.Time, error) {
		g := s.guilds[guild]
		if g == nil {
			return time.Time{}, errUnknownGuild()
		}
		m := g.members[user]
		if m == nil {
			return time.Time{}, errUnknownMember()
		}
		if g.voice[user] == nil {
			return time.Time{}, errNotInVoice()
		}
		return s.disconnect(g, m), nil
	})
}

// SetVoice changes a connected member's flags: mute, deaf, stream, video.
func (c *Control) SetVoice(guild, user ID, flags VoiceFlags) (time.Time, error) {
	return act(c, func(s controlHeld) (time.Time, error) {
		g := s.guilds[guild]
		if g == nil {
			return time.Time{}, errUnknownGuild()
		}
		v := g.voice[user]
		if v == nil {
			return time.Time{}, errNotInVoice()
		}
		return s.joinVoice(guild, user, v.channel, flags)
	})
}
