package rooms

import (
	"context"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// editCounter is a Discord that counts the calls that change a channel, at their start and
// at their end: what Discord reports in between may be older or newer than the change.
type editCounter struct {
	Discord

	mu   sync.Mutex
	n    map[snowflake.ID]uint64
	last map[snowflake.ID]time.Time // by the machine's clock
}

func newEditCounter(d Discord) *editCounter {
	return &editCounter{Discord: d, n: map[snowflake.ID]uint64{}, last: map[snowflake.ID]time.Time{}}
}

// count returns a number that differs after each change of a channel.
func (e *editCounter) count(channel snowflake.ID) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n[channel]
}

// lastAt returns when a change of a channel last began or ended; zero if there was none.
func (e *editCounter) lastAt(channel snowflake.ID) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last[channel]
}

func (e *editCounter) forget(channel snowflake.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.n, channel)
	delete(e.last, channel)
}

func (e *editCounter) counting(channel snowflake.ID, call func() error) error {
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

func (e *editCounter) SetAccess(
	ctx context.Context, channel snowflake.ID, a RoomAccess, reason string,
) (more bool, err error) {
	err = e.counting(channel, func() error {
		more, err = e.Discord.SetAccess(ctx, channel, a, reason)
		return err
	})
	return more, err
}

func (e *editCounter) Admit(ctx context.Context, channel, user snowflake.ID, a RoomAccess, reason string) error {
	return e.counting(channel, func() error { return e.Discord.Admit(ctx, channel, user, a, reason) })
}

func (e *editCounter) Expel(
	ctx context.Context, channel, user snowflake.ID, ban bool, a RoomAccess, reason string,
) error {
	return e.counting(channel, func() error { return e.Discord.Expel(ctx, channel, user, ban, a, reason) })
}

func (e *editCounter) Deny(ctx context.Context, channel snowflake.ID, o access.Overwrite, reason string) error {
	return e.counting(channel, func() error { return e.Discord.Deny(ctx, channel, o, reason) })
}

func (e *editCounter) Rename(ctx context.Context, channel snowflake.ID, name, reason string) error {
	return e.counting(channel, func() error { return e.Discord.Rename(ctx, channel, name, reason) })
}

func (e *editCounter) SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error {
	return e.counting(channel, func() error { return e.Discord.SetLimit(ctx, channel, limit, reason) })
}

func (e *editCounter) SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error {
	return e.counting(channel, func() error { return e.Discord.SetStatus(ctx, channel, status, reason) })
}
