package bot_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/room"
)

// death is after which write, or which call, a process is killed; zero: never.
type death struct{ write, call int }

// childProcess is the outer side: a world whose Snug dies again and again.
type childProcess struct {
	*harness

	cmd    *exec.Cmd
	orders io.WriteCloser
	words  chan word // closed when the process is dead

	mu       sync.Mutex
	noise    strings.Builder // what it printed beside its words
	alive    bool            // what is asked counts
	dieAfter int             // the call to Discord that is its last; 0: never
	calls    []string        // that changed something
}

func newChildProcess(t *testing.T) *childProcess {
	m := &childProcess{harness: newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits() })}
	m.shut()
	m.requests.Lock()
	m.requests.hook = m.asks
	m.requests.Unlock()
	t.Cleanup(func() {
		if m.cmd != nil && m.cmd.ProcessState == nil {
			_ = m.cmd.Process.Kill()
			m.dead()
		}
	})
	return m
}

// asks counts calls that changed something in Discord, and kills the process before it hears the answer to its last.
func (m *childProcess) asks(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive || strings.HasPrefix(what, "GET ") {
		return
	}
	if m.calls = append(m.calls, what); len(m.calls) == m.dieAfter {
		m.alive = false
		if err := m.cmd.Process.Kill(); err != nil {
			m.Error(err)
		}
	}
}

// born starts a process.
func (m *childProcess) born(dieAfterWrite int) {
	m.Helper()
	life, err := json.Marshal(childConfig{
		URL: m.URL, Token: m.App.BotToken, Dir: m.dir, App: m.App.ID, Guild: m.Guild, People: m.People,
		Ahead: m.theirs.Ahead(), DieAfterWrite: dieAfterWrite,
	})
	m.Must(err)
	m.cmd = exec.Command(os.Args[0], "-test.run=^TestChildProcess$")
	m.cmd.Env = append(os.Environ(), lifeVariable+"="+string(life))
	m.orders, err = m.cmd.StdinPipe()
	m.Must(err)
	out, err := m.cmd.StdoutPipe()
	m.Must(err)
	m.cmd.Stderr = m.cmd.Stdout
	m.Must(m.cmd.Start())
	words := make(chan word, 100) // more than one says in its life
	m.words = words
	m.noise.Reset()
	go func() { // ends with the process; dead waits for it
		defer close(words)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var w word
			if json.Unmarshal(lines.Bytes(), &w) == nil {
				words <- w
				continue
			}
			m.mu.Lock()
			fmt.Fprintln(&m.noise, lines.Text())
			m.mu.Unlock()
		}
	}()
	m.hear("born")
}

// dead waits until the process is, and gives how it ended.
func (m *childProcess) dead() error {
	_ = m.orders.Close()
	for range m.words {
	}
	return m.cmd.Wait()
}

// next gives the next thing the process says; false when it is dead.
func (m *childProcess) next() (word, bool) {
	m.Helper()
	select {
	case w, ok := <-m.words:
		return w, ok
	case <-time.After(2 * patience):
		m.Fatal("the process says nothing")
		return word{}, false
	}
}

// hear gives the next thing the process says, which must be what is expected.
func (m *childProcess) hear(what string) word {
	m.Helper()
	w, ok := m.next()
	if !ok || w.Did != what {
		err := m.dead()
		m.Fatalf("instead of %s: %+v, %v\n%s", what, w, err, m.noise.String())
	}
	return w
}

func (m *childProcess) order(what ...string) {
	m.Helper()
	if _, err := io.WriteString(m.orders, strings.Join(what, " ")+"\n"); err != nil && !errors.Is(err, syscall.EPIPE) {
		// it may be dead
		m.Fatal(err)
	}
}

// do gives an order, and its answer.
func (m *childProcess) do(what ...string) word {
	m.Helper()
	m.order(what...)
	return m.hear(what[0])
}

