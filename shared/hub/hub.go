package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"snug/shared/errs"
)

// Options configure the hub: where its server is and how much it may store. Either Dir or URL must
// be set; the zero value of every other field is a sensible default.
type Options struct {
	Dir string // folder of the embedded server; used when URL is empty
	// Temp is the folder for temporary files; default Dir, or the system's with an external server.
	Temp string

	URL       string // external server or cluster: nats://host:4222, several separated by commas
	CredsFile string // NATS credentials file for URL; "" for none
	CAFile    string // PEM file with the certificates of the authority that signs URL's server; "" uses the system's
	Replicas  int    // copies of all data in a cluster; 0 means three in a cluster, one on a single server

	Log *slog.Logger // default: slog.Default()

	MaxBytes map[string]int64 // limits of buckets by name (and "AUDIT"), in bytes; see Names
	MaxValue int              // limit of one value, in bytes; default 8 MB embedded, otherwise the server's limit

	ConnectTimeout time.Duration // how long Open waits for an external server; default 30 s
	WriteTimeout   time.Duration // how long a write or read waits for its answer; default 5 s

	Now func() time.Time // clock used to check expiry; default time.Now

	// Observe, if set, is called for every write, read and call and for failures, to collect
	// metrics. It is called on hot paths and from many goroutines.
	Observe func(Observation)

	// Around, if set, is called for every write of a bucket or of an audit entry. It gets the write and
	// do, which makes it and may be called once or not at all; the error it returns is the write's. It
	// lets tests fail writes and lose answers. It is called from many goroutines.
	Around func(w Write, do func() error) error

	diskPause time.Duration // before the first check whether a disk fault is over; default 2 s
	unsynced  bool          // what is stored needn't survive a crash
}

// temp is the folder for temporary files.
func (o Options) temp() string { return cmp.Or(o.Temp, o.Dir) }

// Observation describes one operation of the hub.
type Observation struct {
	Op     string        // put, create, update, delete, get, consume, publish, call, serve, reload, reconnect
	Bucket string        // bucket, method of a call, or the stream that a consumer is made for
	Took   time.Duration // 0 for operations without a duration
	Err    error         // nil on success
}

// Write identifies a write for Options.Around.
type Write struct {
	Op     string // put, create, update, delete, append
	Bucket string // as in Names
	Key    string // of an audit entry: guild.channel.kind
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 30 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 5 * time.Second
	}
	if o.diskPause == 0 {
		o.diskPause = 2 * time.Second
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.Around == nil {
		o.Around = func(_ Write, do func() error) error { return do() }
	}
	return o
}

// Hub is the connection to the shared event hub, with its buckets. Create one with Open. It is safe
// for concurrent use.
type Hub struct {
	Buckets
	Audit *Audit

	o        Options
	log      *slog.Logger
	engine   *engine // nil with an external server
	link     *link
	codec    *codec
	replicas int
	specs    []spec

	ctx  context.Context // ends with Close
	stop context.CancelCauseFunc
	wg   sync.WaitGroup // followers and the hub's own goroutines

	mu      sync.Mutex
	closed  bool
	closers map[closer]struct{}

	again chan struct{} // receives after a reconnect: check that the streams exist

	ready  readiness
	ledger *ledger // nil with an external server
	damage error   // what was found lost when the hub was opened

	self   string // see Self
	routes *routes
	// dashboards stays empty in the embedded hub, which one process uses
	dashboards dashboards
	fence      atomic.Pointer[Fence]
}

// closer was started with the hub and must be closed before the hub's connection.
type closer interface{ Close(context.Context) error }

// Open starts the embedded server in Dir, or connects to URL, and creates all missing buckets and
// streams. Its errors have a code and name the next step.
func Open(ctx context.Context, o Options) (*Hub, error) { return open(ctx, o, tables()) }

func open(ctx context.Context, o Options, specs []spec) (*Hub, error) {
	if (o.Dir == "") == (o.URL == "") {
		return nil, errs.E(errs.Invalid,
			"The hub needs either a data folder or the address of a NATS server. Set --data or SNUG_NATS_URL.")
	}
	h := newHub(o, specs)
	if err := h.begin(ctx); err != nil {
		return nil, errors.Join(err, h.abandon())
	}
	h.bind()
	err := h.check(ctx)
	if err == nil {
		err = h.live()
	}
	if err != nil {
		return nil, errors.Join(err, h.abandon())
	}
	if h.engine == nil {
		h.checkCluster(ctx)
	}
	h.wg.Go(h.tend)
	if h.engine != nil {
		h.serveSocket()
	} else if err := h.route(); err != nil {
		return nil, errors.Join(err, h.abandon())
	}
	return h, nil
}

