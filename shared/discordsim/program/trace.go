package program

import (
	"fmt"
	"io"
	"sync"
	"time"

	"snug/shared/discordsim"
)

// trace prints what happens, a line each. Safe for concurrent use.
type trace struct {
	mu sync.Mutex
	to io.Writer
}

// follow makes a simulator with these options tell it what happens.
func (t *trace) follow(o *discordsim.Options) {
	o.OnRequest, o.OnPost, o.OnDispatch = t.request, t.request, t.dispatch
}

func (t *trace) request(r discordsim.Request) {
	note := ""
	if r.Injected {
		note = " (fault)"
	}
	t.line(r.Time, "%-6s %s: %d in %s%s", r.Method, r.Path, r.Status, r.Took.Round(10*time.Microsecond), note)
}

func (t *trace) dispatch(d discordsim.Dispatch) {
	t.line(d.Time, "%s, number %d, to %s, shard %d", d.Event, d.Sequence, d.Application, d.Shard)
}

func (t *trace) line(at time.Time, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.to, "%s  %s\n", at.Format("15:04:05.000"), fmt.Sprintf(format, args...))
}
