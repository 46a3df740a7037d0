package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A bucket refuses new keys while it still has a reserve. What is there can
// so be changed and, what matters when space is short, brought to its end: a
// room is changed before it is closed, and removing a key is a write too.
const (
	mostReserve = 16 << 20
	fillOld     = 10 * time.Second // others write into the bucket too
	perWrite    = 256              // bytes a write takes beside key and value, at most
)

func reserveOf(maxBytes int64) int64 { return min(maxBytes/16, mostReserve) }

// fill is how full a bucket is at most: what the server said, and what was written since.
type fill struct {
	at    time.Time
	bytes int64
}

// grows says whether a write may add a key.
func (c change) grows() bool { return !c.remove && (c.expect == nil || *c.expect == 0) }

// roomFor fails if a write that adds a key would need the reserve. The
// server is asked only when what is known of the bucket does not tell.
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
			return nil // the write itself tells what is wrong
		}
		known = fill{time.Now(), bytes}
		if bytes+size > most {
			return full(s.spec.name, errors.New("what is left is for changing and removing what is there"))
		}
	}
	known.bytes += size
	s.fillMu.Lock()
	defer s.fillMu.Unlock()
	if known.at.Before(s.filled.at) { // somebody asked meanwhile
		known = fill{s.filled.at, s.filled.bytes + size}
	}
	s.filled = known
	return nil
}

// bytes asks how much a bucket holds.
func (s *store) bytes(ctx context.Context) (int64, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return 0, err
	}
	return int64(st.CachedInfo().State.Bytes), nil
}

// isFull says with an error whether a bucket takes no new keys.
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

// makeWay removes a key's value from a bucket that is full to the last byte,
// where even the mark of its removal has no room. The mark comes after it: m, which the caller made.
func (s *store) makeWay(ctx context.Context, key string, c change, m *nats.Msg) (*jetstream.PubAck, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return nil, err
	}
	o := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(s.prefix + key)}
	if c.expect != nil {
		o = append(o, jetstream.WithPurgeSequence(uint64(*c.expect)+1))
		m.Header[headExpected] = []string{"0"} // unless somebody wrote meanwhile
	}
	if err := st.Purge(ctx, o...); err != nil {
		return nil, err
	}
	s.acknowledged(key, Rev(st.CachedInfo().State.LastSeq), change{remove: true}) // whether it can be marked or not
	return s.h.link.js.PublishMsg(ctx, m)
}
