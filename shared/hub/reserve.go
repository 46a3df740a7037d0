package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A bucket refuses new keys before it is full, so that existing ones can still be changed and
// removed: closing a room changes it first, and removing a key is a write too.
const (
	mostReserve = 16 << 20
	fillOld     = 10 * time.Second // other processes write to the bucket too
	perWrite    = 256              // most bytes of a write in addition to key and value
)

func reserveOf(maxBytes int64) int64 { return min(maxBytes/16, mostReserve) }

// fill is an upper bound of a bucket's size: the size reported by the server, plus what was written
// since.
type fill struct {
	at    time.Time
	bytes int64
}

// grows reports whether a write may add a key.
func (c change) grows() bool { return !c.remove && (c.expect == nil || *c.expect == 0) }

// roomFor fails if a write that adds a key would use the reserve. It asks the server only if the
// known size is not sufficient to decide.
func (s *store) roomFor(ctx context.Context, key string, c change) error {
	if s.spec.memory || s.spec.audit || key == epochKey {
		return nil
	}
	size := int64(len(s.prefix) + len(key) + len(c.data) + perWrite)
	most := s.h.maxBytes(s.spec)
	most -= reserveOf(most)
	s.fillMu.Lock()
	known := s.filled
	s.fillMu.Unlock()
	if c.grows() && (time.Since(known.at) > fillOld || known.bytes+size > most) {
		bytes, err := s.bytes(ctx)
		if err != nil {
			return nil // the write itself will return the error
		}
		known = fill{time.Now(), bytes}
		if bytes+size > most {
			return full(s.spec.name, errors.New("what is left is for changing and removing what is there"))
		}
	}
	known.bytes += size
	s.fillMu.Lock()
	defer s.fillMu.Unlock()
	if known.at.Before(s.filled.at) { // another write asked the server in the meantime
		known = fill{s.filled.at, s.filled.bytes + size}
	}
	s.filled = known
	return nil
}

// bytes asks the server for a bucket's size.
func (s *store) bytes(ctx context.Context) (int64, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return 0, err
	}
	return int64(st.CachedInfo().State.Bytes), nil
}

// isFull returns an error if a bucket refuses new keys.
func (s *store) isFull(ctx context.Context) error {
	if s.spec.memory || s.spec.audit || s.spec.scratch {
		return nil
	}
	bytes, err := s.bytes(ctx)
	if err != nil {
		return readError(s.spec.name, because(ctx, err))
	}
	if most, spare := s.h.maxBytes(s.spec), reserveOf(s.h.maxBytes(s.spec)); bytes+spare/4 > most-spare {
		return full(s.spec.name, fmt.Errorf("%d of %d bytes", bytes, most))
	}
	return nil
}

// makeWay removes a key's value from a bucket that has no space left even for the deletion marker,
// and then publishes the marker m, which the caller built.
func (s *store) makeWay(ctx context.Context, key string, c change, m *nats.Msg) (*jetstream.PubAck, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return nil, err
	}
	o := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(s.prefix + key)}
	if c.expect != nil {
		o = append(o, jetstream.WithPurgeSequence(uint64(*c.expect)+1))
		m.Header[headExpected] = []string{"0"} // unless somebody has written in the meantime
	}
	if err := st.Purge(ctx, o...); err != nil {
		return nil, err
	}
	s.acknowledged(key, Rev(st.CachedInfo().State.LastSeq), change{remove: true}) // even if the marker cannot be stored
	return s.h.link.js.PublishMsg(ctx, m)
}
