package rest

import (
	"encoding/base64"
	"slices"
	"strings"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Webhooks of channels. https://docs.discord.com/developers/resources/webhook

// hookName reads a webhook's name, or the one a message is sent with. Which error a forbidden name gets isn't
// documented; this one has been observed.
func hookName(f *form.Form, field string) string {
	name := strings.Join(strings.Fields(f.Str(field, 1, 80)), " ")
	if f.Given(field) && name == "" && !f.Errs.At(field).Bad() {
		f.Errs.At(field).Add("BASE_TYPE_REQUIRED", "This field is required")
	}
	for _, word := range []string{"clyde", "discord"} {
		if strings.Contains(strings.ToLower(name), word) {
			f.Errs.At(field).Add("USERNAME_INVALID_CONTAINS", "Username cannot contain %q", word)
		}
	}
	return name
}

// picture reads image data of one of the media types; null is none.
// https://docs.discord.com/developers/reference#image-data
func picture(f *form.Form, field string, kinds ...string) string {
	if !f.Given(field) {
		return ""
	}
	data := f.Str(field, 0, MaxBody)
	kind, encoded, ok := strings.Cut(strings.TrimPrefix(data, "data:"), ";base64,")
	_, err := base64.StdEncoding.DecodeString(encoded)
	if !strings.HasPrefix(data, "data:") || !ok || err != nil || encoded == "" ||
		!slices.Contains(kinds, kind) {
		f.Errs.At(field).Add("IMAGE_INVALID", "Invalid image data") // the code is a guess
	}
	return data
}

// avatar reads a picture, and returns its hash.
func avatar(f *form.Form) string {
	data := picture(f, "avatar", "image/jpeg", "image/png", "image/gif")
	if data == "" {
		return ""
	}
	return form.BucketHash(data)
}

// showWebhook returns a webhook as the caller sees it. That another application's token isn't shown is a guess.
func (c *call) showWebhook(h *world.Webhook) world.WireWebhook {
	w := h.Wire()
	if u := c.Users[h.Creator]; u != nil {
		by := u.Wire()
		w.User = &by
	}
	if h.App != 0 && h.App != c.me().ID {
		w.Token = ""
	}
	return w
}

func (c *call) showWebhooks(match func(*world.Webhook) bool) (int, any, error) {
	list := []world.WireWebhook{}
	for _, h := range c.WebhooksOf(match) {
		list = append(list, c.showWebhook(h))
	}
	return 200, list, nil
}

// hookable returns a channel whose webhooks the caller manages. That others can't have any is a guess.
func (c *call) hookable() (*world.Guild, *world.Channel, error) {
	g, _, ch, err := c.channelWith(world.PermManageWebhooks)
	if err == nil && !mayHaveWebhooks(ch) {
		err = form.WrongChannelType()
	}
	return g, ch, err
}

func mayHaveWebhooks(ch *world.Channel) bool {
	return ch.Thread == nil && (ch.Texts() || ch.Kind == world.ChannelForum)
}

func createWebhook(c *call) (int, any, error) {
	g, ch, err := c.hookable()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	f.Required("name")
	h := &world.Webhook{Guild: g.ID, Channel: ch.ID, Name: hookName(f, "name"), Avatar: avatar(f),
		Creator: c.me().ID}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if c.hooksIn(ch.ID) >= world.WebhooksPerChannel {
		return 0, nil, form.Fail(400, 30007, "Maximum number of webhooks reached (15)")
	}
	if len(c.WebhooksOf(func(h *world.Webhook) bool { return h.Guild == g.ID })) >= world.WebhooksPerGuild {
		return 0, nil, form.Fail(400, 30058, "Maximum number of webhooks per guild reached (1000)")
	}
	if c.app != nil {
		h.App = c.app.ID
	}
	h.ID, h.Token = c.NextID(), c.Secret(51)
	c.Webhooks[h.ID] = h
	c.WebhooksEvent(g.ID, ch.ID)
	c.audit(g, auditWebhookCreate, h.ID, world.Change{Key: "name", New: h.Name},
		world.Change{Key: "channel_id", New: h.Channel}, world.Change{Key: "type", New: 1})
	return 200, c.showWebhook(h), nil
}

func (c *call) hooksIn(channel world.ID) int {
	return len(c.WebhooksOf(func(h *world.Webhook) bool { return h.Channel == channel }))
}

func listChannelWebhooks(c *call) (int, any, error) {
	_, ch, err := c.hookable()
	if err != nil {
		return 0, nil, err
	}
	return c.showWebhooks(func(h *world.Webhook) bool { return h.Channel == ch.ID })
}

func listGuildWebhooks(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermManageWebhooks)
	if err != nil {
		return 0, nil, err
	}
	return c.showWebhooks(func(h *world.Webhook) bool { return h.Guild == g.ID })
}

