package discordsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"snug/shared/discordsim"
)

// A simulator runs in the test's own process. The bot needs its address, and the token of an application.
func Example() {
	s := discordsim.New(discordsim.Options{})
	demo, err := s.Demo(discordsim.ApplicationOptions{}) // a guild with people, channels and a bot
	if err != nil {
		panic(err)
	}
	base, err := s.Start("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer s.Close(context.Background())

	// The bot opens a voice channel. Any library does, if its REST address is base + "/api/v10".
	req, err := http.NewRequest(http.MethodPost, base+"/api/v10/guilds/"+demo.Guild.ID.String()+"/channels",
		strings.NewReader(`{"name": "Den", "type": 2, "user_limit": 1}`))
	if err != nil {
		panic(err)
	}
	req.Header = http.Header{"Authorization": {"Bot " + demo.Application.BotToken},
		"Content-Type": {"application/json"}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	var den discordsim.Channel
	if err := json.NewDecoder(res.Body).Decode(&den); err != nil {
		panic(err)
	}
	fmt.Println(res.Status, den.Name)

	// People join it: Chiyo may, Dmitri finds it full.
	_, err = s.JoinVoice(demo.Guild.ID, demo.Users[2].ID, den.ID, discordsim.VoiceFlags{})
	fmt.Println("Chiyo:", err)
	_, err = s.JoinVoice(demo.Guild.ID, demo.Users[3].ID, den.ID, discordsim.VoiceFlags{})
	fmt.Println("Dmitri:", err)
	// Output:
	// 201 Created Den
	// Chiyo: <nil>
	// Dmitri: 403: Missing Permissions: the voice channel is full (code 50013)
}

// StartTest is the shortest way: the simulator ends with the test.
func ExampleStartTest() {
	test := func(t *testing.T) {
		s, demo := discordsim.StartTest(t, discordsim.Options{})
		bot := startYourBot(s.URL(), demo.Application.BotToken)
		defer bot.stop()
		answer, err := s.RunCommand(t.Context(), demo.Owner.ID,
			discordsim.CommandRun{Guild: demo.Guild.ID, Name: "ping"})
		if err != nil || answer.Message.Content != "pong" {
			t.Errorf("it answers %+v, %v", answer, err)
		}
	}
	_ = test // go test calls it
}

type yourBot struct{}

func startYourBot(_, _ string) yourBot { return yourBot{} }

func (yourBot) stop() {}

// Faults make Discord's bad days repeatable.
func ExampleServer_Inject() {
	s := discordsim.New(discordsim.Options{})
	demo, err := s.Demo(discordsim.ApplicationOptions{})
	if err != nil {
		panic(err)
	}
	base, err := s.Start("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer s.Close(context.Background())

	// The next two requests about the guild fail at Discord's edge, whoever makes them.
	if _, err := s.Inject(discordsim.Fault{
		Kind: discordsim.FaultError, Status: 503, Route: "GET /guilds/{guild}", Count: 2,
	}); err != nil {
		panic(err)
	}
	for range 3 {
		req, err := http.NewRequest(http.MethodGet, base+"/api/v10/guilds/"+demo.Guild.ID.String(), nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bot "+demo.Application.BotToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		res.Body.Close()
		fmt.Println(res.Status)
	}
	// Output:
	// 503 Service Unavailable
	// 503 Service Unavailable
	// 200 OK
}

// What a bot may do follows from roles and overwrites, as in Discord.
func ExampleServer_PermissionsIn() {
	s := discordsim.New(discordsim.Options{})
	alice, bruno := s.AddUser("alice", "Alice"), s.AddUser("bruno", "Bruno")
	guild, err := s.AddGuild("Friends", alice.ID)
	if err != nil {
		panic(err)
	}
	if err := s.AddMember(guild.ID, bruno.ID, ""); err != nil {
		panic(err)
	}
	den, err := s.AddChannel(guild.ID, discordsim.ChannelOptions{Name: "Den", Type: discordsim.ChannelVoice,
		Overwrites: []discordsim.Overwrite{
			{ID: guild.ID, Deny: discordsim.PermConnect}, // @everyone
			{ID: bruno.ID, Member: true, Allow: discordsim.PermConnect},
		}})
	if err != nil {
		panic(err)
	}
	p, err := s.PermissionsIn(bruno.ID, den.ID)
	fmt.Println(p.Has(discordsim.PermConnect), p.Has(discordsim.PermManageChannels), err)
	// Output: true false <nil>
}
