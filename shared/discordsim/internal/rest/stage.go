package rest

import (
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// moderatesStage are the permissions of a stage's moderators ("Stage Instance", "Definitions").
const moderatesStage = world.PermManageChannels | world.PermMuteMembers | world.PermMoveMembers

// stageOf finds a stage channel where the caller is a moderator, unless they only read, and what is going on there.
func (c *call) stageOf(id world.ID, need world.Permissions) (*world.Guild, *world.Channel, *world.Stage, error) {
	ch := c.Channels[id]
	switch {
	case ch == nil || ch.Guild == 0:
		return nil, nil, nil, form.UnknownChannel()
	case !c.CanSee(c.me().ID, ch):
		return nil, nil, nil, form.MissingAccess()
	case ch.Kind != world.ChannelStage:
		return nil, nil, nil, form.WrongChannelType()
	}
	g := c.Guilds[ch.Guild]
	if !c.PermsIn(g, g.Members[c.me().ID], ch).Has(need) {
		return nil, nil, nil, form.MissingPermissions()
	}
	return g, ch, g.Stages[id], nil
}

func unknownStage() error { return form.Fail(404, 10067, "Unknown Stage Instance") }

func createStage(c *call) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Required("channel_id")
	f.Required("topic")
	channel, topic := f.ID("channel_id"), strings.TrimSpace(f.Str("topic", 1, 120))
	privacy := 2
	if f.Given("privacy_level") {
		privacy = f.Choice("privacy_level", 2)
	}
	event := f.ID("guild_scheduled_event_id")
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	need := moderatesStage
	if f.Yes("send_start_notification") {
		need |= world.PermMentionEveryone
	}
	g, ch, there, err := c.stageOf(channel, need)
	if err != nil {
		return 0, nil, err
	}
	if there != nil {
		return 0, nil, form.Fail(400, 150006, "The Stage is already open")
	}
	if event != 0 && g.Events[event] == nil {
		return 0, nil, form.Fail(404, 10070, "Unknown Guild Scheduled Event")
	}
	st := &world.Stage{ID: c.NextID(), Guild: g.ID, Channel: ch.ID, Topic: topic, Privacy: privacy, Closed: true,
		Event: world.OptionalID(event)}
	if g.Stages == nil {
		g.Stages = map[world.ID]*world.Stage{}
	}
	g.Stages[ch.ID] = st
	c.StageEvent("STAGE_INSTANCE_CREATE", st)
	c.audit(g, auditStageCreate, st.ID, world.Change{Key: "topic", New: topic})
	return 200, st, nil
}

func getStage(c *call) (int, any, error) {
	_, _, st, err := c.stageOf(c.id("channel"), 0)
	if err == nil && st == nil {
		err = unknownStage()
	}
	return 200, st, err
}

func updateStage(c *call) (int, any, error) {
	g, _, st, err := c.stageOf(c.id("channel"), moderatesStage)
	if err == nil && st == nil {
		err = unknownStage()
	}
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	topic := st.Topic
	if f.Given("topic") {
		topic = strings.TrimSpace(f.Str("topic", 1, 120))
	}
	if f.Given("privacy_level") {
		f.Choice("privacy_level", 2)
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if topic != st.Topic {
		old := st.Topic
		st.Topic = topic
		c.StageEvent("STAGE_INSTANCE_UPDATE", st)
		c.audit(g, auditStageUpdate, st.ID, world.Change{Key: "topic", Old: old, New: topic})
	}
	return 200, st, nil
}

func deleteStage(c *call) (int, any, error) {
	g, ch, st, err := c.stageOf(c.id("channel"), moderatesStage)
	if err == nil && st == nil {
		err = unknownStage()
	}
	if err != nil {
		return 0, nil, err
	}
	c.EndStage(g, ch.ID)
	c.audit(g, auditStageDelete, st.ID, world.Change{Key: "topic", Old: st.Topic})
	return noContent()
}
