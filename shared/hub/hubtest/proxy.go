package hubtest

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server. Frozen, it passes nothing on and
// ends no connection, as a network that swallows packets. Its methods may be called from any goroutine.
type Proxy struct {
	l  net.Listener
	to string

	mu    sync.Mutex
	open  chan struct{} // closed while it passes things on
	conns map[net.Conn]bool
	done  bool
	wg    sync.WaitGroup
}

// StartProxy starts a proxy to a server at host:port that ends with the test.
func StartProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{l: l, to: to, open: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(p.open)
	p.wg.Go(p.accept)
	t.Cleanup(p.end)
	return p
}

// URL is the address for clients of a NATS server.
func (p *Proxy) URL() string { return "nats://" + p.Addr().String() }

// Addr is the address for clients.
func (p *Proxy) Addr() net.Addr { return p.l.Addr() }

// Freeze lets nothing through any more, in either direction.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = make(chan struct{})
}

// Thaw lets everything through again, also what was held back.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.open)
}

func (p *Proxy) accept() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil || !p.keep(in, out) {
			_ = in.Close()
			continue
		}
		p.wg.Go(func() { p.pass(in, out) })
		p.wg.Go(func() { p.pass(out, in) })
	}
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.conns[c] = true; p.done {
			_ = c.Close()
		}
	}
	return !p.done
}

// pass hands on what comes, when it may.
func (p *Proxy) pass(from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		open := p.open
		p.mu.Unlock()
		<-open
		if _, e := to.Write(buf[:n]); e != nil || err != nil {
			return
		}
	}
}

func (p *Proxy) end() {
	_ = p.l.Close()
	p.mu.Lock()
	p.done = true
	select {
	case <-p.open:
	default:
		close(p.open)
	}
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}
