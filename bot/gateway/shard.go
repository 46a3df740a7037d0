package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"

	"snug/shared/errs"
)

const (
	// closeResumable ends a connection and keeps its session: any code but 1000 and 1001 does.
	closeResumable = websocket.CloseServiceRestart
	// maxSend is the most bytes Discord takes in one message.
	maxSend = 4096
)

// Shard is one shard's connection. Make one with New or Attach, open it once,
// close it once; a later process makes a new one from its Checkpoint.
type Shard struct {
	cfg    Config
	log    *slog.Logger
	gauges gauges

	ctx    context.Context // the life of the run goroutine
	cancel context.CancelFunc
	hard   context.Context // ends when Close's patience does
	kill   context.CancelFunc
	done   chan struct{} // closed when nothing of the shard runs any more
	up     chan struct{} // closed at the first READY or RESUMED

	latency atomic.Int64
	strange once // what did not parse and was said

	mu        sync.Mutex
	opened    bool
	closeCode int
	closeText string
	state     State
	history   History
	handler   disgo.EventHandlerFunc
	session   Checkpoint // the session in use; Seq is unused
	applied   Checkpoint // what may be resumed
	presence  *disgo.MessageDataPresenceUpdate
	link      *link // set while ready
	err       error
}

var _ disgo.Gateway = (*Shard)(nil)

// New makes a shard. It opens nothing yet. The error tells everything that is
// wrong with cfg, each part with errs.Invalid.
func New(cfg Config) (*Shard, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Shard{
		cfg:       cfg,
		log:       cfg.Logger.With(slog.Int("shard", cfg.ShardID)),
		gauges:    cfg.Metrics.of(cfg.ShardID),
		done:      make(chan struct{}),
		up:        make(chan struct{}),
		closeCode: closeResumable,
		closeText: "restarting",
		strange:   once{},
		state:     State{Phase: Idle, Since: time.Now()},
		handler:   cfg.Handler,
		applied:   cfg.Checkpoint,
		session:   cfg.Checkpoint,
		presence:  clonePresence(cfg.Presence),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.hard, s.kill = context.WithCancel(context.Background())
	s.gauges.entered(s.state)
	return s, nil
}

// Bind sets the handler. It must be called before Open.
func (s *Shard) Bind(h disgo.EventHandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// Open connects and waits for the first READY or RESUMED, however long that
// takes. It answers ctx's error when ctx ends first (the shard is then
// closed), the coded error of Err when the shard cannot go on, and
// errs.Conflict when it was opened or closed before.
func (s *Shard) Open(ctx context.Context) error {
	s.mu.Lock()
	switch {
	case s.handler == nil:
		s.mu.Unlock()
		return errs.E(errs.Internal, "The gateway has no event handler. Call Bind or set Config.Handler before Open.")
	case s.opened:
		s.mu.Unlock()
		return errs.E(errs.Conflict,
			"This gateway connection has been opened before. Make a new one from its Checkpoint.").Because(discord.ErrGatewayAlreadyConnected)
	}
	s.opened = true
	s.mu.Unlock()

	go s.run()
	select {
	case <-s.up:
		return nil
	case <-s.done:
		if err := s.Err(); err != nil {
			return err
		}
		return errs.E(errs.Unavailable, "The connection to Discord was closed before it was ready.").Because(errClosing)
	case <-ctx.Done():
		s.Close(ctx)
		<-s.done
		return context.Cause(ctx)
	}
}

// Close ends the connection and keeps its session resumable. It waits until
// the handler has returned and everything of the shard has ended; when ctx
// ends first, the connection is cut and Close returns at once.
func (s *Shard) Close(ctx context.Context) { s.CloseWithCode(ctx, closeResumable, "restarting") }

// CloseWithCode is Close with a close code of one's own. 1000 and 1001 end
// the session: there is nothing to resume afterwards.
func (s *Shard) CloseWithCode(ctx context.Context, code int, message string) {
	s.mu.Lock()
	first := !s.opened
	s.opened = true
	if s.ctx.Err() == nil {
		s.closeCode, s.closeText = code, message
	}
	s.mu.Unlock()
	s.cancel()
	if first {
		s.stop(nil)
		return
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		s.kill()
	}
}

// Done is closed when the shard has ended for good and nothing of it runs.
func (s *Shard) Done() <-chan struct{} { return s.done }

// Err says why the shard ended by itself: an error that only a person can
// mend, with a code and the remedy in its message. It is nil while the shard
// runs and after it was closed.
func (s *Shard) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// State gives what the shard is doing.
func (s *Shard) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// History gives what the shard's connection went through.
func (s *Shard) History() History {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history
}

// Checkpoint gives what another process needs to resume: the session and the
// last event whose handler has returned. Its zero value means that there is none.
func (s *Shard) Checkpoint() Checkpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied
}

// ShardID gives the shard's id.
func (s *Shard) ShardID() int { return s.cfg.ShardID }

// ShardCount gives how many shards the bot has.
func (s *Shard) ShardCount() int { return s.cfg.ShardCount }

// Intents gives the intents the shard identifies with.
func (s *Shard) Intents() disgo.Intents { return s.cfg.Intents }

// Latency gives the time from the last acknowledged heartbeat to its ACK, 0 before the first.
func (s *Shard) Latency() time.Duration { return time.Duration(s.latency.Load()) }

// AckMissing gives for how long the oldest heartbeat has had no ACK; 0 when none is missing, or the shard is not ready.
func (s *Shard) AckMissing() time.Duration {
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return 0
	}
	missing, _, open := l.beats.missing(time.Now())
	if !open {
		return 0
	}
	return missing
}

