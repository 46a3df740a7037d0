// Package bot is Snug's Discord bot: it puts the parts together and passes events between them.
//
//	gateway, shards          connections to Discord, which deliver events
//	voice                    who is in which voice channel: rosters
//	rooms                    the rooms; nothing else changes them
//	commands, panels         what people type and press, and what Snug posts
//	discordapi, ratelimit    Discord's REST API
//	publish                  sends rosters to the hub, where dashboards read them
//
// events.go shows how an event travels from Discord, build.go how the parts are put together,
// and calls.go what the dashboard can ask for. Make a Bot with New, start it once and close it
// once; its other methods are safe for concurrent use.
package bot

import (
	"context"
	"crypto/x509"
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
	"snug/bot/panels"
	"snug/bot/publish"
	"snug/bot/push"
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
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/text"
)

// Intents are the gateway intents Snug identifies with; none of them is privileged. Options.Members
// adds GUILD_MEMBERS, which is.
const Intents = dgateway.IntentGuilds | dgateway.IntentGuildVoiceStates

// SweepEvery is how often Snug checks every room for a deadline or pending work.
const SweepEvery = 5 * time.Second

// collect is how long changes of voice are collected in a burst, before pages get them together.
const collect = 3 * time.Millisecond

// Options configure a Bot. GuildID, Members, Shared, Shards, ShardCount, About, LeaseTerm, SaveEvery, DirectMessages,
// Requests, HookNetworks, Contact and PushRoots are optional.
type Options struct {
	Token      string       // without "Bot "
	DiscordURL string       // https://discord.com, or the simulator's address, without a trailing slash
	GuildID    snowflake.ID // serve only this server; 0: every server the bot is in
	Hub        *hub.Hub
	Keys       *keyring.Keyring
	Pages      pages.Site
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Texts      *text.Catalog // what people read
	// Members asks for the members intent, which must be enabled in the Developer Portal. With it Snug
	// knows at once when someone leaves a server or loses a role.
	Members bool
	// Shared means that other processes run this bot on the same hub: the process that holds a shard's
	// lease connects it.
	Shared bool
	// Shards are the only ones of the bot's shards that this process connects, if it shares them; none means any.
	Shards []int
	// ShardCount is how many shards the bot has; 0 means as many as other processes run it with, or as Discord
	// recommends.
	ShardCount int
	// About is what this process says about itself to the others.
	About hub.Process
	// LeaseTerm is how long a process may stay silent before another takes over its shards; default lease.Term.
	LeaseTerm time.Duration
	// SaveEvery is how often the gateway checkpoint is saved while events arrive; default 2 s.
	SaveEvery time.Duration
	// DirectMessages are the budgets for direct messages; zero means the defaults.
	DirectMessages dmbudget.Limits
	// Requests is the bot's global rate limit in requests a second, if Discord raised it; 0 means the
	// usual 50.
	Requests int
	// HookNetworks are networks that webhooks and notifications may be sent to in addition to the public internet.
	HookNetworks []netip.Prefix
	// Contact is how push services reach whoever runs Snug: a mail address or an https address. "": at Pages.
	Contact string
	// PushRoots are the certificates that push services are trusted by; nil: the system's.
	PushRoots *x509.CertPool
}

// Bot is a running bot.
type Bot struct {
	o           Options
	client      *bot.Client
	discord     *discordapi.Discord
	dms         *dms.Sender
	voice       *voice.Tracker
	standings   *standings.Cache
	channelInfo *channelinfo.Requests
	rosters     *publish.Rosters
	guilds      *hub.Publisher[room.GuildInfo]
	republisher *publish.Republisher
	rooms       *rooms.Rooms
	commands    *commands.Commands
	panels      *panels.Panels
	calls       *hub.Calls
	schedule    *schedule.Schedule
	limiter     *ratelimit.Limiter
	activity    *activity.Recorder
	webhooks    *webhooks.Sender
	push        *push.Sender
	shards      *shards.Shards
	errors      *logs.RecentErrors // the most recent ones of each guild
	loading     *loading

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup
	// Voice states are processed a little longer than the rest, so that the last changes are published.
	voiceWG     sync.WaitGroup
	stopVoice   context.CancelFunc // nil before Start
	stopReports func()             // of fields and values that package lenient skips
	done        chan error
	registered  chan struct{} // closed once Discord has the commands
}

