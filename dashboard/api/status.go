package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/live"
	"snug/dashboard/request"
	"snug/dashboard/wire"
	"snug/shared/errs"
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
	heardJSON struct {
		Discord string    `json:"discord" enum:"ok,unheard"`
		HeardAt time.Time `json:"heard_at" doc:"When Snug last heard from Discord about these servers."`
		At      time.Time `json:"at" doc:"The time of this answer."`
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
	openapi.Register(s.api, openapi.Operation{
		ID: "heard", Method: http.MethodGet, Path: request.HeardPath, Tag: "Health",
		Summary:     "Whether Discord is heard",
		Description: "What server.heartbeat of the live protocol says, for pages without a live connection.",
		Access:      openapi.Access{Public: true},
	}, s.heard)
}

var errHeard = errs.Field("guild", "guild takes the ID of a server, at most %d times.", request.MaxHeard)

// heard is the same for everybody, and for every server of a shard, also for those without Snug.
func (s *Service) heard(_ context.Context, _ *openapi.Caller, in *struct {
	Guilds []string `query:"guild,explode" doc:"Ids of servers, up to 50."`
}) (*answer[heardJSON], error) {
	var guilds []snowflake.ID
	for _, raw := range in.Guilds {
		id, err := actions.ParseID(raw, errHeard)
		if err != nil || len(guilds) == request.MaxHeard {
			return nil, errHeard
		}
		guilds = append(guilds, id)
	}
	now, out := s.now().UTC(), heardJSON{Discord: "ok"}
	heard, silent := s.actions.Heard(guilds...)
	if !heard {
		out.Discord = "unheard"
	}
	out.At, out.HeardAt = now, now.Add(-silent)
	return ok(out), nil
}
