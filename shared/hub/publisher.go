package hub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// Publisher writes to one bucket without waiting for the hub. Its puts are stored in the order of
// the calls. It is safe for concurrent use; concurrent puts are stored in the order in which they
// were queued.
type Publisher[T any] struct {
	b *Bucket[T]
	p *publisher
}

const (
	defaultPending = 1 << 16
	flightWindow   = 4096 // unanswered puts; the server accepts 100,000 before it refuses some
	expireTick     = 250 * time.Millisecond
)

// Publisher returns a publisher that holds up to pending puts that are not stored yet; 0 means
// 65,536. Close it when done; Hub.Close does so too.
func (b *Bucket[T]) Publisher(pending int) (*Publisher[T], error) {
	if pending <= 0 {
		pending = defaultPending
	}
	p := &publisher{
		s: b.s, most: pending, inbox: b.s.h.link.nc.NewInbox() + ".", acks: make(chan *nats.Msg, 2*flightWindow),
		wake: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	p.checked = b.s.h.link.present()
	p.ctx, p.cut = context.WithCancelCause(context.Background())
	sub, err := b.s.h.link.nc.ChanSubscribe(p.inbox+"*", p.acks)
	if err != nil {
		return nil, unavailable(fmt.Errorf("hub: publisher of %s: %w", b.Name(), err))
	}
	p.sub = sub
	if !b.s.h.own(p) {
		_ = sub.Unsubscribe()
		return nil, unavailable(errClosed)
	}
	go p.run()
	return &Publisher[T]{b: b, p: p}, nil
}

// Put queues a write and returns immediately. An error means that it was not queued, and done is
// not called: a bad key, a value that is too large, RateLimited if too many puts are pending, or
// Unavailable if the publisher is closed. Otherwise done, which may be nil, is called once, in the
// order of the puts, from the publisher's goroutine: with the revision, or with an error. After an
// error the caller must put the key's latest value again; if the error wraps ErrUnknownOutcome, the
// value may have been stored. While the hub is unreachable puts wait; only those that had been sent
// and not answered when the connection was lost fail.
func (p *Publisher[T]) Put(key string, v T, done func(Rev, error)) error {
	data, ttl, err := p.b.prepare(key, v, nil)
	if err != nil {
		return err
	}
	if len(data) > p.b.s.h.o.MaxValue {
		return tooLarge(p.b.Name(), key, len(data), nats.ErrMaxPayload)
	}
	return p.p.put(put{
		key: key, change: change{data: data, ttl: ttl}, done: done, sending: p.b.recent.later(data, v),
	})
}

// Create is Put for a key that must not exist yet; it fails with Conflict if it does.
func (p *Publisher[T]) Create(key string, v T, done func(Rev, error)) error {
	data, ttl, err := p.b.prepare(key, v, nil)
	if err != nil {
		return err
	}
	if len(data) > p.b.s.h.o.MaxValue {
		return tooLarge(p.b.Name(), key, len(data), nats.ErrMaxPayload)
	}
	return p.p.put(put{key: key, change: change{data: data, ttl: ttl, expect: new(Rev)}, done: done})
}

// Delete queues a deletion, in order with the puts; see Put.
func (p *Publisher[T]) Delete(key string, done func(Rev, error)) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return p.p.put(put{key: key, change: change{remove: true}, done: done})
}

// Pending returns the number of puts that are not stored yet.
func (p *Publisher[T]) Pending() int {
	p.p.mu.Lock()
	defer p.p.mu.Unlock()
	return p.p.pending
}

// Close accepts no more puts and waits until the queued ones are stored. If ctx ends first, the
// remaining puts fail and Close returns an error.
func (p *Publisher[T]) Close(ctx context.Context) error { return p.p.Close(ctx) }

// put is one queued write.
type put struct {
	key string
	change
	done func(Rev, error)
	// sending is called before it is sent; nil: nothing
	sending func()

	sent    time.Time
	settled bool
	rev     Rev
	err     error
}

