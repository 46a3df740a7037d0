package rest

import (
	"slices"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// writable returns the channel in the path if the bot may write there.
func (c *call) writable(p world.Permissions) (*world.Channel, error) {
	ch, err := c.channel()
	if err != nil {
		return nil, err
	}
	if !ch.Texts() {
		return nil, form.Fail(400, 50008, "Cannot send messages in a non-text channel")
	}
	if ch.Guild != 0 && !c.PermsIn(c.Guilds[ch.Guild], c.Member(ch.Guild, c.me().ID), ch).Has(p) {
		return nil, form.MissingPermissions()
	}
	return ch, nil
}

func (c *call) message(ch *world.Channel) (*world.Message, error) {
	m := c.FindMessage(ch.ID, c.id("message"))
	if m == nil || m.Only != 0 {
		return nil, form.UnknownMessage()
	}
	return m, nil
}

func createMessage(c *call) (int, any, error) {
	ch, err := c.writable(world.PermSendMessages)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	everyone := true
	p := world.AllPermissions
	if ch.Guild == 0 {
		if err := c.mayWriteTo(ch); err != nil {
			return 0, nil, err
		}
	} else {
		p = c.PermsIn(c.Guilds[ch.Guild], c.Member(ch.Guild, c.me().ID), ch)
		everyone = p.Has(world.PermMentionEveryone)
		if len(c.files) > 0 && !p.Has(world.PermAttachFiles) || f.Yes("tts") && !p.Has(world.PermSendTTSMessages) {
			return 0, nil, form.MissingPermissions()
		}
		if f.Given("message_reference") && !p.Has(world.PermReadMessageHistory) {
			return 0, nil, form.Fail(403, 160002, "Cannot reply without permission to read message history")
		}
	}
	if err := mayWriteInThread(ch, p); err != nil {
		return 0, nil, err
	}
	if err := c.asPersonMayWrite(ch, f, p); err != nil {
		return 0, nil, err
	}
	if nonce := f.Fields["nonce"]; f.Given("nonce") && f.Yes("enforce_nonce") {
		for _, old := range c.Messages[ch.ID] {
			if string(old.Nonce) == string(nonce) && old.Author.ID == c.me().ID {
				return 200, c.WireMessage(old, c.me().ID), nil
			}
		}
	}
	m := &world.Message{ID: c.NextID(), Channel: ch.ID, Guild: ch.Guild, Author: c.me()}
	f.Str("nonce", 0, 25) // or a number
	if err := c.ReadMessage(f, m, c.files, false, everyone); err != nil {
		return 0, nil, err
	}
	if f.Given("nonce") {
		m.Nonce = f.Fields["nonce"]
	}
	if ref := f.Object("message_reference"); ref != nil {
		if err := c.reply(m, ref, f); err != nil {
			return 0, nil, err
		}
	}
	if err := c.moderate(moderatedContent, m, func() {
		c.Spoke(ch, m)
		c.AddMessage(m)
	}); err != nil {
		return 0, nil, err
	}
	return 200, c.WireMessage(m, c.me().ID), nil
}

// answerable are the types of messages that aren't system messages: written ones, replies, and those of commands.
var answerable = []int{0, 19, 20, 23}

func (c *call) reply(m *world.Message, ref, f *form.Form) error {
	if ref.Num("type", 0, 1) == 1 {
		return form.Invalid("message_reference", "SIMULATOR_HAS_NONE", "The simulated Discord has no forwards.")
	}
	id := ref.ID("message_id")
	must := !ref.Given("fail_if_not_exists") || ref.Yes("fail_if_not_exists")
	if err := ref.Errs.Err(); err != nil {
		return err
	}
	old := c.FindMessage(m.Channel, id)
	if old == nil || old.Only != 0 {
		if must {
			return form.Invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
		}
		return nil
	}
	if !slices.Contains(answerable, old.Kind) {
		return form.Invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
			"Cannot reply to a system message")
	}
	m.Kind, m.RefChannel, m.RefMessage = 19, m.Channel, id
	if rules := world.ReadMentionRules(f, false); rules.Replied && !slices.Contains(m.Mentions, old.Author.ID) {
		m.Mentions = append(m.Mentions, old.Author.ID)
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
	var around, before, after world.ID
	for name, to := range map[string]*world.ID{"around": &around, "before": &before, "after": &after} {
		if *to, err = c.queryID(name); err != nil {
			return 0, nil, err
		}
	}
	list := []world.WireMessage{}
	if ch.Guild != 0 &&
		!c.PermsIn(c.Guilds[ch.Guild], c.Member(ch.Guild, c.me().ID), ch).Has(world.PermReadMessageHistory) {
		return 200, list, nil
	}
	shown := slices.DeleteFunc(slices.Clone(c.Messages[ch.ID]), func(m *world.Message) bool {
		return m.Only != 0 || before != 0 && m.ID >= before || m.ID <= after
	})
	switch {
	case around != 0:
		i, _ := slices.BinarySearchFunc(shown, around,
			func(m *world.Message, id world.ID) int { return world.CompareIDs(m.ID, id) })
		shown = shown[max(0, i-limit/2):min(len(shown), i+limit/2+1)]
	case after != 0:
		shown = shown[:min(len(shown), limit)]
	default:
		shown = shown[max(0, len(shown)-limit):]
	}
	for _, m := range slices.Backward(shown) {
		list = append(list, c.WireMessage(m, c.me().ID))
	}
	return 200, list, nil
}

// messageIn finds a request's message, in a channel where the application has the permissions.
func (c *call) messageIn(need world.Permissions) (*world.Channel, *world.Message, error) {
	ch, err := c.writable(need)
	if err != nil {
		return nil, nil, err
	}
	m, err := c.message(ch)
	return ch, m, err
}

func getMessage(c *call) (int, any, error) {
	_, m, err := c.messageIn(world.PermReadMessageHistory)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.WireMessage(m, c.me().ID), nil
}

func updateMessage(c *call) (int, any, error) {
	ch, m, err := c.messageIn(0)
	if err != nil {
		return 0, nil, err
	}
	if m.Author.ID != c.me().ID {
		return 0, nil, form.Fail(403, 50005, "Cannot edit a message authored by another user")
	}
	if err := mayChangeIn(ch); err != nil {
		return 0, nil, err
	}
	if err := c.checkOldEdit(ch, m); err != nil {
		return 0, nil, err
	}
	return c.editMessage(m)
}

// editMessage changes a message according to the request's body.
func (c *call) editMessage(m *world.Message) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := *m
	if err := c.ReadMessage(f, &draft, c.files, true, false); err != nil {
		return 0, nil, err
	}
	draft.Edited = c.Now()
	if err := c.moderate(moderatedContent, &draft, func() {
		*m = draft
		c.MessageEvent("MESSAGE_UPDATE", m)
	}); err != nil {
		return 0, nil, err
	}
	return 200, c.WireMessage(m, c.me().ID), nil
}

