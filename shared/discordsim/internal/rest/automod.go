package rest

import (
	"encoding/json"
	"slices"
	"strconv"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Auto moderation. https://docs.discord.com/developers/resources/auto-moderation
// The document has no error codes: where the comments here don't say where one is from, it is a guess.

// mentionsUsual is the limit of mentions for a rule that has none: a guess, after what Discord's client suggests.
const mentionsUsual = 20

// modRule returns the rule in the path.
func (c *call) modRule() (*world.Guild, *world.ModRule, error) {
	g, _, err := c.guildWith(world.PermManageGuild)
	if err != nil {
		return nil, nil, err
	}
	r := g.ModRules[c.id("rule")]
	if r == nil {
		return nil, nil, form.Fail(404, 0, "404: Not Found")
	}
	return g, r, nil
}

func listModRules(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	return 200, g.WireModRules(), nil
}

func getModRule(c *call) (int, any, error) {
	_, r, err := c.modRule()
	return 200, r, err
}

func createModRule(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermManageGuild)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	for _, name := range []string{"name", "event_type", "trigger_type", "actions"} {
		f.Required(name)
	}
	r := &world.ModRule{ID: c.NextID(), Guild: g.ID, Creator: c.me().ID, ExemptRoles: []world.ID{},
		ExemptChannels: []world.ID{}}
	r.Kind = f.Choice("trigger_type", world.TriggerKeyword, world.TriggerSpam, world.TriggerPreset,
		world.TriggerMentions, world.TriggerProfile)
	if r.Kind == world.TriggerPreset || r.Kind == world.TriggerProfile {
		f.Required("trigger_metadata") // in the OpenAPI description
	}
	if !f.Given("trigger_metadata") {
		r.Trigger = readTrigger(&form.Form{Errs: f.Errs.At("trigger_metadata")}, r.Kind)
	}
	if err := c.readModRule(f, g, r); err != nil {
		return 0, nil, err
	}
	alike := 0
	for _, other := range g.ModRules {
		if other.Kind == r.Kind {
			alike++
		}
	}
	if most := world.TriggersMost[r.Kind]; alike >= most {
		// https://github.com/discordjs/discord-api-types/issues/853
		f.Errs.Add("AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED", "Maximum number of rules with trigger type %d is %d",
			r.Kind, most)
		return 0, nil, f.Errs.Err()
	}
	if g.ModRules == nil {
		g.ModRules = map[world.ID]*world.ModRule{}
	}
	g.ModRules[r.ID] = r
	c.RuleEvent("AUTO_MODERATION_RULE_CREATE", r)
	c.audit(g, auditModRuleCreate, r.ID, world.Change{Key: "name", New: r.Name})
	return 200, r, nil
}

func updateModRule(c *call) (int, any, error) {
	g, r, err := c.modRule()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *r
	if err := c.readModRule(f, g, &draft); err != nil {
		return 0, nil, err
	}
	old := r.Name
	*r = draft
	c.RuleEvent("AUTO_MODERATION_RULE_UPDATE", r)
	c.audit(g, auditModRuleUpdate, r.ID, world.Change{Key: "name", Old: old, New: r.Name})
	return 200, r, nil
}

func deleteModRule(c *call) (int, any, error) {
	g, r, err := c.modRule()
	if err != nil {
		return 0, nil, err
	}
	delete(g.ModRules, r.ID)
	c.RuleEvent("AUTO_MODERATION_RULE_DELETE", r)
	c.audit(g, auditModRuleDelete, r.ID, world.Change{Key: "name", Old: r.Name})
	return noContent()
}

// readModRule reads a request's rule into r, whose trigger is known. That new metadata replaces all of the old, and
// that exempt roles and channels must be there, are guesses.
func (c *call) readModRule(f *form.Form, g *world.Guild, r *world.ModRule) error {
	if f.Given("name") {
		r.Name = f.Str("name", 1, 100)
	}
	if f.Given("event_type") {
		r.Event = f.Choice("event_type", world.OnMessage, world.OnProfile)
	}
	if (r.Event == world.OnProfile) != (r.Kind == world.TriggerProfile) {
		f.Errs.At("event_type").Add("AUTO_MODERATION_INVALID_EVENT", "Not an event for this trigger.")
	}
	if o := f.Object("trigger_metadata"); o != nil {
		r.Trigger = readTrigger(o, r.Kind)
	}
	if f.Given("actions") {
		r.Actions = readModActions(f, g, r.Kind)
	}
	if f.Given("enabled") {
		r.Enabled = f.Yes("enabled")
	}
	if f.Given("exempt_roles") {
		r.ExemptRoles = exempt(f, "exempt_roles", 20, func(id world.ID) bool { return g.Roles[id] != nil })
	}
	if f.Given("exempt_channels") {
		r.ExemptChannels = exempt(f, "exempt_channels", 50, func(id world.ID) bool { return g.Channels[id] != nil })
	}
	if err := f.Errs.Err(); err != nil {
		return err
	}
	if r.Has(world.ModTimeout) && !c.BasePerms(g, g.Members[c.me().ID]).Has(world.PermModerateMembers) {
		return form.MissingPermissions()
	}
	return nil
}

func exempt(f *form.Form, field string, most int, there func(world.ID) bool) []world.ID {
	list := f.IDs(field, most)
	for i, id := range list {
		if t := f.Errs.At(field).At(strconv.Itoa(i)); !there(id) {
			t.Add("AUTO_MODERATION_UNKNOWN_EXEMPTION", "Not in this server.")
		} else if slices.Contains(list[:i], id) {
			twice(t, id)
		}
	}
	return list
}

