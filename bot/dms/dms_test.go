package dms_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"snug/bot/discordapi"
	"snug/bot/dms"
	"snug/bot/ratelimit"
	"snug/shared/discordsim"
	"snug/shared/dmbudget"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/testkit"
	"snug/shared/testkit/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a simulated Discord with a server of many members, and a hub; each sender stands for a process.
type harness struct {
	*world.World
	people []snowflake.ID
	clock  testkit.Clock // shared by Snug and Discord
	hub    *hub.Hub
}

func newHarness(t testing.TB, people int, adjust func(*discordsim.Limits)) *harness {
	t.Helper()
	b := &harness{}
	limits := discordsim.NoRateLimits()
	if adjust != nil {
		adjust(&limits)
	}
	b.World = world.Start(t, discordsim.Options{Seed: 1, Limits: &limits, Now: b.clock.Now})
	var names []string
	for i := range people {
		names = append(names, fmt.Sprint("member", i))
	}
	b.AddGuild("Friends", names[0], names[1:]...)
	for _, n := range names {
		b.people = append(b.people, b.People[n])
	}
	b.AddBot(discordsim.ApplicationOptions{Name: "Snug"}, 0)
	return b
}

// open opens the hub; the test closes it.
func (b *harness) open(o hub.Options) {
	b.Helper()
	var err error
	b.hub, err = hub.Open(context.Background(), o)
	b.Must(err)
}

func (b *harness) close() { b.Must(b.hub.Close(context.Background())) }

func (b *harness) sender(l dmbudget.Limits) (*dms.Sender, *prometheus.Registry) {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	limiter := ratelimit.New(ratelimit.Config{Logger: quiet})
	client, err := disgo.New(b.App.BotToken, bot.WithLogger(quiet),
		bot.WithRestClientConfigOpts(append(limiter.Options(nil), rest.WithURL(b.URL+"/api/v10"))...))
	b.Must(err)
	reg := prometheus.NewRegistry()
	s, err := dms.New(dms.Options{
		Hub: b.hub, Discord: discordapi.New(client, b.clock.Now), Limits: l, Now: b.clock.Now, Log: quiet,
		Registerer: reg,
	})
	b.Must(err)
	b.Cleanup(func() { client.Rest.Close(context.Background()) })
	return s, reg
}

