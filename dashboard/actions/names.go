package actions

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/room"
)

const (
	namesTime = 2 * time.Second // how long a page waits for people's names
	fewNames  = 24              // how many names a room's page asks the guild for
	mostNames = 100             // and another page: what Discord is asked for at once
)

// names remembers how people are called whom no roster tells of, also after they left.
type names struct {
	mu    sync.Mutex
	known map[[2]snowflake.ID]knownName
}

type knownName struct {
	access.Standing
	named time.Time // when they had that name
	until time.Time // when to ask again
}

const (
	nameTime = 10 * time.Minute
	lastName = 24 * time.Hour // how long who left keeps the name they had
	maxNames = 20_000
)

// get returns what was last known of somebody, and whether that is new enough.
func (n *names) get(guildID, user snowflake.ID, now time.Time) (access.Standing, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.known[[2]snowflake.ID{guildID, user}]
	return k.Standing, ok && now.Before(k.until)
}

// put keeps what is known of somebody. Who left keeps the name that they had for lastName, if that is known.
func (n *names) put(guildID, user snowflake.ID, st access.Standing, now time.Time) access.Standing {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [2]snowflake.ID{guildID, user}
	is := knownName{
		access.Standing{UserID: user, Member: st.Member, DisplayName: st.DisplayName, Avatar: st.Avatar}, now,
		now.Add(nameTime),
	}
	if was := n.known[key]; is.DisplayName == "" && now.Before(was.named.Add(lastName)) {
		is.DisplayName, is.Avatar, is.named = was.DisplayName, was.Avatar, was.named
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[[2]snowflake.ID]knownName{}
	}
	n.known[key] = is
	return is.Standing
}

// forget forgets somebody everywhere.
func (n *names) forget(user snowflake.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.known, func(key [2]snowflake.ID, _ knownName) bool { return key[1] == user })
}

// OwnerName gives the display name of a room's owner if it is at hand.
func (a *Actions) OwnerName(sum room.Summary, roster []room.Person) (string, bool) {
	owner := sum.Access.OwnerID
	for _, p := range roster {
		if p.UserID == owner {
			a.names.put(sum.GuildID, owner,
				access.Standing{Member: true, DisplayName: p.DisplayName, Avatar: p.Avatar}, a.now())
			return p.DisplayName, true
		}
	}
	st, ok := a.names.get(sum.GuildID, owner, a.now())
	return st.DisplayName, ok
}

// AskOwnerName is OwnerName that asks the guild for one that is not at hand.
func (a *Actions) AskOwnerName(ctx context.Context, sum room.Summary, roster []room.Person) string {
	name, ok := a.OwnerName(sum, roster)
	if ok {
		return name
	}
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	st, err := a.nameOf(ctx, sum.GuildID, sum.Access.OwnerID)
	if err != nil {
		return "" // the page does without
	}
	return a.names.put(sum.GuildID, sum.Access.OwnerID, st, a.now()).DisplayName
}

// NamesInRoom gives the display names of who is told of in a room and its history, and not in its roster.
func (a *Actions) NamesInRoom(
	ctx context.Context, r *room.View, ownerName string, history []audit.Entry,
) map[snowflake.ID]string {
	out := map[snowflake.ID]string{}
	var ids []snowflake.ID
	for i := range history {
		ids = append(ids, history[i].By, history[i].Target)
	}
	if c := r.Control; c != nil {
		for _, g := range c.Guests {
			if out[g.UserID] = g.Name; g.Name == "" {
				ids = append(ids, g.UserID)
			}
		}
		for _, b := range c.Bans {
			ids = append(ids, b.UserID)
		}
		for _, k := range c.Knocks {
			out[k.UserID] = k.Name
		}
		for _, w := range c.Waiting {
			out[w.UserID] = w.Name
		}
	}
	out[r.Room.Access.OwnerID] = ownerName
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id snowflake.ID) bool {
		if id == 0 || out[id] != "" || room.In(r.Roster, id) {
			return true
		}
		st, known := a.names.get(r.Room.GuildID, id, a.now())
		out[id] = st.DisplayName
		return known
	})
	for id, st := range a.askNames(ctx, r.Room.GuildID, ids[:min(len(ids), fewNames)]) {
		out[id] = st.DisplayName
	}
	return out
}

// Members finds how people are called and look: who is in the server, and who was. Of each it gives the id, the name,
// the picture, and whether they are a member now. Whom nobody tells of in time is left out: the page does without.
func (a *Actions) Members(
	ctx context.Context, guildID snowflake.ID, ids []snowflake.ID,
) map[snowflake.ID]access.Standing {
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	out, now := map[snowflake.ID]access.Standing{}, a.now()
	var unknown []snowflake.ID
	for _, id := range ids {
		if _, seen := out[id]; seen || id == 0 || len(out)+len(unknown) >= mostNames || slices.Contains(unknown, id) {
			continue
		}
		if st, known := a.names.get(guildID, id, now); known {
			out[id] = st
		} else {
			unknown = append(unknown, id)
		}
	}
	maps.Copy(out, a.askNames(ctx, guildID, unknown))
	return out
}

// nameOf asks the guild how somebody is called, which need not be of this minute.
func (a *Actions) nameOf(ctx context.Context, guildID, user snowflake.ID) (access.Standing, error) {
	return a.askStanding(ctx, guildID, room.StandingRequest{UserID: user, Within: nameTime})
}

// askNames asks the guild how people are called, several at once, and keeps that for the next page. The bot asks
// Discord about all of them together.
func (a *Actions) askNames(
	ctx context.Context, guildID snowflake.ID, ids []snowflake.ID,
) map[snowflake.ID]access.Standing {
	asked := make([]access.Standing, len(ids))
	var g errgroup.Group
	g.SetLimit(16)
	for i := range asked {
		g.Go(func() error {
			if st, err := a.nameOf(ctx, guildID, ids[i]); err == nil {
				asked[i] = a.names.put(guildID, ids[i], st, a.now())
			}
			return nil // "somebody" does as well
		})
	}
	_ = g.Wait() // no function fails
	out := map[snowflake.ID]access.Standing{}
	for i, st := range asked {
		if st.UserID != 0 {
			out[ids[i]] = st
		}
	}
	return out
}
