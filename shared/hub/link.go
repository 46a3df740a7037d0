package hub

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"snug/shared/errs"
)

// link is the connection to the embedded server or to a cluster.
type link struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger

	mu   sync.Mutex
	life context.Context // ends when the connection is lost; replaced after a reconnect
	end  context.CancelCauseFunc
	up   chan struct{} // closed while connected
	gone chan struct{} // closed when the connection is closed for good
	try  time.Duration // how long one attempt may take at the start

	outside  bool                    // the server isn't the embedded one
	limits   jetstream.AccountLimits // of Snug's account there
	warnings []string                // what was found at the start, and how to fix it
	back     func()                  // called after each reconnect
}

func newLink(log *slog.Logger, back func()) *link {
	l := &link{log: log, up: make(chan struct{}), gone: make(chan struct{}), back: back, try: clusterTry}
	l.life, l.end = context.WithCancelCause(context.Background())
	close(l.up)
	return l
}

// options are the same for the embedded server and a cluster.
func (l *link) options() []nats.Option {
	return []nats.Option{
		nats.Name("snug"),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(func(attempts int) time.Duration {
			return min(50*time.Millisecond<<min(attempts, 6), 2*time.Second)
		}),
		// Fail immediately if nothing can be sent. Buffered messages would be sent late and out of
		// order.
		nats.ReconnectBufSize(-1),
		// The default makes a channel of half a megabyte for each list that is read.
		nats.SyncQueueLen(8 * pullBatch),
		// Leave a hung server for another one after 3 to 4.5 s.
		nats.PingInterval(1500 * time.Millisecond),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.lost(err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { l.regained(nc) }),
		nats.ClosedHandler(func(*nats.Conn) { l.lost(errClosed); close(l.gone) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			l.log.Warn("hub: asynchronous error", "subject", subject, "err", err)
		}),
	}
}

func (l *link) lost(err error) {
	l.mu.Lock()
	if l.life.Err() == nil {
		l.end(fmt.Errorf("%w: %w", errLost, cmp.Or(err, errClosed)))
		l.up = make(chan struct{})
	}
	l.mu.Unlock()
	if !errors.Is(err, errClosed) && err != nil {
		l.log.Warn("hub: connection lost, reconnecting", "err", err)
	}
}

func (l *link) regained(nc *nats.Conn) {
	l.mu.Lock()
	if l.life.Err() != nil {
		l.life, l.end = context.WithCancelCause(context.Background())
		close(l.up)
	}
	l.mu.Unlock()
	l.log.Info("hub: connected again", "server", nc.ConnectedServerName(), "reconnects", nc.Stats().Reconnects)
	l.back()
}

// present returns a context that ends with the current connection.
func (l *link) present() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.life
}

