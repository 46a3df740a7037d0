package bot_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
)

// The process that dies is this test program once more, with TestChildProcess alone
// and a life in its environment. It takes orders on standard input and tells
// what it did on standard output, a line of JSON each; what it told before it
// was killed is what people were told.
const lifeVariable = "SNUG_TEST_LIFE"

// meanwhile is the time between a start and the sweep after which all is well.
const meanwhile = 3 * time.Minute

// childConfig is what a process that is to be killed is started with.
type childConfig struct {
	URL, Token, Dir string
	App, Guild      snowflake.ID
	People          map[string]snowflake.ID
	Ahead           time.Duration
	DieAfterWrite   int // of rooms and intentions, counted while it lives; 0: never
}

// word is what such a process says.
type word struct {
	Did  string // what it has just done
	Err  string
	Code errs.Code

	Room   snowflake.ID    // opened
	Link   room.InviteLink // invited
	Door   room.InviteLink // called: the link for somebody who is not in the server
	Writes []string        // over: its writes of rooms and intentions

	Rooms      []room.Room // looked
	Intentions int
	Audit      []string
}

// TestChildProcess is the process that TestDeathAtEveryStep kills, and nothing without it.
func TestChildProcess(t *testing.T) {
	if os.Getenv(lifeVariable) == "" {
		t.Skip("TestDeathAtEveryStep runs it")
	}
	var f childConfig
	if err := json.Unmarshal([]byte(os.Getenv(lifeVariable)), &f); err != nil {
		t.Fatal(err)
	}
	l := &inChild{harness: &harness{
		World: &world.World{
			TB: t, URL: f.URL, App: discordsim.Application{ID: f.App, BotToken: f.Token}, Guild: f.Guild,
			People: f.People,
		},
		dir: f.Dir, clock: &testkit.Clock{}, theirs: &testkit.Clock{},
	}, dieAfter: f.DieAfterWrite}
	l.clock.Forward(f.Ahead)
	l.observe = l.wrote
	l.start()
	defer l.shut()
	l.say(word{Did: "born"})
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		switch order, with, _ := strings.Cut(orders.Text(), " "); order {
		case "look": // a creation's outcome is waited for a while before it is given up
			l.clock.Forward(meanwhile)
			l.sweep()
			l.look(with)
		case "redeem":
			err := l.redeem("ada", with)
			l.say(word{Did: order, Code: errs.CodeOf(err)})
		case "clear":
			l.clear()
			l.say(word{Did: order})
		case "live":
			w := word{Did: "over"}
			if err := l.live(orders); err != nil {
				w.Err = err.Error()
			}
			l.mu.Lock()
			w.Writes = l.writes
			l.mu.Unlock()
			l.say(w)
		}
	}
}

// inChild is the inner side of a childProcess.
type inChild struct {
	*harness
	dieAfter int

	mu     sync.Mutex
	alive  bool // what is written counts
	writes []string
}

func (l *inChild) say(w word) {
	b, err := json.Marshal(w)
	l.Must(err)
	_, err = os.Stdout.Write(append(b, '\n'))
	l.Must(err)
}

// wrote counts writes, and has the process killed after the one it is to die of.
func (l *inChild) wrote(o hub.Observation) {
	if o.Err != nil || o.Op == "get" || o.Bucket != "rooms" && o.Bucket != "pending_creates" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.alive {
		return
	}
	if l.writes = append(l.writes, o.Op+" "+o.Bucket); len(l.writes) == l.dieAfter {
		self, err := os.FindProcess(os.Getpid())
		l.Must(err)
		l.Must(self.Kill())
		select {} // nothing comes after it
	}
}