// publisher is a Publisher without its type parameter. The goroutine of run sends, receives the
// answers and calls done; the mutex guards the fields that put uses.
type publisher struct {
	s     *store
	sub   *nats.Subscription
	inbox string
	acks  chan *nats.Msg
	most  int

	mu      sync.Mutex
	queue   []put
	pending int // queued, sent, or calling done
	closed  bool

	wake    chan struct{} // receives when something is queued
	closing chan struct{} // closed when no more puts are accepted
	ended   chan struct{}
	ctx     context.Context // ends when Close gives up
	cut     context.CancelCauseFunc
	failed  int // puts that Close cut off; read it after ended is closed

	// used only by run
	checked context.Context // ends with the connection on which the bucket is known to exist
	ready   []put           // taken from queue, not sent yet
	flight  []put           // sent, in order; flight[0] has the number first
	first   uint64
}

func (p *publisher) put(w put) error {
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return unavailable(errClosed)
	case p.pending >= p.most:
		p.mu.Unlock()
		return errs.E(errs.RateLimited, "Snug is overloaded. Try again in a moment.").
			After(time.Second).Because(fmt.Errorf("hub: %d puts to %s are pending", p.most, p.s.spec.name))
	}
	p.pending++
	p.queue = append(p.queue, w)
	p.mu.Unlock()
	p.poke()
	return nil
}

func (p *publisher) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.mu.Unlock()
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.cut(errClosed)
		<-p.ended
	}
	p.s.h.disown(p)
	if p.failed > 0 {
		return fmt.Errorf("hub: publisher of %s: %d puts were cut off: %w", p.s.spec.name, p.failed, ctx.Err())
	}
	return nil
}

func (p *publisher) run() {
	defer close(p.ended)
	defer func() { _ = p.sub.Unsubscribe() }()
	tick := time.NewTicker(expireTick)
	defer tick.Stop()
	closing := p.closing
	for {
		life := p.s.h.link.present()
		if life.Err() != nil || !p.bucketThere(life) || !p.send() {
			// answers to sent puts may have been lost with the connection
			p.settleAll(unknown(cmp.Or(context.Cause(life), errLost)))
		}
		if p.idle() && closing == nil {
			return
		}
		var back <-chan struct{}
		lost := life.Done()
		if life.Err() != nil {
			back, lost = p.s.h.link.upNow(), nil
		}
		select {
		case <-p.wake:
		case <-back:
		case <-lost:
		case <-closing:
			closing = nil
		case m := <-p.acks:
			p.answer(m)
			p.more()
		case <-tick.C:
			p.expire()
		case <-p.ctx.Done():
			p.giveUp()
			return
		}
	}
}

// bucketThere recreates the bucket if the server has lost it, before puts are wasted. It returns
// false if that has not succeeded yet.
func (p *publisher) bucketThere(life context.Context) bool {
	if p.checked == life {
		return true
	}
	ctx, cancel := within(p.ctx, p.s.h.o.WriteTimeout, life)
	defer cancel()
	if err := p.s.h.ensureStream(ctx, p.s.spec, false); err != nil {
		p.s.h.log.Warn("hub: cannot recreate a bucket: its publisher is waiting", "bucket", p.s.spec.name, "err", err)
		return false
	}
	p.checked = life
	return true
}

// idle reports whether nothing is queued or unanswered.
func (p *publisher) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pending == 0
}

// send sends queued puts, as far as the window allows. It returns false if the connection refuses
// them.
func (p *publisher) send() bool {
	for len(p.flight) < flightWindow {
		if len(p.ready) == 0 {
			p.mu.Lock()
			p.ready, p.queue = p.queue, nil
			p.mu.Unlock()
			if len(p.ready) == 0 {
				return true
			}
		}
		w := p.ready[0]
		w.sent = time.Now()
		refused := p.s.h.fenced(p.s.spec, w.key) // another process may have taken over while it waited
		err := refused
		if err == nil && w.sending != nil {
			w.sending()
		}
		if err == nil {
			err = p.s.h.link.nc.PublishMsg(p.message(w, p.first+uint64(len(p.flight))))
		}
		if errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionClosed) {
			return false
		}
		p.ready[0] = put{}
		p.ready = p.ready[1:]
		if err != nil {
			w.settled, w.err = true, cmp.Or(refused, writeError(p.s.spec.name, w.key, len(w.data), err))
		}
		p.flight = append(p.flight, w)
		if err != nil {
			p.reportDone()
		}
	}
	return true
}

