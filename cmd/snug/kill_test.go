package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// try calls the JSON API of a program that may be dying.
func (s *script) try(method, path string, body any) (int, map[string]any) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil
	}
	req, err := http.NewRequest(method, s.url+"/api/v1"+path, bytes.NewReader(b))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", s.url)
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	out := map[string]any{}
	if err != nil || len(text) > 0 && json.Unmarshal(text, &out) != nil {
		return 0, nil
	}
	return res.StatusCode, out
}

// ledger is what was acknowledged to the people, and what they asked for.
type ledger struct {
	mu       sync.Mutex
	opened   map[string]string   // room → owner
	closing  map[string]bool     // somebody asked to close it
	closed   map[string]bool     // and it was acknowledged
	invites  map[string]string   // token → room; each is good for one
	redeemed map[string][]string // token → who was let in
}

func (l *ledger) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// TestKilledBetweenAnswers kills the program between the two answers to a command, right after its first start, so that
// it has saved little more than its session. The next process goes on with that, and ends the command.
func TestKilledBetweenAnswers(t *testing.T) {
	t.Parallel()
	var dying atomic.Pointer[process]
	var registered atomic.Bool
	limits := discordsim.NoRateLimits()
	world, err := simulate("127.0.0.1:0", discordsim.Options{
		Seed: 5, Limits: &limits,
		OnRequest: func(r discordsim.Request) { // before its answer is on its way
			switch p := dying.Load(); {
			case r.Method == http.MethodPut && strings.HasSuffix(r.Route, "/commands"):
				registered.Store(true)
			case p != nil && strings.HasSuffix(r.Route, "/callback"):
				_ = p.stop(syscall.SIGKILL)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(context.Background()) })
	start := serving(t, world)
	first, h := start()
	dying.Store(first)
	h.eventually("the commands are registered", registered.Load)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	answers := make(chan *discordsim.Answer, 1)
	go func() {
		a, err := world.discord.RunCommand(ctx, h.user("alice").ID,
			discordsim.CommandRun{Guild: world.guild, Name: "rooms"})
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	h.eventually("it is dead", func() bool { return len(first.exited) == 1 })
	dying.Store(nil)
	second, _ := start()
	a := <-answers
	if a == nil || a.Message == nil || !strings.HasPrefix(a.Message.Content, "Something interrupted me") {
		t.Errorf("the command's answer is %+v", a)
	}
	if log := second.log.String(); !strings.Contains(log, "resuming from the checkpoint") {
		t.Error("the next process began another session:\n" + log)
	}
}

// TestKilledAgainAndAgain kills the program at random moments, while people
// open rooms, invite, come in, come and go in voice, and close. Nothing that
// was acknowledged is lost, nothing is done twice, and no channel is left over.
// SNUG_SEED=n repeats a run's moments; SNUG_SOAK=1 has 200 rounds.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	rounds, seed := 20, uint64(1)
	if os.Getenv("SNUG_SOAK") != "" {
		rounds = 200
	}
	if n, err := strconv.ParseUint(os.Getenv("SNUG_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the moments were seed %d's; once more: "+
				"SNUG_SEED=%d go test -race -count=1 -v -run TestKilledAgainAndAgain ./cmd/snug", seed, seed)
		}
	})
	rnd := rand.New(rand.NewPCG(seed, 4))
	limits := discordsim.NoRateLimits()
	world, err := simulate("127.0.0.1:0", discordsim.Options{Seed: 5, Limits: &limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.discord.Close(t.Context()) })
	start, resumed := serving(t, world), 0
	var snug *process
	var h *harness
	serve := func() {
		if snug, h = start(); strings.Contains(snug.log.String(), "resuming from the checkpoint") {
			resumed++
		}
	}
	serve()
	before := len(voiceChannels(world.discord))
	people := map[string]*script{}
	for _, n := range []string{"alice", "bruno", "chiyo", "dmitri"} {
		people[n] = h.signIn(n)
	}
	if status, out := people["alice"].api(http.MethodPatch, "/guilds/"+world.guild.String()+"/settings",
		map[string]any{
			"settings": map[string]any{"rooms_per_member": 50, "rooms_per_guild": 200},
		}); status != http.StatusOK {
		t.Fatalf("settings: %d %v", status, out)
	}
	if err := snug.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	book := &ledger{
		opened: map[string]string{}, closing: map[string]bool{}, closed: map[string]bool{},
		invites: map[string]string{}, redeemed: map[string][]string{},
	}
	for range rounds {
		serve()
		over := make(chan struct{})
		var busy sync.WaitGroup
		for _, name := range []string{"alice", "bruno", "chiyo"} {
			own := rand.New(rand.NewPCG(rnd.Uint64(), 5))
			busy.Go(func() { h.live(people, name, own, book, over) })
		}
		time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond) // the moment is what is tried
		_ = snug.stop(syscall.SIGKILL)
		close(over)
		busy.Wait()
	}
	serve()
	h.eventually("what is left over is finished or removed", func() bool { return h.unlike(people, before) == "" })
	h.audit(people, book)
	if resumed != rounds+1 {
		t.Errorf("%d of %d starts went on from the checkpoint", resumed, rounds+1)
	}
	acked := 0
	for _, who := range book.redeemed {
		acked += len(who)
	}
	t.Logf("%d rounds: %d rooms opened, %d closed, %d invites made, %d followed; %d starts resumed", rounds,
		len(book.opened), len(book.closed), len(book.invites), acked, resumed)
	if len(book.opened) < rounds/4 {
		t.Errorf("only %d rooms were opened: the test tried little", len(book.opened))
	}
}

