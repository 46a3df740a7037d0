package rest

import (
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// callback is an application's first response to an interaction.
func callback(c *call) (int, any, error) {
	a := c.Acts[c.id("interaction")]
	switch {
	case a == nil || a.Token != c.r.PathValue("token") || a.Failed:
		return 0, nil, form.UnknownInteraction()
	case a.Answered:
		return 0, nil, form.AlreadyAcknowledged()
	}
	if err := c.answerFirst(a); err != nil {
		return 0, nil, err
	}
	if !c.queryYes("with_response") {
		return noContent()
	}
	return 200, c.callbackResponse(a), nil
}

// answerFirst takes the body as the first response to an interaction that has none yet.
func (c *call) answerFirst(a *world.Interaction) error {
	f, err := c.form()
	if err != nil {
		return err
	}
	if !f.Required("type") {
		return f.Errs.Err()
	}
	kind := f.Num("type", 1, 12)
	if !slices.Contains(answersTo(a), kind) {
		f.Errs.At("type").Add("BASE_TYPE_CHOICES", "Value must be one of {%s}.", joinInts(answersTo(a)))
	}
	if err := f.Errs.Err(); err != nil {
		return err
	}
	d := f.Object("data")
	if d == nil {
		d = &form.Form{Errs: f.Errs.At("data")}
	}
	if err := c.take(a, kind, d); err != nil {
		return rooted(err, f)
	}
	a.Answered, a.Answer = true, kind
	world.CloseOnce(a.First)
	if kind != world.AnswerDefer {
		world.CloseOnce(a.Settled)
	}
	c.Watcher.Answered(a)
	return nil
}

// rooted moves the errors of the response's data to their place in the request.
func rooted(err error, f *form.Form) error {
	if e := f.Errs.Err(); e != nil {
		return e
	}
	return err
}

// answersTo returns the types of first responses that an interaction accepts.
func answersTo(a *world.Interaction) []int {
	switch {
	case a.Kind == world.ActAutocomplete:
		return []int{world.AnswerAutocomplete}
	case a.Kind == world.ActComponent:
		return []int{
			world.AnswerMessage, world.AnswerDefer, world.AnswerDeferUpdate, world.AnswerUpdate, world.AnswerModal,
		}
	case a.Kind == world.ActModal && a.Message != nil:
		return []int{world.AnswerMessage, world.AnswerDefer, world.AnswerDeferUpdate, world.AnswerUpdate}
	case a.Kind == world.ActModal:
		return []int{world.AnswerMessage, world.AnswerDefer}
	}
	return []int{world.AnswerMessage, world.AnswerDefer, world.AnswerModal}
}

func joinInts(list []int) string {
	s := ""
	for i, n := range list {
		if i > 0 {
			s += ", "
		}
		s += itoa(n)
	}
	return s
}

// take handles a response.
func (c *call) take(a *world.Interaction, kind int, d *form.Form) error {
	switch kind {
	case world.AnswerMessage, world.AnswerDefer:
		a.Private = d.Num("flags", 0, 1<<30)&world.FlagEphemeral != 0
		m := c.newAnswer(a, a.Private)
		if kind == world.AnswerDefer {
			m.Flags |= world.FlagLoading
			a.Loading = true
		} else if err := c.ReadMessage(d, m, c.files, false, true); err != nil {
			return err
		}
		a.Original, a.Last = m, m
		c.AddMessage(m)
	case world.AnswerDeferUpdate:
		a.Original = a.Message
	case world.AnswerUpdate:
		draft := *a.Message
		if err := c.ReadMessage(d, &draft, c.files, true, true); err != nil {
			return err
		}
		draft.Edited = c.Now()
		*a.Message = draft
		a.Original, a.Last = a.Message, a.Message
		c.MessageEvent("MESSAGE_UPDATE", a.Message)
	case world.AnswerAutocomplete:
		d.Required("choices")
		a.Choices = world.ChoicesOf(d, 0)
		return d.Errs.Err()
	case world.AnswerModal:
		return c.openModal(a, d)
	}
	return nil
}

func (c *call) openModal(a *world.Interaction, d *form.Form) error {
	d.Required("custom_id")
	d.Required("title")
	d.Required("components")
	r := world.ModalReader(c.NextID, c.EmojisFor(&world.Message{Channel: a.Channel, Guild: a.Guild, Author: a.App.Bot}))
	m := &world.ModalForm{CustomID: d.Str("custom_id", 1, 100), Title: d.Str("title", 1, 45),
		Components: r.Top(d, "components", 5), From: a}
	if err := d.Errs.Err(); err != nil {
		return err
	}
	a.Modal = m
	c.Modals[world.ModalKey(a.User.ID, m.CustomID)] = a
	return nil
}

// newAnswer makes the message with which an application responds.
func (c *call) newAnswer(a *world.Interaction, private bool) *world.Message {
	m := &world.Message{ID: c.NextID(), Channel: a.Channel, Guild: a.Guild, Author: a.App.Bot, App: a.App, Act: a}
	if a.Kind == world.ActCommand {
		m.Kind = 20
		if a.Target != 0 {
			m.Kind = 23
		}
	}
	if private {
		m.Only = a.User.ID
		m.Flags |= world.FlagEphemeral
	}
	return m
}

func (c *call) callbackResponse(a *world.Interaction) any {
	act := map[string]any{"id": a.ID, "type": a.Kind, "channel_id": a.Channel,
		"response_message_loading": a.Loading, "response_message_ephemeral": a.Private}
	if a.Guild != 0 {
		act["guild_id"] = a.Guild
	}
	out := map[string]any{"interaction": act}
	if a.Original != nil {
		act["response_message_id"] = a.Original.ID
		// A deferral is reported as the type of its later response.
		kind := a.Answer
		switch kind {
		case world.AnswerDefer:
			kind = world.AnswerMessage
		case world.AnswerDeferUpdate:
			kind = world.AnswerUpdate
		}
		out["resource"] = map[string]any{"type": kind, "message": c.WireMessage(a.Original, a.App.ID)}
	}
	return out
}

// webhook finds the interaction with the token in the path.
func (c *call) webhook() (*world.Interaction, error) {
	app := c.Apps[c.id("webhook")]
	if app == nil {
		return nil, form.UnknownWebhook()
	}
	a := c.ActTokens[c.r.PathValue("token")]
	if a == nil || a.App != app || !c.Alive(a) {
		return nil, form.Fail(401, 50027, "Invalid Webhook Token")
	}
	return a, nil
}

// answerOf finds the message in the path among an interaction's responses.
func (c *call) answerOf(a *world.Interaction) (*world.Message, error) {
	if c.r.PathValue("message") == "" {
		if a.Original == nil || c.FindMessage(a.Original.Channel, a.Original.ID) == nil {
			return nil, form.UnknownMessage()
		}
		return a.Original, nil
	}
	m := c.FindMessage(a.Channel, c.id("message"))
	if m == nil || m.Act != a && m != a.Original {
		return nil, form.UnknownMessage()
	}
	return m, nil
}

// followUp adds a response. The first after a deferral completes that.
func followUp(c *call) (int, any, error) {
	a, err := c.webhook()
	if err != nil {
		return 0, nil, err
	}
	if !a.Answered {
		return 0, nil, form.UnknownWebhook()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	if a.Loading {
		return c.fill(a, a.Original, f)
	}
	private := f.Num("flags", 0, 1<<30)&world.FlagEphemeral != 0
	m := c.newAnswer(a, private)
	m.Kind = 0
	if a.Original != nil {
		m.Kind, m.RefChannel, m.RefMessage = 19, a.Original.Channel, a.Original.ID
	}
	if err := c.ReadMessage(f, m, c.files, false, true); err != nil {
		return 0, nil, err
	}
	c.AddMessage(m)
	a.Last = m
	world.CloseOnce(a.Touched)
	c.Watcher.Answered(a)
	return 200, c.WireMessage(m, a.App.ID), nil
}

// answer finds the interaction and the message of a request.
func (c *call) answer() (*world.Interaction, *world.Message, error) {
	a, err := c.webhook()
	if err != nil {
		return nil, nil, err
	}
	m, err := c.answerOf(a)
	return a, m, err
}

func getAnswer(c *call) (int, any, error) {
	a, m, err := c.answer()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.WireMessage(m, a.App.ID), nil
}

func updateAnswer(c *call) (int, any, error) {
	a, m, err := c.answer()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	return c.fill(a, m, f)
}

// fill edits a response; this completes a deferred one.
func (c *call) fill(a *world.Interaction, m *world.Message, f *form.Form) (int, any, error) {
	draft := *m
	draft.Flags &^= world.FlagLoading
	if err := c.ReadMessage(f, &draft, c.files, true, true); err != nil {
		return 0, nil, err
	}
	if m.Flags&world.FlagLoading == 0 {
		draft.Edited = c.Now()
	}
	*m = draft
	a.Last = m
	if m == a.Original {
		a.Loading = false
		world.CloseOnce(a.Settled)
	}
	world.CloseOnce(a.Touched)
	c.MessageEvent("MESSAGE_UPDATE", m)
	c.Watcher.Answered(a)
	return 200, c.WireMessage(m, a.App.ID), nil
}

func deleteAnswer(c *call) (int, any, error) {
	a, m, err := c.answer()
	if err != nil {
		return 0, nil, err
	}
	c.RemoveMessage(m)
	if m == a.Original {
		a.Original, a.Loading = nil, false
		world.CloseOnce(a.Settled)
	}
	if a.Last == m {
		a.Last = nil
	}
	c.Watcher.Answered(a)
	return noContent()
}
