package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/activity"
	"snug/bot/channelinfo"
	"snug/bot/commands"
	"snug/bot/discordapi"
	"snug/bot/dms"
	"snug/bot/logs"
	"snug/bot/panels"
	"snug/bot/publish"
	"snug/bot/push"
	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/bot/schedule"
	"snug/bot/shards"
	"snug/bot/shards/checkpoint"
	"snug/bot/standings"
	"snug/bot/voice"
	"snug/bot/webhooks"
	"snug/shared/access"
	"snug/shared/agent"
	"snug/shared/hub"
	"snug/shared/preset"
	"snug/shared/room"
)

// build puts the parts together, starting from Discord.
func (b *Bot) build() error {
	for _, part := range []func() error{
		b.newClient, b.newShards, b.newVoice, b.newStandings, b.newRooms, b.newCommands, b.serveCalls, b.newSchedule,
		b.newWebhooks, b.newPush,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// newClient makes the REST client.
func (b *Bot) newClient() error {
	o := b.o
	metrics, err := ratelimit.NewMetrics(o.Registerer)
	if err != nil {
		return err
	}
	b.limiter = ratelimit.New(ratelimit.Config{
		Global: o.Requests, Logger: o.Log, Metrics: metrics,
		Allow:         func(r *http.Request) error { return b.shards.Allow(r) },
		Share:         func() float64 { return b.shards.Share(cmp.Or(o.Requests, ratelimit.Global)) },
		OthersInvalid: func() int { return b.shards.RefusedElsewhere() },
	})
	b.client, err = disgo.New(o.Token,
		bot.WithLogger(logs.Warnings(o.Log)),
		bot.WithCacheConfigOpts(discordapi.Caches(func() snowflake.ID { return b.client.ApplicationID })...),
		bot.WithRestClientConfigOpts(append(b.limiter.Options(nil),
			rest.WithUserAgent(agent.Discord), rest.WithURL(o.DiscordURL+"/api/v10"))...),
		bot.WithRestConfigOpts(rest.WithDefaultAllowedMentions(discord.AllowedMentions{})),
	)
	if err != nil {
		return fmt.Errorf("bot: %w", err)
	}
	b.discord = discordapi.New(b.client, o.Now)
	b.dms, err = dms.New(dms.Options{
		Hub: o.Hub, Discord: b.discord, Limits: o.DirectMessages, Now: o.Now, Log: o.Log, Registerer: o.Registerer,
	})
	return err
}

// about is what this process says about itself to the others.
func (b *Bot) about() hub.Process {
	about := b.o.About
	about.Refused = b.limiter.State().Invalid
	return about
}

// newShards makes the gateway connections.
func (b *Bot) newShards() (err error) {
	o := b.o
	intents := Intents
	if o.Members {
		intents |= dgateway.IntentGuildMembers
	}
	b.shards, err = shards.New(b.ctx, shards.Options{
		Client: b.client, Hub: o.Hub, Keys: o.Keys, Intents: intents, Now: o.Now, Log: o.Log, Registerer: o.Registerer,
		Shared: o.Shared, Count: o.ShardCount, Takes: o.Shards, LeaseTerm: o.LeaseTerm, SaveEvery: o.SaveEvery,
		Fail: b.fail, About: b.about,
		Event:     b.event,
		Unknown:   func(kind dgateway.EventType, data json.RawMessage) { b.channelInfo.Event(kind, data) },
		Restoring: func(ids []snowflake.ID) { b.rooms.Prepare(ids) },
		Restored:  b.loadGuild,
		Beside: []func(context.Context, *shards.Shard){
			func(ctx context.Context, s *shards.Shard) {
				b.standings.Run(ctx, s.ID(), s.Owns, s.Guilds, standings.Over(s.Send))
			},
			func(ctx context.Context, s *shards.Shard) { b.channelInfo.Run(ctx, s.ID(), s.Send) },
		},
		Export:        func(guild snowflake.ID, then func([]voice.Occupant)) { b.voice.Export(guild, then) },
		Restore:       func(guild snowflake.ID, list []voice.Occupant) { b.voice.Restore(guild, list) },
		Stored:        b.stored,
		Unfinished:    b.unfinished,
		Interrupted:   b.interrupted,
		Late:          b.late,
		KnownGuilds:   func() []snowflake.ID { return b.rooms.GuildIDs() },
		StopAnswering: func(guilds ...snowflake.ID) { b.calls.Drop(guilds...) },
		Forget:        b.forgetGuild,
	})
	return err
}

// stored returns once everything is stored that followed from the guilds' events so far.
func (b *Bot) stored(ctx context.Context, guilds []snowflake.ID, now bool) error {
	if err := b.rooms.Stored(ctx, guilds, now); err != nil {
		return err
	}
	return b.activity.Stored(ctx, guilds, now)
}

// unfinished lists the interactions that the bot is at, for checkpoints.
func (b *Bot) unfinished(of func(snowflake.ID) bool) (list []checkpoint.Interaction) {
	for _, u := range b.commands.Unfinished(of) {
		list = append(list, checkpoint.Interaction(u))
	}
	return list
}

// interrupted answers interactions that a checkpoint has as unfinished.
func (b *Bot) interrupted(list []checkpoint.Interaction) {
	for _, i := range list {
		b.commands.Interrupted(commands.Unfinished(i))
	}
}

// late answers an interaction that was repeated too late, if an earlier process acknowledged it.
func (b *Bot) late(i discord.Interaction) {
	if u, ok := commands.UnfinishedOf(i); ok {
		b.commands.Interrupted(u)
	}
}

// forgetGuild forgets a guild whose shard another process has taken over.
func (b *Bot) forgetGuild(ctx context.Context, guild snowflake.ID) {
	b.voice.Sync(ctx) // nothing of it comes any more, so no move is left that the rooms would remember
	b.rooms.Release(ctx, guild)
	b.loading.done(guild, false)
	b.calls.Drop(guild) // a load still running may have begun to answer calls
	b.voice.Forget(guild)
	b.standings.Forget(guild)
}

// newVoice makes the tracker of voice states, and publishes its rosters.
func (b *Bot) newVoice() (err error) {
	o := b.o
	if b.rosters, err = publish.NewRosters(o.Hub, b.shards.Holds); err != nil {
		return err
	}
	if b.guilds, err = o.Hub.Guilds.Publisher(0); err != nil {
		return err
	}
	b.voice = voice.New(voice.Options{
		Publisher: b.rosters, Collect: collect, Now: o.Now, Log: o.Log,
		Moved:     func(m voice.Move) { b.rooms.Moved(m) },
		Published: func(p voice.Publication) { b.activity.Published(p) },
	})
	b.republisher, err = publish.NewRepublisher(publish.Options{
		Hub: o.Hub, Guilds: b.shards.Guilds, Publish: b.republishGuild, Log: o.Log, Registerer: o.Registerer,
	})
	return err
}

// republishGuild publishes a guild's rosters and, once the hub has them, the guild itself.
func (b *Bot) republishGuild(ctx context.Context, guild snowflake.ID) error {
	published := make(chan error, 1)
	b.voice.Republish(guild, func(err error) { published <- err })
	select {
	case err := <-published:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return b.rooms.Reannounce(ctx, guild)
}

// newStandings makes the cache of people's permissions in a guild.
func (b *Bot) newStandings() (err error) {
	b.standings, err = standings.New(standings.Options{
		Now: b.o.Now, Log: b.o.Log, Registerer: b.o.Registerer, StandingOf: b.discord.StandingOf,
		Changed: b.standingChanged,
		Fetch: func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
			now := b.o.Now()
			st, err := b.discord.Standing(ratelimit.WithPriority(ctx, ratelimit.Background), guild, user)
			st.CheckedAt = now
			return st, err
		},
		RoomPeople: func(guild snowflake.ID) []snowflake.ID {
			var ids []snowflake.ID
			for _, r := range b.rooms.Snapshot(guild).Rooms {
				ids = append(ids, r.OwnerID)
				for _, g := range r.Guests {
					ids = append(ids, g.UserID)
				}
			}
			return ids
		},
	})
	return err
}

// standingChanged tells the rooms and the dashboards. It only enqueues.
func (b *Bot) standingChanged(was, is access.Standing) {
	b.rooms.StandingChanged(was, is)
	if err := hub.StandingChanged.Send(b.o.Hub, room.Member{GuildID: is.GuildID, UserID: is.UserID}); err != nil {
		b.o.Log.Warn("cannot notify dashboards that a member's permissions changed; they see it when they next ask",
			"guild_id", is.GuildID, "user_id", is.UserID, "err", err)
	}
}

// newRooms makes the rooms, and the panels and notices they cause.
func (b *Bot) newRooms() error {
	o := b.o
	b.rooms = rooms.New(rooms.Options{
		Hub: o.Hub, Discord: b.discord, Voice: b.voice, Standings: b.standings, Keys: o.Keys, Now: o.Now, Log: o.Log,
		Link: o.Pages.Invite, Announce: b.announce, Coming: b.announceComing,
		SnapshotChanged:    func(guildID snowflake.ID) { b.panels.GuildChanged(guildID) },
		RequestChannelInfo: b.requestChannelInfo,
		Notify:             panels.Notifier(b.dms.Send, b.discord, o.Texts, o.Pages),
		Visits: func(ctx context.Context, key string) (room.VisitLog, error) {
			return b.activity.Visits(ctx, key)
		},
	})
	b.channelInfo = channelinfo.New(channelinfo.Options{Rooms: b.rooms, ShardOf: b.shards.Of, Log: o.Log})
	b.panels = panels.New(panels.Options{
		Rooms: b.rooms, Rest: b.client.Rest, Texts: o.Texts, Pages: o.Pages, Now: o.Now, Log: o.Log,
	})
	return nil
}

// requestChannelInfo queues a Request Channel Info for a server whose shard this process holds. It only
// enqueues.
func (b *Bot) requestChannelInfo(guild snowflake.ID) {
	if b.shards.Has(guild) {
		b.channelInfo.Add(guild)
	}
}

// newCommands makes the handlers of interactions.
func (b *Bot) newCommands() error {
	own, err := b.o.Hub.Presets.Table(b.ctx, hub.Follower[preset.List]{})
	if err != nil {
		return err
	}
	b.commands = commands.New(commands.Options{
		Rooms: b.rooms, Texts: b.o.Texts, Pages: b.o.Pages, Standing: b.discord.StandingOf, Now: b.o.Now,
		Log: b.o.Log, Rest: b.client.Rest, Application: b.client.ApplicationID,
		SavePreset: b.o.Hub.SavePreset, RemovePreset: b.o.Hub.RemovePreset,
		Presets: func(user snowflake.ID) []preset.Preset {
			l, _ := own.Get(user.String())
			return l.List
		},
	})
	b.client.EventManager.AddEventListeners(bot.NewListenerFunc(b.commands.Handle))
	return nil
}

// activityTimeout limits how long a write or cleanup of activity counts may take.
const activityTimeout = 50 * time.Second

// newSchedule sweeps rooms and counts the people in them regularly, and deletes expired activity every
// night.
func (b *Bot) newSchedule() error {
	b.activity = activity.New(activity.Options{
		Hub: b.o.Hub, Guilds: b.shards.Guilds, Now: b.o.Now, Log: b.o.Log,
		Retention: func(id snowflake.ID) time.Duration {
			if s, known := b.rooms.SettingsOf(id); known {
				return time.Duration(s.AuditRetention)
			}
			return 0 // unknown: delete nothing
		},
	})
	bounded := func(do func(context.Context) error) func() {
		return func() {
			ctx, cancel := context.WithTimeout(b.ctx, activityTimeout)
			defer cancel()
			if err := do(ctx); err != nil && b.ctx.Err() == nil {
				b.o.Log.Warn("cannot record activity or delete expired activity; retrying", "err", err)
			}
		}
	}
	b.schedule = schedule.New()
	return errors.Join(
		b.schedule.Every(SweepEvery, b.sweep),
		b.schedule.Every(time.Minute, bounded(b.activity.RecordMinute)),
		b.schedule.At("17 4 * * *", bounded(b.activity.DeleteExpired)), // at 04:17
	)
}

// newWebhooks makes the sender of webhooks.
func (b *Bot) newWebhooks() (err error) {
	b.webhooks, err = webhooks.New(webhooks.Options{
		Hub: b.o.Hub, Keys: b.o.Keys, Guilds: b.shards.Guilds, Networks: b.o.HookNetworks, Now: b.o.Now, Log: b.o.Log,
		Registerer: b.o.Registerer, Agent: "Snug (+https://www.standardwebhooks.com)",
	})
	return err
}

// newPush makes the sender of notifications to browsers.
func (b *Bot) newPush() (err error) {
	b.push, err = push.New(push.Options{
		Hub: b.o.Hub, Keys: b.o.Keys, Rooms: b.rooms, Guilds: b.shards.Guilds, Holds: b.shards.Holds, Texts: b.o.Texts,
		Contact: cmp.Or(b.o.Contact, b.o.Pages.Base), Networks: b.o.HookNetworks, Roots: b.o.PushRoots, Now: b.o.Now,
		Log: b.o.Log, Registerer: b.o.Registerer,
	})
	return err
}
