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

// Self names this process: nobody else, before or after it, has the same name.
func (h *Hub) Self() string { return h.self }

// Alive says whether the process that calls itself so may still be at what it
// began. It is false only for one that has surely ended, at once.
func (h *Hub) Alive(ctx context.Context, self string) bool {
	if self == h.self {
		return true
	}
	if h.engine != nil {
		return false // the folder is locked: no other process uses this hub
	}
	ctx, cancel := context.WithTimeout(ctx, aliveTime)
	defer cancel()
	_, err := h.link.nc.RequestWithContext(ctx, alivePrefix+self, nil)
	return !errors.Is(err, nats.ErrNoResponders)
}

// live answers whoever asks whether this process is alive.
func (h *Hub) live() error {
	h.self = rand.Text()
	_, err := h.link.nc.Subscribe(alivePrefix+h.self, func(m *nats.Msg) {
		_ = m.Respond(nil) // who asks again is answered again
	})
	if err != nil {
		return unavailable(fmt.Errorf("hub: %w", err))
	}
	return nil
}
