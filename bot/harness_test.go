package bot_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"snug/bot"
	"snug/bot/discordapi"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/invite"
	"snug/shared/keyring"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
	translations "snug/shared/text"
)

// TestMain runs eight tests at a time unless -parallel says otherwise: they wait more than they work.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every wait for a fact; it is reached only when something is broken.
const patience = testkit.Patience

// harness is a simulator, a hub and a bot, all real, and a server with people.
type harness struct {
	*world.World
	public  snowflake.ID // a voice channel that is no room
	clock   *testkit.Clock
	theirs  *testkit.Clock // Discord's own
	dir     string
	only    snowflake.ID          // the one server that is served; 0: all
	rate    int                   // requests a second Discord allows; 0: the usual
	observe func(hub.Observation) // told of what the hub does; nil: nobody
	lines   io.Writer             // of the log; nil: nobody reads it
	nats    string                // address of the hub's server; "" for an embedded one
	most    map[string]int64      // bytes a bucket may hold; nil: the usual
	writes  time.Duration         // how long a write to it may take; 0: the usual
	term    time.Duration         // of the leases by which processes share the bot; 0: it shares with nobody
	saves   time.Duration         // how often checkpoints are saved; 0: as usual
	begun   func(*bot.Bot)        // called before the bot is started; nil: nobody

	requests struct {
		sync.Mutex
		list    []string     // what the bot asked Discord, method and route
		hook    func(string) // called for each, when it is done and before its answer is on its way
		refused int          // of them, for being too many
	}
	*running
}

// running is what a restart replaces.
type running struct {
	hub   *hub.Hub
	bot   *bot.Bot
	stop  context.CancelFunc
	wait  func()
	facts *facts

	metrics *prometheus.Registry
}

// facts collects what followers of the rosters see.
type facts struct {
	mu    sync.Mutex
	cond  *sync.Cond
	live  map[snowflake.ID]room.Live
	story []string // "joined mara", "left jonas", "opened Friday" …
	all   []room.Live
}

var names = []string{"mara", "jonas", "kiyo", "priya", "tomas", "ada"}

// words are what people read; they take a while to make.
var words = sync.OnceValues(translations.New)

// newHarness builds the world and starts Snug in it. mara owns the server,
// tomas is a moderator who may move members, the others are plain members; "stranger" is not in it.
// adjust changes Discord's limits.
func newHarness(t testing.TB, adjust ...func(*discordsim.Limits)) *harness {
	t.Helper()
	return newHarnessOn(t, "", adjust...)
}

// newHarnessOn is newHarness with the NATS server given; "" for an embedded one.
func newHarnessOn(t testing.TB, natsURL string, adjust ...func(*discordsim.Limits)) *harness {
	t.Helper()
	return newHarnessIn(t, natsURL, openapitest.Wrap(t), adjust...)
}

// newHarnessIn is newHarnessOn with what goes around Discord, which may be nil.
func newHarnessIn(
	t testing.TB, natsURL string, wrap func(http.Handler) http.Handler, adjust ...func(*discordsim.Limits),
) *harness {
	t.Helper()
	return newHarnessWith(t, func(h *harness) { h.nats = natsURL }, wrap, adjust...)
}

// newHarnessWith is newHarnessIn for a harness that so sets up before Snug starts.
func newHarnessWith(
	t testing.TB, so func(*harness), wrap func(http.Handler) http.Handler, adjust ...func(*discordsim.Limits),
) *harness {
	t.Helper()
	h := &harness{clock: &testkit.Clock{}, theirs: &testkit.Clock{}, dir: t.TempDir()}
	limits := discordsim.DiscordLimits()
	limits.IdentifyWindow = 0 // several starts in one test
	for _, f := range adjust {
		f(&limits)
	}
	h.World = world.Start(t, discordsim.Options{
		Seed: 1, Limits: &limits, Now: h.theirs.Now, Wrap: wrap, Named: true,
		OnRequest: func(r discordsim.Request) {
			h.requests.Lock()
			defer h.requests.Unlock()
			h.requests.list = append(h.requests.list, r.Method+" "+r.Route)
			if r.Status == http.StatusTooManyRequests {
				h.requests.refused++
			}
			if h.requests.hook != nil {
				h.requests.hook(r.Method + " " + r.Route)
			}
		},
	})
	h.AddPeople("stranger")
	h.AddGuild("Spelltable Friends", names[0], names[1:]...)
	mover, err := h.Discord.AddRole(h.Guild, "Moderator", discordsim.PermMoveMembers)
	h.Must(err)
	h.Must(h.Discord.SetRoles(h.Guild, h.People["tomas"], mover))
	h.public = h.AddChannel(discordsim.ChannelOptions{Name: "General", Type: discordsim.ChannelVoice})
	h.AddBot(discordsim.ApplicationOptions{Name: "Snug", AnyLoopbackRedirect: true, NoPrivilegedIntents: true},
		discordsim.Permissions(discordapi.Permissions))
	so(h)
	h.start()
	t.Cleanup(func() { h.shut() })
	return h
}

