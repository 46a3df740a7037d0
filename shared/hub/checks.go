package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"snug/shared/errs"
)

const (
	// clockSkew is how far a NATS server's clock may differ: what expires goes by both.
	clockSkew = 5 * time.Second
	// fewConsumers is a limit that is too low for several processes: each has one for every bucket that it follows,
	// and short ones for reading lists.
	fewConsumers = 500
)

// permission is one that Snug's user needs, of those that nats.conf.tmpl gives.
type permission struct {
	subscribe bool
	allow     string // as in the configuration
	subject   string // to try it with
	optional  string // what doesn't work without it; "": nothing does
}

// permissions are tried before anything else, because a server doesn't answer what it doesn't allow: everything would
// wait and then say that nobody answers.
func permissions(inbox string) []permission {
	return []permission{
		{subscribe: true, allow: "_INBOX.>", subject: inbox + ".*"},
		{subscribe: true, allow: "audit.>", subject: "audit.check"},
		{subscribe: true, allow: "snug.>", subject: "snug.check"},
		{allow: "$JS.API.>", subject: "$JS.API.STREAM.INFO.KV_check"},
		{allow: "$JS.API.>", subject: "$JS.API.CONSUMER.INFO.KV_check.check"},
		{allow: "$KV.>", subject: "$KV." + healthName + ".check"},
		{allow: "audit.>", subject: "audit.check"},
		{allow: "snug.>", subject: "snug.check"},
		{allow: "$JS.SNAPSHOT.>", subject: "$JS.SNAPSHOT.ACK.check.check", optional: "backups and restores"},
	}
}

// checkPermissions tries what Snug's user may do, on a connection of its own. It changes nothing: what it sends is for
// a stream that there isn't, so none stores it. It fails with Unauthorized only for what the server refused.
func (l *link) checkPermissions(ctx context.Context, address string, more []nats.Option) error {
	nc, err := nats.Connect(address, slices.Concat([]nats.Option{
		nats.Name("snug check"), nats.NoReconnect(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, more)...)
	if err != nil {
		return nil //nolint:nilerr // the other connection works: this is no proof
	}
	defer nc.Close()
	var missing []string
	l.warnings = nil
	for _, p := range permissions(nc.NewInbox()) {
		verb := "publish to "
		if p.subscribe {
			verb = "subscribe to "
		}
		switch may, err := allowed(ctx, nc, p); {
		case err != nil:
			return nil //nolint:nilerr // the same
		case may:
		case p.optional != "":
			l.warnings = append(l.warnings, fmt.Sprintf("The NATS server doesn't let Snug's user %s%s, so %s don't "+
				"work. For the permissions that Snug needs, run: snug nats-setup", verb, p.allow, p.optional))
		case !slices.Contains(missing, verb+p.allow):
			missing = append(missing, verb+p.allow)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errs.E(errs.Unauthorized,
		"The NATS server at %s doesn't let Snug's user %s. For a configuration with the permissions that Snug needs, "+
			"run: snug nats-setup", hideSecrets(address), strings.Join(missing, ", "))
}

// allowed tries a permission. The server's refusal comes before its answer to the flush.
func allowed(ctx context.Context, nc *nats.Conn, p permission) (may bool, err error) {
	if p.subscribe {
		_, err = nc.SubscribeSync(p.subject)
	} else {
		m := nats.NewMsg(p.subject)
		m.Header.Set("Nats-Expected-Stream", "none")
		err = nc.PublishMsg(m)
	}
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, clusterTry)
	defer cancel()
	if err := nc.FlushWithContext(ctx); err != nil {
		return false, err
	}
	refused := nc.LastError()
	verb := "Publish to "
	if p.subscribe {
		verb = "Subscription to "
	}
	// The last error stays: it may be of an earlier one.
	return !errors.Is(refused, nats.ErrPermissionViolation) ||
		!strings.Contains(refused.Error(), fmt.Sprintf("%s%q", verb, p.subject)), nil
}

// checkLimits fails if Snug's account can't have everything that the hub creates, before it creates anything. Limits
// that depend on the number of copies, and those of the server itself, are found when the streams are created.
func (h *Hub) checkLimits() error {
	limits, memory, store := h.link.limits, int64(0), int64(0)
	for _, s := range h.specs {
		if s.memory {
			memory += h.maxBytes(s)
		} else {
			store += h.maxBytes(s)
		}
	}
	switch {
	case limits.MaxStreams > 0 && limits.MaxStreams < len(h.specs):
		return h.fewStreams()
	case limits.MaxStore > 0 && limits.MaxStore < store:
		return noRoom("data on disk", store)
	case limits.MaxMemory > 0 && limits.MaxMemory < memory:
		return noRoom("data in memory", memory)
	}
	return nil
}

func noRoom(what string, bytes int64) *errs.Error {
	return errs.E(errs.Unavailable,
		"The NATS server has no room for Snug's %s (%d MB). Raise the account's and the server's limits. "+
			"For a configuration with enough, run: snug nats-setup", what, bytes>>20)
}

func (h *Hub) fewStreams() *errs.Error {
	return errs.E(errs.Unavailable,
		"The NATS server's limit for Snug's account is too low: it allows %d streams, and Snug needs %d. Raise or "+
			"remove it. For a configuration without one, run: snug nats-setup", h.link.limits.MaxStreams, len(h.specs))
}

// checkCluster looks for what doesn't keep the hub from opening, but will make trouble. Warnings has what it finds.
func (h *Hub) checkCluster(ctx context.Context) {
	if most := h.link.limits.MaxConsumers; most > 0 && most < fewConsumers {
		h.link.warnings = append(h.link.warnings, fmt.Sprintf("The NATS server allows Snug's account only %d "+
			"consumers, and every process needs dozens. Raise or remove that limit. For a configuration without one, "+
			"run: snug nats-setup", most))
	}
	asking, cancel := within(ctx, h.o.WriteTimeout, h.link.present())
	defer cancel()
	begun := h.o.Now()
	s, err := h.link.js.Stream(asking, specOf(h.specs, healthName).stream())
	if err == nil {
		took := h.o.Now().Sub(begun)
		skew := begun.Add(took / 2).Sub(s.CachedInfo().TimeStamp).Round(time.Second)
		if skew.Abs() > clockSkew+took {
			h.link.warnings = append(h.link.warnings, fmt.Sprintf("This machine's clock differs from the NATS "+
				"server's by %s, so logins and invite links end at the wrong time. Turn on time synchronization "+
				"(chrony or systemd-timesyncd) on both", skew.Abs()))
		}
	}
	for _, w := range h.link.warnings {
		h.log.Warn("hub: the NATS server needs attention", "problem", w)
	}
}

// Warnings returns what was found wrong when the hub was opened that didn't keep it from opening, each with its remedy.
func (h *Hub) Warnings() []string { return slices.Clone(h.link.warnings) }
