package rooms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

// compare repairs differences between rooms and Discord's
// channels. since are the edit counts when channels was read.
func (rs *Rooms) compare(ctx context.Context, g *guildState, channels []Channel, since map[snowflake.ID]uint64) error {
	verified := rs.editsOf(g)
	channels, fetched, err := rs.refetchChannels(ctx, g, channels)
	if err != nil {
		return err
	}
	if fetched {
		since = verified
	}
	var all error
	byID := byID(channels)
	for _, r := range g.rooms {
		all = errors.Join(all, g.inRoomLane(ctx, r, func() error {
			c, there := byID[r.ID]
			return rs.compareRoom(ctx, g, r, c, there, since[r.ID])
		}))
	}
	return errors.Join(all, rs.resolvePendingCreates(ctx, g, channels))
}

// editsOf returns each room's present edit count.
func (rs *Rooms) editsOf(g *guildState) map[snowflake.ID]uint64 {
	m := make(map[snowflake.ID]uint64, len(g.rooms))
	for id := range g.rooms {
		m[id] = rs.edits.count(id)
	}
	return m
}

// compareRoom is compare for one room, in its lane.
func (rs *Rooms) compareRoom(
	ctx context.Context, g *guildState, r *roomState, c Channel, there bool, since uint64,
) error {
	switch {
	case !there || c.Unseen:
		return rs.verifyMissing(ctx, g, r, room.ClosedLost)
	case r.State == room.Closing:
		return rs.checkDeadline(ctx, g, r)
	case rs.edits.count(r.ID) != since: // Snug edited the channel while the list was read
		rs.confirmChannel(g, r)
		return nil
	}
	err := rs.align(ctx, g, r, c)
	rs.updateOccupancy(ctx, g, r)
	return errors.Join(err, rs.checkDeadline(ctx, g, r))
}

// finishCompare repeats a comparison that failed.
func (rs *Rooms) finishCompare(ctx context.Context, g *guildState) error {
	if !g.compareFailed {
		return nil
	}
	since := rs.editsOf(g)
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err == nil {
		err = rs.compare(ctx, g, channels, since)
	}
	g.compareFailed = err != nil
	return err
}

// refetchChannels fetches the channels if those given, which may be old, lack a room's
// channel or differ from a room: no room is given up because of a stale list, and
// Snug's own edits are not taken for somebody else's. It reports whether it fetched.
func (rs *Rooms) refetchChannels(
	ctx context.Context, g *guildState, channels []Channel,
) (_ []Channel, fetched bool, _ error) {
	byID := byID(channels)
	for id, r := range g.rooms {
		if c, there := byID[id]; !there || r.State == room.Open && rs.differs(g, r, c) {
			channels, err := rs.o.Discord.Channels(ctx, g.id)
			return channels, true, err
		}
	}
	return channels, false, nil
}

// visibility says whether a referenced channel exists and can be seen.
type visibility int

const (
	channelVisible visibility = iota
	channelHidden
	channelGone
)

// locate looks for a channel in the list, and fetches it if the
// list lacks it: a channel that is hidden from Snug is not gone.
func (rs *Rooms) locate(
	ctx context.Context, g *guildState, byID map[snowflake.ID]Channel, id snowflake.ID,
) (Channel, visibility, error) {
	return locateChannel(ctx, rs.o.Discord, g.id, byID, id)
}

func locateChannel(
	ctx context.Context, d PreflightDiscord, guild snowflake.ID, byID map[snowflake.ID]Channel, id snowflake.ID,
) (Channel, visibility, error) {
	if c, listed := byID[id]; listed {
		if c.Unseen {
			return c, channelHidden, nil
		}
		return c, channelVisible, nil
	}
	c, err := d.FetchChannel(ctx, guild, id)
	switch {
	case errs.Has(err, errs.NotFound):
		return c, channelGone, nil
	case errs.Has(err, errs.MissingPermission):
		return c, channelHidden, nil
	}
	return c, channelVisible, err
}

// isGone reports whether there is no channel with an id and
// kind any more. A channel that Snug may not view is not gone.
func isGone(
	ctx context.Context, d PreflightDiscord, guild snowflake.ID, byID map[snowflake.ID]Channel,
	id snowflake.ID, kind Kind,
) (bool, error) {
	if id == 0 {
		return false, nil
	}
	c, is, err := locateChannel(ctx, d, guild, byID, id)
	return is == channelGone || is == channelVisible && err == nil && c.Kind != kind, err
}

// verifyMissing fetches a room's channel that is missing or hidden, and drops the room only if the
// channel does not exist. A hidden channel keeps its room until it is visible again or deleted.
func (rs *Rooms) verifyMissing(ctx context.Context, g *guildState, r *roomState, why room.CloseReason) error {
	_, err := rs.o.Discord.FetchChannel(ctx, g.id, r.ID)
	return rs.onUnseenChannel(ctx, g, r, why, err)
}

