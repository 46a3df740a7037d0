package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// AuditName is the name of the audit stream, which drops its oldest entries instead of being full.
const AuditName = auditName

// Report describes the processes that share a hub on a NATS server, and how it stores their data. Ages are by the
// server's clock.
type Report struct {
	Server    string         `json:"server"`  // its address, without credentials
	Version   string         `json:"version"` // its version
	Shards    int            `json:"shards"`  // how many the bot has; 0: no bot has run yet
	Processes []ProcessState `json:"processes"`
	Leases    []LeaseState   `json:"leases"` // of the present number of shards, by shard
	Streams   []StreamState  `json:"streams"`
	Backups   *BackupState   `json:"backups,omitempty"` // on the schedule; nil: no process has had one yet
}

// BackupState says how backups on the schedule go.
type BackupState struct {
	BackupTurn
	Age time.Duration `json:"age_ns"` // since the last good one; it means nothing if there's none
}

// ProcessState is a process that announced itself in the last moments.
type ProcessState struct {
	ID     string        `json:"id"`
	Name   string        `json:"name"` // where it runs
	Shards int           `json:"shards,omitempty"`
	Age    time.Duration `json:"age_ns"` // since it last announced itself
	Process
}

// LeaseState is a shard's lease.
type LeaseState struct {
	Shard     int           `json:"shard"`
	Holder    string        `json:"holder"` // the process's ID; "" if nobody holds it
	Name      string        `json:"name"`   // where that runs, or ran
	Term      uint64        `json:"term"`
	Age       time.Duration `json:"age_ns"`              // since it was last renewed or freed
	Connected *bool         `json:"connected,omitempty"` // to Discord, as its holder reports; nil: it reported nothing
}

// StreamState is a bucket or the audit stream.
type StreamState struct {
	Name     string         `json:"name"`
	Missing  bool           `json:"missing,omitempty"` // no process has created it yet
	Silent   bool           `json:"silent,omitempty"`  // no leader answers for it; what follows isn't known then
	Memory   bool           `json:"memory,omitempty"`
	Leader   string         `json:"leader,omitempty"` // the NATS server that takes writes; "" outside of a cluster, too
	Replicas int            `json:"replicas"`         // copies that it should have, the leader's included
	Copies   []ReplicaState `json:"copies,omitempty"`
	Messages uint64         `json:"messages"`
	Bytes    uint64         `json:"bytes"`
	MaxBytes int64          `json:"max_bytes"`
}

// ReplicaState is a copy of a stream on a NATS server that isn't the stream's leader.
type ReplicaState struct {
	Server  string        `json:"server"`
	Current bool          `json:"current"` // it has everything
	Offline bool          `json:"offline,omitempty"`
	Lag     uint64        `json:"lag"`       // how many writes it is behind
	Silent  time.Duration `json:"silent_ns"` // since the leader last heard of it
}

