//go:build !race

package discordsim_test

import (
	"context"
	"fmt"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"

	"snug/shared/discordsim"
)

// A bot with a library, unchanged but for the address: somebody uses its command, and sees the answer.
func ExampleServer_RunCommand() {
	s := discordsim.New(discordsim.Options{})
	demo, err := s.Demo(discordsim.ApplicationOptions{})
	if err != nil {
		panic(err)
	}
	base, err := s.Start("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	defer s.Close(ctx)

	joined := make(chan struct{})
	client, err := disgo.New(demo.Application.BotToken,
		bot.WithRestClientConfigOpts(rest.WithURL(base+"/api/v10"), rest.WithRateLimiter(rest.NewNoopRateLimiter())),
		bot.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentGuilds),
			gateway.WithCompression(gateway.CompressionNone)),
		bot.WithEventListenerFunc(func(*events.GuildReady) { close(joined) }),
		bot.WithEventListenerFunc(func(e *events.ApplicationCommandInteractionCreate) {
			if err := e.CreateMessage(discord.MessageCreate{Content: "pong, " + e.User().EffectiveName()}); err != nil {
				fmt.Println(err)
			}
		}))
	if err != nil {
		panic(err)
	}
	defer client.Close(ctx)
	if err := client.OpenGateway(ctx); err != nil {
		panic(err)
	}
	<-joined
	if _, err := client.Rest.SetGuildCommands(client.ApplicationID, demo.Guild.ID, []discord.ApplicationCommandCreate{
		discord.SlashCommandCreate{Name: "ping", Description: "Says pong"},
	}); err != nil {
		panic(err)
	}

	answer, err := s.RunCommand(ctx, demo.Owner.ID, discordsim.CommandRun{Guild: demo.Guild.ID, Name: "ping"})
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Message.Text())
	// Output: pong, Alice
}
