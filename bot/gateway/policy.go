package gateway

import (
	"errors"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
)

const (
	alertAfter    = 5               // failures in a row
	maxDoublings  = 4               // 1, 2, 4, 8, 16
	flapFor       = 5 * time.Second // a connection that was ready for less flapped
	flapsForgiven = 10              // in a row, before flapping is treated as failing
	// RESUMEs in a row that Discord did not let come to anything, before the session is given up
	resumesKept = 3
	// failures in a row of any kind, some two minutes, before that; Discord keeps a session no longer than a
	// few
	failuresKept  = 10
	identifyAgain = 2           // failed IDENTIFYs in a row, before each counts as one of the day's few
	badStreams    = 2           // undecodable streams in a row, before compression is given up
	goodStream    = time.Minute // a connection that was ready for so long counts as one whose stream was right
	plainFor      = time.Hour   // a connection without compression that lasted so long: compression is tried again
)

// ending is how one attempt at a connection went.
type ending struct {
	err      error
	lasted   time.Duration // from dialling to the end
	resuming bool          // it dialled to resume a session
	byResume bool          // it dialled the session's own address
	hello    bool          // it came as far as HELLO
	ready    bool          // it came as far as READY or RESUMED
	moved    bool          // events were replayed to it, whether RESUMED followed or not
	readyFor time.Duration
	plain    bool // it was without compression, though that may be asked for
}

// verdict is what follows an ending.
type verdict struct {
	fatal  error         // stop with this
	forget bool          // the session is dead: IDENTIFY next
	delay  time.Duration // until the next attempt
	alert  bool          // failing has lasted long enough to call a person
	locate bool          // ask for the address again
	plain  bool          // go on without compression
	again  bool          // try compression again
}

// policy decides what follows an ending. It does no I/O and keeps the counts
// that decisions depend on. Not safe for concurrent use.
type policy struct {
	cfg      *Config
	failures int // attempts in a row that did not become ready
	flaps    int // connections in a row that were ready for too short a time
	stuck    int // RESUMEs in a row that Discord heard, and that neither ended nor moved on
	anew     int // IDENTIFYs in a row that Discord heard, and that did not end in READY
	bad      int // undecodable streams in a row
	unheard  int // attempts in a row that did not reach the session's own address
}

// after judges one ending.
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
		p.bad = 0
	}
	code := closeCode(e.err)
	var op9 *invalidSession
	var bad *badStream
	var said *refusal
	switch {
	case errors.As(e.err, &op9):
		v.forget = !op9.resumable
		// Discord asks to wait one to five seconds before the next IDENTIFY.
		v.delay = time.Duration(float64(p.cfg.Backoff) * (1 + 4*p.cfg.Rand()))
	case code == disgo.CloseEventCodeInvalidSeq.Code, code == disgo.CloseEventCodeSessionTimed.Code:
		v.forget = e.hello // before HELLO no session was named: it is the connection that timed out
	case errors.As(e.err, &bad):
		p.bad++
		v.plain = p.bad >= badStreams
	case errors.As(e.err, &said):
		v.plain = said.status == 400
		v.delay = said.after
	}
	v.forget = v.forget || e.resuming && p.hopeless(e)
	if v.forget {
		p.stuck = 0
	}
	v.delay = max(v.delay, p.delay(e, code), p.thrift())
	v.alert = p.failures == alertAfter
	v.locate = !e.hello && !e.byResume || p.anew >= identifyAgain
	return v
}

// hopeless says whether a session is best given up, whatever it was that
// failed: there are some that Discord cuts at each RESUME, while a new one
// would do (discord-api-docs#1619).
func (p *policy) hopeless(e ending) bool {
	return p.stuck >= resumesKept || p.failures >= failuresKept || e.ready && p.flaps > 0 && p.flaps%flapsForgiven == 0
}

// thrift keeps failing IDENTIFYs within the day's 1,000, since going beyond
// them costs the bot its token: 5 s, doubled up to 5 minutes, are some 300 a day.
func (p *policy) thrift() time.Duration {
	if p.anew <= identifyAgain {
		return 0
	}
	d := min(5*p.cfg.Backoff<<min(p.anew-identifyAgain-1, 10), 300*p.cfg.Backoff)
	return time.Duration(float64(d) * (0.8 + 0.4*p.cfg.Rand()))
}

func (p *policy) count(e ending) {
	if e.ready {
		p.failures, p.stuck, p.anew = 0, 0, 0
	} else {
		p.failures++
	}
	switch {
	case e.ready || !e.hello:
	case !e.resuming:
		p.anew++
	case e.moved:
		p.stuck = 0
	default:
		p.stuck++
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
		p.unheard = 0
	case e.resuming:
		p.unheard++
	}
}

// delay gives the time until the next attempt, from the backoff's view.
func (p *policy) delay(e ending, code int) time.Duration {
	switch {
	case !e.ready:
		return p.backoff(p.failures)
	case p.flaps > flapsForgiven:
		return p.backoff(p.flaps - flapsForgiven)
	case code > 4000 && code < 5000:
		return p.backoff(1) // our own fault in some way; do not hammer
	default:
		// At once; but connections that end as soon as they are ready are
		// begun no more often than once in the first delay.
		return max(0, p.cfg.Backoff-e.lasted)
	}
}

// backoff gives the nth delay, from 1: doubled each time, within a fifth either way.
func (p *policy) backoff(n int) time.Duration {
	d := p.cfg.Backoff << min(n-1, maxDoublings)
	return time.Duration(float64(d) * (0.8 + 0.4*p.cfg.Rand()))
}

// useResumeURL says where to resume: at the session's own address, and every
// other time at the common one while the former cannot be reached.
func (p *policy) useResumeURL() bool { return p.unheard%2 == 0 }
