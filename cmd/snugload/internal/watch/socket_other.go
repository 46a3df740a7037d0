//go:build portable || !linux

package watch

import (
	"errors"
	"net"
	"sync"
	"time"
)

// socket is a connection with a goroutine that reads it.
type socket struct {
	nc   net.Conn
	stop chan struct{} // closed when it isn't read any more
}

func newSocket(nc net.Conn) (socket, error) { return socket{nc, make(chan struct{})}, nil }

func (s socket) write(b []byte) error {
	_, err := s.nc.Write(b)
	return err
}

func (s socket) close() { _ = s.nc.Close() }

func (s socket) shrink() error {
	if t, ok := s.nc.(*net.TCPConn); ok {
		return t.SetReadBuffer(4 << 10)
	}
	return nil
}

// goroutines read one connection each, and hand what they have read to the goroutine that calls wait.
type goroutines struct {
	read    chan piece
	over    chan struct{}
	running sync.WaitGroup
}

// piece is what was read from a connection.
type piece struct {
	c    *conn
	b    []byte
	at   time.Time
	err  error
	done chan struct{} // closed when b has been parsed
}

func newPoller() (poller, error) {
	return &goroutines{read: make(chan piece), over: make(chan struct{})}, nil
}

func (g *goroutines) add(c *conn) error {
	g.running.Go(func() {
		buf := make([]byte, 16<<10)
		for {
			n, err := c.nc.Read(buf)
			p := piece{c, buf[:n], time.Now(), err, make(chan struct{})}
			select {
			case g.read <- p:
				<-p.done
			case <-c.stop:
				return
			case <-g.over:
				return
			}
			if err != nil {
				return
			}
		}
	})
	return nil
}

func (g *goroutines) leave(c *conn) error {
	close(c.stop)
	return nil
}

func (g *goroutines) close() {
	close(g.over)
	g.running.Wait()
}

func (g *goroutines) wait(until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case p := <-g.read:
		return g.take(p)
	case <-t.C:
		return nil
	}
}

func (g *goroutines) take(p piece) error {
	defer close(p.done)
	c := p.c
	if c.state != reads {
		return nil
	}
	rest, err := c.parse(append(c.rest, p.b...), p.at.UnixNano())
	c.rest = append([]byte(nil), rest...)
	if len(rest) >= bufferSize {
		return errTooLong
	}
	if err := errors.Join(err, p.err); err != nil {
		c.over()
	}
	return nil
}
