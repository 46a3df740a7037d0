package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/bwmarrin/discordgo"
	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
)

// arrivals says once that all servers are loaded, as snugload expects it in a bot's log.
type arrivals struct {
	want int
	n    atomic.Int64
}

func expected() (*arrivals, error) {
	n, err := strconv.Atoi(os.Getenv("GUILDS"))
	if err != nil || n < 1 {
		return nil, errors.New("GUILDS must be how many servers the bot is in")
	}
	return &arrivals{want: n}, nil
}

func (a *arrivals) one() {
	if a.n.Add(1) == int64(a.want) {
		fmt.Fprintln(os.Stderr, `{"level":"INFO","msg":"all servers are loaded"}`)
	}
}

func discordgoBot(ctx context.Context) error {
	a, err := expected()
	if err != nil {
		return err
	}
	base := os.Getenv("SNUG_DISCORD_URL")
	discordgo.EndpointGateway = base + "/api/v9/gateway"
	discordgo.EndpointGatewayBot = base + "/api/v9/gateway/bot"
	s, err := discordgo.New("Bot " + os.Getenv("DISCORD_BOT_TOKEN"))
	if err != nil {
		return err
	}
	s.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildVoiceStates
	s.AddHandler(func(_ *discordgo.Session, _ *discordgo.GuildCreate) { a.one() })
	if err := s.Open(); err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close()
}

func disgoBot(ctx context.Context) error {
	a, err := expected()
	if err != nil {
		return err
	}
	c, err := disgo.New(os.Getenv("DISCORD_BOT_TOKEN"),
		bot.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentGuilds|gateway.IntentGuildVoiceStates),
			gateway.WithCompression(gateway.CompressionNone)),
		bot.WithRestClientConfigOpts(rest.WithURL(os.Getenv("SNUG_DISCORD_URL")+"/api/v10")),
		bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagsAll)),
		bot.WithEventListenerFunc(func(*events.GuildReady) { a.one() }),
		bot.WithEventListenerFunc(func(*events.GuildAvailable) { a.one() }),
	)
	if err != nil {
		return err
	}
	if err := c.OpenGateway(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	c.Close(context.WithoutCancel(ctx))
	return nil
}
