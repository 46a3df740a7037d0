package view_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/chromedp"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/dashboard/view/fixtures"
	"snug/shared/protocol"
	"snug/shared/room"
)

// TestRoomPageSoak shows a room of 99 seats an hour of events, ten a second, as fast as the page takes them, a thousand
// at once: it ends with the right people, and doesn't grow. How fast it draws meanwhile depends on the machine, and is
// only printed.
func TestRoomPageSoak(t *testing.T) {
	if os.Getenv("SNUG_SOAK") == "" {
		t.Skip("takes a minute; set SNUG_SOAK=1")
	}
	const burst, hour = 1000, 36
	s := newScript(t)
	s.take = true
	b := openTab(t, browser(t), site(t, s.routes).URL+"/room-guest")
	c := s.next()
	c.welcome(t, fixtures.Room)
	w := newCrowded()
	c.send(t, w.encode(t, nil))
	b.wait(fmt.Sprintf(`document.querySelectorAll("#seats > .seat").length === %d`, w.seats))
	eval[bool](b, `(() => {
		window.__frames = [];
		let last = performance.now();
		const frame = (at) => { window.__frames.push(at - last); last = at; requestAnimationFrame(frame) };
		requestAnimationFrame(frame);
		return true;
	})()`)

	type size struct{ nodes, heap float64 }
	measure := func() size {
		if _, err := chromedp.Call(b.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
		return size{
			eval[float64](b, `document.querySelectorAll("*").length`),
			eval[float64](b, `performance.memory.usedJSHeapSize`),
		}
	}
	var early size
	for n := range hour {
		var all []*websocket.PreparedMessage
		for range burst {
			m, err := websocket.NewPreparedMessage(websocket.TextMessage, w.next(t))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		for _, m := range all {
			if err := c.ws.WritePreparedMessage(m); err != nil {
				t.Fatal(err)
			}
		}
		b.wait(fmt.Sprintf(`document.querySelector("#taken").textContent === "%d"`, len(w.in)))
		if n == hour/6 {
			early = measure()
		}
	}
	late := measure()
	frames := eval[[]float64](b, `(() => {
		const f = window.__frames.sort((a, b) => a - b);
		return [f.length, f[f.length >> 1], f[Math.floor(f.length * .95)], f.at(-1)];
	})()`)
	t.Logf("%d events: %.0f frames, one every %.1f ms (p95 %.1f, longest %.1f); elements %.0f, then %.0f; "+
		"heap %.2f MB, then %.2f", burst*hour, frames[0], frames[1], frames[2], frames[3], early.nodes, late.nodes,
		early.heap/1e6, late.heap/1e6)
	if late.nodes > early.nodes*1.1 || late.heap > early.heap*1.2+1e6 {
		t.Error("the page grows")
	}
}

// crowded is a room of 99 seats in which people come, go, and mute themselves.
type crowded struct {
	seats   int
	n       uint64
	in, out []room.Person
	dice    *rand.Rand
}

func newCrowded() *crowded {
	w := &crowded{seats: 99, n: 8, dice: rand.New(rand.NewPCG(1, 2))}
	for i := range w.seats {
		w.in = append(w.in, room.Person{
			UserID: snowflake.ID(uint64(1000+i) << 22), Username: fmt.Sprint("guest", i),
			DisplayName: fmt.Sprint("Guest ", i), Since: fixtures.Now.Add(-time.Duration(i) * time.Minute), Seat: i + 1,
		})
	}
	return w
}

func (w *crowded) encode(t testing.TB, fact room.Fact) []byte {
	l := room.Live{Room: fixtures.RoomPage(w.seats, 0).View.Room, Roster: w.in, N: w.n}
	l.Room.Seats = w.seats
	if fact != nil {
		l.Event = &room.Event{Fact: fact, At: fixtures.Now}
	}
	b, err := protocol.EncodeEvent(&l, "k3J9", fixtures.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.n++
	return b
}

// next is the next event.
func (w *crowded) next(t testing.TB) []byte {
	i := w.dice.IntN(len(w.in))
	switch {
	case len(w.in) > w.seats/2 && w.dice.IntN(3) == 0:
		p := w.in[i]
		w.in, w.out = append(w.in[:i], w.in[i+1:]...), append(w.out, p)
		return w.encode(t, room.VoiceLeft{UserID: p.UserID})
	case len(w.out) > 0 && w.dice.IntN(2) == 0:
		p := w.out[0]
		w.in, w.out = append(w.in, p), w.out[1:]
		return w.encode(t, room.VoiceJoined{Person: p})
	}
	w.in[i].Muted = !w.in[i].Muted
	return w.encode(t, room.VoiceUpdated{Person: w.in[i]})
}
