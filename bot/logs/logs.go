// Package logs is what the bot adds to its log: a line that an interaction
// caused says which, also deep in the keeper, and the last warnings and errors
// about each guild are kept for its managers' health page.
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

// How much is remembered: guilds beyond the most are forgotten, the quietest first.
const (
	perGuild  = 10
	maxGuilds = 2000
)

type attrsKey struct{}

// With gives a context whose log lines carry attrs, where they do not say the same themselves.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	before, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return context.WithValue(ctx, attrsKey{}, append(slices.Clone(before), attrs...))
}

// Memory keeps the last warnings and errors about each guild. Make one with NewMemory.
type Memory struct {
	mu     sync.Mutex
	guilds map[snowflake.ID][]guild.Trouble // oldest first
}

// NewMemory makes a Memory that knows of nothing.
func NewMemory() *Memory { return &Memory{guilds: map[snowflake.ID][]guild.Trouble{}} }

// Of gives what is remembered of a guild, newest first; never nil.
func (m *Memory) Of(id snowflake.ID) []guild.Trouble {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := append([]guild.Trouble{}, m.guilds[id]...)
	slices.Reverse(out)
	return out
}

func (m *Memory) add(id snowflake.ID, t guild.Trouble) {
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

// Handler wraps next: lines get what With gave their context, and m remembers
// warnings and errors that name a guild as guild_id.
func Handler(next slog.Handler, m *Memory) slog.Handler { return handler{next: next, memory: m} }

type handler struct {
	next    slog.Handler
	memory  *Memory
	attrs   []slog.Attr // given before, outside groups
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

// find gives the value a line has under a key.
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
	t := guild.Trouble{At: r.Time, Serious: r.Level >= slog.LevelError, Text: r.Message}
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
	h.memory.add(id, t)
}

// reason gives what managers may read of an error. What was said to one person
// may name others and their rooms, so it stays between them.
func reason(err error) (errs.Code, *errs.Error) {
	var e *errs.Error
	if !errors.As(err, &e) {
		return errs.Internal, nil // its words are for the log
	}
	switch e.Code {
	case errs.MissingPermission, errs.DiscordUnavailable, errs.RateLimited, errs.Unavailable:
		return e.Code, errs.Public(err)
	}
	return e.Code, nil
}
