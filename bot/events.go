package bot

import (
	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/shards"
	"snug/shared/access"
	"snug/shared/room"
	"snug/shared/schema"
)

// event handles every gateway event of a shard, in order. Nothing here blocks: voice, rooms and
// commands enqueue and return.
//
//   - A voice state goes straight to voice, which publishes the room's roster to the hub, from
//     where the dashboard sends it to browsers.
//   - An interaction goes to commands.
//   - Everything else first updates disgo's caches, which the rest reads, then goes to standings
//     (what people may do) and to rooms.
func (b *Bot) event(s *shards.Shard, e shards.Event) {
	switch data := e.Data.(type) {
	case dgateway.EventVoiceStateUpdate:
		if b.serves(data.GuildID) {
			b.observeMember(data)
			b.voice.VoiceState(data.VoiceState, data.Member, e.Mark)
		}
	case dgateway.EventInteractionCreate:
		b.standings.Event(s.ID(), data)
		b.client.EventManager.HandleGatewayEvent(e.Gateway, e.Type, e.Seq, data)
	case dgateway.EventGuildMembersChunk, dgateway.EventRateLimited:
		b.standings.Event(s.ID(), data)
	default:
		if ready, ok := data.(dgateway.EventReady); ok {
			b.guildsListed(s, ready)
		}
		if err := b.discord.Follow(e.Gateway, e.Type, e.Seq, data); err != nil {
			b.o.Log.Error("cannot update disgo's caches with an event", "err", err)
		}
		b.standings.Event(s.ID(), data)
		b.guildEvent(s, data)
		b.memberEvent(data)
	}
}

// guildEvent handles changes of a guild, its channels and its roles. Each of them can change who may
// see a room.
func (b *Bot) guildEvent(s *shards.Shard, data dgateway.EventData) {
	switch e := data.(type) {
	case dgateway.EventGuildCreate:
		if b.serves(e.ID) && !e.Unavailable {
			b.guildDescribed(s, e)
		}
	case dgateway.EventGuildDelete:
		if e.Unavailable {
			b.rooms.GuildUnavailable(e.ID)
			b.loading.done(e.ID, false)
		} else {
			b.guildRemoved(e.ID)
		}
	case dgateway.EventGuildUpdate: // the owner may have changed
		b.rooms.GateChanged(e.ID)
	case dgateway.EventGuildRoleCreate:
		b.rooms.GateChanged(e.GuildID)
	case dgateway.EventGuildRoleUpdate:
		b.rooms.GateChanged(e.GuildID)
	case dgateway.EventGuildRoleDelete:
		b.rooms.GateChanged(e.GuildID)
	case dgateway.EventChannelUpdate:
		if c, ok := b.discord.VoiceChannel(e.GuildID(), e.GuildChannel); ok {
			b.rooms.ChannelChanged(e.GuildID(), c)
			if lost := b.discord.LostDenials(e.ID(), e.PermissionOverwrites()); len(lost) > 0 {
				b.rooms.DenialsLost(e.GuildID(), e.ID(), lost)
			}
		} else if e.Type() == discord.ChannelTypeGuildCategory {
			b.rooms.GateChanged(e.GuildID())
		}
	case dgateway.EventChannelDelete:
		b.rooms.ChannelDeleted(e.GuildID(), e.ID())
		b.rooms.GateChanged(e.GuildID())
	}
}

// memberEvent handles changes of a guild's members. Discord sends them only with the members intent;
// without it, standings asks about room owners instead.
func (b *Bot) memberEvent(data dgateway.EventData) {
	switch e := data.(type) {
	case dgateway.EventGuildMemberAdd:
		b.memberChanged(e.GuildID, e.Member)
	case dgateway.EventGuildMemberUpdate:
		b.memberChanged(e.GuildID, e.Member)
	case dgateway.EventGuildMemberRemove:
		b.rooms.MemberGone(e.GuildID, e.User.ID)
		b.rooms.LearnStanding(access.Standing{GuildID: e.GuildID, UserID: e.User.ID, CheckedAt: b.o.Now()})
	}
}

func (b *Bot) memberChanged(guild snowflake.ID, m discord.Member) {
	m.GuildID = guild
	b.rooms.LearnStanding(b.discord.StandingOf(m))
	b.rooms.CheckArrivals(guild, m.User.ID)
}

// observeMember learns the permissions of someone who joins a voice channel.
func (b *Bot) observeMember(e dgateway.EventVoiceStateUpdate) {
	m := e.Member
	if e.ChannelID != nil && m.User.ID != 0 && b.voice.ChannelOf(e.GuildID, m.User.ID) != *e.ChannelID {
		m.GuildID = e.GuildID
		b.rooms.ObserveStanding(b.discord.StandingOf(m))
	}
}

// guildsListed handles the list of guilds in a READY. Each of them follows as a GUILD_CREATE; the bot
// has left every guild that isn't listed.
func (b *Bot) guildsListed(s *shards.Shard, e dgateway.EventReady) {
	var coming []snowflake.ID
	for _, g := range e.Guilds {
		if b.serves(g.ID) {
			b.loading.expect(g.ID)
			coming = append(coming, g.ID)
		}
	}
	b.rooms.Expect(coming) // until GUILD_CREATE, their pages would say that the bot isn't there
	for _, id := range s.ForgetUnlisted(e) {
		b.guildRemoved(id)
	}
}

// guildDescribed handles a GUILD_CREATE: the whole guild, with its voice states.
func (b *Bot) guildDescribed(s *shards.Shard, e dgateway.EventGuildCreate) {
	for _, m := range e.Members { // only those in voice, and the bot itself
		if m.User.ID == b.client.ApplicationID {
			continue
		}
		m.GuildID = e.ID
		b.rooms.ObserveStanding(b.discord.StandingOf(m))
	}
	b.voice.Guild(e.ID, e.VoiceStates, e.Members)
	if !s.Replaying() { // during a replay, Restored calls loadGuild once everything missed was repeated
		b.loadGuild(e.Guild, e.Channels)
	}
}

// loadGuild loads a guild's rooms and compares them with its channels.
func (b *Bot) loadGuild(g discord.Guild, channels []discord.GuildChannel) {
	if b.serves(g.ID) {
		b.loading.expect(g.ID)
		b.rooms.Load(infoOf(g), b.discord.VoiceChannels(g.ID, channels))
	}
}

// guildRemoved forgets a guild that the bot has left.
func (b *Bot) guildRemoved(id snowflake.ID) {
	b.rooms.GuildRemoved(id)
	b.loading.done(id, false)
	b.voice.GuildGone(id)
}

func (b *Bot) serves(guild snowflake.ID) bool { return b.o.GuildID == 0 || b.o.GuildID == guild }

func infoOf(g discord.Guild) room.GuildInfo {
	info := room.GuildInfo{ID: g.ID, Name: schema.Printable(g.Name, g.ID.String()), Locale: g.PreferredLocale}
	if g.Icon != nil {
		info.Icon = *g.Icon
	}
	return info
}
