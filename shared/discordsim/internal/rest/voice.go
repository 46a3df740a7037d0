package rest

import (
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

func getVoiceState(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	id := c.me().ID
	if c.r.PathValue("user") != "" {
		id = c.id("user")
	}
	v := g.Voice[id]
	if v == nil {
		return 0, nil, form.UnknownVoice()
	}
	return 200, g.WireVoice(g.Members[id], v, true), nil
}

// updateVoiceState only concerns stage channels: who is a speaker.
func updateVoiceState(c *call) (int, any, error) {
	g, bot, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	id := c.me().ID
	if c.r.PathValue("user") != "" {
		id = c.id("user")
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	v := g.Voice[id]
	if v == nil {
		return 0, nil, form.UnknownVoice()
	}
	ch := g.Channels[v.Channel]
	if f.Given("channel_id") && f.ID("channel_id") != v.Channel {
		return 0, nil, form.UnknownChannel()
	}
	if ch.Kind != world.ChannelStage {
		return 0, nil, form.WrongChannelType()
	}
	if f.Given("suppress") {
		suppress := f.Yes("suppress")
		if (id != c.me().ID || !suppress) && !c.PermsIn(g, bot, ch).Has(world.PermMuteMembers) {
			return 0, nil, form.MissingPermissions()
		}
		v.Suppress = suppress
	}
	if f.Has("request_to_speak_timestamp") {
		v.Speak = f.When("request_to_speak_timestamp")
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	c.VoiceEvent(g, g.Members[id])
	return noContent()
}

// putVoiceStatus sets a voice channel's status. It requires SET_VOICE_CHANNEL_STATUS, and also
// MANAGE_CHANNELS if the bot isn't connected to the channel.
func putVoiceStatus(c *call) (int, any, error) {
	g, bot, ch, err := c.channelWith(world.PermSetVoiceChannelStatus)
	if err != nil {
		return 0, nil, err
	}
	if ch.Kind != world.ChannelVoice {
		return 0, nil, form.WrongChannelType()
	}
	v := g.Voice[c.me().ID]
	if (v == nil || v.Channel != ch.ID) && !c.PermsIn(g, bot, ch).Has(world.PermManageChannels) {
		return 0, nil, form.MissingPermissions()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	status := f.Str("status", 0, 500)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if status != ch.Status {
		c.SetStatus(ch, status)
		action := auditStatusUpdate
		if status == "" {
			action = auditStatusDelete
		}
		c.audit(g, action, ch.ID, world.Change{Key: "status", Old: nil, New: status})
	}
	return noContent()
}
