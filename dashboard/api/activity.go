package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/actions"
	"snug/dashboard/api/openapi"
	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/audit"
	"snug/shared/stats"
)

func (s *Service) apiActivity() {
	openapi.Register(s.api, openapi.Operation{
		ID: "audit", Method: http.MethodGet, Path: "/guilds/{guild}/audit", Tag: "Activity",
		Summary:     "List what happened",
		Description: "Newest first. With a filter, a page can be empty and still have a `next_cursor`.",
		Access:      openapi.Access{Scope: apitoken.AuditRead},
	}, s.listAudit)
	openapi.Register(s.api, openapi.Operation{
		ID: "stats", Method: http.MethodGet, Path: "/guilds/{guild}/stats", Tag: "Activity", Summary: "Get numbers",
		Description: "Snug counts the people in every room once a minute. Days are in UTC.",
		Access:      openapi.Access{Scope: apitoken.AuditRead},
	}, func(ctx context.Context, who *openapi.Caller, in *struct {
		GuildPath
		Days int `query:"days" minimum:"1" maximum:"90" default:"30"`
	}) (*answer[stats.Report], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		r, err := s.actions.Report(ctx, g.ID, in.Days)
		if err != nil {
			return nil, err
		}
		return ok(*r), nil
	})
}

type auditJSON struct {
	Entries []wire.Entry `json:"entries" nullable:"false" doc:"Newest first."`
	Next    string       `json:"next_cursor,omitempty"`
}

func (s *Service) listAudit(ctx context.Context, who *openapi.Caller, in *struct {
	GuildPath
	openapi.Paging
	Kind  []audit.Kind `query:"kind,explode" doc:"Only these kinds."`
	By    string       `query:"by" doc:"Only what this user did, or what was done to them."`
	Room  string       `query:"room" doc:"Only what happened in this room."`
	Since time.Time    `query:"since"`
	Until time.Time    `query:"until"`
}) (*answer[auditJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	before, err := in.Number()
	if err != nil {
		return nil, err
	}
	f, _, err := actions.ReadAuditFilter(url.Values{"by": {in.By}, "room": {in.Room}})
	if err != nil {
		return nil, err
	}
	f.Kinds, f.Since, f.Until = in.Kind, in.Since, in.Until
	return s.auditAnswer(ctx, g.ID, f, before, in.Limit)
}

func (s *Service) auditAnswer(
	ctx context.Context, guildID snowflake.ID, f actions.AuditFilter, before uint64, limit int,
) (*answer[auditJSON], error) {
	list, next, err := s.actions.AuditPage(ctx, guildID, f, before, limit)
	if err != nil {
		return nil, err
	}
	out := auditJSON{Entries: []wire.Entry{}}
	if next != 0 {
		out.Next = openapi.Cursor(strconv.FormatUint(next, 10))
	}
	for _, e := range list {
		out.Entries = append(out.Entries, wire.NewEntry(e))
	}
	return ok(out), nil
}

// roomHistory is what happened in a room, as far as its page tells it to this person.
func (s *Service) roomHistory(ctx context.Context, who *openapi.Caller, in *struct {
	RoomPath
	openapi.Paging
}) (*answer[auditJSON], error) {
	before, err := in.Number()
	if err != nil {
		return nil, err
	}
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, _, err := s.actions.SeeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	return s.auditAnswer(ctx, guildID, actions.AuditFilter{Room: q.RoomID, Public: !v.MayControl}, before, in.Limit)
}
