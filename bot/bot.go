// Package bot is Snug's Discord bot: its parts put together.
//
//	gateway, shards          connections to Discord: events come in
//	voice                    who is in which voice channel: rosters
//	rooms                    rooms, which nothing else changes
//	commands, panels         what people type and press, and what Snug posts
//	discordapi, ratelimit    Discord's REST interface
//	publish                  rosters to the hub, where dashboards see them
//
// An event's way from Discord is read in events.go, how the parts are put
// together in build.go, and what the dashboard asks for in calls.go. A Bot is
// made with New, started once and closed once; its other methods may be called
// from anywhere.
package bot

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/disgoorg/disgo/bot"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/activity"
	"snug/bot/channelinfo"
	"snug/bot/commands"
	"snug/bot/discordapi"
	"snug/bot/dms"
	"snug/bot/lenient"
	"snug/bot/logs"
	"snug/bot/message"
	"snug/bot/panels"
	"snug/bot/publish"
	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/bot/schedule"
	"snug/bot/shards"
	"snug/bot/standings"
	"snug/bot/voice"
	"snug/bot/webhooks"
	"snug/shared/dmbudget"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/text"
)

// Intents are what Snug asks Discord to tell; none of them is privileged.
// Options.Members adds the members intent, which is.
const Intents = dgateway.IntentGuilds | dgateway.IntentGuildVoiceStates

// SweepEvery is how often every room is looked at: whether it is to be closed, and whether anything is left to do.
const SweepEvery = 5 * time.Second

// Options of a Bot. All are needed but GuildID, Members, Shared, LeaseTerm, SaveEvery, DirectMessages,
// Requests and HookNetworks.
type Options struct {
	Token      string       // without "Bot "
	DiscordURL string       // https://discord.com, or the simulator's address, without a trailing slash
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
	// SaveEvery is how often the gateway's checkpoint is saved while events come; default 2 s.
	SaveEvery time.Duration
	// DirectMessages are the budgets of direct messages; zero: the defaults.
	DirectMessages dmbudget.Limits
	// Requests are how many a second Discord allows this bot, where it allows more than the usual 50; 0: those.
	Requests int
	// HookNetworks are networks that webhooks may be sent to beside the public internet.
	HookNetworks []netip.Prefix
}

// Bot is a running bot. Its parts are put together in build.go.
type Bot struct {
	o           Options
	client      *bot.Client
	discord     *discordapi.Discord
	dms         *dms.Sender
	voice       *voice.Tracker
	standings   *standings.Cache
	channelInfo *channelinfo.Requests
	rosters     *publish.Rosters
	republisher *publish.Republisher
	rooms       *rooms.Rooms
	commands    *commands.Commands
	panels      *panels.Panels
	calls       *hub.Calls
	schedule    *schedule.Schedule
	limiter     *ratelimit.Limiter
	activity    *activity.Recorder
	webhooks    *webhooks.Sender
	shards      *shards.Shards
	errors      *logs.RecentErrors // the last ones about each guild

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup
	// who is in voice is followed longer than the rest, so that what came last is published
	voiceWG     sync.WaitGroup
	stopVoice   context.CancelFunc // nil before Start
	stopReports func()             // of what is left out of what Discord sends
	done        chan error
	registered  chan struct{} // closed once Discord has the commands
}

// New puts a bot together; nothing is sent before Start.
func New(o Options) (*Bot, error) {
	if o.DirectMessages.Bot == nil {
		o.DirectMessages = dmbudget.Defaults()
	}
	memory := logs.NewRecentErrors()
	o.Log = slog.New(logs.Handler(o.Log.Handler(), memory))
	b := &Bot{o: o, errors: memory, done: make(chan error, 1), registered: make(chan struct{})}
	b.ctx, b.stop = context.WithCancel(context.Background())
	err := b.build()
	if err == nil {
		b.stopReports, err = lenient.Report(o.Log, o.Registerer)
	}
	if err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// Start connects to Discord and returns when every shard of this process is
// ready, or with why that cannot be. Where shards are shared, it returns at
// once: shards come as their leases do. Commands are registered in the background.
func (b *Bot) Start(ctx context.Context) error {
	ctxVoice, stop := context.WithCancel(context.Background())
	b.stopVoice = stop
	b.voiceWG.Go(func() { b.voice.Run(ctxVoice) })
	wait, err := b.republisher.Follow(b.ctx)
	b.wg.Go(wait)
	if err != nil {
		return err
	}
	if err := b.shards.Connect(ctx); err != nil {
		return err
	}
	b.wg.Go(b.register)
	b.wg.Go(b.runWebhooks)
	b.schedule.Start()
	return nil
}

func (b *Bot) register() {
	if commands.Register(b.ctx, commands.Registration{
		Rest: b.client.Rest, Application: b.client.ApplicationID, Guild: b.o.GuildID, Texts: b.o.Texts, Log: b.o.Log,
	}) == nil {
		close(b.registered)
	}
}

func (b *Bot) runWebhooks() {
	if err := b.webhooks.Run(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Error("webhooks are not told what happens", "err", err)
	}
}

func (b *Bot) sweep() {
	if !b.shards.HoldsAny() {
		return // nothing may be done
	}
	if err := b.rooms.Sweep(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Warn("a sweep left something for the next", "err", err)
	}
}

// Sweep looks at every room now, as cron does every SweepEvery.
func (b *Bot) Sweep(ctx context.Context) error { return b.rooms.Sweep(ctx) }

// Registered is closed once Discord has taken the commands.
func (b *Bot) Registered() <-chan struct{} { return b.registered }

// Ready says whether every shard of this process is connected; if not, what is
// missing. A process that stands by has none and is ready.
func (b *Bot) Ready() error { return b.shards.Ready() }

// Done gives the error that ended the bot for good: one that only a person can mend.
func (b *Bot) Done() <-chan error { return b.done }

// fail ends the bot for good; the first reason counts.
func (b *Bot) fail(err error) {
	select {
	case b.done <- err:
	default:
	}
}

// Close stops: the schedule and the gateway first, so that nothing new comes in
// and sessions can be resumed, then commands and requests that were begun, then
// rosters that are still to be published. The shards' leases are freed last.
func (b *Bot) Close(ctx context.Context) error {
	b.stop()
	b.schedule.Stop()
	b.shards.Disconnect(ctx)
	err := b.calls.Close(ctx)
	b.commands.Close(ctx)
	b.wg.Wait()
	b.panels.Close()
	b.activity.Close()
	b.shards.Save(ctx)
	b.rooms.Close()
	b.stopReports()
	if b.stopVoice != nil {
		b.stopVoice()
		b.voiceWG.Wait()
	}
	b.client.Rest.Close(ctx)
	return errors.Join(err, b.rosters.Close(ctx), b.shards.Close(ctx))
}
