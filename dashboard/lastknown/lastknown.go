package lastknown

import (
	"context"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/hub"
)

const (
	// maxAge is the age up to which a standing is used while nobody holds the guild.
	maxAge = 5 * time.Minute
	// saveEvery is how often an unchanged standing is stored again.
	saveEvery = time.Minute
	maxSaved  = 20_000

	patience       = 2500 * time.Millisecond // how long a page waits for the process that holds a guild
	silentAfter    = 5 * time.Second         // such a process reports at least every 4 s
	silentPatience = 300 * time.Millisecond  // how long to wait for one that has not reported
)

// Header is the response header that says how old the contents are.
const Header = "Snug-As-Of"

// Standings returns members' standings even while nobody holds the guild, and makes the response
// say how old they are, so that pages continue to work while processes change. Every dashboard
// knows what any dashboard learned within the last minutes.
type Standings struct {
	h   *hub.Hub
	now func() time.Time
	put *hub.Publisher[hub.Known]

	mu      sync.Mutex
	written map[[2]snowflake.ID]hub.Known // by guild and user: what was last stored
}

// New makes Standings that publish what they learn until Close.
func New(h *hub.Hub, now func() time.Time) (*Standings, error) {
	put, err := h.Standings.Publisher(0)
	return &Standings{h: h, now: now, put: put, written: map[[2]snowflake.ID]hub.Known{}}, err
}

func key(guild, user snowflake.ID) string { return guild.String() + "." + user.String() }

// Standing returns the result of ask or, if nobody can answer, the last known standing, and records its age.
func (s *Standings) Standing(
	ctx context.Context, guild, user snowflake.ID, ask func(context.Context) (access.Standing, error),
) (st access.Standing, old bool, err error) {
	part, cancel := context.WithTimeout(ctx, s.patienceFor(guild))
	st, err = ask(part)
	cancel()
	if err == nil {
		s.save(guild, user, st)
		return st, false, nil
	}
	if !errs.Has(err, errs.Unavailable) {
		return st, false, err
	}
	known, _, e := s.h.Standings.Get(ctx, key(guild, user))
	if e != nil {
		return st, false, err
	}
	at := s.h.Heard(guild)
	if at.IsZero() {
		at = known.Until.Add(-maxAge) // when it was stored
	}
	oldest(ctx, at)
	return known.Standing, true, nil
}

// patienceFor returns how long to wait for the process that holds a guild.
func (s *Standings) patienceFor(guild snowflake.ID) time.Duration {
	if heard := s.h.Heard(guild); !heard.IsZero() && time.Since(heard) > silentAfter {
		return silentPatience
	}
	return patience
}

// save stores a standing, unless it was just stored.
func (s *Standings) save(guild, user snowflake.ID, st access.Standing) {
	k, until := [2]snowflake.ID{guild, user}, s.now().Add(maxAge)
	if at := st.CheckedAt.Add(maxAge); at.Before(until) && !st.CheckedAt.IsZero() {
		until = at // however late it comes, it is only as recent as this
	}
	s.mu.Lock()
	old, had := s.written[k]
	same := had && sameStanding(old.Standing, st) && until.Sub(old.Until) < saveEvery
	if !same {
		if len(s.written) >= maxSaved {
			clear(s.written)
		}
		s.written[k] = hub.Known{Standing: st, Until: until}
	}
	doc := s.written[k]
	s.mu.Unlock()
	if !same {
		_ = s.put.Put(key(guild, user), doc, nil) // what the hub doesn't accept is dropped
	}
}

func sameStanding(a, b access.Standing) bool {
	a.CheckedAt, b.CheckedAt = time.Time{}, time.Time{}
	if len(a.Roles) != len(b.Roles) {
		return false
	}
	for i := range a.Roles {
		if a.Roles[i] != b.Roles[i] {
			return false
		}
	}
	a.Roles, b.Roles = nil, nil
	return a.Member == b.Member && a.Manager == b.Manager && a.Admin == b.Admin && a.Owner == b.Owner &&
		a.Pending == b.Pending && a.TimedOutUntil.Equal(b.TimedOutUntil) &&
		a.DisplayName == b.DisplayName && a.Avatar == b.Avatar
}

// Forget deletes what is known about a member, because it has changed.
func (s *Standings) Forget(guild, user snowflake.ID) {
	s.mu.Lock()
	delete(s.written, [2]snowflake.ID{guild, user})
	s.mu.Unlock()
	_ = s.put.Delete(key(guild, user), nil)
}

// Close waits until everything learned is published, until ctx ends.
func (s *Standings) Close(ctx context.Context) error { return s.put.Close(ctx) }
