package main

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"snug/shared/agent"
	"snug/shared/config"
)

type serveCmd struct {
	config.Serve
	config.FromFile
}

// Help returns examples.
func (*serveCmd) Help() string {
	return examples(
		"snug serve", "Serve with what's in snug.env.",
		"snug serve --env-file /etc/snug/snug.env --data /var/lib/snug", "Serve with another file and folder.",
		"SNUG_LOG_FORMAT=json snug serve", "Variables override the file.",
		"snug serve --roles dashboard --nats-url tls://nats.example.org:4222",
		"Serve only the web; the bot runs in other processes.",
	)
}

// errNotSetUp is said instead of one error for each missing value.
var errNotSetUp = errors.New("Snug isn't set up yet: there's no token, no Application ID and no client secret. " +
	"To set it up, run: snug init\nTo try it without Discord, run: snug demo")

// Run serves until a signal, or until a failure that only a person can fix.
func (c *serveCmd) Run(w world) (err error) {
	c.Complete()
	if c.Bot() && c.BotToken == "" && c.ClientID == (config.ID{}) && c.ClientSecret == "" {
		c.BotToken, c.ClientID, c.ClientSecret = "MQ.x.y", config.ID{ID: 1}, "x" // of the rest, say what's wrong
		return errors.Join(errNotSetUp, c.Check())
	}
	if err := c.Check(); err != nil {
		return err
	}
	log, err := logger(c.Log, w.err)
	if err != nil {
		return err
	}
	var l, ops net.Listener
	if c.Dashboard() {
		if l, err = listen(c.Addr, "SNUG_ADDR"); err != nil {
			return err
		}
	}
	if c.OpsAddr != "" {
		if ops, err = listen(c.OpsAddr, "SNUG_OPS_ADDR"); err != nil {
			return errors.Join(err, closeIf(l))
		}
	}
	a, err := start(w.ctx, setup{Serve: c.Serve, listener: l, ops: ops, log: log, now: time.Now})
	if err != nil {
		return errors.Join(err, closeIf(l), closeIf(ops))
	}
	return a.run(w, func() {
		a.log.Info("Snug is ready", "roles", strings.Join(c.Roles, ","), "dashboard", c.BaseURL)
		a.wg.Go(func() { a.examine(&doctor{c: c.Serve, http: agent.Client(10 * time.Second), now: time.Now}) })
	})
}

// closeIf closes a listener, if there's one that isn't closed yet.
func closeIf(l net.Listener) error {
	if l == nil {
		return nil
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// examine looks for what would only fail when somebody signs in or opens a room. A dashboard can't work with a wrong
// client secret, so that ends it; the rest is logged with its remedy, as far as this process has the bot's token. (A
// wrong token already failed when the bot connected.)
func (a *app) examine(d *doctor) {
	if a.dash != nil {
		if _, err := d.secret(a.ctx); errors.Is(err, errSecretRefused) {
			a.failed <- err
			return
		}
	}
	if a.bot == nil {
		return
	}
	checks := []check{{"permissions", nil, d.permissions}, {"two-factor", nil, d.twoFactor}}
	if a.dash != nil {
		checks = append(checks, check{"redirect address", nil, d.redirect})
	}
	for _, k := range checks {
		if _, err := k.do(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("the setup has a problem", "check", k.name, "problem", strings.Join(sentences(err), " "))
		}
	}
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
