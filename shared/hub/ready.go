package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"snug/shared/errs"
)

// probeEvery limits how often Ready writes to the disk, however often it is called.
const probeEvery = time.Second

// readiness caches the last result of Ready.
type readiness struct {
	mu     sync.Mutex
	at     time.Time
	err    error
	health *store
	all    []*store
}

// Ready returns nil if the hub accepts writes, and otherwise a coded error with the reason: not
// connected, disk full or broken, no answer. It writes a probe at most once per second and repeats
// the last result in between.
func (h *Hub) Ready(ctx context.Context) error {
	r := &h.ready
	r.mu.Lock()
	defer r.mu.Unlock() // concurrent callers share one probe
	if !r.at.IsZero() && time.Since(r.at) < probeEvery {
		return r.err
	}
	err := h.probe(ctx)
	if ctx.Err() == nil {
		r.at, r.err = time.Now(), err
	}
	return err
}

func (h *Hub) probe(ctx context.Context) error {
	if h.ctx.Err() != nil {
		return unavailable(errClosed)
	}
	if h.damage != nil {
		return h.damage
	}
	if life := h.link.present(); life.Err() != nil {
		return errs.E(errs.Unavailable,
			"Snug lost its hub and is reconnecting. If this goes on, check the NATS server.").
			Because(context.Cause(life))
	}
	if h.engine != nil {
		if _, fault := h.engine.state(); fault != nil {
			return fault
		}
		if free, ok := freeBytes(h.o.Dir); ok && free < minFree {
			return errs.E(errs.Unavailable, "The disk of Snug's data folder %s has only %d MB left. Free some space.",
				h.o.Dir, free>>20)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := h.ready.health.touch(ctx, 1); err != nil {
		return h.unanswered(err)
	}
	// A bucket whose last write failed may be the only broken one.
	for _, s := range h.ready.all {
		if size := s.failing.Load(); size > 0 {
			if err := s.touch(ctx, size); err != nil {
				return err
			}
		}
		if err := s.isFull(ctx); err != nil { // also after a restart, before any write has failed
			return err
		}
	}
	return nil
}

// unanswered explains the error of a probe if a NATS server took it and didn't answer.
func (h *Hub) unanswered(err error) error {
	if h.engine != nil || !errors.Is(err, ErrUnknownOutcome) {
		return err
	}
	return errs.E(errs.Unavailable,
		"The NATS server answers, but stores nothing. Check that more than half of the servers run and that "+
			"none of their disks is full. Restart a server whose disk was full, once it has space again.").Because(err)
}

// touch writes a probe of the size of the last failed write to the bucket, and removes it.
func (s *store) touch(ctx context.Context, size int64) error {
	if _, err := s.write(ctx, probeKey, change{op: "probe", data: make([]byte, size)}); err != nil {
		return err
	}
	if s.spec.name == healthName {
		return nil // it contains only the probe
	}
	_, err := s.write(ctx, probeKey, change{op: "probe", remove: true})
	return err
}
