package rest

import (
	"slices"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// eventsMost is how many scheduled and active events a guild can have.
const eventsMost = 100

// event returns the scheduled event in the path, which the caller must see.
func (c *call) event() (*world.Guild, *world.ScheduledEvent, error) {
	g, _, err := c.guild()
	if err != nil {
		return nil, nil, err
	}
	e := g.Events[c.id("event")]
	if e == nil || !c.SeesEvent(c.me().ID, e) {
		return nil, nil, form.Fail(404, 10070, "Unknown Guild Scheduled Event")
	}
	return g, e, nil
}

// mayInEvent reports whether the caller has a permission for an event: in the guild, or with what it needs there in
// its channel.
func (c *call) mayInEvent(g *world.Guild, e *world.ScheduledEvent, need world.Permissions) bool {
	m := g.Members[c.me().ID]
	ch := g.Channels[e.Channel]
	if ch == nil {
		return c.BasePerms(g, m).Has(need)
	}
	p := c.PermsIn(g, m, ch)
	if e.Kind == world.EventInStage {
		need |= world.PermManageChannels | world.PermMuteMembers | world.PermMoveMembers
	}
	return p.Has(need | world.PermViewChannel | world.PermConnect)
}

// mayManageEvent: who created an event may change it with Create Events, others with Manage Events.
func (c *call) mayManageEvent(g *world.Guild, e *world.ScheduledEvent) error {
	if c.mayInEvent(g, e, world.PermManageEvents) ||
		e.Creator == c.me().ID && c.mayInEvent(g, e, world.PermCreateEvents) {
		return nil
	}
	return form.MissingPermissions()
}

func listEvents(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.ScheduledEventsFor(g, c.me().ID, c.queryYes("with_user_count")), nil
}

func getEvent(c *call) (int, any, error) {
	_, e, err := c.event()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.WireScheduledEvent(e, c.queryYes("with_user_count")), nil
}

func createEvent(c *call) (int, any, error) {
	g, _, err := c.guild()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	e := &world.ScheduledEvent{ID: c.NextID(), Guild: g.ID, Creator: c.me().ID, Status: world.EventScheduled}
	for _, name := range []string{"name", "privacy_level", "scheduled_start_time", "entity_type"} {
		f.Required(name)
	}
	c.readEvent(f, g, e)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if !c.mayInEvent(g, e, world.PermCreateEvents) {
		return 0, nil, form.MissingPermissions()
	}
	if len(c.ScheduledEventsFor(g, 0, false)) >= eventsMost {
		return 0, nil, form.Fail(400, 30038, "Maximum number of scheduled events reached (100)")
	}
	if g.Events == nil {
		g.Events = map[world.ID]*world.ScheduledEvent{}
	}
	g.Events[e.ID] = e
	c.EventOfGuild("GUILD_SCHEDULED_EVENT_CREATE", e)
	c.audit(g, auditEventCreate, e.ID, world.Change{Key: "name", New: e.Name})
	return 200, c.WireScheduledEvent(e, false), nil
}

// readEvent reads a request's event into e, and checks what its kind needs.
func (c *call) readEvent(f *form.Form, g *world.Guild, e *world.ScheduledEvent) {
	if f.Given("name") {
		e.Name = strings.TrimSpace(f.Str("name", 1, 100))
	}
	if f.Has("description") {
		e.Description = f.Str("description", 0, 1000)
	}
	if f.Given("privacy_level") {
		f.Choice("privacy_level", 2)
	}
	if f.Given("entity_type") {
		e.Kind = f.Choice("entity_type", world.EventInStage, world.EventInVoice, world.EventExternal)
	}
	if f.Has("channel_id") {
		e.Channel = f.ID("channel_id")
	}
	if m := f.Object("entity_metadata"); m != nil {
		e.Location = m.Str("location", 1, 100)
	}
	if f.Given("scheduled_start_time") {
		if e.Start = f.When("scheduled_start_time"); !e.Start.After(c.Now()) {
			f.Errs.At("scheduled_start_time").Add("GUILD_SCHEDULED_EVENT_SCHEDULE_PAST",
				"Cannot schedule event in the past.")
		}
	}
	if f.Has("scheduled_end_time") {
		e.End = f.When("scheduled_end_time")
	}
	if f.Given("recurrence_rule") {
		f.Errs.At("recurrence_rule").Add("SIMULATOR_HAS_NONE", "The simulated Discord has no recurring events.")
	}
	if !e.End.IsZero() && !e.End.After(e.Start) {
		f.Errs.At("scheduled_end_time").Add("GUILD_SCHEDULED_EVENT_END_BEFORE_START",
			"Cannot schedule event to end before it starts.")
	}
	checkPlace(f, g, e)
}

// checkPlace checks the fields that depend on the kind ("Field Requirements By Entity Type").
func checkPlace(f *form.Form, g *world.Guild, e *world.ScheduledEvent) {
	required := func(name string, there bool) {
		if !there {
			f.Errs.At(name).Add("BASE_TYPE_REQUIRED", "This field is required")
		}
	}
	switch ch := g.Channels[e.Channel]; {
	case e.Kind == world.EventExternal:
		required("scheduled_end_time", !e.End.IsZero())
		required("entity_metadata", e.Location != "")
		if e.Channel != 0 {
			f.Errs.At("channel_id").Add("CHANNEL_INVALID", "An external event has no channel.")
		}
	case e.Channel == 0:
		required("channel_id", false)
	case ch == nil || (ch.Kind == world.ChannelStage) != (e.Kind == world.EventInStage) || !ch.Voice():
		f.Errs.At("channel_id").Add("CHANNEL_INVALID", "Not a channel for this event.")
	default:
		e.Location = ""
	}
}

// nextStatus are the changes of status that are allowed ("Valid Guild Scheduled Event Status Transitions").
var nextStatus = map[int][]int{
	world.EventScheduled: {world.EventActive, world.EventCanceled}, world.EventActive: {world.EventCompleted},
}

func updateEvent(c *call) (int, any, error) {
	g, e, err := c.event()
	if err != nil {
		return 0, nil, err
	}
	if err := c.mayManageEvent(g, e); err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	if e.Over() {
		return 0, nil, form.Fail(400, 180000, "Cannot update a finished event")
	}
	draft := *e
	c.readEvent(f, g, &draft)
	if f.Given("status") {
		draft.Status = f.Choice("status", 1, 2, 3, 4)
		if draft.Status != e.Status && !slices.Contains(nextStatus[e.Status], draft.Status) {
			f.Errs.At("status").Add("TRANSITION_INVALID", "Invalid Guild Scheduled Event Status Transition")
		}
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if err := c.mayManageEvent(g, &draft); err != nil {
		return 0, nil, err
	}
	old := e.Name
	*e = draft
	c.EventOfGuild("GUILD_SCHEDULED_EVENT_UPDATE", e)
	c.audit(g, auditEventUpdate, e.ID, world.Change{Key: "name", Old: old, New: e.Name})
	return 200, c.WireScheduledEvent(e, false), nil
}

func deleteEvent(c *call) (int, any, error) {
	g, e, err := c.event()
	if err != nil {
		return 0, nil, err
	}
	if err := c.mayManageEvent(g, e); err != nil {
		return 0, nil, err
	}
	delete(g.Events, e.ID)
	c.EventOfGuild("GUILD_SCHEDULED_EVENT_DELETE", e)
	c.audit(g, auditEventDelete, e.ID, world.Change{Key: "name", Old: e.Name})
	return noContent()
}

func listInterested(c *call) (int, any, error) {
	g, e, err := c.event()
	if err != nil {
		return 0, nil, err
	}
	limit, before, after, err := c.page(100)
	if err != nil {
		return 0, nil, err
	}
	type entry struct {
		Event  world.ID          `json:"guild_scheduled_event_id"`
		UserID world.ID          `json:"user_id"`
		User   world.WireUser    `json:"user"`
		Member *world.WireMember `json:"member,omitempty"`
		// 1: interested, which is all that one can be ("response" is in the OpenAPI description alone)
		Response int `json:"response"`
	}
	list := []entry{}
	for _, id := range between(e.Interested, limit, before, after) {
		x := entry{Event: e.ID, UserID: id, User: c.Users[id].Wire(), Response: 1}
		if m := g.Members[id]; m != nil && c.queryYes("with_member") {
			w := m.Wire()
			x.Member = &w
		}
		list = append(list, x)
	}
	return 200, list, nil
}

// beInterested is what people do; bots can't be.
func beInterested(yes bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		_, e, err := c.event()
		if err != nil {
			return 0, nil, err
		}
		if e.Over() {
			return 0, nil, form.Fail(400, 180000, "Cannot update a finished event")
		}
		c.SetInterested(e, c.me().ID, yes)
		if !yes {
			return noContent()
		}
		return 200, map[string]any{"guild_scheduled_event_id": e.ID, "user_id": c.me().ID}, nil
	}
}