// connected waits for a connection and returns a context that ends with it.
func (l *link) connected(ctx context.Context) (context.Context, error) {
	for {
		l.mu.Lock()
		life, up := l.life, l.up
		l.mu.Unlock()
		if life.Err() == nil {
			return life, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// close closes the connection and waits until its callbacks have returned.
func (l *link) close(ctx context.Context) error {
	var err error
	if life := l.present(); life.Err() == nil {
		sent, cancel := within(ctx, 5*time.Second, life)
		if err = l.nc.FlushWithContext(sent); life.Err() != nil {
			err = nil // there is no connection left to flush
		}
		cancel()
	}
	l.nc.Close()
	select {
	case <-l.gone:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("hub: closing the connection: %w", err)
	}
	return nil
}

// dial tries to connect for up to wait, and checks the server's features.
func (l *link) dial(ctx context.Context, address string, wait time.Duration, more ...nats.Option) error {
	err := l.persist(ctx, wait, "the server", func(context.Context) error {
		nc, err := nats.Connect(address, append(l.options(), more...)...)
		if err != nil {
			return dialError(address, err)
		}
		l.nc = nc
		l.js, err = jetstream.New(nc)
		return err
	})
	if err != nil {
		return err
	}
	if l.outside {
		if err := l.checkPermissions(ctx, address, more); err != nil {
			return err
		}
	}
	// A newly started cluster accepts connections before it has a leader.
	return l.persist(ctx, wait, "JetStream", func(ctx context.Context) error { return l.checkServer(ctx, address) })
}

// How long one attempt may take at the start. A cluster without a leader never answers, so ask
// again soon. The embedded server always answers, but its disk may be slow, and it creates many
// files.
const (
	clusterTry  = 3 * time.Second
	embeddedTry = 2 * time.Minute
)

// persist calls try for up to wait: at least once, and not again after an error that retrying
// cannot fix.
func (l *link) persist(ctx context.Context, wait time.Duration, what string, try func(context.Context) error) error {
	deadline := time.Now().Add(wait)
	const first = 100 * time.Millisecond
	for pause := first; ; pause = min(2*pause, 2*time.Second) {
		part, cancel := context.WithTimeout(ctx, l.try)
		err := try(part)
		cancel()
		if err == nil || time.Now().Add(pause).After(deadline) || lasting(err) {
			return err
		}
		if pause == 2*first { // log once; the last failure is returned
			l.log.Warn("hub: waiting for "+what, "for", wait, "err", err)
		}
		if !sleep(ctx, pause) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// lasting reports whether a start failed with an error that only a person can fix.
func lasting(err error) bool {
	return errs.Has(err, errs.Unauthorized) || errs.Has(err, errs.Invalid) || apiCode(err) == codeReplicas ||
		apiCode(err) == codeStreams ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, errTooOld)
}

var errTooOld = errors.New("hub: the server's JetStream is too old")

// checkServer fails if the server does not have a required feature. Per-key expiry needs API level
// 1, which is nats-server 2.11.
func (l *link) checkServer(ctx context.Context, address string) error {
	info, err := l.js.AccountInfo(ctx)
	where, version := hideSecrets(address), l.nc.ConnectedServerVersion()
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return errs.E(errs.Unavailable,
			"The NATS server at %s runs without JetStream. Start it with -js, or enable JetStream for Snug's account. "+
				"For a configuration that has it, run: snug nats-setup",
			where).Because(err)
	case err != nil:
		return errs.E(errs.Unavailable,
			"The NATS server at %s doesn't answer JetStream requests. Check that more than half of the cluster's "+
				"servers run, so that JetStream has a leader.",
			where).Because(err)
	case info.API.Level < 1:
		return errs.E(errs.Unavailable,
			"The NATS server at %s is version %s, which cannot expire single keys. "+
				"Snug needs 2.11 or newer on every server of the cluster.",
			where, version).Because(errTooOld)
	}
	l.limits = info.Limits
	return nil
}

func dialError(address string, err error) error {
	where := hideSecrets(address)
	if bad := (*url.Error)(nil); errors.As(err, &bad) { // its text contains the address with the password
		return errs.E(errs.Invalid, "SNUG_NATS_URL is not an address. Write it like nats://host:4222.").Because(bad.Err)
	}
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired),
		errors.Is(err, nats.ErrAuthRevoked):
		return errs.E(errs.Unauthorized,
			"The NATS server at %s refused Snug's credentials. Check the user in SNUG_NATS_URL or the credentials "+
				"file.",
			where).Because(err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return errs.E(errs.Invalid,
			"Snug can't read the NATS credentials or certificate authority file. Check SNUG_NATS_CREDS "+
				"and SNUG_NATS_CA, and the files' permissions.").Because(err)
	case untrusted(err):
		return errs.E(errs.Invalid,
			"The certificate of the NATS server at %s isn't trusted, or is for another name. If you run "+
				"your own certificate authority, set SNUG_NATS_CA to its certificate.",
			where).Because(err)
	}
	return errs.E(errs.Unavailable,
		"No NATS server answers at %s. Check SNUG_NATS_URL and that the server runs, or leave it empty for the "+
			"built-in hub.",
		where).Because(err)
}

// untrusted reports whether a server's certificate was refused.
func untrusted(err error) bool {
	_, bad := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, other := errors.AsType[x509.HostnameError](err)
	return bad || unknown || other
}

// hideSecrets returns server addresses without user and password, for use in logs.
func hideSecrets(addresses string) string {
	var shown []string
	for a := range strings.SplitSeq(addresses, ",") {
		u, err := url.Parse(strings.TrimSpace(a))
		if err != nil || u.Host == "" {
			shown = append(shown, "(unreadable address)")
			continue
		}
		u.User = nil
		shown = append(shown, u.String())
	}
	return strings.Join(shown, ",")
}

// upNow returns a channel that is closed once there is a connection.
func (l *link) upNow() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}
