package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthCmd struct {
	Addr string `env:"SNUG_ADDR" default:"127.0.0.1:8080" help:"Where the Snug to ask listens."`
}

// healthPatience is how long a Snug may take to say how it is.
const healthPatience = 5 * time.Second

// Run asks a running Snug whether it is ready; the exit status says so to whoever watches over it.
func (c *healthCmd) Run(w world) error {
	if err := c.ask(w.ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w.out, "It is ready.")
	return err
}

// ask gives nil when it is.
func (c *healthCmd) ask(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("SNUG_ADDR %q is not host:port. Write it like 127.0.0.1:8080", c.Addr)
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
		return fmt.Errorf("no Snug answers at %s: %w. Is it running, and is SNUG_ADDR the same as its own?", at, err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it is not ready: %s", strings.TrimSpace(string(said)))
	}
	return nil
}
