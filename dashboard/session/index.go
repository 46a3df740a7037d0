package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
)

// index is what is stored about a user, sealed: the keys of their sessions, and the servers they were last seen in.
type index struct {
	Sessions []indexed      `json:"sessions,omitempty"` // oldest first
	Guilds   []snowflake.ID `json:"guilds,omitempty"`   // most recent first
	Expires  time.Time      `json:"expires"`
}

type indexed struct {
	Key     string    `json:"key"`
	Expires time.Time `json:"expires"`
}

// add adds or extends a session and returns the keys of those dropped to make room.
func (x *index) add(key string, expires, now time.Time) (dropped []string) {
	x.remove(key)
	x.Sessions = slices.DeleteFunc(x.Sessions, func(e indexed) bool { return !now.Before(e.Expires) })
	x.Sessions = append(x.Sessions, indexed{key, expires})
	for len(x.Sessions) > maxPerUser {
		dropped = append(dropped, x.Sessions[0].Key)
		x.Sessions = x.Sessions[1:]
	}
	return dropped
}

func (x *index) remove(key string) {
	x.Sessions = slices.DeleteFunc(x.Sessions, func(e indexed) bool { return e.Key == key })
}

func (x *index) live(now time.Time) (n int) {
	for _, e := range x.Sessions {
		if now.Before(e.Expires) {
			n++
		}
	}
	return n
}

// changeIndex reads, changes and writes a user's index. The index outlives the last session, so
// that the user's servers are known when they come back.
func (s *Sessions) changeIndex(ctx context.Context, user snowflake.ID, change func(*index)) error {
	key := "user." + user.String()
	for range casTries {
		var x index
		rev, err := s.read(ctx, s.o.Sessions, "index", key, &x)
		if errs.Has(err, errs.NotFound) {
			if rev, err = s.staleRev(ctx, key); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		change(&x)
		x.Expires = s.o.Now().Add(s.o.Lifetime + rollEvery)
		err = s.write(ctx, s.o.Sessions, "index", key, x, x.Expires, rev)
		if !errs.Has(err, errs.Conflict) {
			return err
		}
	}
	return unavailable(errors.New("session: too many writers"))
}

// staleRev returns the revision of a document that has expired or can't be opened but still exists,
// so that it can be replaced; 0 if there is none.
func (s *Sessions) staleRev(ctx context.Context, key string) (uint64, error) {
	_, rev, err := s.o.Sessions.Get(ctx, key)
	if errs.Has(err, errs.NotFound) {
		return 0, nil
	} else if err != nil {
		return 0, unavailable(err)
	}
	return rev, nil
}

// Guilds returns the servers a user was last seen in, most recent first.
func (s *Sessions) Guilds(ctx context.Context, user snowflake.ID) ([]snowflake.ID, error) {
	var x index
	_, err := s.read(ctx, s.o.Sessions, "index", "user."+user.String(), &x)
	if errs.Has(err, errs.NotFound) {
		return nil, nil
	}
	return x.Guilds, err
}

// RecordGuild records that a user is a member of a server, or, with in false, that they aren't. It only writes changes.
func (s *Sessions) RecordGuild(ctx context.Context, user, guild snowflake.ID, in bool) error {
	known, err := s.Guilds(ctx, user)
	if err != nil || slices.Contains(known, guild) == in {
		return err
	}
	return s.changeIndex(ctx, user, func(x *index) {
		x.Guilds = slices.DeleteFunc(x.Guilds, func(g snowflake.ID) bool { return g == guild })
		if in {
			x.Guilds = append([]snowflake.ID{guild}, x.Guilds...)
			x.Guilds = x.Guilds[:min(len(x.Guilds), maxGuilds)]
		}
	})
}

// Stored describes a signed-in browser, without anything that gives access.
type Stored struct {
	User       User      `json:"user"`
	Scopes     []string  `json:"scopes"`
	SignedInAt time.Time `json:"signed_in_at"`
	UsedAt     time.Time `json:"used_at"` // with a precision of a day
	Expires    time.Time `json:"expires"`
}

// Stored returns a user's signed-in browsers, oldest first.
func (s *Sessions) Stored(ctx context.Context, user snowflake.ID) ([]Stored, error) {
	var x index
	if _, err := s.read(ctx, s.o.Sessions, "index", "user."+user.String(), &x); err != nil &&
		!errs.Has(err, errs.NotFound) {
		return nil, err
	}
	all := []Stored{}
	for _, e := range x.Sessions {
		rec, _, err := s.load(ctx, e.Key)
		if errs.Has(err, errs.Unauthorized) {
			continue // it has expired
		} else if err != nil {
			return nil, err
		}
		all = append(all,
			Stored{
				User: rec.User, Scopes: rec.Scopes, SignedInAt: rec.CreatedAt, UsedAt: rec.RolledAt,
				Expires: rec.Expires,
			})
	}
	return all, nil
}
