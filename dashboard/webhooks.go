package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/webhook"
)

// Webhooks are documents in the hub; the process that keeps the guild sends to them (bot/webhooks).

var errNoHook = errs.E(errs.NotFound, "There is no such webhook any more.")

func (s *Server) hooks(ctx context.Context, g snowflake.ID) ([]webhook.Hook, error) {
	entries, err := s.o.Hub.Webhooks.List(ctx, g.String())
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

func (s *Server) hook(ctx context.Context, g snowflake.ID, id string) (webhook.Hook, error) {
	if len(id) > 40 {
		return webhook.Hook{}, errNoHook
	}
	h, _, err := s.o.Hub.Webhooks.Get(ctx, webhook.Hook{GuildID: g, ID: id}.Key())
	if errs.Has(err, errs.NotFound) || errs.Has(err, errs.Invalid) {
		return h, errNoHook
	}
	return h, err
}

// addHook keeps a new webhook, and gives the secret to show once.
func (s *Server) addHook(ctx context.Context, me *session.Session, h webhook.Hook) (webhook.Hook, string, error) {
	h.By = me.User.ID
	if err := h.Check(); err != nil {
		return h, "", err
	}
	have, err := s.hooks(ctx, h.GuildID)
	if err != nil {
		return h, "", err
	}
	h.ID = webhook.NewID()
	if id := api.RepeatID(ctx); id != "" {
		h.ID = id[:16]
	}
	again := slices.ContainsFunc(have, func(o webhook.Hook) bool { return o.ID == h.ID }) // an earlier try made it, and its secret reached nobody
	if len(have) >= webhook.MaxPerGuild && !again {
		return h, "", errs.E(errs.Conflict, "There are %d webhooks already, which is the most. Please remove one.", webhook.MaxPerGuild)
	}
	if err := s.note(ctx, me, h.GuildID, audit.EntryWebhookMade, h.Name, ""); err != nil {
		return h, "", err
	}
	if h.Cursor, err = s.o.Hub.Audit.Newest(ctx); err != nil { // it is told what happens from now on
		return h, "", err
	}
	secret := webhook.NewSecret()
	h.CreatedAt, h.Enabled = s.now().UTC(), true
	h.Secret = s.o.Keys.Seal(secret, "webhook "+h.Key())
	write := s.o.Hub.Webhooks.Create
	if again {
		write = s.o.Hub.Webhooks.Put
	}
	if _, err := write(ctx, h.Key(), h); err != nil {
		return h, "", err
	}
	s.log.InfoContext(ctx, "a webhook was made", "guild_id", h.GuildID, "user_id", h.By)
	return h, webhook.SecretText(secret), nil
}

// hookChange is what somebody does to a webhook.
type hookChange struct {
	renew bool // its secret is made anew, to be shown once
	apply func(*webhook.Hook)
}

// words name what a change makes of a webhook that was different before, for the audit log.
func (c hookChange) words(was, is webhook.Hook) string {
	var out []string
	for _, w := range []struct {
		word    string
		changed bool
	}{
		{"name", was.Name != is.Name}, {"address", was.URL != is.URL}, {"events", !slices.Equal(was.Kinds, is.Kinds)}, {"secret", c.renew},
		{"on", is.Enabled && !was.Enabled}, {"off", was.Enabled && !is.Enabled},
	} {
		if w.changed {
			out = append(out, w.word)
		}
	}
	return strings.Join(out, ",")
}

// changeHook changes a webhook, and gives its secret if that was made anew.
func (s *Server) changeHook(ctx context.Context, me *session.Session, g snowflake.ID, id string, c hookChange) (h webhook.Hook, text string, err error) {
	if h, err = s.hook(ctx, g, id); err != nil {
		return h, "", err
	}
	trial := h
	if c.apply(&trial); trial.Check() == nil {
		if what := c.words(h, trial); what != "" {
			err = s.note(ctx, me, g, audit.EntryWebhookChanged, h.Name, what)
		}
	}
	if err != nil {
		return h, "", err
	}
	newest, err := s.o.Hub.Audit.Newest(ctx)
	if err != nil {
		return h, "", err
	}
	secret := webhook.NewSecret()
	h, _, err = s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(h *webhook.Hook) error {
		was := h.Enabled
		c.apply(h)
		if h.Enabled && !was { // what happened while it was off is not told
			h.Stopped, h.Cursor = "", newest
		}
		if c.renew {
			h.Secret = s.o.Keys.Seal(secret, "webhook "+h.Key())
		}
		return h.Check()
	})
	if errs.Has(err, errs.NotFound) {
		err = errNoHook
	}
	if err == nil && c.renew {
		text = webhook.SecretText(secret)
	}
	return h, text, err
}

