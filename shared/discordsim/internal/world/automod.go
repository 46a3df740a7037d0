package world

import (
	"slices"
	"strconv"
	"time"
)

// The rules in this file are in Discord's document "Auto Moderation", the events in "Gateway Events".

// What triggers a rule, with Discord's numbers.
const (
	TriggerKeyword  = 1
	TriggerSpam     = 3
	TriggerPreset   = 4
	TriggerMentions = 5
	TriggerProfile  = 6
)

// TriggersMost is how many rules of each trigger a guild can have.
var TriggersMost = map[int]int{TriggerKeyword: 6, TriggerSpam: 1, TriggerPreset: 1, TriggerMentions: 1,
	TriggerProfile: 1}

// When a rule is checked, and what it does then, with Discord's numbers.
const (
	OnMessage = 1
	OnProfile = 2

	ModBlock      = 1
	ModAlert      = 2
	ModTimeout    = 3
	ModQuarantine = 4
)

// auditModerated is the first of the audit log's actions of rules, which are in the order of the rules' actions.
const auditModerated = 143

// flagQuarantined is of members whose name a rule blocks ("Guild Member Flags").
const flagQuarantined = 1 << 7

// messageModerated is the type of the messages with which a rule alerts.
const messageModerated = 24

// ModRule is a rule of a guild's auto moderation.
type ModRule struct {
	ID             ID          `json:"id"`
	Guild          ID          `json:"guild_id"`
	Name           string      `json:"name"`
	Creator        ID          `json:"creator_id"`
	Event          int         `json:"event_type"`
	Kind           int         `json:"trigger_type"`
	Trigger        ModTrigger  `json:"trigger_metadata"`
	Actions        []ModAction `json:"actions"`
	Enabled        bool        `json:"enabled"`
	ExemptRoles    []ID        `json:"exempt_roles"`
	ExemptChannels []ID        `json:"exempt_channels"`
}

// ModTrigger is what a rule looks for. It has the fields of the rule's trigger; the others are nil.
type ModTrigger struct {
	Keywords []string `json:"keyword_filter,omitzero"`
	Patterns []string `json:"regex_patterns,omitzero"`
	Presets  []int    `json:"presets,omitzero"`
	Allowed  []string `json:"allow_list,omitzero"`
	Mentions *int     `json:"mention_total_limit,omitzero"`
	Raids    *bool    `json:"mention_raid_protection_enabled,omitzero"`
}

// ModAction is what a rule does.
type ModAction struct {
	Kind     int         `json:"type"`
	Metadata ModMetadata `json:"metadata"`
}

// ModMetadata is how a rule does it. It has the fields of the action's type.
type ModMetadata struct {
	Channel ID     `json:"channel_id,omitzero"`
	Seconds *int   `json:"duration_seconds,omitzero"`
	Message string `json:"custom_message,omitzero"`
}

// Has reports whether a rule has an action of a type.
func (r *ModRule) Has(action int) bool {
	return slices.ContainsFunc(r.Actions, func(a ModAction) bool { return a.Kind == action })
}

// WireModRules lists a guild's rules, oldest first.
func (g *Guild) WireModRules() []ModRule {
	list := []ModRule{}
	for _, id := range SortedIDs(g.ModRules) {
		list = append(list, *g.ModRules[id])
	}
	return list
}

// RuleEvent dispatches a change of a rule.
func (s *State) RuleEvent(name string, r *ModRule) {
	data := *r
	s.moderationEvent(name, IntentAutoModerationConfig, s.Guilds[r.Guild], 0, func(Receiver) any { return data })
}

// moderationEvent goes to bots with Manage Server alone.
func (s *State) moderationEvent(name string, intent Intents, g *Guild, user ID, data func(Receiver) any) {
	s.Dispatch(Event{Name: name, Intent: intent, Guild: g, User: user, Per: func(to Receiver) any {
		if !s.BasePerms(g, g.Members[to.App.ID]).Has(PermManageGuild) {
			return nil
		}
		return data(to)
	}})
}

