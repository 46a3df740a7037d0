package gateway

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"

	"snug/bot/eventjson"
	_ "snug/bot/lenient" // what is new leaves out itself, not the event around it
)

// dispatch passes one event to the handler and then advances the sequence.
func (l *link) dispatch(m envelope) {
	opens := m.kind == disgo.EventTypeReady || m.kind == disgo.EventTypeResumed
	if m.seq > 0 && m.seq <= l.seq && !opens {
		l.s.gauges.event(outcomeDuplicate)
		l.extend()
		return
	}
	if m.seq > l.seq+1 && l.seq > 0 {
		l.s.gauges.gap()
	}
	switch m.kind {
	case disgo.EventTypeReady:
		l.startSession(m)
	case disgo.EventTypeResumed:
		l.becomeReady(true)
	}
	l.handleEvent(m)
	l.advance(m.seq)
	l.extend()
	if opens {
		l.s.markOpen()
	}
}

// extend restarts the timeout for the next event of a replay.
func (l *link) extend() {
	if !l.ready {
		l.setDeadline(l.s.cfg.ReadyTimeout)
	}
}

// startSession reads the new session from READY separately from the event itself: if the rest of READY
// doesn't parse, the session is still usable.
func (l *link) startSession(m envelope) {
	var d struct {
		SessionID string `json:"session_id"`
		ResumeURL string `json:"resume_gateway_url"`
	}
	if err := json.Unmarshal(m.data, &d); err != nil || d.SessionID == "" {
		l.s.log.Error("READY contains no session id: this session cannot be resumed", slog.Any("err", err))
	}
	if _, err := socketURL(d.ResumeURL, false); err != nil {
		d.ResumeURL = "" // resume at the address used for IDENTIFY
	}
	l.cp = Checkpoint{SessionID: d.SessionID, ResumeURL: d.ResumeURL}
	l.seq = 0
	l.s.mu.Lock()
	l.s.session = l.cp
	l.s.mu.Unlock()
	l.becomeReady(false)
}

// becomeReady updates the state after READY or RESUMED.
func (l *link) becomeReady(resumed bool) {
	if l.ready {
		return
	}
	l.ready, l.readyAt = true, time.Now()
	l.setDeadline(0)
	l.s.mu.Lock()
	l.s.link = l
	l.s.mu.Unlock()
	l.s.gauges.connected(resumed, l.lost)
	l.s.enter(State{Phase: Ready, Resumed: resumed})
}

// markOpen lets Open return.
func (s *Shard) markOpen() {
	select {
	case <-s.up:
	default:
		close(s.up) // only the run goroutine gets here
	}
}

// advance records that every event up to seq has been handled.
func (l *link) advance(seq int) {
	l.seq = max(l.seq, seq)
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.applied = Checkpoint{SessionID: l.cp.SessionID, ResumeURL: l.cp.ResumeURL, Seq: l.seq}
}

// handleEvent decodes an event and calls the handler. Neither a payload that doesn't parse nor a panic
// ends the connection: after a RESUME Discord would send the same event again, forever.
func (l *link) handleEvent(m envelope) {
	began := time.Now()
	outcome := outcomeHandled
	l.busy.Store(true)
	defer func() {
		if p := recover(); p != nil {
			outcome = outcomePanicked
			l.s.log.Error("panic while handling an event: skipped it",
				slog.String("event", string(m.kind)), slog.Int("seq", m.seq),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
		l.busy.Store(false)
		l.spent.Add(int64(time.Since(began)))
		l.s.gauges.event(outcome)
	}()
	ev, err := decode(m)
	if err != nil {
		outcome = outcomeBroken
		if l.s.loggedFailures.first(string(m.kind) + cause(err)) {
			l.s.log.Error("cannot parse an event: skipped it, and will skip others like it without logging them",
				slog.String("event", string(m.kind)), slog.Int("seq", m.seq), slog.String("err", cause(err)))
		}
		if m.kind != disgo.EventTypeReady {
			return
		}
		ev = disgo.EventReady{} // the session has begun all the same; nil lists, unlike empty ones, mean unknown
	}
	if _, unknown := ev.(disgo.EventUnknown); unknown {
		outcome = outcomeUnknown
		if l.s.cfg.Unknown != nil {
			l.s.cfg.Unknown(l.s, m.kind, m.data)
		}
		return
	}
	l.s.handler(l.s, m.kind, m.seq, ev)
}

// decode decodes an event, as fast as is certain.
func decode(m envelope) (disgo.EventData, error) {
	if ev, ok := eventjson.Decode(m.kind, m.data); ok {
		return ev, nil
	}
	return disgo.UnmarshalEventData(m.data, m.kind)
}

// logOnce remembers what was logged. Only for the run goroutine.
type logOnce map[string]bool

// maxLogOnce limits how many different failures are logged; later ones are only counted.
const maxLogOnce = 100

// first reports whether what is new.
func (o logOnce) first(what string) bool {
	if o[what] || len(o) >= maxLogOnce {
		return false
	}
	o[what] = true
	return true
}

// cause unwraps disgo's error, which quotes the whole payload.
func cause(err error) string {
	if u, ok := err.(interface{ Unwrap() error }); ok && u.Unwrap() != nil {
		return fmt.Sprint(u.Unwrap())
	}
	return "malformed"
}
