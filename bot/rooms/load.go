package rooms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/voice"
	"snug/shared/hub"
	"snug/shared/room"
)

// Load takes a Guild Create event: after a start, a new session, an outage or when the bot was added.
// Rooms, pending creations and rosters are compared with it and repaired, then the guild is announced as
// ready. The guild's voice states must have been given to the voice.Tracker before. It only enqueues.
func (rs *Rooms) Load(info room.GuildInfo, channels []Channel) {
	g := rs.guild(info.ID, true)
	if g == nil {
		return // closing
	}
	g.beginLoad()
	rs.push(g, job{exclusive: true, run: func(ctx context.Context) {
		defer g.endLoad()
		g.loadCount++
		rs.loadUntil(ctx, g, info, channels, g.loadCount, time.Second)
	}})
}

func (g *guildState) beginLoad() {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if g.loading == 0 {
		g.loaded = make(chan struct{})
	}
	g.loading++
	g.tracked = false
}

func (g *guildState) endLoad() {
	g.queueMu.Lock()
	defer g.queueMu.Unlock()
	if g.loading--; g.loading == 0 {
		close(g.loaded)
	}
}

// loadPatience is how long a request waits for a guild that is being loaded.
const loadPatience = 5 * time.Second

// awaitLoads waits while the guild is being loaded, so that a
// command during a restart is answered late rather than refused.
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
		return busyError(ctx)
	}
	return nil
}

// loadUntil loads a guild, and retries if the hub fails, unless Load was called again meanwhile.
func (rs *Rooms) loadUntil(
	ctx context.Context, g *guildState, info room.GuildInfo, channels []Channel, number int, wait time.Duration,
) {
	if number != g.loadCount {
		return
	}
	err := rs.load(ctx, g, info, channels)
	if err == nil || ctx.Err() != nil {
		return
	}
	rs.o.Log.WarnContext(ctx, "a server's rooms could not be read; trying again", "guild_id", info.ID, "delay", wait,
		"err", err)
	rs.enqueueAfter(g, wait, func(context.Context) {
		rs.push(g, job{exclusive: true, run: func(ctx context.Context) {
			rs.loadUntil(ctx, g, info, channels, number, min(2*wait, 16*time.Second))
		}})
	})
}

func (rs *Rooms) load(ctx context.Context, g *guildState, info room.GuildInfo, channels []Channel) error {
	if err := rs.saveRooms(ctx, g); err != nil { // they are read again
		return fmt.Errorf("rooms: %w", err)
	}
	g.ready, g.info = false, info
	has := g.storedOf(ctx)
	if has.settings {
		if err := rs.loadSettings(ctx, g); err != nil {
			return err
		}
	}
	if err := rs.loadRooms(ctx, g, has); err != nil {
		return err
	}
	if has.past {
		if err := rs.loadPast(ctx, g); err != nil {
			return fmt.Errorf("closed rooms: %w", err)
		}
	}
	g.info.Access = rs.o.Discord.Guild(g.id)
	for _, r := range g.rooms {
		rs.refresh(g, r, false)
	}
	if has.rosters || len(g.rooms) > 0 {
		if err := rs.track(ctx, g); err != nil {
			return err
		}
	} else {
		rs.o.Voice.Track(g.id, nil, func() {})
	}
	g.queueMu.Lock()
	g.tracked = true // the tracker has told of everything that was given to it before
	g.queueMu.Unlock()
	err := errors.Join(rs.noteMissed(ctx, g), rs.compare(ctx, g, channels, rs.editsOf(g)))
	if g.compareFailed = err != nil; g.compareFailed { // the sweeps continue
		rs.o.Log.WarnContext(ctx, "not everything could be repaired at once; the sweeps continue", "guild_id", g.id,
			"err", err)
	}
	g.noteEmptyCategories(channels)
	g.ready, g.info.Ready = true, true
	rs.openFromLobbies(g)
	rs.followMissed(g)
	rs.enqueue(g, func(ctx context.Context) { rs.onGateChanged(ctx, g) })
	if len(g.rooms) > 0 {
		rs.o.RequestChannelInfo(g.id)
	}
	return rs.o.Announce(ctx, g.info)
}

// Reannounce publishes a guild again, for a hub that lost its memory buckets. It waits for the guild's lock.
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
		return nil // not loaded yet: Load announces it
	}
	return rs.o.Announce(ctx, g.info)
}

// GuildUnavailable follows an outage of a guild: requests
// are refused until it is loaded again. It only enqueues.
func (rs *Rooms) GuildUnavailable(id snowflake.ID) {
	rs.enqueueIn(id, rs.unready)
}

func (rs *Rooms) unready(ctx context.Context, g *guildState) {
	if g.info.ID == 0 {
		return // not loaded yet: it is announced as not ready already
	}
	g.ready, g.info.Ready = false, false
	if err := rs.o.Announce(ctx, g.info); err != nil {
		rs.o.Log.WarnContext(ctx, "could not announce that a server is unavailable", "guild_id", g.id, "err", err)
	}
}

// GuildRemoved follows the bot's removal from a guild. The rooms stay stored: if the bot
// is added again, they are compared with the channels of that time. It only enqueues.
func (rs *Rooms) GuildRemoved(id snowflake.ID) {
	rs.enqueueExclusive(id, func(ctx context.Context, g *guildState) {
		g.loadCount++ // stops loadUntil from retrying
		rs.unready(ctx, g)
		for _, r := range g.rooms {
			rs.o.Voice.Closed(g.summary(r), room.ClosedLost)
		}
		clear(g.rooms)
	})
}

// loadRooms reads the guild's rooms and pending creations.
func (rs *Rooms) loadRooms(ctx context.Context, g *guildState, has has) (err error) {
	var rooms []hub.Entry[room.Room]
	var pending []hub.Entry[room.PendingCreate]
	if has.rooms {
		if rooms, err = rs.o.Hub.Rooms.List(ctx, g.id.String()); err != nil {
			return fmt.Errorf("rooms: %w", err)
		}
	}
	if has.pending {
		if pending, err = rs.o.Hub.PendingCreates.List(ctx, g.id.String()); err != nil {
			return fmt.Errorf("pending creates: %w", err)
		}
	}
	clear(g.rooms)
	clear(g.pendingCreates)
	for _, e := range rooms {
		r := &roomState{arrivalState: newArrivalTracker(&e.Value)}
		r.stored(&e.Value, e.Rev)
		r.inherited = len(r.Outbox)
		g.rooms[r.ID] = r
		rs.flush(ctx, g, r)
		rs.watchHolds(g, r)
	}
	for _, e := range pending {
		g.pendingCreates[e.Value.ID] = e.Value
	}
	return nil
}

// track hands the rooms and their last published states to the
// voice.Tracker, and deletes published states of rooms that no longer exist.
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
		known = append(known, voice.KnownRoom{Room: g.summary(r), Seats: rs.tell(g, r), Prior: prior[id]})
	}
	done := make(chan struct{})
	rs.o.Voice.Track(g.id, known, func() { close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
