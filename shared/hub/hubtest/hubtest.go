// Package hubtest runs a NATS server for tests of packages that use the hub. The server can be
// stopped and restarted, and then loses its memory but not its disk. Only tests import the package.
package hubtest

import (
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server on 127.0.0.1. Call its methods from the test's goroutine.
type Server struct {
	t    testing.TB
	opts server.Options
	s    *server.Server
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	o := &Server{t: t, opts: server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, JetStreamMaxMemory: 4 << 30,
		JetStreamMaxStore: 16 << 30,
	}}
	o.Up()
	o.opts.Port = o.s.Addr().(*net.TCPAddr).Port
	t.Cleanup(o.Down)
	return o
}

// URL is the server's address; it stays the same after a restart.
func (o *Server) URL() string { return "nats://" + o.s.Addr().String() }

// Down stops the server if it is running.
func (o *Server) Down() {
	if o.s != nil && o.s.Running() {
		o.s.Shutdown()
		o.s.WaitForShutdown()
	}
}

// Up starts the server.
func (o *Server) Up() {
	o.t.Helper()
	opts := o.opts // the server modifies them
	s, err := server.NewServer(&opts)
	if err != nil {
		o.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		o.t.Fatal("the NATS server did not start")
	}
	o.s = s
}
