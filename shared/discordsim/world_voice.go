package discordsim

import "time"

// VoiceFlags are the parts of the voice state that members set themselves. Nil leaves a flag unchanged.
type VoiceFlags struct {
	SelfMute   *bool `json:"self_mute"`
	SelfDeaf   *bool `json:"self_deaf"`
	SelfStream *bool `json:"self_stream"`
	SelfVideo  *bool `json:"self_video"`
}

// joinVoice connects a member to a voice channel if they may, or changes their flags there.
func (s *state) joinVoice(guild, user, channel ID, flags VoiceFlags) (time.Time, error) {
	g := s.guilds[guild]
	if g == nil || g.unavailable {
		return time.Time{}, errUnknownGuild()
	}
	m, c := g.members[user], g.channels[channel]
	switch {
	case m == nil:
		return time.Time{}, errUnknownMember()
	case c == nil:
		return time.Time{}, errUnknownChannel()
	case !c.voice():
		return time.Time{}, errWrongChannelType()
	}
	old := g.voice[user]
	if old == nil || old.channel != channel {
		if err := s.mayJoin(g, m, c); err != nil {
			return time.Time{}, err
		}
	}
	v := voiceState{channel: channel}
	if old != nil {
		v = *old
		v.channel = channel
		if old.channel != channel {
			v.selfStream, v.selfVideo = false, false
		}
	}
	p := s.permsIn(g, m, c)
	set(&v.selfMute, flags.SelfMute)
	set(&v.selfDeaf, flags.SelfDeaf)
	set(&v.selfStream, flags.SelfStream)
	set(&v.selfVideo, flags.SelfVideo)
	if (v.selfStream || v.selfVideo) && !p.Has(PermStream) {
		return time.Time{}, errMissingPermissions()
	}
	v.suppress = !p.Has(PermSpeak)
	return s.connect(g, m, v), nil
}

func set(to *bool, from *bool) {
	if from != nil {
		*to = *from
	}
}

// mayJoin reports whether a member can connect to a channel now: by overwrites, and by the user
// limit unless they have Move Members.
func (s *state) mayJoin(g *guild, m *member, c *channel) error {
	p := s.permsIn(g, m, c)
	switch {
	case !p.Has(PermViewChannel):
		return errMissingAccess()
	case !p.Has(PermConnect):
		return errMissingPermissions()
	case c.userLimit > 0 && g.inVoice(c.id) >= c.userLimit && !p.Has(PermMoveMembers):
		return fail(403, 50013, "Missing Permissions: the voice channel is full")
	}
	return nil
}
