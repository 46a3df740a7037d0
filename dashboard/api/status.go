package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/live"
	"snug/dashboard/wire"
)

type (
	latencyJSON struct {
		Events int   `json:"events" doc:"How many were measured. 0: none yet."`
		P50    int64 `json:"p50_ms" doc:"Half of the events were faster."`
		P95    int64 `json:"p95_ms" doc:"95 of 100 events were faster."`
	}
	availabilityJSON struct {
		Percent float64    `json:"percent" doc:"Minutes up, of all since then. Unchecked ones count as down."`
		Up      int        `json:"up_minutes"`
		Down    int        `json:"down_minutes"`
		Unseen  int        `json:"unseen_minutes" doc:"Unchecked, most likely because Snug wasn't running."`
		Since   *time.Time `json:"since" doc:"The first check within the last 30 days. null: none."`
	}
	partJSON struct {
		Name  string `json:"name" doc:"store, rooms or discord."`
		Ready bool   `json:"ready"`
		Why   string `json:"why,omitempty" doc:"What isn't ready."`
	}
	statusJSON struct {
		Serving      bool             `json:"serving" doc:"Every part is ready."`
		Parts        []partJSON       `json:"parts" nullable:"false"`
		Latency      latencyJSON      `json:"latency" doc:"From Discord's gateway to browsers' connections."`
		Browsers     latencyJSON      `json:"browser_latency" doc:"From Discord's gateway to the screen, and back."`
		Availability availabilityJSON `json:"availability"`
	}
)

func newLatencyJSON(l live.Latency) latencyJSON {
	return latencyJSON{l.Events, l.P50.Milliseconds(), l.P95.Milliseconds()}
}

func (s *Service) apiStatus() {
	openapi.Register(s.api, openapi.Operation{
		ID: "status", Method: http.MethodGet, Path: "/status", Tag: "Health",
		Summary:     "Get Snug's status and availability",
		Description: "Snug checks itself once a minute. The answering process measures the latencies.",
		Access:      openapi.Access{Public: true},
	}, func(ctx context.Context, _ *openapi.Caller, _ *none) (*answer[statusJSON], error) {
		days, err := s.actions.Uptimes(ctx)
		if err != nil {
			return nil, err
		}
		share, parts := s.actions.Availability(days), s.actions.Parts(ctx)
		sent, shown := s.actions.Latency()
		out := statusJSON{
			Serving: actions.Serving(parts), Parts: []partJSON{}, Latency: newLatencyJSON(sent),
			Browsers: newLatencyJSON(shown),
			Availability: availabilityJSON{
				math.Floor(100*share.Percent()) / 100, share.Up, share.Down, share.Unseen, wire.TimeOrNull(share.From),
			},
		}
		for _, p := range parts {
			out.Parts = append(out.Parts, partJSON{Name: p.Name, Ready: p.Err == nil, Why: p.Why()})
		}
		return ok(out), nil
	})
}