// managedWebhook finds a webhook by its id. Its application may read it without a permission, if owned says so.
func (c *call) managedWebhook(owned bool) (*world.Guild, *world.Webhook, error) {
	h := c.Webhooks[c.id("webhook")]
	if h == nil || c.Member(h.Guild, c.me().ID) == nil {
		return nil, nil, form.UnknownWebhook()
	}
	g := c.Guilds[h.Guild]
	if owned && c.app != nil && h.App == c.app.ID {
		return g, h, nil
	}
	if !c.PermsIn(g, g.Members[c.me().ID], c.Channels[h.Channel]).Has(world.PermManageWebhooks) {
		return nil, nil, form.MissingPermissions()
	}
	return g, h, c.checkTwoFactor(g, world.PermManageWebhooks)
}

func getWebhook(c *call) (int, any, error) {
	_, h, err := c.managedWebhook(true)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.showWebhook(h), nil
}

func updateWebhook(c *call) (int, any, error) {
	g, h, err := c.managedWebhook(false)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := changedWebhook(f, h)
	if f.Given("channel_id") {
		draft.Channel = f.ID("channel_id")
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	if draft.Channel != h.Channel {
		if err := c.mayMoveWebhook(g, draft.Channel); err != nil {
			return 0, nil, err
		}
	}
	changes := webhookChanges(h, &draft)
	c.storeWebhook(h, draft)
	c.audit(g, auditWebhookUpdate, h.ID, changes...)
	return 200, c.showWebhook(h), nil
}

// mayMoveWebhook checks where a webhook is moved to. Discord documents nothing about that: this is a guess.
func (c *call) mayMoveWebhook(g *world.Guild, to world.ID) error {
	ch := g.Channels[to]
	switch {
	case ch == nil:
		return form.UnknownChannel()
	case !mayHaveWebhooks(ch):
		return form.WrongChannelType()
	case !c.PermsIn(g, g.Members[c.me().ID], ch).Has(world.PermManageWebhooks):
		return form.MissingPermissions()
	case c.hooksIn(to) >= world.WebhooksPerChannel:
		return form.Fail(400, 30007, "Maximum number of webhooks reached (15)")
	}
	return nil
}

func changedWebhook(f *form.Form, h *world.Webhook) world.Webhook {
	draft := *h
	if f.Given("name") {
		draft.Name = hookName(f, "name")
	}
	if f.Has("avatar") {
		draft.Avatar = avatar(f)
	}
	return draft
}

func webhookChanges(old, now *world.Webhook) (list []world.Change) {
	for _, v := range []world.Change{{Key: "name", Old: old.Name, New: now.Name},
		{Key: "avatar_hash", Old: old.Avatar, New: now.Avatar},
		{Key: "channel_id", Old: old.Channel, New: now.Channel}} {
		if v.Old != v.New {
			list = append(list, v)
		}
	}
	return list
}

func (c *call) storeWebhook(h *world.Webhook, draft world.Webhook) {
	old := h.Channel
	*h = draft
	c.WebhooksEvent(h.Guild, h.Channel)
	if old != h.Channel {
		c.WebhooksEvent(h.Guild, old)
	}
}

func deleteWebhook(c *call) (int, any, error) {
	g, h, err := c.managedWebhook(false)
	if err != nil {
		return 0, nil, err
	}
	c.removeWebhook(h)
	c.audit(g, auditWebhookDelete, h.ID, world.Change{Key: "name", Old: h.Name},
		world.Change{Key: "channel_id", Old: h.Channel}, world.Change{Key: "type", Old: 1})
	return noContent()
}

func (c *call) removeWebhook(h *world.Webhook) {
	delete(c.Webhooks, h.ID)
	c.WebhooksEvent(h.Guild, h.Channel)
}

// webhookByToken finds the channel's webhook in the path; nil: it is none. What is done with a token has nobody who
// did it, so that the audit log has no entry of it: a guess.
func (c *call) webhookByToken() (*world.Webhook, error) {
	h := c.Webhooks[c.id("webhook")]
	if h != nil && h.Token != c.r.PathValue("token") {
		return nil, form.Fail(401, 50027, "Invalid Webhook Token")
	}
	return h, nil
}

// byToken makes a route that needs a channel's webhook and its token.
func byToken(do func(*call, *world.Webhook) (int, any, error)) func(*call) (int, any, error) {
	return byTokenOr(do, func(*call) (int, any, error) { return 0, nil, form.UnknownWebhook() })
}

// byTokenOr makes a route for the webhooks of channels and those of interactions.
func byTokenOr(
	do func(*call, *world.Webhook) (int, any, error), other func(*call) (int, any, error),
) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		h, err := c.webhookByToken()
		switch {
		case err != nil:
			return 0, nil, err
		case h == nil:
			return other(c)
		}
		return do(c, h)
	}
}

func getTokenWebhook(_ *call, h *world.Webhook) (int, any, error) { return 200, h.Wire(), nil }

func updateTokenWebhook(c *call, h *world.Webhook) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	draft := changedWebhook(f, h)
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	c.storeWebhook(h, draft)
	return 200, h.Wire(), nil
}

func deleteTokenWebhook(c *call, h *world.Webhook) (int, any, error) {
	c.removeWebhook(h)
	return noContent()
}

