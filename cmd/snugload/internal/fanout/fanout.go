// Package fanout lets snugload drive programs that send events to watchers of rooms over WebSocket: Snug's
// dashboard/live, a plain loop, and others to compare with. Each is a process of its own.
//
// A sender prints one line of JSON when it is ready, {"addr": …, "control": …}: where its WebSocket is, at the path
// /api/ws, and where it takes orders over TCP, one a line. It ends when its standard input does. Orders are JSON, each
// answered with a line of JSON:
//
//	{"do":"tokens","rooms":500}   {"tokens":[…]}  one for each room, with which watchers authenticate
//	{"do":"watchers"}             {"watchers":n}  how many are connected
//	{"do":"settle"}               {}              collect garbage and give memory back, if it can
//	{"do":"profile","file":"…"}   {}              write a CPU profile from now until the next such order; "": none
//
// Only this one isn't, and isn't answered:
//
//	publish 3:t176… 17:t176…      send an event with that mark to all watchers of rooms 3 and 17
//
// A watcher's first message is {"v":1,"type":"auth","token":…}, or the token itself if that begins with {. The
// sender answers it with any message, and from then on sends the watcher each event of its room, in text messages that
// contain "username":"<mark>", once for each of their events.
package fanout

import (
	"bytes"
	"fmt"
	"strconv"
)

// Event is something that is sent to all watchers of a room.
type Event struct {
	Room int
	N    uint64 // its number in the room, starting at 1
	At   int64  // when it is due, in Unix nanoseconds
}

// A mark carries an event: a letter, its time, its room and its number, each with a fixed number of digits.
const (
	timeDigits, roomDigits, numberDigits = 19, 5, 10

	MarkLen = 1 + timeDigits + roomDigits + numberDigits
)

var before = []byte(`"username":"t`)

// AppendMark appends an event's mark.
func AppendMark(b []byte, e Event) []byte {
	return fmt.Appendf(b, "t%0*d%0*d%0*d", timeDigits, e.At, roomDigits, e.Room, numberDigits, e.N)
}

// FindMark returns the event in a message, and where it is. It looks at hint first: where it was in the message before.
func FindMark(message []byte, hint int) (e Event, at int, ok bool) {
	at = hint
	if hint < 0 || len(message) < hint+len(before) || !bytes.Equal(message[hint:hint+len(before)], before) {
		if at = bytes.Index(message, before); at < 0 {
			return e, 0, false
		}
	}
	digits := message[at+len(before):]
	if len(digits) < MarkLen-1 {
		return e, at, false
	}
	when, ok1 := number(digits[:timeDigits])
	room, ok2 := number(digits[timeDigits : timeDigits+roomDigits])
	n, ok3 := number(digits[timeDigits+roomDigits : MarkLen-1])
	return Event{int(room), n, int64(when)}, at, ok1 && ok2 && ok3
}

func number(digits []byte) (n uint64, ok bool) {
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	return n, true
}

// AppendPublish appends the order to send events.
func AppendPublish(b []byte, events []Event) []byte {
	b = append(b, "publish"...)
	for _, e := range events {
		b = strconv.AppendInt(append(b, ' '), int64(e.Room), 10)
		b = AppendMark(append(b, ':'), e)
	}
	return append(b, '\n')
}

// MaxPublish is how many events one order may contain.
const MaxPublish = 256

// Order is an order in JSON.
type Order struct {
	Do    string `json:"do"`
	Rooms int    `json:"rooms,omitempty"`
	File  string `json:"file,omitempty"`
}

// Ready is the first line that a sender prints.
type Ready struct {
	Addr    string `json:"addr"`
	Control string `json:"control"`
}

// Reply answers an order.
type Reply struct {
	Tokens   []string `json:"tokens,omitempty"`
	Watchers int      `json:"watchers,omitempty"`
	Err      string   `json:"err,omitempty"`
}
