package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/guild"
)

// healthPage shows whether everything works in a server: what Snug may do, how fast it is, and what does not fit
// together.
func (s *Site) healthPage(c *gin.Context, me *session.Session) error {
	return s.showHealth(c, me, wire.RepairInput{})
}

// repair mends what was chosen on the health page.
func (s *Site) repair(c *gin.Context, me *session.Session) error {
	var in wire.RepairInput
	if err := request.ReadForm(c, &in); err != nil {
		return err
	}
	in.Apply = in.Apply && len(in.Only) > 0 // nothing checked is nothing, and not all that is not risky
	return s.showHealth(c, me, in)
}

func (s *Site) showHealth(c *gin.Context, me *session.Session, in wire.RepairInput) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	p := &view.Health{
		AdminTab: s.adminTab(c, g, "admin.tab.health"), Connected: g.Ready, Applied: in.Apply,
		OpenURL: s.o.Links.Guild(g.ID),
	}
	sent, shown := s.actions.Latency()
	p.Sent, p.Shown = latency(sent), latency(shown)
	pre, err := s.actions.Preflight(ctx, me, g.ID)
	if err == nil {
		p.Preflight = &pre
		var h guild.Health
		if h, err = s.actions.Health(ctx, me, g.ID); err == nil {
			p.Bot = &h
		}
	}
	if err == nil {
		var r guild.RepairReport
		if r, err = s.actions.Repair(ctx, me, g.ID, in); err == nil {
			p.Report = &r
		}
	}
	if err != nil {
		s.req.LogFailure(c, request.StatusOf(err), err)
		p.Failed = errs.Public(err)
	}
	return s.req.Page(c, http.StatusOK, p)
}
