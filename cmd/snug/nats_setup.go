package main

import (
	"fmt"
	"strings"

	"snug/shared/hub"
)

type natsSetupCmd struct {
	Servers []string `default:"nats-1,nats-2,nats-3" placeholder:"HOST" help:"${nats_servers}"`
	Dir     string   `default:"/data" help:"The folder that each server stores everything in."`
	TLS     bool     `default:"true" negatable:"" help:"${nats_tls}"`
}

// Help returns examples.
func (*natsSetupCmd) Help() string {
	return examples(
		"snug nats-setup --servers nats-1.example.org,nats-2.example.org,nats-3.example.org > nats.conf",
		"Print what goes on each of three servers.",
		"snug nats-setup --servers nats-1 --no-tls", "For one server that nobody else can reach.",
	)
}

// Run prints the configuration of a NATS server.
func (c *natsSetupCmd) Run(w world) error {
	switch n := len(c.Servers); {
	case n == 1:
		c.Servers = nil
	case n%2 == 0:
		return fmt.Errorf("a cluster of %d servers takes no more failures than one of %d. Use 3 or 5, or 1", n, n-1)
	}
	for _, s := range c.Servers {
		if strings.ContainsAny(s, "\"'\\/:@ \t\r\n") || s == "" {
			return fmt.Errorf("%q isn't a host name. Give names or addresses without ports", s)
		}
	}
	return hub.WriteServerConfig(w.out, hub.ServerSetup{Servers: c.Servers, Dir: c.Dir, TLS: c.TLS})
}
