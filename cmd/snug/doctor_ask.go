package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"snug/bot/schedule"
	"snug/shared/agent"
)

// ask sends a request to Discord as the bot, and repeats it after a short wait if Discord asks for one.
func (d *doctor) ask(ctx context.Context, path string, into any) (http.Header, error) {
	for {
		header, err := d.askOnce(ctx, path, into)
		var slow *slowDownError
		if !errors.As(err, &slow) {
			return header, err
		}
		wait, bad := time.ParseDuration(slow.seconds + "s")
		wait = max(wait, time.Second/10) // always pause, whatever Discord says
		if end, ok := ctx.Deadline(); bad != nil || !ok || time.Until(end) < wait {
			return header, err
		}
		if schedule.Pause(ctx, nil, wait); ctx.Err() != nil {
			return header, err
		}
	}
}

// slowDownError is a 429.
type slowDownError struct{ seconds string }

func (e *slowDownError) Error() string {
	return "Discord is rate limiting this bot. Try again in " + e.seconds + " seconds"
}

func (d *doctor) askOnce(ctx context.Context, path string, into any) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.c.DiscordURL+"/api/v10"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bot "+d.c.BotToken)
	r.Header.Set("User-Agent", agent.Discord)
	res, err := d.http.Do(r)
	if err != nil {
		return nil, d.silent()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusUnauthorized:
		return res.Header,
			errors.New("Discord rejects the token. " +
				"Reset it in the Developer Portal → Bot, and set DISCORD_BOT_TOKEN to the new one")
	case res.StatusCode == http.StatusTooManyRequests:
		return res.Header, &slowDownError{res.Header.Get("Retry-After")}
	case res.StatusCode != http.StatusOK:
		return res.Header, answered(res.StatusCode, path)
	}
	return res.Header, json.Unmarshal(b, into)
}

func (d *doctor) silent() error {
	return fmt.Errorf("%s doesn't answer. Check the network, any proxy or firewall in between, and SNUG_DISCORD_URL",
		d.c.DiscordURL)
}

func answered(status int, path string) error {
	return fmt.Errorf("Discord answered %d to %s. Try again in a few minutes; https://discordstatus.com lists outages",
		status, path)
}
