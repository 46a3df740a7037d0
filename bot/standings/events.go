package standings

import (
	"context"
	"strconv"
	"time"

	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// Over gives the Sender that asks over a shard's connection, with Request Guild
// Members. The nonce, which the answer comes with, carries when was asked.
// https://discord.com/developers/docs/events/gateway-events#request-guild-members
func Over(send func(context.Context, dgateway.Opcode, dgateway.MessageData) error) SendRequest {
	return func(ctx context.Context, guild snowflake.ID, users []snowflake.ID, asked time.Time) error {
		return send(ctx, dgateway.OpcodeRequestGuildMembers, dgateway.MessageDataRequestGuildMembers{
			GuildID: guild, UserIDs: users, Nonce: strconv.FormatInt(asked.UnixNano(), 36),
		})
	}
}

// Event takes an event of a shard: whom it describes, and whether what
// people's standings follow from has changed. The caches that Options.Of reads
// have followed the event already. Events that say nothing of people do nothing.
func (t *Cache) Event(shard int, data dgateway.EventData) {
	t.member(data)
	switch e := data.(type) {
	case dgateway.EventGuildCreate:
		t.Reevaluate(e.ID)
	case dgateway.EventGuildUpdate:
		t.Reevaluate(e.ID)
	case dgateway.EventGuildRoleUpdate:
		t.Reevaluate(e.GuildID)
	case dgateway.EventGuildRoleDelete:
		t.Reevaluate(e.GuildID)
	case dgateway.EventGuildDelete:
		if !e.Unavailable {
			t.Forget(e.ID)
		}
	case dgateway.EventRateLimited:
		if e.Opcode == dgateway.OpcodeRequestGuildMembers {
			t.RateLimited(shard, time.Duration(e.RetryAfter*float64(time.Second)))
		}
	}
}

// member takes whom an event describes, if it describes anybody.
func (t *Cache) member(data dgateway.EventData) {
	told := func(guild snowflake.ID, m discord.Member) {
		m.GuildID = guild
		t.MemberUpdated(m)
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
		t.MemberRemoved(e.GuildID, e.User.ID)
	case dgateway.EventGuildMembersChunk:
		if asked, err := strconv.ParseInt(e.Nonce, 36, 64); err == nil {
			t.MembersChunk(e.GuildID, time.Unix(0, asked), e.Members, e.NotFound)
		}
	}
}