// executeWebhook sends a message. Errors in it are reported without wait, too.
func executeWebhook(c *call, h *world.Webhook) (int, any, error) {
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	g, parent := c.Guilds[h.Guild], c.Channels[h.Channel]
	ch, post, err := c.hookTarget(h, parent, f)
	if err != nil {
		return 0, nil, err
	}
	name, face := h.Name, h.Avatar
	if f.Given("username") {
		name = hookName(f, "username")
	}
	if f.Given("avatar_url") {
		if url := f.Address("avatar_url", 2048); url != "" {
			face = form.BucketHash(url)
		}
	}
	m := &world.Message{ID: c.NextID(), Guild: h.Guild, Author: h.Author(name, face), Webhook: h.ID,
		App: c.Apps[h.App]}
	if post != nil {
		ch, m.ID = post, post.ID
	}
	m.Channel = ch.ID
	if err := c.readHookMessage(f, m, h, false); err != nil {
		return 0, nil, err
	}
	if post != nil {
		if err := c.mayAddThread(g); err != nil {
			return 0, nil, err
		}
		parent.LastMessage = post.ID
		c.AddThread(g, post)
	}
	c.AddMessage(m)
	if !c.queryYes("wait") {
		return noContent()
	}
	return 200, c.WireMessage(m, h.ID), nil
}

// hookTarget finds where a webhook's message goes: its channel, a thread there, or a new post of a forum.
func (c *call) hookTarget(h *world.Webhook, parent *world.Channel, f *form.Form) (ch, post *world.Channel, err error) {
	thread, err := c.queryID("thread_id")
	if err != nil {
		return nil, nil, err
	}
	forum, named := parent.Kind == world.ChannelForum, f.Given("thread_name")
	switch {
	case named && !forum:
		return nil, nil, form.Fail(400, 220003, "Webhooks can only create threads in forum channels")
	case named && thread != 0:
		return nil, nil, form.Fail(400, 220002,
			"Webhooks posted to forum channels cannot have both a thread_name and thread_id")
	case forum && !named && thread == 0:
		return nil, nil, form.Fail(400, 220001,
			"Webhooks posted to forum channels must have a thread_name or thread_id")
	case named:
		post := c.newThread(h.ID, parent, world.ChannelPublicThread)
		post.Name = f.Str("thread_name", 1, 100)
		post.Thread.Tags = readTags(f, parent, 0)
		return nil, post, nil
	case thread == 0:
		return parent, nil, nil
	}
	ch = c.Channels[thread]
	if ch == nil || ch.Thread == nil || ch.Parent != h.Channel {
		return nil, nil, form.UnknownChannel()
	}
	return ch, nil, mayWriteInThread(ch, 0) // that a locked one stays closed to webhooks is a guess
}

// readHookMessage reads a webhook's message. Components that do something are for webhooks of applications alone, and
// others' are ignored without with_components. How Discord refuses them isn't documented: a guess.
func (c *call) readHookMessage(f *form.Form, m *world.Message, h *world.Webhook, partial bool) error {
	if h.App == 0 && !c.queryYes("with_components") {
		delete(f.Fields, "components")
	}
	if err := c.ReadMessage(f, m, c.files, partial, true); err != nil {
		return err
	}
	if h.App == 0 && interactive(m.Components) {
		return form.Invalid("components", "WEBHOOK_COMPONENTS_INTERACTIVE",
			"Only webhooks of applications can send interactive components.")
	}
	return nil
}

func interactive(list []world.Component) bool {
	return slices.ContainsFunc(list, func(p world.Component) bool {
		return p.CustomID() != "" || interactive(p.Children())
	})
}

// hookMessage finds the message in the path, sent by the webhook.
func (c *call) hookMessage(h *world.Webhook) (*world.Message, error) {
	channel, err := c.queryID("thread_id")
	if err != nil {
		return nil, err
	}
	if channel == 0 {
		channel = h.Channel
	} else if t := c.Channels[channel]; t == nil || t.Parent != h.Channel {
		return nil, form.UnknownChannel()
	}
	m := c.FindMessage(channel, c.id("message"))
	if m == nil || m.Webhook != h.ID {
		return nil, form.UnknownMessage()
	}
	return m, nil
}

func getHookMessage(c *call, h *world.Webhook) (int, any, error) {
	m, err := c.hookMessage(h)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.WireMessage(m, h.ID), nil
}

func updateHookMessage(c *call, h *world.Webhook) (int, any, error) {
	m, err := c.hookMessage(h)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	if err := mayChangeIn(c.Channels[m.Channel]); err != nil {
		return 0, nil, err
	}
	draft := *m
	if err := c.readHookMessage(f, &draft, h, true); err != nil {
		return 0, nil, err
	}
	if err := c.checkOldEdit(c.Channels[m.Channel], m); err != nil {
		return 0, nil, err
	}
	draft.Edited = c.Now()
	*m = draft
	c.MessageEvent("MESSAGE_UPDATE", m)
	return 200, c.WireMessage(m, h.ID), nil
}

func deleteHookMessage(c *call, h *world.Webhook) (int, any, error) {
	m, err := c.hookMessage(h)
	if err != nil {
		return 0, nil, err
	}
	c.RemoveMessage(m)
	return noContent()
}
