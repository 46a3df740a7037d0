package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats.go"

	"snug/shared/errs"
)

// Calls answers the calls for the guilds that this process holds. Create it with Hub.Calls,
// register methods with Serve, then Hold guilds. Each call runs in its own goroutine, so handlers
// for the same guild run at the same time unless they synchronize. It is safe for concurrent use.
type Calls struct {
	h        *Hub
	incoming chan *nats.Msg
	slots    chan struct{} // one per call that may run
	running  sync.WaitGroup
	ctx      context.Context // of the handlers; ends when Close stops waiting for them
	cut      context.CancelCauseFunc
	quit     chan struct{}
	ended    chan struct{}

	mu      sync.Mutex
	methods map[string]handler
	before  middleware // nil: none
	held    map[snowflake.ID]hold
	all     *nats.Subscription // of the embedded hub: all guilds' calls, because nobody else answers any
	closed  bool
}

// hold is a guild whose calls are answered.
type hold struct {
	term uint64
	sub  *nats.Subscription
}

// middleware is called before a handler.
type middleware func(ctx context.Context, guild snowflake.ID, method string) (context.Context, error)

type handler func(ctx context.Context, guild snowflake.ID, body []byte) ([]byte, error)

const (
	defaultCalls  = 512     // calls that run at the same time
	incomingCalls = 1 << 13 // calls waiting for dispatch, which takes microseconds
)

// Calls returns a Calls that runs up to most calls at the same time (0 means 512) and refuses
// further ones with Unavailable. Close it when done; Hub.Close does so too.
func (h *Hub) Calls(most int) (*Calls, error) {
	if most <= 0 {
		most = defaultCalls
	}
	c := &Calls{
		h: h, incoming: make(chan *nats.Msg, incomingCalls), slots: make(chan struct{}, most),
		quit: make(chan struct{}), ended: make(chan struct{}),
		methods: map[string]handler{}, held: map[snowflake.ID]hold{},
	}
	c.ctx, c.cut = context.WithCancelCause(context.Background())
	if !h.own(c) {
		return nil, unavailable(errClosed)
	}
	go c.dispatch()
	return c, nil
}

// Serve registers the function that answers the method. Its ctx ends shortly before the caller's deadline or
// when Close stops waiting, but not when the caller cancels; CallID returns the call's id,
// RequestID the request it serves. Errors without a code and panics reach the caller as Internal.
// Causes are only logged here. Registering a name again replaces the function.
func (m Method[Req, Resp]) Serve(c *Calls, f func(ctx context.Context, guild snowflake.ID, req Req) (Resp, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.methods[m.Name] = func(ctx context.Context, guild snowflake.ID, body []byte) ([]byte, error) {
		var req Req
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, errs.E(errs.Invalid,
				"Snug didn't understand this request. If you just updated it, update all of its processes.").
				Because(err)
		}
		resp, err := f(ctx, guild, req)
		if err != nil {
			return nil, err
		}
		return json.Marshal(resp)
	}
}