// Offence is what a member said against a rule: in a message, or by their name.
type Offence struct {
	Rule    *ModRule
	text    string  // all of it
	keyword *string // of the rule; nil: it's about something else
	part    *string // of the text
}

// Offences are a member's against the rules for messages. Bots and webhooks never offend, nor do those who manage the
// server ("AutoMod FAQ" in Discord's help). That a thread is as exempt as its channel is a guess.
func (s *State) Offences(m *Message) []Offence {
	g := s.Guilds[m.Guild]
	if g == nil {
		return nil
	}
	where := []ID{m.Channel}
	if c := g.Threads[m.Channel]; c != nil {
		where = append(where, c.Parent)
	}
	return s.offences(g, g.Members[m.Author.ID], OnMessage, m.Content, where)
}

func (s *State) offences(g *Guild, by *Member, event int, text string, where []ID) (list []Offence) {
	if by == nil || by.User.Bot || s.BasePerms(g, by).Has(PermManageGuild) {
		return nil
	}
	for _, id := range SortedIDs(g.ModRules) {
		r := g.ModRules[id]
		exempt := slices.ContainsFunc(r.ExemptRoles, by.Has) ||
			slices.ContainsFunc(r.ExemptChannels, func(id ID) bool { return slices.Contains(where, id) })
		if !r.Enabled || r.Event != event || exempt {
			continue
		}
		if o, is := s.offence(r, text); is {
			list = append(list, o)
		}
	}
	return list
}

// offence reports whether a text triggers a rule.
func (s *State) offence(r *ModRule, text string) (Offence, bool) {
	o := Offence{Rule: r, text: text}
	if r.Kind == TriggerMentions {
		m := Message{Guild: r.Guild, Content: text}
		s.findMentions(&m, mentionRules{anyUser: true, anyRole: true})
		n := len(m.Mentions) + len(m.roles)
		return o, s.mentionRaid(r, n) || n > *r.Trigger.Mentions
	}
	keyword, part, is := r.match(text)
	if is {
		o.keyword, o.part = &keyword, &part
	}
	return o, is
}

// A mention raid is more mentions in a server than this, within this time. Discord's change log says only "sudden
// spikes in mention activity" (2023-05-05); these numbers are guesses, and so is that the rule then does to each
// message with a mention what it does to one with too many.
const (
	raidMentions = 50 // as many as a rule may allow one message
	raidPeriod   = time.Minute
)

// mentionRaid counts a message's mentions, if a rule looks for mention raids, and reports whether it's part of one.
func (s *State) mentionRaid(r *ModRule, mentions int) bool {
	if r.Trigger.Raids == nil || !*r.Trigger.Raids || mentions == 0 {
		return false
	}
	g, now := s.Guilds[r.Guild], s.Now()
	g.mentioned = slices.DeleteFunc(g.mentioned, func(at time.Time) bool { return now.Sub(at) >= raidPeriod })
	g.mentioned = append(g.mentioned, slices.Repeat([]time.Time{now}, mentions)...)
	return len(g.mentioned) > raidMentions
}

// Blocking returns the first rule that blocks a message, with what it tells the member; nil: none does.
func Blocking(list []Offence) (*ModRule, string) {
	for _, o := range list {
		for _, a := range o.Rule.Actions {
			if a.Kind == ModBlock {
				return o.Rule, a.Metadata.Message
			}
		}
	}
	return nil, ""
}

// Punish does what the rules do about a message. That all rules that it triggers do so is a guess.
func (s *State) Punish(list []Offence, m *Message, posted bool) {
	g := s.Guilds[m.Guild]
	if !posted {
		m = &Message{Channel: m.Channel, Guild: m.Guild, Author: m.Author}
	}
	for _, o := range list {
		for _, a := range o.Rule.Actions {
			if a.Kind != ModQuarantine {
				s.punish(g, g.Members[m.Author.ID], o, a, m)
			}
		}
	}
}

