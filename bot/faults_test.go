package bot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"snug/bot"
	"snug/bot/gateway"
	"snug/bot/voice"
	"snug/shared/discordsim"
	"snug/shared/room"
)

// endurance bounds a faultRun's waits: there are many at once, with
// heartbeats in tenths of a second, and a busy machine delays them all.
const endurance = 4 * patience

// gatewayFaults are all that the simulator can do to a gateway connection.
var gatewayFaults = []discordsim.Fault{
	{Kind: discordsim.FaultDrop}, {Kind: discordsim.FaultReconnect},
	{Kind: discordsim.FaultInvalidSession, Resumable: true}, {Kind: discordsim.FaultInvalidSession},
	{Kind: discordsim.FaultClose, Code: 1000}, {Kind: discordsim.FaultClose, Code: 1001},
	{Kind: discordsim.FaultClose, Code: 4000}, {Kind: discordsim.FaultClose, Code: 4001},
	{Kind: discordsim.FaultClose, Code: 4002}, {Kind: discordsim.FaultClose, Code: 4003},
	{Kind: discordsim.FaultClose, Code: 4005}, {Kind: discordsim.FaultClose, Code: 4007},
	{Kind: discordsim.FaultClose, Code: 4008}, {Kind: discordsim.FaultClose, Code: 4009},
	{Kind: discordsim.FaultHeartbeat}, {Kind: discordsim.FaultHalfOpen}, {Kind: discordsim.FaultOutage, Duration: 0.02},
	{Kind: discordsim.FaultNoHello}, {Kind: discordsim.FaultNoACK},
	{Kind: discordsim.FaultDropResume}, {Kind: discordsim.FaultDuplicate, Event: "VOICE_STATE_UPDATE"},
	{Kind: discordsim.FaultDelay, Delay: 0.02},
}

// pub is a hub that remembers everything that was published.
type pub struct {
	mu   sync.Mutex
	puts map[snowflake.ID][]room.Live // by room
	news chan struct{}
}

func (p *pub) Put(_ string, l room.Live, done func(error)) {
	p.mu.Lock()
	p.puts[l.Room.ID] = append(p.puts[l.Room.ID], l)
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
	done(nil)
}

// faultRun is one seed's world: a server with two rooms, people who come and go, and a gateway that fails.
type faultRun struct {
	rnd   *rand.Rand
	s     *discordsim.Server
	app   discordsim.Application
	guild discordsim.ID
	users []discordsim.ID
	rooms []discordsim.ID
	pub   *pub
	lane  *voice.Tracker
	reg   *prometheus.Registry

	begun func(gateway.Checkpoint) (*gateway.Shard, error)
	shard *gateway.Shard
	heard chan struct{}                   // closed when Discord has described the server
	in    map[discordsim.ID]discordsim.ID // who is where
	truth map[snowflake.ID][]string       // each room's joins and leaves, as they happened
	// a session or a server was lost: what happened meanwhile is told as a difference
	lossy bool
}

