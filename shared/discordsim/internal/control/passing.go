package control

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Passage is something that went between a bot and the simulator.
type Passage struct {
	Number  int64     `json:"number"`
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"` // request, event, or interaction: a request to an endpoint
	App     world.ID  `json:"application_id,omitempty"`
	What    string    `json:"what"` // method and path, or the event's name
	Status  int       `json:"status,omitempty"`
	Refusal string    `json:"refusal,omitempty"` // what was refused by which rule
	Fault   bool      `json:"fault,omitempty"`   // a fault answered
	Took    float64   `json:"took,omitempty"`    // seconds
}

const (
	passagesKept = 500
	inspected    = time.Minute // how long passages are kept after somebody asked for them
)

// inspector keeps what passed last, while somebody looks. Safe for concurrent use.
type inspector struct {
	until atomic.Int64 // Unix nanoseconds; before it, somebody looks
	mu    sync.Mutex
	last  int64
	list  []Passage
}

func (i *inspector) looking() bool { return time.Now().UnixNano() < i.until.Load() }

// add keeps a passage, if somebody looks.
func (i *inspector) add(make func() Passage) {
	if !i.looking() {
		return
	}
	p := make()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	p.Number = i.last
	if i.list = append(i.list, p); len(i.list) > 2*passagesKept {
		i.list = append([]Passage(nil), i.list[len(i.list)-passagesKept:]...)
	}
}

// after returns what passed after a number, and the last number.
func (i *inspector) after(number int64) ([]Passage, int64) {
	i.until.Store(time.Now().Add(inspected).UnixNano())
	i.mu.Lock()
	defer i.mu.Unlock()
	out := []Passage{}
	for _, p := range i.list {
		if p.Number > number {
			out = append(out, p)
		}
	}
	return out[max(0, len(out)-passagesKept):], i.last
}

// Passed notes what went between a bot and the simulator, for those who look.
func (c *Control) Passed(p func() Passage) { c.inspector.add(p) }

// passages returns what passed since a number: from the first time that somebody asked, until a minute after the last.
func (c *request) passages() (any, error) {
	number := int64(0)
	if v := c.r.URL.Query().Get("after"); v != "" {
		if _, err := fmt.Sscan(v, &number); err != nil || number < 0 {
			return nil, form.Invalid("after", "NUMBER_TYPE_COERCE", "Value \""+v+"\" is not int.")
		}
	}
	list, last := c.control.inspector.after(number)
	return map[string]any{"passages": list, "last": last}, nil
}
