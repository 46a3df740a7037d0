package discordsim

import "slices"

// callback is an application's first response to an interaction.
func callback(c *call) (int, any, error) {
	a := c.acts[c.id("interaction")]
	switch {
	case a == nil || a.token != c.r.PathValue("token") || a.failed:
		return 0, nil, errUnknownInteraction()
	case a.answered:
		return 0, nil, fail(400, 40060, "Interaction has already been acknowledged.")
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	if !f.required("type") {
		return 0, nil, f.errs.err()
	}
	kind := f.num("type", 1, 12)
	if !slices.Contains(answersTo(a), kind) {
		f.errs.at("type").add("BASE_TYPE_CHOICES", "Value must be one of {%s}.", joinInts(answersTo(a)))
	}
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	d := f.object("data")
	if d == nil {
		d = &form{errs: f.errs.at("data")}
	}
	if err := c.take(a, kind, d); err != nil {
		return 0, nil, rooted(err, f)
	}
	a.answered, a.answer = true, kind
	closeOnce(a.first)
	if kind != answerDefer {
		closeOnce(a.settled)
	}
	c.watcher.Answered(a)
	if !c.queryYes("with_response") {
		return noContent()
	}
	return 200, c.callbackResponse(a), nil
}

// rooted moves the errors of the response's data to their place in the request.
func rooted(err error, f *form) error {
	if e := f.errs.err(); e != nil {
		return e
	}
	return err
}

// answersTo returns the types of first responses that an interaction accepts.
func answersTo(a *interaction) []int {
	switch {
	case a.kind == actAutocomplete:
		return []int{answerAutocomplete}
	case a.kind == actComponent:
		return []int{answerMessage, answerDefer, answerDeferUpdate, answerUpdate, answerModal}
	case a.kind == actModal && a.message != nil:
		return []int{answerMessage, answerDefer, answerDeferUpdate, answerUpdate}
	case a.kind == actModal:
		return []int{answerMessage, answerDefer}
	}
	return []int{answerMessage, answerDefer, answerModal}
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
func (c *call) take(a *interaction, kind int, d *form) error {
	switch kind {
	case answerMessage, answerDefer:
		a.private = d.num("flags", 0, 1<<30)&flagEphemeral != 0
		m := c.newAnswer(a, a.private)
		if kind == answerDefer {
			m.flags |= flagLoading
			a.loading = true
		} else if err := c.readMessage(d, m, c.files, false, true); err != nil {
			return err
		}
		a.original, a.last = m, m
		c.addMessage(m)
	case answerDeferUpdate:
		a.original = a.message
	case answerUpdate:
		draft := *a.message
		if err := c.readMessage(d, &draft, c.files, true, true); err != nil {
			return err
		}
		draft.edited = c.now()
		*a.message = draft
		a.original, a.last = a.message, a.message
		c.messageEvent("MESSAGE_UPDATE", a.message)
	case answerAutocomplete:
		d.required("choices")
		a.choices = choicesOf(d, 0)
		return d.errs.err()
	case answerModal:
		return c.openModal(a, d)
	}
	return nil
}

func (c *call) openModal(a *interaction, d *form) error {
	d.required("custom_id")
	d.required("title")
	d.required("components")
	r := componentReader{modal: true, newID: c.nextID}
	m := &modalForm{customID: d.str("custom_id", 1, 100), title: d.str("title", 1, 45),
		components: r.top(d, "components", 5), from: a}
	if err := d.errs.err(); err != nil {
		return err
	}
	a.modal = m
	c.modals[modalKey(a.user.id, m.customID)] = a
	return nil
}

// newAnswer makes the message with which an application responds.
func (c *call) newAnswer(a *interaction, private bool) *message {
	m := &message{id: c.nextID(), channel: a.channel, guild: a.guild, author: a.app.bot, app: a.app, act: a}
	if a.kind == actCommand {
		m.kind = 20
		if a.target != 0 {
			m.kind = 23
		}
	}
	if private {
		m.only = a.user.id
		m.flags |= flagEphemeral
	}
	return m
}

func (c *call) callbackResponse(a *interaction) any {
	act := map[string]any{"id": a.id, "type": a.kind, "channel_id": a.channel,
		"response_message_loading": a.loading, "response_message_ephemeral": a.private}
	if a.guild != 0 {
		act["guild_id"] = a.guild
	}
	out := map[string]any{"interaction": act}
	if a.original != nil {
		act["response_message_id"] = a.original.id
		// A deferral is reported as the type of its later response.
		kind := a.answer
		switch kind {
		case answerDefer:
			kind = answerMessage
		case answerDeferUpdate:
			kind = answerUpdate
		}
		out["resource"] = map[string]any{"type": kind, "message": c.wireMessage(a.original, a.app.id)}
	}
	return out
}

// webhook finds the interaction with the token in the path.
func (c *call) webhook() (*interaction, error) {
	app := c.apps[c.id("webhook")]
	if app == nil {
		return nil, errUnknownWebhook()
	}
	a := c.actTokens[c.r.PathValue("token")]
	if a == nil || a.app != app || !c.alive(a) {
		return nil, fail(401, 50027, "Invalid Webhook Token")
	}
	return a, nil
}

// answerOf finds the message in the path among an interaction's responses.
func (c *call) answerOf(a *interaction) (*message, error) {
	if c.r.PathValue("message") == "" {
		if a.original == nil || c.findMessage(a.original.channel, a.original.id) == nil {
			return nil, errUnknownMessage()
		}
		return a.original, nil
	}
	m := c.findMessage(a.channel, c.id("message"))
	if m == nil || m.act != a && m != a.original {
		return nil, errUnknownMessage()
	}
	return m, nil
}

// followUp adds a response. The first after a deferral completes that.
func followUp(c *call) (int, any, error) {
	a, err := c.webhook()
	if err != nil {
		return 0, nil, err
	}
	if !a.answered {
		return 0, nil, errUnknownWebhook()
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	if a.loading {
		return c.fill(a, a.original, f)
	}
	private := f.num("flags", 0, 1<<30)&flagEphemeral != 0
	m := c.newAnswer(a, private)
	m.kind = 0
	if a.original != nil {
		m.kind, m.refChannel, m.refMessage = 19, a.original.channel, a.original.id
	}
	if err := c.readMessage(f, m, c.files, false, true); err != nil {
		return 0, nil, err
	}
	c.addMessage(m)
	a.last = m
	closeOnce(a.touched)
	c.watcher.Answered(a)
	return 200, c.wireMessage(m, a.app.id), nil
}

// answer finds the interaction and the message of a request.
func (c *call) answer() (*interaction, *message, error) {
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
	return 200, c.wireMessage(m, a.app.id), nil
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
func (c *call) fill(a *interaction, m *message, f *form) (int, any, error) {
	draft := *m
	draft.flags &^= flagLoading
	if err := c.readMessage(f, &draft, c.files, true, true); err != nil {
		return 0, nil, err
	}
	if m.flags&flagLoading == 0 {
		draft.edited = c.now()
	}
	*m = draft
	a.last = m
	if m == a.original {
		a.loading = false
		closeOnce(a.settled)
	}
	closeOnce(a.touched)
	c.messageEvent("MESSAGE_UPDATE", m)
	c.watcher.Answered(a)
	return 200, c.wireMessage(m, a.app.id), nil
}

func deleteAnswer(c *call) (int, any, error) {
	a, m, err := c.answer()
	if err != nil {
		return 0, nil, err
	}
	c.removeMessage(m)
	if m == a.original {
		a.original, a.loading = nil, false
		closeOnce(a.settled)
	}
	if a.last == m {
		a.last = nil
	}
	c.watcher.Answered(a)
	return noContent()
}
