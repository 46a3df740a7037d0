package actions

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/dashboard/session"
	"snug/shared/access"
	"snug/shared/hub"
	"snug/shared/room"
)

const (
	// fewGuilds is up to how many servers a person is looked for in each. With
	// more, those are shown where they were seen, have a room, or were let into one.
	fewGuilds = 20
	homeTime  = 3 * time.Second // how long the first page waits for servers to answer
)

// Membership is a person's place in a guild.
type Membership struct {
	access.Standing
	Guild room.GuildInfo
}

// Memberships finds the servers a person shares with Snug, by asking the
// bot: it needs no scope that would tell Snug of all their other servers.
// What it says is at most room.LookAge old.
func (a *Actions) Memberships(ctx context.Context, me *session.Session) []Membership {
	return a.memberships(ctx, me, a.lookOf)
}

func (a *Actions) memberships(ctx context.Context, me *session.Session, ask asking) []Membership {
	ctx, cancel := context.WithTimeout(ctx, homeTime)
	defer cancel()
	var mu sync.Mutex
	var found []Membership
	var g errgroup.Group
	g.SetLimit(8)
	for _, id := range a.likelyGuilds(ctx, me) {
		info, ok := a.guilds.Get(id.String())
		if !ok {
			continue
		}
		g.Go(func() error {
			st, err := ask(ctx, id, me.User.ID)
			if err != nil {
				a.log.InfoContext(ctx, "a server did not say whether somebody is in it", "guild_id", id,
					"user_id", me.User.ID, "err", err)
				return nil // the others are shown
			}
			a.sawIn(ctx, me, st)
			if st.Member {
				mu.Lock()
				found = append(found, Membership{st, info})
				mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait() // no function fails
	slices.SortFunc(found, func(a, b Membership) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Guild.Name), strings.ToLower(b.Guild.Name)),
			cmp.Compare(a.Guild.ID, b.Guild.ID))
	})
	return found
}

// likelyGuilds are the servers worth asking about a person.
func (a *Actions) likelyGuilds(ctx context.Context, me *session.Session) []snowflake.ID {
	ids, err := a.o.Sessions.Guilds(ctx, me.User.ID)
	if err != nil {
		a.log.WarnContext(ctx, "a person's servers are not known", "user_id", me.User.ID, "err", err)
	}
	ids = append(append(ids, a.index.guildsOf(me.User.ID)...), a.closed.guildsOf(me.User.ID, false)...)
	if a.guilds.Len() <= fewGuilds {
		a.guilds.Range(func(e hub.Entry[room.GuildInfo]) bool {
			ids = append(ids, e.Value.ID)
			return true
		})
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