func deleteMessage(c *call) (int, any, error) {
	ch, m, err := c.messageIn(0)
	if err != nil {
		return 0, nil, err
	}
	if m.Author.ID != c.me().ID {
		if ch.Guild == 0 {
			return 0, nil, form.Fail(403, 50003, "Cannot execute action on a DM channel")
		}
		if _, err := c.writable(world.PermManageMessages); err != nil {
			return 0, nil, err
		}
		if err := mayChangeIn(ch); err != nil {
			return 0, nil, err
		}
		c.audit(c.Guilds[ch.Guild], auditMessageDelete, m.Author.ID)
	}
	if err := mayChangeIn(ch); err != nil {
		return 0, nil, err
	}
	c.RemoveMessage(m)
	return noContent()
}

func bulkDelete(c *call) (int, any, error) {
	g, _, ch, err := c.channelWith(world.PermManageMessages)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Required("messages")
	ids := f.IDs("messages", 1000)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if len(ids) < 2 || len(ids) > 100 {
		return 0, nil, form.Fail(400, 50016,
			"Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages to "+
				"delete.")
	}
	gone := []world.ID{}
	for _, id := range ids {
		if m := c.FindMessage(ch.ID, id); m != nil && m.Only == 0 {
			c.Messages[ch.ID] = slices.DeleteFunc(c.Messages[ch.ID], func(x *world.Message) bool { return x == m })
			c.Watcher.MessageChanged(c.State, "MESSAGE_DELETE", m, ch)
			gone = append(gone, id)
		}
	}
	c.Dispatch(world.Event{Name: "MESSAGE_DELETE_BULK", Intent: world.IntentGuildMessages, Guild: g, Data: struct {
		IDs       []world.ID `json:"ids"`
		ChannelID world.ID   `json:"channel_id"`
		world.GuildRef
	}{gone, ch.ID, world.GuildRef{GuildID: g.ID}}})
	c.audit(g, auditMessageBulk, ch.ID)
	return noContent()
}

