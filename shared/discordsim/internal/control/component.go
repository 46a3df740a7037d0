package control

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// UseComponent presses a button or chooses values in a menu as a user, and waits as RunCommand
// does. Without a message it uses the newest visible one with such a component. The custom id can
// also be the button's label. Values of user, role and channel menus are ids.
func (c *Control) UseComponent(
	ctx context.Context, user, message world.ID, customID string, values ...string,
) (*Answer, error) {
	a, err := act(c, func(s held) (*world.Interaction, error) {
		return s.startComponent(user, message, customID, values)
	})
	if err != nil {
		return nil, err
	}
	return c.await(ctx, a)
}

// PressButton presses a button of a message as a user.
func (c *Control) PressButton(ctx context.Context, user, message world.ID, customID string) (*Answer, error) {
	return c.UseComponent(ctx, user, message, customID)
}

// Select chooses values in a menu of a message as a user.
func (c *Control) Select(
	ctx context.Context, user, message world.ID, customID string, values ...string,
) (*Answer, error) {
	return c.UseComponent(ctx, user, message, customID, values...)
}

// visibleMessage finds a message that a user can see: by id, or the newest with a component.
func (s held) visibleMessage(user, id world.ID, customID string) *world.Message {
	var found *world.Message
	for ch, list := range s.Messages {
		if len(list) == 0 || s.Channels[ch] == nil || !s.CanSee(user, s.Channels[ch]) {
			continue
		}
		for _, m := range list {
			if m.Only != 0 && m.Only != user || id != 0 && m.ID != id ||
				findUsable(m.Components, customID) == nil && id == 0 {
				continue
			}
			if found == nil || m.ID > found.ID {
				found = m
			}
		}
	}
	return found
}

// findUsable finds a component by its custom id, or a button by its label.
func findUsable(list []world.Component, name string) world.Component {
	if c := world.FindComponent(list, name); c != nil {
		return c
	}
	for _, c := range list {
		if label, _ := c["label"].(string); c.Kind() == world.CompButton && label == name && c.CustomID() != "" {
			return c
		}
		if found := findUsable(c.Children(), name); found != nil {
			return found
		}
	}
	return nil
}

func (s held) startComponent(userID, message world.ID, customID string, values []string) (*world.Interaction, error) {
	u := s.Users[userID]
	if u == nil {
		return nil, form.UnknownUser()
	}
	m := s.visibleMessage(userID, message, customID)
	if m == nil {
		return nil, form.UnknownMessage()
	}
	app := m.App
	if app == nil {
		app = s.Apps[m.Author.ID]
	}
	c := findUsable(m.Components, customID)
	if c == nil || app == nil {
		return nil, form.Invalid("custom_id", "COMPONENT_VALIDATION_FAILED",
			"Component validation failed: the message has no such component")
	}
	if disabled, _ := c["disabled"].(bool); disabled {
		return nil, form.Invalid("custom_id", "COMPONENT_VALIDATION_FAILED",
			"Component validation failed: it is disabled")
	}
	b := dataBuilder{s: s, guild: s.Guilds[m.Guild], me: userID, app: app.ID}
	data := map[string]any{"custom_id": c.CustomID(), "component_type": c.Kind(), "id": c["id"]}
	if c.Kind() != world.CompButton {
		errs := &form.Tree{}
		chosen := b.chosen(c, values, errs.At("values"))
		if err := errs.Err(); err != nil {
			return nil, err
		}
		data["values"] = chosen
		if !b.resolved.empty() {
			data["resolved"] = b.resolved
		}
	}
	a := s.NewInteraction(world.ActComponent, app, u, m.Guild, m.Channel)
	a.Message, a.Data, a.Trigger = m, data, m.Act
	s.Send(a)
	return a, nil
}

