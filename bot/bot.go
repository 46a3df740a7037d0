// Package bot is Snug's Discord bot: the gateway connection, the fast lane
// (presence), the rooms (keeper) and the slash commands, put together.
//
// An event's path is read in events.go; what the dashboard asks for is read
// in calls.go. A Bot is made with New, started once and closed once; its
// other methods may be called from anywhere.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/robfig/cron/v3"

	"snug/bot/activity"
	"snug/bot/commands"
	"snug/bot/direct"
	"snug/bot/discordapi"
	"snug/bot/lenient"
	"snug/bot/logs"
	"snug/bot/message"
	"snug/bot/panels"
	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/bot/shards/checkpoint"
	"snug/bot/standings"
	"snug/bot/voice"
	"snug/bot/webhooks"
	"snug/shared/agent"
	"snug/shared/dm"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/text"
)

// Intents are what Snug asks Discord to tell; none of them is privileged.
// Options.Members adds the members intent, which is.
const Intents = dgateway.IntentGuilds | dgateway.IntentGuildVoiceStates

// SweepEvery is how often the reaper looks at every room.
const SweepEvery = 5 * time.Second

// Options of a Bot. All are needed but GuildID, Members, Shared, LeaseTerm, SaveEvery, DirectMessages,
// Requests and HookNetworks.
type Options struct {
	Token      string       // without "Bot "
	DiscordURL string       // https://discord.com, or a simulator's address, without a trailing slash
	GuildID    snowflake.ID // serve this server alone; 0: all the bot is in
	Hub        *hub.Hub
	Keys       *keyring.Keyring
	Pages      message.Pages
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Texts      *text.Catalog // what people read
	// Members asks for the members intent, which has to be allowed in the
	// Developer Portal: who leaves a server or loses a role is known at once.
	Members bool
	// Shared says that other processes run this bot on the same hub: each
	// shard is connected by the one that holds its lease.
	Shared bool
	// LeaseTerm is how long a process may not be heard of before another takes its shards over; default 15 s.
	LeaseTerm time.Duration
	// SaveEvery is how often the gateway's checkpoint is saved while events come; default SaveEvery.
	SaveEvery time.Duration
	// DirectMessages are the budgets of direct messages; zero: the defaults.
	DirectMessages dm.Limits
	// Requests are how many a second Discord allows this bot, where it allows more than the usual 50; 0: those.
	Requests int
	// HookNetworks are networks that webhooks may be sent to beside the public internet.
	HookNetworks []netip.Prefix
}

// Bot is a running bot.
type Bot struct {
	o         Options
	client    *bot.Client
	discord   *discordapi.Discord
	direct    *direct.Sender
	presence  *voice.Tracker
	standings *standings.Cache
	rosters   *publisher
	keeper    *rooms.Rooms
	commands  *commands.Commands
	panels    *panels.Panels
	calls     *hub.Calls
	cron      *cron.Cron
	rounds    rounds
	limiter   *ratelimit.Limiter
	tally     *activity.Recorder
	hooks     *webhooks.Sender
	seen      *once
	metrics   *metrics
	troubles  *logs.Memory

	checkpoints *checkpoint.Store

	shards shards

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup
	lane sync.WaitGroup // presence outlives the rest, so that what was told last is published
	deaf func()         // ends listening to what was left out
	halt context.CancelFunc
	done chan error
	told chan struct{} // closed once Discord has the commands
}

// New puts a bot together; nothing is sent before Start.
func New(o Options) (*Bot, error) {
	if o.SaveEvery <= 0 {
		o.SaveEvery = SaveEvery
	}
	if o.DirectMessages.Bot == nil {
		o.DirectMessages = dm.Defaults()
	}
	troubles := logs.NewMemory()
	o.Log = slog.New(logs.Handler(o.Log.Handler(), troubles))
	b := &Bot{o: o, troubles: troubles, done: make(chan error, 1), told: make(chan struct{}), seen: newOnce()}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.shards.opening, b.shards.savers = make(chan struct{}, 1), map[int]*saver{}
	b.shards.opening <- struct{}{}
	if err := b.build(); err != nil {
		b.stop()
		return nil, err
	}
	b.deaf = lenient.Listen(b.unread())
	return b, nil
}

