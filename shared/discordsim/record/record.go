// Package record writes down what happens in a simulator, and does again what people did then: so that a bot is tested
// against what happened once. A record has no tokens and no secrets.
package record

import (
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"snug/shared/discordsim"
)

// Kinds of lines.
const (
	kindWorld       = "world"       // the first line: what there is at the start
	kindAct         = "act"         // what people do, and what those who run the world do
	kindRequest     = "request"     // of a bot
	kindInteraction = "interaction" // a request to a bot's endpoint, whose answer is the bot's
	kindEvent       = "event"       // that goes to a bot
)

// format is the number of this format.
const format = 1

// line is a line of a record. It is written when what it says has ended.
type line struct {
	Kind   string    `json:"kind"`
	Time   time.Time `json:"time"`             // when it began
	Took   float64   `json:"took,omitempty"`   // seconds
	Format int       `json:"format,omitempty"` // of a world, as the following
	Now    time.Time `json:"now,omitzero"`     // by the world's clock
	Things []thing   `json:"things,omitempty"`

	Method string          `json:"method,omitempty"` // of an act, a request or an interaction, as the following
	Route  string          `json:"route,omitempty"`
	Path   string          `json:"path,omitempty"`
	Query  string          `json:"query,omitempty"`
	Type   string          `json:"type,omitempty"`   // of data
	Body   json.RawMessage `json:"body,omitempty"`   // if it is JSON
	Data   []byte          `json:"data,omitempty"`   // of an act, if it isn't
	Files  []string        `json:"files,omitempty"`  // names and sizes
	Secret bool            `json:"secret,omitempty"` // the body isn't here, because it has tokens
	Status int             `json:"status,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Reason string          `json:"reason,omitempty"` // for the audit log
	Fault  bool            `json:"fault,omitempty"`

	Event       string        `json:"event,omitempty"`
	Application discordsim.ID `json:"application_id,omitempty"` // of a request, an interaction or an event
	Guild       discordsim.ID `json:"guild_id,omitempty"`       // of an event, as the following
	Shard       *int          `json:"shard,omitempty"`
	Sequence    int64         `json:"sequence,omitempty"`
}

func (l *line) end() time.Time { return l.Time.Add(time.Duration(l.Took * float64(time.Second))) }

// did reports whether a line is something that a bot did: a request that changes something, or an endpoint's answer.
// What a limit or a fault refused, bots do again, depending on time.
func (l *line) did() bool {
	return (l.Kind == kindRequest && l.Method != "GET" || l.Kind == kindInteraction) && l.Status != 429 && !l.Fault
}

// thing is something that there is at the start, by which records of two worlds find each other's ids.
type thing struct {
	Kind string        `json:"kind"`
	Name string        `json:"name"`
	ID   discordsim.ID `json:"id"`
}

// things lists what a world has, by age.
func things(s *discordsim.Server) (list []thing) {
	for _, u := range s.People() {
		list = append(list, thing{"person", u.Username, u.ID})
	}
	for _, a := range s.Applications() {
		list = append(list, thing{"application", a.Name, a.ID})
	}
	for _, g := range s.State().Guilds {
		list = append(list, thing{"server", g.Name, g.ID})
		for _, r := range g.Roles {
			list = append(list, thing{"role", r.Name, r.ID})
		}
		for _, c := range g.Channels {
			list = append(list, thing{"channel", c.Name, c.ID})
		}
	}
	return list
}

// Recorder writes what happens as lines of JSON. Safe for concurrent use.
type Recorder struct {
	began time.Time
	hide  hider

	mu  sync.Mutex
	to  io.Writer
	err error // the first of writing
}

// NewRecorder makes one that writes to w. Follow and Begin connect it with a simulator.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{to: w, began: time.Now()} }

// Follow makes a simulator with these options also tell the recorder what happens.
func (r *Recorder) Follow(o *discordsim.Options) {
	r.hide.tokens = append(r.hide.tokens, o.ControlToken)
	o.OnAct = both(o.OnAct, func(a discordsim.Act) { r.write(r.hide.act(a)) })
	o.OnRequest = both(o.OnRequest, func(q discordsim.Request) { r.write(r.hide.request(kindRequest, q)) })
	o.OnPost = both(o.OnPost, func(q discordsim.Request) { r.write(r.hide.request(kindInteraction, q)) })
	o.OnDispatch = both(o.OnDispatch, func(d discordsim.Dispatch) { r.write(event(d)) })
}

// both returns a hook that calls two others, of which the first can be nil.
func both[T any](first, second func(T)) func(T) {
	if first == nil {
		return second
	}
	return func(v T) { first(v); second(v) }
}

// Begin writes what there is at the start. Call it once the world is built, before Start.
func (r *Recorder) Begin(s *discordsim.Server) {
	r.hide.follow(s)
	r.write(&line{Kind: kindWorld, Time: r.began, Format: format, Now: s.Advance(0), Things: things(s)})
}

func event(d discordsim.Dispatch) *line {
	return &line{Kind: kindEvent, Time: d.Time, Event: d.Event, Application: d.Application, Guild: d.Guild,
		Shard: &d.Shard, Sequence: d.Sequence}
}

func (r *Recorder) write(l *line) {
	l.Time = r.began.Add(l.Time.Sub(r.began)) // in the order of the monotonic clock
	data, err := encode(l)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		_, err = r.to.Write(append(data, '\n'))
	}
	r.err = errors.Join(r.err, err)
	if r.err != nil {
		r.to = io.Discard
	}
}

// Err returns what went wrong with writing.
func (r *Recorder) Err() error { r.mu.Lock(); defer r.mu.Unlock(); return r.err }
