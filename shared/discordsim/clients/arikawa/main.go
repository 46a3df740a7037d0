// Command arikawa runs arikawa against the simulator: what every bot does. Its argument and its end are as in
// discordjs.mjs.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/state"
	"github.com/diamondburned/arikawa/v3/utils/json/option"
)

// toSimulator is the transport of docs/simulator-libraries.md.
type toSimulator struct {
	next http.RoundTripper
	host string
}

func (t toSimulator) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "discord.com" {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = "http", t.host, ""
	}
	return t.next.RoundTrip(r)
}

// deadline is how long all of it may take.
const deadline = 30 * time.Second

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: arikawa http://127.0.0.1:8081")
	}
	sim := os.Args[1]
	http.DefaultTransport = toSimulator{http.DefaultTransport, strings.TrimPrefix(sim, "http://")}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := run(ctx, sim); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, sim string) error {
	var apps struct {
		Applications []struct {
			ID       discord.AppID `json:"id"`
			BotToken string        `json:"bot_token"`
		}
	}
	if err := ask(ctx, "GET", sim+"/_sim/applications", nil, &apps); err != nil {
		return err
	}
	var world struct {
		Guilds []struct {
			ID       discord.GuildID
			Channels []struct {
				ID   discord.ChannelID
				Type discord.ChannelType
			}
		}
		Users []struct {
			ID       discord.UserID
			Username string
		}
	}
	if err := ask(ctx, "GET", sim+"/_sim/state", nil, &world); err != nil {
		return err
	}
	app, guild, alice := apps.Applications[0], world.Guilds[0], world.Users[0]

	s := state.New("Bot " + app.BotToken)
	s.AddIntents(gateway.IntentGuilds | gateway.IntentGuildVoiceStates)
	ready, voice := make(chan string, 1), make(chan discord.UserID, 1)
	s.AddHandler(func(e *gateway.GuildCreateEvent) { ready <- e.Name })
	s.AddHandler(func(e *gateway.VoiceStateUpdateEvent) { voice <- e.UserID })
	s.AddHandler(func(e *gateway.InteractionCreateEvent) {
		err := s.RespondInteraction(e.ID, e.Token, api.InteractionResponse{Type: api.MessageInteractionWithSource,
			Data: &api.InteractionResponseData{Content: option.NewNullableString("pong")}})
		if err != nil {
			log.Fatal(err)
		}
	})
	if err := s.Open(ctx); err != nil {
		return err
	}
	defer s.Close()
	name, err := next(ctx, ready)
	if err != nil {
		return err
	}
	fmt.Println("arikawa is ready in", name)

	if _, err := s.BulkOverwriteCommands(app.ID, []api.CreateCommandData{
		{Name: "ping", Description: "Says pong"},
	}); err != nil {
		return err
	}
	var answer struct{ Content string }
	who := sim + "/_sim/users/" + alice.ID.String()
	ping := map[string]any{"guild_id": guild.ID, "name": "ping"}
	if err := ask(ctx, "POST", who+"/commands", ping, &answer); err != nil {
		return err
	}
	if answer.Content != "pong" {
		return fmt.Errorf("the answer is %q", answer.Content)
	}
	fmt.Println("answered a command")

	for _, c := range guild.Channels {
		if c.Type != discord.GuildVoice {
			continue
		}
		join := map[string]any{"guild_id": guild.ID, "channel_id": c.ID}
		if err := ask(ctx, "POST", who+"/voice", join, nil); err != nil {
			return err
		}
		if id, err := next(ctx, voice); err != nil || id != alice.ID {
			return fmt.Errorf("%v is in voice: %w", id, err)
		}
		fmt.Println("saw who is in voice")
		return nil
	}
	return fmt.Errorf("there is no voice channel")
}

func next[T any](ctx context.Context, c <-chan T) (v T, err error) {
	select {
	case v = <-c:
		return v, nil
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// ask sends a request to the simulator's control interface.
func ask(ctx context.Context, method, url string, body, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, url, res.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
