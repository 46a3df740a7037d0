package discordsim

func getVoiceState(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	id := c.app.id
	if c.r.PathValue("user") != "" {
		id = c.id("user")
	}
	v := g.voice[id]
	if v == nil {
		return 0, nil, errUnknownVoice()
	}
	return 200, g.wireVoice(g.members[id], v, true), nil
}

// updateVoiceState only concerns stage channels: who is a speaker.
func updateVoiceState(c *call) (int, any, error) {
	g, bot, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	id := c.app.id
	if c.r.PathValue("user") != "" {
		id = c.id("user")
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	v := g.voice[id]
	if v == nil {
		return 0, nil, errUnknownVoice()
	}
	ch := g.channels[v.channel]
	if f.given("channel_id") && f.id("channel_id") != v.channel {
		return 0, nil, errUnknownChannel()
	}
	if ch.kind != ChannelStage {
		return 0, nil, errWrongChannelType()
	}
	if f.given("suppress") {
		suppress := f.yes("suppress")
		if (id != c.app.id || !suppress) && !c.permsIn(g, bot, ch).Has(PermMuteMembers) {
			return 0, nil, errMissingPermissions()
		}
		v.suppress = suppress
	}
	if f.has("request_to_speak_timestamp") {
		v.speak = f.when("request_to_speak_timestamp")
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	c.voiceEvent(g, g.members[id])
	return noContent()
}

// putVoiceStatus sets a voice channel's status. It requires SET_VOICE_CHANNEL_STATUS, and also
// MANAGE_CHANNELS if the bot isn't connected to the channel.
func putVoiceStatus(c *call) (int, any, error) {
	g, bot, ch, err := c.channelWith(PermSetVoiceChannelStatus)
	if err != nil {
		return 0, nil, err
	}
	if ch.kind != ChannelVoice {
		return 0, nil, errWrongChannelType()
	}
	v := g.voice[c.app.id]
	if (v == nil || v.channel != ch.id) && !c.permsIn(g, bot, ch).Has(PermManageChannels) {
		return 0, nil, errMissingPermissions()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	status := f.str("status", 0, 500)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if status != ch.status {
		c.setStatus(ch, status)
		action := auditStatusUpdate
		if status == "" {
			action = auditStatusDelete
		}
		c.audit(g, action, ch.id, change{"status", nil, status})
	}
	return noContent()
}
