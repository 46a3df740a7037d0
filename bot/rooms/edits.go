package rooms

import (
	"context"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// edits counts the calls that change a channel, when they begin and when they
// end: what Discord said of it in between may be of before or after.
type edits struct {
	Discord

	mu   sync.Mutex
	n    map[snowflake.ID]uint64
	last map[snowflake.ID]time.Time // by the machine's clock
}

func counting(d Discord) *edits {
	return &edits{Discord: d, n: map[snowflake.ID]uint64{}, last: map[snowflake.ID]time.Time{}}
}

// of gives a number that is another one after each change of a channel.
func (e *edits) of(channel snowflake.ID) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n[channel]
}

// at gives when a change of a channel last began or ended; zero: none was made.
func (e *edits) at(channel snowflake.ID) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last[channel]
}

func (e *edits) forget(channel snowflake.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.n, channel)
	delete(e.last, channel)
}

func (e *edits) counted(channel snowflake.ID, call func() error) error {
	count := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.n[channel]++
		e.last[channel] = time.Now()
	}
	count()
	defer count()
	return call()
}

func (e *edits) SetAccess(
	ctx context.Context, channel snowflake.ID, a RoomAccess, reason string,
) (more bool, err error) {
	err = e.counted(channel, func() error {
		more, err = e.Discord.SetAccess(ctx, channel, a, reason)
		return err
	})
	return more, err
}

func (e *edits) Admit(ctx context.Context, channel, user snowflake.ID, a RoomAccess, reason string) error {
	return e.counted(channel, func() error { return e.Discord.Admit(ctx, channel, user, a, reason) })
}

func (e *edits) Expel(ctx context.Context, channel, user snowflake.ID, ban bool, a RoomAccess, reason string) error {
	return e.counted(channel, func() error { return e.Discord.Expel(ctx, channel, user, ban, a, reason) })
}

func (e *edits) Rename(ctx context.Context, channel snowflake.ID, name, reason string) error {
	return e.counted(channel, func() error { return e.Discord.Rename(ctx, channel, name, reason) })
}

func (e *edits) SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error {
	return e.counted(channel, func() error { return e.Discord.SetLimit(ctx, channel, limit, reason) })
}

func (e *edits) SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error {
	return e.counted(channel, func() error { return e.Discord.SetStatus(ctx, channel, status, reason) })
}