// live opens, shares, hands over and closes a room. It says each thing that it
// was told is done, and then waits to be told to go on.
func (l *inChild) live(orders *bufio.Scanner) error {
	l.mu.Lock()
	l.alive = true
	l.mu.Unlock()
	told := func(w word) { l.say(w); orders.Scan() }
	r, err := call(l.harness, hub.OpenRoom, room.OpenRequest{Actor: l.actor("jonas"), Name: "Friday"})
	if err != nil {
		return err
	}
	id := r.Room.ID
	told(word{Did: "opened", Room: id})
	l.panelled(id)
	link, err := call(l.harness, hub.CreateInvite, room.InviteRequest{Actor: l.actor("jonas"), RoomID: id, Uses: 1})
	if err != nil {
		return err
	}
	told(word{Did: "invited", Link: link})
	if err := l.redeem("kiyo", link.Code); err != nil {
		return err
	}
	told(word{Did: "redeemed"})
	if err := l.bring(id, told); err != nil {
		return err
	}
	if _, err := l.change("jonas", id, room.DoTransfer,
		func(q *room.ChangeRequest) { q.User = l.People["priya"] }); err != nil {
		return err
	}
	told(word{Did: "transferred"})
	if _, err := call(l.harness, hub.CloseRoom, l.request("priya", id)); err != nil {
		return err
	}
	told(word{Did: "closed"})
	return nil
}

// bring has somebody follow a link who is not in the server, and come in by Discord's invite.
func (l *inChild) bring(id snowflake.ID, told func(word)) error {
	door, err := call(l.harness, hub.CreateInvite, room.InviteRequest{Actor: l.actor("jonas"), RoomID: id, Uses: 1})
	if err != nil {
		return err
	}
	told(word{Did: "called", Door: door})
	if err := l.redeem("stranger", door.Code); err != nil {
		return err
	}
	told(word{Did: "coming"})
	a, err := l.arrive("stranger", id)
	if err != nil || a.Code == "" {
		return fmt.Errorf("no invite of Discord's: %+v, %w", a, err)
	}
	l.accept("stranger", a.Code)
	l.clock.Forward(6 * time.Second) // what Discord said of them is old
	if a, err = l.arrive("stranger", id); err != nil || a.Step != room.StepIn {
		return fmt.Errorf("not let in: %+v, %w", a, err)
	}
	told(word{Did: "arrived"})
	l.sweep()
	return nil
}

// accept has somebody accept an invite of Discord's, from outside of Discord's process.
func (l *inChild) accept(name, code string) {
	res, err := testkit.HTTP.Post(fmt.Sprintf("%s/_sim/users/%d/invites", l.URL, l.People[name]), "application/json",
		strings.NewReader(`{"code":"`+code+`"}`))
	l.Must(err)
	l.Must(res.Body.Close())
	if res.StatusCode != http.StatusOK {
		l.Fatalf("the invite was not accepted: %s", res.Status)
	}
}

// panelled waits until a room's control panel is posted and recorded, which happens in the background.
func (l *inChild) panelled(id snowflake.ID) {
	l.eventually("the control panel is posted", func() bool {
		r, _, err := l.hub.Rooms.Get(l.soon(), fmt.Sprintf("%d.%d", l.Guild, id))
		return err == nil && r.Panel.MessageID != 0
	})
}

// look tells what there is, and the audit of one room.
func (l *inChild) look(id string) {
	list, err := l.hub.Rooms.List(l.soon(), l.Guild.String())
	l.Must(err)
	intended, err := l.hub.PendingCreates.List(l.soon(), l.Guild.String())
	l.Must(err)
	w := word{Did: "look", Intentions: len(intended)}
	for _, e := range list {
		w.Rooms = append(w.Rooms, e.Value)
		l.panelled(e.Value.ID)
	}
	if id != "" {
		room, err := snowflake.Parse(id)
		l.Must(err)
		w.Audit = l.audited(room)
	}
	l.say(w)
}

// clear closes what is open.
func (l *inChild) clear() {
	list, err := l.hub.Rooms.List(l.soon(), l.Guild.String())
	l.Must(err)
	for _, e := range list {
		_, err := call(l.harness, hub.CloseRoom, l.request("mara", e.Value.ID))
		l.Must(err)
	}
}
