package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Answer is what a user sees after an act: a message, a modal, choices, or nothing new.
type Answer struct {
	InteractionID world.ID `json:"interaction_id"`
	// the type of the first response: 4 message, 5 deferred, 6 and 7 update, 8 choices, 9 modal
	Type      int      `json:"type"`
	Deferred  bool     `json:"deferred"`  // the message was preceded by "thinking…"
	Ephemeral bool     `json:"ephemeral"` // only the user sees the message
	Message   *Message `json:"message"`   // nil if there is none, or it was deleted
	Modal     *Modal   `json:"modal,omitempty"`
	Choices   []Choice `json:"choices,omitempty"`
}

// Message is a message as the acting user sees it. Raw is the complete object.
type Message struct {
	ID         world.ID          `json:"id"`
	ChannelID  world.ID          `json:"channel_id"`
	Content    string            `json:"content"`
	Flags      int               `json:"flags"`
	Embeds     []json.RawMessage `json:"embeds"`
	Components []Component       `json:"components"`
	Raw        json.RawMessage   `json:"-"`
}

// MarshalJSON returns the complete message as Discord's API does.
func (m *Message) MarshalJSON() ([]byte, error) { return m.Raw, nil }

// Component is a component of a message or modal, with its children.
type Component struct {
	Type        int             `json:"type"`
	CustomID    string          `json:"custom_id,omitempty"`
	Label       string          `json:"label,omitempty"`
	URL         string          `json:"url,omitempty"`
	Content     string          `json:"content,omitempty"`
	Style       int             `json:"style,omitempty"`
	Disabled    bool            `json:"disabled,omitempty"`
	Placeholder string          `json:"placeholder,omitempty"`
	Value       string          `json:"value,omitempty"`
	Required    bool            `json:"required,omitempty"`
	MinValues   int             `json:"min_values,omitempty"`
	MaxValues   int             `json:"max_values,omitempty"`
	Options     []SelectOption  `json:"options,omitempty"`
	Components  []Component     `json:"components,omitempty"`
	Accessory   *Component      `json:"accessory,omitempty"`
	Component   *Component      `json:"component,omitempty"`
	Emoji       json.RawMessage `json:"emoji,omitempty"`
	Description string          `json:"description,omitempty"`
	MinLength   int             `json:"min_length,omitempty"`
	MaxLength   int             `json:"max_length,omitempty"`

	raw json.RawMessage
}

// UnmarshalJSON decodes a component and keeps all of it, including fields that this type doesn't have.
func (c *Component) UnmarshalJSON(data []byte) error {
	type plain Component
	err := json.Unmarshal(data, (*plain)(c))
	c.raw = bytes.Clone(data)
	return err
}

// MarshalJSON returns what was decoded, so that nothing is lost.
func (c Component) MarshalJSON() ([]byte, error) {
	if c.raw != nil {
		return c.raw, nil
	}
	type plain Component
	return json.Marshal(plain(c))
}

// SelectOption is one option of a select menu.
type SelectOption struct {
	Label   string `json:"label"`
	Value   string `json:"value"`
	Default bool   `json:"default,omitempty"`
}

// Modal is a form that the user is asked to fill in.
type Modal struct {
	CustomID   string      `json:"custom_id"`
	Title      string      `json:"title"`
	Components []Component `json:"components"`
}

// Choice is one suggestion of an autocompletion.
type Choice struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// All lists the components and their descendants, in order.
func All(list []Component) []Component {
	var out []Component
	for _, c := range list {
		out = append(out, c)
		out = append(out, All(c.Components)...)
		for _, one := range []*Component{c.Accessory, c.Component} {
			if one != nil {
				out = append(out, All([]Component{*one})...)
			}
		}
	}
	return out
}

// Find returns the component with a custom id or, if there is none, with a label.
func (m *Message) Find(customIDOrLabel string) (Component, bool) {
	for _, c := range All(m.Components) {
		if c.CustomID != "" && c.CustomID == customIDOrLabel || c.Label != "" && c.Label == customIDOrLabel {
			return c, true
		}
	}
	return Component{}, false
}

