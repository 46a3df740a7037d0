package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/nats-io/nats.go"
)

// Notice is a message to all current listeners. It is not stored and nobody answers it; put data
// that must not be lost into a bucket. Name consists of letters, digits, - and _.
type Notice[T any] struct{ Name string }

const (
	noticePrefix = "snug.notice."
	noticeQueue  = 1 << 12
)

// Send sends v to every listener in every process, including this one. It fails with Unavailable
// while the hub is unreachable.
func (n Notice[T]) Send(h *Hub, v T) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("hub: notice %s: %w", n.Name, err)
	}
	if err := h.link.nc.Publish(noticePrefix+n.Name, body); err != nil {
		return unavailable(fmt.Errorf("hub: notice %s: %w", n.Name, err))
	}
	return nil
}

// Listen calls f for each notice, one call at a time, until the hub is closed or stop is called,
// which waits for f. Once Listen has returned, notices arrive. A listener that is 4,096 notices
// behind misses some.
func (n Notice[T]) Listen(ctx context.Context, h *Hub, f func(T)) (stop func(), err error) {
	return h.listen(ctx, noticePrefix+n.Name, func(m *nats.Msg) { n.tell(h, m, f) })
}

// listen calls f for each message of a subject, one call at a time, until the hub is closed or stop
// is called, which waits for f. Once it has returned, messages arrive.
func (h *Hub) listen(ctx context.Context, subject string, f func(*nats.Msg)) (stop func(), err error) {
	incoming := make(chan *nats.Msg, noticeQueue)
	sub, err := h.link.nc.ChanSubscribe(subject, incoming)
	if err != nil {
		return nil, unavailable(fmt.Errorf("hub: listening to %s: %w", subject, err))
	}
	ctx, cancel := within(ctx, h.o.WriteTimeout, h.link.present())
	err = h.link.nc.FlushWithContext(ctx)
	cancel()
	quit, ended := make(chan struct{}), make(chan struct{})
	loop := func() {
		defer close(ended)
		defer func() { _ = sub.Unsubscribe() }()
		for {
			select {
			case m := <-incoming:
				f(m)
			case <-quit:
				return
			case <-h.ctx.Done():
				return
			}
		}
	}
	if err != nil || !h.run(loop) {
		_ = sub.Unsubscribe()
		return nil, unavailable(fmt.Errorf("hub: listening to %s: %w", subject, cmp.Or(err, errClosed)))
	}
	var once sync.Once
	return func() {
		once.Do(func() { close(quit) })
		<-ended
	}, nil
}

func (n Notice[T]) tell(h *Hub, m *nats.Msg, f func(T)) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("hub: panic in a listener", "notice", n.Name, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	var v T
	if err := json.Unmarshal(m.Data, &v); err != nil {
		h.log.Warn("hub: cannot decode a notice", "notice", n.Name, "err", err)
		return
	}
	f(v)
}
