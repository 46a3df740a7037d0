package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"snug/shared/discordsim"
)

// worldInfo is what a process needs to know of a simulator in another one.
type worldInfo struct {
	URL    string `json:"url"`
	ID     string `json:"id"`
	Token  string `json:"token"`
	Secret string `json:"secret"`
	Guilds int    `json:"guilds"`
}

// tried is how many guilds were asked for something, and what they answered if they couldn't do it.
type tried struct {
	Guilds  int      `json:"guilds"`
	Refused []string `json:"refused,omitempty"`
}

// serveWorld runs a simulator with one bot in one guild, prints its worldInfo, and serves until in ends. The line
// "populate" adds the other guilds; for each other line it uses a command in some guilds, and prints what was tried.
//
// It is as strict as Discord, except that one shard may hold all guilds and nobody waits for rate limits, so that
// what is measured is Snug and not the waiting.
func serveWorld(ctx context.Context, populate string, in io.Reader, out io.Writer) error {
	var z discordsim.Size
	if _, err := fmt.Sscanf(populate, "%d,%d,%d", &z.Guilds, &z.Channels, &z.Members); err != nil {
		return fmt.Errorf("-populate %q: write guilds,channels,members", populate)
	}
	limits := discordsim.NoRateLimits()
	limits.GuildsPerShard, limits.Recommended = z.Guilds+1, z.Guilds+1
	s := discordsim.New(discordsim.Options{Seed: 7, Limits: &limits})
	app := s.AddApplication(discordsim.ApplicationOptions{Name: "Snug", AnyLoopbackRedirect: true})
	add := func(n int) ([]discordsim.Guild, error) {
		return s.Populate(app.ID, discordsim.Size{Guilds: n, Channels: z.Channels, Members: z.Members},
			discordsim.SnugPermissions)
	}
	guilds, err := add(1)
	if err != nil {
		return err
	}
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	err = enc.Encode(worldInfo{url, app.ID.String(), app.BotToken, app.ClientSecret, z.Guilds})
	for lines := bufio.NewScanner(in); err == nil && lines.Scan(); {
		if lines.Text() == "populate" {
			var more []discordsim.Guild
			more, err = add(z.Guilds - 1)
			guilds = append(guilds, more...)
			err = errors.Join(err, enc.Encode(tried{}))
			continue
		}
		err = errors.Join(err, enc.Encode(try(ctx, s, guilds)))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if e := s.Close(ctx); err == nil {
		err = e
	}
	return err
}

// try has the owners of twenty guilds, spread evenly, use a command that only works once their guild is loaded.
func try(ctx context.Context, s *discordsim.Server, guilds []discordsim.Guild) (t tried) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for i := 0; i < len(guilds); i += max(1, len(guilds)/20) {
		t.Guilds++
		for {
			a, err := s.RunCommand(ctx, guilds[i].Owner,
				discordsim.CommandRun{Guild: guilds[i].ID, Name: "snug settings"})
			var refused *discordsim.APIError
			if errors.As(err, &refused) && refused.Status == http.StatusNotFound && ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond) // the commands aren't registered yet
				continue
			}
			switch {
			case err != nil:
				t.Refused = append(t.Refused, err.Error())
			case a.Message != nil && strings.Contains(a.Message.Content, "Try again"):
				t.Refused = append(t.Refused, a.Message.Content)
			}
			break
		}
	}
	return t
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// profiledFor is how long a start is profiled.
const profiledFor = 5 * time.Second

// fetchProfile writes a CPU profile of a Snug whose operations' address is addr, from its start on.
func fetchProfile(ctx context.Context, addr, file string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", addr, int(profiledFor.Seconds()))
	var res *http.Response
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if res, err = http.DefaultClient.Do(req); err == nil {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("no profile: %w", err)
		}
	}
	defer res.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