// twice adds the error of a value that a list already has, where the OpenAPI description wants each once.
func twice(t *form.Tree, value any) {
	t.Add("SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains the value '%v'.", value)
}

// readTrigger reads what a rule looks for ("Trigger Metadata", "Trigger Metadata Field Limits").
func readTrigger(o *form.Form, kind int) (t world.ModTrigger) {
	allowed := 100
	switch kind {
	case world.TriggerMentions:
		limit, raids := mentionsUsual, o.Yes("mention_raid_protection_enabled")
		if o.Given("mention_total_limit") {
			limit = o.Num("mention_total_limit", 0, 50)
		}
		t.Mentions, t.Raids = &limit, &raids
		return t
	case world.TriggerKeyword, world.TriggerProfile:
		t.Keywords, t.Patterns = texts(o, "keyword_filter", 1000, 60), texts(o, "regex_patterns", 10, 260)
		for i, pattern := range t.Patterns {
			if _, err := world.ModPattern(pattern); err != nil {
				o.Errs.At("regex_patterns").At(strconv.Itoa(i)).Add("AUTO_MODERATION_INVALID_REGEX", "%v", err)
			}
		}
	case world.TriggerPreset:
		allowed = 1000
		t.Presets = []int{}
		for i, raw := range o.List("presets", 0, 3) {
			key := strconv.Itoa(i)
			one := &form.Form{Fields: map[string]json.RawMessage{key: raw}, Errs: o.Errs.At("presets")}
			p := one.Choice(key, 1, 2, 3)
			if slices.Contains(t.Presets, p) {
				twice(one.Errs.At(key), p)
			}
			t.Presets = append(t.Presets, p)
		}
	default:
		return t
	}
	t.Allowed = texts(o, "allow_list", allowed, 60)
	return t
}

// texts reads a list of texts, none of them empty.
func texts(o *form.Form, field string, most, longest int) []string {
	list := []string{}
	for i, raw := range o.List(field, 0, most) {
		at := o.Errs.At(field).At(strconv.Itoa(i))
		text, ok := form.Scalar(raw)
		if !ok {
			at.Add("STRING_TYPE_CONVERT", "Could not interpret %q as string.", text)
			continue
		}
		form.CheckLength(at, text, 1, longest)
		list = append(list, text)
	}
	return list
}

// readModActions reads what a rule does ("Action Types", "Action Metadata"). That only rules for messages block them,
// and only those for profiles block members, is a guess.
func readModActions(f *form.Form, g *world.Guild, kind int) []world.ModAction {
	list := []world.ModAction{}
	for _, o := range f.Objects("actions", 1, 5) {
		o.Required("type")
		a := world.ModAction{Kind: o.Choice("type", world.ModBlock, world.ModAlert, world.ModTimeout,
			world.ModQuarantine)}
		meta, fits := o.Object("metadata"), true
		if meta == nil {
			meta = &form.Form{Errs: o.Errs.At("metadata")}
		}
		switch a.Kind {
		case world.ModBlock:
			fits = kind != world.TriggerProfile
			a.Metadata.Message = meta.Str("custom_message", 0, 150)
		case world.ModAlert:
			meta.Required("channel_id")
			id := meta.ID("channel_id")
			if ch := g.Channel(id); id != 0 && (ch == nil || !ch.Texts()) {
				meta.Errs.At("channel_id").Add("CHANNEL_INVALID", "Not a channel for alerts.")
			}
			a.Metadata.Channel = id
		case world.ModTimeout:
			fits = kind == world.TriggerKeyword || kind == world.TriggerMentions
			meta.Required("duration_seconds")
			seconds := meta.Num("duration_seconds", 0, 2419200)
			a.Metadata.Seconds = &seconds
		case world.ModQuarantine:
			fits = kind == world.TriggerProfile
		}
		if !fits {
			o.Errs.At("type").Add("AUTO_MODERATION_INVALID_ACTION", "Not an action for this trigger.")
		}
		list = append(list, a)
	}
	return list
}

// What auto moderation looks at, with the error of what it blocks ("JSON Error Codes").
var (
	moderatedContent = moderated{"content", 200000, "Message was blocked by automatic moderation"}
	moderatedTitle   = moderated{"name", 200001, "Title was blocked by automatic moderation"}
)

type moderated struct {
	field   string
	code    int
	message string
}

// moderate does what puts a person's message, or a title in place of its content, into the world, unless a rule blocks
// it. The fields of the error are a guess: they say which rule it was.
func (c *call) moderate(what moderated, m *world.Message, do func()) error {
	var list []world.Offence
	if c.person {
		list = c.Offences(m)
	}
	rule, custom := world.Blocking(list)
	if rule == nil {
		do()
	}
	c.Punish(list, m, rule == nil)
	if rule == nil {
		return nil
	}
	errs := &form.Tree{}
	errs.At(what.field).Add("AUTO_MODERATION_BLOCKED", "Blocked by the rule %q. %s", rule.Name, custom)
	return &form.Error{Status: 400, Code: what.code, Message: what.message, Errors: errs}
}

// mayBeTitled reports whether a person may give a thread in a channel a name.
func (c *call) mayBeTitled(in *world.Channel, name string) error {
	return c.moderate(moderatedTitle, &world.Message{Channel: in.ID, Guild: in.Guild, Author: c.me(), Content: name},
		func() {})
}
