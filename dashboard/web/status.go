package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/live"
	"snug/dashboard/view"
	"snug/shared/uptime"
)

// statusPage tells everybody whether Snug works, and how much of the month it did.
func (s *Site) statusPage(c *gin.Context) error {
	ctx := c.Request.Context()
	parts := s.actions.Parts(ctx)
	sent, shown := s.actions.Latency()
	p := &view.Status{
		Layout: s.req.Layout(c, ""), Serving: actions.Serving(parts), Sent: latency(sent), Shown: latency(shown),
	}
	p.Title = p.Text.Say("status.title")
	for _, x := range parts {
		p.Parts = append(p.Parts, view.Part{Name: x.Name, OK: x.Err == nil, Why: x.Why()})
	}
	days, err := s.actions.Uptimes(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "the availability is not known", "err", err)
	}
	p.Month, p.Days = s.actions.Availability(days), uptime.Daily(days, actions.AvailableDays, s.now())
	c.Header("Cache-Control", "no-store")
	return s.req.Page(c, http.StatusOK, p)
}

// latency is what pages tell of one.
func latency(l live.Latency) view.Latency {
	return view.Latency{Events: l.Events, P50: l.P50.Milliseconds(), P95: l.P95.Milliseconds()}
}
