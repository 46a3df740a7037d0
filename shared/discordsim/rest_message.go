package discordsim

import (
	"net/url"
	"slices"
)

// writable returns the channel in the path if the bot may write there.
func (c *call) writable(p Permissions) (*channel, error) {
	ch, err := c.channel()
	if err != nil {
		return nil, err
	}
	if !ch.texts() {
		return nil, fail(400, 50008, "Cannot send messages in a non-text channel")
	}
	if ch.guild != 0 && !c.permsIn(c.guilds[ch.guild], c.member(ch.guild, c.app.id), ch).Has(p) {
		return nil, errMissingPermissions()
	}
	return ch, nil
}

func (c *call) message(ch *channel) (*message, error) {
	m := c.findMessage(ch.id, c.id("message"))
	if m == nil || m.only != 0 {
		return nil, errUnknownMessage()
	}
	return m, nil
}

func createMessage(c *call) (int, any, error) {
	ch, err := c.writable(PermSendMessages)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	everyone := true
	if ch.guild == 0 {
		if err := c.mayWriteTo(ch); err != nil {
			return 0, nil, err
		}
	} else {
		p := c.permsIn(c.guilds[ch.guild], c.member(ch.guild, c.app.id), ch)
		everyone = p.Has(PermMentionEveryone)
		if len(c.files) > 0 && !p.Has(PermAttachFiles) ||
			f.given("message_reference") && !p.Has(PermReadMessageHistory) {
			return 0, nil, errMissingPermissions()
		}
	}
	if nonce := f.fields["nonce"]; f.given("nonce") && f.yes("enforce_nonce") {
		for _, old := range c.messages[ch.id] {
			if string(old.nonce) == string(nonce) && old.author.id == c.app.id {
				return 200, c.wireMessage(old, c.app.id), nil
			}
		}
	}
	m := &message{id: c.nextID(), channel: ch.id, guild: ch.guild, author: c.app.bot}
	if err := c.readMessage(f, m, c.files, false, everyone); err != nil {
		return 0, nil, err
	}
	if f.given("nonce") {
		m.nonce = f.fields["nonce"]
	}
	if ref := f.object("message_reference"); ref != nil {
		if err := c.reply(m, ref, f); err != nil {
			return 0, nil, err
		}
	}
	c.addMessage(m)
	return 200, c.wireMessage(m, c.app.id), nil
}

func (c *call) reply(m *message, ref, f *form) error {
	if ref.num("type", 0, 1) == 1 {
		return invalid("message_reference", "SIMULATOR_HAS_NONE", "The simulated Discord has no forwards.")
	}
	id := ref.id("message_id")
	must := !ref.given("fail_if_not_exists") || ref.yes("fail_if_not_exists")
	if err := ref.errs.err(); err != nil {
		return err
	}
	old := c.findMessage(m.channel, id)
	if old == nil || old.only != 0 {
		if must {
			return invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
		}
		return nil
	}
	m.kind, m.refChannel, m.refMessage = 19, m.channel, id
	if rules := readMentionRules(f, false); rules.replied && !slices.Contains(m.mentions, old.author.id) {
		m.mentions = append(m.mentions, old.author.id)
	}
	return nil
}

func listMessages(c *call) (int, any, error) {
	ch, err := c.writable(0)
	if err != nil {
		return 0, nil, err
	}
	limit, err := c.query("limit", 50, 1, 100)
	if err != nil {
		return 0, nil, err
	}
	var around, before, after ID
	for name, to := range map[string]*ID{"around": &around, "before": &before, "after": &after} {
		if *to, err = c.queryID(name); err != nil {
			return 0, nil, err
		}
	}
	list := []wireMessage{}
	if ch.guild != 0 && !c.permsIn(c.guilds[ch.guild], c.member(ch.guild, c.app.id), ch).Has(PermReadMessageHistory) {
		return 200, list, nil
	}
	shown := slices.DeleteFunc(slices.Clone(c.messages[ch.id]), func(m *message) bool {
		return m.only != 0 || before != 0 && m.id >= before || m.id <= after
	})
	switch {
	case around != 0:
		i, _ := slices.BinarySearchFunc(shown, around, func(m *message, id ID) int { return compareIDs(m.id, id) })
		shown = shown[max(0, i-limit/2):min(len(shown), i+limit/2+1)]
	case after != 0:
		shown = shown[:min(len(shown), limit)]
	default:
		shown = shown[max(0, len(shown)-limit):]
	}
	for _, m := range slices.Backward(shown) {
		list = append(list, c.wireMessage(m, c.app.id))
	}
	return 200, list, nil
}

// messageIn finds a request's message, in a channel where the application has the permissions.
func (c *call) messageIn(need Permissions) (*channel, *message, error) {
	ch, err := c.writable(need)
	if err != nil {
		return nil, nil, err
	}
	m, err := c.message(ch)
	return ch, m, err
}

func getMessage(c *call) (int, any, error) {
	_, m, err := c.messageIn(PermReadMessageHistory)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.wireMessage(m, c.app.id), nil
}

func updateMessage(c *call) (int, any, error) {
	ch, m, err := c.messageIn(0)
	if err != nil {
		return 0, nil, err
	}
	if m.author.id != c.app.id {
		return 0, nil, fail(403, 50005, "Cannot edit a message authored by another user")
	}
	if err := c.checkOldEdit(ch, m); err != nil {
		return 0, nil, err
	}
	return c.editMessage(m)
}

