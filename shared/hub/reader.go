package hub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	heartbeat   = time.Second
	silence     = 2500 * time.Millisecond // after this time without a message or heartbeat, the consumer counts as lost
	pullBatch   = 512
	pullExpires = 30 * time.Second
	deliverAll  = jetstream.DeliverAllPolicy
)

var (
	errSilent = errors.New("hub: no heartbeat")
	errGap    = errors.New("hub: a message was lost on the way")
	errEnded  = errors.New("hub: the consumer ended")
	errBehind = errors.New("hub: the copy that would be read lags")
)

// item is one message of a stream.
type item struct {
	subject string
	header  nats.Header
	data    []byte
	seq     uint64
	pending uint64 // messages after this one, as known to the server when it sent it
	at      time.Time
}

// key returns the bucket's key; "" for the hub's own keys.
func (i item) key(s *store) string {
	key := strings.TrimPrefix(i.subject, s.prefix)
	if strings.HasPrefix(key, reserved) {
		return ""
	}
	return key
}

func (i item) value(key string) value {
	v := value{key: key, rev: Rev(i.seq), at: i.at}
	if !deleted(i.header) {
		v.data = orEmpty(i.data)
	}
	return v
}

// latest configures a consumer of the last value of every key that matches filter, and of
// everything after that.
func latest(filter string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubject: filter,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: 2 * time.Minute,
	}
}

// reader reads a stream in order through a short-lived pull consumer. It ends with an error at the
// first sign of a lost message; its user then opens another one and knows where to continue. (The
// client library's ordered consumer restarts on its own and without notice, even if the stream was
// replaced by another one.)
//
// Only one goroutine may use it. Cancelling ctx ends a waiting next.
type reader struct {
	nc      *nats.Conn
	sub     *nats.Subscription
	stop    func() bool
	ask     string // subject of pull requests
	drop    string // subject that deletes the consumer
	waiting int    // messages requested but not received yet
	seen    uint64 // messages delivered by this consumer
	pending uint64 // messages in the stream when the consumer was created
	server  string // in a cluster, the server whose copy is read; "" on a single server
}

func (h *Hub) read(ctx context.Context, stream string, c jetstream.ConsumerConfig) (*reader, error) {
	sub, err := h.link.nc.SubscribeSync(h.link.nc.NewInbox())
	if err != nil {
		return nil, err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil { // the requested batch is the limit
		return nil, err
	}
	begun := time.Now()
	making, cancel := context.WithTimeout(ctx, h.try())
	made, err := h.link.js.CreateConsumer(making, stream, c)
	cancel()
	h.o.Observe(Observation{Op: "consume", Bucket: stream, Took: time.Since(begun), Err: err})
	if err != nil {
		_ = sub.Unsubscribe()
		return nil, err
	}
	info := made.CachedInfo()
	r := &reader{
		nc: h.link.nc, sub: sub,
		ask:     "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + info.Name,
		drop:    "$JS.API.CONSUMER.DELETE." + stream + "." + info.Name,
		pending: info.NumPending,
	}
	if info.Cluster != nil {
		r.server = info.Cluster.Leader
	}
	r.stop = context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() })
	return r, nil
}

// close deletes the consumer. If the request does not reach the server, the server deletes it after
// a while.
func (r *reader) close() {
	r.stop()
	_ = r.sub.Unsubscribe()
	_ = r.nc.Publish(r.drop, nil)
}

// next returns the next message. alive, if not nil, is called whenever the server is heard.
func (r *reader) next(alive func()) (item, error) {
	for {
		if r.waiting <= pullBatch/2 {
			if err := r.pull(pullBatch - r.waiting); err != nil {
				return item{}, err
			}
		}
		m, err := r.sub.NextMsg(silence)
		switch {
		case errors.Is(err, nats.ErrTimeout):
			return item{}, errSilent
		case err != nil:
			return item{}, err
		}
		if alive != nil {
			alive()
		}
		if len(m.Data) == 0 && len(m.Header["Status"]) > 0 {
			if err := r.status(m.Header); err != nil {
				return item{}, err
			}
			continue
		}
		return r.message(m)
	}
}

