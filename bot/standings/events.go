package standings

import (
	"context"
	"strconv"
	"time"

	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// Over returns a SendRequest that sends Request Guild Members over a shard's connection. The nonce,
// which Discord repeats in its answer, carries the time of the request.
// https://discord.com/developers/docs/events/gateway-events#request-guild-members
func Over(send func(context.Context, dgateway.Opcode, dgateway.MessageData) error) SendRequest {
	return func(ctx context.Context, guild snowflake.ID, users []snowflake.ID, asked time.Time) error {
		return send(ctx, dgateway.OpcodeRequestGuildMembers, dgateway.MessageDataRequestGuildMembers{
			GuildID: guild, UserIDs: users, Nonce: strconv.FormatInt(asked.UnixNano(), 36),
		})
	}
}

// Event updates the cache from an event of a shard: with the member it describes, or because the roles
// or the owner of a server changed. The caches that Options.StandingOf reads must already include the
// event. Other events are ignored.
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

// member stores the member an event describes, if it describes one.
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
	case dgateway.EventGuildMemberAdd: // this and the next two require the Guild Members intent
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