// pin pins or unpins a message.
func pin(on bool) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		ch, err := c.writable(0)
		if err != nil {
			return 0, nil, err
		}
		if ch.Guild != 0 {
			p := c.PermsIn(c.Guilds[ch.Guild], c.Member(ch.Guild, c.me().ID), ch)
			if !p.Has(world.PermManageMessages) && !p.Has(world.PermPinMessages) {
				return 0, nil, form.MissingPermissions()
			}
		}
		m, err := c.message(ch)
		if err != nil {
			return 0, nil, err
		}
		if m.Pinned == on {
			return noContent()
		}
		m.Pinned, m.PinnedAt = on, c.Now()
		if on {
			ch.LastPin = c.Now()
		}
		c.MessageEvent("MESSAGE_UPDATE", m)
		if g := c.Guilds[ch.Guild]; g != nil {
			c.Dispatch(world.Event{Name: "CHANNEL_PINS_UPDATE", Intent: world.IntentGuilds, Guild: g, Data: struct {
				world.GuildRef
				ChannelID world.ID     `json:"channel_id"`
				Last      *world.Stamp `json:"last_pin_timestamp"`
			}{world.GuildRef{GuildID: g.ID}, ch.ID, world.OptionalTime(ch.LastPin)}})
			action := auditMessageUnpin
			if on {
				action = auditMessagePin
			}
			c.audit(g, action, m.Author.ID)
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
			PinnedAt world.Stamp       `json:"pinned_at"`
			Message  world.WireMessage `json:"message"`
		}
		plain, items := []world.WireMessage{}, []item{}
		for _, m := range slices.Backward(c.Messages[ch.ID]) {
			if m.Pinned {
				w := c.WireMessage(m, c.me().ID)
				plain, items = append(plain, w), append(items, item{world.Stamp(m.PinnedAt), w})
			}
		}
		if wrapped {
			return 200, map[string]any{"items": items, "has_more": false}, nil
		}
		return 200, plain, nil
	}
}

func typing(c *call) (int, any, error) {
	ch, err := c.writable(world.PermSendMessages)
	if err != nil {
		return 0, nil, err
	}
	type started struct {
		ChannelID world.ID  `json:"channel_id"`
		GuildID   *world.ID `json:"guild_id,omitempty"`
		UserID    world.ID  `json:"user_id"`
		Timestamp int64     `json:"timestamp"`
	}
	if g := c.Guilds[ch.Guild]; g != nil {
		c.Dispatch(world.Event{Name: "TYPING_START", Intent: world.IntentGuildTyping, Guild: g, User: c.me().ID,
			Data: started{ch.ID, &g.ID, c.me().ID, c.Now().Unix()}})
	}
	return noContent()
}
