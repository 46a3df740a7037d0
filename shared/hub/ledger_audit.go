package hub

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The audit has many entries, which never change but may be removed from the middle of the stream.
// So the ledger has one mark per entry only until a stretch of entries is complete, and then a
// single mark for the stretch: the number of entries and the sum of their checksums. Before the hub
// removes entries, it records that: such a stretch counts as loose until it has been read again.

const (
	stretchLen = 256
	stretches  = math.MaxUint64 // place.stream of stretch marks, whose seq is a count; it is not the hash of any stream
	looseFor   = 24 * time.Hour // how long the mark of a removed entry is stored
	agingSlack = time.Hour      // a missing entry that is this close to its expiry is not reported
)

var ofAudit = hashOf(auditName)

// stretch returns the stretch that contains an entry. The first one is 1.
func stretch(seq uint64) uint64 { return (seq-1)/stretchLen + 1 }

func stretchPlace(n uint64) place { return place{stretches, n} }

// summed is the summary of a stretch.
type summed struct {
	mark
	entries map[uint64]mark // nil if they are not needed
}

func (s *summed) add(i item) {
	m := entryMark(i.seq, i.header.Get(jetstream.MsgIDHeader), i.subject, i.data, i.at)
	if s.seq == 0 {
		s.until = m.until // the oldest entry expires first
	}
	s.seq++
	s.sum += m.sum
	if s.entries != nil {
		s.entries[i.seq] = m
	}
}

func entryMark(seq uint64, id, subject string, data []byte, at time.Time) mark {
	sum := crc32.ChecksumIEEE(binary.LittleEndian.AppendUint64(nil, seq))
	for _, b := range [][]byte{[]byte(id), []byte(subject), data} {
		sum = crc32.Update(sum, crc32.IEEETable, b)
	}
	return mark{seq: seq, sum: sum, until: at.Add(auditAge - agingSlack).Unix()}
}

// noteEntry records an entry that the server has acknowledged.
func (a *Audit) noteEntry(seq uint64, id, subject string, data []byte) {
	l := a.s.h.ledger
	l.note(place{ofAudit, itsEnd}, mark{seq: seq, until: time.Now().Add(auditAge).Unix()})
	if stretch(seq) <= a.sealed.Load() { // already summed up
		return
	}
	l.note(place{ofAudit, seq}, entryMark(seq, id, subject, data, time.Now()))
	for was := a.newest.Load(); seq > was && !a.newest.CompareAndSwap(was, seq); was = a.newest.Load() {
	}
	if a.beginSealing() && !a.s.h.run(a.sealAll) {
		a.sealing.Store(false)
	}
}

// beginSealing reports whether there is something to sum up that nobody is summing up yet; if so, the caller is to.
func (a *Audit) beginSealing() bool {
	return stretch(a.newest.Load()) > a.sealed.Load()+1 && a.sealing.CompareAndSwap(false, true)
}

// sealAll sums up what is complete, also what becomes complete meanwhile.
func (a *Audit) sealAll() {
	for {
		was := a.sealed.Load()
		if err := a.seal(); err != nil && a.s.h.ctx.Err() == nil { // the entries' own marks stay
			a.s.h.log.Warn("hub: cannot sum up a part of the audit in the ledger; retrying", "err", err)
		}
		a.sealing.Store(false)
		if a.sealed.Load() == was || !a.beginSealing() { // without progress, the next entry tries again
			return
		}
	}
}

// seal sums up the stretches that are complete.
func (a *Audit) seal() error {
	ctx, cancel := context.WithTimeout(a.s.h.ctx, checkTime)
	defer cancel()
	a.removing.Lock()
	defer a.removing.Unlock()
	st, err := a.s.h.link.js.Stream(ctx, a.s.stream)
	if err != nil {
		return err
	}
	state := st.CachedInfo().State
	if a.first != state.FirstSeq {
		a.first = state.FirstSeq
		a.s.h.ledger.forget(a.first)
	}
	for n := a.sealed.Load() + 1; n*stretchLen < state.LastSeq; n++ {
		if err := a.sumUp(ctx, n); err != nil {
			return err
		}
		a.sealed.Store(n)
	}
	return nil
}

// sumUp reads a complete stretch and records its summary. The caller must hold removing.
func (a *Audit) sumUp(ctx context.Context, n uint64) error {
	var s summed
	c := a.consumer(0, 0)
	c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, (n-1)*stretchLen+1
	err := a.s.h.scan(ctx, a.s.stream, c, func(i item) (bool, error) {
		if stretch(i.seq) > n {
			return false, nil
		}
		s.add(i)
		return true, nil
	})
	if err != nil {
		return err
	}
	a.s.h.ledger.sumUp(n, s.mark)
	return nil
}

// remove runs do, which removes entries, so that the ledger does not report them as lost, even if
// the process is killed at any moment.
func (a *Audit) remove(ctx context.Context, seqs []uint64, do func() error) (err error) {
	l := a.s.h.ledger
	if len(seqs) == 0 || l == nil {
		return do()
	}
	a.removing.Lock()
	defer a.removing.Unlock()
	loose := map[uint64]bool{}
	for _, seq := range seqs {
		if n := stretch(seq); n <= a.sealed.Load() {
			loose[n] = true
		}
	}
	if err := l.loosen(seqs, loose); err != nil {
		return err
	}
	err = do()
	for n := range loose {
		if failed := a.sumUp(ctx, n); failed != nil { // it stays loose until the next start
			return errors.Join(err, fmt.Errorf("hub: summing up what is left of the audit: %w", failed))
		}
	}
	return err
}

