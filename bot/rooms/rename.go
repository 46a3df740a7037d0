package rooms

import (
	"context"
	"errors"
	"strconv"
	"time"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/room"
)

func itoa(n int) string { return strconv.Itoa(n) }

// rename renames the room: at once within Discord's limit, later otherwise.
func (c changeOp) rename(ctx context.Context) error {
	name, err := c.g.settings.CheckName(c.r.Frame.Around(c.q.Text))
	if err != nil {
		return err
	}
	if name == c.r.Name && c.r.Renames.Wanted == "" {
		return nil
	}
	now := c.g.now()
	next := c.r.Renames.Next(now)
	entry := c.entry()
	entry.Kind, entry.Old, entry.New = audit.RenamePlanned, c.r.Name, name
	planned := &entry
	if !next.After(now) {
		planned = nil // the audit entry is written when it is applied
	}
	err = c.rs.edit(ctx, c.g, c.r, planned, func(doc *room.Room) {
		doc.Renames.Wanted, doc.Renames.By, doc.Renames.Via = name, c.who.UserID, c.q.Actor.Via
	})
	if err != nil {
		return err
	}
	if planned == nil {
		err = c.rs.applyName(ctx, c.g, c.r)
	}
	if errs.Has(err, errs.RateLimited) || errs.Has(err, errs.DiscordUnavailable) {
		err = nil // a sweep applies it later
	}
	if err != nil {
		return err
	}
	if c.r.Renames.Wanted != "" {
		c.out.Later = c.r.Renames.Next(now)
		c.rs.publish(c.g, c.r, room.Changed{})
	}
	c.remember(ctx, func(p *room.Preferences) { p.Name = c.r.Frame.Part(name) })
	return nil
}

// applyName sends Discord a room's new name. The attempt is counted before it is
// made, so that a crash never makes one too many. The caller is in the room's lane.
func (rs *Rooms) applyName(ctx context.Context, g *guildState, r *roomState) error {
	now, name := g.now(), r.Renames.Wanted
	before := r.Renames
	if name == r.Name {
		return rs.edit(ctx, g, r, nil, func(doc *room.Room) { clearRename(&doc.Renames) })
	}
	if err := rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Renames.Record(now) }); err != nil {
		return err
	}
	err := rs.o.Discord.Rename(ctx, r.ID, name, "Snug: renamed by "+before.By.String())
	var limited *errs.Error
	switch {
	case err == nil:
		entry := audit.Entry{Kind: audit.RoomRenamed, By: before.By, Via: before.Via, Old: r.Name, New: name}
		return rs.change(ctx, g, r, &entry, func(doc *room.Room) { doc.Name = name; clearRename(&doc.Renames) })
	case errs.Has(err, errs.RateLimited) && errors.As(err, &limited):
		wait := max(limited.RetryAfter, time.Second)
		if e := rs.edit(ctx, g, r, nil, func(doc *room.Room) { doc.Renames.NotBefore = now.Add(wait) }); e != nil {
			return e
		}
		return err
	case mayHaveHappened(err):
		r.markUncertain(name, now)
		if e := rs.edit(ctx, g, r, nil,
			func(doc *room.Room) { doc.Renames.NotBefore = now.Add(closeRetry) }); e != nil {
			return e
		}
		return err
	}
	if errors.Is(err, ErrNameNotAllowed) {
		// whoever asked may be gone: the rename may have waited for the limit
		rs.notify(g, NameRefused{Room: g.summary(r)})
	}
	// Refused: the name is not allowed or a permission is missing.
	entry := repairEntry(guild.Issue{Kind: guild.IssueNameRefused, Have: name, Want: r.Name})
	if e := rs.edit(ctx, g, r, &entry, func(doc *room.Room) { clearRename(&doc.Renames) }); e != nil {
		return e
	}
	return err
}

// clearRename drops the wanted name and keeps the used budget.
func clearRename(n *room.Renames) { *n = room.Renames{At: n.At} }

// applyPendingRename applies a name that waited for Discord's limit.
func (rs *Rooms) applyPendingRename(ctx context.Context, g *guildState, r *roomState) error {
	due := func() bool {
		now := g.now()
		return r.Renames.Wanted != "" && r.State == room.Open && !r.Renames.Next(now).After(now)
	}
	if !due() {
		return nil
	}
	err := g.inRoomLane(ctx, r, func() error {
		if !due() {
			return nil
		}
		return rs.applyName(ctx, g, r)
	})
	if errs.Has(err, errs.RateLimited) {
		rs.o.Log.InfoContext(ctx, "a room's new name waits for Discord", "guild_id", g.id, "room_id", r.ID,
			"until", r.Renames.NotBefore)
		return nil
	}
	return err
}
