package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"time"
)

// demo is a running `snug demo`: Snug and a Discord simulator in one process.
type demo struct {
	cmd   *exec.Cmd
	ready time.Duration
	facts demoFacts
}

// demoFacts is what `snug demo --json` prints.
type demoFacts struct {
	Snug    string `json:"dashboard_url"`
	Discord string `json:"discord_url"`
	Guild   string `json:"guild_id"`
	Users   []struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	} `json:"users"`
}

// startDemo starts it and waits until it is ready.
func startDemo(ctx context.Context, o *options) (*demo, error) {
	command := o.bound([]string{o.snug, "demo", "--json", "--addr", "127.0.0.1:0", "--discord-addr", "127.0.0.1:0",
		"--log-level", "error"})
	d := &demo{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	d.cmd.Stderr = io.Discard // its greeting
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(out).Decode(&d.facts); err != nil {
		return nil, errors.Join(fmt.Errorf("snug demo said nothing: %w. Run it by hand to see why", err), d.end())
	}
	d.ready = time.Since(began)
	return d, nil
}

func (d *demo) end() error {
	_ = d.cmd.Process.Signal(os.Interrupt)
	return d.cmd.Wait()
}

// guest is somebody who is signed in.
type guest struct {
	d    *demo
	id   string
	http *http.Client
}

// signIn signs a person of the demo in, as Discord's own client does.
func (d *demo) signIn(ctx context.Context, user int) (*guest, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	u := d.facts.Users[user%len(d.facts.Users)]
	g := &guest{d, u.ID, &http.Client{Jar: jar, Timeout: 30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path == "/oauth2/authorize" {
				return http.ErrUseLastResponse
			}
			return nil
		}}}
	res, err := g.do(ctx, http.MethodGet, d.facts.Snug+"/login", nil)
	if err != nil {
		return nil, err
	}
	to, err := res.Location()
	if err != nil {
		return nil, err
	}
	var back struct{ Location string }
	if err := call(ctx, http.DefaultClient, http.MethodPost, d.facts.Discord+"/api/v10/oauth2/authorize?"+to.RawQuery,
		map[string]any{"authorize": true}, http.Header{"Authorization": {u.Token}}, &back); err != nil {
		return nil, err
	}
	res, err = g.do(ctx, http.MethodGet, back.Location, nil)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("nobody could sign in: %s", res.Status)
	}
	return g, err
}

// do sends a request and reads the answer to its end.
func (g *guest) do(ctx context.Context, method, url string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	res, err := g.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, err
}

// api calls Snug's API.
func (g *guest) api(ctx context.Context, method, path string, body, answer any) error {
	return call(ctx, g.http, method, g.d.facts.Snug+"/api/v1"+path, body,
		http.Header{"Origin": {g.d.facts.Snug}}, answer)
}

// open opens a room and returns its channel.
func (g *guest) open(ctx context.Context, name string) (string, error) {
	var room struct {
		ID string `json:"channel_id"`
	}
	err := g.api(ctx, http.MethodPost, "/guilds/"+g.d.facts.Guild+"/rooms", map[string]any{"name": name}, &room)
	return room.ID, err
}

// voice has the simulator put somebody into a voice channel.
func (d *demo) voice(ctx context.Context, user, channel string, muted bool) error {
	return call(ctx, http.DefaultClient, http.MethodPost, d.facts.Discord+"/_sim/users/"+user+"/voice",
		map[string]any{"guild_id": d.facts.Guild, "channel_id": channel, "self_mute": muted}, nil, nil)
}

// call sends JSON and reads JSON.
func call(ctx context.Context, c *http.Client, method, url string, body any, head http.Header, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	if head != nil {
		req.Header = head
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s", method, req.URL.Path, res.Status, strings.TrimSpace(string(text)))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