// Before registers a function that is called before each handler, with the method's name: it returns the handler's
// context, or the error with which the call fails. Registering one again replaces it.
func (c *Calls) Before(f func(ctx context.Context, guild snowflake.ID, method string) (context.Context, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = f
}

// Hold is HoldFor for hubs where no other process can hold the guilds.
func (c *Calls) Hold(ctx context.Context, guilds ...snowflake.ID) error {
	return c.HoldFor(ctx, 0, guilds...)
}

// HoldFor starts answering the guilds' calls to the holder of a term. When it returns, calls from
// clients of this server arrive; calls from other servers of a cluster arrive as soon as they have
// heard of it. Holding a guild twice is one hold, with the later term.
func (c *Calls) HoldFor(ctx context.Context, term uint64, guilds ...snowflake.ID) error {
	fresh := false // something was subscribed to
	c.mu.Lock()
	for _, g := range guilds {
		if c.closed {
			c.mu.Unlock()
			return unavailable(errClosed)
		}
		old, held := c.held[g]
		if held && old.term == term {
			continue
		}
		if c.h.engine != nil {
			fresh = fresh || c.all == nil
			if err := c.holdAll(); err != nil {
				c.mu.Unlock()
				return err
			}
			c.held[g] = hold{term: term}
			continue
		}
		fresh = true
		sub, err := c.h.link.nc.ChanQueueSubscribe(subject(g, term)+">", callGroup, c.incoming)
		if err != nil {
			c.mu.Unlock()
			return unavailable(fmt.Errorf("hub: holding guild %s: %w", g, err))
		}
		if held {
			_ = old.sub.Unsubscribe()
		}
		c.held[g] = hold{term, sub}
	}
	c.mu.Unlock()
	if !fresh {
		return nil
	}
	life, err := c.h.link.connected(ctx)
	if err != nil {
		return unavailable(err)
	}
	ctx, cancel := within(ctx, c.h.o.WriteTimeout, life)
	defer cancel()
	if err := c.h.link.nc.FlushWithContext(ctx); err != nil {
		return unavailable(fmt.Errorf("hub: holding guilds: %w", because(ctx, err)))
	}
	return nil
}

// Drop stops answering for guilds; running calls are finished.
func (c *Calls) Drop(guilds ...snowflake.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range guilds {
		if h, held := c.held[g]; held {
			h.end()
			delete(c.held, g)
		}
	}
}

// holdAll subscribes to the calls for all guilds, once. The caller holds mu.
func (c *Calls) holdAll() (err error) {
	if c.all == nil {
		c.all, err = c.h.link.nc.ChanQueueSubscribe(callPrefix+">", callGroup, c.incoming)
	}
	if err != nil {
		return unavailable(fmt.Errorf("hub: holding guilds: %w", err))
	}
	return nil
}

// end stops answering.
func (h hold) end() {
	if h.sub != nil {
		_ = h.sub.Unsubscribe()
	}
}

// answers reports whether a call is for a guild, and a term, that is held.
func (c *Calls) answers(guild snowflake.ID, term string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, held := c.held[guild]
	return c.all == nil || held && strconv.FormatUint(h.term, 10) == term
}

// pass gives a call to the Calls of this hub that holds its guild, as there may be several. It returns false if none
// does.
func (h *Hub) pass(m *nats.Msg, guild snowflake.ID, term string) bool {
	h.mu.Lock()
	var list []*Calls
	for o := range h.closers {
		if c, ok := o.(*Calls); ok {
			list = append(list, c)
		}
	}
	h.mu.Unlock()
	return slices.ContainsFunc(list, func(c *Calls) bool { return c.take(m, guild, term) })
}

// take begins a call if its guild, and the term, is held.
func (c *Calls) take(m *nats.Msg, guild snowflake.ID, term string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, held := c.held[guild]
	if held = held && strconv.FormatUint(h.term, 10) == term; held {
		c.begin(m)
	}
	return held
}

// Held returns the number of guilds held.
func (c *Calls) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}

// Close drops all guilds and waits for the running handlers. If ctx ends first, it cancels their
// contexts and waits for one more second.
func (c *Calls) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.ended
		return nil
	}
	c.closed = true
	for g, h := range c.held {
		h.end()
		delete(c.held, g)
	}
	if c.all != nil {
		_ = c.all.Unsubscribe()
	}
	c.mu.Unlock()
	close(c.quit)
	<-c.ended // no new call starts after this
	done := make(chan struct{})
	go func() { // outlives Close only if a handler ignores its context
		defer close(done)
		c.running.Wait()
	}()
	defer c.h.disown(c)
	defer c.cut(errClosed)
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	c.cut(errClosed)
	grace := time.NewTimer(time.Second)
	defer grace.Stop()
	select {
	case <-done:
		return fmt.Errorf("hub: calls were cancelled: %w", ctx.Err())
	case <-grace.C:
		return errors.New("hub: calls still run although they were cancelled")
	}
}

// dispatch starts a goroutine for each call, as long as there is room, and never blocks.
func (c *Calls) dispatch() {
	defer close(c.ended)
	for {
		select {
		case m := <-c.incoming:
			c.begin(m)
			continue
		default:
		}
		select {
		case m := <-c.incoming:
			c.begin(m)
		case <-c.quit:
			for { // answer the calls that have already arrived
				select {
				case m := <-c.incoming:
					c.begin(m)
				default:
					return
				}
			}
		}
	}
}