func (b *Bot) build() (err error) {
	o := b.o
	metrics, err := ratelimit.NewMetrics(o.Registerer)
	if err != nil {
		return err
	}
	b.limiter = ratelimit.New(ratelimit.Config{Global: o.Requests, Allow: b.mayAsk, Logger: o.Log, Metrics: metrics})
	b.client, err = disgo.New(o.Token,
		bot.WithLogger(quiet(o.Log)),
		bot.WithCacheConfigOpts(discordapi.Caches(func() snowflake.ID { return b.client.ApplicationID })...),
		bot.WithRestClientConfigOpts(append(b.limiter.Options(nil), rest.WithUserAgent(agent.Discord),
			rest.WithURL(o.DiscordURL+"/api/v10"))...),
		bot.WithRestConfigOpts(rest.WithDefaultAllowedMentions(discord.AllowedMentions{})),
	)
	if err != nil {
		return fmt.Errorf("bot: %w", err)
	}
	if b.rosters, err = newPublisher(o.Hub, b.holds); err != nil {
		return err
	}
	if b.checkpoints, err = checkpoint.New(o.Hub, o.Keys); err != nil {
		return err
	}
	if b.metrics, err = newMetrics(o.Registerer); err != nil {
		return err
	}
	if b.calls, err = o.Hub.Calls(0); err != nil {
		return err
	}
	b.discord = discordapi.New(b.client, o.Now)
	b.direct, err = direct.New(direct.Options{
		Hub: o.Hub, Discord: b.discord, Limits: o.DirectMessages, Now: o.Now, Log: o.Log, Registerer: o.Registerer,
	})
	if err != nil {
		return err
	}
	b.presence = voice.New(voice.Options{
		Publisher: b.rosters, Now: o.Now, Log: o.Log,
		Moved: func(m voice.Move) { b.keeper.Moved(m) },
	})
	if b.standings, err = b.newStandings(); err != nil {
		return err
	}
	b.keeper = rooms.New(rooms.Options{
		Hub: o.Hub, Discord: b.discord, Voice: b.presence, Standings: b.standings, Keys: o.Keys, Now: o.Now, Log: o.Log,
		Link: o.Pages.Invite, Announce: b.announce,
		SnapshotChanged:    func(guildID snowflake.ID) { b.panels.Touch(guildID) },
		RequestChannelInfo: b.askInfo,
		Notify:             panels.Teller(b.direct.Send, b.discord, o.Texts, o.Pages),
	})
	b.panels = panels.New(panels.Options{
		Keeper: b.keeper, Rest: b.client.Rest, Texts: o.Texts, Pages: o.Pages, Now: o.Now, Log: o.Log,
	})
	b.commands = commands.New(commands.Options{
		Keeper: b.keeper, Texts: o.Texts, Pages: o.Pages, Standing: b.discord.StandingOf, Now: o.Now, Log: o.Log,
	})
	b.client.EventManager.AddEventListeners(bot.NewListenerFunc(b.commands.Handle))
	b.serveCalls()
	// robfig/cron only calls the sweep; what is due is judged by the injected clock.
	b.cron = cron.New(cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))
	b.rounds = rounds{cron: b.cron}
	if err = b.rounds.add(SweepEvery, b.sweep); err != nil {
		return err
	}
	if err := b.tellHooks(); err != nil {
		return err
	}
	return b.count()
}

// Start connects to Discord and returns when every shard of this process is
// ready, or with why that cannot be. Where shards are shared, it returns at
// once: shards come as their leases do. Commands are registered in the background.
func (b *Bot) Start(ctx context.Context) error {
	lane, halt := context.WithCancel(context.Background())
	b.halt = halt
	b.lane.Go(func() { b.presence.Run(lane) })
	if err := b.follow(); err != nil {
		return err
	}
	if err := b.connect(ctx); err != nil {
		return err
	}
	b.wg.Go(b.register)
	b.wg.Go(b.runHooks)
	b.cron.Start()
	b.wg.Go(func() { b.rounds.watch(b.ctx) })
	return nil
}

// maxUnread is how many different things that were left out are logged; all are counted.
const maxUnread = 100

// unread takes what was left out of what Discord sent.
func (b *Bot) unread() func(lenient.Drop) {
	var mu sync.Mutex
	said := map[string]bool{}
	return func(d lenient.Drop) {
		b.metrics.unread.Inc()
		mu.Lock()
		first := !said[d.Where] && len(said) < maxUnread
		if first {
			said[d.Where] = true
		}
		mu.Unlock()
		if first {
			b.o.Log.Warn("Discord sent something that Snug does not know; it is left out, here and from now on. A newer Snug may know it",
				"where", d.Where, "err", d.Err)
		}
	}
}

func (b *Bot) sweep() {
	if leases := b.leases(); leases != nil && !leases.Any() {
		return // nothing may be done
	}
	if err := b.keeper.Sweep(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Warn("a sweep left something for the next", "err", err)
	}
}

// Sweep runs the reaper's round now, as cron does every SweepEvery.
func (b *Bot) Sweep(ctx context.Context) error { return b.keeper.Sweep(ctx) }

// Registered is closed once Discord has taken the commands.
func (b *Bot) Registered() <-chan struct{} { return b.told }

// Done gives the error that ended the bot for good: one that only a person can mend.
func (b *Bot) Done() <-chan error { return b.done }

// Close stops: cron and the gateway first, so that nothing new comes in and the
// session can be resumed, then commands and requests that were begun, then what
// presence still has to tell. The shards' leases are freed last.
func (b *Bot) Close(ctx context.Context) error {
	b.stop()
	<-b.cron.Stop().Done()
	savers := b.disconnect(ctx)
	err := b.calls.Close(ctx)
	b.commands.Close(ctx)
	b.wg.Wait()
	b.panels.Close()
	b.tally.Close()
	for _, s := range savers {
		s.save(ctx)
	}
	b.keeper.Close()
	b.deaf()
	if b.halt != nil {
		b.halt()
		b.lane.Wait()
	}
	b.client.Rest.Close(ctx)
	err = errors.Join(err, b.rosters.close(ctx), b.checkpoints.Close(ctx))
	b.release()
	return err
}
