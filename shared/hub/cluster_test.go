package hub

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"snug/shared/room"
	"snug/shared/testkit"
)

// Three servers, three copies: if any one of them fails, no acknowledged write is lost, followers
// receive every change, and edits lose nothing.
func TestClusterLosesAServer(t *testing.T) {
	t.Parallel()
	if os.Getenv("SNUG_SOAK") == "" {
		t.Skip("takes half a minute; set SNUG_SOAK=1")
	}
	var routes []*url.URL
	var ports []int
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var servers []*outside
	var urls []string
	for i := range 3 {
		opts := server.Options{
			ServerName: fmt.Sprint("s", i), Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, JetStreamMaxMemory: 4 << 30,
			JetStreamMaxStore: 16 << 30,
			Cluster:           server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		}
		s, err := server.NewServer(&opts)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		o := &outside{t: t, opts: opts, s: s}
		t.Cleanup(o.stop)
		servers = append(servers, o)
	}
	for _, o := range servers {
		if !o.s.ReadyForConnections(20 * time.Second) {
			t.Fatal("not ready")
		}
		o.opts.Port = o.s.Addr().(*net.TCPAddr).Port
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.opts.Port))
	}
	testkit.Eventually(t, "a leader", func() bool {
		for _, o := range servers {
			if o.s.JetStreamIsLeader() && len(o.s.JetStreamClusterPeers()) == 3 {
				return true
			}
		}
		return false
	})
	ctx := t.Context()
	all := strings.Join(urls, ",")
	writer, reader := openHub(t, Options{URL: all, WriteTimeout: 2 * time.Second}), openHub(t, Options{URL: all})
	if writer.replicas != 3 {
		t.Fatal("copies:", writer.replicas)
	}
	w := &watch{}
	must((&Bucket[room.Live]{s: reader.Members.s}).Follow(ctx, w.follower()))(t)

	out := &Bucket[room.Live]{s: writer.Members.s}
	acked := map[string]uint64{}
	edits, unsure := uint64(0), uint64(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := uint64(1); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			key := "1." + strconv.FormatUint(i, 10)
			if _, err := out.Put(ctx, key, room.Live{N: i}); err == nil {
				acked[key] = i
			}
			if _, _, err := out.EditOrCreate(ctx, "2.2", func(l *room.Live) error { l.N++; return nil }); err == nil {
				edits++
			} else {
				unsure++
			}
		}
	})
	for i := range 3 {
		n := 0
		progress := w.see(func() bool { return len(w.changes) > n+200 })
		w.see(func() bool { n = len(w.changes); return true })()
		testkit.Eventually(t, "changes", progress)
		servers[i].stop()
		begun := time.Now()
		w.see(func() bool { n = len(w.changes); return true })()
		testkit.Eventually(t, "changes without a server", progress)
		t.Logf("without s%d: 200 changes after %v", i, time.Since(begun).Round(time.Millisecond))
		servers[i].start()
		testkit.Eventually(t, "the server is back",
			func() bool { return writer.probe(ctx) == nil && servers[i].s.JetStreamIsCurrent() })
	}
	close(stop)
	wg.Wait()
	testkit.Eventually(t, "all acknowledged values", w.see(func() bool {
		for key, n := range acked {
			if w.state[key] != n {
				return false
			}
		}
		return true
	}))
	v, _, err := out.Get(ctx, "2.2")
	if err != nil || v.N < edits || v.N > edits+unsure {
		t.Errorf("%d edits and %d unsure ones made %d: %v", edits, unsure, v.N, err)
	}
	if len(w.resets) != 1 {
		t.Error("the follower began anew:", w.resets)
	}
	w.check(t)
	t.Logf("%d puts and %d edits acknowledged, %d edits unsure", len(acked), edits, unsure)
}
