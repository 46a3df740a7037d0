package dashboard

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/api"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/stats"
)

// auditFilter picks audit entries.
type auditFilter struct {
	Kinds []audit.Kind
	By    snowflake.ID // who did it, or to whom it was done
	Room  snowflake.ID
	Since time.Time
	Until time.Time
	// Public leaves out what only who controls a room may know.
	Public bool
}

func (f auditFilter) takes(e audit.Entry) bool {
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind),
		f.By != 0 && e.By != f.By && e.Target != f.By,
		f.Room != 0 && e.RoomID != f.Room,
		f.Public && !public(e.Kind),
		!f.Until.IsZero() && e.At.After(f.Until),
		!f.Since.IsZero() && e.At.Before(f.Since):
		return false
	}
	return true
}

func auditEntry(a hub.AuditEntry) (audit.Entry, error) {
	var e audit.Entry
	err := json.Unmarshal(a.Data, &e)
	if e.At.IsZero() {
		e.At = a.At
	}
	return e, err
}

const (
	auditWindow  = 200 // entries read at once
	auditWindows = 20  // windows read for one page at most; the next page goes on from there
)

// auditPage gives up to limit entries that f takes, the newest first, from
// before the place given (0: the newest), and the place to go on from; 0: there are no more.
func (s *Server) auditPage(
	ctx context.Context, guildID snowflake.ID, f auditFilter, before uint64, limit int,
) (out []audit.Entry, next uint64, err error) {
	for range auditWindows {
		window, err := s.o.Hub.Audit.Page(ctx, guildID, f.Room, before, auditWindow)
		if err != nil {
			return nil, 0, err
		}
		for _, a := range window {
			before = a.Seq
			e, err := auditEntry(a)
			if err != nil {
				s.log.WarnContext(ctx, "an audit entry cannot be read", "guild_id", guildID, "err", err)
				continue
			}
			if !f.Since.IsZero() && a.At.Before(f.Since) {
				return out, 0, nil
			}
			if !f.takes(e) {
				continue
			}
			if out = append(out, e); len(out) == limit {
				return out, before, nil
			}
		}
		if len(window) < auditWindow {
			return out, 0, nil
		}
	}
	return out, before, nil
}

// report puts a guild's days and audit entries together.
func (s *Server) report(ctx context.Context, guildID snowflake.ID, days int) (*stats.Report, error) {
	r := stats.NewReport(s.now(), days)
	entries, err := s.o.Hub.Stats.List(ctx, guildID.String())
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		_, date, _ := strings.Cut(e.Key, ".")
		r.Add(date, e.Value)
	}
	err = s.o.Hub.Audit.Since(ctx, guildID, 0, r.Since(), func(a hub.AuditEntry) error {
		if a.Kind == string(audit.RoomOpened) || a.Kind == string(audit.RoomClosed) {
			if e, err := auditEntry(a); err == nil {
				r.Count(e)
			}
		}
		return nil
	})
	return r, err
}

// readFilter reads the filter of a page's form.
func readFilter(q url.Values) (f auditFilter, days int, err error) {
	days = 30
	if text := q.Get("days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > 90 {
			return f, 30, errs.Field("days", "Please choose 1 to 90 days.")
		}
	}
	for _, k := range q["kind"] {
		if k != "" {
			f.Kinds = append(f.Kinds, audit.Kind(k))
		}
	}
	for name, to := range map[string]*snowflake.ID{"by": &f.By, "room": &f.Room} {
		if text := strings.TrimSpace(q.Get(name)); text != "" {
			if *to, err = parseID(text,
				errs.Field(name,
					"That is not a Discord id, which is a number of 17 to 20 digits. Copy it in Discord with Developer Mode on.")); err != nil {
				return f, days, err
			}
		}
	}
	return f, days, nil
}

