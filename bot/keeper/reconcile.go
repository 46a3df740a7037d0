package keeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/presence"
	"snug/shared/errs"
	"snug/shared/room"
)

// Load takes a guild that Discord has just described: after a start, a fresh
// identify, an outage or an invitation. Rooms, intentions and rosters are
// compared with it and put right, and the guild is announced as ready. The
// guild's voice states must have been given to presence before. It only enqueues.
func (k *Keeper) Load(info room.GuildInfo, channels []Channel) {
	g := k.guild(info.ID, true)
	if g == nil {
		return // closing
	}
	g.beginLoad()
	k.later(g, func(ctx context.Context) {
		defer g.endLoad()
		g.loads++
		k.loadUntil(ctx, g, info, channels, g.loads, time.Second)
	})
}

func (g *guildRooms) beginLoad() {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	if g.loading == 0 {
		g.loaded = make(chan struct{})
	}
	g.loading++
}

func (g *guildRooms) endLoad() {
	g.inboxMu.Lock()
	defer g.inboxMu.Unlock()
	if g.loading--; g.loading == 0 {
		close(g.loaded)
	}
}

// loadPatience is how long a request waits for a guild that is just being loaded.
const loadPatience = 5 * time.Second

// awaitLoads waits while the guild is being loaded: a command given during a
// restart is answered a little later rather than refused.
func (g *guildRooms) awaitLoads(ctx, life context.Context) error {
	g.inboxMu.Lock()
	loading, loaded := g.loading, g.loaded
	g.inboxMu.Unlock()
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
func (k *Keeper) loadUntil(ctx context.Context, g *guildRooms, info room.GuildInfo, channels []Channel, number int, wait time.Duration) {
	if number != g.loads {
		return
	}
	err := k.load(ctx, g, info, channels)
	if err == nil || ctx.Err() != nil {
		return
	}
	k.o.Log.ErrorContext(ctx, "a server's rooms could not be read; trying again", "guild_id", info.ID, "delay", wait, "err", err)
	k.run(func() {
		select {
		case <-time.After(wait):
			k.later(g, func(ctx context.Context) { k.loadUntil(ctx, g, info, channels, number, min(2*wait, 16*time.Second)) })
		case <-ctx.Done():
		}
	})
}

func (k *Keeper) load(ctx context.Context, g *guildRooms, info room.GuildInfo, channels []Channel) error {
	g.ready, g.info = false, info
	if err := k.loadSettings(ctx, g); err != nil {
		return err
	}
	if err := k.loadRooms(ctx, g); err != nil {
		return err
	}
	if err := k.track(ctx, g); err != nil {
		return err
	}
	err := k.compare(ctx, g, channels)
	if g.behind = err != nil; g.behind { // the sweeps go on with it
		k.o.Log.WarnContext(ctx, "not everything could be put right at once", "guild_id", g.id, "err", err)
	}
	g.ready, g.info.Ready = true, true
	k.later(g, func(ctx context.Context) { k.lobbies(ctx, g) })
	return k.o.Announce(ctx, g.info)
}

// Reannounce tells again what a guild is, to a hub that has forgotten it. It
// waits for the guild's turn.
func (k *Keeper) Reannounce(ctx context.Context, id snowflake.ID) error {
	g := k.guild(id, false)
	if g == nil {
		return nil
	}
	if err := g.take(ctx); err != nil {
		return err
	}
	defer g.give()
	if g.info.ID == 0 {
		return nil // never loaded: it is announced when it is
	}
	return k.o.Announce(ctx, g.info)
}

// Unready takes the news that a guild is unavailable: requests are refused
// until it is loaded again. It only enqueues.
func (k *Keeper) Unready(id snowflake.ID) {
	if g := k.guild(id, false); g != nil {
		k.later(g, func(ctx context.Context) { k.unready(ctx, g) })
	}
}

func (k *Keeper) unready(ctx context.Context, g *guildRooms) {
	g.ready, g.info.Ready = false, false
	if err := k.o.Announce(ctx, g.info); err != nil {
		k.o.Log.WarnContext(ctx, "could not announce that a server is unavailable", "guild_id", g.id, "err", err)
	}
}

// Left takes the news that the bot was removed from a guild. Its rooms stay
// stored: if the bot is invited again, they are compared with what is there
// then. It only enqueues.
func (k *Keeper) Left(id snowflake.ID) {
	if g := k.guild(id, false); g != nil {
		k.later(g, func(ctx context.Context) {
			k.unready(ctx, g)
			for _, r := range g.rooms {
				k.o.Presence.Closed(g.summary(r), room.ClosedLost)
			}
			clear(g.rooms)
		})
	}
}

// loadRooms reads the guild's rooms and intentions.
func (k *Keeper) loadRooms(ctx context.Context, g *guildRooms) error {
	rooms, err := k.o.Hub.Rooms.List(ctx, g.id.String())
	if err != nil {
		return fmt.Errorf("rooms: %w", err)
	}
	intended, err := k.o.Hub.Intentions.List(ctx, g.id.String())
	if err != nil {
		return fmt.Errorf("intentions: %w", err)
	}
	clear(g.rooms)
	clear(g.intended)
	for _, e := range rooms {
		r := &kept{Room: e.Value, rev: e.Rev}
		g.rooms[r.ID] = r
		k.flush(ctx, g, r)
	}
	for _, e := range intended {
		g.intended[e.Value.ID] = e.Value
	}
	return nil
}

// track hands the rooms to presence with what the hub last held of them, and
// removes from the hub what is no room any more.
func (k *Keeper) track(ctx context.Context, g *guildRooms) error {
	priors, err := k.o.Hub.Rosters.List(ctx, g.id.String())
	if err != nil {
		return fmt.Errorf("rosters: %w", err)
	}
	prior := map[snowflake.ID]*room.Live{}
	for _, e := range priors {
		id, err := snowflake.Parse(e.Key[strings.IndexByte(e.Key, '.')+1:])
		if err != nil || g.rooms[id] == nil && !e.Value.Gone() {
			if err := k.o.Hub.Rosters.Delete(ctx, e.Key); err != nil {
				return fmt.Errorf("rosters: %w", err)
			}
			continue
		}
		prior[id] = &e.Value
	}
	var known []presence.Known
	for id, r := range g.rooms {
		known = append(known, presence.Known{Room: g.summary(r), Prior: prior[id]})
	}
	done := make(chan struct{})
	k.o.Presence.Track(known, func() { close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compare puts right where rooms and Discord's channels differ.
func (k *Keeper) compare(ctx context.Context, g *guildRooms, channels []Channel) error {
	var all error
	channels, err := k.verified(ctx, g, channels)
	if err != nil {
		return err
	}
	for _, r := range g.rooms {
		i := slices.IndexFunc(channels, func(c Channel) bool { return c.ID == r.ID })
		var err error
		switch {
		case i < 0 || channels[i].Unseen:
			err = k.missed(ctx, g, r, room.ClosedLost)
		case r.State == room.Closing:
			err = k.consider(ctx, g, r)
		default:
			err = k.align(ctx, g, r, channels[i])
			k.occupancy(ctx, g, r)
			all = errors.Join(all, k.consider(ctx, g, r))
		}
		all = errors.Join(all, err)
	}
	return errors.Join(all, k.settle(ctx, g, channels))
}

// catchUp finishes a comparison that could not be finished before.
func (k *Keeper) catchUp(ctx context.Context, g *guildRooms) error {
	if !g.behind {
		return nil
	}
	channels, err := k.o.Discord.Channels(ctx, g.id)
	if err == nil {
		err = k.compare(ctx, g, channels)
	}
	g.behind = err != nil
	return err
}

// verified asks Discord for the channels when one that a room needs is not
// among those given: nothing is given up on what was merely not told.
func (k *Keeper) verified(ctx context.Context, g *guildRooms, channels []Channel) ([]Channel, error) {
	for id := range g.rooms {
		if !slices.ContainsFunc(channels, func(c Channel) bool { return c.ID == id }) {
			return k.o.Discord.Channels(ctx, g.id)
		}
	}
	return channels, nil
}

// missed follows Discord's telling nothing of a room's channel any more: it
// is asked for, and the room given up only if it is gone. A channel that Snug
// was denied keeps its room, until Snug may see it again or it is deleted.
func (k *Keeper) missed(ctx context.Context, g *guildRooms, r *kept, why room.CloseReason) error {
	err := k.o.Discord.There(ctx, r.ID)
	switch {
	case errs.Has(err, errs.NotFound):
		if why == room.ClosedLost {
			k.repaired(ctx, g, r, "its channel is gone")
		}
		return k.gone(ctx, g, r, why)
	case errs.Has(err, errs.MissingPermission):
		if !r.denied {
			r.denied = true
			k.o.Log.Warn("Snug may not see a room's channel any more; give its role View Channels and Connect there", "guild_id", g.id, "room_id", r.ID)
		}
		return nil
	}
	return err
}

// repaired tells log and audit what is put right.
func (k *Keeper) repaired(ctx context.Context, g *guildRooms, r *kept, what string) {
	k.o.Log.WarnContext(ctx, "repairing a room: "+what, "guild_id", g.id, "room_id", r.ID)
	entry := room.Entry{Kind: room.EntryRepaired, Detail: what}
	if err := k.edit(ctx, g, r, &entry, func(*room.Room) {}); err != nil {
		k.o.Log.WarnContext(ctx, "a repair is not in the audit log", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}

// Changed takes a channel that was updated in Discord. It only enqueues.
func (k *Keeper) Changed(guildID snowflake.ID, c Channel) {
	g := k.guild(guildID, false)
	if g == nil {
		return
	}
	k.later(g, func(ctx context.Context) {
		if g.settings.Lobby(c.ID) != nil {
			g.parents[c.ID] = cmp.Or(c.ParentID, g.settings.CategoryID)
		}
		r, err := g.room(c.ID)
		if err != nil || !g.ready {
			return
		}
		if c.Unseen {
			err = k.missed(ctx, g, r, room.ClosedChannel)
		} else {
			err = k.align(ctx, g, r, c)
		}
		if err != nil {
			k.o.Log.WarnContext(ctx, "a changed channel could not be followed", "guild_id", guildID, "room_id", c.ID, "err", err)
		}
	})
}

// align takes over what people changed by hand in Discord (name, seats, category) and
// gives back to owner and guests the overwrites they should have.
func (k *Keeper) align(ctx context.Context, g *guildRooms, r *kept, c Channel) error {
	r.denied = false
	now, seats, name := k.o.Now(), r.Seats, r.Name
	if c.UserLimit != k.limit(g, r) && c.UserLimit != 0 && !r.asked(c.UserLimit, now) && !r.Due.Limit {
		seats = c.UserLimit
	}
	if c.Name != name && !r.named(c.Name, now) {
		name = c.Name
	}
	var all error
	if name != r.Name || seats != r.Seats || c.ParentID != r.CategoryID {
		all = k.takeOver(ctx, g, r, name, seats, c.ParentID)
	}
	if c.UserLimit == 0 { // without a limit nobody's seat is safe
		k.repaired(ctx, g, r, "its channel had no limit")
		all = errors.Join(all, k.setLimit(ctx, g, r, "Snug: a room has seats"))
	}
	return errors.Join(all, k.alignAccess(ctx, g, r, c))
}

// takeOver follows what was changed by hand in Discord.
func (k *Keeper) takeOver(ctx context.Context, g *guildRooms, r *kept, name string, seats int, category snowflake.ID) error {
	var entry *room.Entry
	switch {
	case name != r.Name:
		entry = &room.Entry{Kind: room.EntryRenamed, Via: room.ViaDiscord, Old: r.Name, New: name}
	case seats != r.Seats:
		entry = &room.Entry{Kind: room.EntrySeats, Via: room.ViaDiscord, Old: itoa(r.Seats), New: itoa(seats)}
	}
	now, renamed := k.o.Now(), name != r.Name
	err := k.edit(ctx, g, r, entry, func(doc *room.Room) {
		doc.Name, doc.Seats, doc.CategoryID = name, seats, category
		if renamed {
			doc.Renames.Spent(now) // Discord counts it, whoever did it
		}
	})
	if err == nil {
		k.tell(g, r, room.Changed{})
		k.seatWaiters(ctx, g, r)
	}
	return err
}

// alignAccess gives owner and guests back what they should have, and keeps
// closed what should be closed.
func (k *Keeper) alignAccess(ctx context.Context, g *guildRooms, r *kept, c Channel) error {
	if r.Due.Access {
		return nil // on its way
	}
	opened, now := g.opened(r, c), k.o.Now()
	// Snug's own overwrite is the mark of its rooms, and lets it in. Where it
	// cannot be made exact it is not tried for ever.
	unmarked := !c.Marked && now.Sub(r.marked) >= remark
	if !opened && !unmarked {
		for _, user := range r.admitted() {
			if !slices.Contains(c.Admitted, user) {
				k.repaired(ctx, g, r, "somebody let in could not enter")
				if err := k.o.Discord.Admit(ctx, r.ID, user, g.access(&r.Room), "Snug: was let in"); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if opened {
		k.repaired(ctx, g, r, "it was open to more than it should be")
	} else {
		k.repaired(ctx, g, r, "Snug's own overwrite had been changed")
		r.marked = now
	}
	err := k.o.Discord.SetAccess(ctx, r.ID, g.access(&r.Room), "Snug: the room is "+privacyOf(&r.Room))
	if err != nil {
		return errors.Join(err, k.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Due.Access = true }))
	}
	return nil
}

// opened says whether a channel lets in more people than its room does.
func (g *guildRooms) opened(r *kept, c Channel) bool {
	if (r.Private || r.Hidden) && !c.Hides || (r.Private || r.Hidden || r.Locked) && !c.Locks {
		return true
	}
	return slices.ContainsFunc(r.Bans, func(b room.Ban) bool { return b.UserID != r.OwnerID && !slices.Contains(c.Shut, b.UserID) })
}

// admitted lists who has a place of their own in a room: its owner and its guests.
func (r *kept) admitted() []snowflake.ID {
	users := []snowflake.ID{r.OwnerID}
	for _, q := range r.Guests {
		if q.UserID != r.OwnerID && !r.Banned(q.UserID) {
			users = append(users, q.UserID)
		}
	}
	return users
}

// remark is how often Snug's own overwrite is put back where that does not last.
const remark = 10 * time.Minute

// giveUpAfter is how old an intention becomes before it is given up: a
// creation may show in Discord some time after its request failed.
const giveUpAfter = 2 * time.Minute

// settle finishes or gives up intentions that were neither: their process
// died, or Discord did not say what became of the request. channels may be nil.
func (k *Keeper) settle(ctx context.Context, g *guildRooms, channels []Channel) error {
	if len(g.intended) == 0 {
		return nil
	}
	if channels == nil {
		var err error
		if channels, err = k.o.Discord.Channels(ctx, g.id); err != nil {
			return err
		}
	}
	var all error
	for _, in := range g.intended {
		done := false
		for _, r := range g.rooms {
			done = done || r.IntentionID == in.ID
		}
		switch channel := g.match(in, channels); {
		case done:
			k.forget(ctx, g, in)
		case channel != 0:
			r, err := k.finish(ctx, g, in, channel, false)
			if err == nil {
				k.repaired(ctx, g, r, "it was made, but never recorded")
			}
			all = errors.Join(all, err)
		case k.o.Now().Sub(in.At) > giveUpAfter:
			k.forget(ctx, g, in)
		}
	}
	return all
}
