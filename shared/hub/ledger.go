package hub

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// The embedded server takes a damaged file for one that ends earlier, and
// starts with what is left as if nothing had been there. So the hub keeps a
// ledger beside the server's files: of each key what was acknowledged last.
// At a start it is compared with what the server has.
//
// The ledger is not synced to the disk: a process that is killed leaves it
// whole, and a machine that loses its power leaves one that knows a little less.

// ledgerFile is in the data folder. Whoever wants to go on without what is lost removes it.
const ledgerFile = "LEDGER"

// place is a key of a bucket, by their hashes.
type place struct{ stream, key uint64 }

// Keys that stand for a stream as a whole.
const (
	itsEnd     = 0              // where it ends
	unreadable = math.MaxUint64 // how many values could not be read when the ledger began: whoever removed it goes on without them
)

// mark is what was acknowledged last of a key.
type mark struct {
	seq   uint64
	sum   uint32 // of the value
	gone  bool   // it was removed
	until int64  // Unix seconds after which the server may have forgotten it; 0: it stays
}

const recordSize = 8 + 8 + 8 + 8 + 4 + 1 + 4

// ledger is safe for concurrent use. A nil one notes nothing.
type ledger struct {
	path  string
	fresh bool // there was none

	mu    sync.Mutex
	f     *os.File
	size  int // bytes of the file
	marks map[place]mark
	wrong error // why it is not written any more
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return min(max(1, h.Sum64()), unreadable-1)
}

// readLedger reads what an earlier process noted; nothing is no error.
func readLedger(dir string) (*ledger, error) {
	l := &ledger{path: filepath.Join(dir, ledgerFile), marks: map[place]mark{}}
	b, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, folderError(dir, err)
	}
	l.fresh = err != nil
	for ; len(b) >= recordSize; b = b[recordSize:] { // a last record that was cut short is left out
		r := b[:recordSize]
		if crc32.ChecksumIEEE(r[:recordSize-4]) != binary.LittleEndian.Uint32(r[recordSize-4:]) {
			continue
		}
		p := place{binary.LittleEndian.Uint64(r), binary.LittleEndian.Uint64(r[8:])}
		l.take(p, mark{binary.LittleEndian.Uint64(r[16:]), binary.LittleEndian.Uint32(r[32:]), r[36] == 1, int64(binary.LittleEndian.Uint64(r[24:]))})
	}
	return l, nil
}

func (p place) record(m mark) []byte {
	r := make([]byte, 0, recordSize)
	r = binary.LittleEndian.AppendUint64(r, p.stream)
	r = binary.LittleEndian.AppendUint64(r, p.key)
	r = binary.LittleEndian.AppendUint64(r, m.seq)
	r = binary.LittleEndian.AppendUint64(r, uint64(m.until))
	r = binary.LittleEndian.AppendUint32(r, m.sum)
	gone := byte(0)
	if m.gone {
		gone = 1
	}
	r = append(r, gone)
	return binary.LittleEndian.AppendUint32(r, crc32.ChecksumIEEE(r))
}

// take notes a mark unless a newer one is known, and says whether it did.
func (l *ledger) take(p place, m mark) bool {
	if l.marks[p].seq > m.seq {
		return false
	}
	l.marks[p] = m
	return true
}

// note writes down what was acknowledged.
func (l *ledger) note(p place, m mark) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil || !l.take(p, m) || l.wrong != nil {
		return
	}
	if _, l.wrong = l.f.Write(p.record(m)); l.wrong != nil {
		return
	}
	if l.size += recordSize; l.size > smallLedger && l.size > 4*recordSize*len(l.marks) {
		l.wrong = l.rewrite()
	}
}

// smallLedger is a size up to which a ledger is not written anew while it is used.
const smallLedger = 4 << 20

// begin writes the ledger anew, without what it repeats, and goes on with it.
func (l *ledger) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rewrite()
}

func (l *ledger) rewrite() error {
	b, now := make([]byte, 0, recordSize*len(l.marks)), time.Now().Unix()
	for p, m := range l.marks {
		if p.key != itsEnd && m.until != 0 && m.until < now {
			delete(l.marks, p)
			continue
		}
		b = append(b, p.record(m)...)
	}
	l.size = len(b)
	if l.f != nil {
		_ = l.f.Close() // it is replaced
		l.f = nil
	}
	next := l.path + ".new"
	err := os.WriteFile(next, b, 0o600)
	if err == nil {
		err = os.Rename(next, l.path)
	}
	if err == nil {
		l.f, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0o600)
	}
	if err != nil {
		return folderError(filepath.Dir(l.path), err)
	}
	return nil
}

func (l *ledger) close() error {
	if l == nil || l.f == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.Join(l.wrong, l.f.Close())
	l.f = nil
	return err
}

// acknowledged notes a write that the server has taken.
func (s *store) acknowledged(key string, rev Rev, c change) {
	if !s.lasts() || strings.HasPrefix(key, reserved) {
		return
	}
	m := mark{seq: uint64(rev), sum: crc32.ChecksumIEEE(c.data), gone: c.remove}
	switch {
	case c.remove:
		m.until = time.Now().Add(2 * tombstone).Unix()
	case c.ttl > 0:
		m.until = time.Now().Add(c.ttl).Unix()
	}
	s.h.ledger.note(place{hashOf(s.stream), hashOf(key)}, m)
}

