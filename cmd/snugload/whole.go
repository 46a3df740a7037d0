package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"snug/cmd/snugload/internal/figures"
	"snug/cmd/snugload/internal/usage"
	"snug/shared/protocol"
)

const wholeRooms = 8

// measureWhole has people join, leave and mute themselves in the simulated Discord, and measures until each watcher's
// WebSocket has it. Events are due at fixed times.
func measureWhole(ctx context.Context, o *options) ([]figures.Table, error) {
	t := figures.Table{Scenario: "whole", What: fmt.Sprintf("from Discord's gateway to WebSockets: %d events a second "+
		"in %d rooms, %d watchers", o.wholeRate, wholeRooms, o.wholeWatchers), Columns: []figures.Column{
		{Name: "events", Unit: "/s"}, {Name: "CPU", Unit: "µs an event"}, {Name: "p50", Unit: "ms", Tens: 2},
		{Name: "p95", Unit: "ms", Tens: 2}, {Name: "p99", Unit: "ms", Tens: 2}, {Name: "lost", Sum: true},
		{Name: "out of order", Sum: true},
	}, Rows: []figures.Row{{Subject: "mute"}, {Subject: "join and leave"}}}
	return withDemo(ctx, o, t, func(ctx context.Context, d *demo) ([]figures.Turn, error) {
		w, err := newWhole(ctx, o, d)
		if err != nil {
			return nil, err
		}
		defer w.close()
		mute, err := w.play(ctx, o, func(room, n int) error {
			return d.voice(ctx, w.people[room].id, w.rooms[room], n%2 == 0)
		})
		if err != nil {
			return nil, err
		}
		join, err := w.play(ctx, o, func(room, n int) error {
			channel := w.rooms[room]
			if n%2 == 0 {
				return d.leave(ctx, w.people[room].id)
			}
			return d.voice(ctx, w.people[room].id, channel, true)
		})
		return []figures.Turn{mute, join}, err
	})
}

func (d *demo) leave(ctx context.Context, user string) error {
	return call(ctx, http.DefaultClient, http.MethodPost, d.facts.Discord+"/_sim/users/"+user+"/voice",
		map[string]any{"guild_id": d.facts.Guild, "channel_id": nil}, nil, nil)
}

// whole are rooms with watchers.
type whole struct {
	d      *demo
	people []*guest // the owner of each room
	rooms  []string
	conns  []*websocket.Conn
	read   sync.WaitGroup

	mu       sync.Mutex
	due      map[string][]time.Time // by room: when each event was due
	late     figures.Histogram
	received int
	wrong    int
}

// newWhole opens a room for each of some people, who join it, and connects the watchers.
func newWhole(ctx context.Context, o *options, d *demo) (w *whole, err error) {
	w = &whole{d: d, due: map[string][]time.Time{}}
	for i := range wholeRooms {
		g, err := d.signIn(ctx, i)
		if err != nil {
			return nil, err
		}
		room, err := g.open(ctx, fmt.Sprint("Den ", i))
		if err == nil {
			err = d.voice(ctx, g.id, room, false)
		}
		if err != nil {
			return nil, err
		}
		w.people, w.rooms = append(w.people, g), append(w.rooms, room)
	}
	time.Sleep(500 * time.Millisecond) // until what this set in motion is over
	for i := range o.wholeWatchers {
		if err := w.watch(ctx, i%wholeRooms); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *whole) close() {
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.read.Wait()
}

// watch connects a watcher of a room and returns once it has the room.
func (w *whole) watch(ctx context.Context, room int) error {
	g := w.people[room]
	var got struct{ Token string }
	err := g.api(ctx, http.MethodPost, "/live-token",
		map[string]any{"guild": w.d.facts.Guild, "room": w.rooms[room]}, &got)
	if err != nil {
		return err
	}
	c, _, err := websocket.DefaultDialer.DialContext(ctx, "ws"+strings.TrimPrefix(w.d.facts.Snug, "http")+"/api/ws",
		http.Header{"Origin": {w.d.facts.Snug}}) //nolint:bodyclose // a WebSocket has no body
	if err != nil {
		return err
	}
	w.conns = append(w.conns, c)
	if err := c.WriteMessage(websocket.TextMessage, protocol.Auth{Token: got.Token}.Encode(time.Now())); err != nil {
		return err
	}
	for {
		m, err := receive(c)
		if err != nil {
			return err
		}
		if m.Event == protocol.RoomSnapshot {
			w.read.Go(func() { w.follow(c, w.rooms[room]) })
			return nil
		}
	}
}

func receive(c *websocket.Conn) (m protocol.Message[json.RawMessage], err error) {
	_, b, err := c.ReadMessage()
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	return m, err
}

// follow counts a watcher's voice events: the n-th is what was done in the room as the n-th thing.
func (w *whole) follow(c *websocket.Conn, room string) {
	for n := 0; ; {
		m, err := receive(c)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(m.Event), "voice.") {
			continue
		}
		now := time.Now()
		w.mu.Lock()
		if n < len(w.due[room]) {
			w.late.Add(int64(now.Sub(w.due[room][n])))
		} else {
			w.wrong++
		}
		n++
		w.received++
		w.mu.Unlock()
	}
}

// play does something in each room in turn, at the rate, and waits until every watcher knows.
func (w *whole) play(ctx context.Context, o *options, do func(room, n int) error) (figures.Turn, error) {
	pid := w.d.cmd.Process.Pid
	w.mu.Lock()
	w.late, w.received, w.wrong = figures.Histogram{}, 0, 0
	w.mu.Unlock()
	before := usage.Process(pid)
	count := max(int(o.length.Seconds()*float64(o.wholeRate)), 2*wholeRooms) / (2 * wholeRooms) * 2 * wholeRooms
	lanes := make([]chan int, wholeRooms) // what happens in one room happens in order
	all, gctx := errgroup.WithContext(ctx)
	for room := range lanes {
		lanes[room] = make(chan int, count)
		all.Go(func() error {
			for n := range lanes[room] {
				if err := do(room, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range count {
		due := before.At.Add(time.Duration(float64(i) / float64(o.wholeRate) * 1e9))
		select {
		case <-time.After(time.Until(due)):
		case <-gctx.Done():
		}
		w.mu.Lock()
		room := w.rooms[i%wholeRooms]
		w.due[room] = append(w.due[room], due)
		w.mu.Unlock()
		lanes[i%wholeRooms] <- i / wholeRooms
	}
	for _, l := range lanes {
		close(l)
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	done := time.Now()
	want := count / wholeRooms * len(w.conns)
	for end := time.Now().Add(3 * time.Second); w.got() < want && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	after := usage.Process(pid)
	w.mu.Lock()
	defer w.mu.Unlock()
	return figures.Turn{
		"events": float64(count) / done.Sub(before.At).Seconds(),
		"CPU":    float64((after.CPU - before.CPU).Microseconds()) / float64(count),
		"p50":    ms(w.late.Quantile(.5)), "p95": ms(w.late.Quantile(.95)), "p99": ms(w.late.Quantile(.99)),
		"lost": float64(max(want-w.received, 0)), "out of order": float64(w.wrong),
	}, nil
}

func (w *whole) got() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.received
}
