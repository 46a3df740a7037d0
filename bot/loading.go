package bot

import (
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

const (
	// manyGuilds is how many guilds are loaded together when it is worth returning memory afterwards.
	manyGuilds = 100
	// loadSilence is how long after the last load those that are still missing are reported.
	loadSilence = 15 * time.Second
)

// loading knows which guilds are announced by Discord and not loaded yet, and logs when all are.
type loading struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	left   map[snowflake.ID]struct{}
	loaded int // since left was empty
	since  time.Time
	quiet  *time.Timer // reports those that don't come
	closed bool
}

func newLoading(log *slog.Logger, now func() time.Time) *loading {
	return &loading{log: log, now: now, left: map[snowflake.ID]struct{}{}}
}

// expect adds a guild that is about to be loaded.
func (l *loading) expect(id snowflake.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.left) == 0 {
		l.loaded, l.since = 0, l.now()
	}
	l.left[id] = struct{}{}
}

// done removes a guild that is loaded, or that need not be any more. The last of many returns memory to the system,
// because loading leaves much garbage.
func (l *loading) done(id snowflake.ID, loaded bool) {
	l.mu.Lock()
	if _, was := l.left[id]; !was {
		l.mu.Unlock()
		return
	}
	delete(l.left, id)
	if loaded {
		l.loaded++
	}
	n, all, took := l.loaded, len(l.left) == 0, l.now().Sub(l.since)
	l.awaitSilence(all)
	l.mu.Unlock()
	if all && n > 0 {
		l.log.Info("all servers are loaded", "servers", n, "took", took.Round(time.Millisecond))
	}
	if all && n >= manyGuilds {
		returnMemory()
	}
}

// returnMemory returns what loading thousands of guilds left to the system. From then on the collector runs a little
// earlier, unless GOGC says otherwise: most memory is what is known of the guilds, which stays, so that costs little
// and keeps the process a quarter smaller.
func returnMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	debug.FreeOSMemory()
}

// awaitSilence makes silent be called when nothing more is loaded for a while. The caller holds mu.
func (l *loading) awaitSilence(all bool) {
	switch {
	case all || l.closed:
		if l.quiet != nil {
			l.quiet.Stop()
		}
	case l.quiet == nil:
		l.quiet = time.AfterFunc(loadSilence, l.silent)
	default:
		l.quiet.Reset(loadSilence)
	}
}

func (l *loading) silent() {
	l.mu.Lock()
	n, missing := l.loaded, len(l.left)
	l.mu.Unlock()
	if missing == 0 {
		return
	}
	l.log.Warn("some servers have not come yet: Discord sends them when their outage is over",
		"servers", n, "missing", missing)
	if n >= manyGuilds {
		returnMemory()
	}
}

// close stops reporting.
func (l *loading) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.quiet != nil {
		l.quiet.Stop()
	}
}
