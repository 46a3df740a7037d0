package dashboard

import (
	"context"
	"math"
	"net/http"
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
	now, up := s.now(), serving(s.parts(ctx))
	key := uptime.Key(now)
	for range 4 { // several processes may note at once
		d, rev, err := s.o.Hub.Uptime.Get(ctx, key)
		if errs.Has(err, errs.NotFound) {
			d.Mark(now, up)
			_, err = s.o.Hub.Uptime.Create(ctx, key, d)
		} else if err == nil {
			d.Mark(now, up)
			_, err = s.o.Hub.Uptime.Update(ctx, key, d, rev)
		}
		if !errs.Has(err, errs.Conflict) {
			return // what the hub did not take is a minute that nobody saw
		}
	}
}

// availableDays is over how many days the availability is counted.
const availableDays = 30

// uptimes gives the days of the last month, by their keys.
func (s *Server) uptimes(ctx context.Context) (map[string]uptime.Day, error) {
	list, err := s.o.Hub.Uptime.List(ctx, "")
	days := map[string]uptime.Day{}
	for _, e := range list {
		days[e.Key] = e.Value
	}
	return days, err
}

// availability gives what share of the last days Snug was up.
func (s *Server) availability(days map[string]uptime.Day) uptime.Share {
	return uptime.Over(days, s.now().AddDate(0, 0, -availableDays), s.now())
}

// statusPage tells everybody whether Snug works, and how much of the month it did.
func (s *Server) statusPage(c *gin.Context) error {
	ctx := c.Request.Context()
	parts := s.parts(ctx)
	p := &view.Status{
		Layout: s.layout(c, ""), Serving: serving(parts), Sent: latency(s.live.Latency()),
		Shown: latency(s.live.BrowserLatency()),
	}
	p.Title = p.Text.Say("status.title")
	for _, x := range parts {
		p.Parts = append(p.Parts, view.Part{Name: x.name, OK: x.err == nil, Why: x.why()})
	}
	days, err := s.uptimes(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "the availability is not known", "err", err)
	}
	p.Month, p.Days = s.availability(days), uptime.Daily(days, availableDays, s.now())
	c.Header("Cache-Control", "no-store")
	return s.page(c, http.StatusOK, p)
}

// latency is what pages tell of one.
func latency(l live.Latency) view.Latency {
	return view.Latency{Events: l.Events, P50: l.P50.Milliseconds(), P95: l.P95.Milliseconds()}
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
	partJSON struct {
		Name  string `json:"name" doc:"store, rooms or discord."`
		Ready bool   `json:"ready"`
		Why   string `json:"why,omitempty" doc:"What is not ready."`
	}
	statusJSON struct {
		Serving      bool             `json:"serving" doc:"Every part is ready."`
		Parts        []partJSON       `json:"parts" nullable:"false"`
		Latency      latencyJSON      `json:"latency" doc:"From Discord's gateway to the connections of browsers, as this process measures it."`
		Browsers     latencyJSON      `json:"browser_latency" doc:"From Discord's gateway until browsers' word came back that it is on the screen; the way back is in it."`
		Availability availabilityJSON `json:"availability"`
	}
)

func newLatencyJSON(l live.Latency) latencyJSON {
	return latencyJSON{l.Events, l.P50.Milliseconds(), l.P95.Milliseconds()}
}

func (s *Server) apiStatus() {
	api.Register(s.api, api.Operation{
		ID: "status", Method: http.MethodGet, Path: "/status", Tag: "Health",
		Summary:     "Whether Snug works, and how much of the month it did",
		Description: "Snug looks once a minute whether it can serve.", Access: api.Access{Public: true},
	}, func(ctx context.Context, _ *api.Caller, _ *none) (*answer[statusJSON], error) {
		days, err := s.uptimes(ctx)
		if err != nil {
			return nil, err
		}
		share, parts := s.availability(days), s.parts(ctx)
		out := statusJSON{
			Serving: serving(parts), Parts: []partJSON{}, Latency: newLatencyJSON(s.live.Latency()),
			Browsers: newLatencyJSON(s.live.BrowserLatency()),
			Availability: availabilityJSON{
				math.Floor(100*share.Percent()) / 100, share.Up, share.Down, share.Unseen, moment(share.From),
			},
		}
		for _, p := range parts {
			out.Parts = append(out.Parts, partJSON{Name: p.name, Ready: p.err == nil, Why: p.why()})
		}
		return ok(out), nil
	})
}
