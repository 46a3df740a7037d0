package main

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"snug/shared/agent"
	"snug/shared/config"
)

type serveCmd struct{ config.Serve }

// Run serves until a signal, or until a failure that only a person can fix.
func (c *serveCmd) Run(w world) (err error) {
	c.Complete()
	if err := c.Check(); err != nil {
		return err
	}
	log, err := logger(c.Log, w.err)
	if err != nil {
		return err
	}
	l, err := listen(c.Addr, "SNUG_ADDR")
	if err != nil {
		return err
	}
	var ops net.Listener
	if c.OpsAddr != "" {
		if ops, err = listen(c.OpsAddr, "SNUG_OPS_ADDR"); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	a, err := start(w.ctx, setup{Serve: c.Serve, listener: l, ops: ops, log: log, now: time.Now})
	if err != nil {
		return err
	}
	return a.run(w, func() {
		a.log.Info("Snug is ready", "dashboard", c.BaseURL)
		a.wg.Go(func() {
			// A wrong token already failed when the bot connected. A wrong secret would fail only when somebody
			// signs in.
			d := &doctor{c: c.Serve, http: agent.Client(10 * time.Second)}
			if _, err := d.secret(a.ctx); errors.Is(err, errSecretRefused) {
				a.failed <- err
			}
		})
	})
}

// run connects the bot, calls ready, waits and closes.
func (a *app) run(w world, ready func()) error {
	err := a.connect(w.ctx)
	switch {
	case w.ctx.Err() != nil: // stopped while connecting
		err = nil
	case err == nil:
		debug.FreeOSMemory() // parsing templates, messages and the API's description leaves that much garbage
		ready()
		err = a.wait(w.ctx)
	}
	a.log.Info("Snug is stopping")
	if e := a.close(); e != nil {
		a.log.Warn("parts of Snug did not stop cleanly", "err", e)
	}
	return err
}

// listen opens a listener. Its error says what to do.
func listen(addr, setting string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil,
			fmt.Errorf("can't listen on %s: %w. If another program uses it, choose another address with %s",
				addr, err, setting)
	}
	return l, nil
}
