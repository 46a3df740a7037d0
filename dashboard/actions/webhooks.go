package actions

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/session"
	"snug/dashboard/wire"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/webhook"
)

var errNoHook = errs.E(errs.NotFound, "That webhook no longer exists. Reload the page.")

// Webhooks gives a server's webhooks, the oldest first.
func (a *Actions) Webhooks(ctx context.Context, g snowflake.ID) ([]webhook.Hook, error) {
	entries, err := a.o.Hub.Webhooks.List(ctx, g.String())
	if err != nil {
		return nil, err
	}
	var out []webhook.Hook
	for _, e := range entries {
		out = append(out, e.Value)
	}
	slices.SortFunc(out, func(a, b webhook.Hook) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out, nil
}

// Webhook gives one of a server's webhooks. It fails with errs.NotFound.
func (a *Actions) Webhook(ctx context.Context, g snowflake.ID, id string) (webhook.Hook, error) {
	if len(id) > 40 {
		return webhook.Hook{}, errNoHook
	}
	h, _, err := a.o.Hub.Webhooks.Get(ctx, webhook.Hook{GuildID: g, ID: id}.Key())
	if errs.Has(err, errs.NotFound) || errs.Has(err, errs.Invalid) {
		return h, errNoHook
	}
	return h, err
}

// AddWebhook keeps a new webhook, and gives the secret to show once. repeatID is the same for each repetition of a
// request that may be repeated; "": it may not.
func (a *Actions) AddWebhook(
	ctx context.Context, me *session.Session, guildID snowflake.ID, in wire.HookInput, repeatID string,
) (webhook.Hook, string, error) {
	h := webhook.Hook{GuildID: guildID, Name: in.Name, URL: in.URL, Kinds: in.Kinds, By: me.User.ID}
	if err := h.Check(); err != nil {
		return h, "", err
	}
	have, err := a.Webhooks(ctx, h.GuildID)
	if err != nil {
		return h, "", err
	}
	h.ID = webhook.NewID()
	if repeatID != "" {
		h.ID = repeatID[:16]
	}
	// an earlier try made it, and its secret reached nobody
	again := slices.ContainsFunc(have, func(o webhook.Hook) bool { return o.ID == h.ID })
	if len(have) >= webhook.MaxPerGuild && !again {
		return h, "", errs.E(errs.Conflict, "This server already has %d webhooks, the maximum. Remove one first.",
			webhook.MaxPerGuild)
	}
	if err := a.note(ctx, me, h.GuildID, audit.WebhookCreated, h.Name, ""); err != nil {
		return h, "", err
	}
	if h.Cursor, err = a.o.Hub.Audit.Newest(ctx); err != nil { // it is told what happens from now on
		return h, "", err
	}
	secret := webhook.NewSecret()
	h.CreatedAt, h.Enabled = a.now().UTC(), true
	h.Secret = a.o.Keys.Seal(secret, "webhook "+h.Key())
	write := a.o.Hub.Webhooks.Create
	if again {
		write = a.o.Hub.Webhooks.Put
	}
	if _, err := write(ctx, h.Key(), h); err != nil {
		return h, "", err
	}
	a.log.InfoContext(ctx, "a webhook was made", "guild_id", h.GuildID, "user_id", h.By)
	return h, webhook.SecretText(secret), nil
}

// changed names what is different about a webhook, for the audit log.
func changed(was, is webhook.Hook, secret bool) string {
	var out []string
	for _, w := range []struct {
		word    string
		changed bool
	}{
		{"name", was.Name != is.Name}, {"address", was.URL != is.URL}, {"events", !slices.Equal(was.Kinds, is.Kinds)},
		{"secret", secret},
		{"on", is.Enabled && !was.Enabled}, {"off", was.Enabled && !is.Enabled},
	} {
		if w.changed {
			out = append(out, w.word)
		}
	}
	return strings.Join(out, ",")
}

// ChangeWebhook changes a webhook, and gives its secret if that was made anew.
func (a *Actions) ChangeWebhook(
	ctx context.Context, me *session.Session, g snowflake.ID, id string, in wire.HookPatch,
) (h webhook.Hook, text string, err error) {
	if h, err = a.Webhook(ctx, g, id); err != nil {
		return h, "", err
	}
	if err := ofNow(ctx); err != nil {
		return h, "", err
	}
	trial := h
	if in.Apply(&trial); trial.Check() == nil {
		if what := changed(h, trial, in.Renew); what != "" {
			err = a.note(ctx, me, g, audit.WebhookChanged, h.Name, what)
		}
	}
	if err != nil {
		return h, "", err
	}
	newest, err := a.o.Hub.Audit.Newest(ctx)
	if err != nil {
		return h, "", err
	}
	secret := webhook.NewSecret()
	h, _, err = a.o.Hub.Webhooks.Edit(ctx, h.Key(), func(h *webhook.Hook) error {
		was := h.Enabled
		in.Apply(h)
		if h.Enabled && !was { // what happened while it was off is not told
			h.Stopped, h.Cursor = "", newest
		}
		if in.Renew {
			h.Secret = a.o.Keys.Seal(secret, "webhook "+h.Key())
		}
		return h.Check()
	})
	if errs.Has(err, errs.NotFound) {
		err = errNoHook
	}
	if err == nil && in.Renew {
		text = webhook.SecretText(secret)
	}
	return h, text, err
}

// RemoveWebhook removes a webhook and what is kept of its deliveries. It fails with errs.NotFound.
func (a *Actions) RemoveWebhook(ctx context.Context, me *session.Session, g snowflake.ID, id string) error {
	h, err := a.Webhook(ctx, g, id)
	if err == nil {
		err = a.note(ctx, me, g, audit.WebhookRemoved, h.Name, "")
	}
	if err != nil {
		return err
	}
	if err := a.o.Hub.Webhooks.Delete(ctx, h.Key()); err != nil {
		return err
	}
	keys, err := a.o.Hub.Deliveries.Keys(ctx, h.Key())
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := a.o.Hub.Deliveries.Delete(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// Deliveries gives what a webhook was told, the newest first.
func (a *Actions) Deliveries(ctx context.Context, h webhook.Hook) ([]webhook.Delivery, error) {
	entries, err := a.o.Hub.Deliveries.List(ctx, h.Key())
	if err != nil {
		return nil, err
	}
	var out []webhook.Delivery
	for _, e := range entries {
		out = append(out, e.Value)
	}
	slices.SortFunc(out, func(a, b webhook.Delivery) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	return out, nil
}

// PingWebhook sends a message that only tries whether it works.
func (a *Actions) PingWebhook(ctx context.Context, g snowflake.ID, id string) (webhook.Delivery, error) {
	h, err := a.Webhook(ctx, g, id)
	if err == nil {
		err = ofNow(ctx)
	}
	if err != nil {
		return webhook.Delivery{}, err
	}
	d, err := webhook.NewDelivery(h, "ping-"+webhook.NewID(), webhook.Ping, a.now(), struct {
		GuildID snowflake.ID `json:"guild_id"`
	}{g}, a.now())
	if err == nil {
		_, err = a.o.Hub.Deliveries.Create(ctx, d.Key(), d)
	}
	return d, err
}

// ReplayDelivery sends a message once more, under the same id.
func (a *Actions) ReplayDelivery(ctx context.Context, g snowflake.ID, id, message string) (webhook.Delivery, error) {
	gone := errs.E(errs.NotFound, "This message is no longer stored.")
	h, err := a.Webhook(ctx, g, id)
	if err == nil {
		err = ofNow(ctx)
	}
	if err != nil {
		return webhook.Delivery{}, err
	}
	if len(message) > 100 {
		return webhook.Delivery{}, gone
	}
	key := webhook.Delivery{GuildID: g, HookID: h.ID, ID: message}.Key()
	d, _, err := a.o.Hub.Deliveries.Edit(ctx, key, func(d *webhook.Delivery) error {
		d.Again(a.now())
		return nil
	})
	if errs.Has(err, errs.NotFound) || errs.Has(err, errs.Invalid) {
		err = gone
	}
	return d, err
}
