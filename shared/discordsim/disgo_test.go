package discordsim_test

import (
	"context"
	"testing"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/omit"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// TestDisgo lets Snug's own client library live a bot's life.
func TestDisgo(t *testing.T) {
	if raceEnabled {
		t.Skip("disgo 0.19.6 has data races in its own gateway; without -race it is tried")
	}
	w := start(t)
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	ready := make(chan struct{}, 4)
	voice := make(chan string, 16)
	client, err := disgo.New(w.Application.BotToken,
		bot.WithRestClientConfigOpts(rest.WithURL(w.base+"/api/v10"), rest.WithRateLimiter(rest.NewNoopRateLimiter())),
		bot.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildVoiceStates),
			gateway.WithCompression(gateway.CompressionNone)), // disgo 0.19.6 closes a stream while it reads it
		bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagGuilds, cache.FlagChannels, cache.FlagVoiceStates)),
		bot.WithEventListenerFunc(func(e *events.GuildReady) { ready <- struct{}{} }),
		bot.WithEventListenerFunc(func(e *events.GuildVoiceJoin) { voice <- "join " + e.Member.EffectiveName() }),
		bot.WithEventListenerFunc(func(e *events.GuildVoiceLeave) { voice <- "leave " + e.Member.EffectiveName() }),
		bot.WithEventListenerFunc(func(e *events.ApplicationCommandInteractionCreate) {
			go func() {
				if err := e.DeferCreateMessage(true); err != nil {
					t.Error(err)
				}
				name := e.SlashCommandInteractionData().String("name")
				_, err := e.Client().Rest.UpdateInteractionResponse(e.ApplicationID(), e.Token(), discord.MessageUpdate{
					Content: omit.Ptr("made " + name),
					Components: &[]discord.LayoutComponent{
						discord.NewActionRow(discord.NewPrimaryButton("Rename", "/rename")),
					},
				})
				if err != nil {
					t.Error(err)
				}
			}()
		}),
		bot.WithEventListenerFunc(func(e *events.ComponentInteractionCreate) {
			err := e.Modal(discord.ModalCreate{CustomID: "/rename", Title: "Rename",
				Components: []discord.LayoutComponent{
					discord.NewLabel("Name", discord.NewShortTextInput("name")),
				}})
			if err != nil {
				t.Error(err)
			}
		}),
		bot.WithEventListenerFunc(func(e *events.ModalSubmitInteractionCreate) {
			if err := e.CreateMessage(discord.MessageCreate{Content: "now " + e.Data.Text("name")}); err != nil {
				t.Error(err)
			}
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(ctx)
	if err := client.OpenGateway(ctx); err != nil {
		t.Fatal(err)
	}
	<-ready
	if _, err := client.Rest.SetGlobalCommands(client.ApplicationID, []discord.ApplicationCommandCreate{
		discord.SlashCommandCreate{Name: "create-room", Description: "Open a room",
			Options: []discord.ApplicationCommandOption{
				discord.ApplicationCommandOptionString{Name: "name", Description: "Its name"}}},
	}); err != nil {
		t.Fatal(err)
	}
	ch, err := client.Rest.CreateGuildChannel(w.Guild.ID,
		discord.GuildVoiceChannelCreate{Name: "Alice's room", UserLimit: 4,
			PermissionOverwrites: []discord.PermissionOverwrite{
				discord.RolePermissionOverwrite{
					RoleID: w.Guild.ID, Deny: discord.PermissionViewChannel | discord.PermissionConnect,
				},
				discord.MemberPermissionOverwrite{
					UserID: client.ApplicationID,
					Allow: discord.PermissionViewChannel | discord.PermissionConnect |
						discord.PermissionManageChannels | discord.PermissionMoveMembers,
				},
				discord.MemberPermissionOverwrite{
					UserID: w.Owner.ID, Allow: discord.PermissionViewChannel | discord.PermissionConnect,
				},
			}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.JoinVoice(w.Guild.ID, w.Owner.ID, ch.ID(), discordsim.VoiceFlags{}); err != nil {
		t.Fatal(err)
	}
	if got := <-voice; got != "join Alice" {
		t.Errorf("voice: %s", got)
	}
	if _, err := w.JoinVoice(w.Guild.ID, w.Users[4].ID, ch.ID(), discordsim.VoiceFlags{}); err == nil {
		t.Error("a stranger joined a private room")
	}
	ans, err := w.RunCommand(ctx, w.Owner.ID,
		discordsim.CommandRun{Guild: w.Guild.ID, Name: "create-room", Options: map[string]any{"name": "Goblins"}})
	if err != nil {
		t.Fatal(err)
	}
	if !ans.Deferred || !ans.Ephemeral || ans.Message.Content != "made Goblins" {
		t.Errorf("answer: %+v", ans)
	}
	ans, err = w.PressButton(ctx, w.Owner.ID, ans.Message.ID, "/rename")
	if err != nil {
		t.Fatal(err)
	}
	if ans.Modal == nil || ans.Modal.Title != "Rename" {
		t.Fatalf("modal: %+v", ans)
	}
	ans, err = w.SubmitModal(ctx, w.Owner.ID, "/rename", map[string]any{"name": "Dragons"})
	if err != nil {
		t.Fatal(err)
	}
	if ans.Message.Content != "now Dragons" {
		t.Errorf("after the modal: %+v", ans.Message)
	}
	if err := client.Rest.DeleteChannel(ch.ID()); err != nil {
		t.Fatal(err)
	}
	if got := <-voice; got != "leave Alice" {
		t.Errorf("voice: %s", got)
	}
}