func (s *Server) dropHook(ctx context.Context, me *session.Session, g snowflake.ID, id string) error {
	h, err := s.hook(ctx, g, id)
	if err == nil {
		err = s.note(ctx, me, g, audit.EntryWebhookRemoved, h.Name, "")
	}
	if err != nil {
		return err
	}
	if err := s.o.Hub.Webhooks.Delete(ctx, h.Key()); err != nil {
		return err
	}
	keys, err := s.o.Hub.Deliveries.Keys(ctx, h.Key())
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := s.o.Hub.Deliveries.Delete(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// deliveries gives what a webhook was told, the newest first.
func (s *Server) deliveries(ctx context.Context, h webhook.Hook) ([]webhook.Delivery, error) {
	entries, err := s.o.Hub.Deliveries.List(ctx, h.Key())
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

// pingHook sends a message that only tries whether it works.
func (s *Server) pingHook(ctx context.Context, g snowflake.ID, id string) (webhook.Delivery, error) {
	h, err := s.hook(ctx, g, id)
	if err != nil {
		return webhook.Delivery{}, err
	}
	d, err := webhook.NewDelivery(h, "ping-"+webhook.NewID(), webhook.Ping, s.now(), struct {
		GuildID snowflake.ID `json:"guild_id"`
	}{g}, s.now())
	if err == nil {
		_, err = s.o.Hub.Deliveries.Create(ctx, d.Key(), d)
	}
	return d, err
}

// replay sends a message once more, under the same id.
func (s *Server) replay(ctx context.Context, g snowflake.ID, id, message string) (webhook.Delivery, error) {
	gone := errs.E(errs.NotFound, "This message is not kept any more.")
	h, err := s.hook(ctx, g, id)
	if err != nil {
		return webhook.Delivery{}, err
	}
	if len(message) > 100 {
		return webhook.Delivery{}, gone
	}
	d, _, err := s.o.Hub.Deliveries.Edit(ctx, webhook.Delivery{GuildID: g, HookID: h.ID, ID: message}.Key(), func(d *webhook.Delivery) error {
		d.Again(s.now())
		return nil
	})
	if errs.Has(err, errs.NotFound) || errs.Has(err, errs.Invalid) {
		err = gone
	}
	return d, err
}

// webhooksPage shows a server's webhooks and what they were told.
func (s *Server) webhooksPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showWebhooks(c, g, http.StatusOK, webhook.Hook{}, "", nil)
}

func (s *Server) showWebhooks(c *gin.Context, g room.GuildInfo, status int, form webhook.Hook, secret string, wrong *errs.Error) error {
	ctx := c.Request.Context()
	list, err := s.hooks(ctx, g.ID)
	if err != nil {
		return err
	}
	p := &view.Webhooks{AdminTab: s.adminTab(c, g, "admin.webhooks"), Kinds: audit.EntryKinds(), Form: form, Secret: secret, Err: wrong}
	for _, h := range list {
		d, err := s.deliveries(ctx, h)
		if err != nil {
			return err
		}
		p.Hooks = append(p.Hooks, view.WebhookCard{Hook: h, Deliveries: d[:min(len(d), 20)]})
	}
	return s.page(c, status, p)
}

// saveWebhook does what a form of the webhooks' page asks: make, switch on or off, remove, renew, ping, replay.
func (s *Server) saveWebhook(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	f, err := postForm(c.Request)
	if err != nil {
		return err
	}
	ctx, id, secret := c.Request.Context(), f.Get("id"), ""
	switch f.Get("do") {
	case "on", "off":
		_, _, err = s.changeHook(ctx, me, g.ID, id, hookChange{apply: func(h *webhook.Hook) { h.Enabled = f.Get("do") == "on" }})
	case "remove":
		err = s.dropHook(ctx, me, g.ID, id)
	case "renew":
		_, secret, err = s.changeHook(ctx, me, g.ID, id, hookChange{renew: true, apply: func(*webhook.Hook) {}})
	case "ping":
		_, err = s.pingHook(ctx, g.ID, id)
	case "replay":
		_, err = s.replay(ctx, g.ID, id, f.Get("message"))
	default:
		h := webhook.Hook{GuildID: g.ID, Name: f.Get("name"), URL: f.Get("url")}
		for _, k := range f["kinds"] {
			h.Kinds = append(h.Kinds, audit.EntryKind(k))
		}
		_, secret, err = s.addHook(ctx, me, h)
		if errs.Has(err, errs.Invalid) || errs.Has(err, errs.Conflict) {
			s.logFailure(c, statusOf(err), err)
			return s.showWebhooks(c, g, statusOf(err), h, "", errs.Public(err))
		}
	}
	if err != nil {
		return err
	}
	if secret != "" { // shown in the answer to the form, and never again
		return s.showWebhooks(c, g, http.StatusOK, webhook.Hook{}, secret, nil)
	}
	c.Redirect(http.StatusSeeOther, "/admin/"+g.ID.String()+"/webhooks")
	return nil
}

type (
	hookJSON struct {
		ID        string            `json:"id"`
		Name      string            `json:"name"`
		URL       string            `json:"url"`
		Kinds     []audit.EntryKind `json:"kinds" nullable:"false" doc:"What it is told; empty: everything."`
		Enabled   bool              `json:"enabled"`
		Stopped   string            `json:"stopped,omitempty" doc:"Why Snug switched it off."`
		CreatedAt time.Time         `json:"created_at"`
		Secret    string            `json:"secret,omitempty" doc:"Told once: when it is made, and when the secret is made anew."`
	}
	hooksJSON struct {
		Webhooks []hookJSON `json:"webhooks" nullable:"false"`
	}
	hookInput struct {
		Name  string            `json:"name"`
		URL   string            `json:"url"`
		Kinds []audit.EntryKind `json:"kinds" required:"false"`
	}
	hookPatch struct {
		Name    *string            `json:"name" required:"false"`
		URL     *string            `json:"url" required:"false"`
		Kinds   *[]audit.EntryKind `json:"kinds" required:"false"`
		Enabled *bool              `json:"enabled" required:"false"`
		Renew   bool               `json:"renew_secret" required:"false" doc:"Make a new secret; the old one ends at once."`
	}
	tryJSON struct {
		At     time.Time `json:"at"`
		Status int       `json:"status" doc:"0: there was no answer."`
		Wrong  string    `json:"wrong,omitempty"`
		Millis int64     `json:"ms"`
	}
	deliveryJSON struct {
		ID     string        `json:"id" doc:"The message's webhook-id, the same at every try."`
		Kind   string        `json:"kind"`
		At     time.Time     `json:"at"`
		State  webhook.State `json:"state" enum:"pending,done,failed"`
		NextAt *time.Time    `json:"next_at"`
		Tries  []tryJSON     `json:"tries" nullable:"false"`
	}
	deliveriesJSON struct {
		Deliveries []deliveryJSON `json:"deliveries" nullable:"false"`
	}
)

func newHookJSON(h webhook.Hook, secret string) hookJSON {
	out := hookJSON{ID: h.ID, Name: h.Name, URL: h.URL, Kinds: h.Kinds, Enabled: h.Enabled, Stopped: h.Stopped, CreatedAt: h.CreatedAt, Secret: secret}
	if out.Kinds == nil {
		out.Kinds = []audit.EntryKind{}
	}
	return out
}

func newDeliveryJSON(d webhook.Delivery) deliveryJSON {
	out := deliveryJSON{ID: d.ID, Kind: d.Kind, At: d.At, State: d.State, Tries: []tryJSON{}}
	if !d.NextAt.IsZero() {
		out.NextAt = &d.NextAt
	}
	for _, t := range d.Tries {
		out.Tries = append(out.Tries, tryJSON{t.At, t.Status, t.Wrong, t.Took.Milliseconds()})
	}
	return out
}

// HookPath is the path of a webhook.
type HookPath struct {
	GuildPath
	Hook string `path:"hook" doc:"The webhook's id."`
}

func (s *Server) apiWebhooks() {
	read, write := api.Access{Scope: api.WebhooksRead}, api.Access{Scope: api.WebhooksWrite, Limit: api.Writes}
	const base = "/guilds/{guild}/webhooks"
	api.Register(s.api, api.Operation{ID: "webhooks", Method: http.MethodGet, Path: base, Tag: "Webhooks", Summary: "A server's webhooks", Access: read}, s.listHooks)
	api.Register(s.api, api.Operation{
		ID: "create-webhook", Method: http.MethodPost, Path: base, Tag: "Webhooks", Summary: "Make a webhook", Status: http.StatusCreated, Repeat: &api.Repeat{Still: s.stillManaging, Secrets: []string{"secret"}}, Access: write,
		Description: "It is told what happens from now on, signed as [Standard Webhooks](https://www.standardwebhooks.com) say. Addresses that are not on the public internet are not called, and redirects not followed.",
	}, func(ctx context.Context, who *api.Caller, in *struct {
		GuildPath
		Body hookInput
	}) (*answer[hookJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		h, secret, err := s.addHook(ctx, who.Session, webhook.Hook{GuildID: g.ID, Name: in.Body.Name, URL: in.Body.URL, Kinds: in.Body.Kinds})
		return ok(newHookJSON(h, secret)), err
	})
	api.Register(s.api, api.Operation{
		ID: "change-webhook", Method: http.MethodPatch, Path: base + "/{hook}", Tag: "Webhooks", Summary: "Change a webhook", Access: write,
	}, s.patchHook)
	api.Register(s.api, api.Operation{
		ID: "remove-webhook", Method: http.MethodDelete, Path: base + "/{hook}", Tag: "Webhooks", Summary: "Remove a webhook", Access: write,
	}, func(ctx context.Context, who *api.Caller, in *HookPath) (*none, error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err == nil {
			err = s.dropHook(ctx, who.Session, g.ID, in.Hook)
		}
		return &none{}, err
	})
	api.Register(s.api, api.Operation{
		ID: "webhook-deliveries", Method: http.MethodGet, Path: base + "/{hook}/deliveries", Tag: "Webhooks", Summary: "What a webhook was told", Access: read,
	}, s.listDeliveries)
	api.Register(s.api, api.Operation{
		ID: "ping-webhook", Method: http.MethodPost, Path: base + "/{hook}/ping", Tag: "Webhooks", Summary: "Try a webhook", Status: http.StatusAccepted, Access: write,
	}, func(ctx context.Context, who *api.Caller, in *HookPath) (*answer[deliveryJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		d, err := s.pingHook(ctx, g.ID, in.Hook)
		return ok(newDeliveryJSON(d)), err
	})
	api.Register(s.api, api.Operation{
		ID: "replay-delivery", Method: http.MethodPost, Path: base + "/{hook}/deliveries/{message}/replay", Tag: "Webhooks", Summary: "Send a message again", Status: http.StatusAccepted, Access: write,
	}, func(ctx context.Context, who *api.Caller, in *struct {
		HookPath
		Message string `path:"message"`
	}) (*answer[deliveryJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		d, err := s.replay(ctx, g.ID, in.Hook, in.Message)
		return ok(newDeliveryJSON(d)), err
	})
}

func (s *Server) listHooks(ctx context.Context, who *api.Caller, in *GuildPath) (*answer[hooksJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	list, err := s.hooks(ctx, g.ID)
	out := hooksJSON{Webhooks: []hookJSON{}}
	for _, h := range list {
		out.Webhooks = append(out.Webhooks, newHookJSON(h, ""))
	}
	return ok(out), err
}

func (s *Server) patchHook(ctx context.Context, who *api.Caller, in *struct {
	HookPath
	Body hookPatch
}) (*answer[hookJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	h, secret, err := s.changeHook(ctx, who.Session, g.ID, in.Hook, hookChange{renew: in.Body.Renew, apply: func(h *webhook.Hook) {
		if in.Body.Name != nil {
			h.Name = *in.Body.Name
		}
		if in.Body.URL != nil {
			h.URL = *in.Body.URL
		}
		if in.Body.Kinds != nil {
			h.Kinds = *in.Body.Kinds
		}
		if in.Body.Enabled != nil {
			h.Enabled = *in.Body.Enabled
		}
	}})
	return ok(newHookJSON(h, secret)), err
}

func (s *Server) listDeliveries(ctx context.Context, who *api.Caller, in *HookPath) (*answer[deliveriesJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	h, err := s.hook(ctx, g.ID, in.Hook)
	if err != nil {
		return nil, err
	}
	list, err := s.deliveries(ctx, h)
	out := deliveriesJSON{Deliveries: []deliveryJSON{}}
	for _, d := range list {
		out.Deliveries = append(out.Deliveries, newDeliveryJSON(d))
	}
	return ok(out), err
}
