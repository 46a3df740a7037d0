package rooms

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"golang.org/x/sync/errgroup"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/guild"
	"snug/shared/room"
)

// Seen records that owners or guests have a room's page visibly open, which keeps empty rooms open for a while.
func (rs *Rooms) Seen(ctx context.Context, guildID snowflake.ID, q room.SeenRequest) (struct{}, error) {
	return struct{}{}, rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		var all error
		for _, id := range q.RoomIDs {
			r, err := g.room(id)
			if err != nil || r.Idle.EmptySince.IsZero() {
				continue
			}
			now := g.now()
			if err := rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Idle.SeenAt = now }); err != nil {
				all = errors.Join(all, err)
				continue
			}
			all = errors.Join(all, rs.checkDeadline(ctx, g, r))
		}
		return all
	})
}

// updateOccupancy updates since when a room is empty and its owner away, from its roster.
func (rs *Rooms) updateOccupancy(ctx context.Context, g *guildState, r *roomState) {
	roster := rs.o.Voice.Roster(g.id, r.ID)
	empty, away := room.Occupied(roster) == 0, !room.In(roster, r.OwnerID)
	emptied := empty != !r.Idle.EmptySince.IsZero()
	if !emptied && away == !r.OwnerLeftAt.IsZero() {
		return
	}
	now := g.now()
	err := rs.editLater(ctx, g, r, func(doc *room.Room) {
		if emptied {
			doc.Idle = room.Idle{}
			if empty {
				doc.Idle.EmptySince = now
				doc.Status, doc.Pending.Status = "", false // Discord clears it too
			}
		}
		switch {
		case !away:
			doc.OwnerLeftAt = time.Time{}
		case doc.OwnerLeftAt.IsZero():
			doc.OwnerLeftAt = now
		}
	})
	if err == nil && emptied {
		err = rs.checkDeadline(ctx, g, r)
	}
	if err != nil {
		rs.o.Log.WarnContext(ctx, "a room's idle time is behind; the next sweep sets it", "guild_id", g.id,
			"room_id", r.ID, "err", err)
	}
}

