package gateway

import (
	"fmt"
	"log/slog"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
)

// Phase is what a shard is doing.
type Phase int

// The phases of a shard. The way through them:
//
//	Idle → Connecting → Identifying → Ready
//	                  → Resuming    → Ready
//	any of these → Waiting → Connecting …
//	any of these → Stopped
const (
	Idle        Phase = iota // made, not opened
	Connecting               // asking for the address, dialling, waiting for HELLO
	Identifying              // IDENTIFY is sent, waiting for READY
	Resuming                 // RESUME is sent, events are replayed until RESUMED
	Ready                    // events flow
	Waiting                  // between two attempts, or for a turn to identify
	Stopped                  // for good
)

// Phases lists every phase, for metrics and tests.
func Phases() []Phase {
	return []Phase{Idle, Connecting, Identifying, Resuming, Ready, Waiting, Stopped}
}

// String gives the phase in lower case, as logs and metrics show it.
func (p Phase) String() string {
	switch p {
	case Idle:
		return "idle"
	case Connecting:
		return "connecting"
	case Identifying:
		return "identifying"
	case Resuming:
		return "resuming"
	case Ready:
		return "ready"
	case Waiting:
		return "waiting"
	case Stopped:
		return "stopped"
	}
	return fmt.Sprintf("phase(%d)", int(p))
}

// State is a shard's phase with what there is to say about it.
type State struct {
	Phase    Phase
	Since    time.Time
	Delay    time.Duration // with Waiting: until the next attempt
	Failures int           // attempts in a row that did not become ready
	Resumed  bool          // with Ready: the old session goes on
	Reason   error         // with Waiting: why; with Stopped: why, nil when it was closed
}

// History is what a shard's connection went through since it was made.
type History struct {
	Resumes  int       // sessions that went on
	Sessions int       // sessions begun anew
	Failed   time.Time // when a connection ended last, or could not be made; zero: none did
	Reason   string    // why, in a word as metrics have it
}

// LogValue makes a State readable in logs.
func (s State) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("phase", s.Phase.String())}
	if s.Phase == Waiting {
		attrs = append(attrs, slog.Duration("delay", s.Delay))
	}
	if s.Failures > 0 {
		attrs = append(attrs, slog.Int("failures", s.Failures))
	}
	if s.Phase == Ready {
		attrs = append(attrs, slog.Bool("resumed", s.Resumed))
	}
	if s.Reason != nil {
		attrs = append(attrs, slog.String("reason", s.Reason.Error()))
	}
	return slog.GroupValue(attrs...)
}

// status gives the phase in disgo's words.
func (p Phase) status() disgo.Status {
	switch p {
	case Idle:
		return disgo.StatusUnconnected
	case Connecting:
		return disgo.StatusConnecting
	case Identifying:
		return disgo.StatusWaitingForReady
	case Resuming:
		return disgo.StatusResuming
	case Ready:
		return disgo.StatusReady
	}
	return disgo.StatusDisconnected
}
