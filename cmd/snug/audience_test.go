package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// front is the operator's proxy before the dashboards: a connection goes to the next one that takes it.
type front struct {
	l net.Listener

	mu   sync.Mutex
	to   []string
	next int
}

func newFront(t testing.TB) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{l: l}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.pass(c)
		}
	}()
	return f
}

func (f *front) url() string { return "http://" + f.l.Addr().String() }

func (f *front) add(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = append(f.to, addr)
}

func (f *front) remove(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = slices.DeleteFunc(f.to, func(a string) bool { return a == addr })
}

func (f *front) pass(c net.Conn) {
	defer c.Close()
	for range 4 {
		f.mu.Lock()
		if len(f.to) == 0 {
			f.mu.Unlock()
			return
		}
		f.next++
		addr := f.to[f.next%len(f.to)]
		f.mu.Unlock()
		back, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			continue
		}
		defer back.Close()
		go func() { // ends with either
			_, _ = io.Copy(back, c)
			back.Close()
		}()
		_, _ = io.Copy(c, back)
		return
	}
}

// audience is people who watch rooms through the front, and come back as pages do.
type audience struct {
	testing.TB
	front  *front
	people []*script // their sessions
	wg     sync.WaitGroup
	over   chan struct{}

	mu      sync.Mutex
	tokens  map[string]token // by person and room: those who come back together are many people in truth
	seated  []map[string]bool
	live    []bool
	away    []time.Duration // how long each absence took
	back    []time.Time     // when each ended
	events  int
	missed  int // revisions that nobody sent
	doubled int // revisions that came again
}

type token struct {
	text  string
	until time.Time
}

// watchers starts n watchers of the crowd's rooms.
func (c *crowd) watchers(f *front, people []*script, n int) *audience {
	a := &audience{
		TB: c.TB, front: f, people: people, over: make(chan struct{}), tokens: map[string]token{},
		seated: make([]map[string]bool, n), live: make([]bool, n),
	}
	for i := range n {
		server := i % crowded
		a.wg.Go(func() { a.watch(i, c.guilds[server].String(), c.rooms[server].String()) })
	}
	c.Cleanup(a.stop)
	return a
}

func (a *audience) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.over:
	default:
		close(a.over)
	}
}

func (a *audience) ended() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

// watch is one watcher: it connects again after the delays of static/js/live.js.
func (a *audience) watch(i int, guild, room string) {
	backoff := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
	tries, lost := 0, time.Time{}
	for !a.ended() {
		began := a.connect(i, guild, room, func() {
			if tries = 0; !lost.IsZero() {
				a.away, a.back = append(a.away, time.Since(lost)), append(a.back, time.Now())
			}
		})
		if began {
			lost = time.Now()
		}
		wait := backoff[min(tries, len(backoff)-1)]
		tries++
		select {
		case <-time.After(time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))):
		case <-a.over:
		}
	}
}

// token gives a token for a room; people with a fresh one share it.
func (a *audience) token(i int, guild, room string) string {
	who := a.people[i%len(a.people)]
	key := fmt.Sprint(i%len(a.people), room)
	a.mu.Lock()
	t := a.tokens[key]
	a.mu.Unlock()
	if time.Now().Before(t.until) {
		return t.text
	}
	body, _ := json.Marshal(map[string]string{"guild": guild, "room": room})
	req, err := http.NewRequest(http.MethodPost, a.front.url()+"/api/v1/live-token", bytes.NewReader(body))
	if err != nil {
		return ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", a.front.url())
	res, err := who.http.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	var out struct{ Token string }
	if json.NewDecoder(res.Body).Decode(&out) != nil || out.Token == "" {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens[key] = token{out.Token, time.Now().Add(20 * time.Second)}
	return out.Token
}

// connect watches until the connection ends, and reports whether it showed anything; began is called then, once, with
// the lock held.
func (a *audience) connect(i int, guild, room string, began func()) (shown bool) {
	t := a.token(i, guild, room)
	if t == "" {
		return false
	}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(a.front.url(), "http")+"/api/ws",
		http.Header{"Origin": {a.front.url()}})
	if err != nil {
		return false
	}
	defer conn.Close()
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with either
		select {
		case <-a.over:
			conn.Close()
		case <-done:
		}
	}()
	if conn.WriteJSON(map[string]any{"v": 1, "type": "auth", "token": t, "ts": time.Now().UnixMilli()}) != nil {
		return false
	}
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.live[i] = false
	}()
	epoch, n := "", 0
	for {
		var m struct {
			Event   string
			Payload struct {
				UserID string
				Roster []struct{ UserID string }
			}
			Rev struct {
				Epoch string
				N     int
			}
		}
		_ = conn.SetReadDeadline(time.Now().Add(23 * time.Second)) // as the page does, which hears something every ten
		if conn.ReadJSON(&m) != nil {
			return shown
		}
		if m.Rev.N == 0 {
			continue
		}
		a.mu.Lock()
		switch {
		case m.Event == "room.snapshot" || m.Event == "room.created":
			a.seated[i] = map[string]bool{}
			for _, p := range m.Payload.Roster {
				a.seated[i][p.UserID] = true
			}
			if !shown {
				began()
			}
			shown, a.live[i] = true, true
		case m.Rev.Epoch == epoch && m.Rev.N <= n:
			a.doubled++
		case m.Rev.Epoch != epoch || m.Rev.N > n+1:
			a.missed++
		}
		switch a.events++; m.Event {
		case "voice.joined":
			a.seated[i][m.Payload.UserID] = true
		case "voice.left":
			delete(a.seated[i], m.Payload.UserID)
		}
		epoch, n = m.Rev.Epoch, m.Rev.N
		a.mu.Unlock()
	}
}

// allLive waits until everybody watches.
func (a *audience) allLive() {
	a.Helper()
	(&harness{TB: a.TB}).eventually("everybody watches", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return !slices.Contains(a.live, false)
	})
}

// absences gives how many absences ended since it was last asked, the longest, and how many ended within the busiest
// tenth of a second.
func (a *audience) absences() (n int, longest time.Duration, together int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.back, time.Time.Compare)
	for i, j := 0, 0; j < len(a.back); j++ {
		for a.back[j].Sub(a.back[i]) > 100*time.Millisecond {
			i++
		}
		together = max(together, j-i+1)
	}
	if n = len(a.away); n > 0 {
		longest = slices.Max(a.away)
	}
	a.away, a.back = nil, nil
	return n, longest, together
}