func (p *publisher) message(w put, number uint64) *nats.Msg {
	m := &nats.Msg{Subject: p.s.prefix + w.key, Reply: p.inbox + strconv.FormatUint(number, 36), Data: w.data}
	switch {
	case w.remove:
		m.Header = nats.Header{headOp: {"PURGE"}, headRollup: {"sub"}, headTTL: {ttlText(tombstone)}}
	case w.ttl > 0:
		m.Header = nats.Header{headTTL: {ttlText(w.ttl)}}
	}
	if w.expect != nil {
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		m.Header[headExpected] = []string{strconv.FormatUint(uint64(*w.expect), 10)}
	}
	return m
}

// more receives the answers that have arrived meanwhile, then reports them together.
func (p *publisher) more() {
	for range flightWindow {
		select {
		case m := <-p.acks:
			p.answer(m)
			continue
		default:
		}
		break
	}
	p.reportDone()
}

// answer records the server's answer to one put.
func (p *publisher) answer(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, p.inbox), 36, 64)
	if err != nil || number < p.first || number-p.first >= uint64(len(p.flight)) {
		return // already reported
	}
	w := &p.flight[number-p.first]
	if w.settled {
		return
	}
	var seq uint64
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		err, p.checked = nats.ErrNoResponders, nil
	} else {
		seq, err = acknowledgedAt(m.Data)
	}
	w.settled, w.rev = true, Rev(seq)
	w.err = writeError(p.s.spec.name, w.key, len(w.data), err)
}

// acknowledgedAt reads the server's answer to a put. The usual one, {"stream":"KV_rosters","seq":4711}, takes a tenth
// of the time of the JSON decoder.
func acknowledgedAt(data []byte) (uint64, error) {
	if rest, stored := bytes.CutPrefix(data, []byte(`{"stream":"`)); stored {
		_, rest, _ = bytes.Cut(rest, []byte(`","seq":`))
		if digits, whole := bytes.CutSuffix(rest, []byte("}")); whole {
			if seq, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
				return seq, nil
			}
		}
	}
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Seq   uint64              `json:"seq"`
	}
	err := json.Unmarshal(data, &ack)
	if err == nil && ack.Error != nil {
		err = ack.Error
	}
	return ack.Seq, err
}

// reportDone calls done for the settled puts at the head of flight.
func (p *publisher) reportDone() {
	n := 0
	for n < len(p.flight) && p.flight[n].settled {
		w := &p.flight[n]
		if w.err == nil {
			p.s.acknowledged(w.key, w.rev, w.change)
		}
		p.s.h.o.Observe(Observation{Op: "publish", Bucket: p.s.spec.name, Took: time.Since(w.sent), Err: w.err})
		if w.done != nil {
			w.done(w.rev, w.err)
		}
		*w = put{}
		n++
	}
	if n == 0 {
		return
	}
	p.first += uint64(n)
	if p.flight = p.flight[n:]; len(p.flight) == 0 {
		p.flight = nil // frees the memory after a burst
	}
	p.mu.Lock()
	p.pending -= n
	p.mu.Unlock()
}

// settleAll fails all sent puts.
func (p *publisher) settleAll(err error) {
	for i := range p.flight {
		if w := &p.flight[i]; !w.settled {
			w.settled, w.err = true, err
		}
	}
	p.reportDone()
}

// expire fails puts that have had no answer for too long.
func (p *publisher) expire() {
	for i := range p.flight {
		w := &p.flight[i]
		if time.Since(w.sent) < p.s.h.o.WriteTimeout {
			break
		}
		if !w.settled {
			w.settled, w.err = true, unknown(fmt.Errorf("hub: no answer to the put of %q in %s", w.key, p.s.spec.name))
		}
	}
	p.reportDone()
}

// giveUp fails all puts, because the time of Close is over.
func (p *publisher) giveUp() {
	p.mu.Lock()
	p.ready = append(p.ready, p.queue...)
	p.queue = nil
	p.failed = p.pending
	p.mu.Unlock()
	p.settleAll(unknown(errClosed))
	for _, w := range p.ready {
		w.settled, w.err = true, unavailable(errClosed)
		p.flight = append(p.flight, w)
	}
	p.ready = nil
	p.reportDone()
}