// New puts a bot together. It sends nothing before Start.
func New(o Options) (*Bot, error) {
	if o.DirectMessages.Bot == nil {
		o.DirectMessages = dmbudget.Defaults()
	}
	memory := logs.NewRecentErrors()
	o.Log = slog.New(logs.Handler(o.Log.Handler(), memory))
	b := &Bot{
		o: o, errors: memory, loading: newLoading(o.Log, o.Now), done: make(chan error, 1),
		registered: make(chan struct{}),
	}
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

// Start connects to Discord and returns when every shard of this process is ready, or the error that
// prevents it. With Options.Shared it returns at once, since shards connect when their leases are
// acquired. Commands are registered in the background.
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
	b.wg.Go(b.runPush)
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
		b.o.Log.Error("cannot follow events for webhooks; none are sent until Snug restarts", "err", err)
	}
}

func (b *Bot) runPush() {
	if err := b.push.Run(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Error("cannot follow events for notifications; none are sent until Snug restarts", "err", err)
	}
}

func (b *Bot) sweep() {
	if !b.shards.HoldsAny() {
		return // nothing may be done
	}
	if err := b.rooms.Sweep(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Warn("cannot finish the sweep of rooms; retrying in the next one", "err", err)
	}
}

// Sweep checks every room now, as the schedule does every SweepEvery.
func (b *Bot) Sweep(ctx context.Context) error { return b.rooms.Sweep(ctx) }

// Registered is closed once the commands are registered with Discord.
func (b *Bot) Registered() <-chan struct{} { return b.registered }

// Ready returns nil if every shard of this process is connected, else an error that lists those that
// are not. A standby process holds no shards and is ready.
func (b *Bot) Ready() error { return b.shards.Ready() }

// Done delivers the error that ended the bot for good: one that only a person can fix.
func (b *Bot) Done() <-chan error { return b.done }

// fail ends the bot for good. Only the first error counts.
func (b *Bot) fail(err error) {
	select {
	case b.done <- err:
	default:
	}
}

// handOverWait is how long a process that stops finishes what it began before it passes its shards on. People whose
// commands come meanwhile wait for the next holder, and Discord gives them three seconds.
const handOverWait = 400 * time.Millisecond

// Close stops the schedule and the gateway first, so that nothing new arrives and sessions can be
// resumed, then finishes commands and requests already begun, then publishes the remaining rosters.
//
// If other processes share the shards, they get the leases as soon as the checkpoints are saved: what isn't finished
// within a moment goes on beside that, and changes nothing of servers that are another process's by then.
func (b *Bot) Close(ctx context.Context) error {
	b.stop()
	b.loading.close()
	b.schedule.Stop()
	b.shards.Disconnect(ctx)
	var unfinished error
	finished := make(chan struct{})
	go func() { // ends below
		defer close(finished)
		unfinished = b.calls.Close(ctx)
		b.commands.Close(ctx)
		b.wg.Wait()
		b.panels.Close()
	}()
	if b.o.Shared {
		select {
		case <-finished:
		case <-time.After(handOverWait):
		}
	} else {
		<-finished
	}
	if b.stopVoice != nil {
		b.voice.Sync(ctx) // nothing comes any more
	}
	b.rooms.Save(ctx)
	b.activity.Close()
	b.shards.Save(ctx)
	b.rosters.Flush(ctx)
	b.shards.Release()
	<-finished
	b.rooms.Close()
	b.stopReports()
	if b.stopVoice != nil {
		b.stopVoice()
		b.voiceWG.Wait()
	}
	b.client.Rest.Close(ctx)
	return errors.Join(unfinished, b.rosters.Close(ctx), b.guilds.Close(ctx), b.shards.Close(ctx))
}
