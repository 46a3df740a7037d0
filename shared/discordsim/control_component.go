package discordsim

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// UseComponent presses a button or chooses values in a menu as a user, and waits as RunCommand
// does. Without a message it uses the newest visible one with such a component. The custom id can
// also be the button's label. Values of user, role and channel menus are ids.
func (c *Control) UseComponent(
	ctx context.Context, user, message ID, customID string, values ...string,
) (*Answer, error) {
	a, err := act(c, func(s controlHeld) (*interaction, error) {
		return s.startComponent(user, message, customID, values)
	})
	if err != nil {
		return nil, err
	}
	return c.await(ctx, a)
}

// PressButton presses a button of a message as a user.
func (c *Control) PressButton(ctx context.Context, user, message ID, customID string) (*Answer, error) {
	return c.UseComponent(ctx, user, message, customID)
}

// Select chooses values in a menu of a message as a user.
func (c *Control) Select(ctx context.Context, user, message ID, customID string, values ...string) (*Answer, error) {
	return c.UseComponent(ctx, user, message, customID, values...)
}

// visibleMessage finds a message that a user can see: by id, or the newest with a component.
func (s controlHeld) visibleMessage(user, id ID, customID string) *message {
	var found *message
	for ch, list := range s.messages {
		if len(list) == 0 || s.channels[ch] == nil || !s.canSee(user, s.channels[ch]) {
			continue
		}
		for _, m := range list {
			if m.only != 0 && m.only != user || id != 0 && m.id != id ||
				findUsable(m.components, customID) == nil && id == 0 {
				continue
			}
			if found == nil || m.id > found.id {
				found = m
			}
		}
	}
	return found
}

// findUsable finds a component by its custom id, or a button by its label.
func findUsable(list []component, name string) component {
	if c := findComponent(list, name); c != nil {
		return c
	}
	for _, c := range list {
		if label, _ := c["label"].(string); c.kind() == compButton && label == name && c.customID() != "" {
			return c
		}
		if found := findUsable(c.children(), name); found != nil {
			return found
		}
	}
	return nil
}

func (s controlHeld) startComponent(userID, message ID, customID string, values []string) (*interaction, error) {
	u := s.users[userID]
	if u == nil {
		return nil, errUnknownUser()
	}
	m := s.visibleMessage(userID, message, customID)
	if m == nil {
		return nil, errUnknownMessage()
	}
	app := m.app
	if app == nil {
		app = s.apps[m.author.id]
	}
	c := findUsable(m.components, customID)
	if c == nil || app == nil {
		return nil, invalid("custom_id", "COMPONENT_VALIDATION_FAILED",
			"Component validation failed: the message has no such component")
	}
	if disabled, _ := c["disabled"].(bool); disabled {
		return nil, invalid("custom_id", "COMPONENT_VALIDATION_FAILED", "Component validation failed: it is disabled")
	}
	b := dataBuilder{s: s, guild: s.guilds[m.guild], me: userID, app: app.id}
	data := map[string]any{"custom_id": c.customID(), "component_type": c.kind(), "id": c["id"]}
	if c.kind() != compButton {
		errs := &tree{}
		chosen := b.chosen(c, values, errs.at("values"))
		if err := errs.err(); err != nil {
			return nil, err
		}
		data["values"] = chosen
		if !b.resolved.empty() {
			data["resolved"] = b.resolved
		}
	}
	a := s.newInteraction(actComponent, app, u, m.guild, m.channel)
	a.message, a.data, a.trigger = m, data, m.act
	s.send(a)
	return a, nil
}

