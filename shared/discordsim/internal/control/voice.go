package control

import (
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// JoinVoice connects a member to a voice channel, or moves them there, and returns when the event
// was dispatched. It returns an *APIError if the member may not connect or the channel is full.
func (c *Control) JoinVoice(guild, user, channel world.ID, flags world.VoiceFlags) (time.Time, error) {
	return act(c, func(s held) (time.Time, error) {
		return s.JoinVoice(guild, user, channel, flags)
	})
}

// LeaveVoice disconnects a member. It returns 40032 if they aren't connected.
func (c *Control) LeaveVoice(guild, user world.ID) (time.Time, error) {
	return act(c, func(s held) (time.Time, error) {
		g := s.Guilds[guild]
		if g == nil {
			return time.Time{}, form.UnknownGuild()
		}
		m := g.Members[user]
		if m == nil {
			return time.Time{}, form.UnknownMember()
		}
		if g.Voice[user] == nil {
			return time.Time{}, form.NotInVoice()
		}
		return s.Disconnect(g, m), nil
	})
}

// SetVoice changes a connected member's flags: mute, deaf, stream, video.
func (c *Control) SetVoice(guild, user world.ID, flags world.VoiceFlags) (time.Time, error) {
	return act(c, func(s held) (time.Time, error) {
		g := s.Guilds[guild]
		if g == nil {
			return time.Time{}, form.UnknownGuild()
		}
		v := g.Voice[user]
		if v == nil {
			return time.Time{}, form.NotInVoice()
		}
		return s.JoinVoice(guild, user, v.Channel, flags)
	})
}