// TestFaultSequences lets the gateway fail in every way, alone and in seeded
// sequences, while people come and go: in the end every roster is the truth,
// and every change was published in order and none twice. SNUG_SOAK=1 runs ten
// thousand seeds, SNUG_SEED=n one of them with its log, SNUG_SEED=n-m some.
func TestFaultSequences(t *testing.T) {
	first, last := seeds(t)
	var mu sync.Mutex
	sums := map[string]float64{}
	var all errgroup.Group
	all.SetLimit(32) // they wait more than they work
	for seed := first; seed < last; seed++ {
		all.Go(func() error {
			w, err := newFaultRun(seed)
			if err == nil {
				err = errors.Join(w.rage(seed), w.close())
			}
			if err != nil {
				t.Errorf("seed %d: %v\nreplay it: SNUG_SEED=%d go test -race -count=1 -v -run TestFaultSequences ./bot",
					seed, err, seed)
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			w.sum(sums)
			if !w.lossy {
				sums["whole"]++
			}
			return nil
		})
	}
	_ = all.Wait()
	t.Logf("%d seeds: %.0f connections resumed, %.0f started again (resume rate %.1f %%), "+
		"%.0f events, %.0f of them repeated; in %.0f seeds no session was lost and every change arrived",
		last-first, sums["resume"], sums["identify"],
		100*sums["resume"]/max(1, sums["resume"]+sums["identify"]-float64(last-first)), sums["handled"],
		sums["duplicate"], sums["whole"])
}

// seeds gives the first seed to run and the one after the last.
func seeds(t *testing.T) (first, end uint64) {
	from, to, some := strings.Cut(os.Getenv("SNUG_SEED"), "-")
	switch {
	case from == "" && os.Getenv("SNUG_SOAK") != "":
		return 0, 10_000
	case from == "":
		return 0, 200
	case !some:
		to = from
	}
	first, err := strconv.ParseUint(from, 10, 64)
	last, err2 := strconv.ParseUint(to, 10, 64)
	if err = errors.Join(err, err2); err != nil {
		t.Fatalf("SNUG_SEED is a number, or two with a - between: %v", err)
	}
	return first, last + 1
}

func newFaultRun(seed uint64) (*faultRun, error) {
	limits := discordsim.NoRateLimits()
	w := &faultRun{
		rnd: rand.New(rand.NewPCG(seed, 1)),
		pub: &pub{puts: map[snowflake.ID][]room.Live{}, news: make(chan struct{}, 1)}, reg: prometheus.NewRegistry(),
		in: map[discordsim.ID]discordsim.ID{}, truth: map[snowflake.ID][]string{}, heard: make(chan struct{}),
	}
	heard := sync.OnceFunc(func() { close(w.heard) })
	w.s = discordsim.New(discordsim.Options{Seed: seed + 1, Limits: &limits, HeartbeatInterval: 300 * time.Millisecond})
	base, err := w.s.Start("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.app = w.s.AddApplication(discordsim.ApplicationOptions{Name: "Snug"})
	owner := w.s.AddUser("owner", "Owner").ID
	g, err := w.s.AddGuild("Storm", owner)
	if err != nil {
		return nil, err
	}
	w.guild = g.ID
	for i := range 5 {
		u := w.s.AddUser(fmt.Sprint("user", i), fmt.Sprint("User ", i)).ID
		if err := w.s.AddMember(g.ID, u, ""); err != nil {
			return nil, err
		}
		w.users = append(w.users, u)
	}
	for i := range 2 {
		c, err := w.s.AddChannel(g.ID,
			discordsim.ChannelOptions{Name: fmt.Sprint("Room ", i), Type: discordsim.ChannelVoice})
		if err != nil {
			return nil, err
		}
		w.rooms = append(w.rooms, c.ID)
	}
	if err := w.s.InstallBot(g.ID, w.app.ID, discordsim.PermViewChannel|discordsim.PermConnect); err != nil {
		return nil, err
	}
	metrics, err := gateway.NewMetrics(w.reg)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	if one := os.Getenv("SNUG_SEED"); one != "" && !strings.Contains(one, "-") {
		quiet = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	w.begun = func(from gateway.Checkpoint) (*gateway.Shard, error) {
		return gateway.New(gateway.Config{
			Token: w.app.BotToken, Intents: bot.Intents, URL: "ws" + strings.TrimPrefix(base, "http") + "/gateway",
			Checkpoint: from, Identify: unlimited{}, Metrics: metrics,
			Logger: quiet, Backoff: 4 * time.Millisecond, HelloTimeout: time.Second, ReadyTimeout: 2 * time.Second,
			AckTimeout: 300 * time.Millisecond,
			Handler: func(_ dgateway.Gateway, _ dgateway.EventType, _ int, data dgateway.EventData) {
				switch e := data.(type) {
				case dgateway.EventVoiceStateUpdate:
					w.lane.VoiceState(e.VoiceState, e.Member, room.Mark{})
				case dgateway.EventGuildCreate:
					w.lane.Guild(e.ID, e.VoiceStates, e.Members)
					heard()
				}
			},
		})
	}
	return w, nil
}

// unlimited lets every session begin at once.
type unlimited struct{}

func (unlimited) Acquire(context.Context, int, func(time.Duration)) (func(bool), error) {
	return func(bool) {}, nil
}

func (unlimited) Update(discord.SessionStartLimit) {}

// rage runs one seed. The first seeds have one kind of fault each.
func (w *faultRun) rage(seed uint64) error {
	ctx, stop := context.WithCancel(context.Background())
	w.lane = voice.New(voice.Options{Publisher: w.pub, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	var lane sync.WaitGroup
	lane.Go(func() { w.lane.Run(ctx) })
	defer lane.Wait()
	defer stop()
	if err := w.open(gateway.Checkpoint{}); err != nil {
		return err
	}
	defer func() { w.shard.Close(context.Background()) }()
	select {
	case <-w.heard: // who comes before it is told in no order
	case <-time.After(endurance):
		return errors.New("Discord does not describe the server")
	}
	var known []voice.KnownRoom
	for _, id := range w.rooms {
		known = append(known, voice.KnownRoom{Room: room.Summary{ID: id, GuildID: snowflake.ID(w.guild)}})
	}
	tracked := make(chan struct{})
	w.lane.Track(snowflake.ID(w.guild), known, func() { close(tracked) })
	<-tracked

	kinds := gatewayFaults
	if seed < uint64(len(kinds)) {
		kinds = kinds[seed : seed+1]
	} else if seed%2 == 1 { // half of the sequences leave the session alive
		kinds = slices.DeleteFunc(slices.Clone(kinds), ends)
	}
	for i := range 40 {
		if i%4 == 3 {
			if err := w.fault(kinds[w.rnd.IntN(len(kinds))]); err != nil {
				return err
			}
		}
		if i%19 == 18 { // the process is restarted; what it knew goes with the checkpoint
			w.shard.Close(context.Background())
			if err := w.open(w.shard.Checkpoint()); err != nil {
				return err
			}
		}
		if err := w.step(); err != nil {
			return err
		}
		if w.rnd.IntN(3) == 0 { // let something of it happen
			time.Sleep(time.Duration(w.rnd.IntN(8)) * time.Millisecond)
		}
	}
	w.s.ClearFaults(0)
	if _, err := w.s.Inject(discordsim.Fault{Kind: discordsim.FaultRestore, Guild: w.guild}); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	sums := map[string]float64{}
	w.sum(sums)
	w.lossy = w.lossy || sums["identify"] > 1 // also by a timeout of the simulator, when the machine is slow
	return w.judge()
}

func (w *faultRun) open(from gateway.Checkpoint) (err error) {
	if w.shard, err = w.begun(from); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), endurance)
	defer cancel()
	return w.shard.Open(ctx)
}

// ends says whether a fault ends the session, or has the server gone for a while.
func ends(f discordsim.Fault) bool {
	return f.Kind == discordsim.FaultOutage || f.Kind == discordsim.FaultInvalidSession && !f.Resumable ||
		f.Kind == discordsim.FaultClose && (f.Code == 4007 || f.Code == 4009)
}

func (w *faultRun) fault(f discordsim.Fault) error {
	w.lossy = w.lossy || ends(f)
	if f.Kind == discordsim.FaultOutage {
		f.Guild = w.guild
	}
	_, err := w.s.Inject(f)
	return err
}

// step lets somebody join, move or leave.
func (w *faultRun) step() (err error) {
	u := w.users[w.rnd.IntN(len(w.users))]
	to := append([]discordsim.ID{0}, w.rooms...)[w.rnd.IntN(1+len(w.rooms))]
	from := w.in[u]
	switch {
	case from == to:
		return nil
	case to == 0:
		_, err = w.s.LeaveVoice(w.guild, u)
	default:
		_, err = w.s.JoinVoice(w.guild, u, to, discordsim.VoiceFlags{})
	}
	var api *discordsim.APIError
	if errors.As(err, &api) && api.Status == http.StatusNotFound {
		return nil // the server is out: nobody comes or goes
	}
	if from != 0 {
		w.truth[from] = append(w.truth[snowflake.ID(from)], fmt.Sprint("-", u))
	}
	if to != 0 {
		w.truth[to] = append(w.truth[snowflake.ID(to)], fmt.Sprint("+", u))
	}
	w.in[u] = to
	return err
}

// settle waits until the rosters are what the simulator says.
func (w *faultRun) settle() error {
	late := time.NewTimer(endurance)
	defer late.Stop()
	for {
		if w.right() == nil {
			return nil
		}
		select {
		case <-w.pub.news:
		case <-time.After(5 * time.Millisecond): // what changes nothing is not published
		case <-late.C:
			return w.right()
		}
	}
}

// right compares the rosters last published with the simulator's truth, once everything has been heard.
func (w *faultRun) right() error {
	cp := w.shard.Checkpoint()
	for _, s := range w.s.State().Applications[0].Sessions {
		if s.ID == cp.SessionID && s.Sequence != int64(cp.Seq) {
			return fmt.Errorf("of %d events %d were heard", s.Sequence, cp.Seq)
		}
	}
	if w.shard.State().Phase != gateway.Ready {
		return fmt.Errorf("the connection is %s", w.shard.State().Phase)
	}
	applied := make(chan struct{})
	w.lane.Export(w.guild, func([]voice.Occupant) { close(applied) })
	<-applied
	want := map[snowflake.ID][]snowflake.ID{}
	for _, g := range w.s.State().Guilds {
		for _, v := range g.VoiceStates {
			if v.ChannelID != nil {
				c := *v.ChannelID
				want[c] = append(want[c], v.UserID)
			}
		}
	}
	w.pub.mu.Lock()
	defer w.pub.mu.Unlock()
	for _, id := range w.rooms {
		var have []snowflake.ID
		if puts := w.pub.puts[id]; len(puts) > 0 {
			for _, p := range puts[len(puts)-1].Roster {
				have = append(have, p.UserID)
			}
		}
		slices.Sort(have)
		slices.Sort(want[id])
		if !slices.Equal(have, want[id]) {
			return fmt.Errorf("room %d: the roster is %v and should be %v", id, have, want[id])
		}
	}
	return nil
}

// judge looks at all that was published: without gaps, each change once, and
// in the order it happened; where no session was lost, every one of them.
func (w *faultRun) judge() error {
	w.pub.mu.Lock()
	defer w.pub.mu.Unlock()
	for id, puts := range w.pub.puts {
		var told []string
		in := map[snowflake.ID]bool{}
		for i, l := range puts {
			if l.N != uint64(i+1) {
				return fmt.Errorf("room %d: change %d has the number %d", id, i+1, l.N)
			}
			if l.Event == nil {
				continue
			}
			switch f := l.Event.Fact.(type) {
			case room.VoiceJoined:
				told = append(told, fmt.Sprint("+", f.Person.UserID))
				if in[f.Person.UserID] {
					return fmt.Errorf("room %d: %d joined twice", id, f.Person.UserID)
				}
				in[f.Person.UserID] = true
			case room.VoiceLeft:
				told = append(told, fmt.Sprint("-", f.UserID))
				if !in[f.UserID] {
					return fmt.Errorf("room %d: %d left without being there", id, f.UserID)
				}
				delete(in, f.UserID)
			}
		}
		if !w.lossy && !slices.Equal(told, w.truth[id]) {
			return fmt.Errorf("room %d: published was\n%v\nand happened\n%v", id, told, w.truth[id])
		}
		if len(told) > len(w.truth[id]) {
			return fmt.Errorf("room %d: %d changes were published of %d", id, len(told), len(w.truth[id]))
		}
	}
	return nil
}

func (w *faultRun) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endurance)
	defer cancel()
	return w.s.Close(ctx)
}

// sum adds what the gateway counted.
func (w *faultRun) sum(sums map[string]float64) {
	families, err := w.reg.Gather()
	if err != nil {
		return
	}
	for _, f := range families {
		if name := f.GetName(); name != "snug_gateway_connects_total" && name != "snug_gateway_events_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() != "shard" {
					sums[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
}
