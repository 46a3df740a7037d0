package hub

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// A server in a cluster can hang: it accepts requests and never answers, and for seconds neither
// its peers nor its clients notice. The other servers have the same data, so reads soon ask another
// one and continue where they were.
const (
	readTime  = 10 * time.Second       // how long a read may go without progress
	hedgeTime = 250 * time.Millisecond // ask another server too after this time without an answer
	tryTime   = 1500 * time.Millisecond
	backTime  = 3 * time.Second // how long a read waits for a lost connection
	shunTime  = 5 * time.Second // how long copies are asked first after the leader did not answer
)

// patiently runs a read and, in a cluster, repeats it until it succeeds or cannot succeed. once
// reports whether it made progress.
func (h *Hub) patiently(ctx context.Context, once func(context.Context) (bool, error)) error {
	begun := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		life, err := h.reachable(ctx)
		if err != nil {
			return unavailable(err)
		}
		part, cancel := context.WithCancelCause(ctx)
		stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
		moved, err := once(part)
		err = because(part, err)
		stop()
		cancel(nil)
		if moved {
			begun = time.Now()
		}
		if err == nil || h.replicas <= 1 || settled(err) || time.Since(begun) > readTime || !sleep(ctx, pause) {
			return err
		}
	}
}

// reachable returns a context that ends with the connection. In a cluster it waits for a reconnect,
// since a client that lost its server finds another one within moments.
func (h *Hub) reachable(ctx context.Context) (context.Context, error) {
	life := h.link.present()
	if life.Err() == nil {
		return life, nil
	}
	if h.replicas <= 1 {
		return nil, context.Cause(life)
	}
	ctx, cancel := context.WithTimeout(ctx, backTime)
	defer cancel()
	return h.link.connected(ctx)
}

// settled reports whether asking again would give the same answer.
func settled(err error) bool {
	var coded *errs.Error
	if errors.As(err, &coded) {
		return true
	}
	api := new(jetstream.APIError)
	return errors.As(err, &api) && api.Code != 503 && api.Code != 500
}

// way is one way of reading a value.
type way func(ctx context.Context, key string) (value, error)

// first reads a value in several ways, starting the next one as soon as an answer is late or bad.
// It returns the first good answer, and how many ways were started.
func (h *Hub) first(ctx context.Context, key string, ways ...way) (v value, asked int, err error) {
	type answer struct {
		value
		err error
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	answers := make(chan answer)
	ask := func(w way) {
		var a answer
		life, err := h.reachable(ctx)
		if a.err = err; err == nil {
			ctx, cancel := within(ctx, readTime, life)
			defer cancel()
			a.value, err = w(ctx, key)
			a.err = because(ctx, err)
		}
		select {
		case answers <- a:
		case <-ctx.Done():
		}
	}
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			w := ways[asked%len(ways)]
			asked++
			all.Go(func() { ask(w) })
			next.Reset(hedgeTime << min(asked/4, 2))
		case a := <-answers:
			if a.err == nil || settled(a.err) {
				return a.value, asked, a.err
			}
			err = a.err
			next.Reset(20 * time.Millisecond)
		case <-ctx.Done():
			return value{}, asked, cmp.Or(err, because(ctx, ctx.Err()))
		}
	}
}

// info asks a stream's leader for its state, with the subjects that match filter; "" for none.
func (h *Hub) info(ctx context.Context, stream, filter string) (info *jetstream.StreamInfo, err error) {
	err = h.patiently(ctx, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, h.try())
		defer cancel()
		st, err := h.link.js.Stream(ctx, stream)
		if err == nil {
			info = st.CachedInfo()
			if filter != "" {
				info, err = st.Info(ctx, jetstream.WithSubjectFilter(filter))
			}
		}
		return false, err
	})
	return info, readError(stream, err)
}

// try is how long one request waits for its answer.
func (h *Hub) try() time.Duration {
	if h.replicas > 1 {
		return tryTime
	}
	return h.o.WriteTimeout
}
