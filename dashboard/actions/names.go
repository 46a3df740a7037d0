package actions

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/audit"
	"snug/shared/room"
)

const (
	namesTime = 2 * time.Second // how long a page waits for people's names
	fewNames  = 24              // how many names a room's page asks the guild for
)

// mostNames bounds how many members a page asks Discord about.
const mostNames = 30

// names remembers display names of rooms' owners, who need not be in any roster.
type names struct {
	mu    sync.Mutex
	known map[[2]snowflake.ID]knownName
}

type knownName struct {
	name  string
	until time.Time
}

const (
	nameTime = 10 * time.Minute
	maxNames = 20_000
)

func (n *names) get(guildID, user snowflake.ID, now time.Time) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.known[[2]snowflake.ID{guildID, user}]
	return k.name, ok && now.Before(k.until)
}

func (n *names) put(guildID, user snowflake.ID, name string, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[[2]snowflake.ID]knownName{}
	}
	n.known[[2]snowflake.ID{guildID, user}] = knownName{name, now.Add(nameTime)}
}

// OwnerName gives the display name of a room's owner if it is at hand.
func (a *Actions) OwnerName(sum room.Summary, roster []room.Person) (string, bool) {
	owner := sum.Access.OwnerID
	for _, p := range roster {
		if p.UserID == owner {
			a.names.put(sum.GuildID, owner, p.DisplayName, a.now())
			return p.DisplayName, true
		}
	}
	return a.names.get(sum.GuildID, owner, a.now())
}

// AskOwnerName is ownerName that asks the guild for one that is not at hand.
func (a *Actions) AskOwnerName(ctx context.Context, sum room.Summary, roster []room.Person) string {
	name, ok := a.OwnerName(sum, roster)
	if ok {
		return name
	}
	st, err := a.StandingOf(ctx, sum.GuildID, sum.Access.OwnerID)
	if err != nil {
		return "" // the page does without
	}
	a.names.put(sum.GuildID, sum.Access.OwnerID, st.DisplayName, a.now())
	return st.DisplayName
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
		name, known := a.names.get(r.Room.GuildID, id, a.now())
		out[id] = name
		return known
	})
	a.askNames(ctx, r.Room.GuildID, ids[:min(len(ids), fewNames)], out)
	return out
}

// DisplayNames finds the names of members, as far as they are told in time: the page does without the others.
func (a *Actions) DisplayNames(ctx context.Context, guildID snowflake.ID, ids []snowflake.ID) map[snowflake.ID]string {
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	out := map[snowflake.ID]string{}
	var unknown []snowflake.ID
	for _, id := range ids {
		if _, seen := out[id]; seen || id == 0 || len(out) >= mostNames {
			continue
		}
		name, known := a.names.get(guildID, id, a.now())
		if out[id] = name; !known {
			unknown = append(unknown, id)
		}
	}
	a.askNames(ctx, guildID, unknown, out)
	return out
}

// askNames asks the guild for display names, several at once, and keeps them for the next page.
func (a *Actions) askNames(ctx context.Context, guildID snowflake.ID, ids []snowflake.ID, out map[snowflake.ID]string) {
	asked := make([]string, len(ids))
	var g errgroup.Group
	g.SetLimit(8)
	for i := range asked {
		g.Go(func() error {
			st, err := a.StandingOf(ctx, guildID, ids[i])
			if err == nil && st.DisplayName != "" {
				asked[i] = st.DisplayName
				a.names.put(guildID, ids[i], st.DisplayName, a.now())
			}
			return nil // "somebody" does as well
		})
	}
	_ = g.Wait() // no function fails
	for i, name := range asked {
		out[ids[i]] = name
	}
}