// eventually waits for a fact that nobody tells of.
func (h *harness) eventually(what string, ok func() bool) {
	h.Helper()
	testkit.Eventually(h, what, ok)
}

func (h *harness) log() *slog.Logger {
	if h.lines != nil {
		return slog.New(slog.NewTextHandler(h.lines, nil)) // one line a write, one write at a time
	}
	return testkit.Logger()
}

func (h *harness) hubOptions(nats string) hub.Options {
	if nats != "" {
		return hub.Options{URL: nats, Log: h.log(), Observe: h.observe, WriteTimeout: h.writes}
	}
	return hub.Options{Dir: h.dir, Log: h.log(), Observe: h.observe, MaxBytes: h.most}
}

// start starts hub and bot on the harness's data folder, and waits until the server is ready.
func (h *harness) start() {
	h.Helper()
	r, ready := h.process(h.nats)
	h.running = r
	if h.begun != nil {
		h.begun(r.bot)
	}
	start, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h.Must(r.bot.Start(start))
	select {
	case <-ready:
	case <-start.Done():
		h.Fatal("the server did not become ready")
	}
	select {
	case <-r.bot.Registered():
	case <-start.Done():
		h.Fatal("the commands were not registered")
	}
}

// process makes hub and bot, and tells when a server is ready; the bot is yet to be started.
func (h *harness) process(nats string) (*running, <-chan struct{}) {
	h.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, facts: newFacts(), metrics: prometheus.NewRegistry()}
	var err error
	r.hub, err = hub.Open(ctx, h.hubOptions(nats))
	h.Must(err)
	ready := make(chan struct{})
	var once sync.Once
	waitGuilds, err := r.hub.Guilds.Follow(ctx,
		hub.Follower[room.GuildInfo]{Change: func(c hub.Change[room.GuildInfo]) {
			if c.Value != nil && c.Value.Ready {
				once.Do(func() { close(ready) })
			}
		}})
	h.Must(err)
	waitRosters, err := r.hub.Rosters.Follow(ctx, hub.Follower[room.Live]{Change: r.facts.change})
	h.Must(err)
	r.wait = func() { waitGuilds(); waitRosters() }
	texts, err := words()
	h.Must(err)
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	h.Must(err)
	r.bot, err = bot.New(bot.Options{
		Token: h.App.BotToken, DiscordURL: h.URL, Hub: r.hub, Keys: keys,
		Pages: pages.Site{Base: "http://snug.test"}, Now: h.clock.Now,
		Log: h.log(), Registerer: r.metrics, Requests: h.rate, Texts: texts,
		Shared: h.term > 0, LeaseTerm: h.term, GuildID: h.only, SaveEvery: h.saves,
	})
	h.Must(err)
	return r, ready
}

// shut stops bot and hub; start may follow.
func (h *harness) shut() {
	if h.running == nil {
		return
	}
	r := h.running
	h.running = nil
	h.end(r)
}

// end stops a process.
func (h *harness) end(r *running) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.bot.Close(ctx); err != nil {
		h.Error(err)
	}
	r.stop()
	r.wait()
	if err := r.hub.Close(ctx); err != nil {
		h.Error(err)
	}
}

func newFacts() *facts {
	f := &facts{live: map[snowflake.ID]room.Live{}}
	f.cond = sync.NewCond(&f.mu)
	return f
}

func (f *facts) change(c hub.Change[room.Live]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.cond.Broadcast()
	if c.Value == nil {
		id, _ := snowflake.Parse(c.Key[strings.IndexByte(c.Key, '.')+1:])
		delete(f.live, id)
		return
	}
	l := *c.Value
	f.all = append(f.all, l)
	if f.live[l.Room.ID] = l; l.Gone() {
		delete(f.live, l.Room.ID)
	}
	what := "whole"
	if l.Event != nil {
		switch e := l.Event.Fact.(type) {
		case room.VoiceJoined:
			what = "joined " + e.Person.Username
		case room.VoiceLeft:
			what = fmt.Sprint("left ", e.UserID)
		case room.Closed:
			what = "closed " + string(e.Reason)
		default:
			what = strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e), "room."))
		}
	}
	f.story = append(f.story, what)
}

// await waits until the rooms that followers see are as ok wants them, and the bot has followed that.
func (h *harness) await(what string, ok func(live map[snowflake.ID]room.Live) bool) {
	h.Helper()
	h.awaitSeen(what, ok)
	if h.bot != nil {
		h.bot.CatchUp(h.soon(), h.Guild)
	}
}

func (h *harness) awaitSeen(what string, ok func(live map[snowflake.ID]room.Live) bool) {
	h.Helper()
	f := h.facts
	late := time.AfterFunc(patience, f.cond.Broadcast)
	defer late.Stop()
	deadline := time.Now().Add(patience)
	f.mu.Lock()
	defer f.mu.Unlock()
	for !ok(f.live) {
		if time.Now().After(deadline) {
			h.Fatalf("waited in vain until %s; followers saw %v", what, f.story)
		}
		f.cond.Wait()
	}
}

