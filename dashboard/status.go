package dashboard

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/live"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/uptime"
)

// Whether Snug works, for everybody: the page /status, and the same for programs.

// markUptime notes whether this process serves now, for the status page.
func (s *Server) markUptime(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now, serving := s.now(), s.serves(ctx) == nil
	key := uptime.Key(now)
	for range 4 { // several processes may note at once
		d, rev, err := s.o.Hub.Uptime.Get(ctx, key)
		if errs.Has(err, errs.NotFound) {
			d.Mark(now, serving)
			_, err = s.o.Hub.Uptime.Create(ctx, key, d)
		} else if err == nil {
			d.Mark(now, serving)
			_, err = s.o.Hub.Uptime.Update(ctx, key, d, rev)
		}
		if !errs.Has(err, errs.Conflict) {
			return // what the hub did not take is a minute that nobody saw
		}
	}
}

// availableDays is over how many days the availability is counted.
const availableDays = 30

// availability gives what share of the last days Snug was up.
func (s *Server) availability(ctx context.Context) (uptime.Share, error) {
	list, err := s.o.Hub.Uptime.List(ctx, "")
	if err != nil {
		return uptime.Share{}, err
	}
	days := map[string]uptime.Day{}
	for _, e := range list {
		days[e.Key] = e.Value
	}
	return uptime.Over(days, s.now().AddDate(0, 0, -availableDays), s.now()), nil
}

// statusPage tells everybody whether Snug works, and how much of the month it did.
func (s *Server) statusPage(c *gin.Context) error {
	ctx := c.Request.Context()
	p := &view.Status{Layout: s.layout(c, "")}
	p.Title = p.Text.Say("status.title")
	err := s.serves(ctx)
	if p.Serving = err == nil; !p.Serving {
		p.Why = errs.Public(err).Message
	}
	l := s.live.Latency()
	p.Latency.Events, p.Latency.P50, p.Latency.P95 = l.Events, l.P50.Milliseconds(), l.P95.Milliseconds()
	share, err := s.availability(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "the availability is not known", "err", err)
	}
	p.Percent, p.Up, p.Down, p.Unseen = strconv.FormatFloat(share.Percent(), 'f', 2, 64), share.Up, share.Down, share.Unseen
	if !share.From.IsZero() {
		p.From = p.When(share.From)
	}
	c.Header("Cache-Control", "no-store")
	return s.page(c, http.StatusOK, p)
}

type (
	latencyJSON struct {
		Events int   `json:"events" doc:"That it was measured of; 0: nothing was measured yet."`
		P50    int64 `json:"p50_ms"`
		P95    int64 `json:"p95_ms"`
	}
	availabilityJSON struct {
		Percent float64    `json:"percent" doc:"Of the minutes since since, those that were up. Minutes in which nobody looked count as down."`
		Up      int        `json:"up_minutes"`
		Down    int        `json:"down_minutes"`
		Unseen  int        `json:"unseen_minutes" doc:"In which nobody looked: a process that does not run cannot say so."`
		Since   *time.Time `json:"since" doc:"The first look within the last 30 days; null: there was none."`
	}
	statusJSON struct {
		Serving      bool             `json:"serving"`
		Why          string           `json:"why,omitempty" doc:"What is not ready."`
		Latency      latencyJSON      `json:"latency"`
		Availability availabilityJSON `json:"availability"`
	}
)

func newLatencyJSON(l live.Latency) latencyJSON {
	return latencyJSON{l.Events, l.P50.Milliseconds(), l.P95.Milliseconds()}
}

func (s *Server) apiStatus() {
	api.Register(s.api, api.Operation{
		ID: "status", Method: http.MethodGet, Path: "/status", Tag: "Health", Summary: "Whether Snug works, and how much of the month it did",
		Description: "Snug looks once a minute whether it can serve.", Access: api.Access{Public: true},
	}, func(ctx context.Context, _ *api.Caller, _ *none) (*answer[statusJSON], error) {
		share, err := s.availability(ctx)
		if err != nil {
			return nil, err
		}
		out := statusJSON{Latency: newLatencyJSON(s.live.Latency()), Availability: availabilityJSON{
			math.Round(100*share.Percent()) / 100, share.Up, share.Down, share.Unseen, moment(share.From),
		}}
		if err := s.serves(ctx); err != nil {
			out.Why = errs.Public(err).Message
		} else {
			out.Serving = true
		}
		return ok(out), nil
	})
}
