package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// Rev is the position of a value in its bucket's order of writes. It grows within an epoch of the
// bucket.
type Rev uint64

// store is a bucket without the type of its values.
type store struct {
	h       *Hub
	spec    spec
	stream  string
	prefix  string
	fillMu  sync.Mutex
	filled  fill
	failing atomic.Int64 // size of the last write if it failed, else 0; Ready then probes the bucket
	shun    atomic.Int64 // until when copies are asked before the leader, after it did not answer; Unix nanoseconds
}

func newStore(h *Hub, s spec) *store {
	return &store{h: h, spec: s, stream: s.stream(), prefix: "$KV." + s.name + "."}
}

// Keys that begin with reserved belong to the hub: the epoch, and the probe of Ready.
const (
	reserved = "="
	epochKey = reserved + "epoch"
	probeKey = reserved + "probe"
)

// Headers of NATS's key-value convention,
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md
const (
	headOp       = "KV-Operation"
	headRollup   = "Nats-Rollup"
	headMarker   = "Nats-Marker-Reason"
	headExpected = "Nats-Expected-Last-Subject-Sequence"
	headTTL      = "Nats-TTL"
)

// value is a stored value or, if data is nil, a deletion.
type value struct {
	key  string
	data []byte
	rev  Rev
	at   time.Time
}

func deleted(h nats.Header) bool {
	return len(h) > 0 && (len(h[headOp]) > 0 || len(h[headMarker]) > 0)
}

// checkKey fails unless a key can be part of a subject: tokens of letters, digits, - _ = /, joined
// by dots.
func checkKey(key string) error {
	if key == "" || len(key) > 200 || key[0] == reserved[0] || key[0] == '.' || key[len(key)-1] == '.' ||
		strings.Contains(key, "..") {
		return badKey(key)
	}
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '=', c == '/',
			c == '.':
		default:
			return badKey(key)
		}
	}
	return nil
}

func badKey(key string) error {
	return errs.E(errs.Invalid,
		"This link isn't one of Snug's. Check it.").Because(fmt.Errorf("hub: bad key %q",
		key))
}

// filter returns the subject of all keys under prefix, which consists of whole tokens; "" matches
// every key.
func (s *store) filter(prefix string) (string, error) {
	if prefix == "" {
		return s.prefix + ">", nil
	}
	if err := checkKey(prefix); err != nil {
		return "", err
	}
	return s.prefix + prefix + ".>", nil
}

// change is one write: a value, or a deletion if remove is set.
type change struct {
	op     string
	data   []byte
	remove bool
	expect *Rev // the revision the key must be at; 0 means it must not exist
	ttl    time.Duration
}

// write publishes a change and waits until it is stored. key may be a reserved one.
func (s *store) write(ctx context.Context, key string, c change) (rev Rev, err error) {
	begun := time.Now()
	err = s.h.o.Around(Write{Op: c.op, Bucket: s.spec.name, Key: key}, func() (err error) {
		rev, err = s.publish(ctx, key, c)
		return err
	})
	s.h.o.Observe(Observation{Op: c.op, Bucket: s.spec.name, Took: time.Since(begun), Err: err})
	return rev, err
}

func (s *store) publish(ctx context.Context, key string, c change) (Rev, error) {
	if len(c.data) > s.h.o.MaxValue {
		return 0, tooLarge(s.spec.name, key, len(c.data), fmt.Errorf("the most is %d", s.h.o.MaxValue))
	}
	life, err := s.h.writable(s.spec)
	if err != nil {
		return 0, err
	}
	if err := s.h.fenced(s.spec, key); err != nil {
		return 0, err
	}
	ctx, cancel := within(ctx, s.h.o.WriteTimeout, life...)
	defer cancel()
	if err := s.roomFor(ctx, key, c); err != nil {
		s.failing.Store(int64(max(1, len(c.data))))
		return 0, err
	}
	m := &nats.Msg{Subject: s.prefix + key, Data: c.data, Header: nats.Header{}}
	if c.remove {
		m.Header[headOp] = []string{"PURGE"}
		m.Header[headRollup] = []string{"sub"}
		c.ttl = tombstone
	}
	if c.expect != nil {
		m.Header[headExpected] = []string{strconv.FormatUint(uint64(*c.expect), 10)}
	}
	if c.ttl > 0 {
		m.Header[headTTL] = []string{ttlText(c.ttl)}
	}
	ack, err := s.h.link.js.PublishMsg(ctx, m)
	if c.remove && errors.Is(writeError(s.spec.name, key, 0, err), ErrFull) {
		ack, err = s.makeWay(ctx, key, c, m)
	}
	if err != nil {
		err = writeError(s.spec.name, key, len(c.data), because(ctx, err))
		if errs.Has(err, errs.Unavailable) {
			s.failing.Store(int64(max(1, len(c.data))))
		}
		return 0, err
	}
	s.failing.Store(0)
	s.acknowledged(key, Rev(ack.Sequence), c)
	return Rev(ack.Sequence), nil
}

