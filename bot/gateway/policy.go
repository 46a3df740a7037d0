package gateway

import (
	"errors"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
)

const (
	alertAfter    = 5               // failures in a row
	maxDoublings  = 4               // 1, 2, 4, 8, 16
	flapFor       = 5 * time.Second // a connection that was ready for less than this flapped
	flapsForgiven = 10              // in a row, before flapping counts as failing
	// consecutive RESUMEs that led nowhere, before the session is given up
	maxResumes = 3
	// consecutive failures of any kind (about two minutes) before it is; Discord keeps a session no
	// longer than a few minutes
	maxFailures    = 10
	identifyAgain  = 2           // consecutive failed IDENTIFYs, before each counts against the daily limit
	maxUndecodable = 2           // consecutive undecodable streams, before compression is turned off
	goodStream     = time.Minute // a connection that was ready for this long shows that its stream is fine
	plainFor       = time.Hour   // how long a connection without compression lasts before compression is tried again
)

// ending describes how one attempt at a connection ended.
type ending struct {
	err      error
	lasted   time.Duration // from dialing to the end
	resuming bool          // it was to resume a session
	byResume bool          // it dialed the session's resume_gateway_url
	hello    bool          // it got HELLO
	ready    bool          // it got READY or RESUMED
	moved    bool          // it got replayed events, whether or not RESUMED followed
	readyFor time.Duration
	plain    bool // it had no compression, though the Config allows it
}

// verdict is what to do after an attempt.
type verdict struct {
	fatal  error         // stop with this error
	forget bool          // the session is gone: IDENTIFY next
	delay  time.Duration // until the next attempt
	alert  bool          // it has failed for long enough to alert a person
	locate bool          // ask for the gateway's address again
	plain  bool          // continue without compression
	again  bool          // try compression again
}

// policy decides what to do after each attempt. It does no I/O; it keeps the counts that decisions
// depend on. Not safe for concurrent use.
type policy struct {
	cfg              *Config
	failures         int // consecutive attempts that did not become ready
	flaps            int // consecutive connections that were ready too briefly
	failedResumes    int // consecutive RESUMEs that reached Discord, but neither failed for good nor replayed anything
	failedIdentifies int // consecutive IDENTIFYs that reached Discord but did not end in READY
	undecodable      int // consecutive undecodable streams
	unreachable      int // consecutive attempts that did not reach the session's resume_gateway_url
}

// after decides what follows an attempt.
func (p *policy) after(e ending) verdict {
	if err := p.cfg.fatal(e.err); err != nil {
		return verdict{fatal: err}
	}
	var v verdict
	if errors.Is(e.err, errNoLease) {
		return v // nothing failed
	}
	p.count(e)
	if v.again = e.plain && e.readyFor >= plainFor; v.again || !e.plain && e.readyFor >= goodStream {
		p.undecodable = 0
	}
	code := closeCode(e.err)
	var op9 *invalidSession
	var bad *badStream
	var said *refusal
	switch {
	case errors.As(e.err, &op9):
		v.forget = !op9.resumable
		// Discord requires a wait of one to five seconds before the next IDENTIFY.
		v.delay = time.Duration(float64(p.cfg.Backoff) * (1 + 4*p.cfg.Rand()))
	case code == disgo.CloseEventCodeInvalidSeq.Code, code == disgo.CloseEventCodeSessionTimed.Code:
		v.forget = e.hello // before HELLO it wasn't the session that timed out, but the connection
	case errors.As(e.err, &bad):
		p.undecodable++
		v.plain = p.undecodable >= maxUndecodable
	case errors.As(e.err, &said):
		v.plain = said.status == 400
		v.delay = said.after
	}
	v.forget = v.forget || e.resuming && p.giveUpSession(e)
	if v.forget {
		p.failedResumes = 0
	}
	v.delay = max(v.delay, p.delay(e, code), p.identifyDelay())
	v.alert = p.failures == alertAfter
	v.locate = !e.hello && !e.byResume || p.failedIdentifies >= identifyAgain
	return v
}

// giveUpSession reports whether to give up the session, whatever failed: Discord cuts some sessions at
// every RESUME although a new one would work (discord-api-docs#1619).
func (p *policy) giveUpSession(e ending) bool {
	return p.failedResumes >= maxResumes || p.failures >= maxFailures ||
		e.ready && p.flaps > 0 && p.flaps%flapsForgiven == 0
}

// identifyDelay keeps failing IDENTIFYs within the daily limit of 1,000, because Discord resets the token
// of a bot that exceeds it. 5 s, doubled up to 5 minutes, makes about 300 a day.
func (p *policy) identifyDelay() time.Duration {
	if p.failedIdentifies <= identifyAgain {
		return 0
	}
	d := min(5*p.cfg.Backoff<<min(p.failedIdentifies-identifyAgain-1, 10), 300*p.cfg.Backoff)
	return time.Duration(float64(d) * (0.8 + 0.4*p.cfg.Rand()))
}

func (p *policy) count(e ending) {
	if e.ready {
		p.failures, p.failedResumes, p.failedIdentifies = 0, 0, 0
	} else {
		p.failures++
	}
	switch {
	case e.ready || !e.hello:
	case !e.resuming:
		p.failedIdentifies++
	case e.moved:
		p.failedResumes = 0
	default:
		p.failedResumes++
	}
	switch {
	case !e.ready:
	case e.readyFor < flapFor:
		p.flaps++
	default:
		p.flaps = 0
	}
	switch {
	case e.hello:
		p.unreachable = 0
	case e.resuming:
		p.unreachable++
	}
}

// delay returns the time until the next attempt, as far as the backoff is concerned.
func (p *policy) delay(e ending, code int) time.Duration {
	switch {
	case !e.ready:
		return p.backoff(p.failures)
	case p.flaps > flapsForgiven:
		return p.backoff(p.flaps - flapsForgiven)
	case code > 4000 && code < 5000:
		return p.backoff(1) // probably our own fault: don't hammer
	default:
		// At once, but connections that end as soon as they are ready start at most once per initial delay.
		return max(0, p.cfg.Backoff-e.lasted)
	}
}

// backoff returns the nth delay, counted from 1: doubled each time, ± a fifth.
func (p *policy) backoff(n int) time.Duration {
	d := p.cfg.Backoff << min(n-1, maxDoublings)
	return time.Duration(float64(d) * (0.8 + 0.4*p.cfg.Rand()))
}

// useResumeURL reports whether to resume at the session's resume_gateway_url. While that can't be
// reached, every other attempt uses the common address.
func (p *policy) useResumeURL() bool { return p.unreachable%2 == 0 }