// onUnseenChannel handles the error of fetching a room's channel; nil means that it exists.
func (rs *Rooms) onUnseenChannel(
	ctx context.Context, g *guildState, r *roomState, why room.CloseReason, err error,
) error {
	switch {
	case errs.Has(err, errs.NotFound):
		if why == room.ClosedLost && r.State == room.Open {
			rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssueNoChannel})
		}
		return rs.onChannelDeleted(ctx, g, r, why)
	case errs.Has(err, errs.MissingPermission):
		if !r.denialLogged {
			r.denialLogged = true
			rs.o.Log.Warn("Snug may not see a room's channel any more; give its role View Channels and Connect there",
				"guild_id", g.id, "room_id", r.ID)
		}
		return nil
	}
	return err
}

// repaired writes a repair to the log and the audit log.
func (rs *Rooms) repaired(ctx context.Context, g *guildState, r *roomState, f guild.Issue) {
	rs.o.Log.WarnContext(ctx, "repairing a room", "guild_id", g.id, "room_id", r.ID, "issue", f.Kind, "have", f.Have,
		"want", f.Want)
	if err := rs.note(ctx, g, r, repairEntry(f)); err != nil {
		rs.o.Log.WarnContext(ctx, "a repair is not in the audit log", "guild_id", g.id, "room_id", r.ID, "err", err)
	}
}

// differs reports whether a channel does not match its room.
func (rs *Rooms) differs(g *guildState, r *roomState, c Channel) bool {
	if c.Unseen || c.Name != r.Name || c.ParentID != r.CategoryID || c.UserLimit != rs.limit(g, r) {
		return true
	}
	return !r.Pending.Access && (!c.Marked || g.tooOpen(r, c) || len(r.missingOverwrites(c)) > 0)
}

// missingOverwrites lists the owner and guests who lack their overwrite. Those
// whom another member overwrite denies are left out: the gates decide about them.
func (r *roomState) missingOverwrites(c Channel) []snowflake.ID {
	return slices.DeleteFunc(r.admitted(),
		func(u snowflake.ID) bool { return slices.Contains(c.Admitted, u) || slices.Contains(c.Denied, u) })
}

// align takes over what people changed in Discord (name, user limit, category), and restores
// missing overwrites of owner and guests. The channel was just fetched and no call of Snug's is
// running, so differences are somebody else's changes or come from calls with unknown outcome.
func (rs *Rooms) align(ctx context.Context, g *guildState, r *roomState, c Channel) error {
	r.denialLogged = false
	return errors.Join(rs.alignName(ctx, g, r, c), rs.alignLimit(ctx, g, r, c), rs.alignAccess(ctx, g, r, c))
}

// alignName takes over a name and a category. A name that Snug itself
// set with unknown outcome does not count as somebody's change.
func (rs *Rooms) alignName(ctx context.Context, g *guildState, r *roomState, c Channel) error {
	now, old := g.now(), r.Name
	var entry *audit.Entry
	change := func(*room.Room) {}
	switch {
	case c.Name == old && c.ParentID == r.CategoryID:
		return nil
	case c.Name == old:
	case c.Name == r.Renames.Wanted: // the rename took effect after all
		entry = &audit.Entry{Kind: audit.RoomRenamed, By: r.Renames.By, Via: r.Renames.Via, Old: old, New: c.Name}
		change = func(doc *room.Room) { clearRename(&doc.Renames) }
	case r.isUncertain(c.Name, now): // a later rename has to be repeated
		change = func(doc *room.Room) { doc.Renames.Wanted = cmp.Or(doc.Renames.Wanted, old) }
	default:
		entry = &audit.Entry{Kind: audit.RoomRenamed, Via: access.ViaDiscord, Old: old, New: c.Name}
		change = func(doc *room.Room) { doc.Renames.Record(now) } // Discord's limit counts everybody's renames
	}
	if c.ParentID != r.CategoryID {
		rs.GateChanged(g.id) // the other category's
	}
	return rs.change(ctx, g, r, entry, func(doc *room.Room) {
		change(doc)
		doc.Name, doc.CategoryID = c.Name, c.ParentID
	})
}

// alignLimit takes over a user limit that somebody set, and lowers it after a bot has left.
func (rs *Rooms) alignLimit(ctx context.Context, g *guildState, r *roomState, c Channel) error {
	switch {
	case r.Pending.Limit || c.UserLimit == rs.limit(g, r):
		return nil
	case c.UserLimit == 0: // a room always has a limit
		rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssueSeats, Have: "0", Want: itoa(r.Seats)})
		return rs.setLimit(ctx, g, r, "Snug: a room has seats")
	case c.UserLimit == r.knownLimit() || r.isUncertain(itoa(c.UserLimit), g.now()):
		// Snug set it, and it is outdated
		return rs.setLimit(ctx, g, r, "Snug: bots take no seat")
	}
	entry := &audit.Entry{Kind: audit.SeatsChanged, Via: access.ViaDiscord, Old: itoa(r.Seats), New: itoa(c.UserLimit)}
	if c.UserLimit == r.Seats {
		entry = nil
	}
	err := rs.change(ctx, g, r, entry, func(doc *room.Room) { doc.Seats, doc.Limit = c.UserLimit, c.UserLimit })
	if err != nil {
		return err
	}
	rs.offerSeats(ctx, g, r)
	if c.UserLimit != rs.limit(g, r) {
		return rs.setLimit(ctx, g, r, "Snug: bots take no seat")
	}
	return nil
}

