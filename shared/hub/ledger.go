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
	"strconv"
	"strings"
	"sync"
	"time"

	"snug/shared/errs"
)

// The embedded server treats a damaged file as one that ends earlier, and starts with the rest as
// if nothing else had existed. So the hub has a ledger next to the server's files, with the last
// acknowledged write of each key, and compares it with the server's data at every start.
//
// The ledger is not synced to disk: it survives a killed process completely, but a power failure
// can lose its latest records.

// ledgerFile is in the data folder. To continue without the lost data, remove it.
const ledgerFile = "LEDGER"

// place identifies a key of a bucket, by the hashes of both.
type place struct{ stream, key uint64 }

// Keys that stand for a whole stream.
const (
	itsEnd = 0 // the end of the stream
	// number of unreadable values when the ledger was created: removing it accepts their loss
	unreadable = math.MaxUint64
)

// mark describes the last acknowledged write of a key.
type mark struct {
	seq   uint64
	sum   uint32 // checksum of the value
	gone  bool   // the key was removed
	until int64  // Unix seconds after which the server may have removed it; 0 means never
}

const recordSize = 8 + 8 + 8 + 8 + 4 + 1 + 4

// ledger is safe for concurrent use. A nil ledger records nothing.
type ledger struct {
	path  string
	fresh bool // the file did not exist

	mu    sync.Mutex
	f     *os.File
	size  int // size of the file in bytes
	marks map[place]mark
	wrong error // why it is no longer written

	lost  map[uint64]bool // audit stretches with lost entries; their marks stay
	turns map[place]int64 // for keys with a history: how many of their values were recorded
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return min(max(1, h.Sum64()), unreadable-1)
}

// readLedger reads the ledger of an earlier process. A missing file is not an error.
func readLedger(dir string) (*ledger, error) {
	l := &ledger{
		path: filepath.Join(dir, ledgerFile), marks: map[place]mark{}, lost: map[uint64]bool{},
		turns: map[place]int64{},
	}
	b, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, folderError(dir, err)
	}
	l.fresh = err != nil
	for ; len(b) >= recordSize; b = b[recordSize:] { // a truncated last record is ignored
		r := b[:recordSize]
		if crc32.ChecksumIEEE(r[:recordSize-4]) != binary.LittleEndian.Uint32(r[recordSize-4:]) {
			continue
		}
		p := place{binary.LittleEndian.Uint64(r), binary.LittleEndian.Uint64(r[8:])}
		l.take(p,
			mark{
				binary.LittleEndian.Uint64(r[16:]), binary.LittleEndian.Uint32(r[32:]), r[36] == 1,
				int64(binary.LittleEndian.Uint64(r[24:])),
			})
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

// take records a mark unless a newer one is known, and reports whether it did.
func (l *ledger) take(p place, m mark) bool {
	switch old := l.marks[p]; {
	case p.stream == stretches && l.lost[p.key], p.stream == ofAudit && p.key != itsEnd && l.lost[stretch(p.key)]:
		return false // after losing the end of a stream, the server reuses the lost sequence numbers
	case p.stream != stretches && (old.seq > m.seq || old.seq == m.seq && old.gone && !m.gone):
		return false
	}
	l.marks[p] = m
	return true
}

// note records an acknowledged write.
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

// smallLedger is the size up to which a ledger in use is not rewritten.
const smallLedger = 4 << 20

// begin rewrites the ledger without superseded records and opens it for appending.
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
		_ = l.f.Close() // replaced by the new file
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

// acknowledged records a write that the server has acknowledged.
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
	p := place{hashOf(s.stream), hashOf(key)}
	s.h.ledger.note(p, m)
	switch turn := int64(0); {
	case s.spec.history < 2:
	case c.remove: // the older values were removed with it
		for ; turn < s.spec.history; turn++ {
			s.h.ledger.note(s.earlier(p, turn), m)
		}
	default:
		s.h.ledger.note(s.earlier(p, s.h.ledger.turn(p)%s.spec.history), m)
	}
}

// earlier is the place of one value of a key's history: they are recorded in rotation.
func (s *store) earlier(p place, turn int64) place {
	return place{hashOf(fmt.Sprintf("%s %d", s.stream, turn)), p.key}
}

// turn counts the recorded values of a key with a history.
func (l *ledger) turn(p place) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[p]++
	return l.turns[p]
}

// lasts reports whether the store's contents are recorded in the ledger.
func (s *store) lasts() bool { return s.h.ledger != nil && !s.spec.memory && !s.spec.scratch }

// checkTime limits how long comparing one bucket with the ledger may take.
const checkTime = time.Minute

