package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/request"
	"snug/dashboard/session"
	"snug/dashboard/view"
	"snug/dashboard/wire"
	"snug/shared/audit"
	"snug/shared/errs"
)

// activityPage shows what happened in a server, and its numbers.
func (s *Site) activityPage(c *gin.Context, me *session.Session) error {
	g, err := s.managed(c, me)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	q := c.Request.URL.Query()
	p := &view.Activity{AdminTab: s.adminTab(c, g, "admin.activity"), Kinds: audit.Kinds(), Filter: q}
	f, days, wrong := actions.ReadAuditFilter(q)
	if wrong != nil {
		p.Failed = errs.Public(wrong)
	}
	p.Days = days
	f.Since = s.now().AddDate(0, 0, -days)
	before, _ := strconv.ParseUint(q.Get("before"), 10, 64) // 0: the newest
	if p.Entries, p.Next, err = s.actions.AuditPage(ctx, g.ID, f, before, 50); err != nil {
		return err
	}
	if p.Report, err = s.actions.Report(ctx, g.ID, days); err != nil {
		return err
	}
	// What can be filtered by is what happened lately, whatever is filtered by now.
	all := actions.AuditFilter{Since: f.Since}
	if p.Recent, _, err = s.actions.AuditPage(ctx, g.ID, all, 0, recentEntries); err != nil {
		return err
	}
	shown := slices.Concat(p.Entries, p.Recent)
	var ids []snowflake.ID
	if f.By != 0 {
		ids = append(ids, f.By)
	}
	for _, e := range shown {
		ids = append(ids, e.By, e.Target)
	}
	if f.Room != 0 {
		shown = append(shown, audit.Entry{RoomID: f.Room})
	}
	p.Members, p.Rooms = s.actions.Members(ctx, g.ID, ids), s.actions.RoomNames(ctx, g.ID, shown)
	if slices.ContainsFunc(p.Entries, func(e audit.Entry) bool { return e.Kind == audit.SettingsChanged }) {
		p.Places = s.channelsAndRoles(ctx, g.ID, me)
	}
	status := http.StatusOK
	if wrong != nil {
		status = request.StatusOf(wrong)
	}
	return s.req.Page(c, status, p)
}

// recentEntries is from how many entries people and rooms to filter by are taken.
const recentEntries = 150

// activityFile gives what happened as a file, the oldest first: activity.csv or activity.json.
func (s *Site) activityFile(kind string) request.UserHandler {
	return func(c *gin.Context, me *session.Session) error {
		g, err := s.managed(c, me)
		if err != nil {
			return err
		}
		f, days, err := actions.ReadAuditFilter(c.Request.URL.Query())
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
			return s.actions.AuditSince(c.Request.Context(), g.ID, f, s.now().AddDate(0, 0, -days), each)
		})
	}
}

type entries func(each func(audit.Entry) error) error

// writeJSONLines writes entries as one JSON array.
func writeJSONLines(w io.Writer, all entries) error {
	sep := "[\n"
	err := all(func(e audit.Entry) error {
		b, err := json.Marshal(wire.NewEntry(e))
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