// SessionID gives the session in use, nil if there is none. Inside the handler of READY it is the new one.
func (s *Shard) SessionID() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.session.Resumable() {
		return nil
	}
	id := s.session.SessionID
	return &id
}

// ResumeURL gives the address to resume the session at, nil if there is none.
func (s *Shard) ResumeURL() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session.ResumeURL == "" {
		return nil
	}
	u := s.session.ResumeURL
	return &u
}

// LastSequenceReceived gives the last event whose handler has returned, nil without a session.
func (s *Shard) LastSequenceReceived() *int {
	cp := s.Checkpoint()
	if !cp.Resumable() {
		return nil
	}
	return &cp.Seq
}

// Status gives the state in disgo's words.
func (s *Shard) Status() disgo.Status { return s.State().Phase.status() }

// Presence gives a copy of the presence the shard shows, nil if none was set.
func (s *Shard) Presence() *disgo.MessageDataPresenceUpdate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clonePresence(s.presence)
}

func clonePresence(p *disgo.MessageDataPresenceUpdate) *disgo.MessageDataPresenceUpdate {
	if p == nil {
		return nil
	}
	c := *p
	c.Activities = slices.Clone(p.Activities)
	return &c
}

// Send sends a message once the budget of 120 a minute allows it, in the
// order of the calls. Errors: errs.Unavailable while the shard is not ready
// (errors.Is discord.ErrShardNotReady) or when the connection ends meanwhile,
// errs.Invalid for a message Discord would not take, and ctx's.
func (s *Shard) Send(ctx context.Context, op disgo.Opcode, data disgo.MessageData) error {
	b, err := json.Marshal(disgo.Message{Op: op, D: data})
	if err != nil {
		return errs.E(errs.Internal, "A message to Discord could not be encoded.").Because(err)
	}
	if len(b) > maxSend {
		return errs.E(errs.Invalid, "A message to Discord's gateway has %d bytes; it takes %d. Ask for less at a time.",
			len(b), maxSend)
	}
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil || s.cfg.Lease() <= 0 {
		return errNotReady()
	}
	if err := l.budget.wait(ctx, l.gone); errors.Is(err, errGone) {
		return errNotReady()
	} else if err != nil {
		return err
	}
	if err := l.write(b); err != nil {
		l.end(err)
		return errs.E(errs.Unavailable, "The connection to Discord ended while a message was sent.").Because(err)
	}
	if p, ok := data.(disgo.MessageDataPresenceUpdate); ok {
		s.mu.Lock()
		s.presence = clonePresence(&p)
		s.mu.Unlock()
	}
	return nil
}

// enter makes a state visible: in the getters, the log, the metrics and to the observer.
func (s *Shard) enter(st State) {
	st.Since = time.Now()
	s.mu.Lock()
	s.state = st
	switch {
	case st.Phase == Ready && st.Resumed:
		s.history.Resumes++
	case st.Phase == Ready:
		s.history.Sessions++
	case st.Phase == Waiting && st.Reason != nil && !errors.Is(st.Reason, errWaitsATurn),
		st.Phase == Stopped && st.Reason != nil:
		s.history.Failed, s.history.Reason = st.Since, label(st.Reason)
	}
	s.mu.Unlock()
	s.gauges.entered(st)
	level := slog.LevelInfo
	if st.Phase == Connecting {
		level = slog.LevelDebug
	}
	s.log.Log(context.Background(), level, "gateway "+st.Phase.String(), slog.Any("state", st))
	s.cfg.Observer(st)
}

// stop ends the shard for good.
func (s *Shard) stop(err error) {
	s.mu.Lock()
	s.err = err
	if err == nil && (s.closeCode == websocket.CloseNormalClosure || s.closeCode == websocket.CloseGoingAway) {
		s.applied, s.session = Checkpoint{}, Checkpoint{}
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Error("the gateway connection cannot go on", slog.Any("err", err))
	}
	s.cancel()
	s.kill()
	s.enter(State{Phase: Stopped, Reason: err})
	close(s.done)
}
