package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"snug/shared/config"
)

type healthCmd struct {
	config.FromFile
	Addr    string   `env:"SNUG_ADDR" default:"127.0.0.1:8080" help:"The address the running Snug listens on."`
	Roles   []string `env:"SNUG_ROLES" default:"bot,dashboard" placeholder:"ROLE" help:"${health_roles}"`
	OpsAddr string   `env:"SNUG_OPS_ADDR" default:"127.0.0.1:8089" help:"${health_ops_addr}"`
	JSON    bool     `help:"Print the answer as JSON, for scripts."`
}

// Help returns examples.
func (*healthCmd) Help() string {
	return examples("snug health && echo ready", "The exit status is 0 if Snug is ready.")
}

// healthPatience is how long Snug may take to answer.
const healthPatience = 5 * time.Second

// Run asks a running Snug whether it's ready. The exit status is 0 if it is.
func (c *healthCmd) Run(w world) error {
	err := c.ask(w.ctx)
	if c.JSON {
		answer := struct {
			Ready bool   `json:"ready"`
			Says  string `json:"says,omitempty"` // why it isn't
		}{Ready: err == nil}
		if err != nil {
			answer.Says = err.Error()
		}
		return errors.Join(json.NewEncoder(w.out).Encode(answer), err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.out, "Snug is ready.")
	return err
}

// where returns the address to ask, and the variable that it's from: the dashboard's, or without one, the one for
// metrics.
func (c *healthCmd) where() (addr, variable string) {
	if s := (config.Serve{Roles: c.Roles}); s.Dashboard() {
		return c.Addr, "SNUG_ADDR"
	}
	return c.OpsAddr, "SNUG_OPS_ADDR"
}

// ask returns nil if it's ready.
func (c *healthCmd) ask(ctx context.Context) error {
	addr, variable := c.where()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s %q isn't host:port. Use something like 127.0.0.1:8080", variable, addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	at := "http://" + net.JoinHostPort(host, port) + "/readyz"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("nothing answers at %s: %w. Check that Snug is running and that %s is the same for both",
			at, err, variable)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("Snug isn't ready: %s", strings.TrimSpace(string(said)))
	}
	return nil
}
