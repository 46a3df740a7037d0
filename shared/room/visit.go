package room

import (
	"slices"
	"strconv"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// MaxVisits limits the entries of a room's VisitLog; the oldest are dropped first.
const MaxVisits = 200

// Visit records that a user joined a room's voice channel or, with Left, left it.
type Visit struct {
	UserID snowflake.ID `json:"user_id"`
	Name   string       `json:"name"` // display name at that time
	Bot    bool         `json:"bot,omitempty"`
	Left   bool         `json:"left,omitempty"`
	At     time.Time    `json:"at"`
}

// Equal reports whether two entries are the same, regardless of time zones.
func (v Visit) Equal(o Visit) bool {
	at := o.At
	o.At = v.At
	return v == o && v.At.Equal(at)
}

// Mark is the position of an event of Discord's gateway: the same one if Discord repeats it.
type Mark struct {
	Session string `json:"session"` // of the gateway, hashed; "": not an event that is repeated
	Seq     int    `json:"seq"`
}

// VisitEvent is the entry of an event of Discord's gateway.
type VisitEvent struct {
	Visit
	Event Mark
}

// Covers reports whether an event at o is one of those up to m.
func (m Mark) Covers(o Mark) bool { return o.Session != "" && m.Session == o.Session && o.Seq <= m.Seq }

// VisitLog lists who joined and left a room's voice channel, oldest first.
type VisitLog struct {
	List []Visit `json:"list"`
	// Through is the last event that is in List, or was.
	Through Mark `json:"through,omitzero"`
}

// AddEvent adds the entry of an event, unless it is there already because the event is repeated. It must get a room's
// events in order.
func (l *VisitLog) AddEvent(e VisitEvent) {
	if l.Through.Covers(e.Event) {
		return
	}
	if e.Event.Session != "" {
		l.Through = e.Event
	}
	l.Add(e.Visit)
}

// AppendJSON appends what encoding/json makes of l, as Live.AppendJSON does.
func (l VisitLog) AppendJSON(b []byte) ([]byte, error) {
	a := appender{b: append(b, `{"list":`...)}
	if l.List == nil {
		a.raw("null")
	} else {
		a.raw("[")
		for i := range l.List {
			v := &l.List[i]
			a.comma(i)
			a.raw(`{"user_id":`)
			a.id(v.UserID)
			a.raw(`,"name":`)
			a.string(v.Name)
			a.flag(`,"bot":`, v.Bot)
			a.flag(`,"left":`, v.Left)
			a.raw(`,"at":`)
			a.time(v.At)
			a.raw("}")
		}
		a.raw("]")
	}
	if l.Through != (Mark{}) {
		a.raw(`,"through":{"session":`)
		a.string(l.Through.Session)
		a.raw(`,"seq":`)
		a.b = strconv.AppendInt(a.b, int64(l.Through.Seq), 10)
		a.raw("}")
	}
	a.raw("}")
	return a.b, a.err
}

// Copy returns a deep copy.
func (l VisitLog) Copy() VisitLog {
	l.List = slices.Clone(l.List)
	return l
}

// Add appends entries, oldest first. A user's entries alternate between joined and left: it ignores
// an entry that is already there or repeats the user's last one.
func (l *VisitLog) Add(more ...Visit) {
	for _, m := range more {
		if slices.ContainsFunc(l.List,
			func(o Visit) bool { return o.UserID == m.UserID && o.Left == m.Left && o.At.Equal(m.At) }) {
			continue
		}
		if last := l.last(m.UserID); last != nil {
			if last.Left == m.Left {
				continue
			}
			if m.At.Before(last.At) { // the wall clock was set back
				m.At = last.At
			}
		}
		l.List = append(l.List, m)
	}
	slices.SortStableFunc(l.List, func(a, b Visit) int { return a.At.Compare(b.At) })
	l.List = l.List[max(0, len(l.List)-MaxVisits):]
}

// last returns the user's newest entry, or nil.
func (l *VisitLog) last(user snowflake.ID) *Visit {
	for i := len(l.List) - 1; i >= 0; i-- {
		if l.List[i].UserID == user {
			return &l.List[i]
		}
	}
	return nil
}

// Reconcile adds missed entries, so that the log agrees with the room's roster at the given time.
func (l *VisitLog) Reconcile(roster []Person, at time.Time) {
	var more []Visit
	for _, o := range l.List {
		if last := l.last(o.UserID); !last.Left && !In(roster, o.UserID) && last.At.Equal(o.At) {
			more = append(more, Visit{UserID: o.UserID, Name: o.Name, Bot: o.Bot, Left: true, At: at})
		}
	}
	for _, p := range roster {
		more = append(more, Visit{UserID: p.UserID, Name: p.DisplayName, Bot: p.Bot, At: p.Since})
	}
	l.Add(more...)
}

// DropBefore removes the entries older than a time and reports whether there were any.
func (l *VisitLog) DropBefore(at time.Time) bool {
	return l.drop(func(o Visit) bool { return o.At.Before(at) })
}

// DropUser removes a user's entries and returns how many there were.
func (l *VisitLog) DropUser(user snowflake.ID) (n int) {
	n = len(l.List)
	l.drop(func(o Visit) bool { return o.UserID == user })
	return n - len(l.List)
}

func (l *VisitLog) drop(which func(Visit) bool) bool {
	n := len(l.List)
	l.List = slices.DeleteFunc(l.List, which)
	return len(l.List) < n
}

// VisitsVisibleSince returns the time from which a user who sees the room but doesn't control it may read its
// VisitLog: when the room became visible to members, or when the user was let in. Zero means from the start.
func (r *Room) VisitsVisibleSince(user snowflake.ID) time.Time {
	g := r.Guest(user)
	switch {
	case r.OwnerID == user:
		return time.Time{}
	case g == nil:
		return r.ShownAt
	case r.Private || r.Hidden:
		return g.Since
	}
	return earlier(g.Since, r.ShownAt)
}
