package api

import (
	"context"
	"net/http"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/api/openapi"
	"snug/dashboard/lastknown"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/guild"
)

type (
	healthJSON struct {
		Connected bool             `json:"connected" doc:"Snug gets this server's events from Discord."`
		Preflight *guild.Preflight `json:"preflight,omitempty" doc:"Which permissions are missing where."`
		Latency   latencyJSON      `json:"latency" doc:"From Discord's gateway to browsers' connections."`
		Browsers  latencyJSON      `json:"browser_latency" doc:"From Discord's gateway to the screen, and back."`
		Gateway   *gatewayJSON     `json:"gateway,omitempty"`
		Queue     *queueJSON       `json:"queue,omitempty"`
		DMs       *dmsJSON         `json:"direct_messages,omitempty"`
		Opens     *int             `json:"opens_left,omitempty" doc:"How many rooms can be opened right now."`
		Rooms     []renamesJSON    `json:"rooms" nullable:"false" doc:"Open rooms you may see, and their renames."`
		Troubles  []troubleJSON    `json:"troubles" nullable:"false" doc:"Recent warnings and errors, newest first."`
	}
	gatewayJSON struct {
		Shard     int        `json:"shard"`
		Phase     string     `json:"phase" doc:"ready: events arrive."`
		Since     time.Time  `json:"since" doc:"When this phase began."`
		Heartbeat int64      `json:"heartbeat_ms" doc:"Round trip of the last heartbeat. 0: none yet."`
		Resumes   int        `json:"resumes" doc:"Resumed sessions since the process started."`
		Sessions  int        `json:"sessions" doc:"New sessions since the process started."`
		Failed    *time.Time `json:"failed_at,omitempty" doc:"When a connection last ended or failed."`
		Reason    string     `json:"reason,omitempty" doc:"Why, in a word."`
	}
	queueJSON struct {
		Waiting int   `json:"waiting" doc:"Requests to Discord that haven't been sent yet."`
		Longest int64 `json:"longest_ms" doc:"How long the oldest of them has waited."`
		OnWay   int   `json:"on_way" doc:"Requests that Discord hasn't answered yet."`
		Limited int   `json:"limited" doc:"How often Discord answered 429 since the process started."`
	}
	dmsJSON struct {
		HeldBack bool       `json:"held_back" doc:"A budget is used up, or Discord asked for a pause."`
		Paused   *time.Time `json:"paused_until,omitempty" doc:"No new conversations until then."`
		Held     int        `json:"held" doc:"Not sent because a budget was used up, since the process started."`
	}
	renamesJSON struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		Left   int       `json:"renames_left" doc:"How many renames Discord allows right now."`
		Next   time.Time `json:"next_rename" doc:"When Discord allows the next one."`
		Wanted string    `json:"wanted_name,omitempty" doc:"The name it gets then."`
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
		ChannelID *snowflake.ID   `json:"channel_id" doc:"The channel or room it's about."`
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
)

func (s *Service) apiHealth() {
	openapi.Register(s.api, openapi.Operation{
		ID: "health", Method: http.MethodGet, Path: "/guilds/{guild}/health", Tag: "Health",
		Summary: "Check a server's health", Access: openapi.Access{Scope: apitoken.HealthRead},
		Description: "While no process looks after the server, `preflight`, `gateway`, `queue`, `direct_messages` " +
			"and `opens_left` are missing.",
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
		Summary: "Find where Snug and Discord differ, and fix it",
		Access:  openapi.Access{Scope: apitoken.HealthWrite, Limit: openapi.Writes},
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		Body *wire.RepairInput
	}) (*answer[repairJSON], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		r, err := s.actions.Repair(ctx, who.Session, g.ID, orNone(in.Body))
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
