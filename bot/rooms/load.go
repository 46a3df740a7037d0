package rooms

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// Load takes a guild that Discord has just described: after a start, a fresh
// identify, an outage or an invitation. Rooms, intentions and rosters are
// compared with it and put right, and the guild is announced as ready. The
// guild's voice states must have been given to presence before. It only enqueues.
func (rs *Rooms) Load(info room.GuildInfo, channels []Channel) {
	g := rs.guild(info.ID, true)
	if g == nil {
		return // closing
	}
	g.beginLoad()
	rs.push(g, job{exclusive: true, run: func(ctx context.Context) {
		defer g.endLoad()
		g.loads++
		rs.loadUntil(ctx, g, info, channels, g.loads, time.Second)
	}})
}

// Expect takes the news that Discord is about to describe a guild: until then it is known, and nothing can be
// done in it. One of which something is known already is left as it is. It only enqueues.
func (rs *Rooms) Expect(id snowflake.ID) {
	g := rs.guild(id, true)
	if g == nil {
		return // closing
	}
	rs.enqueue(g, func(ctx context.Context) {
		if g.info.ID != 0 {
			return
		}
		info := room.GuildInfo{ID: id, Name: schema.Printable("", id.String())}
		if _, err := rs.o.Hub.Guilds.Create(ctx, id.String(), info); err != nil && !errs.Has(err, errs.Conflict) {
			rs.o.Log.WarnContext(ctx, "could not announce that a server is coming", "guild_id", id, "err", err)
		}
	})
}

func (g *guildState) beginLoad() {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if g.loading == 0 {
		g.loaded = make(chan struct{})
	}
	g.loading++
}

func (g *guildState) endLoad() {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if g.loading--; g.loading == 0 {
		close(g.loaded)
	}
}

// loadPatience is how long a request waits for a guild that is just being loaded.
const loadPatience = 5 * time.Second

// awaitLoads waits while the guild is being loaded: a command given during a
// restart is answered a little later rather than refused.
func (g *guildState) awaitLoads(ctx, life context.Context) error {
	g.queueMu.Lock()
	loading, loaded := g.loading, g.loaded
	g.queueMu.Unlock()
	if loading == 0 {
		return nil
	}
	patience := time.NewTimer(loadPatience)
	defer patience.Stop()
	select {
	case <-loaded:
	case <-patience.C:
	case <-life.Done():
	case <-ctx.Done():
		return busy(ctx)
	}
	return nil
}

// loadUntil loads a guild, and again later if the hub does not answer, unless
// Discord has described the guild anew meanwhile.
func (rs *Rooms) loadUntil(
	ctx context.Context, g *guildState, info room.GuildInfo, channels []Channel, number int, wait time.Duration,
) {
	if number != g.loads {
		return
	}
	err := rs.load(ctx, g, info, channels)
	if err == nil || ctx.Err() != nil {
		return
	}
	rs.o.Log.ErrorContext(ctx, "a server's rooms could not be read; trying again", "guild_id", info.ID, "delay", wait,
		"err", err)
	rs.enqueueAfter(g, wait, func(context.Context) {
		rs.push(g, job{exclusive: true, run: func(ctx context.Context) {
			rs.loadUntil(ctx, g, info, channels, number, min(2*wait, 16*time.Second))
		}})
	})
}

func (rs *Rooms) load(ctx context.Context, g *guildState, info room.GuildInfo, channels []Channel) error {
	g.ready, g.info = false, info
	if err := rs.loadSettings(ctx, g); err != nil {
		return err
	}
	if err := rs.loadRooms(ctx, g); err != nil {
		return err
	}
	g.info.Access = rs.o.Discord.Guild(g.id)
	for _, r := range g.rooms {
		rs.refresh(g, r, false)
	}
	if err := rs.track(ctx, g); err != nil {
		return err
	}
	err := rs.compare(ctx, g, channels, rs.editsOf(g))
	if g.behind = err != nil; g.behind { // the sweeps go on with it
		rs.o.Log.WarnContext(ctx, "not everything could be put right at once", "guild_id", g.id, "err", err)
	}
	g.ready, g.info.Ready = true, true
	rs.lobbies(g)
	rs.enqueue(g, func(ctx context.Context) { rs.onGateChanged(ctx, g) })
	if len(g.rooms) > 0 {
		rs.o.RequestChannelInfo(g.id)
	}
	return rs.o.Announce(ctx, g.info)
}

