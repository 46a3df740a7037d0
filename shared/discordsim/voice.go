package discordsim

import (
	"encoding/json"
	"time"
)

// VoiceFlags are the parts of the voice state that members set themselves. Nil leaves a flag unchanged.
type VoiceFlags struct {
	SelfMute   *bool `json:"self_mute"`
	SelfDeaf   *bool `json:"self_deaf"`
	SelfStream *bool `json:"self_stream"`
	SelfVideo  *bool `json:"self_video"`
}

// JoinVoice connects a member to a voice channel, or moves them there, and returns when the event
// was dispatched. It returns an *APIError if the member may not connect or the channel is full.
func (s *Server) JoinVoice(guild, user, channel ID, flags VoiceFlags) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joinVoice(guild, user, channel, flags)
}

// LeaveVoice disconnects a member. It returns 40032 if they aren't connected.
func (s *Server) LeaveVoice(guild, user ID) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
}

// SetVoice changes a connected member's flags: mute, deaf, stream, video.
func (s *Server) SetVoice(guild, user ID, flags VoiceFlags) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[guild]
	if g == nil {
		return time.Time{}, errUnknownGuild()
	}
	v := g.voice[user]
	if v == nil {
		return time.Time{}, errNotInVoice()
	}
	return s.joinVoice(guild, user, v.channel, flags)
}

func (s *Server) joinVoice(guild, user, channel ID, flags VoiceFlags) (time.Time, error) {
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
func (s *Server) mayJoin(g *guild, m *member, c *channel) error {
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

// gatewayVoice is opcode 4: a bot joins, moves or leaves. Discord ignores it if the bot may not.
func (s *Server) gatewayVoice(sess *session, d json.RawMessage, host string) int {
	var v struct {
		Guild    flexID  `json:"guild_id"` // some libraries send ids as numbers
		Channel  *flexID `json:"channel_id"`
		SelfMute flag    `json:"self_mute"`
		SelfDeaf flag    `json:"self_deaf"`
	}
	if json.Unmarshal(d, &v) != nil {
		return closeDecode
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guilds[ID(v.Guild)]
	if g == nil || g.members[sess.app.id] == nil {
		return 0
	}
	m := g.members[sess.app.id]
	if v.Channel == nil || *v.Channel == 0 {
		s.disconnect(g, m)
		return 0
	}
	if _, err := s.joinVoice(g.id, sess.app.id, ID(*v.Channel),
		VoiceFlags{SelfMute: (*bool)(&v.SelfMute), SelfDeaf: (*bool)(&v.SelfDeaf)}); err != nil {
		return 0
	}
	s.dispatch(event{name: "VOICE_SERVER_UPDATE", guild: g, app: sess.app, user: sess.app.id, data: struct {
		Token string `json:"token"`
		guildRef
		Endpoint string `json:"endpoint"`
	}{s.secret(8), guildRef{g.id}, host}})
	return 0
}
