package api

import (
	"context"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/lastknown"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/guild"
)

type (
	healthJSON struct {
		Connected bool             `json:"connected" doc:"Discord's gateway tells of this server."`
		Preflight *guild.Preflight `json:"preflight,omitempty" doc:"Left out, as gateway, queue, direct_messages and opens_left are, while no process looks after the server."`
		Latency   latencyJSON      `json:"latency" doc:"From Discord's gateway to the connections of browsers, as this process measures it."`
		Browsers  latencyJSON      `json:"browser_latency" doc:"From Discord's gateway until browsers' word came back that it is on the screen; the way back is in it."`
		Gateway   *gatewayJSON     `json:"gateway,omitempty"`
		Queue     *queueJSON       `json:"queue,omitempty"`
		DMs       *dmsJSON         `json:"direct_messages,omitempty"`
		Opens     *int             `json:"opens_left,omitempty" doc:"Rooms that can be opened now."`
		Rooms     []renamesJSON    `json:"rooms" nullable:"false" doc:"Open rooms that you may see, and how often they can be renamed."`
		Troubles  []troubleJSON    `json:"troubles" nullable:"false" doc:"The last warnings and errors about this server, newest first."`
	}
	gatewayJSON struct {
		Shard     int        `json:"shard"`
		Phase     string     `json:"phase" doc:"ready: events flow."`
		Since     time.Time  `json:"since"`
		Heartbeat int64      `json:"heartbeat_ms"`
		Resumes   int        `json:"resumes" doc:"Since the process began."`
		Sessions  int        `json:"sessions" doc:"New sessions since the process started."`
		Failed    *time.Time `json:"failed_at,omitempty"`
		Reason    string     `json:"reason,omitempty" doc:"Of the last failure, in a word."`
	}
	queueJSON struct {
		Waiting int   `json:"waiting"`
		Longest int64 `json:"longest_ms"`
		OnWay   int   `json:"on_way"`
		Limited int   `json:"limited" doc:"429 answers of Discord since the process began."`
	}
	dmsJSON struct {
		HeldBack bool       `json:"held_back" doc:"Some are not sent just now: a budget has nothing left, or Discord asked for a pause."`
		Paused   *time.Time `json:"paused_until,omitempty" doc:"None are opened until then, because Discord said that there are too many."`
		Held     int        `json:"held" doc:"Not sent for want of a budget, since the process began."`
	}
	renamesJSON struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		Left   int       `json:"renames_left"`
		Next   time.Time `json:"next_rename"`
		Wanted string    `json:"wanted_name,omitempty" doc:"A name that will be applied then."`
	}
	troubleJSON struct {
		At            time.Time `json:"at"`
		Serious       bool      `json:"serious"`
		Text          string    `json:"text"`
		Code          string    `json:"code,omitempty"`
		InteractionID string    `json:"interaction_id,omitempty"`
		Times         int       `json:"times"`
	}
	findingJSON struct {
		ID        string          `json:"id"`
		Kind      guild.IssueKind `json:"kind"`
		ChannelID *snowflake.ID   `json:"channel_id" doc:"The channel or room it is about."`
		Name      string          `json:"name,omitempty"`
		Have      string          `json:"have,omitempty"`
		Want      string          `json:"want,omitempty"`
		Risky     bool            `json:"risky" doc:"Fixed only if you name it."`
		Mended    bool            `json:"mended"`
		Failure   string          `json:"failure,omitempty" doc:"Why it wasn't fixed."`
	}
	repairJSON struct {
		Findings []findingJSON `json:"findings" nullable:"false"`
	}
	repairInput struct {
		Apply bool     `json:"apply" required:"false" doc:"Fix; otherwise only check."`
		Only  []string `json:"only" required:"false" doc:"Findings to fix. Leave out to fix all that aren't risky."`
	}
)

func (s *Service) apiHealth() {
	openapi.Register(s.api, openapi.Operation{
		ID: "health", Method: http.MethodGet, Path: "/guilds/{guild}/health", Tag: "Health",
		Summary: "Whether everything works", Access: openapi.Access{Scope: apitoken.HealthRead},
	}, func(ctx context.Context, who *openapi.Caller, in *GuildPath) (*answer[healthJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		sent, shown := s.actions.Latency()
		out := healthJSON{
			Connected: g.Ready, Latency: newLatencyJSON(sent), Browsers: newLatencyJSON(shown),
			Rooms: []renamesJSON{}, Troubles: []troubleJSON{},
		}
		pre, err := s.actions.Preflight(ctx, who.Session, g.ID)
		var h guild.Health
		if err == nil {
			h, err = s.actions.Health(ctx, who.Session, g.ID)
		}
		if errs.Has(err, errs.Unavailable) && !lastknown.AsOf(ctx).IsZero() {
			return ok(out), nil // nobody looks after the server, which the answer's age says
		}
		if err != nil {
			return nil, err
		}
		out.Preflight = &pre
		out.add(h)
		return ok(out), nil
	})
	openapi.Register(s.api, openapi.Operation{
		ID: "repair", Method: http.MethodPost, Path: "/guilds/{guild}/repair", Tag: "Health",
		Summary: "Find what Snug and Discord disagree on, and fix it",
		Access:  openapi.Access{Scope: apitoken.HealthWrite, Limit: openapi.Writes},
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		Body *repairInput
	}) (*answer[repairJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		q := guild.RepairRequest{Actor: actions.Actor(who.Session)}
		if in.Body != nil {
			q.Apply, q.Only = in.Body.Apply, in.Body.Only
		}
		r, err := s.actions.Repair(ctx, g.ID, q)
		out := repairJSON{Findings: []findingJSON{}}
		for _, f := range r.Issues {
			j := findingJSON{
				ID: f.ID, Kind: f.Kind, ChannelID: wire.IDOrNull(f.ChannelID), Name: f.Name, Have: f.Have, Want: f.Want,
				Risky: f.Risky, Mended: f.Fixed,
			}
			if f.Err != nil {
				j.Failure = f.Err.Message
			}
			out.Findings = append(out.Findings, j)
		}
		return ok(out), err
	})
}

// add fills in what the process that holds the guild told.
func (j *healthJSON) add(h guild.Health) {
	g, q := h.Gateway, h.Queue
	j.Gateway = &gatewayJSON{
		Shard: g.Shard, Phase: g.Phase, Since: g.Since, Heartbeat: g.Latency.Milliseconds(), Resumes: g.Resumes,
		Sessions: g.Sessions, Reason: g.Reason,
	}
	if !g.Failed.IsZero() {
		j.Gateway.Failed = &g.Failed
	}
	j.Queue = &queueJSON{q.Waiting, q.Longest.Milliseconds(), q.OnWay, q.Limited}
	j.DMs = &dmsJSON{HeldBack: h.DMs.HeldBack(h.Now), Held: h.DMs.Held}
	if !h.DMs.Paused.IsZero() {
		j.DMs.Paused = &h.DMs.Paused
	}
	j.Opens = &h.Opens
	for _, r := range h.Rooms {
		j.Rooms = append(j.Rooms, renamesJSON{r.ID.String(), r.Name, r.Left, r.Next, r.Wanted})
	}
	for _, t := range h.Errors {
		j.Troubles = append(j.Troubles, troubleJSON{t.At, t.Serious, t.Text, string(t.Code), t.InteractionID, t.Times})
	}
}