func (r *reader) message(m *nats.Msg) (item, error) {
	d, err := m.Metadata()
	if err != nil {
		return item{}, fmt.Errorf("hub: %w", err)
	}
	if r.seen++; d.Sequence.Consumer != r.seen {
		return item{}, errGap
	}
	r.waiting--
	return item{
		subject: m.Subject, header: m.Header, data: m.Data, seq: d.Sequence.Stream, pending: d.NumPending,
		at: d.Timestamp,
	}, nil
}

func (r *reader) pull(n int) error {
	request := fmt.Appendf(nil, `{"batch":%d,"expires":%d,"idle_heartbeat":%d}`, n, pullExpires.Nanoseconds(),
		heartbeat.Nanoseconds())
	if err := r.nc.PublishRequest(r.ask, r.sub.Subject, request); err != nil {
		return err
	}
	r.waiting += n
	return nil
}

// status handles the server's answers that are not messages.
func (r *reader) status(h nats.Header) error {
	code, what := h.Get("Status"), h.Get("Description")
	switch {
	case code == "100": // heartbeat
		return nil
	case code == "404", code == "408", // a request has expired
		code == "409" && strings.Contains(strings.ToLower(what), "batch completed"):
		left, err := strconv.Atoi(h.Get("Nats-Pending-Messages"))
		if err != nil {
			left = r.waiting
		}
		r.waiting = max(0, r.waiting-left)
		return nil
	}
	return fmt.Errorf("%w: %s %s", errEnded, code, what)
}

// scan calls each with the current messages of a stream, until each returns false or an error.
func (h *Hub) scan(
	ctx context.Context, stream string, c jetstream.ConsumerConfig, each func(item) (bool, error),
) error {
	info, err := h.info(ctx, stream, "")
	if err != nil {
		return err
	}
	// do not wait for messages written while reading
	s := scan{h: h, stream: stream, c: c, last: info.State.LastSeq, each: each}
	s.know(info)
	err = h.patiently(ctx, func(ctx context.Context) (bool, error) {
		before := s.done
		err := s.run(ctx)
		return s.done > before, err
	})
	if s.failed != nil {
		err = s.failed
	}
	return readError(stream, err)
}

// scan is the state of one scan. If a reader ends early, the next one continues after the last
// delivered message.
type scan struct {
	h      *Hub
	stream string
	c      jetstream.ConsumerConfig
	each   func(item) (bool, error)
	behind map[string]bool // servers whose copy may be incomplete
	last   uint64          // last message to read
	done   uint64          // last message delivered
	failed error           // the error of each
}

// know records which copies are complete, as far as the stream's leader knows.
func (s *scan) know(info *jetstream.StreamInfo) {
	s.behind = map[string]bool{}
	if info.Cluster == nil {
		return
	}
	for _, p := range info.Cluster.Replicas {
		s.behind[p.Name] = p.Lag > 0 || !p.Current || p.Offline
	}
}

func (s *scan) run(ctx context.Context) error {
	r, err := s.h.read(ctx, s.stream, s.c)
	if err != nil {
		return err
	}
	defer r.close()
	if s.behind[r.server] { // the server chose this copy and may choose another one next time
		if info, err := s.h.info(ctx, s.stream, ""); err == nil {
			s.know(info)
		}
		return errBehind
	}
	for pending := r.pending; pending > 0; {
		i, err := r.next(nil)
		if err != nil {
			return err
		}
		if i.seq > s.last {
			return nil
		}
		if pending = i.pending; i.seq > s.done {
			s.done = i.seq
			var more bool
			if more, s.failed = s.each(i); s.failed != nil || !more {
				return nil
			}
		}
		if i.seq == s.last {
			return nil
		}
	}
	return nil
}
