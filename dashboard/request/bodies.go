package request

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"snug/shared/errs"
	"snug/shared/hangup"
)

// BodiesAtOnce is how many requests of one address may be sending their bodies
// at the same time. A body takes milliseconds; only who means to hold us up has more.
const BodiesAtOnce = 32

// stopGrace is how long what is still being sent may go on once the server stops.
const stopGrace = time.Second

// bodies are the requests whose bodies are still being sent, and the
// connections that have not asked for anything yet. When the server stops,
// neither holds it up. It is safe for concurrent use.
type bodies struct {
	mu        sync.Mutex
	within    time.Duration // for each body
	reading   map[*http.ResponseController]struct{}
	byAddress map[string]int
	fresh     map[net.Conn]struct{}
}

func newBodies(within time.Duration) *bodies {
	return &bodies{
		within: within, reading: map[*http.ResponseController]struct{}{}, byAddress: map[string]int{},
		fresh: map[net.Conn]struct{}{},
	}
}

// takeBody takes a request's body in before anybody waits for it, within
// BodyTime: calls to the bot then end when the browser hangs up.
func (rs *Requests) takeBody(c *gin.Context) error {
	if c.Request.Body == nil || c.Request.Body == http.NoBody || c.Request.URL.Path == LivePath {
		return nil
	}
	conn, address := http.NewResponseController(c.Writer), addressGroup(c.ClientIP())
	if !rs.bodies.begin(conn, address) {
		return errs.E(errs.RateLimited, "Too many requests. Try again in a moment.").After(time.Second)
	}
	sent := &sent{ReadCloser: c.Request.Body}
	c.Request.Body = sent
	c.Request = hangup.Notice(c.Request, MaxBody) // what went wrong is told to who reads it
	rs.bodies.end(conn, address, sent.whole)
	return nil
}

// sent notices whether all of a body was sent.
type sent struct {
	io.ReadCloser
	whole bool
}

// Read reads the body.
func (s *sent) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.whole = s.whole || errors.Is(err, io.EOF)
	return n, err
}

func (b *bodies) begin(conn *http.ResponseController, address string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byAddress[address] >= BodiesAtOnce {
		return false
	}
	b.byAddress[address]++
	b.reading[conn] = struct{}{}
	_ = conn.SetReadDeadline(time.Now().Add(b.within)) // a writer that knows no deadlines, as in tests, has none
	return true
}

// end ends the time for a body. One that is not whole stays without any, so
// that net/http does not wait for the rest of it before it answers.
func (b *bodies) end(conn *http.ResponseController, address string, whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reading, conn)
	if b.byAddress[address]--; b.byAddress[address] == 0 {
		delete(b.byAddress, address)
	}
	if whole {
		_ = conn.SetReadDeadline(time.Time{})
	}
}

// state is told of every connection: those that have not asked for anything yet are remembered.
func (b *bodies) state(c net.Conn, s http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s != http.StateNew {
		delete(b.fresh, c)
		return
	}
	b.fresh[c] = struct{}{}
}

// stop cuts off what is being sent, soon, and who has not asked for anything yet, at once.
func (b *bodies) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.within = min(b.within, stopGrace)
	for conn := range b.reading {
		_ = conn.SetReadDeadline(time.Now().Add(b.within))
	}
	for c := range b.fresh {
		_ = c.Close() // it says nothing more either way
	}
}

// Sending gives how many requests are sending their bodies now: those of an address, with "" all.
func (rs *Requests) Sending(address string) int {
	rs.bodies.mu.Lock()
	defer rs.bodies.mu.Unlock()
	if address == "" {
		return len(rs.bodies.reading)
	}
	return rs.bodies.byAddress[addressGroup(address)]
}

// Silent gives how many connections have not asked for anything yet.
func (rs *Requests) Silent() int {
	rs.bodies.mu.Lock()
	defer rs.bodies.mu.Unlock()
	return len(rs.bodies.fresh)
}