// activityPage shows what happened in a server, and its numbers.
func (s *Server) activityPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	q := c.Request.URL.Query()
	p := &view.Activity{AdminTab: s.adminTab(c, g, "admin.activity"), Kinds: audit.Kinds(), Filter: q}
	f, days, wrong := readFilter(q)
	if wrong != nil {
		p.Failed = errs.Public(wrong)
	}
	p.Days = days
	f.Since = s.now().AddDate(0, 0, -days)
	before, _ := strconv.ParseUint(q.Get("before"), 10, 64) // 0: the newest
	if p.Entries, p.Next, err = s.auditPage(ctx, g.ID, f, before, 50); err != nil {
		return err
	}
	if p.Report, err = s.report(ctx, g.ID, days); err != nil {
		return err
	}
	var ids []snowflake.ID
	for _, e := range p.Entries {
		ids = append(ids, e.By, e.Target)
	}
	p.Names, p.Rooms = s.displayNames(ctx, g.ID, ids), s.roomNames(g.ID, p.Entries)
	if slices.ContainsFunc(p.Entries, func(e audit.Entry) bool { return e.Kind == audit.SettingsChanged }) {
		p.Places = s.placesOf(ctx, g.ID, me)
	}
	status := http.StatusOK
	if wrong != nil {
		status = statusOf(wrong)
	}
	return s.page(c, status, p)
}

// roomNames names the rooms of entries: open ones as they are called now, others as the entries say.
func (s *Server) roomNames(guildID snowflake.ID, entries []audit.Entry) map[snowflake.ID]string {
	out := map[snowflake.ID]string{}
	for _, e := range slices.Backward(entries) { // the oldest first, so that the last name counts
		switch e.Kind {
		case audit.RoomOpened:
			out[e.RoomID] = e.Detail
		case audit.RoomRenamed:
			out[e.RoomID] = e.New
		default:
		}
		if l, ok := s.roomOf(guildID, e.RoomID); ok && !l.Gone() {
			out[e.RoomID] = l.Room.Name
		}
	}
	return out
}