// punish does one of a rule's actions, after a message or, if that has no channel, because of a name.
func (s *State) punish(g *Guild, by *Member, o Offence, a ModAction, m *Message) {
	if by == nil {
		return
	}
	var alert ID
	switch a.Kind {
	case ModAlert:
		alert = s.alert(g, by, o, a, m)
	case ModTimeout:
		s.TimeOut(g, by, s.Now().Add(time.Duration(*a.Metadata.Seconds)*time.Second))
	case ModQuarantine:
		s.quarantine(g, by, true)
	}
	type executed struct {
		GuildRef
		Action  ModAction `json:"action"`
		Rule    ID        `json:"rule_id"`
		Trigger int       `json:"rule_trigger_type"`
		User    ID        `json:"user_id"`
		Channel *ID       `json:"channel_id,omitempty"`
		Message *ID       `json:"message_id,omitempty"`
		Alert   *ID       `json:"alert_system_message_id,omitempty"`
		Content string    `json:"content"`
		Keyword *string   `json:"matched_keyword"`
		Matched *string   `json:"matched_content"`
	}
	e := executed{GuildRef{g.ID}, a, o.Rule.ID, o.Rule.Kind, by.User.ID, OptionalID(m.Channel), OptionalID(m.ID),
		OptionalID(alert), o.text, o.keyword, o.part}
	s.moderationEvent("AUTO_MODERATION_ACTION_EXECUTION", IntentAutoModerationExecute, g, by.User.ID,
		func(to Receiver) any {
			e := e
			if to.Intents&IntentMessageContent == 0 {
				e.Content, e.Matched = "", nil
			}
			return e
		})
	options := map[string]string{"auto_moderation_rule_name": o.Rule.Name,
		"auto_moderation_rule_trigger_type": strconv.Itoa(o.Rule.Kind)}
	if m.Channel != 0 {
		options["channel_id"] = m.Channel.String()
	}
	// That the entry is by the member and about them is a guess.
	s.AuditOptions(g, by.User.ID, "", auditModerated+a.Kind-1, by.User.ID, options)
}

// alert posts what a member said in the channel that a rule names. What such messages contain isn't documented: these
// fields are those that Discord's client reads.
func (s *State) alert(g *Guild, by *Member, o Offence, a ModAction, m *Message) ID {
	if g.Channel(a.Metadata.Channel) == nil {
		return 0
	}
	fields := []map[string]any{}
	field := func(name string, value *string) {
		if value != nil {
			fields = append(fields, map[string]any{"name": name, "value": *value, "inline": false})
		}
	}
	field("rule_name", &o.Rule.Name)
	if m.Channel != 0 {
		field("channel_id", Optional(m.Channel.String()))
	}
	field("keyword", o.keyword)
	field("keyword_matched_content", o.part)
	if m.ID != 0 {
		field("flagged_message_id", Optional(m.ID.String()))
	}
	embed := map[string]any{"type": "auto_moderation_message", "description": o.text, "fields": fields}
	posted := &Message{ID: s.NextID(), Channel: a.Metadata.Channel, Guild: g.ID, Author: by.User,
		Kind: messageModerated, embeds: []map[string]any{embed}}
	s.AddMessage(posted)
	return posted.ID
}

// CheckProfile checks a member's names when one of them changed or they joined. A rule that blocks one keeps them from
// doing anything until their names are others ("BLOCK_MEMBER_INTERACTION").
func (s *State) CheckProfile(g *Guild, m *Member) {
	var list []Offence
	for _, name := range []string{m.Nick, m.User.GlobalName, m.User.Username} {
		list = append(list, s.offences(g, m, OnProfile, name, nil)...)
	}
	if !slices.ContainsFunc(list, func(o Offence) bool { return o.Rule.Has(ModQuarantine) }) {
		s.quarantine(g, m, false)
	}
	for _, o := range list {
		for _, a := range o.Rule.Actions {
			s.punish(g, m, o, a, &Message{Guild: g.ID})
		}
	}
}

// quarantine keeps a member from doing anything, or no longer.
func (s *State) quarantine(g *Guild, m *Member, on bool) {
	if m.flags&flagQuarantined != 0 == on {
		return
	}
	m.flags ^= flagQuarantined
	s.MemberEvent(g, m)
	if on {
		s.Disconnect(g, m)
	}
}
