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
	// keptFor is how old a standing may be that counts while nobody holds the guild.
	keptFor = 5 * time.Minute
	// saveEvery is how often a standing that stays the same is written down again.
	saveEvery = time.Minute
	maxSaved  = 20_000

	patience       = 2500 * time.Millisecond // how long a page waits for the process that holds a guild
	silentAfter    = 5 * time.Second         // such a process says every 4 s at the latest that it is there
	silentPatience = 300 * time.Millisecond  // how long one is waited for that has not
)

// Header says in an answer how old what it shows is.
const Header = "Snug-As-Of"

// Standings answers questions that change nothing also while nobody holds the
// guild, from what was known, and has the answer say how old that is: processes
// change, and pages go on. Every dashboard knows what any of them was told of a
// person within the last minutes.
type Standings struct {
	h   *hub.Hub
	now func() time.Time
	put *hub.Publisher[hub.Known]

	mu      sync.Mutex
	written map[[2]snowflake.ID]hub.Known // by guild and user: what was written down last
}

// New makes Standings that publish what they learn. Close ends that.
func New(h *hub.Hub, now func() time.Time) (*Standings, error) {
	put, err := h.Standings.Publisher(0)
	return &Standings{h: h, now: now, put: put, written: map[[2]snowflake.ID]hub.Known{}}, err
}

func key(guild, user snowflake.ID) string { return guild.String() + "." + user.String() }

// Standing returns what ask answers, or what was known, and that it is old, when nobody can answer.
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
		at = known.Until.Add(-keptFor) // when it was written down
	}
	oldest(ctx, at)
	return known.Standing, true, nil
}

// patienceFor is how long the process that holds a guild is waited for.
func (s *Standings) patienceFor(guild snowflake.ID) time.Duration {
	if heard := s.h.Heard(guild); !heard.IsZero() && time.Since(heard) > silentAfter {
		return silentPatience
	}
	return patience
}

// save writes a standing down, unless that was done just now.
func (s *Standings) save(guild, user snowflake.ID, st access.Standing) {
	k, now := [2]snowflake.ID{guild, user}, s.now()
	s.mu.Lock()
	old, had := s.written[k]
	same := had && sameStanding(old.Standing, st) && old.Until.Sub(now) > keptFor-saveEvery
	if !same {
		if len(s.written) >= maxSaved {
			clear(s.written)
		}
		s.written[k] = hub.Known{Standing: st, Until: now.Add(keptFor)}
	}
	doc := s.written[k]
	s.mu.Unlock()
	if !same {
		_ = s.put.Put(key(guild, user), doc, nil) // what the hub does not take is forgotten
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

// Forget drops what is known of a person: it has changed.
func (s *Standings) Forget(guild, user snowflake.ID) {
	s.mu.Lock()
	delete(s.written, [2]snowflake.ID{guild, user})
	s.mu.Unlock()
	_ = s.put.Delete(key(guild, user), nil)
}

// Close waits until what was learned is published, no longer than ctx.
func (s *Standings) Close(ctx context.Context) error { return s.put.Close(ctx) }
