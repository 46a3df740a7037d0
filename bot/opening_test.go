package bot_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

const (
	callbackPath = "/callback" // of an interaction's first answer
	channelsPath = "/channels" // of a server, where they are created
)

// gate holds one kind of requests back until the other kind has arrived.
type gate struct {
	mu      sync.Mutex
	arrived map[string]chan struct{} // by the end of the path
	held    map[string]string        // by the end of the path: the one it waits for
	missed  []string
}

func (g *gate) of(path string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.arrived[path] == nil {
		g.arrived[path] = make(chan struct{})
	}
	return g.arrived[path]
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range []string{callbackPath, channelsPath} {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, path) {
				continue
			}
			here := g.of(path)
			select {
			case <-here:
			default:
				close(here)
			}
			select {
			case <-g.of(g.held[path]):
			case <-time.After(testkit.Patience / 2):
				g.mu.Lock()
				g.missed = append(g.missed, path)
				g.mu.Unlock()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// TestOpeningOverlaps: a room's channel is created while Discord still takes the first answer to the command, and the
// other way around: neither waits for the other. The owner has the answer after those two and one more request.
func TestOpeningOverlaps(t *testing.T) {
	t.Parallel()
	g := &gate{
		arrived: map[string]chan struct{}{},
		held:    map[string]string{callbackPath: channelsPath, channelsPath: callbackPath},
	}
	h := newHarnessIn(t, "", g.wrap)
	h.requests.Lock()
	before := len(h.requests.list)
	h.requests.Unlock()
	a, err := h.try("mara", "create-room", 0, nil)
	h.Must(err)
	h.wantText(a, "/i/")
	g.mu.Lock()
	missed := g.missed
	g.mu.Unlock()
	if len(missed) > 0 {
		t.Errorf("creating the channel and the first answer did not overlap: %v waited in vain", missed)
	}
	h.requests.Lock()
	defer h.requests.Unlock()
	var mine []string
	for _, r := range h.requests.list[before:] {
		if !strings.Contains(r, "/messages") || strings.Contains(r, "@original") { // the panel comes by itself
			mine = append(mine, r)
		}
	}
	if len(mine) != 3 {
		t.Errorf("an opening took %d requests: %v", len(mine), mine)
	}
}

// TestUnacknowledgedOpening: if Discord doesn't take the first answer, the room that came into being meanwhile is
// whole, counts, and is found by the same command.
func TestUnacknowledgedOpening(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	_, err := h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultError, Route: "POST /interactions/{interaction.id}/{interaction.token}/callback",
		Status: http.StatusInternalServerError, Count: -1,
	})
	h.Must(err)
	if _, err := h.try("mara", "create-room", 0, nil); err == nil {
		t.Fatal("the command was acknowledged")
	}
	h.eventually("the room is open", func() bool {
		keys, err := h.hub.Rooms.Keys(h.soon(), h.Guild.String())
		return err == nil && len(keys) == 1
	})
	h.Discord.ClearFaults(0)
	a, err := h.try("mara", "create-room", 0, nil)
	h.Must(err)
	h.wantText(a, "already")
}