// check compares every bucket with the ledger, records what exists, and stores any damage for
// Ready.
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
		var n int
		if s.spec.audit {
			n, err = h.Audit.compareAudit(ctx, l)
		} else {
			n, err = s.compare(ctx, l)
		}
		if err != nil { // it may just be slow: do not report damage without proof
			h.log.Error("hub: cannot check whether a bucket is damaged", "bucket", s.spec.name, "err", err)
		}
		if n > 0 {
			lost = append(lost, fmt.Sprintf("%d of %s", n, s.spec.name))
		}
	}
	if len(lost) > 0 {
		h.damage = errs.E(errs.Unavailable,
			"The data folder %s is damaged: stored data is missing or older than it was. Stop Snug and "+
				"restore the last backup into an empty folder (snug restore). To continue without the lost "+
				"data, remove the file %s in the folder and start Snug again.",
			h.o.Dir, ledgerFile).
			Because(fmt.Errorf("hub: lost entries: %s", strings.Join(lost, ", ")))
		h.log.Error("hub: the data folder is damaged; restore the last backup into an empty folder, or remove its "+
			"file "+
			ledgerFile+" to go on without what is lost",
			"folder", h.o.Dir, "lost", strings.Join(lost, ", "))
	}
	return l.begin()
}

// compare counts the ledger's values that the server no longer has, and records the ones it has.
func (s *store) compare(ctx context.Context, l *ledger) (lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	have, past, lost, err := s.present(ctx, l)
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
			delete(l.marks, p) // expired as planned
		default:
			lost++
			delete(have, p) // its mark stays until the key is written again
		}
	}
	for p, m := range have {
		m.until = max(m.until, l.marks[p].until)
		l.take(p, m)
	}
	if s.spec.history > 1 {
		lost += s.compareEarlier(l, past)
	}
	return lost, nil
}

// compareEarlier counts the ledger's values of a bucket's history that the server no longer has,
// and records the ones it has.
func (s *store) compareEarlier(l *ledger, past map[place][]mark) (lost int) {
	now, damaged, earlier := time.Now().Unix(), map[place]bool{}, map[uint64]bool{}
	for turn := range s.spec.history {
		earlier[s.earlier(place{}, turn).stream] = true
	}
	latest := func(p place) place { return place{hashOf(s.stream), p.key} }
	for p, m := range l.marks {
		if !earlier[p.stream] || m.gone || m.until != 0 && m.until <= now {
			continue
		}
		later, there := int64(0), false
		for _, v := range past[latest(p)] {
			switch {
			case v.seq == m.seq:
				there = v.sum == m.sum
			case v.seq > m.seq && v.gone: // the older values were removed with it
				later = s.spec.history
			case v.seq > m.seq:
				later++
			}
		}
		if !there && later < s.spec.history {
			lost++
			damaged[latest(p)] = true
		}
	}
	for p := range l.marks {
		if earlier[p.stream] && !damaged[latest(p)] {
			delete(l.marks, p)
		}
	}
	for p, values := range past {
		if damaged[p] {
			continue // its marks stay until it is written again
		}
		for _, v := range values {
			if !v.gone {
				l.take(s.earlier(p, l.turn(p)%s.spec.history), v)
			}
		}
	}
	return lost
}

// present reads the whole bucket. It returns the last write of each key, the history of each key if
// the bucket stores one, and the number of values that cannot be read.
func (s *store) present(
	ctx context.Context, l *ledger,
) (have map[place]mark, past map[place][]mark, lost int, err error) {
	have, past = map[place]mark{}, map[place][]mark{}
	before, err := s.messages(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	stream, read := hashOf(s.stream), uint64(0)
	all := latest(s.prefix + ">")
	all.DeliverPolicy = deliverAll
	err = s.h.scan(ctx, s.stream, all, func(i item) (bool, error) {
		read++
		if key := i.key(s); key != "" {
			p, m := place{
				stream, hashOf(key),
			}, mark{seq: i.seq, sum: crc32.ChecksumIEEE(i.data), gone: deleted(i.header)}
			if have[p] = m; s.spec.history > 1 {
				if sec, err := strconv.Atoi(i.header.Get(headTTL)); err == nil {
					m.until = i.at.Add(time.Duration(sec) * time.Second).Unix()
				}
				past[p] = append(past[p], m)
			}
		}
		return true, nil
	})
	if err != nil {
		return nil, nil, 0, err
	}
	after, err := s.messages(ctx) // some may have expired in the meantime
	known := place{stream, unreadable}
	n := max(min(before, after), read) - read
	if l.fresh && n > 0 {
		l.marks[known] = mark{seq: n}
	}
	return have, past, int(max(n, l.marks[known].seq) - l.marks[known].seq), err
}

func (s *store) messages(ctx context.Context) (uint64, error) {
	st, err := s.h.link.js.Stream(ctx, s.stream)
	if err != nil {
		return 0, err
	}
	return st.CachedInfo().State.Msgs, nil
}