// live lets the process live, and gives what people were told; the last is "over" if it outlived it.
func (m *childProcess) live(d death) (told []word) {
	m.Helper()
	m.mu.Lock()
	m.alive, m.dieAfter, m.calls = true, d.call, nil
	m.mu.Unlock()
	for m.order("live"); ; m.order("on") {
		w, ok := m.next()
		if ok {
			told = append(told, w)
		}
		if !ok || w.Did == "over" {
			break
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive = false
	return told
}

// panels counts what Snug has posted in a room's chat beside what it says.
func (m *childProcess) panels(id snowflake.ID) (n int) {
	for _, msg := range m.Discord.State().Messages[id] {
		if len(msg.Components) > 0 {
			n++
		}
	}
	return n
}

// entries are the audit's words for what people were told.
var entries = []struct {
	kind audit.Kind
	told []string // each of these made one
}{
	{audit.RoomOpened, []string{"opened"}}, {audit.InviteCreated, []string{"invited", "called"}},
	{audit.OnTheWay, []string{"coming"}},
	{audit.GuestAdmitted, []string{"redeemed", "arrived"}}, {audit.OwnerChanged, []string{"transferred"}},
	{audit.RoomClosed, []string{"closed"}},
}

// judge compares what a new process finds, after its start and one sweep, with what people were told.
func (m *childProcess) judge(told []word) {
	m.Helper()
	done, id := map[string]bool{}, ""
	var link, door room.InviteLink
	for _, w := range told {
		done[w.Did] = true
		if w.Room != 0 {
			id = w.Room.String()
		}
		if w.Link.Code != "" {
			link = w.Link
		}
		if w.Door.Code != "" {
			door = w.Door
		}
	}
	m.theirs.Forward(meanwhile)
	left := m.do("look", id)
	var channels, rooms []snowflake.ID
	for id, c := range m.channels() {
		if c.Type == int(discordsim.ChannelVoice) && id != m.public {
			channels = append(channels, id)
		}
	}
	for _, r := range left.Rooms {
		rooms = append(rooms, r.ID)
		if r.State != room.Open {
			m.Errorf("a room is left %s", r.State)
		}
	}
	if left.Intentions > 0 || len(rooms) > 1 || !slices.Equal(rooms, channels) {
		m.Errorf("left are rooms %v, channels %v and %d intentions", rooms, channels, left.Intentions)
	}
	for _, e := range entries {
		n, least := 0, 0
		for _, entry := range left.Audit {
			if k, _, _ := strings.Cut(entry, " "); k == string(e.kind) {
				n++
			}
		}
		for _, what := range e.told {
			if done[what] {
				least++
			}
		}
		if n > len(e.told) || n < least {
			m.Errorf("the audit has %s %d times: %q", e.kind, n, left.Audit)
		}
	}
	if len(rooms) == 0 {
		if done["opened"] && !done["transferred"] { // from then on it may be closed
			m.Error("the room that was opened is lost")
		}
		return
	}
	r := left.Rooms[0]
	if n := m.panels(r.ID); n != 1 {
		m.Errorf("the room has %d control panels", n)
	}
	m.judgeArrival(r, done, door)
	v := r.Invite(link.Invite.ID)
	switch {
	case done["closed"]:
		m.Error("the room that was closed is there")
	case done["transferred"] && r.OwnerID != m.People["priya"]:
		m.Error("the room's new owner is lost")
	case done["invited"] && v == nil:
		m.Error("the invite is lost")
	case done["redeemed"] && r.Guest(m.People["kiyo"]) == nil:
		m.Error("the guest is lost")
	}
	if v == nil {
		return
	}
	used, code := len(v.Redeemers), m.do("redeem", link.Code).Code
	if used > 1 || used == 1 && code != errs.TokenUsedUp || used == 0 && code != "" {
		m.Errorf("an invite for one was used %d times, and then: %q", used, code)
	}
}

// judgeArrival judges what is left of somebody who came from outside the server.
func (m *childProcess) judgeArrival(r room.Room, done map[string]bool, door room.InviteLink) {
	m.Helper()
	stranger := m.People["stranger"]
	guest, arrival, v := r.Guest(stranger), r.Arrival(stranger), r.Invite(door.Invite.ID)
	switch {
	case done["arrived"] && guest == nil:
		m.Error("who came in is lost")
	case done["coming"] && guest == nil && arrival == nil:
		m.Error("who is on their way is lost")
	case v != nil && len(v.Redeemers) > 1:
		m.Errorf("a link for one was used %d times", len(v.Redeemers))
	case v != nil && guest == nil && arrival == nil && len(v.Redeemers) > 0:
		m.Error("a use is lost")
	}
	for code, i := range m.Discord.State().Invites {
		if i.Channel["id"] == r.ID && (arrival == nil || arrival.Code != code) {
			m.Errorf("Discord has an invite that nobody knows; %+v", arrival)
		}
	}
}

// fewerWrites says whether a life was over before the write it should have died at: some of what follows from a write
// is stored with the next one, if that comes soon enough.
func fewerWrites(told []word, d death) bool {
	over := told[len(told)-1]
	return over.Did == "over" && d.write > len(over.Writes)
}

func acts(told []word) string {
	var all []string
	for _, w := range told {
		all = append(all, strings.TrimSpace(w.Did+" "+w.Err))
	}
	return strings.Join(all, ", ")
}

// Snug is killed after every single step of opening, inviting, redeeming,
// bringing somebody into the server, handing over and closing: after each write of rooms and intentions, and after
// each call that changed something in Discord, before its answer. After the
// next start and one sweep nothing that people were told is lost, no channel,
// room or intention is left alone, and no invite is used twice. SNUG_SOAK=1 tries
// every step; otherwise it's every third, as rooms' own tests try every step without a real process.
func TestDeathAtEveryStep(t *testing.T) {
	t.Parallel()
	first := newChildProcess(t)
	first.born(0)
	told := first.live(death{})
	over := told[len(told)-1]
	if over.Err != "" || len(over.Writes) < 10 || len(first.calls) < 4 {
		t.Fatalf("without death: %s, %q\n%s", acts(told), first.calls, first.noise.String())
	}
	if err := first.dead(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d writes: %s", len(over.Writes), strings.Join(over.Writes, ", "))
	t.Logf("%d calls: %s", len(first.calls), strings.Join(first.calls, ", "))
	var deaths []death
	for n := range over.Writes {
		deaths = append(deaths, death{write: n + 1})
	}
	for n := range first.calls {
		deaths = append(deaths, death{call: n + 1})
	}
	if os.Getenv("SNUG_SOAK") == "" {
		n := 0
		deaths = slices.DeleteFunc(deaths, func(death) bool { n++; return n%3 != 0 })
	}
	const lanes = 2 // at the same time, however few processors there are: they wait more than they work
	var all sync.WaitGroup
	defer all.Wait()
	for lane := range lanes {
		all.Go(func() { t.Run(fmt.Sprint("lane ", lane), func(t *testing.T) { kill(t, deaths, lane, lanes) }) })
	}
}

// kill has every so many of the deaths died, one after the other in one world.
func kill(t *testing.T, deaths []death, lane, lanes int) {
	m := newChildProcess(t)
	m.born(deaths[lane].write)
	for i := lane; i < len(deaths); i += lanes {
		told := m.live(deaths[i])
		err := m.dead()
		if err == nil && fewerWrites(told, deaths[i]) {
			t.Logf("%+v: this life had fewer writes", deaths[i])
		} else if err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("at %+v: %v; people were told %s\n%s", deaths[i], err, acts(told), m.noise.String())
		}
		next := death{}
		if i+lanes < len(deaths) {
			next = deaths[i+lanes]
		}
		m.born(next.write)
		if m.judge(told); t.Failed() {
			t.Fatalf("that was death at %+v; people were told %s", deaths[i], acts(told))
		}
		m.do("clear")
		if err := m.Discord.RemoveMember(m.Guild, m.People["stranger"]); err != nil &&
			!strings.Contains(err.Error(), "Unknown Member") {
			t.Fatal(err)
		}
	}
	if err := m.dead(); err != nil {
		t.Fatalf("%v\n%s", err, m.noise.String())
	}
}
