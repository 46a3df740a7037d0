package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/shared/config"
	"snug/shared/discordsim"
)

type demoCmd struct {
	Addr        string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the dashboard listens."`
	DiscordAddr string `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Where the simulated Discord listens."`
	Data        string `placeholder:"FOLDER" help:"Keep rooms and the simulated Discord's channels here. Default: a temporary folder, removed at the end."`
	JSON        bool   `help:"Print addresses, tokens and people as one line of JSON first, for scripts."`
	config.Log
}

// Run runs Snug on this machine against a simulated Discord.
func (c *demoCmd) Run(w world) (err error) {
	for name, addr := range map[string]string{"--addr": c.Addr, "--discord-addr": c.DiscordAddr} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil || !config.Loopback(host) {
			return fmt.Errorf("%s %q: the demo lets anybody be anyone, so it listens on this machine only. Write it like 127.0.0.1:8080",
				name, addr)
		}
	}
	log, err := logger(c.Log, w.err)
	if err != nil {
		return err
	}
	if c.Data == "" {
		if c.Data, err = os.MkdirTemp("", "snug-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.Data)) }()
	}
	kept, err := keptWorldIn(c.Data)
	if err != nil {
		return err
	}
	d, err := simulate(c.DiscordAddr, discordsim.Options{Log: log, Seed: kept.Seed, Founded: kept.Founded})
	if err != nil {
		return err
	}
	if kept.World != nil {
		if err := d.discord.Restore(kept.World); err != nil {
			return errors.Join(fmt.Errorf("%s cannot be read: %w. Choose another folder with --data, or remove this one",
				kept.path, err),
				d.discord.Close(w.ctx))
		}
	}
	stopKeeping := kept.follow(d.discord, log)
	defer func() { err = errors.Join(err, stopKeeping()) }()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		err = errors.Join(err, d.discord.Close(ctx))
	}()
	l, err := listen(c.Addr, "--addr")
	if err != nil {
		return err
	}
	d.discord.GiveOwnHosts(l.Addr().String())
	base := "http://" + l.Addr().String()
	a, err := start(w.ctx, setup{
		Serve: d.serve(config.Serve{BaseURL: base, Data: c.Data, HookNetworks: []string{"127.0.0.0/8"}}), listener: l,
		log: log, now: time.Now,
		extraHosts: d.hosts(l.Addr()), demo: true,
	})
	if err != nil {
		return err
	}
	return a.run(w, func() {
		select {
		case <-a.bot.Registered(): // what is printed invites to type commands
		case <-w.ctx.Done():
		}
		text := w.out
		if c.JSON { // then standard output is the script's
			text = w.err
			err = json.NewEncoder(w.out).Encode(d.facts(base))
		}
		d.welcome(text, base)
	})
}

// demoWorld is a simulated Discord with a small server of friends, Snug among them.
type demoWorld struct {
	discord *discordsim.Server
	url     string
	app     discordsim.Application
	guild   discordsim.ID
	lounge  discordsim.ID // a voice channel that is no room
	users   []discordsim.User
}

// simulate starts the simulated Discord.
func simulate(addr string, o discordsim.Options) (demoWorld, error) {
	s := discordsim.New(o)
	url, err := s.Start(addr)
	if err != nil {
		return demoWorld{},
			fmt.Errorf("the simulated Discord cannot listen on %s: %w. Something else may be using it: choose another address with --discord-addr",
				addr, err)
	}
	w, err := s.Demo(discordsim.ApplicationOptions{
		Name: "Snug", Description: "Private voice rooms for you and your friends.", AnyLoopbackRedirect: true,
	})
	if err == nil {
		// what the add-bot link asks for
		err = s.InstallBot(w.Guild.ID, w.Application.ID, discordsim.Permissions(discordapi.Permissions))
	}
	if err != nil {
		return demoWorld{}, errors.Join(err, s.Close(context.Background()))
	}
	return demoWorld{
		discord: s, url: url, app: w.Application, guild: w.Guild.ID, lounge: w.Lounge.ID, users: w.Users,
	}, nil
}

// serve completes a configuration with who the bot is and where its Discord is.
func (d demoWorld) serve(c config.Serve) config.Serve {
	c.BotToken, c.ClientID, c.ClientSecret, c.DiscordURL = d.app.BotToken, config.ID{
		ID: snowflake.ID(d.app.ID),
	}, d.app.ClientSecret, d.url
	return c
}

// hosts gives each person a loopback host name, so that several can be signed in in one browser.
func (d demoWorld) hosts(addr net.Addr) []string {
	_, port, _ := net.SplitHostPort(addr.String())
	hosts := []string{"localhost:" + port}
	for _, u := range d.users {
		hosts = append(hosts, u.Username+".localhost:"+port)
	}
	return hosts
}

// facts is what --json prints.
func (d demoWorld) facts(base string) any {
	return struct {
		DashboardURL  string            `json:"dashboard_url"`
		DiscordURL    string            `json:"discord_url"`
		BotToken      string            `json:"bot_token"`
		ApplicationID discordsim.ID     `json:"application_id"`
		ClientSecret  string            `json:"client_secret"`
		GuildID       discordsim.ID     `json:"guild_id"`
		Users         []discordsim.User `json:"users"`
	}{base, d.url, d.app.BotToken, d.app.ID, d.app.ClientSecret, d.guild, d.users}
}

// welcome says what to open and try.
func (d demoWorld) welcome(w io.Writer, base string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	fmt.Fprintf(t, `
Snug is running, with a simulated Discord. Nothing leaves this machine.

  Simulated Discord	%s
  Snug's dashboard	%s

Try this:
  1. Open the simulated Discord and choose who you are, say %s.
  2. Type /create-room and press Enter. Open the room's page from the answer.
  3. Join the room's voice channel, and watch its page follow.
  4. Copy the invite link, be somebody else in another tab, paste it into #general there, and click it.

Each person has an address of their own, such as %s, so that one browser holds several.
Scripts do all this over HTTP: see docs/demo.md. Ctrl-C stops it.
`, d.url, base, d.users[0].Username, d.hostOf(1, port))
	_ = t.Flush()
}

func (d demoWorld) hostOf(i int, port string) string {
	return "http://" + d.users[i%len(d.users)].Username + ".localhost:" + port
}