// newHub makes a hub without a connection.
func newHub(o Options, specs []spec) *Hub {
	o = o.withDefaults()
	h := &Hub{
		o: o, log: o.Log, specs: specs, closers: map[closer]struct{}{}, again: make(chan struct{}, 1),
		routes: newRoutes(),
	}
	h.ctx, h.stop = context.WithCancelCause(context.Background())
	h.codec = newCodec()
	h.link = newLink(o.Log, func() {
		o.Observe(Observation{Op: "reconnect"})
		select {
		case h.again <- struct{}{}:
		default:
		}
	})
	return h
}

// begin connects to a server and ensures that all streams exist.
func (h *Hub) begin(ctx context.Context) error {
	if err := h.connect(ctx); err != nil {
		return err
	}
	wait := h.o.ConnectTimeout
	if h.engine != nil {
		wait = 0
	} else if err := h.checkLimits(); err != nil {
		return err
	}
	return h.ensure(ctx, true, wait)
}

// connect starts the embedded server or finds the external one, and connects to it.
func (h *Hub) connect(ctx context.Context) (err error) {
	var more []nats.Option
	address, wait := h.o.URL, h.o.ConnectTimeout
	if h.o.URL == "" {
		if h.o.MaxValue == 0 {
			h.o.MaxValue = defaultValue
		}
		memory, store := h.room()
		if h.engine, err = startEngine(h.o, memory, store); err != nil {
			return err
		}
		address, wait, h.link.try = "nats://embedded", 0, embeddedTry
		more = append(more, nats.InProcessServer(h.engine))
	} else {
		h.link.outside = true
		if h.o.CredsFile != "" {
			more = append(more, nats.UserCredentials(h.o.CredsFile))
		}
		if h.o.CAFile != "" {
			more = append(more, nats.RootCAs(h.o.CAFile))
		}
	}
	if err := h.link.dial(ctx, address, wait, more...); err != nil {
		return err
	}
	if most := int(h.link.nc.MaxPayload()) - headRoom; h.o.MaxValue == 0 || h.o.MaxValue > most {
		h.o.MaxValue = most
	}
	h.replicas = h.o.Replicas
	if h.replicas == 0 {
		h.replicas = 1
		if h.link.nc.ConnectedClusterName() != "" {
			h.replicas = 3
		}
	}
	return nil
}

// abandon undoes what begin did before a failure.
func (h *Hub) abandon() error {
	h.stop(errClosed)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var err error
	if h.link.nc != nil {
		err = h.link.close(ctx)
	}
	err = errors.Join(err, h.ledger.close())
	if h.engine != nil {
		err = errors.Join(err, h.engine.stop(ctx))
	}
	return err
}

// tend recreates memory buckets after an external server has lost them.
func (h *Hub) tend() {
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.again:
		}
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
			life, err := h.link.connected(h.ctx)
			if err != nil {
				return
			}
			ctx, cancel := within(h.ctx, 10*time.Second, life)
			err = h.ensure(ctx, false, 0)
			cancel()
			if err == nil {
				break
			}
			h.log.Warn("hub: cannot recreate all buckets; retrying", "err", err)
			if !sleep(h.ctx, pause) {
				return
			}
		}
	}
}

// Close ends followers, publishers and calls and waits for them, disconnects, stops the embedded
// server and unlocks its folder. If ctx ends first, what is still running is cut off. Further calls
// do nothing.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	closers := make([]closer, 0, len(h.closers))
	for c := range h.closers {
		closers = append(closers, c)
	}
	h.mu.Unlock()

	var err error
	for _, c := range closers {
		err = errors.Join(err, c.Close(ctx))
	}
	h.stop(errClosed)
	ended := make(chan struct{})
	go func() { // outlives Close only if a callback does not return
		defer close(ended)
		h.wg.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("hub: followers did not end in time: %w", ctx.Err()))
	}
	err = errors.Join(err, h.link.close(ctx))
	h.codec.close()
	err = errors.Join(err, h.ledger.close())
	if h.engine != nil {
		err = errors.Join(err, h.engine.stop(ctx))
	}
	return err
}

// run starts a goroutine that Close waits for. It returns false if the hub is closed.
func (h *Hub) run(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.wg.Go(f)
	return true
}

// own registers c to be closed by Close. It returns false if the hub is already closed.
func (h *Hub) own(c closer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.closers[c] = struct{}{}
	return true
}

func (h *Hub) disown(c closer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.closers, c)
}

// within returns a context that ends with ctx, after d, or with any of the others.
func within(ctx context.Context, d time.Duration, others ...context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, cancelTimeout := context.WithTimeout(ctx, d)
	stops := make([]func() bool, 0, 2)
	for _, other := range others {
		stops = append(stops, context.AfterFunc(other, func() { cancel(context.Cause(other)) }))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancelTimeout()
		cancel(nil)
	}
}

// sleep waits for d. It returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