// live is what one person does until it is over.
func (h *harness) live(people map[string]*script, name string, rnd *rand.Rand, book *ledger, over <-chan struct{}) {
	me := people[name]
	for {
		select {
		case <-over:
			return
		default:
		}
		status, out := me.try(http.MethodPost, "/guilds/"+h.world.guild.String()+"/rooms",
			map[string]any{"name": "Room of " + name})
		if status != http.StatusCreated {
			if status == http.StatusTooManyRequests { // enough for this round
				<-over
				return
			}
			time.Sleep(time.Millisecond)
			continue
		}
		id := out["channel_id"].(string)
		book.note(func() { book.opened[id] = name })
		_ = h.join(name, id)
		status, out = me.try(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{"uses": 1})
		if status == http.StatusCreated {
			h.follow(people, name, id, out["url"].(string), book)
		}
		if rnd.IntN(2) == 0 {
			book.note(func() { book.closing[id] = true })
			if status, _ = me.try(http.MethodPost, "/rooms/"+id+"/close", nil); status >= 200 && status < 300 {
				book.note(func() { book.closed[id] = true })
			}
		}
	}
}

// follow lets two people follow an invite for one, at the same time.
func (h *harness) follow(people map[string]*script, owner, id, link string, book *ledger) {
	u, err := url.Parse(link)
	if err != nil {
		return
	}
	token := path.Base(u.Path)
	book.note(func() { book.invites[token] = id })
	var two sync.WaitGroup
	n := 0
	for guest, s := range people {
		if guest == owner || n == 2 {
			continue
		}
		n++
		two.Go(func() {
			if status, _ := s.try(http.MethodPost, "/invites/redeem",
				map[string]any{"code": token}); status == http.StatusOK {
				book.note(func() { book.redeemed[token] = append(book.redeemed[token], guest) })
			}
		})
	}
	two.Wait()
}

func voiceChannels(s *discordsim.Server) map[string]bool {
	out := map[string]bool{}
	for _, g := range s.State().Guilds {
		for _, c := range g.Channels {
			if c.Type == discordsim.ChannelVoice {
				out[c.ID.String()] = true
			}
		}
	}
	return out
}

// rooms gives all rooms, as those who live there see them.
func (h *harness) rooms(people map[string]*script) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, s := range people {
		for next := ""; ; {
			status, page := s.try(http.MethodGet, "/guilds/"+h.world.guild.String()+"/rooms?limit=100"+next, nil)
			if status != http.StatusOK {
				return nil
			}
			for _, r := range page["rooms"].([]any) {
				r := r.(map[string]any)
				out[fmt.Sprint(r["channel_id"])] = r
			}
			cursor, _ := page["next_cursor"].(string)
			if cursor == "" {
				break
			}
			next = "&after=" + cursor
		}
	}
	return out
}

// unlike says where rooms and Discord's channels differ; "" if they do not. There were some channels before.
func (h *harness) unlike(people map[string]*script, before int) string {
	rooms, channels := h.rooms(people), voiceChannels(h.world.discord)
	for id := range rooms {
		if !channels[id] {
			return "room " + id + " has no channel"
		}
	}
	if len(channels) != before+len(rooms) {
		return fmt.Sprintf("%d channels for %d rooms and %d others", len(channels), len(rooms), before)
	}
	return ""
}

// audit compares what is there with what was acknowledged.
func (h *harness) audit(people map[string]*script, book *ledger) {
	h.Helper()
	rooms := h.rooms(people)
	for id, owner := range book.opened {
		switch _, there := rooms[id]; {
		case book.closed[id] && there:
			h.Errorf("room %s was closed and is there", id)
		case !book.closing[id] && !there:
			h.Errorf("room %s of %s was opened and is not there", id, owner)
		}
	}
	for token, who := range book.redeemed {
		if len(who) > 1 {
			h.Errorf("an invite for one let in %v", who)
		}
		id := book.invites[token]
		for _, guest := range who {
			if status, out := people[guest].try(http.MethodGet, "/rooms/"+id+"/members", nil); !book.closing[id] &&
				status != http.StatusOK {
				h.Errorf("%s was let into %s and is not any more: %d %v", guest, id, status, out)
			} else if guests := fmt.Sprint(out["guests"]); !book.closing[id] && strings.Count(guests, " ") > 0 {
				h.Errorf("room %s with one place to give has the guests %s", id, guests)
			}
		}
	}
	where := map[string][]string{}
	for _, g := range h.world.discord.State().Guilds {
		for _, v := range g.VoiceStates {
			if v.ChannelID != nil {
				where[v.ChannelID.String()] = append(where[v.ChannelID.String()], v.UserID.String())
			}
		}
	}
	for id := range rooms {
		owner := book.opened[id]
		if owner == "" {
			continue // opened, but nobody was told
		}
		status, out := people[owner].try(http.MethodGet, "/rooms/"+id+"/members", nil)
		var in []string
		if list, ok := out["in_voice"].([]any); ok {
			for _, p := range list {
				in = append(in, fmt.Sprint(p.(map[string]any)["user_id"]))
			}
		}
		slices.Sort(in)
		slices.Sort(where[id])
		if status != http.StatusOK || !slices.Equal(in, where[id]) {
			h.Errorf("in room %s are %v, and Snug says %v (%d)", id, where[id], in, status)
		}
	}
}
