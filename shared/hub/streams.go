package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"snug/shared/errs"
)

// spec says what a bucket or stream is like on the server.
type spec struct {
	name     string
	memory   bool
	history  int64 // values kept of a key, the latest included
	maxBytes int64
	audit    bool // the audit stream; not a bucket
	scratch  bool // not worth a backup
	writer   writerScope
}

// writerScope says who alone writes a bucket's keys, each for what its key begins with.
type writerScope int

const (
	anyWriter   writerScope = iota // anybody may write
	guildHolder                    // who holds the guild
	shardHolder                    // who holds the shard
)

const (
	// tombstone is how long a deleted key is remembered, so that a follower
	// that was away hears of it. Whoever was away for longer reads everything again.
	tombstone = time.Hour
	longAway  = tombstone / 2

	auditName  = "AUDIT"
	auditAge   = 90 * 24 * time.Hour
	healthName = "health"
)

func (s spec) stream() string {
	if s.audit {
		return s.name
	}
	return "KV_" + s.name
}

// specOf finds a bucket that tables has.
func specOf(specs []spec, name string) spec {
	for _, s := range specs {
		if s.name == name {
			return s
		}
	}
	panic("hub: no bucket " + name)
}

// room adds up what the embedded server must be able to hold, with a little for itself.
func (h *Hub) room() (memory, store int64) {
	memory, store = 16<<20, 64<<20
	for _, s := range h.specs {
		if s.memory {
			memory += h.maxBytes(s)
		} else {
			store += h.maxBytes(s)
		}
	}
	return memory, store
}

func (h *Hub) maxBytes(s spec) int64 { return cmp.Or(h.o.MaxBytes[s.name], s.maxBytes) }

// config is the stream of s. A bucket's is what NATS's key-value clients expect, so its tools can read it.
func (h *Hub) config(s spec) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: s.stream(), Replicas: h.replicas, MaxBytes: h.maxBytes(s), MaxMsgSize: int32(h.o.MaxValue),
		AllowDirect: true, MaxMsgs: -1, MaxConsumers: -1,
	}
	if s.memory {
		c.Storage = jetstream.MemoryStorage
	}
	if s.audit {
		c.Description = "What happened in Snug"
		c.Subjects = []string{"audit.>"}
		c.MaxAge = auditAge
		c.Duplicates = auditRepeat
		c.Discard = jetstream.DiscardOld
		return c
	}
	c.Description = "Snug: " + s.name
	c.Subjects = []string{"$KV." + s.name + ".>"}
	c.MaxMsgsPerSubject = s.history
	c.Discard = jetstream.DiscardNew // a full bucket refuses writes; it does not forget keys
	c.AllowRollup, c.DenyDelete = true, true
	c.Duplicates = 2 * time.Minute
	c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = true, tombstone
	return c
}

// ensure makes what is missing and, with update, brings what is there to its
// present form. What fails is tried again for up to wait: in a cluster that has
// just been started streams cannot be placed yet, and another process may be
// making the same one at the same moment.
func (h *Hub) ensure(ctx context.Context, update bool, wait time.Duration) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range h.specs {
		g.Go(func() error {
			return h.link.persist(ctx, wait, "the cluster to take "+s.name,
				func(ctx context.Context) error { return h.ensureStream(ctx, s, update) })
		})
	}
	return g.Wait()
}

func (h *Hub) ensureStream(ctx context.Context, s spec, update bool) error {
	c := h.config(s)
	var err error
	if update {
		_, err = h.link.js.CreateOrUpdateStream(ctx, c)
	} else if _, err = h.link.js.Stream(ctx, c.Name); errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = h.link.js.CreateStream(ctx, c)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = nil // another process was faster
		}
	}
	switch code := apiCode(err); {
	case err == nil:
		return nil
	case code == codeInsufficient || code == codeMemoryFull || code == codeStorageFull:
		return errs.E(errs.Unavailable,
			"The NATS server has no room for Snug's %s (%d MB). Raise the account's or server's limits, or lower the bucket's MaxBytes.",
			s.name, c.MaxBytes>>20).Because(err)
	case code == codeReplicas || code == codeNoPeers:
		return errs.E(errs.Unavailable,
			"The NATS cluster cannot keep %d copies of Snug's %s. Set SNUG_NATS_REPLICAS to the number of servers that run.",
			c.Replicas, s.name).Because(err)
	}
	return unavailable(fmt.Errorf("hub: stream %s: %w", c.Name, because(ctx, err)))
}

// Usage is how full a bucket, or the audit stream, is.
type Usage struct {
	Name     string
	Memory   bool
	Messages uint64 // values with their history and deletions
	Bytes    uint64
	MaxBytes int64
}

// Usage asks the server how full everything is, for metrics and the doctor.
func (h *Hub) Usage(ctx context.Context) ([]Usage, error) {
	ctx, cancel := within(ctx, h.o.WriteTimeout, h.link.present())
	defer cancel()
	list := make([]Usage, 0, len(h.specs))
	for _, s := range h.specs {
		st, err := h.link.js.Stream(ctx, s.stream())
		if err != nil {
			return nil, readError(s.name, because(ctx, err))
		}
		state := st.CachedInfo().State
		list = append(list,
			Usage{Name: s.name, Memory: s.memory, Messages: state.Msgs, Bytes: state.Bytes, MaxBytes: h.maxBytes(s)})
	}
	return list, nil
}

// Server says what the hub runs on: "embedded" or the external server's address, and its version.
func (h *Hub) Server() (where, version string) {
	if h.engine != nil {
		return "embedded", h.link.nc.ConnectedServerVersion()
	}
	return h.link.nc.ConnectedUrlRedacted(), h.link.nc.ConnectedServerVersion()
}
