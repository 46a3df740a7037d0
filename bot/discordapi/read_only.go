package discordapi

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/ratelimit"
	"snug/shared/agent"
)

// NewReadOnly returns a Discord without the gateway, for a program that only reads. Its caches are empty, so it
// requests everything from Discord at the given address, which has no path. end closes its connections.
func NewReadOnly(token, address string, now func() time.Time) (d *Discord, end func(context.Context), err error) {
	quiet := slog.New(slog.DiscardHandler)
	var client *bot.Client
	client, err = disgo.New(token,
		bot.WithLogger(quiet),
		bot.WithCacheConfigOpts(Caches(func() snowflake.ID { return client.ApplicationID })...),
		bot.WithRestClientConfigOpts(append(ratelimit.New(ratelimit.Config{Logger: quiet}).Options(nil),
			rest.WithUserAgent(agent.Discord), rest.WithURL(address+"/api/v10"))...),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("the bot token cannot be used: %w", err)
	}
	return New(client, now), client.Rest.Close, nil
}
