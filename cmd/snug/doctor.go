package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	api "snug/bot/discord"
	"snug/shared/config"
	"snug/shared/hub"
)

type doctorCmd struct{ config.Serve }

// check is one thing the doctor looks at: what it found, or what is wrong and how to mend it.
type check struct {
	name string
	do   func(context.Context) (found string, err error)
}

// Run looks at everything Snug needs. Its exit status is 1 if anything is wrong.
func (c *doctorCmd) Run(w world) error {
	c.BaseURL, c.DiscordURL = trimURL(c.BaseURL), trimURL(c.DiscordURL)
	d := &doctor{c: c.Serve, http: &http.Client{Timeout: 10 * time.Second}, now: time.Now}
	failed := 0
	for _, k := range d.checks() {
		ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
		found, err := k.do(ctx)
		cancel()
		if err != nil {
			failed++
			fmt.Fprintf(w.out, "✗ %s: %s\n", k.name, strings.ReplaceAll(err.Error(), "\n", "\n    "))
			continue
		}
		fmt.Fprintf(w.out, "✓ %s: %s\n", k.name, found)
	}
	if failed > 0 {
		return fmt.Errorf("%d of the things Snug needs are not right; what to do stands beside each", failed)
	}
	return nil
}

// doctor looks.
type doctor struct {
	c    config.Serve
	http *http.Client
	now  func() time.Time

	application snowflake.ID
}

func (d *doctor) checks() []check {
	return []check{
		{"configuration", d.configuration}, {"bot token", d.token}, {"intents and redirect address", d.registered}, {"gateway", d.gateway}, {"clock", d.clock},
		{"permissions", d.permissions}, {"data folder", d.folder}, {"hub", d.nats}, {"ports", d.ports},
	}
}

func (d *doctor) configuration(context.Context) (string, error) {
	return "complete", d.c.Check()
}

// ask makes a request of Discord as the bot.
func (d *doctor) ask(ctx context.Context, path string, into any) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.c.DiscordURL+"/api/v10"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bot "+d.c.BotToken)
	r.Header.Set("User-Agent", "DiscordBot (snug doctor, 1)")
	res, err := d.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s does not answer. Check the network, a proxy or firewall in between, and SNUG_DISCORD_URL", d.c.DiscordURL)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusUnauthorized:
		return res.Header, errors.New("Discord refuses the token. Reset it in the Developer Portal → Bot and set DISCORD_BOT_TOKEN to the new one")
	case res.StatusCode == http.StatusTooManyRequests:
		return res.Header, fmt.Errorf("Discord asks to slow down. Try again in %s seconds", res.Header.Get("Retry-After"))
	case res.StatusCode != http.StatusOK:
		return res.Header, fmt.Errorf("Discord answered %d to %s. Try again in a few minutes; https://discordstatus.com tells of outages", res.StatusCode, path)
	}
	return res.Header, json.Unmarshal(b, into)
}

func (d *doctor) token(ctx context.Context) (string, error) {
	var me struct{ Username string }
	if _, err := d.ask(ctx, "/users/@me", &me); err != nil {
		return "", err
	}
	return "Discord knows it as " + me.Username, nil
}

// memberFlags are an application's flags that allow the members intent: for bots in many servers, and for others.
const memberFlags = 1<<14 | 1<<15

// registered looks at what the application says of itself. Snug needs the members intent only where it was asked to use it.
func (d *doctor) registered(ctx context.Context) (string, error) {
	var a struct {
		ID           snowflake.ID `json:"id"`
		Flags        int64        `json:"flags"`
		RedirectURIs []string     `json:"redirect_uris"`
	}
	if _, err := d.ask(ctx, "/applications/@me", &a); err != nil {
		return "", err
	}
	d.application = a.ID
	intents := "no privileged intent is needed; "
	if d.c.MembersIntent {
		if intents = "the members intent is allowed; "; a.Flags&memberFlags == 0 {
			return "", errors.New("SNUG_MEMBERS_INTENT is on, but the application may not use the members intent, so Discord will refuse the connection. Switch it on in the Developer Portal → Bot → Server Members Intent, or take the variable out")
		}
	}
	want := d.c.BaseURL + "/auth/discord/callback"
	if len(a.RedirectURIs) > 0 && !slices.Contains(a.RedirectURIs, want) {
		return "", fmt.Errorf("%s is not registered, so nobody can sign in. Add it in the Developer Portal → OAuth2 → Redirects", want)
	}
	if len(a.RedirectURIs) == 0 {
		return fmt.Sprintf("%sDiscord does not tell the redirects, see that %s is among them", intents, want), nil
	}
	return intents + want + " is registered", nil
}

