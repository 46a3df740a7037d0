package hubtest

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server. While frozen, it forwards nothing and closes no
// connection, like a network that drops packets. Its methods are safe for concurrent use.
type Proxy struct {
	l  net.Listener
	to string

	mu    sync.Mutex
	open  chan struct{} // closed while it forwards data
	conns map[net.Conn]bool
	done  bool
	wg    sync.WaitGroup
}

// StartProxy starts a proxy for the server at host:port that ends with the test.
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

// URL is the address for NATS clients.
func (p *Proxy) URL() string { return "nats://" + p.Addr().String() }

// Addr is the proxy's address for clients.
func (p *Proxy) Addr() net.Addr { return p.l.Addr() }

// Freeze stops forwarding in both directions.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = make(chan struct{})
}

// Thaw resumes forwarding, including the data held back.
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

// pass forwards data while the proxy is not frozen.
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