// chosen checks the values chosen in a menu.
func (b *dataBuilder) chosen(c component, values []string, t *tree) []string {
	low, _ := c["min_values"].(int)
	high, _ := c["max_values"].(int)
	if len(values) < low || len(values) > max(high, 1) {
		t.add("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	}
	out := []string{}
	for i, v := range values {
		id := parseID(v)
		ok := true
		switch c.kind() {
		case compString:
			v, ok = optionValue(c, v)
		case compUser:
			ok = b.user(id)
		case compRole:
			ok = b.role(id)
		case compMentionable:
			ok = b.user(id) || b.role(id)
		case compChannel:
			types, _ := c["channel_types"].([]int)
			ok = b.channel(id, types)
		}
		if !ok {
			t.at(strconv.Itoa(i)).add("BASE_TYPE_CHOICES", "Value is none of those that can be chosen.")
		}
		out = append(out, v)
	}
	return out
}

// optionValue accepts an option's value or label.
func optionValue(c component, v string) (string, bool) {
	options, _ := c["options"].([]map[string]any)
	for _, key := range []string{"value", "label"} {
		for _, o := range options {
			if o[key] == v {
				value, _ := o["value"].(string)
				return value, true
			}
		}
	}
	return v, false
}

// SubmitModal submits the modal that a user has open, with fields by custom id, and waits as
// RunCommand does. An empty customID means the newest modal. Values are strings, lists of strings
// for menus, and booleans for checkboxes.
func (c *Control) SubmitModal(ctx context.Context, user ID, customID string, fields map[string]any) (*Answer, error) {
	a, err := act(c, func(s controlHeld) (*interaction, error) { return s.startModal(user, customID, fields) })
	if err != nil {
		return nil, err
	}
	return c.await(ctx, a)
}

// DismissModal closes a modal without submitting it.
func (c *Control) DismissModal(user ID, customID string) {
	c.world.Update(func(s *state) { delete(s.modals, modalKey(user, customID)) })
}

func (s controlHeld) openModalOf(user ID, customID string) *interaction {
	var newest *interaction
	for key, a := range s.modals {
		if strings.HasPrefix(key, user.String()+"/") && (customID == "" || a.modal.customID == customID) &&
			(newest == nil || a.id > newest.id) {
			newest = a
		}
	}
	return newest
}

func (s controlHeld) startModal(user ID, customID string, fields map[string]any) (*interaction, error) {
	from := s.openModalOf(user, customID)
	if from == nil {
		return nil, invalid("custom_id", "MODAL_NOT_OPEN", "The user has no such modal open")
	}
	b := dataBuilder{s: s, guild: s.guilds[from.guild], me: user, app: from.app.id}
	errs := &tree{}
	known := map[string]bool{}
	filled := b.fill(from.modal.components, fields, known, errs.at("fields"))
	for name := range fields {
		if !known[name] {
			errs.at("fields").at(name).add("MODAL_UNKNOWN_FIELD", "The modal has no such field")
		}
	}
	if err := errs.err(); err != nil {
		return nil, err
	}
	delete(s.modals, modalKey(user, from.modal.customID))
	a := s.newInteraction(actModal, from.app, from.user, from.guild, from.channel)
	a.message, a.trigger = from.message, from
	data := map[string]any{"custom_id": from.modal.customID, "components": filled}
	if !b.resolved.empty() {
		data["resolved"] = b.resolved
	}
	a.data = data
	s.send(a)
	return a, nil
}

// fill returns a modal's components as they are submitted with the user's input.
func (b *dataBuilder) fill(list []component, fields map[string]any, known map[string]bool, t *tree) []map[string]any {
	out := []map[string]any{}
	for _, c := range list {
		w := map[string]any{"type": c.kind(), "id": c["id"]}
		switch c.kind() {
		case compRow:
			w["components"] = b.fill(c.children(), fields, known, t)
		case compLabel:
			inner := b.fill(c.children(), fields, known, t)
			w["component"] = inner[0]
		case compText:
		default:
			id := c.customID()
			known[id] = true
			w["custom_id"] = id
			v, entered := fields[id]
			if !entered {
				v = preset(c)
			}
			b.enter(c, w, v, t.at(id))
		}
		out = append(out, w)
	}
	return out
}

// preset returns what a field of a modal has before anybody touches it: the value of an input, and the defaults of
// what can be chosen (https://docs.discord.com/developers/components/reference).
func preset(c component) any {
	switch c.kind() {
	case compInput:
		return c["value"]
	case compCheck:
		return c["default"]
	}
	var chosen []any
	options, _ := c["options"].([]map[string]any)
	for _, o := range options {
		if o["default"] == true {
			chosen = append(chosen, o["value"])
		}
	}
	defaults, _ := c["default_values"].([]map[string]any)
	for _, d := range defaults {
		chosen = append(chosen, d["id"])
	}
	return chosen
}

// enter sets the value of one field.
func (b *dataBuilder) enter(c component, w map[string]any, v any, t *tree) {
	required, _ := c["required"].(bool)
	switch c.kind() {
	case compInput:
		s, given := v.(string)
		if !given && v != nil {
			s, _ = scalar(marshal(v))
		}
		low, _ := c["min_length"].(int)
		high, ok := c["max_length"].(int)
		if !ok {
			high = 4000
		}
		if s == "" && required {
			t.add("BASE_TYPE_REQUIRED", "This field is required")
		} else if s != "" {
			checkLength(t, s, low, high)
		}
		w["value"] = s
	case compCheck:
		yes, _ := v.(bool)
		w["value"] = yes
	case compRadio:
		values := texts(v)
		w["value"] = nil
		if len(values) == 1 {
			chosen, ok := optionValue(c, values[0])
			if !ok {
				t.add("BASE_TYPE_CHOICES", "Value is none of those that can be chosen.")
			}
			w["value"] = chosen
		} else if required {
			t.add("BASE_TYPE_REQUIRED", "This field is required")
		}
	case compChecks:
		w["values"] = texts(v)
	default:
		values := texts(v)
		if len(values) == 0 && !required {
			w["values"] = []string{}
			return
		}
		w["values"] = b.chosen(c, values, t)
	}
}

// texts accepts one string or a list of them.
func texts(v any) []string {
	raw := marshal(v)
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return slices.Clip(many)
	}
	if s, ok := scalar(raw); ok && s != "" {
		return []string{s}
	}
	return []string{}
}
