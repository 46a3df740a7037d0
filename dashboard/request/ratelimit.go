package request

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"snug/shared/errs"
)

// Limit allows Burst at once and one more each Every.
type Limit struct {
	Every time.Duration
	Burst int
}

// Limits bound what one user, or one address without a user, may do with all dashboards together. Zero fields have
// sensible defaults.
type Limits struct {
	// Address is for everything but static files, pictures, probes and the WebSocket, per address, signed in or not.
	Address   Limit
	Read      Limit // pages and answers for signed-in people, per user
	Login     Limit // sign-ins begun, per address
	Invite    Limit // invites looked at and followed, per user or address
	Write     Limit // everything that changes something, per user
	LiveToken Limit // per user
	Card      Limit // pictures of cards, per address
	Person    Limit // what is stored of somebody gathered or erased, per user
}

// Limiters hold what each of the Limits bounds.
type Limiters struct{ Address, Read, Login, Invite, Write, LiveToken, Card, Person *Limiter }

// newLimiters makes limiters of a dashboard that is one of as many as dashboards returns; nil: it is the only one.
func newLimiters(l Limits, now func() time.Time, dashboards func() int) Limiters {
	if dashboards == nil {
		dashboards = func() int { return 1 }
	}
	or := func(l, d Limit) *Limiter {
		if l.Burst == 0 {
			l = d
		}
		return &Limiter{limit: l, now: now, dashboards: dashboards, buckets: map[string]*rate.Limiter{}}
	}
	return Limiters{
		Address:   or(l.Address, Limit{10 * time.Millisecond, 2000}), // many people may share one
		Read:      or(l.Read, Limit{20 * time.Millisecond, 1000}),
		Login:     or(l.Login, Limit{500 * time.Millisecond, 120}),
		Invite:    or(l.Invite, Limit{time.Second, 40}),
		Write:     or(l.Write, Limit{500 * time.Millisecond, 40}),
		LiveToken: or(l.LiveToken, Limit{100 * time.Millisecond, 300}),
		Card:      or(l.Card, Limit{100 * time.Millisecond, 100}), // sites fetch them from few addresses
		Person:    or(l.Person, Limit{10 * time.Second, 10}),
	}
}

// Sweep forgets who has not asked of late.
func (l Limiters) Sweep() {
	for _, x := range []*Limiter{l.Address, l.Read, l.Login, l.Invite, l.Write, l.LiveToken, l.Card, l.Person} {
		x.sweep()
	}
}

// Limiter keeps one token bucket a key. It is safe for concurrent use.
type Limiter struct {
	limit      Limit // of all dashboards together
	now        func() time.Time
	dashboards func() int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// maxBuckets bounds the memory strangers can take. Past it the fullest of a
// few goes, whose key has done least of late: whoever is held back stays held back.
const (
	maxBuckets = 50_000
	sampled    = 16
)

// part gives as much of a limit as this dashboard may grant: as large a part as it is of all of them. So the parts add
// up to the limit without a word between them for each request. Only with more dashboards than Burst does the one
// request that each grants at least add up to more.
func (l *Limiter) part() Limit {
	n := max(1, l.dashboards())
	return Limit{l.limit.Every * time.Duration(n), max(1, l.limit.Burst/n)}
}

// fit makes a bucket as large as the part. A smaller one keeps what fits in; a larger one fills up as time passes.
func fit(b *rate.Limiter, part Limit, now time.Time) {
	if every := rate.Every(part.Every); b.Burst() != part.Burst || b.Limit() != every {
		b.SetLimitAt(now, every)
		b.SetBurstAt(now, part.Burst)
	}
}

// take gives how long the key has to wait; 0 lets it pass.
func (l *Limiter) take(key string) time.Duration {
	now, part := l.now(), l.part()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.dropOne(now)
		}
		b = rate.NewLimiter(rate.Every(part.Every), part.Burst)
		l.buckets[key] = b
	}
	fit(b, part, now)
	r := b.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// dropOne forgets a bucket. A map gives its keys from somewhere else each time, so that a few are a sample.
func (l *Limiter) dropOne(now time.Time) {
	fullest, most, n := "", math.Inf(-1), 0
	for k, b := range l.buckets {
		if have := b.TokensAt(now); have > most {
			fullest, most = k, have
		}
		if n++; n == sampled {
			break
		}
	}
	delete(l.buckets, fullest)
}

// sweep forgets full buckets: a new one is as full.
func (l *Limiter) sweep() {
	now, part := l.now(), l.part()
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, b := range l.buckets {
		if fit(b, part, now); b.TokensAt(now) >= float64(part.Burst) {
			delete(l.buckets, k)
		}
	}
}

// Allow fails with errs.RateLimited when who asks has asked too often.
func (rs *Requests) Allow(c *gin.Context, l *Limiter) error {
	key := "a" + addressGroup(c.ClientIP())
	if me, err := rs.Me(c); err == nil {
		key = "u" + me.User.ID.String()
	}
	return l.Allow(key)
}

// Allow fails with errs.RateLimited when the key has asked too often.
func (l *Limiter) Allow(key string) error {
	if wait := l.take(key); wait > 0 {
		return errs.E(errs.RateLimited, "Too many requests. Try again in a moment.").After(wait)
	}
	return nil
}

// AllowAddress is allow for pages that know no person: it looks at no cookie and sets none.
func (rs *Requests) AllowAddress(c *gin.Context, l *Limiter) error {
	return l.Allow("a" + addressGroup(c.ClientIP()))
}

// pace bounds what one address may ask for, before anything is looked up for it.
func (rs *Requests) pace(c *gin.Context) error {
	if path := c.Request.URL.Path; path == LivePath || quiet(path) {
		return nil
	}
	err := rs.Limits.Address.Allow("a" + addressGroup(c.ClientIP()))
	if err != nil {
		v := InfoOf(c)
		v.looked, v.err = true, errNobody // the refusal costs no look for a session either
	}
	return err
}

// addressGroup gives what of an address one party holds: of IPv6 the first 64 bits.
func addressGroup(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
