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
	Addr        string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address the dashboard listens on."`
	DiscordAddr string `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"${demo_discord_addr}"`
	Data        string `placeholder:"FOLDER" help:"${demo_data}"`
	JSON        bool   `help:"Print addresses, tokens and people as a line of JSON, for scripts."`
	config.Log
}

// Help returns examples.
func (*demoCmd) Help() string {
	return examples(
		"snug demo", "Everything on this machine; gone when it ends.",
		"snug demo --data ~/snug-demo", "Keep rooms and the simulator's server.",
		"snug demo --json", "Addresses and tokens for a script.",
	)
}

// Run runs Snug on this machine with a Discord simulator.
func (c *demoCmd) Run(w world) (err error) {
	for name, addr := range map[string]string{"--addr": c.Addr, "--discord-addr": c.DiscordAddr} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil || !config.Loopback(host) {
			return fmt.Errorf("%s is %q, but in the demo anyone can be anybody, so it listens only on this machine. "+
				"Use something like 127.0.0.1:8080",
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
			return errors.Join(fmt.Errorf("can't read %s: %w. Choose another folder with --data, or delete this one",
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
		case <-a.bot.Registered(): // what it prints tells people to type commands
		case <-w.ctx.Done():
		}
		text := w.out
		if c.JSON { // then standard output belongs to the script
			text = w.err
			err = json.NewEncoder(w.out).Encode(d.facts(base))
		}
		d.welcome(text, base)
	})
}

// demoWorld is a Discord simulator with a small server of friends, which Snug is in.
type demoWorld struct {
	discord *discordsim.Server
	url     string
	app     discordsim.Application
	guild   discordsim.ID
	lounge  discordsim.ID // a voice channel that isn't a room
	users   []discordsim.User
}

// simulate starts the Discord simulator.
func simulate(addr string, o discordsim.Options) (demoWorld, error) {
	s := discordsim.New(o)
	url, err := s.Start(addr)
	if err != nil {
		return demoWorld{},
			fmt.Errorf("the Discord simulator can't listen on %s: %w. "+
				"If another program uses it, choose another address with --discord-addr",
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

// serve adds the bot's credentials and the simulator's address to a configuration.
func (d demoWorld) serve(c config.Serve) config.Serve {
	c.BotToken, c.ClientID, c.ClientSecret, c.DiscordURL = d.app.BotToken, config.ID{
		ID: snowflake.ID(d.app.ID),
	}, d.app.ClientSecret, d.url
	return c
}

// hosts returns a loopback host name for each person, so that several can be signed in in one browser.
func (d demoWorld) hosts(addr net.Addr) []string {
	_, port, _ := net.SplitHostPort(addr.String())
	hosts := []string{"localhost:" + port}
	for _, u := range d.users {
		hosts = append(hosts, u.Username+".localhost:"+port)
	}
	return hosts
}

// facts returns what --json prints.
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

// welcome prints what to open and try.
func (d demoWorld) welcome(w io.Writer, base string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	fmt.Fprintf(t, `
Snug is running with a Discord simulator. Nothing leaves this machine.

  Discord simulator	%s
  Snug's dashboard	%s

Try this:
  1. Open the Discord simulator and choose who you are, say %s.
  2. Type /create-room and press Enter. Open the room's page from the answer.
  3. Join the room's voice channel and watch the page follow.
  4. Copy the invite link. In another tab, be somebody else, paste it into #general and click it.

Each person has their own address, such as %s, so you can be several people in one browser.
Scripts can do all this over HTTP: see docs/demo.md. Press Ctrl-C to stop.
`, d.url, base, d.users[0].Username, d.hostOf(1, port))
	_ = t.Flush()
}

func (d demoWorld) hostOf(i int, port string) string {
	return "http://" + d.users[i%len(d.users)].Username + ".localhost:" + port
}
