package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// order is an order to a sender: one JSON object per line, answered with one reply each.
//
// The sender's WebSocket is at ws://<addr>/api/ws. A watcher first sends protocol.Auth with the
// token that the sender made for its room; after that the sender sends it every event of that room,
// in messages that contain "username":"t<Unix nanoseconds, 19 digits>", the time of the event.
type order struct {
	Do    string  `json:"do"`    // tokens, credit, pace, stop, stat, watchers, cpu
	Rooms int     `json:"rooms"` // of tokens, credit and pace: rooms 0 to Rooms-1
	N     int     `json:"n"`     // of credit: events to make, alternating between the rooms, as fast as possible
	Rate  float64 `json:"rate"`  // of pace: events a second, alternating between the rooms, until stop
}

type reply struct {
	Addr   string   `json:"addr,omitempty"`   // only in the first reply, before any order
	Tokens []string `json:"tokens,omitempty"` // of tokens: one for each room
	Events uint64   `json:"events"`           // made so far
	CPU    int64    `json:"cpu"`              // CPU time used so far, in nanoseconds
	RSS    int64    `json:"rss,omitempty"`    // of stat: resident memory in bytes, after collecting garbage

	Watchers int    `json:"watchers,omitempty"` // of watchers: number of connections
	Err      string `json:"err,omitempty"`
}

// sender is a fan-out under test.
type sender interface {
	http.Handler
	token(room int) (string, error)
	publish(room int, at time.Time)
	watchers() int
	close()
}

func serve(ctx context.Context, kind string, in io.Reader, out io.Writer) error {
	var s sender
	var err error
	switch kind {
	case "live":
		s, err = newLive(ctx)
	case "floor":
		s = newFloor()
	default:
		return fmt.Errorf("unknown sender %q; choose live or floor", kind)
	}
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	var g errgroup.Group
	g.Go(func() error {
		if err := srv.Serve(ln); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	p := &performer{s: s, credits: make(chan order, 1024), stop: make(chan struct{})}
	g.Go(func() error { p.perform(); return nil })
	enc := json.NewEncoder(out)
	err = enc.Encode(reply{Addr: ln.Addr().String()})
	for lines := bufio.NewScanner(in); err == nil && lines.Scan(); {
		var o order
		if err = json.Unmarshal(lines.Bytes(), &o); err == nil {
			err = enc.Encode(p.obey(o))
		}
	}
	close(p.credits)
	s.close()
	_ = srv.Close()
	if e := g.Wait(); err == nil {
		err = e
	}
	return err
}

// performer makes the events.
type performer struct {
	s       sender
	credits chan order
	stop    chan struct{}
	events  counter
	next    int
}

func (p *performer) obey(o order) reply {
	var r reply
	switch o.Do {
	case "tokens":
		for i := range o.Rooms {
			t, err := p.s.token(i)
			if err != nil {
				return reply{Err: err.Error()}
			}
			r.Tokens = append(r.Tokens, t)
		}
	case "credit", "pace":
		p.credits <- o
	case "stop":
		p.stop <- struct{}{}
	case "stat":
		runtime.GC()
		debug.FreeOSMemory()
		r.RSS = residentSet()
	case "watchers":
		r.Watchers = p.s.watchers()
	case "cpu":
	default:
		r.Err = "unknown order " + o.Do
	}
	r.Events, r.CPU = p.events.Load(), cpuTime()
	return r
}

func (p *performer) perform() {
	for o := range p.credits {
		if o.Do == "pace" {
			p.pace(o)
			continue
		}
		for range o.N {
			p.one(o.Rooms)
		}
	}
}

func (p *performer) pace(o order) {
	begin, made := time.Now(), 0
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for due := int(time.Since(begin).Seconds() * o.Rate); made < due; made++ {
			p.one(o.Rooms)
		}
		select {
		case <-tick.C:
		case <-p.stop:
			return
		}
	}
}

func (p *performer) one(rooms int) {
	p.s.publish(p.next%rooms, time.Now())
	p.next++
	p.events.Add(1)
}

// residentSet returns VmRSS in bytes; 0 without /proc.
func residentSet() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}
