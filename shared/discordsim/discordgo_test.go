package discordsim_test

import (
	"context"
	"testing"

	"github.com/bwmarrin/discordgo"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// TestDiscordgo lets a second client library do what every bot does.
func TestDiscordgo(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	restore := pointDiscordgo(w.base)
	defer restore()
	dg, err := discordgo.New("Bot " + w.Application.BotToken)
	if err != nil {
		t.Fatal(err)
	}
	dg.Client = testkit.HTTP
	dg.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildVoiceStates
	guilds, voice, resumed := make(chan *discordgo.GuildCreate,
		4), make(chan *discordgo.VoiceStateUpdate, 16), make(chan struct{}, 4)
	dg.AddHandler(func(_ *discordgo.Session, g *discordgo.GuildCreate) { guilds <- g })
	dg.AddHandler(func(_ *discordgo.Session, v *discordgo.VoiceStateUpdate) { voice <- v })
	dg.AddHandler(func(*discordgo.Session, *discordgo.Resumed) { resumed <- struct{}{} })
	dg.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		if err := s.InteractionRespond(i.Interaction,
			&discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
			}); err != nil {
			t.Error(err)
			return
		}
		content := "done"
		if _, err := s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &content}); err != nil {
			t.Error(err)
		}
		if _, err := s.FollowupMessageCreate(i.Interaction, true,
			&discordgo.WebhookParams{Content: "and more"}); err != nil {
			t.Error(err)
		}
	})
	if err := dg.Open(); err != nil {
		t.Fatal(err)
	}
	if g := <-guilds; g.Name != w.Guild.Name || len(g.Channels) != 6 {
		t.Errorf("guild: %+v", g.Guild)
	}
	app := w.Application.ID.String()
	if _, err := dg.ApplicationCommandCreate(app, w.Guild.ID.String(),
		&discordgo.ApplicationCommand{Name: "ping", Description: "Says pong"}); err != nil {
		t.Fatal(err)
	}
	ch, err := dg.GuildChannelCreateComplex(w.Guild.ID.String(),
		discordgo.GuildChannelCreateData{Name: "den", Type: discordgo.ChannelTypeGuildVoice,
			UserLimit: 2,
			PermissionOverwrites: []*discordgo.PermissionOverwrite{{
				ID: w.Guild.ID.String(), Deny: discordgo.PermissionVoiceConnect,
			},
				{
					ID: app, Type: discordgo.PermissionOverwriteTypeMember,
					Allow: discordgo.PermissionVoiceConnect | discordgo.PermissionManageChannels,
				}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.JoinVoice(w.Guild.ID, w.Owner.ID, w.Lounge.ID, discordsim.VoiceFlags{}); err != nil {
		t.Fatal(err)
	}
	if v := <-voice; v.UserID != w.Owner.ID.String() || v.ChannelID != w.Lounge.ID.String() || v.Member == nil {
		t.Errorf("voice state: %+v", v)
	}
	ans, err := w.RunCommand(ctx, w.Users[3].ID, discordsim.CommandRun{Guild: w.Guild.ID, Name: "ping"})
	if err != nil || !ans.Deferred || ans.Ephemeral {
		t.Fatalf("answer %+v, %v", ans, err)
	}
	if err := w.inject(discordsim.Fault{Kind: discordsim.FaultReconnect}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-resumed:
	case <-ctx.Done():
		t.Fatal("no RESUME after op 7")
	}
	if err := dg.GuildMemberMove(w.Guild.ID.String(), w.Owner.ID.String(), &ch.ID); err != nil {
		t.Fatal(err)
	}
	if v := <-voice; v.ChannelID != ch.ID {
		t.Errorf("moved to %+v", v)
	}
	if _, err := dg.ChannelDelete(ch.ID); err != nil {
		t.Fatal(err)
	}
	if v := <-voice; v.ChannelID != "" {
		t.Errorf("still in %+v", v)
	}
	if err := dg.Close(); err != nil {
		t.Error(err)
	}
}

// pointDiscordgo turns the library's addresses, which are variables of its package, to the simulator.
func pointDiscordgo(base string) (restore func()) {
	saved := []struct {
		at  *string
		old string
	}{}
	for at, v := range map[*string]string{
		&discordgo.EndpointAPI: base + "/api/v9/", &discordgo.EndpointGuilds: base + "/api/v9/guilds/",
		&discordgo.EndpointChannels: base + "/api/v9/channels/", &discordgo.EndpointUsers: base + "/api/v9/users/",
		&discordgo.EndpointGateway:      base + "/api/v9/gateway",
		&discordgo.EndpointGatewayBot:   base + "/api/v9/gateway/bot",
		&discordgo.EndpointWebhooks:     base + "/api/v9/webhooks/",
		&discordgo.EndpointApplications: base + "/api/v9/applications",
	} {
		saved = append(saved, struct {
			at  *string
			old string
		}{at, *at})
		*at = v
	}
	return func() {
		for _, s := range saved {
			*s.at = s.old
		}
	}
}