// Sweep checks every room of every guild once: it closes idle rooms and repeats failed work. Cron calls
// it; it may be called at any time. Sweeps of one guild do not overlap, and guilds are swept concurrently.
func (rs *Rooms) Sweep(ctx context.Context) error {
	var all errgroup.Group
	all.SetLimit(sweepConcurrency)
	var mu sync.Mutex
	var failed error
	for _, id := range rs.GuildIDs() {
		all.Go(func() error {
			err := rs.sweepGuild(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
			return nil
		})
	}
	_ = all.Wait()
	return errors.Join(failed, ctx.Err())
}

const (
	sweepConcurrency = 64               // guilds
	sweepTimeout     = 30 * time.Second // for one guild; the next sweep continues
)

func (rs *Rooms) sweepGuild(ctx context.Context, id snowflake.ID) error {
	g := rs.guild(id, false)
	if g == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	ctx, t, err := g.begin(ctx, nil)
	if err != nil {
		return nil // the next sweep comes soon
	}
	defer t.end()
	return g.inLane(ctx, sweepLane, func() error {
		if !g.ready {
			return nil
		}
		return rs.sweep(ctx, g)
	})
}

func (rs *Rooms) sweep(ctx context.Context, g *guildState) error {
	all := rs.finishCompare(ctx, g)
	rs.flushSettings(ctx, g)
	all = errors.Join(all, rs.forgetPast(ctx, g))
	rs.shiftRooms(ctx, g)
	retried, ask := 0, checksPerSweep
	for _, r := range g.rooms {
		if !g.ready || ctx.Err() != nil {
			break
		}
		if rs.flush(ctx, g, r); g.rooms[r.ID] != r {
			continue
		}
		if r.State == room.Open {
			rs.updateOccupancy(ctx, g, r)
			rs.reviewRoom(ctx, g, r)
			rs.fetchUnasked(g, r)
			rs.moveUnmoved(ctx, g, r)
			if r.knownLimit() != rs.limit(g, r) && !r.Pending.Limit {
				all = errors.Join(all, rs.updateLimit(ctx, g, r))
			}
			if r.Pending.Any() && retried < retriesPerSweep {
				retried++
				all = errors.Join(all, rs.retryPending(ctx, g, r))
			}
			asked, err := rs.sweepArrivals(ctx, g, r, ask)
			ask -= asked
			all = errors.Join(all, err, rs.expireHolds(ctx, g, r), rs.applyPendingRename(ctx, g, r),
				rs.checkOwner(ctx, g, r), rs.passOn(ctx, g, r))
		}
		all = errors.Join(all, rs.checkDeadline(ctx, g, r))
	}
	for category := range g.freed {
		rs.onCategoryFreed(ctx, g, category)
	}
	if g.infoMissed {
		g.infoMissed = false
		rs.o.RequestChannelInfo(g.id)
	}
	for user := range g.lobbyWaits {
		rs.enqueue(g, func(ctx context.Context) { rs.retryLobby(ctx, g, user) })
	}
	rs.forgetOld(g)
	rs.forgetObserved(g)
	rs.trimAudit(ctx, g)
	return errors.Join(all, rs.resolvePendingCreates(ctx, g, nil))
}

// checkDeadline announces, cancels or carries out a room's closing, according to its deadline.
func (rs *Rooms) checkDeadline(ctx context.Context, g *guildState, r *roomState) error {
	now := g.now()
	if _, due := rs.deadlinePassed(g, r); due {
		return g.inRoomLane(ctx, r, func() error {
			if why, still := rs.deadlinePassed(g, r); still {
				return rs.close(ctx, g, r, why, 0, access.ViaSnug)
			}
			return nil
		})
	}
	if r.State == room.Closing || g.rooms[r.ID] != r {
		return nil
	}
	deadline, why := g.deadline(r)
	notice := time.Duration(g.settings.ClosingNotice)
	announced := !r.ClosingAt.IsZero()
	switch {
	case announced && (deadline.IsZero() || deadline.After(r.ClosingAt)):
		return rs.keepOpen(ctx, g, r, 0, access.ViaSnug)
	case !announced && !deadline.IsZero() && !now.Before(deadline.Add(-notice)):
		at := deadline
		if least := now.Add(notice); least.After(at) {
			at = least
		}
		entry := audit.Entry{Kind: audit.RoomClosing, Detail: string(why)}
		err := rs.edit(ctx, g, r, &entry, func(doc *room.Room) { doc.ClosingAt, doc.CloseReason = at, why })
		if err == nil {
			rs.publish(g, r, room.ClosingAnnounced{At: at, Reason: why})
			rs.notify(g, ClosingSoon{Room: g.summary(r), At: at, Reason: why})
		}
		return err
	}
	return nil
}

// deadlinePassed reports whether a room is to be closed now, or its closing to be finished, and why.
func (rs *Rooms) deadlinePassed(g *guildState, r *roomState) (room.CloseReason, bool) {
	now := g.now()
	if r.State == room.Closing {
		return r.CloseReason, !now.Before(r.retryAt)
	}
	deadline, why := g.deadline(r)
	kept := deadline.IsZero() || deadline.After(r.ClosingAt)
	return why, !r.ClosingAt.IsZero() && !kept && !now.Before(r.ClosingAt)
}

// idleDeadline returns when a room closes if it stays empty.
func (g *guildState) idleDeadline(r *roomState) time.Time {
	return r.Idle.Deadline(g.settings.IdleTimeoutIn(r.LobbyID), time.Duration(g.settings.ClosingNotice))
}

// deadline returns when a room closes as things are, and why; zero if it does not.
func (g *guildState) deadline(r *roomState) (time.Time, room.CloseReason) {
	at, why := g.idleDeadline(r), room.ClosedIdle
	for _, h := range r.Holds { // a user who lost their connection finds the same room
		if !at.IsZero() && h.Why == room.HeldBack && h.Until.After(at) {
			at = h.Until
		}
	}
	if g.settings.MaxAge != guild.Never {
		if old := r.OpenedAt.Add(time.Duration(g.settings.MaxAge)); at.IsZero() || old.Before(at) {
			at, why = old, room.ClosedAge
		}
	}
	return at, why
}

// retriesPerSweep is for how many rooms one sweep of a guild repeats
// pending calls, to leave Discord's limits to users' requests.
const retriesPerSweep = 5

// trimEvery is how often audit entries beyond the guild's retention are deleted.
const trimEvery = 6 * time.Hour

func (rs *Rooms) trimAudit(ctx context.Context, g *guildState) {
	now := g.now()
	if keep := time.Duration(g.settings.AuditRetention); keep < 90*24*time.Hour &&
		now.Sub(g.auditTrimmedAt) >= trimEvery {
		g.auditTrimmedAt = now
		var err error
		unlocked(ctx, func() { _, err = rs.o.Hub.Audit.Trim(ctx, g.id, now.Add(-keep)) })
		if err != nil {
			rs.o.Log.WarnContext(ctx, "old audit entries could not be deleted; the next sweep tries again",
				"guild_id", g.id,
				"err", err)
		}
	}
}