// editMessage changes a message according to the request's body.
func (c *call) editMessage(m *message) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *m
	if err := c.readMessage(f, &draft, c.files, true, false); err != nil {
		return 0, nil, err
	}
	draft.edited = c.now()
	*m = draft
	c.messageEvent("MESSAGE_UPDATE", m)
	return 200, c.wireMessage(m, c.app.id), nil
}

func deleteMessage(c *call) (int, any, error) {
	ch, m, err := c.messageIn(0)
	if err != nil {
		return 0, nil, err
	}
	if m.author.id != c.app.id {
		if ch.guild == 0 {
			return 0, nil, fail(403, 50003, "Cannot execute action on a DM channel")
		}
		if _, err := c.writable(PermManageMessages); err != nil {
			return 0, nil, err
		}
		c.audit(c.guilds[ch.guild], auditMessageDelete, m.author.id)
	}
	c.removeMessage(m)
	return noContent()
}

func bulkDelete(c *call) (int, any, error) {
	g, _, ch, err := c.channelWith(PermManageMessages)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.required("messages")
	ids := f.ids("messages", 1000)
	if err := f.errs.err(); err != nil {
		return 0, nil, err
	}
	if len(ids) < 2 || len(ids) > 100 {
		return 0, nil, fail(400, 50016,
			"Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages to "+
				"delete.")
	}
	gone := []ID{}
	for _, id := range ids {
		if m := c.findMessage(ch.id, id); m != nil && m.only == 0 {
			c.messages[ch.id] = slices.DeleteFunc(c.messages[ch.id], func(x *message) bool { return x == m })
			c.watcher.MessageChanged(c.state, "MESSAGE_DELETE", m, ch)
			gone = append(gone, id)
		}
	}
	c.dispatch(event{name: "MESSAGE_DELETE_BULK", intent: IntentGuildMessages, guild: g, data: struct {
		IDs       []ID `json:"ids"`
		ChannelID ID   `json:"channel_id"`
		guildRef
	}{gone, ch.id, guildRef{g.id}}})
	c.audit(g, auditMessageBulk, ch.id)
	return noContent()
}

// pin pins or unpins a message.
func pin(on bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		ch, err := c.writable(0)
		if err != nil {
			return 0, nil, err
		}
		if ch.guild != 0 {
			p := c.permsIn(c.guilds[ch.guild], c.member(ch.guild, c.app.id), ch)
			if !p.Has(PermManageMessages) && !p.Has(PermPinMessages) {
				return 0, nil, errMissingPermissions()
			}
		}
		m, err := c.message(ch)
		if err != nil {
			return 0, nil, err
		}
		if m.pinned == on {
			return noContent()
		}
		m.pinned, m.pinnedAt = on, c.now()
		if on {
			ch.lastPin = c.now()
		}
		c.messageEvent("MESSAGE_UPDATE", m)
		if g := c.guilds[ch.guild]; g != nil {
			c.dispatch(event{name: "CHANNEL_PINS_UPDATE", intent: IntentGuilds, guild: g, data: struct {
				guildRef
				ChannelID ID     `json:"channel_id"`
				Last      *stamp `json:"last_pin_timestamp"`
			}{guildRef{g.id}, ch.id, optionalTime(ch.lastPin)}})
			action := auditMessageUnpin
			if on {
				action = auditMessagePin
			}
			c.audit(g, action, m.author.id)
		}
		return noContent()
	}
}

// listPins returns the pinned messages, newest first; the newer route wraps them.
func listPins(wrapped bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		ch, err := c.writable(0)
		if err != nil {
			return 0, nil, err
		}
		type item struct {
			PinnedAt stamp       `json:"pinned_at"`
			Message  wireMessage `json:"message"`
		}
		plain, items := []wireMessage{}, []item{}
		for _, m := range slices.Backward(c.messages[ch.id]) {
			if m.pinned {
				w := c.wireMessage(m, c.app.id)
				plain, items = append(plain, w), append(items, item{stamp(m.pinnedAt), w})
			}
		}
		if wrapped {
			return 200, map[string]any{"items": items, "has_more": false}, nil
		}
		return 200, plain, nil
	}
}

func typing(c *call) (int, any, error) {
	ch, err := c.writable(PermSendMessages)
	if err != nil {
		return 0, nil, err
	}
	type started struct {
		ChannelID ID    `json:"channel_id"`
		GuildID   *ID   `json:"guild_id,omitempty"`
		UserID    ID    `json:"user_id"`
		Timestamp int64 `json:"timestamp"`
	}
	if g := c.guilds[ch.guild]; g != nil {
		c.dispatch(event{name: "TYPING_START", intent: IntentGuildTyping, guild: g, user: c.app.id,
			data: started{ch.id, &g.id, c.app.id, c.now().Unix()}})
	}
	return noContent()
}

// react adds or removes the bot's reaction.
func react(on bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		ch, err := c.writable(PermReadMessageHistory)
		if err != nil {
			return 0, nil, err
		}
		m, err := c.message(ch)
		if err != nil {
			return 0, nil, err
		}
		emoji, err := url.PathUnescape(c.r.PathValue("emoji"))
		if err != nil || emoji == "" {
			return 0, nil, fail(400, 10014, "Unknown Emoji")
		}
		if on && ch.guild != 0 {
			if _, err := c.writable(PermAddReactions); err != nil {
				return 0, nil, err
			}
		}
		c.setReaction(m, ch, emoji, c.app.id, on)
		return noContent()
	}
}