// lasts says whether what the store holds is worth a ledger.
func (s *store) lasts() bool { return s.h.ledger != nil && !s.spec.memory && !s.spec.scratch }

// entryStays is how long an entry of the audit is there for sure, whatever a guild keeps.
const entryStays = 23 * time.Hour

// checkTime bounds comparing one bucket with the ledger.
const checkTime = time.Minute

// check compares every bucket with the ledger, notes what is there, and keeps what is wrong for Ready.
func (h *Hub) check(ctx context.Context) error {
	if h.engine == nil {
		return nil
	}
	l, err := readLedger(h.o.Dir)
	if err != nil {
		return err
	}
	h.ledger = l
	var lost []string
	for _, s := range append([]*store{h.Audit.s}, h.ready.all...) {
		if !s.lasts() {
			continue
		}
		n, err := s.compare(ctx, l)
		if err != nil { // slow, perhaps: that it is damaged is not said without knowing
			h.log.Error("hub: whether a bucket is damaged is not known", "bucket", s.spec.name, "err", err)
		}
		if n > 0 {
			lost = append(lost, fmt.Sprintf("%d of %s", n, s.spec.name))
		}
	}
	if len(lost) > 0 {
		h.damage = errs.E(errs.Unavailable, "The data folder %s is damaged: what was stored there is gone or older than it was. Stop Snug and restore the last backup into an empty folder (snug restore). To go on without what is lost, remove the file %s in the folder and start Snug again.", h.o.Dir, ledgerFile).
			Because(fmt.Errorf("hub: lost entries: %s", strings.Join(lost, ", ")))
		h.log.Error("hub: the data folder is damaged; restore the last backup into an empty folder, or remove its file "+ledgerFile+" to go on without what is lost", "folder", h.o.Dir, "lost", strings.Join(lost, ", "))
	}
	return l.begin()
}

// compare counts what the ledger knows of a bucket and the server does not have any more, and notes what it has.
func (s *store) compare(ctx context.Context, l *ledger) (lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	read := s.present
	if s.spec.audit {
		read = s.lastEntry
	}
	have, lost, err := read(ctx, l)
	if err != nil {
		return lost, fmt.Errorf("hub: comparing %s: %w", s.stream, err)
	}
	stream, now := hashOf(s.stream), time.Now().Unix()
	for p, m := range l.marks {
		if p.stream != stream || p.key == unreadable {
			continue
		}
		h, there := have[p]
		switch {
		case there && (h.seq > m.seq || h.seq == m.seq && (h.sum == m.sum || m.gone)):
		case !there && m.gone, p.key != itsEnd && m.until != 0 && m.until <= now:
			delete(l.marks, p) // forgotten in its time
		default:
			lost++
			delete(have, p) // the mark stays, until the key is written again
		}
	}
	for p, m := range have {
		m.until = max(m.until, l.marks[p].until)
		l.take(p, m)
	}
	return lost, nil
}

// present reads the whole bucket, and gives what it holds of each key and how many values cannot be read.
func (s *store) present(ctx context.Context, l *ledger) (have map[place]mark, lost int, err error) {
	have = map[place]mark{}
	before, err := s.messages(ctx)
	if err != nil {
		return nil, 0, err
	}
	stream, read := hashOf(s.stream), uint64(0)
	all := latest(s.prefix + ">")
	all.DeliverPolicy = deliverAll
	err = s.h.scan(ctx, s.stream, all, func(i item) (bool, error) {
		read++
		if key := i.key(s); key != "" {
			have[place{stream, hashOf(key)}] = mark{seq: i.seq, sum: crc32.ChecksumIEEE(i.data), gone: deleted(i.header)}
		}
		return true, nil
	})
	if err != nil {
		return nil, 0, err
	}
	after, err := s.messages(ctx) // some may have expired meanwhile
	known := place{stream, unreadable}
	n := max(min(before, after), read) - read
	if l.fresh && n > 0 {
		l.marks[known] = mark{seq: n}
	}
	return have, int(max(n, l.marks[known].seq) - l.marks[known].seq), err
}

func (s *store) messages(ctx context.Context) (uint64, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return 0, err
	}
	return st.CachedInfo().State.Msgs, nil
}

// lastEntry gives where the audit ends. Its entries are many and never written
// again: what is looked at is whether it ends where it did, and the last one is there.
func (s *store) lastEntry(ctx context.Context, l *ledger) (map[place]mark, int, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return nil, 0, err
	}
	p, last := place{hashOf(s.stream), itsEnd}, st.CachedInfo().State.LastSeq
	if m := l.marks[p]; m.seq == last && m.until > time.Now().Unix() {
		if _, err := st.GetMsg(ctx, last); errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, 0, nil
		}
	}
	return map[place]mark{p: {seq: last}}, 0, nil
}
