package roomstest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/publish"
	"snug/bot/rooms"
	"snug/bot/standings"
	"snug/bot/voice"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/keyring"
	"snug/shared/room"
)

// Options of a Bot. All but Notify are required.
type Options struct {
	Hub  *hub.Hub
	Keys *keyring.Keyring
	Now  func() time.Time
	Log  *slog.Logger
	// Notify is as for rooms.Options; by default every notice is delivered.
	Notify func(ctx context.Context, guildID snowflake.ID, language string, n rooms.Notice) error
}

// Bot runs the rooms of a server in memory on a hub, as the bot does: it follows what happens there, and answers the
// dashboard's calls.
type Bot struct {
	*rooms.Rooms
	Discord *Discord
	Calls   *hub.Calls

	o         Options
	voice     *voice.Tracker
	standings *standings.Cache
	rosters   *publish.Rosters
	stop      func() error
}

// Start starts a Bot, which runs until the test ends or Stop is called. The hub must be open until then.
func Start(t testing.TB, d *Discord, o Options) *Bot {
	t.Helper()
	if o.Notify == nil {
		o.Notify = func(context.Context, snowflake.ID, string, rooms.Notice) error { return nil }
	}
	b := &Bot{Discord: d, o: o}
	if err := b.build(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.voice.Run(ctx)
	}()
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		b.follow(ctx)
	}()
	b.stop = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := b.Calls.Close(ctx)
		b.Rooms.Close()
		stop()
		<-followed
		<-ended
		return errors.Join(err, b.rosters.Close(ctx))
	})
	t.Cleanup(func() { b.Stop(t) })
	return b
}

// Stop ends the Bot. Another may be started on the same Discord and hub, as after a restart.
func (b *Bot) Stop(t testing.TB) {
	t.Helper()
	if err := b.stop(); err != nil {
		t.Error(err)
	}
}

func (b *Bot) build() (err error) {
	o, asked := b.o, calls{b.Discord}
	if b.Calls, err = o.Hub.Calls(0); err != nil {
		return err
	}
	if b.rosters, err = publish.NewRosters(o.Hub, func(snowflake.ID) bool { return true }); err != nil {
		return err
	}
	b.voice = voice.New(voice.Options{
		Publisher: b.rosters, Now: o.Now, Log: o.Log, Moved: func(m voice.Move) { b.Moved(m) },
	})
	b.standings, err = standings.New(standings.Options{
		Now: o.Now, Log: o.Log, Registerer: prometheus.NewRegistry(), Fetch: asked.Standing,
		StandingOf: func(m discord.Member) access.Standing { return b.standing(m.User.ID) },
		RoomPeople: func(snowflake.ID) []snowflake.ID { return nil },
		Changed: func(was, is access.Standing) {
			b.StandingChanged(was, is)
			if err := hub.StandingChanged.Send(o.Hub, room.Member{GuildID: is.GuildID, UserID: is.UserID}); err != nil {
				o.Log.Error("watchers were not told that a standing changed", "err", err)
			}
		},
	})
	if err != nil {
		return err
	}
	b.Rooms = rooms.New(rooms.Options{
		Hub: o.Hub, Discord: asked, Voice: b.voice, Standings: b.standings, Keys: o.Keys, Now: o.Now, Log: o.Log,
		Announce: b.announce, RequestChannelInfo: func(snowflake.ID) { b.Discord.requestInfo() }, Notify: o.Notify,
		Link: func(code string) string { return code },
	})
	b.Rooms.Serve(b.Calls)
	return nil
}

// announce publishes the guild, and begins or ends to answer for it.
func (b *Bot) announce(ctx context.Context, info room.GuildInfo) error {
	if !info.Ready {
		b.Calls.Drop(info.ID)
	} else if err := b.Calls.Hold(ctx, info.ID); err != nil {
		return err
	}
	_, err := b.o.Hub.Guilds.Put(ctx, info.ID.String(), info)
	return err
}

// LoadGuild has the guild loaded under a name. It is announced as ready soon.
func (b *Bot) LoadGuild(name string) {
	d := b.Discord
	d.mu.Lock()
	channels := d.all()
	var states []discord.VoiceState
	var members []discord.Member
	for _, user := range slices.Sorted(maps.Keys(d.voice)) {
		s, m := d.state(user)
		states, members = append(states, s), append(members, m)
	}
	d.mu.Unlock()
	b.voice.Guild(d.guild, states, members)
	b.Load(room.GuildInfo{ID: d.guild, Name: name}, channels)
}

// follow takes the Discord's events until ctx ends.
func (b *Bot) follow(ctx context.Context) {
	for {
		select {
		case <-b.Discord.woken:
		case <-ctx.Done():
			return
		}
		for _, e := range b.Discord.takeEvents() {
			b.event(e)
		}
		b.Discord.followed()
	}
}

// HoldBack publishes no change of a room until release is called.
func (b *Bot) HoldBack() (release func()) {
	held := make(chan struct{})
	b.voice.Track(b.Discord.guild, nil, func() { <-held })
	return func() { close(held) }
}

// Sync waits until the Bot has been told all that happened in Discord so far. It may still be at work on it.
func (b *Bot) Sync() {
	b.Discord.awaitFollowed()
	done := make(chan struct{})
	b.voice.Export(b.Discord.guild, func([]voice.Occupant) { close(done) })
	<-done
}

func (b *Bot) event(e event) {
	d := b.Discord
	d.mu.Lock()
	state, member := d.state(e.voice)
	if state.ChannelID = &e.in; e.in == 0 {
		state.ChannelID = nil
	}
	c := d.channels[e.changed]
	var changed rooms.Channel
	if c != nil {
		changed = d.listed(c)
	}
	info := d.info()
	d.mu.Unlock()
	switch {
	case e.info:
		b.ChannelInfoReceived(d.guild, e.asked, info)
	case e.status != 0:
		b.StatusUpdated(d.guild, e.status, info[e.status].Status)
	case e.voice != 0:
		b.voice.VoiceState(state, member, room.Mark{})
	case c != nil && c.Kind == rooms.KindVoice:
		b.ChannelChanged(d.guild, changed)
	case c != nil:
		b.GateChanged(d.guild)
	case e.deleted != 0:
		b.ChannelDeleted(d.guild, e.deleted)
	}
}

// SetMember adds a member, or gives one these roles alone and all else anew. The bot knows it when it returns.
func (b *Bot) SetMember(id snowflake.ID, username, displayName string, roles ...snowflake.ID) {
	b.Discord.SetMember(id, username, displayName, roles...)
	b.standings.Put(b.standing(id))
}

// EditMember changes what a member is. The bot knows it when it returns.
func (b *Bot) EditMember(id snowflake.ID, change func(*access.Standing)) {
	b.Discord.EditMember(id, change)
	b.standings.Put(b.standing(id))
}

// RemoveMember has a member leave the server. The bot knows it when it returns.
func (b *Bot) RemoveMember(id snowflake.ID) {
	b.Discord.RemoveMember(id)
	b.standings.Put(b.standing(id))
}

func (b *Bot) standing(user snowflake.ID) access.Standing {
	b.Discord.mu.Lock()
	defer b.Discord.mu.Unlock()
	return b.Discord.standing(user)
}
