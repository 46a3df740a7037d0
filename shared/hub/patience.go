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

// In a cluster a server can hang: it takes what it is sent and never answers,
// and for seconds neither its peers nor its clients know. Others have the same
// data, so what only reads asks them before long, and goes on where it was.
const (
	readTime  = 10 * time.Second       // most that a read takes without getting any further
	hedgeTime = 250 * time.Millisecond // without an answer for this long somebody else is asked too
	tryTime   = 1500 * time.Millisecond
	backTime  = 3 * time.Second // how long a read waits for a connection that was lost
	shunTime  = 5 * time.Second // how long copies are asked first after the leader did not answer
)

// patiently does what only reads, again and again in a cluster until it works
// or cannot. once says whether it got further than before.
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

// reachable gives the life of the connection. In a cluster a client that lost
// its server is at the next one within moments, and is waited for.
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

// settled says whether asking again would bring the same answer.
func settled(err error) bool {
	var coded *errs.Error
	if errors.As(err, &coded) {
		return true
	}
	api := new(jetstream.APIError)
	return errors.As(err, &api) && api.Code != 503 && api.Code != 500
}

// way is one of the ways to ask for a value.
type way func(ctx context.Context, key string) (value, error)

// first asks for a value by one way after the other, the next as soon as an
// answer is late or bad, and gives the first good one, with how many were asked.
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

// info asks a stream's leader about it, with the subjects that filter matches; "" for none.
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

// try is how long one question waits for its answer.
func (h *Hub) try() time.Duration {
	if h.replicas > 1 {
		return tryTime
	}
	return h.o.WriteTimeout
}
