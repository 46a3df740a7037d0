package hub

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/room"
	"snug/shared/testkit"
)

// live is a room with four people, as published by package voice.
func live(n uint64) room.Live {
	l := room.Live{N: n, Room: room.Summary{ID: 1, GuildID: 2, Name: "mika's room", Seats: 4, OpenedAt: time.Now()}}
	for i := range 4 {
		l.Roster = append(l.Roster,
			room.Person{UserID: snowflake.ID(i), Username: "someone", DisplayName: "Some One", Since: time.Now()})
	}
	l.Event = &room.Event{Fact: room.VoiceJoined{Person: l.Roster[0]}, At: time.Now()}
	return l
}

func BenchmarkPutDisk(b *testing.B) {
	h := openHub(b, Options{})
	for i := 0; b.Loop(); i++ {
		must(h.Members.Put(context.Background(), guildKey(1, i%100), room.Preferences{}))(b)
	}
}

func BenchmarkPutMemory(b *testing.B) {
	h := openHub(b, Options{})
	for i := 0; b.Loop(); i++ {
		must(h.Rosters.Put(context.Background(), guildKey(1, i%100), live(uint64(i))))(b)
	}
}

func BenchmarkGet(b *testing.B) {
	h := openHub(b, Options{})
	must(h.Rosters.Put(context.Background(), "1.1", live(1)))(b)
	for b.Loop() {
		if _, _, err := h.Rosters.Get(context.Background(), "1.1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	h := openHub(b, Options{})
	calls := must(h.Calls(0))(b)
	ask.Serve(calls, func(context.Context, snowflake.ID, question) (string, error) { return "", nil })
	if err := calls.Hold(context.Background(), 1); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		must(ask.Call(context.Background(), h, 1, question{}))(b)
	}
}

// Puts per second: encoded, stored, and answered.
func BenchmarkPublisher(b *testing.B) {
	h := openHub(b, Options{})
	p := must(h.Rosters.Publisher(0))(b)
	v := live(1)
	b.ResetTimer()
	for i := range b.N {
		for p.Put(guildKey(i%500, 1), v, nil) != nil { // full
			time.Sleep(100 * time.Microsecond)
		}
	}
	if err := p.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}

// From Put to the follower's callback, one at a time, and at 2,500 per second.
func BenchmarkPutToFollow(b *testing.B) {
	for _, pace := range []time.Duration{0, 400 * time.Microsecond} {
		b.Run(fmt.Sprint("every ", pace), func(b *testing.B) {
			h := openHub(b, Options{})
			var took []time.Duration
			sent := make([]time.Time, b.N)
			var seen atomic.Int64
			came := make(chan struct{}, b.N)
			must(h.Rosters.Follow(context.Background(), Follower[room.Live]{Change: func(c Change[room.Live]) {
				took = append(took, time.Since(sent[c.Value.N]))
				seen.Add(1)
				came <- struct{}{}
			}}))(b)
			p := must(h.Rosters.Publisher(0))(b)
			for i := range b.N {
				v := live(uint64(i))
				sent[i] = time.Now()
				if err := p.Put(guildKey(i%500, 1), v, nil); err != nil {
					b.Fatal(err)
				}
				if pace == 0 {
					<-came
				} else {
					time.Sleep(pace)
				}
			}
			testkit.Eventually(b, "all changes", func() bool { return seen.Load() == int64(b.N) })
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, kind := range []string{"new", "again"} {
		b.Run(kind, func(b *testing.B) {
			dir := b.TempDir()
			for i := 0; b.Loop(); i++ {
				if kind == "new" {
					dir = fmt.Sprint(b.TempDir(), "/", i)
				}
				h, err := Open(context.Background(), Options{Dir: dir, Log: logTo(b)})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				closeHub(b, h)
				b.StartTimer()
			}
		})
	}
}

// Loading a table of 10,000 rooms.
func BenchmarkLoad10000(b *testing.B) {
	h := openHub(b, Options{})
	p := must(h.Rosters.Publisher(0))(b)
	for i := range 10_000 {
		if err := p.Put(guildKey(i%500, i), live(1), nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		table := must(h.Rosters.Table(ctx, Follower[room.Live]{}))(b)
		<-table.Caught()
		if table.Len() != 10_000 {
			b.Fatal(table.Len())
		}
		cancel()
		table.Wait()
	}
}

// How long a start takes that compares the audit with the ledger.
func BenchmarkStartWithAudit(b *testing.B) {
	const n = 100_000
	o := Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)}
	h := must(Open(b.Context(), o))(b)
	waiting := make([]jetstream.PubAckFuture, n)
	for i := range n {
		at := fmt.Sprintf("audit.%d.2.opened", 1+i%50)
		waiting[i] = must(h.link.js.PublishAsync(at, []byte(strings.Repeat("z", 200)),
			jetstream.WithMsgID(fmt.Sprint(i)), jetstream.WithStallWait(time.Minute)))(b)
	}
	<-h.link.js.PublishAsyncComplete()
	if info := must(h.info(b.Context(), auditName, ""))(b); info.State.Msgs != n {
		b.Fatalf("%d entries are stored", info.State.Msgs)
	}
	if err := h.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		begun := time.Now()
		h := must(Open(b.Context(), o))(b)
		b.ReportMetric(float64(time.Since(begun).Milliseconds()), "ms/start")
		begun = time.Now()
		if _, err := h.Audit.compareAudit(b.Context(), h.ledger); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begun).Milliseconds()), "ms/compare")
		b.ReportMetric(float64(h.ledger.size), "ledger-bytes")
		if err := h.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
