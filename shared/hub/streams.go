package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"snug/shared/errs"
)

// spec describes a bucket or stream on the server.
type spec struct {
	name     string
	memory   bool
	history  int64 // values stored per key, including the latest
	maxBytes int64
	audit    bool // the audit stream, which is not a bucket
	scratch  bool // not included in backups
	writer   writerScope
}

// writerScope tells which process may write a bucket's keys; the start of the key identifies the
// guild or shard.
type writerScope int

const (
	anyWriter   writerScope = iota // any process
	guildHolder                    // the process that holds the guild
	shardHolder                    // the process that holds the shard
)

const (
	// tombstone is how long a deleted key is remembered, for followers that were disconnected. A
	// follower that was away for longer reads everything again.
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

// specOf returns the spec with the given name, which must exist.
func specOf(specs []spec, name string) spec {
	for _, s := range specs {
		if s.name == name {
			return s
		}
	}
	panic("hub: no bucket " + name)
}

// room adds up how much the embedded server must be able to store.
func (h *Hub) room() (memory, store int64) { return needs(h.specs, h.maxBytes) }

// needs adds up how much a server must be able to store, plus some space for itself.
func needs(specs []spec, maxBytes func(spec) int64) (memory, store int64) {
	memory, store = 16<<20, 64<<20
	for _, s := range specs {
		if s.memory {
			memory += maxBytes(s)
		} else {
			store += maxBytes(s)
		}
	}
	return memory, store
}

func (h *Hub) maxBytes(s spec) int64 { return cmp.Or(h.o.MaxBytes[s.name], s.maxBytes) }

// config is the stream configuration of s. Buckets follow the conventions of NATS's key-value
// clients, so that NATS tools can read them.
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
		c.MaxMsgsPerSubject, c.MaxAge = -1, auditAge
		c.Duplicates = auditRepeat
		c.Discard = jetstream.DiscardOld
		return c
	}
	c.Description = "Snug: " + s.name
	c.Subjects = []string{"$KV." + s.name + ".>"}
	c.MaxMsgsPerSubject = s.history
	c.Discard = jetstream.DiscardNew // a full bucket refuses writes instead of dropping keys
	c.AllowRollup, c.DenyDelete = true, true
	c.Duplicates = 2 * time.Minute
	c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = true, tombstone
	return c
}

// ensure creates missing streams and, with update, updates the configuration of existing ones. It
// retries failures for up to wait: a newly started cluster cannot place streams yet, and another
// process may be creating the same stream.
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
	existing, err := h.link.js.Stream(ctx, c.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		_, err = h.link.js.CreateStream(ctx, c)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = nil // another process was faster
		}
	case err == nil && update && !reflect.DeepEqual(ours(existing.CachedInfo().Config), ours(c)):
		// Not otherwise: a server writes an update to its disk even if nothing is different.
		_, err = h.link.js.UpdateStream(ctx, c)
	}
	switch code := apiCode(err); {
	case err == nil:
		return nil
	case code == codeInsufficient || code == codeMemoryFull || code == codeStorageFull || code == codeAccountFull ||
		code == codeStreamSize:
		return noRoom(s.name, c.MaxBytes).Because(err)
	case code == codeStreams:
		return h.fewStreams().Because(err)
	case code == codeReplicas || code == codeNoPeers:
		return errs.E(errs.Unavailable,
			"The NATS cluster cannot keep %d copies of Snug's %s. Set SNUG_NATS_REPLICAS to the number of servers "+
				"that run.",
			c.Replicas, s.name).Because(err)
	}
	return unavailable(fmt.Errorf("hub: stream %s: %w", c.Name, because(ctx, err)))
}

// ours leaves out what the server adds to a configuration.
func ours(c jetstream.StreamConfig) jetstream.StreamConfig {
	c.Metadata = nil // the server's version
	return c
}

// Usage reports how full a bucket or the audit stream is.
type Usage struct {
	Name     string
	Memory   bool
	Messages uint64 // values including their history and deletions
	Bytes    uint64
	MaxBytes int64
}

// Usage asks the server how full every bucket and stream is, for metrics and the doctor command.
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

// Server returns where the hub runs, "embedded" or the external server's address, and the server's
// version.
func (h *Hub) Server() (where, version string) {
	if h.engine != nil {
		return "embedded", h.link.nc.ConnectedServerVersion()
	}
	return h.link.nc.ConnectedUrlRedacted(), h.link.nc.ConnectedServerVersion()
}