// isUncertain reports whether Snug recently sent a name or limit whose outcome is unknown.
func (r *roomState) isUncertain(what string, now time.Time) bool {
	at, ok := r.uncertain[what]
	return ok && now.Sub(at) < uncertainFor
}

// markUncertain records that a call's outcome is unknown.
func (r *roomState) markUncertain(what string, now time.Time) {
	if r.uncertain == nil {
		r.uncertain = map[string]time.Time{}
	}
	r.uncertain[what] = now
}

// uncertainFor is how long after a failed call its effect may still appear.
const uncertainFor = 10 * time.Minute

// alignAccess restores the overwrites of owner and guests, and those that keep others out.
func (rs *Rooms) alignAccess(ctx context.Context, g *guildState, r *roomState, c Channel) error {
	if r.Pending.Access {
		return nil // a sweep sets it
	}
	opened, now := g.tooOpen(r, c), g.now()
	// Snug's own overwrite marks its rooms and lets it in. If it
	// cannot be set exactly, it is retried only at intervals.
	unmarked := !c.Marked && now.Sub(r.remarkedAt) >= remarkInterval
	if !opened && !unmarked {
		for _, user := range r.missingOverwrites(c) {
			rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssueShutOut})
			if err := rs.o.Discord.Admit(ctx, r.ID, user, rs.access(g, &r.Room), "Snug: was let in"); err != nil {
				return errors.Join(err, rs.accessPends(ctx, g, r))
			}
		}
		return nil
	}
	if opened {
		rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssueAccess})
	} else {
		rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssueOverwrite})
		r.remarkedAt = now
	}
	err := rs.setAccess(ctx, g, r, "Snug: the room is "+r.Privacy().String())
	if err == nil {
		return nil
	}
	if due := rs.accessPends(ctx, g, r); due != nil || errors.Is(err, errMorePending) {
		return due
	}
	return err
}

// accessPends marks a room's overwrites as pending: a sweep sets them.
func (rs *Rooms) accessPends(ctx context.Context, g *guildState, r *roomState) error {
	return rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Pending.Access = true })
}

// tooOpen reports whether a channel lets in more people than its room should.
func (g *guildState) tooOpen(r *roomState, c Channel) bool {
	if (r.Private || r.Hidden) && !c.Hides || (r.Private || r.Hidden || r.Locked) && !c.Locks {
		return true
	}
	return slices.ContainsFunc(r.Bans,
		func(b room.Ban) bool { return b.UserID != r.OwnerID && !slices.Contains(c.Banned, b.UserID) })
}

// admitted lists a room's owner and guests without those who are suspended or banned.
func (r *roomState) admitted() []snowflake.ID {
	var users []snowflake.ID
	if r.OwnerSuspended == access.Passes {
		users = append(users, r.OwnerID)
	}
	for _, q := range r.Guests {
		if q.UserID != r.OwnerID && !r.Banned(q.UserID) && q.Suspended == access.Passes {
			users = append(users, q.UserID)
		}
	}
	return users
}

// remarkInterval is how often Snug's own overwrite is restored at most.
const remarkInterval = 10 * time.Minute

// giveUpAfter is how old a pending creation becomes before it is given
// up: its channel may appear some time after the request failed.
const giveUpAfter = 2 * time.Minute

// resolvePendingCreates finishes or gives up pending creations
// after a crash or an unknown outcome. channels may be nil.
func (rs *Rooms) resolvePendingCreates(ctx context.Context, g *guildState, channels []Channel) error {
	if len(g.pendingCreates) == 0 {
		return nil
	}
	if channels == nil {
		var err error
		if channels, err = rs.o.Discord.Channels(ctx, g.id); err != nil {
			return err
		}
	}
	var all error
	for _, in := range g.pendingCreates {
		if g.laneBusy(ctx, openLane(in.ID)) {
			continue // being opened right now
		}
		all = errors.Join(all,
			g.inLane(ctx, openLane(in.ID), func() error { return rs.resolvePendingCreate(ctx, g, in, channels) }))
	}
	return all
}

// resolvePendingCreate resolves one pending creation, in its lane.
func (rs *Rooms) resolvePendingCreate(
	ctx context.Context, g *guildState, in room.PendingCreate, channels []Channel,
) error {
	done := false
	for _, r := range g.rooms {
		done = done || r.PendingCreateID == in.ID
	}
	switch channel := g.matchChannel(in, channels); {
	case done:
		rs.dropPendingCreate(ctx, g, in)
	case channel != 0:
		r, err := rs.finishCreate(ctx, g, in, channel, false)
		if err == nil {
			rs.repaired(ctx, g, r, guild.Issue{Kind: guild.IssuePendingCreate})
		} else {
			rs.undoCreate(ctx, g, in, channel, err)
		}
		return err
	case g.now().Sub(in.At) > giveUpAfter:
		rs.dropPendingCreate(ctx, g, in)
	}
	return nil
}
