package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/stats"
)

// AuditFilter picks audit entries.
type AuditFilter struct {
	Kinds []audit.Kind
	By    snowflake.ID // who did it, or to whom it was done
	Room  snowflake.ID
	Since time.Time
	Until time.Time
	// Public leaves out what only who controls a room may know.
	Public bool
}

func (f AuditFilter) takes(e audit.Entry) bool {
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind),
		f.By != 0 && e.By != f.By && e.Target != f.By,
		f.Room != 0 && e.RoomID != f.Room,
		f.Public && !e.Kind.On(audit.ForAll),
		!f.Until.IsZero() && e.At.After(f.Until),
		!f.Since.IsZero() && e.At.Before(f.Since):
		return false
	}
	return true
}

func auditEntry(raw hub.AuditEntry) (audit.Entry, error) {
	var e audit.Entry
	err := json.Unmarshal(raw.Data, &e)
	if e.At.IsZero() {
		e.At = raw.At
	}
	return e, err
}

const (
	auditWindow  = 200 // entries read at once
	auditWindows = 20  // windows read for one page at most; the next page goes on from there
)

// AuditPage gives up to limit entries that f takes, the newest first, from
// before the place given (0: the newest), and the place to go on from; 0: there are no more.
func (a *Actions) AuditPage(
	ctx context.Context, guildID snowflake.ID, f AuditFilter, before uint64, limit int,
) (out []audit.Entry, next uint64, err error) {
	for range auditWindows {
		window, err := a.o.Hub.Audit.Page(ctx, guildID, f.Room, before, auditWindow)
		if err != nil {
			return nil, 0, err
		}
		for _, raw := range window {
			before = raw.Seq
			e, err := auditEntry(raw)
			if err != nil {
				a.log.WarnContext(ctx, "an audit entry cannot be read", "guild_id", guildID, "err", err)
				continue
			}
			if !f.Since.IsZero() && raw.At.Before(f.Since) {
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

// AuditSince calls each with the entries that f takes, the oldest first, until it fails.
func (a *Actions) AuditSince(
	ctx context.Context, guildID snowflake.ID, f AuditFilter, since time.Time, each func(audit.Entry) error,
) error {
	return a.o.Hub.Audit.Since(ctx, guildID, f.Room, since, func(raw hub.AuditEntry) error {
		e, err := auditEntry(raw)
		if err != nil || !f.takes(e) {
			return nil // what cannot be read is left out rather than the rest
		}
		return each(e)
	})
}

// Report puts a guild's days and audit entries together.
func (a *Actions) Report(ctx context.Context, guildID snowflake.ID, days int) (*stats.Report, error) {
	r := stats.NewReport(a.now(), days)
	entries, err := a.o.Hub.Stats.List(ctx, guildID.String())
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		_, date, _ := strings.Cut(e.Key, ".")
		r.Add(date, e.Value)
	}
	err = a.o.Hub.Audit.Since(ctx, guildID, 0, r.Since(), func(raw hub.AuditEntry) error {
		if raw.Kind == string(audit.RoomOpened) || raw.Kind == string(audit.RoomClosed) {
			if e, err := auditEntry(raw); err == nil {
				r.Count(e)
			}
		}
		return nil
	})
	return r, err
}

// ReadAuditFilter reads the filter of a page's form.
func ReadAuditFilter(q url.Values) (f AuditFilter, days int, err error) {
	days = 30
	if text := q.Get("days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > 90 {
			return f, 30, errs.Field("days", "Choose 1 to 90 days.")
		}
	}
	for _, k := range q["kind"] {
		if k != "" {
			f.Kinds = append(f.Kinds, audit.Kind(k))
		}
	}
	for name, to := range map[string]*snowflake.ID{"by": &f.By, "room": &f.Room} {
		if text := strings.TrimSpace(q.Get(name)); text != "" {
			*to, err = ParseID(text, errs.Field(name,
				"That isn't a Discord ID, which has 17 to 20 digits. Copy it in Discord with Developer Mode on."))
			if err != nil {
				return f, days, err
			}
		}
	}
	return f, days, nil
}

// RoomNames names the rooms of entries: open ones as they are called now, others as they were called last, as far as
// that is stored.
func (a *Actions) RoomNames(ctx context.Context, guildID snowflake.ID, entries []audit.Entry) map[snowflake.ID]string {
	out := map[snowflake.ID]string{}
	var unknown []snowflake.ID
	for _, e := range entries {
		if _, seen := out[e.RoomID]; seen || e.RoomID == 0 {
			continue
		}
		if out[e.RoomID] = a.roomName(guildID, e.RoomID, entries); out[e.RoomID] == "" {
			unknown = append(unknown, e.RoomID)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	found, since := make([]string, min(len(unknown), fewNames)), a.now().AddDate(0, 0, -91) // entries live for 90 days
	var g errgroup.Group
	g.SetLimit(8)
	for i := range found {
		g.Go(func() error {
			each := func(raw hub.AuditEntry) error {
				if e, err := auditEntry(raw); err == nil {
					found[i] = cmp.Or(nameIn(e), found[i])
				}
				return nil
			}
			return a.o.Hub.Audit.Since(ctx, guildID, unknown[i], since, each)
		})
	}
	if err := g.Wait(); err != nil {
		a.log.WarnContext(ctx, "what rooms were called could not be read", "guild_id", guildID, "err", err)
	}
	for i, name := range found {
		out[unknown[i]] = name
	}
	return out
}

// roomName gives a room's name if it is open, or if one of the entries, the newest first, tells it.
func (a *Actions) roomName(guildID, id snowflake.ID, entries []audit.Entry) string {
	if l, ok := a.Room(guildID, id); ok && !l.Gone() {
		return l.Room.Name
	}
	for _, e := range entries {
		if name := nameIn(e); e.RoomID == id && name != "" {
			return name
		}
	}
	return ""
}

// nameIn gives the name that a room has since an entry, "" if the entry tells none.
func nameIn(e audit.Entry) string {
	switch e.Kind {
	case audit.RoomOpened:
		return e.Detail
	case audit.RoomRenamed:
		return e.New
	default:
		return ""
	}
}
