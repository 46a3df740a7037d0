package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	alivePrefix = "snug.alive."
	aliveTime   = 500 * time.Millisecond
)

// Self identifies this process. No earlier or later process has the same identifier.
func (h *Hub) Self() string { return h.self }

// Alive reports whether the process identified by self may still be running. It returns false only
// if that process has certainly ended. It waits at most 500 ms.
func (h *Hub) Alive(ctx context.Context, self string) bool {
	if self == h.self {
		return true
	}
	if h.engine != nil {
		return false // the data folder is locked: no other process uses this hub
	}
	ctx, cancel := context.WithTimeout(ctx, aliveTime)
	defer cancel()
	_, err := h.link.nc.RequestWithContext(ctx, alivePrefix+self, nil)
	return !errors.Is(err, nats.ErrNoResponders)
}

// live answers Alive requests of other processes.
func (h *Hub) live() error {
	h.self = rand.Text()
	_, err := h.link.nc.Subscribe(alivePrefix+h.self, func(m *nats.Msg) {
		_ = m.Respond(nil) // a lost answer is requested again
	})
	if err != nil {
		return unavailable(fmt.Errorf("hub: %w", err))
	}
	return nil
}
