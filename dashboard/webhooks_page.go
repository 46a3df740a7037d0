package dashboard

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/webhook"
)

// webhooksPage shows a server's webhooks and what they were told.
func (s *Server) webhooksPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showWebhooks(c, g, http.StatusOK, webhook.Hook{}, "", nil)
}

func (s *Server) showWebhooks(
	c *gin.Context, g room.GuildInfo, status int, form webhook.Hook, secret string, wrong *errs.Error,
) error {
	ctx := c.Request.Context()
	list, err := s.hooks(ctx, g.ID)
	if err != nil {
		return err
	}
	p := &view.Webhooks{
		AdminTab: s.adminTab(c, g, "admin.webhooks"), Kinds: audit.Kinds(), Form: form, Secret: secret, Err: wrong,
	}
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
		_, _, err = s.changeHook(ctx, me, g.ID, id,
			hookChange{apply: func(h *webhook.Hook) { h.Enabled = f.Get("do") == "on" }})
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
			h.Kinds = append(h.Kinds, audit.Kind(k))
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
