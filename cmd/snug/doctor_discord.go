package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"snug/shared/agent"
)

// policies looks whether people can find out who runs Snug, and what with their data. Nothing stops working without.
func (d *doctor) policies(ctx context.Context) (string, error) {
	var a application
	if _, err := d.ask(ctx, "/applications/@me", &a); err != nil {
		return "", err
	}
	var todo []string
	if d.c.HostName == "" && d.c.Privacy == "" {
		todo = append(todo, "they do not say who runs Snug: set SNUG_HOST_NAME and SNUG_HOST_CONTACT")
	}
	if a.Privacy == "" || a.Terms == "" {
		todo = append(todo, "enter both in the Developer Portal → General Information")
	}
	found := d.c.BaseURL + "/privacy and " + d.c.BaseURL + "/terms"
	if len(todo) > 0 {
		found += "; " + strings.Join(todo, ", and ")
	}
	return found, nil
}

// twoFactor finds servers that ask moderators for two-factor authentication while the application's owner has none:
// there Discord refuses the bot with 60003 (oauth2.mdx, "Two-Factor Authentication Requirement"). It is asked for by
// ordering no channels, which changes nothing and needs what moderation needs; that an empty order is refused otherwise
// is no finding.
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
			continue // what is wrong with a server is said by the permissions
		}
		asks++
		if code := d.code(ctx, http.MethodPatch, "/guilds/"+g.ID.String()+"/channels", "[]"); code == 60003 {
			refused = append(refused, g.Name)
		}
	}
	switch {
	case len(refused) > 0:
		return "",
			fmt.Errorf("these servers ask moderators for two-factor authentication, and the application's owner has none, so Discord refuses the bot: %s. The owner, of a team its owner, switches it on in Discord → User Settings → My Account",
				strings.Join(refused, ", "))
	case asks == 0:
		return "no server asks for it", nil
	}
	return count(asks, "server") + " ask for it, and the application's owner has it", nil
}

// mostLooked bounds how many servers are looked at one by one.
const mostLooked = 50

// code gives Discord's error code for a request, 0 for none.
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
