package gateway

import (
	"fmt"
	"log/slog"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
)

// Phase is what a shard is doing.
type Phase int

// The phases of a shard. The transitions:
//
//	Idle → Connecting → Identifying → Ready
//	                  → Resuming    → Ready
//	any of these → Waiting → Connecting …
//	any of these → Stopped
const (
	Idle        Phase = iota // made, not opened
	Connecting               // getting the address, dialing, waiting for HELLO
	Identifying              // IDENTIFY sent, waiting for READY
	Resuming                 // RESUME sent, events are replayed until RESUMED
	Ready                    // events are flowing
	Waiting                  // between two attempts, or for the turn to identify
	Stopped                  // ended for good
)

// Phases lists every phase, for metrics and tests.
func Phases() []Phase {
	return []Phase{Idle, Connecting, Identifying, Resuming, Ready, Waiting, Stopped}
}

// String returns the phase in lower case, as logs and metrics show it.
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

// State is a shard's phase and its details.
type State struct {
	Phase    Phase
	Since    time.Time
	Delay    time.Duration // of Waiting: until the next attempt
	Failures int           // consecutive attempts that did not become ready
	Resumed  bool          // of Ready: the old session continues
	Reason   error         // of Waiting and Stopped: why; nil if the shard was closed
}

// History counts what has happened to a shard's connection since it was made.
type History struct {
	Resumes  int       // sessions resumed
	Sessions int       // sessions started
	Failed   time.Time // when a connection last ended or could not be made; zero: never
	Reason   string    // why, as the label used in metrics
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

// status returns the phase as a disgo status.
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
