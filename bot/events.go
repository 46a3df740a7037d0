package bot

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/room"
	"snug/shared/schema"
)

// event takes every gateway event of a shard, in order. Nothing here waits:
// presence, keeper and commands enqueue and return.
func (b *Bot) event(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) {
	s := b.saver(g.ShardID())
	if s == nil {
		return // given up
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched(data)
	switch e := data.(type) {
	case dgateway.EventVoiceStateUpdate: // the fast lane, before anything else
		if b.serves(e.GuildID) {
			b.heard(e.GuildID, e.VoiceState, e.Member)
			b.presence.VoiceState(e.VoiceState, e.Member)
		}
		return
	case dgateway.EventGuildMembersChunk:
		b.member(data)
		return
	case dgateway.EventRateLimited:
		b.limited(s.id, e)
		return
	case dgateway.EventInteractionCreate:
		b.interaction(s, interaction{g, kind, seq, data}, e)
		return
	case dgateway.EventReady:
		b.dropMissing(s, g.ShardCount(), e)
	case dgateway.EventGuildCreate:
		b.dropStale(e)
	}
	b.remember(g, kind, seq, data)
	b.member(data)
	b.judgedBy(data)

	switch e := data.(type) {
	case dgateway.EventGuildCreate:
		if b.serves(e.ID) && !e.Unavailable {
			for _, m := range e.Members { // those in voice
				m.GuildID = e.ID
				b.keeper.ObserveStanding(b.discord.StandingOf(m))
			}
			b.presence.Guild(e.ID, e.VoiceStates, e.Members)
			if !s.replaying {
				b.keeper.Load(infoOf(e.Guild), b.discord.VoiceChannels(e.ID, e.Channels))
			}
		}
	case dgateway.EventGuildDelete:
		if e.Unavailable {
			b.keeper.Unready(e.ID)
		} else {
			b.keeper.Left(e.ID)
			b.presence.GuildGone(e.ID)
		}
	case dgateway.EventChannelUpdate:
		if c, ok := b.discord.VoiceChannel(e.GuildID(), e.GuildChannel); ok {
			b.keeper.ChannelChanged(e.GuildID(), c)
		} else if e.Type() == discord.ChannelTypeGuildCategory {
			b.keeper.GateChanged(e.GuildID())
		}
	case dgateway.EventGuildRoleCreate:
		b.keeper.GateChanged(e.GuildID)
	case dgateway.EventGuildRoleUpdate:
		b.keeper.GateChanged(e.GuildID)
	case dgateway.EventGuildRoleDelete:
		b.keeper.GateChanged(e.GuildID)
	case dgateway.EventGuildUpdate: // its owner may be another
		b.keeper.GateChanged(e.ID)
	case dgateway.EventGuildMemberRemove:
		// told only with the members intent; without it who owns a room is asked after
		b.keeper.MemberGone(e.GuildID, e.User.ID)
		b.keeper.LearnStanding(access.Standing{GuildID: e.GuildID, UserID: e.User.ID, CheckedAt: b.o.Now()})
	case dgateway.EventGuildMemberUpdate:
		e.Member.GuildID = e.GuildID
		b.keeper.LearnStanding(b.discord.StandingOf(e.Member))
		b.keeper.Arrived(e.GuildID, e.User.ID)
	case dgateway.EventGuildMemberAdd:
		e.Member.GuildID = e.GuildID
		b.keeper.LearnStanding(b.discord.StandingOf(e.Member))
		b.keeper.Arrived(e.GuildID, e.User.ID)
	case dgateway.EventChannelDelete:
		b.keeper.ChannelDeleted(e.GuildID(), e.ID())
		b.keeper.GateChanged(e.GuildID())
	case dgateway.EventReady, dgateway.EventResumed:
		b.caughtUp(s, kind == dgateway.EventTypeResumed)
	}
}

// remember has disgo's caches follow an event. Should they trip over something,
// what Snug itself makes of the event is not lost with it.
func (b *Bot) remember(g dgateway.Gateway, kind dgateway.EventType, seq int, data dgateway.EventData) {
	defer func() {
		if p := recover(); p != nil {
			b.o.Log.Error("disgo's caches could not follow an event", "event", string(kind), "shard", g.ShardID(),
				"seq", seq, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	switch e := data.(type) {
	case dgateway.EventReady:
		if e.User.ID == 0 { // it could not be read
			return
		}
	case dgateway.EventGuildCreate: // less to trip over, and Snug has no use for it
		e.Threads, e.Presences, e.Emojis, e.Stickers = nil, nil, nil, nil
		e.StageInstances, e.GuildScheduledEvents, e.SoundboardSounds = nil, nil, nil
		data = e
	}
	b.client.EventManager.HandleGatewayEvent(g, kind, seq, data)
}

// heard takes what Discord says of somebody who comes into a voice channel.
func (b *Bot) heard(guild snowflake.ID, v discord.VoiceState, m discord.Member) {
	if v.ChannelID != nil && m.User.ID != 0 && b.presence.ChannelOf(guild, m.User.ID) != *v.ChannelID {
		m.GuildID = guild
		b.keeper.ObserveStanding(b.discord.StandingOf(m))
	}
}

// interaction hands an interaction to the commands, once: an earlier process
// may have taken it, and its answer is then refused by Discord; this process
// remembers. What was missed waits until the rooms are there.
func (b *Bot) interaction(s *saver, i interaction, e dgateway.EventInteractionCreate) {
	switch {
	case s.replaying:
		s.held = append(s.held, i)
	case b.seen.first(e.Interaction.ID()):
		b.member(i.data)
		b.client.EventManager.HandleGatewayEvent(i.g, i.kind, i.seq, i.data)
	default:
		b.metrics.repeated()
	}
}

// answerable is how long Discord waits for an interaction's first answer.
const answerable = 3 * time.Second

// caughtUp follows a start: with resumed, everything missed has been repeated,
// and what was restored is compared as after a GUILD_CREATE. Otherwise the
// session was a new one and Discord describes each guild.
func (b *Bot) caughtUp(s *saver, resumed bool) {
	if !s.replaying {
		return
	}
	s.replaying = false
	held := s.held
	s.held = nil
	if resumed {
		for id := range s.guilds {
			if g, ok := s.read(id); ok && b.serves(id) {
				b.keeper.Load(infoOf(g.Guild), b.discord.VoiceChannels(id, g.Channels))
			}
		}
	}
	for _, i := range held {
		e := i.data.(dgateway.EventInteractionCreate)
		if age := b.o.Now().Sub(e.Interaction.ID().Time()); age >= answerable {
			b.o.Log.Info("an interaction came too late to be answered", "shard", s.id, "age", age)
			b.metrics.late()
			continue
		}
		b.interaction(s, i, e)
	}
}

func (b *Bot) serves(guild snowflake.ID) bool { return b.o.GuildID == 0 || b.o.GuildID == guild }

func infoOf(g discord.Guild) room.GuildInfo {
	info := room.GuildInfo{ID: g.ID, Name: schema.Printable(g.Name, g.ID.String()), Locale: g.PreferredLocale}
	if g.Icon != nil {
		info.Icon = *g.Icon
	}
	return info
}

// dropStale lets go of channels and roles that a guild's description does not
// list any more: disgo only adds.
func (b *Bot) dropStale(e dgateway.EventGuildCreate) {
	if e.Unavailable {
		return
	}
	caches := b.client.Caches
	channels, roles := map[snowflake.ID]bool{}, map[snowflake.ID]bool{}
	for _, c := range e.Channels {
		channels[c.ID()] = true
	}
	for _, r := range e.Roles {
		roles[r.ID] = true
	}
	for _, c := range slices.Collect(caches.ChannelsForGuild(e.ID)) { // collected: the iterator holds a lock
		if !channels[c.ID()] {
			caches.RemoveChannel(c.ID())
		}
	}
	for _, r := range slices.Collect(caches.Roles(e.ID)) {
		if !roles[r.ID] {
			caches.RemoveRole(e.ID, r.ID)
		}
	}
}

// dropMissing lets go of guilds that a fresh READY no longer lists: the bot was removed while it was away.
// Those it lists are expected.
func (b *Bot) dropMissing(s *saver, shards int, e dgateway.EventReady) {
	if e.Guilds == nil { // the list could not be read; one that is empty is not nil
		return
	}
	known := map[snowflake.ID]bool{}
	for _, id := range b.keeper.Holds() {
		if shardOf(id, shards) == s.id {
			known[id] = true
		}
	}
	for id := range s.guilds { // what was restored is not held yet
		known[id] = true
	}
	for _, g := range e.Guilds {
		delete(known, g.ID)
		if b.serves(g.ID) {
			b.keeper.Expect(g.ID) // else its pages would say, until it comes, that there is none
		}
	}
	caches := b.client.Caches
	for id := range known {
		b.keeper.Left(id)
		b.presence.GuildGone(id)
		caches.RemoveGuild(id)
		caches.RemoveChannelsByGuildID(id)
		caches.RemoveRolesByGuildID(id)
		s.drop(id)
	}
}

// announce tells the dashboard of a guild, and begins or ends to answer for it.
func (b *Bot) announce(ctx context.Context, info room.GuildInfo) error {
	if !info.Ready {
		b.calls.Drop(info.ID)
	} else if err := b.mine(info.ID); err != nil {
		return err
	} else if err := b.calls.HoldFor(ctx, b.term(info.ID), info.ID); err != nil {
		return err
	}
	_, err := b.o.Hub.Guilds.Put(ctx, info.ID.String(), info)
	return err
}
