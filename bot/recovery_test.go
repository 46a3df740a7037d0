package bot_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	dgateway "github.com/disgoorg/disgo/gateway"

	"snug/bot"
	"snug/bot/gateway"
	"snug/shared/discordsim"
	"snug/shared/testkit/world"
)

// watch collects when the phases of a shard began.
type watch struct {
	mu     sync.Mutex
	states []gateway.State
	more   chan struct{}
}

func (w *watch) observe(s gateway.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = append(w.states, s)
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// recovered gives when the first ready connection was noticed to be lost, and when the next was ready.
func (w *watch) recovered() (lost, back time.Time, resumed, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := false
	for _, s := range w.states {
		switch {
		case s.Phase == gateway.Ready && !lost.IsZero():
			return lost, s.Since, s.Resumed, true
		case s.Phase == gateway.Ready:
			was = true
		case was && lost.IsZero():
			lost = s.Since
		}
	}
	return lost, back, false, false
}

// With the times Snug really uses: a plain drop is made good within 2 s,
// everything else within 30 s of being noticed, and a half-open connection is
// noticed within a heartbeat interval and 10 s.
func TestRecoveryTimes(t *testing.T) {
	t.Parallel()
	const heartbeat = time.Second
	var all sync.WaitGroup // they do nothing but wait, so they needn't take turns
	defer all.Wait()
	for _, c := range []struct {
		name   string
		faults []discordsim.Fault // the last makes it begin
		notice time.Duration      // from the fault, at most
		within time.Duration      // from noticing, at most
		anew   bool               // the session ends; without heartbeats Discord may end it or not
	}{
		{"drop", []discordsim.Fault{{Kind: discordsim.FaultDrop}}, 2 * time.Second, 2 * time.Second, false},
		{"reconnect", []discordsim.Fault{{Kind: discordsim.FaultReconnect}}, 2 * time.Second, 2 * time.Second, false},
		{
			"op 9, resumable", []discordsim.Fault{{Kind: discordsim.FaultInvalidSession, Resumable: true}},
			2 * time.Second, 30 * time.Second, false,
		},
		{"op 9", []discordsim.Fault{{Kind: discordsim.FaultInvalidSession}}, 2 * time.Second, 30 * time.Second, true},
		{
			"4000", []discordsim.Fault{{Kind: discordsim.FaultClose, Code: 4000}}, 2 * time.Second, 30 * time.Second,
			false,
		},
		{
			"4009", []discordsim.Fault{{Kind: discordsim.FaultClose, Code: 4009}}, 2 * time.Second, 30 * time.Second,
			true,
		},
		{
			"half open", []discordsim.Fault{{Kind: discordsim.FaultHalfOpen}}, heartbeat + 10*time.Second,
			30 * time.Second, false,
		},
		{
			"no heartbeat is acknowledged", []discordsim.Fault{{Kind: discordsim.FaultNoACK, Count: 3}},
			2*heartbeat + 10*time.Second, 30 * time.Second, false,
		},
		{
			"no HELLO on the way back",
			[]discordsim.Fault{{Kind: discordsim.FaultNoHello}, {Kind: discordsim.FaultDrop}}, 2 * time.Second,
			30 * time.Second, false,
		},
		{
			"dropped again while resuming",
			[]discordsim.Fault{{Kind: discordsim.FaultDropResume}, {Kind: discordsim.FaultDrop}}, 2 * time.Second,
			30 * time.Second, false,
		},
	} {
		all.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				limits := discordsim.NoRateLimits()
				d := world.Start(t, discordsim.Options{Seed: 1, Limits: &limits, HeartbeatInterval: heartbeat})
				w := &watch{more: make(chan struct{}, 1)}
				shard, err := gateway.New(gateway.Config{
					Token:    d.Discord.AddApplication(discordsim.ApplicationOptions{Name: "Snug"}).BotToken,
					Intents:  bot.Intents,
					URL:      "ws" + strings.TrimPrefix(d.URL, "http") + "/gateway",
					Handler:  func(dgateway.Gateway, dgateway.EventType, int, dgateway.EventData) {},
					Observer: w.observe, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := shard.Open(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer shard.Close(t.Context())
				began := time.Now()
				for _, f := range c.faults {
					if _, err := d.Discord.Inject(f); err != nil {
						t.Fatal(err)
					}
				}
				late := time.After(c.notice + c.within + patience)
				for {
					lost, back, resumed, ok := w.recovered()
					if ok {
						noticed, took := lost.Sub(began).Round(time.Millisecond), back.Sub(lost).Round(time.Millisecond)
						t.Logf("noticed after %v, back %v later, resumed: %v", noticed, took, resumed)
						if noticed > c.notice || took > c.within ||
							resumed == c.anew && c.faults[0].Kind != discordsim.FaultNoACK {
							t.Errorf("at most %v and %v were allowed, resumed %v", c.notice, c.within, !c.anew)
						}
						return
					}
					select {
					case <-w.more:
					case <-late:
						t.Fatal("it did not come back")
					}
				}
			})
		})
	}
}