// Text returns all text in the message: content, embeds, text components.
func (m *Message) Text() string {
	parts := []string{m.Content}
	for _, raw := range m.Embeds {
		var e struct {
			Title, Description string
			Fields             []struct{ Name, Value string }
			Footer             struct{ Text string }
		}
		if json.Unmarshal(raw, &e) == nil {
			parts = append(parts, e.Title, e.Description)
			for _, f := range e.Fields {
				parts = append(parts, f.Name, f.Value)
			}
			parts = append(parts, e.Footer.Text)
		}
	}
	for _, c := range All(m.Components) {
		parts = append(parts, c.Content)
	}
	var shown []string
	for _, p := range parts {
		if p != "" {
			shown = append(shown, p)
		}
	}
	return strings.Join(shown, "\n")
}

// updateGrace is how long to wait for a follow-up after a deferred update; there may be none.
const updateGrace = 2 * time.Second

// await waits for the first response and, if it is deferred, until it arrives or ctx ends. It
// returns what the user then sees.
func (c *Control) await(ctx context.Context, a *world.Interaction) (*Answer, error) {
	t := time.NewTimer(c.opts.FirstAnswer)
	defer t.Stop()
	select {
	case <-a.First:
	case <-t.C:
	case <-ctx.Done():
	}
	var answered bool
	var kind int
	c.world.Update(func(s *world.State) {
		if answered, kind = a.Answered, a.Answer; !answered {
			a.Failed = true
			world.CloseOnce(a.First)
			s.Watcher.Answered(a)
		}
	})
	var err error
	switch {
	case !answered && ctx.Err() != nil:
		return nil, fmt.Errorf("discordsim: waiting for the application's answer: %w", ctx.Err())
	case !answered:
		return nil, form.Fail(504, 0, world.ErrApplicationQuiet)
	case kind == world.AnswerDefer:
		select {
		case <-a.Settled:
		case <-ctx.Done():
			err = fmt.Errorf("discordsim: the application is still thinking: %w", ctx.Err())
		}
	case kind == world.AnswerDeferUpdate:
		grace := time.NewTimer(updateGrace)
		defer grace.Stop()
		select {
		case <-a.Touched:
		case <-grace.C:
		case <-ctx.Done():
		}
	}
	return c.seen(a), err
}

// seen returns what the user currently sees of an interaction's response.
func (c *Control) seen(a *world.Interaction) (out *Answer) {
	c.world.View(func(st *world.State) { out = held{st, c}.seen(a) })
	return out
}

func (s held) seen(a *world.Interaction) *Answer {
	out := &Answer{
		InteractionID: a.ID, Type: a.Answer,
		Deferred: a.Answer == world.AnswerDefer || a.Answer == world.AnswerDeferUpdate,
	}
	m := a.Last
	if m == nil {
		m = a.Original
	}
	if m != nil {
		out.Message = s.shown(m, a.User.ID)
		out.Ephemeral = m.Only != 0
	}
	if a.Modal != nil {
		out.Modal = shownModal(a.Modal)
	}
	for _, ch := range a.Choices {
		out.Choices = append(out.Choices, Choice{ch.Name, ch.Value})
	}
	return out
}

func (s held) shown(m *world.Message, viewer world.ID) *Message {
	raw := form.Marshal(s.WireMessage(m, viewer))
	out := &Message{Raw: raw}
	// It was encoded here, so decoding can't fail.
	_ = json.Unmarshal(raw, out)
	return out
}

func shownModal(m *world.ModalForm) *Modal {
	out := &Modal{CustomID: m.CustomID, Title: m.Title}
	_ = json.Unmarshal(form.Marshal(m.Components), &out.Components)
	return out
}

// SendMessage posts a message in a channel or a direct message channel, as a user.
func (c *Control) SendMessage(userID, channel world.ID, content string) (*Message, error) {
	return c.As(userID).Send(channel, content)
}
