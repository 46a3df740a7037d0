package main

import (
	"net/http"
	"sync"

	"github.com/lxzan/gws"
)

// withGWS has a map of rooms, and one broadcaster an event.
type withGWS struct {
	gws.BuiltinEventHandler
	up *gws.Upgrader

	mu    sync.Mutex
	rooms map[int]map[*gws.Conn]bool
	of    map[*gws.Conn]int
}

func newGWS() *withGWS {
	w := &withGWS{rooms: map[int]map[*gws.Conn]bool{}, of: map[*gws.Conn]int{}}
	w.up = gws.NewUpgrader(w, &gws.ServerOption{})
	return w
}

func (w *withGWS) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if c, err := w.up.Upgrade(rw, r); err == nil {
		go c.ReadLoop()
	}
}

func (w *withGWS) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	n, err := room(m.Bytes())
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rooms[n] == nil {
		w.rooms[n] = map[*gws.Conn]bool{}
	}
	w.rooms[n][c] = true
	w.of[c] = n
	_ = c.WriteString("{}") // it is connected
}

func (w *withGWS) OnClose(c *gws.Conn, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.rooms[w.of[c]], c)
	delete(w.of, c)
}

func (w *withGWS) Token(n int) (string, error) { return token(n) }

func (w *withGWS) Publish(n int, mark []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, message(mark))
	defer b.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.rooms[n] {
		_ = b.Broadcast(c)
	}
}

func (w *withGWS) Watchers() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.of)
}

func (w *withGWS) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.of {
		_ = c.NetConn().Close()
	}
}
