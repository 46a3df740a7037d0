package bot_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/room"
)

// wire is what lies between Snug and its hub: answers can be held up, and the whole can be cut.
type wire struct {
	l      net.Listener
	to     string
	mu     sync.Mutex
	cond   *sync.Cond
	held   bool
	down   bool
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
	closed bool
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l: l, to: strings.TrimPrefix(to, "nats://"), conns: map[net.Conn]bool{}}
	w.cond = sync.NewCond(&w.mu)
	w.wg.Go(w.accept)
	t.Cleanup(w.close)
	return w
}

func (w *wire) url() string { return "nats://" + w.l.Addr().String() }

func (w *wire) accept() {
	for {
		c, err := w.l.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if w.down || w.closed || err != nil {
			c.Close()
			if err == nil {
				s.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns[c], w.conns[s] = true, true
		w.wg.Go(func() { defer s.Close(); _, _ = io.Copy(s, c) })
		w.wg.Go(func() { defer c.Close(); w.answers(c, s) })
		w.mu.Unlock()
	}
}

func (w *wire) answers(c, s net.Conn) {
	b := make([]byte, 64<<10)
	for {
		n, err := s.Read(b)
		w.mu.Lock()
		for w.held && !w.closed {
			w.cond.Wait()
		}
		w.mu.Unlock()
		if _, e := c.Write(b[:n]); err != nil || e != nil {
			return
		}
	}
}

// hold keeps answers back for a while; what is asked gets through.
func (w *wire) hold(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
	w.wg.Go(func() {
		time.Sleep(d)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held = false
		w.cond.Broadcast()
	})
}

// cut breaks every connection, and lets none come until it is mended.
func (w *wire) cut(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	if down {
		for c := range w.conns {
			c.Close()
			delete(w.conns, c)
		}
	}
}

func (w *wire) close() {
	w.cut(true)
	w.mu.Lock()
	w.closed = true
	w.cond.Broadcast()
	w.mu.Unlock()
	w.l.Close()
	w.wg.Wait()
}

// held is how long answers are held up: longer than a write waits for its own.
const held = 900 * time.Millisecond

// wired is a harness whose hub is at the other end of a wire, and in which first has been done, before writes get
// impatient. After the next write of a kind ("put AUDIT") that went well, what then gives is done to the wire.
func wired(t testing.TB, first func(*harness)) (h *harness, w *wire, after func(write string, do func())) {
	t.Helper()
	w = newWire(t, hubtest.Start(t).URL())
	h = newHarnessOn(t, w.url(), func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })
	first(h)
	var mu sync.Mutex
	var armed string
	var then func()
	h.writes = 400 * time.Millisecond
	h.observe = func(o hub.Observation) {
		mu.Lock()
		defer mu.Unlock()
		if armed != "" && o.Err == nil && o.Op+" "+o.Bucket == armed {
			armed = ""
			then()
		}
	}
	h.whileDown(func() {})
	h.eventually("the server is looked after", func() bool {
		_, err := call(h, hub.SettingsOf, guild.ManageRequest{Actor: h.actor("mara")})
		return err == nil
	})
	return h, w, func(write string, do func()) {
		mu.Lock()
		defer mu.Unlock()
		armed, then = write, do
	}
}

// What a closing room still has to tell was told and cleared, but the answer did not come: the room is closed
// all the same.
func TestClosingWhenClearingTheOutboxTimedOut(t *testing.T) {
	t.Parallel()
	var id snowflake.ID
	h, w, after := wired(t, func(h *harness) {
		id = h.open("jonas", "Friday").Room.ID
		h.wantAudit(id, "room_opened") // it is on its way no more
	})
	after("put AUDIT", func() { w.hold(held) })
	_, err := call(h, hub.CloseRoom, h.request("jonas", id))
	if err == nil {
		t.Fatal("closing went well, so nothing was tried")
	}
	h.eventually("the room is closed", func() bool {
		h.clock.Forward(31 * time.Second)
		_ = h.bot.Sweep(h.soon())
		_, _, err := h.hub.Rooms.Get(h.soon(), h.Guild.String()+"."+id.String())
		return errs.Has(err, errs.NotFound)
	})
	closed := 0
	for _, e := range h.audited(id) {
		if strings.HasPrefix(e, "room_closed") || strings.HasPrefix(e, "repaired") {
			closed++
		}
	}
	if closed != 1 {
		t.Errorf("the audit has %q", h.audited(id))
	}
}

// Entries that could not be published when settings were saved are published with the next save, and not forgotten.
func TestEntriesOfSettingsOutliveTheNextSave(t *testing.T) {
	t.Parallel()
	h, w, after := wired(t, func(h *harness) { h.settings(`{"seats":5}`) })
	after("update settings", func() { w.cut(true) })
	_, err := call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"seats":6}`)})
	t.Log(err) // it is saved, or said not to be known; either way it is stored
	w.cut(false)
	h.eventually("settings can be saved again", func() bool {
		_, err := call(h, hub.SaveSettings,
			room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"private":false}`)})
		return err == nil
	})
	h.eventually("the audit has both", func() bool {
		log := h.audited(0)
		return slices.Contains(log, "settings_changed seats 5>6") &&
			slices.Contains(log, "settings_changed private true>false")
	})
}