// chosen checks the values chosen in a menu.
func (b *dataBuilder) chosen(c world.Component, values []string, t *form.Tree) []string {
	low, _ := c["min_values"].(int)
	high, _ := c["max_values"].(int)
	if len(values) < low || len(values) > max(high, 1) {
		t.Add("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	}
	out := []string{}
	for i, v := range values {
		id := form.ParseID(v)
		ok := true
		switch c.Kind() {
		case world.CompString:
			v, ok = optionValue(c, v)
		case world.CompUser:
			ok = b.user(id)
		case world.CompRole:
			ok = b.role(id)
		case world.CompMentionable:
			ok = b.user(id) || b.role(id)
		case world.CompChannel:
			types, _ := c["channel_types"].([]int)
			ok = b.channel(id, types)
		}
		if !ok {
			t.At(strconv.Itoa(i)).Add("BASE_TYPE_CHOICES", "Value is none of those that can be chosen.")
		}
		out = append(out, v)
	}
	return out
}

// optionValue accepts an option's value or label.
func optionValue(c world.Component, v string) (string, bool) {
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
func (c *Control) SubmitModal(
	ctx context.Context, user world.ID, customID string, fields map[string]any,
) (*Answer, error) {
	a, err := act(c, func(s held) (*world.Interaction, error) { return s.startModal(user, customID, fields) })
	if err != nil {
		return nil, err
	}
	return c.await(ctx, a)
}

// DismissModal closes a modal without submitting it.
func (c *Control) DismissModal(user world.ID, customID string) {
	c.world.Update(func(s *world.State) { delete(s.Modals, world.ModalKey(user, customID)) })
}

func (s held) openModalOf(user world.ID, customID string) *world.Interaction {
	var newest *world.Interaction
	for key, a := range s.Modals {
		if strings.HasPrefix(key, user.String()+"/") && (customID == "" || a.Modal.CustomID == customID) &&
			(newest == nil || a.ID > newest.ID) {
			newest = a
		}
	}
	return newest
}

func (s held) startModal(user world.ID, customID string, fields map[string]any) (*world.Interaction, error) {
	from := s.openModalOf(user, customID)
	if from == nil {
		return nil, form.Invalid("custom_id", "MODAL_NOT_OPEN", "The user has no such modal open")
	}
	b := dataBuilder{s: s, guild: s.Guilds[from.Guild], me: user, app: from.App.ID}
	errs := &form.Tree{}
	known := map[string]bool{}
	filled := b.fill(from.Modal.Components, fields, known, errs.At("fields"))
	for name := range fields {
		if !known[name] {
			errs.At("fields").At(name).Add("MODAL_UNKNOWN_FIELD", "The modal has no such field")
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	delete(s.Modals, world.ModalKey(user, from.Modal.CustomID))
	a := s.NewInteraction(world.ActModal, from.App, from.User, from.Guild, from.Channel)
	a.Message, a.Trigger = from.Message, from
	data := map[string]any{"custom_id": from.Modal.CustomID, "components": filled}
	if !b.resolved.empty() {
		data["resolved"] = b.resolved
	}
	a.Data = data
	s.Send(a)
	return a, nil
}

// fill returns a modal's components as they are submitted with the user's input.
func (b *dataBuilder) fill(
	list []world.Component, fields map[string]any, known map[string]bool, t *form.Tree,
) []map[string]any {
	out := []map[string]any{}
	for _, c := range list {
		w := map[string]any{"type": c.Kind(), "id": c["id"]}
		switch c.Kind() {
		case world.CompRow:
			w["components"] = b.fill(c.Children(), fields, known, t)
		case world.CompLabel:
			inner := b.fill(c.Children(), fields, known, t)
			w["component"] = inner[0]
		case world.CompText:
		default:
			id := c.CustomID()
			known[id] = true
			w["custom_id"] = id
			v, entered := fields[id]
			if !entered {
				v = preset(c)
			}
			b.enter(c, w, v, t.At(id))
		}
		out = append(out, w)
	}
	return out
}

// preset returns what a field of a modal has before anybody touches it: the value of an input, and the defaults of
// what can be chosen (https://docs.discord.com/developers/components/reference).
func preset(c world.Component) any {
	switch c.Kind() {
	case world.CompInput:
		return c["value"]
	case world.CompCheck:
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
func (b *dataBuilder) enter(c world.Component, w map[string]any, v any, t *form.Tree) {
	required, _ := c["required"].(bool)
	switch c.Kind() {
	case world.CompInput:
		s, given := v.(string)
		if !given && v != nil {
			s, _ = form.Scalar(form.Marshal(v))
		}
		low, _ := c["min_length"].(int)
		high, ok := c["max_length"].(int)
		if !ok {
			high = 4000
		}
		if s == "" && required {
			t.Add("BASE_TYPE_REQUIRED", "This field is required")
		} else if s != "" {
			form.CheckLength(t, s, low, high)
		}
		w["value"] = s
	case world.CompCheck:
		yes, _ := v.(bool)
		w["value"] = yes
	case world.CompRadio:
		values := texts(v)
		w["value"] = nil
		if len(values) == 1 {
			chosen, ok := optionValue(c, values[0])
			if !ok {
				t.Add("BASE_TYPE_CHOICES", "Value is none of those that can be chosen.")
			}
			w["value"] = chosen
		} else if required {
			t.Add("BASE_TYPE_REQUIRED", "This field is required")
		}
	case world.CompChecks:
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
	raw := form.Marshal(v)
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return slices.Clip(many)
	}
	if s, ok := form.Scalar(raw); ok && s != "" {
		return []string{s}
	}
	return []string{}
}