func (c *Calls) begin(m *nats.Msg) {
	select {
	case c.slots <- struct{}{}:
	default:
		c.reply(m, nil, errs.E(errs.Unavailable, busyMessage))
		return
	}
	c.running.Go(func() {
		defer func() { <-c.slots }()
		c.serve(m)
	})
}

// serve runs one call.
func (c *Calls) serve(m *nats.Msg) {
	begun := time.Now()
	id, rest, _ := strings.Cut(strings.TrimPrefix(m.Subject, callPrefix), ".")
	term, name, _ := strings.Cut(rest, ".")
	guild, err := snowflake.Parse(id)
	if err != nil {
		c.reply(m, nil, errs.E(errs.Invalid, "That server doesn't exist. Check the link.").Because(err))
		return
	}
	if !c.answers(guild, term) {
		if c.h.pass(m, guild, term) {
			return
		}
		// as the server answers where nobody subscribed
		_ = m.RespondMsg(&nats.Msg{Header: nats.Header{"Status": {"503"}}})
		return
	}
	c.mu.Lock()
	handle, before := c.methods[name], c.before
	c.mu.Unlock()
	log := c.h.log.With("method", name, "guild_id", id, "call", m.Header.Get(headID))
	request := m.Header.Get(headRequest)
	if request != "" {
		log = log.With("request_id", request)
	}
	if handle == nil {
		c.reply(m, nil,
			errs.E(errs.Unavailable, "This process of Snug doesn't know that request. "+
				"Update all of Snug's processes to the same version."))
		log.Error("hub: received a call for an unknown method")
		return
	}
	limit := callTime
	if ms, err := strconv.ParseInt(m.Header.Get(headTime), 10, 64); err == nil {
		limit = time.Duration(ms) * time.Millisecond
	}
	limit -= min(answerTime, limit/10) // else the caller would give up at the moment the answer leaves
	ctx, cancel := context.WithTimeout(WithRequestID(WithCallID(c.ctx, m.Header.Get(headID)), request), limit)
	defer cancel()
	body, err := guarded(ctx, func(ctx context.Context) ([]byte, error) {
		if before != nil {
			var err error
			if ctx, err = before(ctx, guild, name); err != nil {
				return nil, err
			}
		}
		return handle(ctx, guild, m.Data)
	})
	var coded *errs.Error
	if err != nil && ctx.Err() != nil && !errors.As(err, &coded) {
		err = unknown(because(ctx, err)) // it timed out on the way
	}
	level := slog.LevelDebug
	if errs.Has(err, errs.Internal) {
		level = slog.LevelError
	}
	if err != nil {
		log.Log(ctx, level, "hub: call failed", "err", err)
	}
	c.h.o.Observe(Observation{Op: "serve", Bucket: name, Took: time.Since(begun), Err: err})
	c.reply(m, body, err)
}

// guarded runs a handler and converts a panic into an error.
func guarded(ctx context.Context, f func(context.Context) ([]byte, error)) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("hub: panic in a handler: %v\n%s", p, debug.Stack())
		}
	}()
	return f(ctx)
}

func (c *Calls) reply(m *nats.Msg, body []byte, err error) {
	answer := &nats.Msg{Data: body}
	if err != nil {
		failure := errs.Public(err)
		answer.Header = nats.Header{headFailed: {string(failure.Code)}}
		if errors.Is(err, ErrUnknownOutcome) {
			answer.Header[headUnsure] = []string{"1"}
		}
		if answer.Data, err = json.Marshal(failure); err != nil {
			answer.Data = []byte(`{}`)
		}
	}
	err = m.RespondMsg(answer)
	if errors.Is(err, nats.ErrMaxPayload) {
		c.h.log.Error("hub: an answer is too large to send", "subject", m.Subject, "bytes", len(body))
		c.reply(m, nil, errs.E(errs.Internal, "The response is too large. Ask for less at once."))
	} else if err != nil {
		c.h.log.Warn("hub: cannot send an answer", "subject", m.Subject, "err", err)
	}
}
