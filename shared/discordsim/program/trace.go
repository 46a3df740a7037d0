package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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

// record writes what happens to a file, as lines of JSON. Safe for concurrent use.
type record struct {
	mu   sync.Mutex
	file *os.File
	err  error // the first of writing
}

// happened is a line of a record.
type happened struct {
	Time        time.Time     `json:"time"`
	Method      string        `json:"method,omitempty"` // of a request, as the following
	Route       string        `json:"route,omitempty"`
	Path        string        `json:"path,omitempty"`
	Status      int           `json:"status,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Took        float64       `json:"took,omitempty"` // seconds
	Fault       bool          `json:"fault,omitempty"`
	Event       string        `json:"event,omitempty"` // of an event, as the following
	Application discordsim.ID `json:"application_id,omitempty"`
	Guild       discordsim.ID `json:"guild_id,omitempty"`
	Shard       *int          `json:"shard,omitempty"`
	Sequence    int64         `json:"sequence,omitempty"`
}

func newRecord(name string) (*record, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	return &record{file: f}, nil
}

// follow makes a simulator with these options also tell the record what happens.
func (r *record) follow(o *discordsim.Options) {
	dispatch := o.OnDispatch
	o.OnRequest, o.OnPost = r.also(o.OnRequest), r.also(o.OnPost)
	o.OnDispatch = func(d discordsim.Dispatch) {
		r.write(happened{Time: d.Time, Event: d.Event, Application: d.Application, Guild: d.Guild, Shard: &d.Shard,
			Sequence: d.Sequence})
		if dispatch != nil {
			dispatch(d)
		}
	}
}

// also returns a hook that records a request and calls another hook, if there is one.
func (r *record) also(next func(discordsim.Request)) func(discordsim.Request) {
	return func(q discordsim.Request) {
		r.write(happened{Time: q.Time, Method: q.Method, Route: q.Route, Path: q.Path, Status: q.Status,
			Reason: q.Reason, Took: q.Took.Seconds(), Fault: q.Injected})
		if next != nil {
			next(q)
		}
	}
}

func (r *record) write(h happened) {
	line, err := json.Marshal(h)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
}

// close ends the record, and returns what went wrong with it.
func (r *record) close() error { return errors.Join(r.err, r.file.Close()) }
