package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/webhook"
)

// webhooksPage shows a server's webhooks and what they were told.
func (s *Site) webhooksPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showWebhooks(c, g, http.StatusOK, webhook.Hook{}, "", nil)
}

func (s *Site) showWebhooks(
	c *gin.Context, g room.GuildInfo, status int, form webhook.Hook, secret string, wrong *errs.Error,
) error {
	ctx := c.Request.Context()
	list, err := s.actions.Webhooks(ctx, g.ID)
	if err != nil {
		return err
	}
	p := &view.Webhooks{
		AdminTab: s.adminTab(c, g, "admin.webhooks"), Kinds: audit.Kinds(), Form: form, Secret: secret, Err: wrong,
	}
	for _, h := range list {
		d, err := s.actions.Deliveries(ctx, h)
		if err != nil {
			return err
		}
		p.Hooks = append(p.Hooks, view.WebhookCard{Hook: h, Deliveries: d[:min(len(d), 20)]})
	}
	return s.req.Page(c, status, p)
}

// saveWebhook does what a form of the webhooks' page asks: make, switch on or off, remove, renew, ping, replay.
func (s *Site) saveWebhook(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	f, err := request.PostForm(c.Request)
	if err != nil {
		return err
	}
	ctx, id, secret := c.Request.Context(), f.Get("id"), ""
	switch f.Get("do") {
	case "on", "off":
		_, _, err = s.actions.ChangeWebhook(ctx, me, g.ID, id,
			actions.WebhookChange{Apply: func(h *webhook.Hook) { h.Enabled = f.Get("do") == "on" }})
	case "remove":
		err = s.actions.RemoveWebhook(ctx, me, g.ID, id)
	case "renew":
		_, secret, err = s.actions.ChangeWebhook(ctx, me, g.ID, id,
			actions.WebhookChange{RenewSecret: true, Apply: func(*webhook.Hook) {}})
	case "ping":
		_, err = s.actions.PingWebhook(ctx, g.ID, id)
	case "replay":
		_, err = s.actions.ReplayDelivery(ctx, g.ID, id, f.Get("message"))
	default:
		h := webhook.Hook{GuildID: g.ID, Name: f.Get("name"), URL: f.Get("url")}
		for _, k := range f["kinds"] {
			h.Kinds = append(h.Kinds, audit.Kind(k))
		}
		_, secret, err = s.actions.AddWebhook(ctx, me, h, "")
		if errs.Has(err, errs.Invalid) || errs.Has(err, errs.Conflict) {
			s.req.LogFailure(c, request.StatusOf(err), err)
			return s.showWebhooks(c, g, request.StatusOf(err), h, "", errs.Public(err))
		}
	}
	if err != nil {
		return err
	}
	if secret != "" { // shown in the answer to the form, and never again
		return s.showWebhooks(c, g, http.StatusOK, webhook.Hook{}, secret, nil)
	}
	c.Redirect(http.StatusSeeOther, pages.Webhooks.With(g.ID))
	return nil
}