// loosen records on disk that entries are about to be removed.
func (l *ledger) loosen(seqs []uint64, loose map[uint64]bool) error {
	until := time.Now().Add(looseFor).Unix()
	for _, seq := range seqs {
		if !loose[stretch(seq)] {
			l.note(place{ofAudit, seq}, mark{seq: seq, gone: true, until: until})
		}
	}
	for n := range loose {
		l.note(stretchPlace(n), mark{gone: true, until: until})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil || l.wrong != nil {
		return l.wrong
	}
	return l.f.Sync()
}

// sumUp records a stretch's mark in place of its entries' marks.
func (l *ledger) sumUp(n uint64, m mark) {
	if m.seq == 0 {
		m = mark{gone: true, until: time.Now().Add(looseFor).Unix()}
	}
	l.note(stretchPlace(n), m)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lost[n] {
		l.dropEntries(n)
	}
}

// dropEntries deletes the marks of a stretch's entries. The caller holds the lock or has exclusive
// access.
func (l *ledger) dropEntries(n uint64) {
	for seq := (n-1)*stretchLen + 1; seq <= n*stretchLen; seq++ {
		delete(l.marks, place{ofAudit, seq})
	}
}

// forget marks entries before the stream's first one as removed: the server drops the oldest if
// space runs out.
func (l *ledger) forget(first uint64) {
	l.mu.Lock()
	var before []place
	for p, m := range l.marks {
		if p.stream == stretches && !m.gone && (p.key-1)*stretchLen+1 < first ||
			p.stream == ofAudit && p.key != itsEnd && p.key < first && !m.gone {
			before = append(before, p)
		}
	}
	l.mu.Unlock()
	for _, p := range before {
		m := mark{gone: true, until: time.Now().Add(looseFor).Unix()}
		if p.stream == ofAudit {
			m.seq = p.key
		}
		l.note(p, m)
	}
}

// compareAudit counts the ledger's audit entries that no longer exist, and records the ones that
// do.
func (a *Audit) compareAudit(ctx context.Context, l *ledger) (lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	st, err := a.s.h.link.js.Stream(ctx, a.s.stream)
	if err != nil {
		return 0, fmt.Errorf("hub: comparing %s: %w", a.s.stream, err)
	}
	state := st.CachedInfo().State
	complete := uint64(0)
	if state.LastSeq > 0 {
		complete = stretch(state.LastSeq) - 1
	}
	a.sealed.Store(complete)
	have, single := map[uint64]*summed{}, map[uint64]bool{}
	for p := range l.marks {
		if p.stream == ofAudit && p.key != itsEnd {
			single[stretch(p.key)] = true
		}
	}
	err = a.s.h.scan(ctx, a.s.stream, a.consumer(0, 0), func(i item) (bool, error) {
		n := stretch(i.seq)
		s := have[n]
		if s == nil {
			s = &summed{}
			if n > complete || single[n] {
				s.entries = map[uint64]mark{}
			}
			have[n] = s
		}
		s.add(i)
		return true, nil
	})
	if err != nil {
		return 0, fmt.Errorf("hub: comparing %s: %w", a.s.stream, err)
	}
	most := uint64(a.s.h.maxBytes(a.s.spec))
	dropped := uint64(0) // entries before it may have been dropped to make room
	if state.Bytes >= most-most/16 {
		dropped = state.FirstSeq
	}
	now := time.Now().Unix()
	over := func(m mark) bool { return m.gone || m.until <= now }
	for p, m := range l.marks {
		switch {
		case p.stream == ofAudit && p.key == itsEnd:
			if m.seq > state.LastSeq {
				lost++
				l.lost[stretch(m.seq)] = true
			}
		case p.stream == ofAudit:
			n := stretch(p.key)
			if _, summedUp := l.marks[stretchPlace(n)]; summedUp || over(m) || p.key < dropped {
				continue
			}
			if s := have[n]; s == nil || s.entries[p.key].sum != m.sum {
				lost++
				l.lost[n] = true
			}
		case p.stream == stretches:
			if over(m) || (p.key-1)*stretchLen+1 < dropped {
				continue
			}
			s := have[p.key]
			if s == nil {
				s = &summed{}
			}
			if s.seq != m.seq || s.sum != m.sum {
				lost += max(1, int(m.seq)-int(s.seq))
				l.lost[p.key] = true
			}
		}
	}
	a.noteAll(l, have, complete, state)
	return lost, nil
}

// noteAll records the existing audit entries, except in stretches with losses. The ledger must not
// be in use yet.
func (a *Audit) noteAll(l *ledger, have map[uint64]*summed, complete uint64, state jetstream.StreamState) {
	for p := range l.marks {
		if p.stream == stretches && !l.lost[p.key] ||
			p.stream == ofAudit && p.key != itsEnd && !l.lost[stretch(p.key)] {
			delete(l.marks, p)
		}
	}
	for n, s := range have {
		switch {
		case n <= complete && !l.lost[n]:
			l.marks[stretchPlace(n)] = s.mark
		case n > complete:
			for seq, m := range s.entries {
				l.take(place{ofAudit, seq}, m)
			}
		}
	}
	l.take(place{ofAudit, itsEnd}, mark{seq: state.LastSeq, until: time.Now().Add(auditAge).Unix()})
}
