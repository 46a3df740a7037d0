package bot

import (
	"context"
	"errors"
	"log/slog"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/hub"
	"snug/shared/room"
)

// publisher hands rosters to the hub in order and without waiting; it is presence's Publisher.
type publisher struct {
	p     *hub.Publisher[room.Live]
	holds func(guild snowflake.ID) bool
}

func newPublisher(h *hub.Hub, holds func(snowflake.ID) bool) (*publisher, error) {
	p, err := h.Rosters.Publisher(0)
	return &publisher{p, holds}, err
}

// errNotHeld keeps a roster from being told while its shard may be another process's.
var errNotHeld = errors.New("bot: the shard's lease is not surely held")

// Put publishes a roster, unless its guild may be another process's by now.
func (p *publisher) Put(key string, live room.Live, done func(error)) {
	if !p.holds(live.Room.GuildID) {
		done(errNotHeld)
		return
	}
	if err := p.p.Put(key, live, func(_ hub.Rev, err error) { done(err) }); err != nil {
		done(err)
	}
}

func (p *publisher) close(ctx context.Context) error { return p.p.Close(ctx) }

// quiet keeps disgo's debug lines, which hold request bodies, out of the log.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeast{log.Handler(), slog.LevelWarn}) }

type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

func (h atLeast) WithAttrs(a []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(a), h.level}
}

func (h atLeast) WithGroup(n string) slog.Handler { return atLeast{h.Handler.WithGroup(n), h.level} }
