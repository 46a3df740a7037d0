package rooms

import (
	"context"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/hub"
	"snug/shared/room"
	"snug/shared/schema"
)

// Expect takes the guilds that READY lists and no Guild Create has described yet: those that aren't loaded are
// announced as not ready. It only enqueues.
func (rs *Rooms) Expect(ids []snowflake.ID) {
	rs.Prepare(ids)
	for _, id := range ids {
		rs.o.Coming(room.GuildInfo{ID: id, Name: schema.Printable("", id.String())})
	}
}

// Prepare is called before the Load of guilds, and makes their first one cheap: most guilds have nothing stored, so
// the hub is asked once which have, and not for each guild and bucket. It only enqueues.
func (rs *Rooms) Prepare(ids []snowflake.ID) {
	if len(ids) < fewGuilds {
		return
	}
	s := &stored{read: make(chan struct{})}
	for _, id := range ids {
		if g := rs.guild(id, true); g != nil && g.loads.Load() == 0 {
			g.stored.Store(s)
		}
	}
	rs.goRun(func() {
		defer close(s.read)
		s.err = s.list(rs.ctx, rs.o.Hub)
	})
}

// fewGuilds is how many guilds are read one by one.
const fewGuilds = 8

// stored says in which buckets guilds have anything. It holds for a guild's first load in this process: nobody else
// stores anything new of a guild, and this process only once it is loaded.
type stored struct {
	read                                    chan struct{} // closed once the fields below are set
	err                                     error
	settings, rooms, pending, past, rosters map[string]struct{} // of the keys, the guilds
}

// list fills in the fields.
func (s *stored) list(ctx context.Context, h *hub.Hub) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range []struct {
		of   *map[string]struct{}
		read func(context.Context) (map[string]struct{}, error)
	}{
		{&s.settings, h.Settings.Groups}, {&s.rooms, h.Rooms.Groups}, {&s.pending, h.PendingCreates.Groups},
		{&s.past, h.Closed.Groups}, {&s.rosters, h.Rosters.Groups},
	} {
		g.Go(func() (err error) {
			*b.of, err = b.read(ctx)
			return err
		})
	}
	return g.Wait()
}

// has says which buckets may have something of a guild.
type has struct{ settings, rooms, pending, past, rosters bool }

// storedOf returns what is to be read for a guild: everything, unless it was prepared and this is its first load.
func (g *guildState) storedOf(ctx context.Context) has {
	s := g.stored.Swap(nil)
	if first := g.loads.Add(1) == 1; s == nil || !first {
		return has{true, true, true, true, true}
	}
	select {
	case <-s.read:
	case <-ctx.Done():
	}
	if ctx.Err() != nil || s.err != nil {
		return has{true, true, true, true, true}
	}
	in := func(m map[string]struct{}) bool {
		_, ok := m[g.id.String()]
		return ok
	}
	return has{in(s.settings), in(s.rooms), in(s.pending), in(s.past), in(s.rosters)}
}
