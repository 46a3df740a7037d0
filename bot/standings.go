package bot

import (
	"context"
	"strconv"
	"time"

	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/ratelimit"
	"snug/bot/standings"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/room"
)

// newStandings makes the table of what people may do.
func (b *Bot) newStandings() (*standings.Cache, error) {
	return standings.New(standings.Options{
		Now: b.o.Now, Log: b.o.Log, Registerer: b.o.Registerer, Of: b.discord.StandingOf,
		Changed: b.standingChanged,
		Ask: func(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
			now := b.o.Now()
			st, err := b.discord.Standing(ratelimit.WithPriority(ctx, ratelimit.Background), guild, user)
			st.CheckedAt = now
			return st, err
		},
		Places: func(guild snowflake.ID) []snowflake.ID {
			var ids []snowflake.ID
			for _, r := range b.keeper.Snapshot(guild).Rooms {
				ids = append(ids, r.OwnerID)
				for _, g := range r.Guests {
					ids = append(ids, g.UserID)
				}
			}
			return ids
		},
	})
}

// askAfter asks after people of a shard's servers until ctx ends.
func (b *Bot) askAfter(ctx context.Context, s *saver) {
	shard, count := s.shard, s.shard.ShardCount()
	owns := func(guild snowflake.ID) bool { return shardOf(guild, count) == s.id }
	b.standings.Run(ctx, s.id, owns, s.list, func(
		ctx context.Context, guild snowflake.ID, users []snowflake.ID, asked time.Time,
	) error {
		return shard.Send(ctx, dgateway.OpcodeRequestGuildMembers, dgateway.MessageDataRequestGuildMembers{
			GuildID: guild, UserIDs: users, Nonce: strconv.FormatInt(asked.UnixNano(), 36),
		})
	})
}

// list gives the guilds that are known.
func (s *saver) list() []snowflake.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return keysOf(s.guilds)
}

// member takes whom an event describes, if it describes anybody.
func (b *Bot) member(data dgateway.EventData) {
	told := func(guild snowflake.ID, m discord.Member) {
		m.GuildID = guild
		b.standings.Told(m)
	}
	switch e := data.(type) {
	case dgateway.EventInteractionCreate:
		if m := e.Interaction.Member(); m != nil && e.Interaction.GuildID() != nil {
			told(*e.Interaction.GuildID(), m.Member)
		}
	case dgateway.EventGuildMemberAdd: // this, and the two below, come with the members intent alone
		told(e.GuildID, e.Member)
	case dgateway.EventGuildMemberUpdate:
		told(e.GuildID, e.Member)
	case dgateway.EventGuildMemberRemove:
		b.standings.Gone(e.GuildID, e.User.ID)
	case dgateway.EventGuildMembersChunk:
		if asked, err := strconv.ParseInt(e.Nonce, 36, 64); err == nil {
			b.standings.Chunk(e.GuildID, time.Unix(0, asked), e.Members, e.NotFound)
		}
	}
}

// judgedBy judges people anew when what their standing follows from has changed.
func (b *Bot) judgedBy(data dgateway.EventData) {
	switch e := data.(type) {
	case dgateway.EventGuildCreate:
		b.standings.Renewed(e.ID)
	case dgateway.EventGuildUpdate:
		b.standings.Renewed(e.ID)
	case dgateway.EventGuildRoleUpdate:
		b.standings.Renewed(e.GuildID)
	case dgateway.EventGuildRoleDelete:
		b.standings.Renewed(e.GuildID)
	case dgateway.EventGuildDelete:
		if !e.Unavailable {
			b.standings.Forget(e.ID)
		}
	}
}

// limited takes Discord's news that Snug asks too often.
func (b *Bot) limited(shard int, e dgateway.EventRateLimited) {
	if e.Opcode == dgateway.OpcodeRequestGuildMembers {
		b.standings.Limited(shard, time.Duration(e.RetryAfter*float64(time.Second)))
	}
}

// standingChanged has whoever watches ask again, and rooms follow. It only enqueues.
func (b *Bot) standingChanged(was, is access.Standing) {
	b.keeper.StandingChanged(was, is)
	if err := hub.StandingChanged.Send(b.o.Hub, room.Member{GuildID: is.GuildID, UserID: is.UserID}); err != nil {
		b.o.Log.Warn("watchers were not told that somebody's standing changed; they hear of it when they ask next",
			"guild_id", is.GuildID, "user_id", is.UserID, "err", err)
	}
}

// followPeople has people asked after, and gives what is known of them.
func (b *Bot) followPeople(_ context.Context, guild snowflake.ID, q room.StandingsRequest) (room.Standings, error) {
	return room.Standings{Standings: b.standings.Follow(guild, q.UserIDs)}, nil
}
