package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"snug/shared/agent"
	"snug/shared/pages"
)

// policies checks whether people can find out who runs Snug and what happens to their data. Snug works without it.
func (d *doctor) policies(ctx context.Context) (string, error) {
	var a application
	if _, err := d.ask(ctx, "/applications/@me", &a); err != nil {
		return "", err
	}
	var todo []string
	if d.c.HostName == "" && d.c.Privacy == "" {
		todo = append(todo, "they don't say who runs Snug: set SNUG_HOST_NAME and SNUG_HOST_CONTACT")
	}
	if a.Privacy == "" || a.Terms == "" {
		todo = append(todo, "enter both addresses in the Developer Portal → General Information")
	}
	found := d.c.BaseURL + string(pages.Privacy) + " and " + d.c.BaseURL + string(pages.Terms)
	if len(todo) > 0 {
		found += "; " + strings.Join(todo, ", and ")
	}
	return found, nil
}

// twoFactor finds servers that require two-factor authentication for moderation while the application's owner doesn't
// have it: Discord refuses the bot there with 60003 (oauth2.mdx, "Two-Factor Authentication Requirement"). It reorders
// zero channels, which changes nothing and needs what moderation needs; any other refusal of that is fine.
func (d *doctor) twoFactor(ctx context.Context) (string, error) {
	var guilds []membership
	if _, err := d.ask(ctx, "/users/@me/guilds?limit=200", &guilds); err != nil {
		return "", err
	}
	asks := 0
	var refused []string
	for _, g := range guilds[:min(len(guilds), mostLooked)] {
		var in struct {
			MFALevel int `json:"mfa_level"`
		}
		if _, err := d.ask(ctx, "/guilds/"+g.ID.String(), &in); err != nil || in.MFALevel == 0 {
			continue // the permissions check reports what's wrong with a server
		}
		asks++
		if code := d.code(ctx, http.MethodPatch, "/guilds/"+g.ID.String()+"/channels", "[]"); code == 60003 {
			refused = append(refused, g.Name)
		}
	}
	switch {
	case len(refused) > 0:
		return "",
			fmt.Errorf("these servers require two-factor authentication for moderation, but the application's owner "+
				"doesn't have it, so Discord refuses the bot: %s. The application's owner (for a team, the team's "+
				"owner) "+
				"turns it on in Discord → User Settings → My Account",
				strings.Join(refused, ", "))
	case asks == 0:
		return "no server requires it", nil
	}
	return count(asks, "server") + " with this requirement; the application's owner has it", nil
}

// mostLooked is how many servers doctor checks one by one.
const mostLooked = 50

// code sends a request and returns Discord's error code, or 0 if there's none.
func (d *doctor) code(ctx context.Context, method, path, body string) int {
	r, err := http.NewRequestWithContext(ctx, method, d.c.DiscordURL+"/api/v10"+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bot "+d.c.BotToken)
	r.Header.Set("User-Agent", agent.Discord)
	r.Header.Set("Content-Type", "application/json")
	res, err := d.http.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	var a struct{ Code int }
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&a) // no JSON, no code
	return a.Code
}