func (d *doctor) gateway(ctx context.Context) (string, error) {
	var g struct {
		URL    string `json:"url"`
		Shards int    `json:"shards"`
		Limit  struct {
			Remaining int `json:"remaining"`
			Total     int `json:"total"`
			Reset     int `json:"reset_after"`
		} `json:"session_start_limit"`
	}
	if _, err := d.ask(ctx, "/gateway/bot", &g); err != nil {
		return "", err
	}
	if g.Limit.Remaining == 0 {
		return "", fmt.Errorf("all %d connections of today are used up. Wait %s, and see why Snug was started so often", g.Limit.Total, time.Duration(g.Limit.Reset)*time.Millisecond)
	}
	return fmt.Sprintf("%d shards, %d of %d connections left today", g.Shards, g.Limit.Remaining, g.Limit.Total), nil
}

// maxSkew is how far the clock may be off before links and logins suffer.
const maxSkew = 5 * time.Second

func (d *doctor) clock(ctx context.Context) (string, error) {
	var none json.RawMessage
	begun := d.now()
	h, err := d.ask(ctx, "/gateway", &none)
	if err != nil {
		return "", err
	}
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return "Discord did not tell the time", nil
	}
	half := d.now().Sub(begun) / 2
	skew := begun.Add(half).Sub(theirs.Add(500 * time.Millisecond)) // their header has whole seconds
	if skew > maxSkew || skew < -maxSkew {
		return "", fmt.Errorf("it is off by %s against Discord's. Switch on time synchronisation (chrony or systemd-timesyncd)", skew.Round(time.Second))
	}
	return "right to " + (half + time.Second).Round(time.Second).String(), nil
}

// permissions looks at the bot's roles in its servers.
func (d *doctor) permissions(ctx context.Context) (string, error) {
	var guilds []struct {
		ID          snowflake.ID `json:"id"`
		Name        string       `json:"name"`
		Permissions string       `json:"permissions"`
	}
	if _, err := d.ask(ctx, "/users/@me/guilds?limit=200", &guilds); err != nil {
		return "", err
	}
	if d.c.GuildID != 0 && !slices.ContainsFunc(guilds, func(g struct {
		ID          snowflake.ID `json:"id"`
		Name        string       `json:"name"`
		Permissions string       `json:"permissions"`
	}) bool {
		return g.ID == snowflake.ID(d.c.GuildID)
	}) {
		return "", fmt.Errorf("the bot is not in the server %d of DISCORD_GUILD_ID. Add it: %s", d.c.GuildID, addURL(setup{Serve: d.c}))
	}
	var lacks []string
	for _, g := range guilds {
		have, err := strconv.ParseInt(g.Permissions, 10, 64)
		if missing := api.Lacking(have); err == nil && missing != "" {
			lacks = append(lacks, fmt.Sprintf("%s (%s)", g.Name, missing))
		}
	}
	if len(lacks) > 0 {
		return "", fmt.Errorf("in some servers the bot's role lacks permissions: %s. Add the bot again with %s, or grant them under Server Settings → Roles; the page Health names each", strings.Join(lacks, ", "), addURL(setup{Serve: d.c}))
	}
	return fmt.Sprintf("complete in %d servers", len(guilds)), nil
}

func (d *doctor) folder(context.Context) (string, error) {
	if d.c.NATSURL != "" {
		return "not used: the hub is at " + d.c.NATSURL, nil
	}
	if err := os.MkdirAll(d.c.Data, 0o700); err != nil {
		return "", fmt.Errorf("it cannot be made: %w. Choose another with SNUG_DATA", err)
	}
	f, err := os.CreateTemp(d.c.Data, ".doctor-*")
	if err != nil {
		return "", fmt.Errorf("it cannot be written to: %w. Give it to the user that Snug runs as", err)
	}
	_, err = f.WriteString("ok")
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	if err != nil {
		return "", fmt.Errorf("it does not keep what is written: %w. Look at the disk", err)
	}
	path, err := filepath.Abs(d.c.Data)
	return path + " can be written to", err
}

func (d *doctor) nats(ctx context.Context) (string, error) {
	h, err := hub.Open(ctx, hubOptions(d.c, logger(config.Log{LogLevel: "error"}, io.Discard)))
	if err != nil {
		return "", fmt.Errorf("%w. If Snug is running on this data folder just now, stop it first, or look at its /readyz instead", err)
	}
	where, version := h.Server()
	err = h.Ready(ctx)
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return where + " NATS " + version + " takes writes", errors.Join(err, h.Close(closing))
}

func (d *doctor) ports(context.Context) (string, error) {
	var all []error
	var free []string
	for _, p := range [][2]string{{"SNUG_ADDR", d.c.Addr}, {"SNUG_OPS_ADDR", d.c.OpsAddr}} {
		name, addr := p[0], p[1]
		if addr == "" {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			all = append(all, fmt.Errorf("%s %s cannot be listened on: %w. Something else uses it, perhaps Snug itself: choose another", name, addr, err))
			continue
		}
		free, all = append(free, addr), append(all, l.Close())
	}
	return strings.Join(free, " and ") + " can be listened on", errors.Join(all...)
}
