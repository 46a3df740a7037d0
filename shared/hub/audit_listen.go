package hub

import (
	"cmp"
	"context"
	"sync"

	"github.com/nats-io/nats.go"
)

// Listen calls f for each entry as it is being appended, anywhere, one after the
// other, until stop, which waits for f, or until the hub is closed. It is a hint
// that there is something to read with Page, and no more: the entry may not be
// stored yet (Seq and At are zero), and a listener that was cut off, or fell
// 4,096 entries behind, misses some.
func (a *Audit) Listen(ctx context.Context, f func(AuditEntry)) (stop func(), err error) {
	h := a.s.h
	incoming := make(chan *nats.Msg, noticeQueue)
	sub, err := h.link.nc.ChanSubscribe("audit.>", incoming)
	if err != nil {
		return nil, unavailable(err)
	}
	ctx, cancel := within(ctx, h.o.WriteTimeout, h.link.present())
	err = h.link.nc.FlushWithContext(ctx)
	cancel()
	quit, ended := make(chan struct{}), make(chan struct{})
	listen := func() {
		defer close(ended)
		defer func() { _ = sub.Unsubscribe() }()
		for {
			select {
			case m := <-incoming:
				f(a.entry(item{subject: m.Subject, header: m.Header, data: m.Data}))
			case <-quit:
				return
			case <-h.ctx.Done():
				return
			}
		}
	}
	if err != nil || !h.run(listen) {
		_ = sub.Unsubscribe()
		return nil, unavailable(cmp.Or(err, errClosed))
	}
	var once sync.Once
	return func() {
		once.Do(func() { close(quit) })
		<-ended
	}, nil
}