// counted sums a metric over its labels.
func (b *harness) counted(reg *prometheus.Registry, name string) (sum float64) {
	b.Helper()
	families, err := reg.Gather()
	b.Must(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func (b *harness) send(s *dms.Sender, to, by int) error {
	return s.Send(context.Background(), b.people[to], b.people[by], discord.MessageCreate{Content: "hello"})
}

func (b *harness) opened() discordsim.StateApplication { return b.Discord.State().Applications[0] }

func why(err error) dmbudget.Reason {
	if h, ok := errors.AsType[*dmbudget.ExceededError](err); ok {
		return h.Why
	}
	return ""
}

func wide() dmbudget.Limits {
	l := dmbudget.Defaults()
	l.Bot, l.Sender, l.Recipient = dmbudget.Rates{
		{N: 1000, In: time.Hour},
	}, dmbudget.Rates{{N: 1000, In: time.Hour}}, dmbudget.Rates{{N: 1000, In: time.Hour}}
	return l
}

// Two processes on one hub open no more than one budget allows, and a restart does not raise it.
func TestProcessesShareBudgets(t *testing.T) {
	b := newHarness(t, 42, nil)
	dir := t.TempDir()
	b.open(hub.Options{Dir: dir})
	first, metrics := b.sender(dmbudget.Defaults())
	second, _ := b.sender(dmbudget.Defaults())
	var sent, held atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		for n, s := range []*dms.Sender{first, second} {
			all.Go(func() {
				who := 2*i + n
				switch err := b.send(s, who, (who+1)%42); {
				case err == nil:
					sent.Add(1)
				case why(err) == dmbudget.ReasonBot && errs.Has(err, errs.RateLimited):
					held.Add(1)
				default:
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if sent.Load() != 10 || held.Load() != 30 || b.opened().DMsOpened != 10 {
		t.Errorf("%d sent, %d held, %d opened", sent.Load(), held.Load(), b.opened().DMsOpened)
	}
	if st := first.State(context.Background()); !st.Known || !st.HeldBack(b.clock.Now()) || len(st.Budgets) != 2 ||
		st.Budgets[0].Left != 0 || st.Budgets[1].Left != 190 || st.Held == 0 {
		t.Errorf("%+v", st)
	}
	if n := b.counted(metrics, "snug_direct_messages_total"); n != 20 {
		t.Errorf("%v outcomes are counted", n)
	}
	b.close()

	b.open(hub.Options{Dir: dir})
	defer b.close()
	again, _ := b.sender(dmbudget.Defaults())
	if err := b.send(again, 40, 41); why(err) != dmbudget.ReasonBot {
		t.Errorf("after a restart: %v", err)
	}
	b.clock.Forward(10 * time.Minute)
	b.Must(b.send(again, 40, 41))
}

// The messages one person causes and the messages one person gets are bounded; an existing DM channel costs
// no opening.
func TestPeoplesBudgets(t *testing.T) {
	b := newHarness(t, 9, nil)
	b.open(hub.Options{Dir: t.TempDir()})
	defer b.close()
	s, _ := b.sender(dmbudget.Defaults())
	for to := 1; to <= 3; to++ {
		b.Must(b.send(s, to, 0))
	}
	began := time.Now()
	if err := b.send(s, 4, 0); why(err) != dmbudget.ReasonSender || time.Since(began) > testkit.Patience/2 {
		t.Errorf("the fourth: %v, after %s", err, time.Since(began))
	}
	b.Must(b.send(s, 4, 5))
	b.Must(b.send(s, 1, 0))
	b.Must(b.send(s, 1, 0))
	if err := b.send(s, 1, 6); why(err) != dmbudget.ReasonRecipient {
		t.Errorf("the fourth to one person: %v", err)
	}
	if n := b.opened().DMsOpened; n != 4 {
		t.Errorf("%d conversations were opened", n)
	}
}

// Send waits for a budget that becomes available within MaxWait.
func TestShortWaits(t *testing.T) {
	b := newHarness(t, 4, nil)
	b.open(hub.Options{Dir: t.TempDir()})
	defer b.close()
	l := wide()
	l.Sender = dmbudget.Rates{{N: 1, In: time.Second}}
	s, _ := b.sender(l)
	b.Must(b.send(s, 1, 0))
	b.Must(b.send(s, 2, 0))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := s.Send(ctx, b.people[3], b.people[0],
		discord.MessageCreate{Content: "x"}); why(err) != dmbudget.ReasonSender {
		t.Errorf("with no time to wait: %v", err)
	}
}

// After 40003 no process opens a DM channel for ten minutes, then twenty; users with a channel still get
// messages.
func TestTooFast(t *testing.T) {
	b := newHarness(t, 12, func(l *discordsim.Limits) { l.DMs, l.DMRefusals = 3, 4 })
	b.open(hub.Options{Dir: t.TempDir()})
	defer b.close()
	first, metrics := b.sender(wide())
	second, _ := b.sender(wide())
	for to := 1; to <= 3; to++ {
		b.Must(b.send(first, to, 0))
	}
	if err := b.send(first, 4, 0); why(err) != dmbudget.ReasonPaused || !errs.Has(err, errs.RateLimited) {
		t.Fatalf("too fast: %v", err)
	}
	for _, s := range []*dms.Sender{first, second} {
		if err := b.send(s, 5, 0); why(err) != dmbudget.ReasonPaused {
			t.Errorf("in the pause: %v", err)
		}
		b.Must(b.send(s, 1, 0))
	}
	if st := second.State(context.Background()); st.Paused.Sub(b.clock.Now()).Round(time.Minute) != 10*time.Minute ||
		!st.HeldBack(b.clock.Now()) {
		t.Errorf("%+v", st)
	}
	if n, left := b.counted(metrics,
		"snug_direct_messages_opened_total"), b.counted(metrics, "snug_direct_messages_pause_seconds"); n != 3 ||
		left < 500 || left > 600 {
		t.Errorf("%v opened, %v s of a pause", n, left)
	}
	b.clock.Forward(10 * time.Minute)
	for to := 4; to <= 6; to++ {
		b.Must(b.send(second, to, 0))
	}
	if err := b.send(second, 7, 0); why(err) != dmbudget.ReasonPaused {
		t.Fatalf("too fast again: %v", err)
	}
	if st := first.State(context.Background()); st.Paused.Sub(b.clock.Now()).Round(time.Minute) != 20*time.Minute {
		t.Errorf("the second pause: %+v", st)
	}
	if b.opened().Quarantined {
		t.Error("the bot went on until it was quarantined")
	}
}

func TestQuarantine(t *testing.T) {
	b := newHarness(t, 4, nil)
	b.open(hub.Options{Dir: t.TempDir()})
	defer b.close()
	s, _ := b.sender(wide())
	b.Must(b.send(s, 1, 0))
	b.Must(b.Discord.Quarantine(b.App.ID, true))
	if err := b.send(s, 2, 0); why(err) != dmbudget.ReasonPaused {
		t.Errorf("a new one: %v", err)
	}
	if st := s.State(context.Background()); st.Paused.Sub(b.clock.Now()).Round(time.Minute) != 6*time.Hour {
		t.Errorf("%+v", st)
	}
	b.Must(b.send(s, 1, 0))
}

// A user who accepts no messages, or shares no server with the bot, gives another error than a budget.
func TestClosed(t *testing.T) {
	b := newHarness(t, 4, nil)
	b.open(hub.Options{Dir: t.TempDir()})
	defer b.close()
	s, _ := b.sender(wide())
	b.Must(b.Discord.CloseDMs(b.people[1], true))
	b.Must(b.Discord.RemoveMember(b.Guild, b.people[2]))
	for _, to := range []int{1, 2} {
		if err := b.send(s, to, 0); !errs.Has(err, errs.Forbidden) {
			t.Errorf("%d: %v", to, err)
		}
	}
}

// A DM channel that Discord no longer knows is opened again.
func TestLostConversation(t *testing.T) {
	b := newHarness(t, 3, nil)
	b.open(hub.Options{Dir: t.TempDir()})
	defer b.close()
	_, err := b.hub.DMs.Put(context.Background(), "to."+b.people[1].String(), dmbudget.Usage{Channel: 4711})
	b.Must(err)
	s, _ := b.sender(wide())
	b.Must(b.send(s, 1, 0))
	a, _, err := b.hub.DMs.Get(context.Background(), "to."+b.people[1].String())
	if err != nil || a.Channel == 4711 || a.Channel == 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

// While the hub cannot be reached no budget is known, so nothing is sent and Discord is not called.
func TestHubAway(t *testing.T) {
	server := hubtest.Start(t)
	b := newHarness(t, 4, nil)
	b.open(hub.Options{URL: server.URL(), WriteTimeout: time.Second})
	defer func() { server.Up(); b.close() }()
	s, _ := b.sender(wide())
	b.Must(b.send(s, 1, 0))
	server.Down()
	for _, to := range []int{1, 2} {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		err := s.Send(ctx, b.people[to], b.people[0], discord.MessageCreate{Content: "x"})
		cancel()
		if !errs.Has(err, errs.Unavailable) {
			t.Errorf("%d: %v", to, err)
		}
	}
	if n := b.opened().DMsOpened; n != 1 {
		t.Errorf("%d conversations were opened", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if st := s.State(ctx); st.Known || !st.HeldBack(b.clock.Now()) {
		t.Errorf("%+v", st)
	}
}