// Inspect looks at the hub at o.URL without changing anything. It takes as long as holders take to report their
// connections: about ShardReportInterval.
func Inspect(ctx context.Context, o Options) (r Report, err error) {
	if o.URL == "" {
		return r, errs.E(errs.Invalid,
			"There is no cluster: with an empty SNUG_NATS_URL, Snug is one process. Ask it with: snug health")
	}
	h := newHub(o, tables())
	if err := h.connect(ctx); err != nil {
		return r, errors.Join(err, h.abandon())
	}
	h.bind()
	r.Server, r.Version = h.Server()
	heard, stop, err := h.hear(ctx)
	if err == nil {
		h.describe(ctx, &r)
		h.await(ctx, &r, heard)
		stop()
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return r, errors.Join(err, h.Close(closing))
}

// hear listens to the holders' reports.
func (h *Hub) hear(ctx context.Context) (heard <-chan ShardReport, stop func(), err error) {
	reports := make(chan ShardReport)
	done := make(chan struct{})
	end, err := ShardReports.Listen(ctx, h, func(s ShardReport) {
		select {
		case reports <- s:
		case <-done:
		}
	})
	return reports, func() { close(done); end() }, err
}

// await waits until every holder has reported, for a little longer than that should take.
func (h *Hub) await(ctx context.Context, r *Report, heard <-chan ShardReport) {
	left := map[int]*LeaseState{}
	for i := range r.Leases {
		if l := &r.Leases[i]; l.Holder != "" {
			left[l.Shard] = l
		}
	}
	patience := time.NewTimer(ShardReportInterval + time.Second)
	defer patience.Stop()
	for len(left) > 0 {
		select {
		case s := <-heard:
			if l := left[s.Shard]; l != nil && s.Shards == r.Shards {
				l.Connected = &s.OK
				delete(left, s.Shard)
			}
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// describe fills in everything that the hub stores.
func (h *Hub) describe(ctx context.Context, r *Report) {
	var now time.Time
	var all sync.WaitGroup
	r.Streams = make([]StreamState, len(h.specs))
	for i, s := range h.specs {
		all.Go(func() {
			state, at := h.streamState(ctx, s)
			if r.Streams[i] = state; s.name == h.Leases.Name() {
				now = at
			}
		})
	}
	all.Wait()
	slices.SortFunc(r.Streams, func(a, b StreamState) int { return strings.Compare(a.Name, b.Name) })
	if now.IsZero() {
		return // nobody has been here yet, or nobody answers
	}
	if t, _, err := h.Backups.Get(ctx, BackupKey); err == nil {
		r.Backups = &BackupState{t, max(0, now.Sub(t.Last))}
	} else if !errs.Has(err, errs.NotFound) {
		h.log.Warn("hub: cannot read how backups went", "err", err)
	}
	list, err := h.Leases.List(ctx, "")
	if err != nil {
		h.log.Warn("hub: cannot read the leases", "err", err)
		return
	}
	for _, e := range list {
		if e.Key == Generation {
			r.Shards = e.Value.Shards
		}
	}
	for _, e := range list {
		age := max(0, now.Sub(e.At))
		if id, ok := strings.CutPrefix(e.Key, Attending); ok && e.Value.Process != nil {
			r.Processes = append(r.Processes,
				ProcessState{ID: id, Name: e.Value.Name, Shards: e.Value.Shards, Age: age, Process: *e.Value.Process})
		}
		if shards, shard, ok := ParseLeaseKey(e.Key); ok && shards == r.Shards {
			r.Leases = append(r.Leases, LeaseState{
				Shard: shard, Holder: e.Value.Holder, Name: e.Value.Name, Term: e.Value.Term, Age: age,
			})
		}
	}
	slices.SortFunc(r.Leases, func(a, b LeaseState) int { return cmp.Compare(a.Shard, b.Shard) })
	slices.SortFunc(r.Processes, func(a, b ProcessState) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
}

// streamState asks a stream's leader for its state, and for the time there.
func (h *Hub) streamState(ctx context.Context, s spec) (state StreamState, at time.Time) {
	state = StreamState{Name: s.name, Memory: s.memory, MaxBytes: h.maxBytes(s)}
	asking, cancel := within(ctx, h.o.WriteTimeout, h.link.present())
	defer cancel()
	st, err := h.link.js.Stream(asking, s.stream())
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		state.Missing = true
		return state, at
	case err != nil:
		state.Silent = true
		return state, at
	}
	info := st.CachedInfo()
	state.Replicas, state.MaxBytes = info.Config.Replicas, info.Config.MaxBytes
	state.Messages, state.Bytes = info.State.Msgs, info.State.Bytes
	if c := info.Cluster; c != nil && c.Name != "" { // a lone server names itself, but no cluster
		state.Leader = c.Leader
		for _, p := range c.Replicas {
			state.Copies = append(state.Copies, ReplicaState{
				Server: p.Name, Current: p.Current, Offline: p.Offline, Lag: p.Lag, Silent: p.Active,
			})
		}
	}
	return state, info.TimeStamp
}
