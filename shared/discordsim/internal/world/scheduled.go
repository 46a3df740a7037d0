package world

import (
	"slices"
	"time"
)

// The rules in this file are in Discord's documents "Guild Scheduled Event" and "Stage Instance".

// What a scheduled event is, with Discord's numbers.
const (
	EventInStage  = 1
	EventInVoice  = 2
	EventExternal = 3
)

// How far a scheduled event is, with Discord's numbers.
const (
	EventScheduled = 1
	EventActive    = 2
	EventCompleted = 3
	EventCanceled  = 4
)

// ScheduledEvent is something that a guild announces.
type ScheduledEvent struct {
	ID          ID        `json:"id"`
	Guild       ID        `json:"guild_id"`
	Channel     ID        `json:"channel_id"` // 0: it's elsewhere
	Creator     ID        `json:"creator_id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Start       time.Time `json:"scheduled_start_time"`
	End         time.Time `json:"scheduled_end_time,omitzero"`
	Status      int       `json:"status"`
	Kind        int       `json:"entity_type"`
	Location    string    `json:"location"`
	Interested  []ID      `json:"interested"`
}

// Over reports whether the event can't change any more.
func (e *ScheduledEvent) Over() bool { return e.Status == EventCompleted || e.Status == EventCanceled }

// WireScheduledEvent is a scheduled event.
type WireScheduledEvent struct {
	ID          ID                `json:"id"`
	Guild       ID                `json:"guild_id"`
	Channel     *ID               `json:"channel_id"`
	CreatorID   *ID               `json:"creator_id"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	Image       *string           `json:"image"`
	Start       Stamp             `json:"scheduled_start_time"`
	End         *Stamp            `json:"scheduled_end_time"`
	Privacy     int               `json:"privacy_level"`
	Status      int               `json:"status"`
	Kind        int               `json:"entity_type"`
	EntityID    *ID               `json:"entity_id"`
	Metadata    map[string]string `json:"entity_metadata"`
	Recurrence  any               `json:"recurrence_rule"`
	Exceptions  []struct{}        `json:"guild_scheduled_event_exceptions"`
	Creator     *WireUser         `json:"creator,omitempty"`
	Users       *int              `json:"user_count,omitempty"`
}

// WireScheduledEvent returns a scheduled event; count adds how many are interested.
func (s *State) WireScheduledEvent(e *ScheduledEvent, count bool) WireScheduledEvent {
	w := WireScheduledEvent{ID: e.ID, Guild: e.Guild, Channel: OptionalID(e.Channel), CreatorID: OptionalID(e.Creator),
		Name: e.Name, Description: Optional(e.Description), Start: Stamp(e.Start), End: OptionalTime(e.End), Privacy: 2,
		Status: e.Status, Kind: e.Kind, Exceptions: []struct{}{}}
	if e.Kind == EventExternal {
		w.Metadata = map[string]string{"location": e.Location}
	}
	if u := s.Users[e.Creator]; u != nil {
		wu := u.Wire()
		w.Creator = &wu
	}
	if count {
		n := len(e.Interested)
		w.Users = &n
	}
	return w
}

// SeesEvent reports whether somebody sees a scheduled event: that of a channel only with it.
func (s *State) SeesEvent(user ID, e *ScheduledEvent) bool {
	if e.Channel == 0 {
		return s.Member(e.Guild, user) != nil
	}
	c := s.Channels[e.Channel]
	return c != nil && s.CanSee(user, c)
}

// ScheduledEventsFor lists the events that somebody sees and that aren't over; 0: everything.
func (s *State) ScheduledEventsFor(g *Guild, user ID, count bool) []WireScheduledEvent {
	list := []WireScheduledEvent{}
	for _, id := range SortedIDs(g.Events) {
		if e := g.Events[id]; !e.Over() && (user == 0 || s.SeesEvent(user, e)) {
			list = append(list, s.WireScheduledEvent(e, count))
		}
	}
	return list
}

// EventOfGuild dispatches a change of a scheduled event.
func (s *State) EventOfGuild(name string, e *ScheduledEvent) {
	g := s.Guilds[e.Guild]
	s.Dispatch(Event{Name: name, Intent: IntentScheduledEvents, Guild: g, Per: func(to Receiver) any {
		if !s.SeesEvent(to.App.ID, e) {
			return nil
		}
		return s.WireScheduledEvent(e, false)
	}})
	s.Watcher.GuildChanged(g.ID)
}

// SetInterested makes a user interested in a scheduled event, or no longer.
func (s *State) SetInterested(e *ScheduledEvent, user ID, yes bool) {
	if slices.Contains(e.Interested, user) == yes {
		return
	}
	name := "GUILD_SCHEDULED_EVENT_USER_ADD"
	if yes {
		e.Interested = append(e.Interested, user)
		slices.SortFunc(e.Interested, CompareIDs)
	} else {
		name = "GUILD_SCHEDULED_EVENT_USER_REMOVE"
		e.Interested = slices.DeleteFunc(slices.Clone(e.Interested), func(id ID) bool { return id == user })
	}
	type changed struct {
		Event ID `json:"guild_scheduled_event_id"`
		User  ID `json:"user_id"`
		GuildRef
	}
	g := s.Guilds[e.Guild]
	s.Dispatch(Event{Name: name, Intent: IntentScheduledEvents, Guild: g, User: user, Per: func(to Receiver) any {
		if !s.SeesEvent(to.App.ID, e) {
			return nil
		}
		return changed{e.ID, user, GuildRef{g.ID}}
	}})
	s.Watcher.GuildChanged(g.ID)
}

// Stage is what is going on in a stage channel.
type Stage struct {
	ID      ID     `json:"id"`
	Guild   ID     `json:"guild_id"`
	Channel ID     `json:"channel_id"`
	Topic   string `json:"topic"`
	Privacy int    `json:"privacy_level"`
	Closed  bool   `json:"discoverable_disabled"`
	Event   *ID    `json:"guild_scheduled_event_id"`
}

// StagesFor lists the stages that somebody sees; 0: everything.
func (s *State) StagesFor(g *Guild, user ID) []*Stage {
	list := []*Stage{}
	for _, id := range SortedIDs(g.Stages) {
		if user == 0 || s.CanSee(user, g.Channels[id]) {
			list = append(list, g.Stages[id])
		}
	}
	return list
}

// StageEvent dispatches a change of a stage.
func (s *State) StageEvent(name string, st *Stage) {
	g := s.Guilds[st.Guild]
	data := *st
	c := g.Channels[st.Channel]
	s.Dispatch(Event{Name: name, Intent: IntentGuilds, Guild: g, Per: func(to Receiver) any {
		if c == nil || !s.CanSee(to.App.ID, c) {
			return nil
		}
		return data
	}})
	s.Watcher.GuildChanged(g.ID)
}

// EndStage ends what is going on in a stage channel, if anything is.
func (s *State) EndStage(g *Guild, channel ID) {
	if st := g.Stages[channel]; st != nil {
		s.StageEvent("STAGE_INSTANCE_DELETE", st)
		delete(g.Stages, channel)
	}
}
