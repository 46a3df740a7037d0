package world

import (
	"time"

	"snug/shared/discordsim/internal/world/form"
)

// VoiceFlags are the parts of the voice state that members set themselves. Nil leaves a flag unchanged.
type VoiceFlags struct {
	SelfMute   *bool `json:"self_mute"`
	SelfDeaf   *bool `json:"self_deaf"`
	SelfStream *bool `json:"self_stream"`
	SelfVideo  *bool `json:"self_video"`
}

// JoinVoice connects a member to a voice channel if they may, or changes their flags there.
func (s *State) JoinVoice(guild, user, channel ID, flags VoiceFlags) (time.Time, error) {
	g := s.Guilds[guild]
	if g == nil || g.Unavailable {
		return time.Time{}, form.UnknownGuild()
	}
	m, c := g.Members[user], g.Channels[channel]
	switch {
	case m == nil:
		return time.Time{}, form.UnknownMember()
	case c == nil:
		return time.Time{}, form.UnknownChannel()
	case !c.Voice():
		return time.Time{}, form.WrongChannelType()
	}
	old := g.Voice[user]
	if old == nil || old.Channel != channel {
		if err := s.MayJoin(g, m, c); err != nil {
			return time.Time{}, err
		}
	}
	v := voiceState{}
	if old != nil {
		v = *old
	}
	if v.Channel != channel {
		v = s.Moved(g, m, v, c)
	}
	p := s.PermsIn(g, m, c)
	set(&v.selfMute, flags.SelfMute)
	set(&v.selfDeaf, flags.SelfDeaf)
	set(&v.SelfStream, flags.SelfStream)
	set(&v.SelfVideo, flags.SelfVideo)
	if (v.SelfStream || v.SelfVideo) && !p.Has(PermStream) {
		return time.Time{}, form.MissingPermissions()
	}
	if c.Kind != ChannelStage { // where moderators decide
		v.Suppress = !p.Has(PermSpeak)
	}
	return s.Connect(g, m, v), nil
}

// Moved returns a voice state as it is after coming into a channel. In a stage channel everybody begins in the audience
// ("Stage Instance", "Definitions").
func (s *State) Moved(g *Guild, m *Member, v voiceState, to *Channel) voiceState {
	v.Channel, v.SelfStream, v.SelfVideo, v.Speak = to.ID, false, false, time.Time{}
	v.Suppress = to.Kind == ChannelStage || !s.PermsIn(g, m, to).Has(PermSpeak)
	return v
}

func set(to *bool, from *bool) {
	if from != nil {
		*to = *from
	}
}

// MayJoin reports whether a member can connect to a channel now: by overwrites, and by the user
// limit unless they have Move Members.
func (s *State) MayJoin(g *Guild, m *Member, c *Channel) error {
	p := s.PermsIn(g, m, c)
	switch {
	case !p.Has(PermViewChannel):
		return form.MissingAccess()
	case !p.Has(PermConnect):
		return form.MissingPermissions()
	case c.UserLimit > 0 && g.inVoice(c.ID) >= c.UserLimit && !p.Has(PermMoveMembers):
		return form.Fail(403, 50013, "Missing Permissions: the voice channel is full")
	}
	return nil
}
