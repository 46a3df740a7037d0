// Package world is a simulated Discord on a loopback port, with a server, its
// people and a bot, to test against.
//
// It imports discordsim, so the tests of what discordsim imports are external
// ones (package x_test) where they use it. Only tests import it.
package world

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"snug/shared/agent"
	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// World is a running simulator and what a test has put in it. A World may be
// made by hand as well, of what another process runs.
type World struct {
	testing.TB
	Discord *discordsim.Server
	URL     string                   // where Discord is
	App     discordsim.Application   // the bot's
	Guild   discordsim.ID            // the bot's server
	People  map[string]discordsim.ID // by user name
}

// Start serves a simulated Discord, which is empty, until the test ends.
func Start(t testing.TB, o discordsim.Options) *World {
	t.Helper()
	w := &World{TB: t, Discord: discordsim.New(o), People: map[string]discordsim.ID{}}
	var err error
	w.URL, err = w.Discord.Start("127.0.0.1:0")
	w.Must(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		w.Must(w.Discord.Close(ctx))
	})
	return w
}

// Demo adds the server of friends that discordsim's Demo is; its bot, server and people are then the World's.
func (w *World) Demo(o discordsim.ApplicationOptions) discordsim.Demo {
	w.Helper()
	d, err := w.Discord.Demo(o)
	w.Must(err)
	w.App, w.Guild = d.Application, d.Guild.ID
	for _, u := range d.Users {
		w.People[u.Username] = u.ID
	}
	return d
}

// AddPeople adds users who are in no server. Their display names are their user names with a capital.
func (w *World) AddPeople(names ...string) {
	for _, n := range names {
		w.People[n] = w.Discord.AddUser(n, strings.ToUpper(n[:1])+n[1:]).ID
	}
}

// AddGuild adds the World's server, of an owner and members who are all added as by AddPeople.
func (w *World) AddGuild(name, owner string, members ...string) {
	w.Helper()
	w.AddPeople(owner)
	w.AddPeople(members...)
	g, err := w.Discord.AddGuild(name, w.People[owner])
	w.Must(err)
	w.Guild = g.ID
	for _, n := range members {
		w.Must(w.Discord.AddMember(g.ID, w.People[n], ""))
	}
}

// AddBot adds the World's bot, and installs it in the World's server with these permissions.
func (w *World) AddBot(o discordsim.ApplicationOptions, permissions discordsim.Permissions) {
	w.Helper()
	w.App = w.Discord.AddApplication(o)
	w.Must(w.Discord.InstallBot(w.Guild, w.App.ID, permissions))
}

// AddChannel adds a channel to the World's server.
func (w *World) AddChannel(o discordsim.ChannelOptions) discordsim.ID {
	w.Helper()
	c, err := w.Discord.AddChannel(w.Guild, o)
	w.Must(err)
	return c.ID
}

// Must ends the test if there is an error.
func (w *World) Must(err error) {
	w.Helper()
	testkit.NoError(w, err)
}

// Join has somebody join a voice channel, or move there from another. It fails where Discord does not let them.
func (w *World) Join(name string, channel discordsim.ID) error {
	_, err := w.Discord.JoinVoice(w.Guild, w.People[name], channel, discordsim.VoiceFlags{})
	return err
}

// Leave has somebody leave their voice channel.
func (w *World) Leave(name string) {
	w.Helper()
	_, err := w.Discord.LeaveVoice(w.Guild, w.People[name])
	w.Must(err)
}

// Command has somebody run a slash command, and gives what they see once it is answered.
func (w *World) Command(name, command string, options map[string]any) *discordsim.Answer {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	a, err := w.Discord.RunCommand(ctx, w.People[name],
		discordsim.CommandRun{Guild: w.Guild, Name: command, Options: options})
	w.Must(err)
	return a
}

// Request makes a request of Discord's API as the bot: path is what follows /api/v10, body JSON or empty. The
// caller closes the answer's body.
func (w *World) Request(method, path, body string) *http.Response {
	w.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.URL+"/api/v10"+path, r)
	w.Must(err)
	req.Header.Set("Authorization", "Bot "+w.App.BotToken)
	req.Header.Set("User-Agent", agent.Discord)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := testkit.HTTP.Do(req)
	w.Must(err)
	return res
}
