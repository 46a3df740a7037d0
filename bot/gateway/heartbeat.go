package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
)

// heartbeats is the state that the heartbeat goroutine and the reader share. Safe for concurrent use.
type heartbeats struct {
	mu     sync.Mutex
	open   bool      // a heartbeat has no ACK yet
	first  time.Time // when the oldest unacknowledged one was sent
	last   time.Time // when the newest was sent
	lagged int64     // link.spent when the oldest was sent
}

// sent records a heartbeat.
func (b *heartbeats) sent(now time.Time, spent int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		b.open, b.first, b.lagged = true, now, spent
	}
	b.last = now
}

// acked records an ACK and returns its round trip, 0 if none was expected.
func (b *heartbeats) acked(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return 0
	}
	b.open = false
	return now.Sub(b.last)
}

// missing returns how long an ACK has been missing, and link.spent at the time of its heartbeat.
func (b *heartbeats) missing(now time.Time) (d time.Duration, lagged int64, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Sub(b.first), b.lagged, b.open
}

// forgive restarts the wait for the ACK.
func (b *heartbeats) forgive(now time.Time, spent int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first, b.lagged = now, spent
}

// beat sends heartbeats until ctx ends, the first after a random part of the interval. It ends the link when an
// ACK takes longer than AckTimeout, so a half-open connection is detected within an interval plus that time.
func (l *link) beat(ctx context.Context) {
	patience := min(l.s.cfg.AckTimeout, l.interval)
	next := time.NewTimer(time.Duration(l.s.cfg.Rand() * float64(l.interval)))
	defer next.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	late.Stop()
	send := func() bool {
		_, _, open := l.heartbeats.missing(time.Now())
		l.heartbeats.sent(time.Now(), l.spent.Load())
		if !open {
			late.Reset(patience)
		}
		seq := l.s.Checkpoint().Seq
		if err := l.sendNow(disgo.OpcodeHeartbeat, disgo.MessageDataHeartbeat(seq)); err != nil {
			l.end(err)
			return false
		}
		return true
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.pulse:
			if !send() {
				return
			}
		case <-next.C:
			next.Reset(l.interval)
			if !send() {
				return
			}
		case <-late.C:
			d, waiting := l.overdue(patience)
			if waiting && d <= 0 {
				l.end(errZombie)
				return
			}
			if waiting {
				late.Reset(d)
			}
		}
	}
}

// overdue reports whether an ACK is missing and how much longer to wait for it. The ACK may be sitting
// unread behind a slow handler; that isn't Discord's fault, so the handler's time doesn't count.
func (l *link) overdue(patience time.Duration) (wait time.Duration, waiting bool) {
	now := time.Now()
	d, lagged, open := l.heartbeats.missing(now)
	if !open {
		return 0, false
	}
	if d < patience {
		return patience - d, true
	}
	spent := l.spent.Load()
	if l.busy.Load() || time.Duration(spent-lagged) > patience/2 {
		l.heartbeats.forgive(now, spent)
		l.s.log.Warn("slow event handlers: a heartbeat ACK may be waiting behind them", slog.Duration("waited", d))
		return patience, true
	}
	return 0, true
}

// ack handles a heartbeat ACK and passes it to disgo's listeners.
func (l *link) ack() {
	now := time.Now()
	if d := l.heartbeats.acked(now); d > 0 {
		l.s.latency.Store(int64(d))
		l.s.gauges.acked(d)
	}
	last := l.lastAck
	l.lastAck = now
	defer func() {
		if p := recover(); p != nil {
			l.s.log.Error("panic while handling a heartbeat ACK", slog.Any("panic", p))
		}
	}()
	l.s.handler(l.s, disgo.EventTypeHeartbeatAck, l.seq,
		disgo.EventHeartbeatAck{LastHeartbeat: last, NewHeartbeat: now})
}
