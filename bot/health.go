package bot

import (
	"context"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
)

// health tells a guild's managers how this process serves them.
func (b *Bot) health(ctx context.Context, id snowflake.ID, q guild.ManageRequest) (guild.Health, error) {
	out, err := b.keeper.Health(ctx, id, q)
	if err != nil {
		return out, err
	}
	count := b.shardCount()
	n := shardOf(id, count)
	out.Gateway = guild.GatewayHealth{Shard: n, Shards: count}
	if s := b.saver(n); s != nil {
		st, was, g := s.shard.State(), s.shard.History(), &out.Gateway
		g.Phase, g.Since, g.Failures, g.Latency = st.Phase.String(), st.Since, st.Failures, s.shard.Latency()
		g.Resumes, g.Sessions, g.Failed, g.Reason = was.Resumes, was.Sessions, was.Failed, was.Reason
	}
	l := b.limiter.State()
	out.Queue = guild.QueueHealth{
		Waiting: l.Waiting, Longest: l.Longest, OnWay: l.OnWay, Limited: l.Limited, LastLimited: l.LastLimited,
		Blocked: l.Blocked,
	}
	out.DMs = b.direct.State(ctx)
	out.Errors = b.troubles.Of(id)
	return out, nil
}
