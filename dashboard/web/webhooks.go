package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
)

// webhooksPage shows a server's webhooks and what they were told.
func (s *Site) webhooksPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	return s.showWebhooks(c, g, http.StatusOK, wire.HookInput{}, "", nil)
}

func (s *Site) showWebhooks(
	c *gin.Context, g room.GuildInfo, status int, form wire.HookInput, secret string, wrong *errs.Error,
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

// saveWebhook does what a form of the webhooks' page asks: make, remove, ping or replay, and else change.
func (s *Site) saveWebhook(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	f, err := request.PostForm(c.Request)
	if err != nil {
		return err
	}
	ctx, id, secret := c.Request.Context(), f.Get("hook"), ""
	switch f.Get("do") {
	case "make":
		var in wire.HookInput
		if err = request.ReadForm(c, &in); err == nil {
			_, secret, err = s.actions.AddWebhook(ctx, me, g.ID, in, "")
		}
		if errs.Has(err, errs.Invalid) || errs.Has(err, errs.Conflict) {
			s.req.LogFailure(c, request.StatusOf(err), err)
			return s.showWebhooks(c, g, request.StatusOf(err), in, "", errs.Public(err))
		}
	case "remove":
		err = s.actions.RemoveWebhook(ctx, me, g.ID, id)
	case "ping":
		_, err = s.actions.PingWebhook(ctx, g.ID, id)
	case "replay":
		_, err = s.actions.ReplayDelivery(ctx, g.ID, id, f.Get("message"))
	default:
		var in wire.HookPatch
		if err = request.ReadForm(c, &in); err == nil {
			_, secret, err = s.actions.ChangeWebhook(ctx, me, g.ID, id, in)
		}
	}
	if err != nil {
		return err
	}
	if secret != "" { // shown in the answer to the form, and never again
		return s.showWebhooks(c, g, http.StatusOK, wire.HookInput{}, secret, nil)
	}
	return request.Redirect(c, pages.Webhooks.With(g.ID))
}