// Reannounce tells again what a guild is, to a hub that has forgotten it. It
// waits for the guild's turn.
func (rs *Rooms) Reannounce(ctx context.Context, id snowflake.ID) error {
	g := rs.guild(id, false)
	if g == nil {
		return nil
	}
	ctx, t, err := g.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer t.end()
	if g.info.ID == 0 {
		return nil // never loaded: it is announced when it is
	}
	return rs.o.Announce(ctx, g.info)
}

// Unready takes the news that a guild is unavailable: requests are refused
// until it is loaded again. It only enqueues.
func (rs *Rooms) Unready(id snowflake.ID) {
	rs.enqueueIn(id, rs.unready)
}

func (rs *Rooms) unready(ctx context.Context, g *guildState) {
	if g.info.ID == 0 {
		return // never loaded: nothing was said of it but that it is expected
	}
	g.ready, g.info.Ready = false, false
	if err := rs.o.Announce(ctx, g.info); err != nil {
		rs.o.Log.WarnContext(ctx, "could not announce that a server is unavailable", "guild_id", g.id, "err", err)
	}
}

// Left takes the news that the bot was removed from a guild. Its rooms stay
// stored: if the bot is invited again, they are compared with what is there
// then. It only enqueues.
func (rs *Rooms) Left(id snowflake.ID) {
	rs.enqueueExclusive(id, func(ctx context.Context, g *guildState) {
		g.loads++ // a load that failed is not tried again
		rs.unready(ctx, g)
		for _, r := range g.rooms {
			rs.o.Voice.Closed(g.summary(r), room.ClosedLost)
		}
		clear(g.rooms)
	})
}

// loadRooms reads the guild's rooms and intentions.
func (rs *Rooms) loadRooms(ctx context.Context, g *guildState) error {
	rooms, err := rs.o.Hub.Rooms.List(ctx, g.id.String())
	if err != nil {
		return fmt.Errorf("rooms: %w", err)
	}
	intended, err := rs.o.Hub.PendingCreates.List(ctx, g.id.String())
	if err != nil {
		return fmt.Errorf("intentions: %w", err)
	}
	clear(g.rooms)
	clear(g.pendingCreates)
	for _, e := range rooms {
		r := &roomState{Room: e.Value, rev: e.Rev, way: newWayIn(&e.Value)}
		g.rooms[r.ID] = r
		rs.flush(ctx, g, r)
		rs.watchHolds(g, r)
	}
	for _, e := range intended {
		g.pendingCreates[e.Value.ID] = e.Value
	}
	return nil
}

// track hands the rooms to presence with what the hub last held of them, and
// removes from the hub what is no room any more.
func (rs *Rooms) track(ctx context.Context, g *guildState) error {
	priors, err := rs.o.Hub.Rosters.List(ctx, g.id.String())
	if err != nil {
		return fmt.Errorf("rosters: %w", err)
	}
	prior := map[snowflake.ID]*room.Live{}
	for _, e := range priors {
		id, err := snowflake.Parse(e.Key[strings.IndexByte(e.Key, '.')+1:])
		if err != nil || g.rooms[id] == nil && !e.Value.Gone() {
			if err := rs.o.Hub.Rosters.Delete(ctx, e.Key); err != nil {
				return fmt.Errorf("rosters: %w", err)
			}
			continue
		}
		prior[id] = &e.Value
	}
	var known []voice.KnownRoom
	for id, r := range g.rooms {
		known = append(known, voice.KnownRoom{Room: g.summary(r), Prior: prior[id]})
	}
	done := make(chan struct{})
	rs.o.Voice.Track(known, func() { close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