// ttlText rounds up to whole seconds, at least one, as the server requires.
func ttlText(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// writable returns the contexts that a write to s must not outlive, or an error if it cannot be
// attempted.
func (h *Hub) writable(s spec) ([]context.Context, error) {
	life := h.link.present()
	if life.Err() != nil {
		return nil, unavailable(context.Cause(life))
	}
	if h.engine == nil || s.memory {
		return []context.Context{life}, nil
	}
	disk, fault := h.engine.state()
	if fault != nil {
		return nil, fault
	}
	return []context.Context{life, disk}, nil
}

// get reads the latest value of a key. If the key does not exist, the revision is 0 or that of its
// deletion. With fresh, only the stream's leader answers; otherwise any copy may answer if the
// leader is slow, possibly with an older value.
func (s *store) get(ctx context.Context, key string, fresh bool) (value, error) {
	begun := time.Now()
	v, err := s.ask(ctx, key, fresh)
	err = readError(s.spec.name, err)
	s.h.o.Observe(Observation{Op: "get", Bucket: s.spec.name, Took: time.Since(begun), Err: err})
	return v, err
}

func (s *store) ask(ctx context.Context, key string, fresh bool) (v value, err error) {
	if s.h.replicas <= 1 {
		ctx, cancel := within(ctx, s.h.o.WriteTimeout, s.h.link.present())
		defer cancel()
		v, err = s.getAny(ctx, key)
		return v, because(ctx, err)
	}
	if fresh {
		return s.leader(ctx, key)
	}
	ways := []way{s.getLeader, s.getAny}
	shunned := time.Now().UnixNano() < s.shun.Load()
	if shunned {
		ways[0], ways[1] = ways[1], ways[0]
	}
	v, asked, err := s.h.first(ctx, key, ways...)
	if asked > 1 { // the first one asked did not answer: ask the others first for a while
		until := time.Now().Add(shunTime).UnixNano()
		if shunned {
			until = 0
		}
		s.shun.Store(until)
	}
	return v, err
}

// leader reads a key from the stream's leader only.
func (s *store) leader(ctx context.Context, key string) (value, error) {
	if s.h.replicas <= 1 {
		return s.getLeader(ctx, key)
	}
	v, _, err := s.h.first(ctx, key, s.getLeader)
	return v, err
}

func (s *store) getAny(ctx context.Context, key string) (value, error) {
	m, err := s.h.link.nc.RequestMsgWithContext(ctx,
		&nats.Msg{Subject: "$JS.API.DIRECT.GET." + s.stream + "." + s.prefix + key})
	if err != nil {
		return value{}, err
	}
	switch status := m.Header.Get("Status"); status {
	case "":
	case "404":
		return value{key: key}, nil
	default:
		return value{}, fmt.Errorf("hub: direct get: %s %s", status, m.Header.Get("Description"))
	}
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return value{}, fmt.Errorf("hub: direct get: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return value{}, fmt.Errorf("hub: direct get: %w", err)
	}
	v := value{key: key, rev: Rev(seq), at: at}
	if !deleted(m.Header) {
		v.data = orEmpty(m.Data)
	}
	return v, nil
}

func (s *store) getLeader(ctx context.Context, key string) (value, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": s.prefix + key})
	if err != nil {
		return value{}, err
	}
	m, err := s.h.link.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+s.stream, request)
	if err != nil {
		return value{}, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq    uint64    `json:"seq"`
			Header []byte    `json:"hdrs"`
			Data   []byte    `json:"data"`
			Time   time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return value{}, fmt.Errorf("hub: message get: %w", err)
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return value{key: key}, nil
		}
		return value{}, answer.Error
	}
	v := value{key: key, rev: Rev(answer.Message.Seq), at: answer.Message.Time}
	var header nats.Header
	if len(answer.Message.Header) > 0 {
		if header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return value{}, fmt.Errorf("hub: message get: %w", err)
		}
	}
	if !deleted(header) {
		v.data = orEmpty(answer.Message.Data)
	}
	return v, nil
}

// orEmpty makes a stored empty value distinct from nil, which means deleted.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// create writes a key that must not exist; a deleted key, or one whose value is gone, does not
// exist.
func (s *store) create(
	ctx context.Context, key string, data []byte, ttl time.Duration, gone func(value) bool,
) (Rev, error) {
	var none Rev
	rev, err := s.write(ctx, key, change{op: "create", data: data, expect: &none, ttl: ttl})
	if !errs.Has(err, errs.Conflict) {
		return rev, err
	}
	v, readErr := s.get(ctx, key, true)
	if readErr != nil {
		return 0, readErr
	}
	if v.rev == 0 || !gone(v) {
		return 0, err
	}
	return s.write(ctx, key, change{op: "create", data: data, expect: &v.rev, ttl: ttl})
}
