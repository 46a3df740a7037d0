package web

import (
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/uptime"
)

var errHeard = errs.Field("guild", "guild takes the ID of a server, at most %d times.",
	request.MaxHeard)

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

// heardJSON says whether Discord is heard, as server.heartbeat does.
type heardJSON struct {
	Discord string `json:"discord"`
	HeardAt int64  `json:"heardAt"` // Unix milliseconds
	TS      int64  `json:"ts"`
}

// heard tells pages without a live connection what those with one hear by
// server.heartbeat. It is the same for everybody, and for every server of a
// shard, also for those without Snug.
func (s *Site) heard(c *gin.Context) error {
	request.Private(c)
	var guilds []snowflake.ID
	for _, raw := range c.QueryArray("guild") {
		id, err := actions.ParseID(raw, errHeard)
		if err != nil || len(guilds) == request.MaxHeard {
			return errHeard
		}
		guilds = append(guilds, id)
	}
	now, out := time.Now(), heardJSON{Discord: "ok"}
	ok, silent := s.o.Live.Hears(guilds...)
	if !ok {
		out.Discord = "unheard"
	}
	out.TS, out.HeardAt = now.UnixMilli(), now.Add(-silent).UnixMilli()
	return request.Reply(c, http.StatusOK, out)
}
