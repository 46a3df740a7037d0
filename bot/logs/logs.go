// Package logs is the bot's slog.Handler: it adds attributes from the context, so that each line caused by an
// interaction names it, and keeps the last warnings and errors about each guild for the managers' health page.
//
// Only the bot's packages may use it. Everything is safe for concurrent use.
package logs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
)

// Limits of RecentErrors. Beyond maxGuilds, the guild whose last error is oldest is dropped.
const (
	perGuild  = 10
	maxGuilds = 2000
)

type attrsKey struct{}

// WithAttrs returns a context whose log lines carry attrs, unless a line sets the same key itself.
func WithAttrs(ctx context.Context, attrs ...slog.Attr) context.Context {
	before, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return context.WithValue(ctx, attrsKey{}, append(slices.Clone(before), attrs...))
}

// RecentErrors holds the last warnings and errors about each guild. Create one with NewRecentErrors.
type RecentErrors struct {
	mu     sync.Mutex
	guilds map[snowflake.ID][]guild.RecentError // oldest first
}

// NewRecentErrors returns an empty RecentErrors.
func NewRecentErrors() *RecentErrors {
	return &RecentErrors{guilds: map[snowflake.ID][]guild.RecentError{}}
}

// Of returns a guild's entries, newest first; never nil.
func (m *RecentErrors) Of(id snowflake.ID) []guild.RecentError {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := append([]guild.RecentError{}, m.guilds[id]...)
	slices.Reverse(out)
	return out
}

func (m *RecentErrors) add(id snowflake.ID, t guild.RecentError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list, known := m.guilds[id]
	if n := len(list); n > 0 && list[n-1].Text == t.Text && list[n-1].Code == t.Code {
		t.Times = list[n-1].Times + 1
		list[n-1] = t
		return
	}
	if !known && len(m.guilds) >= maxGuilds {
		var quiet snowflake.ID
		var at time.Time
		for id, list := range m.guilds {
			if last := list[len(list)-1].At; quiet == 0 || last.Before(at) {
				quiet, at = id, last
			}
		}
		delete(m.guilds, quiet)
	}
	t.Times = 1
	if list = append(list, t); len(list) > perGuild {
		list = slices.Clone(list[1:])
	}
	m.guilds[id] = list
}

// Handler wraps next: it adds the attributes of WithAttrs, and
// records in m the warnings and errors that carry a guild_id.
func Handler(next slog.Handler, m *RecentErrors) slog.Handler { return handler{next: next, recent: m} }

type handler struct {
	next    slog.Handler
	recent  *RecentErrors
	attrs   []slog.Attr // from WithAttrs of the handler, outside groups
	grouped bool
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.next.Enabled(ctx, level)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !h.grouped {
		h.attrs = append(slices.Clone(h.attrs), attrs...)
	}
	h.next = h.next.WithAttrs(attrs)
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	h.grouped = h.grouped || name != ""
	h.next = h.next.WithGroup(name)
	return h
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if given, _ := ctx.Value(attrsKey{}).([]slog.Attr); len(given) > 0 && !h.grouped {
		r = r.Clone()
		for _, a := range given {
			if _, said := h.find(r, a.Key); !said {
				r.AddAttrs(a)
			}
		}
	}
	if r.Level >= slog.LevelWarn && !h.grouped {
		h.remember(r)
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// find returns the value of a line's attribute.
func (h handler) find(r slog.Record, key string) (v any, ok bool) {
	look := func(a slog.Attr) bool {
		if a.Key == key {
			v, ok = a.Value.Resolve().Any(), true
		}
		return !ok
	}
	if r.Attrs(look); ok {
		return v, ok
	}
	for _, a := range h.attrs {
		look(a)
	}
	return v, ok
}

func (h handler) remember(r slog.Record) {
	v, _ := h.find(r, "guild_id")
	id, ok := v.(snowflake.ID)
	if !ok || id == 0 {
		return
	}
	t := guild.RecentError{At: r.Time, Serious: r.Level >= slog.LevelError, Text: r.Message}
	if v, _ := h.find(r, "interaction_id"); v != nil {
		if i, ok := v.(snowflake.ID); ok {
			t.InteractionID = i.String()
		}
	}
	if v, _ := h.find(r, "err"); v != nil {
		if err, ok := v.(error); ok {
			t.Code, t.Why = reason(err)
		}
	}
	h.recent.add(id, t)
}

// reason returns what a guild's managers may read of an error. A message written for one user
// may name others and their rooms, so only errors about Discord and Snug itself keep theirs.
func reason(err error) (errs.Code, *errs.Error) {
	var e *errs.Error
	if !errors.As(err, &e) {
		return errs.Internal, nil // its text is for the log only
	}
	switch e.Code {
	case errs.MissingPermission, errs.DiscordUnavailable, errs.RateLimited, errs.Unavailable:
		return e.Code, errs.Public(err)
	}
	return e.Code, nil
}
