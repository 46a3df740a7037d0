package gateway

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"

	_ "snug/bot/lenient" // what is new leaves out itself, not the event around it
)

// dispatch hands one event to the handler and then advances the sequence.
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
		l.began(m)
	case disgo.EventTypeResumed:
		l.becomeReady(true)
	}
	l.pass(m)
	l.advance(m.seq)
	l.extend()
	if opens {
		l.s.opensOnce()
	}
}

// extend gives a replay time for its next event.
func (l *link) extend() {
	if !l.ready {
		l.bound(l.s.cfg.ReadyTimeout)
	}
}

// began takes the new session out of READY, by itself: should the rest of it
// not parse, the session is no worse for it.
func (l *link) began(m envelope) {
	var d struct {
		SessionID string `json:"session_id"`
		ResumeURL string `json:"resume_gateway_url"`
	}
	if err := json.Unmarshal(m.data, &d); err != nil || d.SessionID == "" {
		l.s.log.Error("READY names no session; it cannot be resumed", slog.Any("err", err))
	}
	if _, err := socketURL(d.ResumeURL, false); err != nil {
		d.ResumeURL = "" // resume where we identified
	}
	l.cp = Checkpoint{SessionID: d.SessionID, ResumeURL: d.ResumeURL}
	l.seq = 0
	l.s.mu.Lock()
	l.s.session = l.cp
	l.s.mu.Unlock()
	l.becomeReady(false)
}

// becomeReady is READY's and RESUMED's part in the state machine.
func (l *link) becomeReady(resumed bool) {
	if l.ready {
		return
	}
	l.ready, l.readyAt = true, time.Now()
	l.bound(0)
	l.s.mu.Lock()
	l.s.link = l
	l.s.mu.Unlock()
	l.s.gauges.connected(resumed, l.lost)
	l.s.enter(State{Phase: Ready, Resumed: resumed})
}

// opensOnce lets Open return.
func (s *Shard) opensOnce() {
	select {
	case <-s.up:
	default:
		close(s.up) // only the run goroutine gets here
	}
}

// advance notes that everything up to seq has been handled.
func (l *link) advance(seq int) {
	l.seq = max(l.seq, seq)
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.applied = Checkpoint{SessionID: l.cp.SessionID, ResumeURL: l.cp.ResumeURL, Seq: l.seq}
}

// pass decodes an event and calls the handler. Neither a payload that does
// not parse nor a panic ends the link: the same event would come again after
// a RESUME, for ever.
func (l *link) pass(m envelope) {
	began := time.Now()
	outcome := outcomeHandled
	l.busy.Store(true)
	defer func() {
		if p := recover(); p != nil {
			outcome = outcomePanicked
			l.s.log.Error("handling an event panicked; it is passed over",
				slog.String("event", string(m.kind)), slog.Int("seq", m.seq),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
		l.busy.Store(false)
		l.spent.Add(int64(time.Since(began)))
		l.s.gauges.event(outcome)
	}()
	ev, err := disgo.UnmarshalEventData(m.data, m.kind)
	if err != nil {
		outcome = outcomeBroken
		if l.s.strange.first(string(m.kind) + cause(err)) {
			l.s.log.Error("an event does not parse; it is passed over, and so is every like it",
				slog.String("event", string(m.kind)), slog.Int("seq", m.seq), slog.String("err", cause(err)))
		}
		if m.kind != disgo.EventTypeReady {
			return
		}
		ev = disgo.EventReady{} // the session has begun, whatever it said: nil lists are not empty ones
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

// once remembers what was said. Of the run goroutine alone.
type once map[string]bool

// maxOnce is how many different things are said; what comes after them is counted all the same.
const maxOnce = 100

// first says whether something was not said before.
func (o once) first(what string) bool {
	if o[what] || len(o) >= maxOnce {
		return false
	}
	o[what] = true
	return true
}

// cause drops disgo's wrapping, which quotes the whole payload.
func cause(err error) string {
	if u, ok := err.(interface{ Unwrap() error }); ok && u.Unwrap() != nil {
		return fmt.Sprint(u.Unwrap())
	}
	return "malformed"
}