// The entries of a save were published and cleared, but the answer did not come: the next save is no
// conflict, and neither is an undo.
func TestSavingAfterAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	h, w, after := wired(t, func(h *harness) { h.settings(`{"seats":5}`) })
	after("put AUDIT", func() { w.hold(held) })
	_, err := call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"seats":6}`)})
	t.Log(err)
	view, err := call(h, hub.SettingsOf, guild.ManageRequest{Actor: h.actor("mara")})
	h.Must(err)
	_, err = call(h, hub.SaveSettings,
		room.SettingsRequest{Actor: h.actor("mara"), Rev: view.Rev, JSON: []byte(`{"seats":7}`)})
	h.Must(err)
	after("put AUDIT", func() { w.hold(held) })
	_, err = call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(`{"seats":8}`)})
	t.Log(err)
	_, err = call(h, hub.UndoSettings, guild.UndoRequest{Actor: h.actor("mara")})
	h.Must(err)
	if s := h.settingsNow().Seats; s != 7 {
		t.Errorf("after the undo there are %d seats", s)
	}
}

// A change that Discord refuses is taken back, and nothing else with it: what was
// written before it, without its answer having come, stays.
func TestUndoKeepsWhatWasWrittenWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var id snowflake.ID
	h, w, _ := wired(t, func(h *harness) {
		r := h.open("jonas", "Friday")
		id = r.Room.ID
		h.Must(h.redeem("kiyo", r.Invite.Code))
	})
	h.requests.Lock()
	h.requests.hook = func(route string) { // asked who they are, before it writes
		if route == "GET /guilds/{guild}/members/{user}" {
			h.requests.hook = nil
			w.hold(held)
		}
	}
	h.requests.Unlock()
	_, err := h.change("jonas", id, room.DoShare)
	h.wantCode(err, errs.Unavailable)
	h.Must(h.Discord.InstallBot(h.Guild, h.App.ID,
		discordsim.PermViewChannel|discordsim.PermConnect|discordsim.PermManageChannels))
	h.eventually("Discord refuses a ban", func() bool {
		_, err := h.change("jonas", id, room.DoBan, h.at("kiyo"))
		return errs.Has(err, errs.MissingPermission)
	})
	v := h.view("jonas", id)
	if !v.Room.Access.GuestsInvite || len(v.Control.Bans) != 0 || len(v.Control.Guests) != 1 {
		t.Errorf("guests may invite: %v, bans %d, guests %d", v.Room.Access.GuestsInvite, len(v.Control.Bans),
			len(v.Control.Guests))
	}
}
