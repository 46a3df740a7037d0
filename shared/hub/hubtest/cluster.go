package hubtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// childEnv makes a test binary run as a server of a cluster.
const childEnv = "SNUG_TEST_NATS_SERVER"

// Main makes a child process of a test binary run as a server of a cluster, until its input ends. A
// package that uses StartCluster must call it first in TestMain.
func Main() {
	raw := os.Getenv(childEnv)
	if raw == "" {
		return
	}
	var n node
	if err := json.Unmarshal([]byte(raw), &n); err != nil {
		panic(err)
	}
	s, err := server.NewServer(n.options())
	if err != nil {
		panic(err)
	}
	s.Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	os.Exit(0)
}

// node is the configuration of one server of a cluster.
type node struct {
	Name   string
	Dir    string
	Client string // host:port for clients
	Routes []string
	Own    int // index into Routes
	Closed bool
}

func (n node) options() *server.Options {
	o := &server.Options{
		ServerName: n.Name, NoSigs: true, NoLog: true, JetStream: true, StoreDir: n.Dir, SyncAlways: true,
		JetStreamMaxMemory: 4 << 30, JetStreamMaxStore: 16 << 30,
	}
	o.Host, o.Port = hostPort(n.Client)
	o.Cluster.Name, o.Cluster.NoAdvertise = "snug", n.Closed
	o.Cluster.Host, o.Cluster.Port = hostPort(n.Routes[n.Own])
	for _, r := range n.Routes {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: r})
	}
	return o
}

func hostPort(addr string) (host string, port int) {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		panic(err)
	}
	return a.IP.String(), a.Port
}

// Cluster is three NATS servers in separate processes, so that they can hang as well as die. Call
// its methods from the test's goroutine.
type Cluster struct {
	t       testing.TB
	nodes   []node
	running []*exec.Cmd // nil if it is not running
	ends    []io.Closer
}

// StartCluster starts three servers that end with the test. When it returns they accept
// connections, but may not have elected a leader yet.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	return startCluster(t, false)
}

// StartClosedCluster is StartCluster with servers that don't tell clients of each other, so that a client behind a
// proxy stays there.
func StartClosedCluster(t testing.TB) *Cluster {
	t.Helper()
	return startCluster(t, true)
}

func startCluster(t testing.TB, closed bool) *Cluster {
	t.Helper()
	const size = 3
	addrs := freeAddrs(t, 2*size)
	c := &Cluster{t: t, running: make([]*exec.Cmd, size), ends: make([]io.Closer, size)}
	dir := t.TempDir()
	for i := range size {
		c.nodes = append(c.nodes, node{
			Name: fmt.Sprint("s", i), Dir: filepath.Join(dir, fmt.Sprint(i)), Client: addrs[i], Routes: addrs[size:],
			Own: i, Closed: closed,
		})
	}
	t.Cleanup(func() {
		for i := range size {
			c.Kill(i)
		}
	})
	for i := range size {
		c.start(i)
	}
	for i := range size {
		c.await(i)
	}
	return c
}

func freeAddrs(t testing.TB, n int) (addrs []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

func (c *Cluster) start(i int) {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err := json.Marshal(c.nodes[i])
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // it ends with this process
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.running[i], c.ends[i] = cmd, in
}

// await waits until a server accepts connections.
func (c *Cluster) await(i int) {
	c.t.Helper()
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		nc, err := nats.Connect("nats://" + c.nodes[i].Client)
		if err == nil {
			nc.Close()
			return
		}
		if time.Now().After(late) {
			c.t.Fatalf("server %d of the cluster does not start: %v", i, err)
		}
	}
}

// URL is the address of the given servers, or of all: clients try the first one first.
func (c *Cluster) URL(servers ...int) string {
	if len(servers) == 0 {
		servers = []int{0, 1, 2}
	}
	var all []string
	for _, i := range servers {
		all = append(all, "nats://"+c.nodes[i].Client)
	}
	return strings.Join(all, ",")
}

// Start starts a server that was killed, and waits until it accepts connections.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	c.start(i)
	c.await(i)
}

// Kill kills a server; its data on disk remains.
func (c *Cluster) Kill(i int) {
	if c.running[i] == nil {
		return
	}
	_ = c.running[i].Process.Kill()
	_ = c.running[i].Wait()
	_ = c.ends[i].Close()
	c.running[i], c.ends[i] = nil, nil
}