// activityFile gives what happened as a file, the oldest first: activity.csv or activity.json.
func (s *Server) activityFile(kind string) signedIn {
	return func(c *gin.Context, me *session.Session) error {
		g, err := s.managed(c, me)
		if err != nil {
			return err
		}
		f, days, err := readFilter(c.Request.URL.Query())
		if err != nil {
			return err
		}
		c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="snug-activity-%s.%s"`, g.ID, kind))
		write := writeJSONLines
		c.Header("Content-Type", "application/json")
		if kind == "csv" {
			c.Header("Content-Type", "text/csv; charset=utf-8")
			write = writeCSV
		}
		return write(c.Writer, func(each func(audit.Entry) error) error {
			return s.o.Hub.Audit.Since(c.Request.Context(), g.ID, f.Room, s.now().AddDate(0, 0,
				-days), func(a hub.AuditEntry) error {
				e, err := auditEntry(a)
				if err != nil || !f.takes(e) {
					return nil // what cannot be read is left out rather than the rest
				}
				return each(e)
			})
		})
	}
}

type entries func(each func(audit.Entry) error) error

// writeJSONLines writes entries as one JSON array.
func writeJSONLines(w io.Writer, all entries) error {
	sep := "[\n"
	err := all(func(e audit.Entry) error {
		b, err := json.Marshal(newEntryJSON(e))
		if err == nil {
			_, err = io.WriteString(w, sep+string(b))
		}
		sep = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	end := "\n]\n"
	if sep == "[\n" {
		end = "[]\n"
	}
	_, err = io.WriteString(w, end)
	return err
}

func writeCSV(w io.Writer, all entries) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"time", "what", "room", "by", "via", "to", "detail", "old", "new"}); err != nil {
		return err
	}
	err := all(func(e audit.Entry) error {
		row := []string{
			e.At.UTC().Format(time.RFC3339), string(e.Kind), idText(e.RoomID), idText(e.By), string(e.Via),
			idText(e.Target), e.Detail, e.Old, e.New,
		}
		for i := range row {
			row[i] = noFormula(row[i])
		}
		return out.Write(row)
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// noFormula keeps spreadsheets from taking what people typed for a formula.
func noFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func idText(id snowflake.ID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

type (
	entryJSON struct {
		ID     string        `json:"id"`
		Kind   audit.Kind    `json:"kind"`
		At     time.Time     `json:"at"`
		RoomID *snowflake.ID `json:"room_id"`
		By     *snowflake.ID `json:"by" doc:"null: Snug itself"`
		Via    access.Via    `json:"via"`
		Target *snowflake.ID `json:"target" doc:"Whom it was done to."`
		Detail string        `json:"detail,omitempty"`
		Old    string        `json:"old,omitempty"`
		New    string        `json:"new,omitempty"`
	}
	auditJSON struct {
		Entries []entryJSON `json:"entries" nullable:"false" doc:"The newest first."`
		Next    string      `json:"next_cursor,omitempty"`
	}
)

func newEntryJSON(e audit.Entry) entryJSON {
	return entryJSON{
		ID: e.ID, Kind: e.Kind, At: e.At, RoomID: someone(e.RoomID), By: someone(e.By), Via: e.Via,
		Target: someone(e.Target), Detail: e.Detail, Old: e.Old, New: e.New,
	}
}

func (s *Server) apiActivity() {
	api.Register(s.api, api.Operation{
		ID: "audit", Method: http.MethodGet, Path: "/guilds/{guild}/audit", Tag: "Activity",
		Summary:     "What happened, the newest first",
		Description: "A page may be empty and still have a `next_cursor`, when a filter takes little.",
		Access:      api.Access{Scope: api.AuditRead},
	}, s.listAudit)
	api.Register(s.api, api.Operation{
		ID: "stats", Method: http.MethodGet, Path: "/guilds/{guild}/stats", Tag: "Activity", Summary: "Numbers",
		Description: "Counted from a look at every room each minute. Days are in UTC.",
		Access:      api.Access{Scope: api.AuditRead},
	}, func(ctx context.Context, who *api.Caller, in *struct {
		GuildPath
		Days int `query:"days" minimum:"1" maximum:"90" default:"30"`
	}) (*answer[stats.Report], error) {
		g, err := s.managing(ctx, who, in.Guild)
		if err != nil {
			return nil, err
		}
		r, err := s.report(ctx, g.ID, in.Days)
		if err != nil {
			return nil, err
		}
		return ok(*r), nil
	})
}

func (s *Server) listAudit(ctx context.Context, who *api.Caller, in *struct {
	GuildPath
	api.Paging
	Kind  []string  `query:"kind,explode" doc:"Only these kinds."`
	By    string    `query:"by" doc:"Only what this user did, or what was done to them."`
	Room  string    `query:"room"`
	Since time.Time `query:"since"`
	Until time.Time `query:"until"`
}) (*answer[auditJSON], error) {
	g, err := s.managing(ctx, who, in.Guild)
	if err != nil {
		return nil, err
	}
	before, err := in.Number()
	if err != nil {
		return nil, err
	}
	f, _, err := readFilter(url.Values{"kind": in.Kind, "by": {in.By}, "room": {in.Room}})
	if err != nil {
		return nil, err
	}
	f.Since, f.Until = in.Since, in.Until
	return s.auditAnswer(ctx, g.ID, f, before, in.Limit)
}

func (s *Server) auditAnswer(
	ctx context.Context, guildID snowflake.ID, f auditFilter, before uint64, limit int,
) (*answer[auditJSON], error) {
	list, next, err := s.auditPage(ctx, guildID, f, before, limit)
	if err != nil {
		return nil, err
	}
	out := auditJSON{Entries: []entryJSON{}}
	if next != 0 {
		out.Next = api.Cursor(strconv.FormatUint(next, 10))
	}
	for _, e := range list {
		out.Entries = append(out.Entries, newEntryJSON(e))
	}
	return ok(out), nil
}

// roomHistory is what happened in a room, as far as its page tells it to this person.
func (s *Server) roomHistory(ctx context.Context, who *api.Caller, in *struct {
	RoomPath
	api.Paging
}) (*answer[auditJSON], error) {
	before, err := in.Number()
	if err != nil {
		return nil, err
	}
	guildID, q, err := s.inRoom(ctx, who, in.Room)
	if err != nil {
		return nil, err
	}
	v, _, err := s.seeRoom(ctx, who.Session, guildID, q.RoomID)
	if err != nil {
		return nil, err
	}
	return s.auditAnswer(ctx, guildID, auditFilter{Room: q.RoomID, Public: !v.MayControl}, before, in.Limit)
}