// awaitRoster waits until a room's roster is just these people.
func (h *harness) awaitRoster(id snowflake.ID, who ...string) {
	h.Helper()
	h.await(fmt.Sprintf("in the room are %v", who), func(live map[snowflake.ID]room.Live) bool {
		l, ok := live[id]
		if !ok || len(l.Roster) != len(who) {
			return false
		}
		for _, n := range who {
			if !room.In(l.Roster, h.People[n]) {
				return false
			}
		}
		return true
	})
}

func (h *harness) actor(name string) access.Actor {
	return access.Actor{UserID: h.People[name], Via: access.ViaWeb}
}

// call asks the bot as the dashboard does: through the hub.
func call[Req, Resp any](h *harness, m hub.Method[Req, Resp], q Req) (Resp, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return m.Call(ctx, h.hub, h.Guild, q)
}

// openWith opens a room on the web as asked.
func (h *harness) openWith(name string, q room.OpenRequest) room.OpenedRoom {
	h.Helper()
	q.Actor = h.actor(name)
	r, err := call(h, hub.OpenRoom, q)
	h.Must(err)
	return r
}

// open opens a room on the web.
func (h *harness) open(name, title string) room.OpenedRoom {
	h.Helper()
	r, err := call(h, hub.OpenRoom, room.OpenRequest{Actor: h.actor(name), Name: title})
	h.Must(err)
	return r
}

func (h *harness) request(name string, id snowflake.ID) room.Request {
	return room.Request{Actor: h.actor(name), RoomID: id}
}

// redeemRequest follows an invite link, as the dashboard does: the hub knows where it leads.
func (h *harness) redeemRequest(name, code string) room.RedeemRequest {
	h.Helper()
	to, _, err := h.hub.Invites.Get(h.Context(), invite.Key(code))
	h.Must(err)
	return room.RedeemRequest{Actor: h.actor(name), RoomID: to.RoomID, Code: code}
}

func (h *harness) redeem(name, code string) error {
	h.Helper()
	_, err := call(h, hub.RedeemInvite, h.redeemRequest(name, code))
	return err
}

func (h *harness) settings(change string) {
	h.Helper()
	_, err := call(h, hub.SaveSettings, room.SettingsRequest{Actor: h.actor("mara"), JSON: []byte(change)})
	h.Must(err)
}

// channel is a channel as Discord's API gives it.
type channel struct {
	ID         snowflake.ID `json:"id"`
	Type       int          `json:"type"`
	Name       string       `json:"name"`
	Parent     snowflake.ID `json:"parent_id"`
	UserLimit  int          `json:"user_limit"`
	Overwrites []struct {
		ID          snowflake.ID
		Type        int
		Allow, Deny int64 `json:",string"`
	} `json:"permission_overwrites"`
}

// bare makes a request to Discord as the bot, and gives the id in the answer.
func (h *harness) bare(method, path string, body ...string) discordsim.ID {
	h.Helper()
	res := h.Request(method, path, strings.Join(body, ""))
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		h.Fatalf("%s %s: %s", method, path, res.Status)
	}
	var v struct{ ID discordsim.ID }
	if res.StatusCode != http.StatusNoContent {
		h.Must(json.NewDecoder(res.Body).Decode(&v))
	}
	return v.ID
}

// post posts a message as the bot.
func (h *harness) post(channel snowflake.ID, body string) discordsim.ID {
	h.Helper()
	return h.bare(http.MethodPost, "/channels/"+channel.String()+"/messages", body)
}

// get asks Discord as the bot.
func (h *harness) get(path string, v any) {
	h.Helper()
	res := h.Request(http.MethodGet, path, "")
	for res.StatusCode == http.StatusTooManyRequests { // as Discord asks of every client
		seconds, err := strconv.ParseFloat(res.Header.Get("Retry-After"), 64)
		h.Must(err)
		res.Body.Close()
		time.Sleep(time.Duration(seconds * float64(time.Second)))
		res = h.Request(http.MethodGet, path, "")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		h.Fatalf("GET %s: %s", path, res.Status)
	}
	h.Must(json.NewDecoder(res.Body).Decode(v))
}

// channels lists the server's channels in Discord.
func (h *harness) channels() map[snowflake.ID]channel {
	h.Helper()
	var list []channel
	h.get("/guilds/"+h.Guild.String()+"/channels", &list)
	out := map[snowflake.ID]channel{}
	for _, c := range list {
		out[c.ID] = c
	}
	return out
}

// asked counts what the bot has asked Discord, by the beginning of method and route.
func (h *harness) asked(prefix string) int {
	h.requests.Lock()
	defer h.requests.Unlock()
	n := 0
	for _, r := range h.requests.list {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

func (h *harness) wantCode(err error, want errs.Code) {
	h.Helper()
	if errs.CodeOf(err) != want {
		h.Fatalf("got %v, want %s", err, want)
	}
}
