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
	// closeResumable closes a connection but keeps its session, as every code except 1000 and 1001 does.
	closeResumable = websocket.CloseServiceRestart
	// maxSend is the size limit, in bytes, of a message to Discord.
	maxSend = 4096
)

// Shard is one shard's connection. Make it with New or Attach, open it once, close it once; a later
// process makes a new one from its Checkpoint.
type Shard struct {
	cfg    Config
	log    *slog.Logger
	gauges gauges

	ctx    context.Context // lifetime of the run goroutine
	cancel context.CancelFunc
	hard   context.Context // ends when Close stops waiting
	kill   context.CancelFunc
	done   chan struct{} // closed when nothing of the shard is running
	up     chan struct{} // closed at the first READY or RESUMED

	latency        atomic.Int64
	loggedFailures logOnce // parse failures that were logged

	mu        sync.Mutex
	opened    bool
	closeCode int
	closeText string
	state     State
	history   History
	handler   disgo.EventHandlerFunc
	session   Checkpoint // the current session; Seq is unused
	applied   Checkpoint // the position to resume from
	presence  *disgo.MessageDataPresenceUpdate
	link      *link // set while ready
	err       error
}

var _ disgo.Gateway = (*Shard)(nil)

// New makes a shard without connecting it. The error joins everything that is wrong with cfg, each
// part with the code errs.Invalid.
func New(cfg Config) (*Shard, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Shard{
		cfg:            cfg,
		log:            cfg.Logger.With(slog.Int("shard", cfg.ShardID)),
		gauges:         cfg.Metrics.of(cfg.ShardID),
		done:           make(chan struct{}),
		up:             make(chan struct{}),
		closeCode:      closeResumable,
		closeText:      "restarting",
		loggedFailures: logOnce{},
		state:          State{Phase: Idle, Since: time.Now()},
		handler:        cfg.Handler,
		applied:        cfg.Checkpoint,
		session:        cfg.Checkpoint,
		presence:       clonePresence(cfg.Presence),
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

// Open connects and waits for the first READY or RESUMED, however long that takes. It returns ctx's
// error if ctx ends first (the shard is then closed), Err's error if the shard can't go on, and
// errs.Conflict if the shard was opened or closed before.
func (s *Shard) Open(ctx context.Context) error {
	s.mu.Lock()
	switch {
	case s.handler == nil:
		s.mu.Unlock()
		return errs.E(errs.Internal, "The gateway has no event handler. Call Bind or set Config.Handler before Open.")
	case s.opened:
		s.mu.Unlock()
		return errs.E(errs.Conflict, "This gateway connection was already opened. Make a new one from its Checkpoint.").
			Because(discord.ErrGatewayAlreadyConnected)
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

// Close closes the connection but keeps its session resumable. It waits until the handler has returned
// and everything of the shard has ended; if ctx ends first, it cuts the connection and returns at once.
func (s *Shard) Close(ctx context.Context) { s.CloseWithCode(ctx, closeResumable, "restarting") }

// CloseWithCode is Close with another close code. 1000 and 1001 end the session, so that it can't be resumed.
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

// Done is closed when the shard has ended for good and none of its goroutines is running.
func (s *Shard) Done() <-chan struct{} { return s.done }

// Err returns why the shard ended by itself: an error with a code that only a person can fix, with
// the remedy in its message. It is nil while the shard runs and after it was closed.
func (s *Shard) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// State returns the shard's current state.
func (s *Shard) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// History returns what has happened to the shard's connection.
func (s *Shard) History() History {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history
}

// Checkpoint returns what another process needs to resume: the session and the last event whose
// handler has returned. It is zero if there is no session.
func (s *Shard) Checkpoint() Checkpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied
}

// ShardID returns the shard's id.
func (s *Shard) ShardID() int { return s.cfg.ShardID }

// ShardCount returns how many shards the bot has.
func (s *Shard) ShardCount() int { return s.cfg.ShardCount }

// Intents returns the intents the shard identifies with.
func (s *Shard) Intents() disgo.Intents { return s.cfg.Intents }

// Latency returns the time from the last acknowledged heartbeat to its ACK, 0 before the first.
func (s *Shard) Latency() time.Duration { return time.Duration(s.latency.Load()) }

// AckMissing returns how long the oldest heartbeat has been waiting for its ACK; 0 if none is, or the shard isn't
// ready.
func (s *Shard) AckMissing() time.Duration {
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l == nil {
		return 0
	}
	missing, _, open := l.heartbeats.missing(time.Now())
	if !open {
		return 0
	}
	return missing
}

// SessionID returns the current session's id, nil if there is none. Inside READY's handler it is the new one.
func (s *Shard) SessionID() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.session.Resumable() {
		return nil
	}
	id := s.session.SessionID
	return &id
}

// ResumeURL returns the session's resume_gateway_url, nil if there is none.
func (s *Shard) ResumeURL() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session.ResumeURL == "" {
		return nil
	}
	u := s.session.ResumeURL
	return &u
}

// LastSequenceReceived returns the sequence number of the last event whose handler has returned, nil without a session.
func (s *Shard) LastSequenceReceived() *int {
	cp := s.Checkpoint()
	if !cp.Resumable() {
		return nil
	}
	return &cp.Seq
}

// Status returns the state as a disgo status.
func (s *Shard) Status() disgo.Status { return s.State().Phase.status() }

// Presence returns a copy of the bot's presence, nil if none was set.
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

// Send sends a message as soon as the limit of 120 a minute allows it, in the order of the calls.
// Errors: errs.Unavailable if the shard isn't ready (errors.Is discord.ErrShardNotReady) or the
// connection ends meanwhile, errs.Invalid for a message larger than Discord accepts, and ctx's.
func (s *Shard) Send(ctx context.Context, op disgo.Opcode, data disgo.MessageData) error {
	b, err := json.Marshal(disgo.Message{Op: op, D: data})
	if err != nil {
		return errs.E(errs.Internal, "Snug couldn't encode a message to Discord.").Because(err)
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

// enter publishes a state: to the getters, the log, the metrics and the observer.
func (s *Shard) enter(st State) {
	st.Since = time.Now()
	s.mu.Lock()
	s.state = st
	switch {
	case st.Phase == Ready && st.Resumed:
		s.history.Resumes++
	case st.Phase == Ready:
		s.history.Sessions++
	case st.Phase == Waiting && st.Reason != nil && !errors.Is(st.Reason, errIdentifyTurn),
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
		s.log.Error("gateway connection ended for good", slog.Any("err", err))
	}
	s.cancel()
	s.kill()
	s.enter(State{Phase: Stopped, Reason: err})
	close(s.done)
}
