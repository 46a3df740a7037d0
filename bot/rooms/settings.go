package rooms

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// SaveSettings merges the given fields into the guild's settings, validates and applies
// them. It fails with errs.Forbidden unless the actor manages the server, errs.Invalid
// with the field, or errs.Conflict if the settings changed since revision q.Rev.
func (rs *Rooms) SaveSettings(
	ctx context.Context, guildID snowflake.ID, q room.SettingsRequest,
) (out room.Saved, err error) {
	err = rs.manageSettings(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		if err := rs.unchangedSince(ctx, g, hub.Rev(q.Rev)); err != nil {
			return err
		}
		next := g.settings.Clone() // decoding writes into slices
		dec := json.NewDecoder(bytes.NewReader(q.JSON))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&next); err != nil {
			return errs.E(errs.Invalid, "Snug couldn't read these settings. Check what you typed.").Because(err)
		}
		if err := next.Validate(); err != nil {
			return err
		}
		if err := rs.checkPlaces(ctx, g, next); err != nil {
			return err
		}
		if err := rs.saveSettings(ctx, g, next, q.Actor); err != nil {
			return err
		}
		out.Rev = uint64(g.settingsRev)
		rs.openFromLobbies(g)
		return nil
	})
	return out, err
}

// unchangedSince fails with errs.Conflict if the settings differ from those at a
// revision; 0 skips the check. A newer revision may differ only in its outbox.
func (rs *Rooms) unchangedSince(ctx context.Context, g *guildState, rev hub.Rev) error {
	if rev == 0 || rev == g.settingsRev {
		return nil
	}
	list, err := rs.o.Hub.Settings.History(ctx, g.id.String())
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Rev == rev {
			if differ, err := changes(e.Value.Settings, g.settings); err != nil || len(differ) == 0 {
				return err
			}
		}
	}
	return errs.E(errs.Conflict,
		"Somebody else saved these settings in the meantime. Check what they are now, then change them again.")
}

// manage runs f under the guild's lock, for an actor who manages the server.
func (rs *Rooms) manage(
	ctx context.Context, guildID snowflake.ID, by access.Actor, f func(context.Context, *guildState) error,
) error {
	who, err := rs.standing(ctx, guildID, by)
	if err != nil {
		return err
	}
	if err := who.CheckManager(); err != nil {
		return err
	}
	return rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		if g.settingsUnsure {
			if err := rs.loadSettings(ctx, g); err != nil {
				return err
			}
		}
		return f(ctx, g)
	})
}

// manageSettings is manage for changes of the settings, in their lane: one at a time.
func (rs *Rooms) manageSettings(
	ctx context.Context, guildID snowflake.ID, by access.Actor, f func(context.Context, *guildState) error,
) error {
	return rs.manage(ctx, guildID, by, func(ctx context.Context, g *guildState) error {
		return g.inLane(ctx, settingsLane, func() error { return f(ctx, g) })
	})
}

// RecordChange writes to the audit log what a manager is about to do on the web with
// API tokens or webhooks, after checking with Discord that they manage the server.
// It fails with errs.Forbidden, and with errs.Internal for any other audit kind.
func (rs *Rooms) RecordChange(ctx context.Context, guildID snowflake.ID, q guild.ChangeRecord) error {
	switch q.Kind {
	case audit.TokenCreated, audit.TokenRevoked, audit.WebhookCreated, audit.WebhookChanged, audit.WebhookRemoved:
	default:
		return errs.E(errs.Internal,
			"Something went wrong on Snug's side. Try again in a moment.").
			Because(fmt.Errorf("audit kind %q", q.Kind))
	}
	return rs.manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		ctx, cancel := withWriteTimeout(ctx)
		defer cancel()
		return rs.audit(ctx, audit.Entry{
			ID: newID(), Kind: q.Kind, GuildID: g.id, By: q.Actor.UserID, Via: q.Actor.Via, Detail: q.Detail,
			New: q.New, At: rs.o.Now(),
		})
	})
}

// checkPlaces checks that a newly chosen category or log channel exists, and that new lobbies may be lobbies.
func (rs *Rooms) checkPlaces(ctx context.Context, g *guildState, next guild.Settings) error {
	category := next.CategoryID != g.settings.CategoryID && next.CategoryID != 0
	log := next.LogChannelID != g.settings.LogChannelID && next.LogChannelID != 0
	for _, l := range next.Lobbies {
		if g.settings.Lobby(l.ChannelID) != nil {
			continue
		}
		if err := rs.checkLobbyChannel(g, l.ChannelID, "lobbies"); err != nil {
			// a lobby that does not exist is shown on the health page
			return err
		}
	}
	if !category && !log {
		return nil
	}
	channels, err := rs.o.Discord.Channels(ctx, g.id)
	if err != nil {
		return err
	}
	of := kindChecker(channels)
	switch {
	case category && !of(next.CategoryID, KindCategory):
		return errs.Field("category_id", "That category is no longer in this server. Choose another.")
	case log && !of(next.LogChannelID, KindText):
		return errs.Field("log_channel_id",
			"That isn't a text channel of this server, or Snug can't see it. Choose another, or give Snug View "+
				"Channel there.")
	}
	return nil
}

// Settings returns a guild's settings to those who manage it.
func (rs *Rooms) Settings(
	ctx context.Context, guildID snowflake.ID, q guild.ManageRequest,
) (out guild.SettingsView, err error) {
	err = rs.manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		out = guild.SettingsView{Settings: g.settings.Clone(), Rev: uint64(g.settingsRev)}
		return nil
	})
	return out, err
}

// SettingsHistory returns the last versions of the settings, newest first.
func (rs *Rooms) SettingsHistory(
	ctx context.Context, guildID snowflake.ID, q guild.ManageRequest,
) (out guild.SettingsHistory, err error) {
	err = rs.manage(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		out.Versions, err = rs.versions(ctx, g)
		return err
	})
	return out, err
}

// versions reads the stored versions of the settings. A save is written twice, with its audit
// entries and without; both are one version. The oldest is the defaults, if the history is complete.
func (rs *Rooms) versions(ctx context.Context, g *guildState) ([]guild.SettingsVersion, error) {
	list, err := rs.o.Hub.Settings.History(ctx, g.id.String())
	if err != nil {
		return nil, err
	}
	var out []guild.SettingsVersion
	for _, e := range list {
		v := guild.SettingsVersion{
			Rev: uint64(e.Rev), At: e.At, Settings: e.Value.Settings, Changes: e.Value.Outbox,
		}
		if n := len(out); n > 0 && len(v.Changes) == 0 {
			out[n-1].Rev = v.Rev
			continue
		}
		if len(v.Changes) > 0 {
			// the outbox may also hold unpublished entries of an earlier save
			last := v.Changes[len(v.Changes)-1]
			v.Changes = slices.DeleteFunc(v.Changes, func(c audit.Entry) bool { return !c.At.Equal(last.At) })
			v.At, v.By, v.Via = last.At, last.By, last.Via
			if len(out) == 0 && len(list) < settingsKept {
				out = append(out, guild.SettingsVersion{Settings: guild.Defaults()})
			}
		}
		out = append(out, v)
	}
	slices.Reverse(out)
	return out, nil
}

// settingsKept is the history of the hub's settings bucket.
const settingsKept = 16

// UndoSettings restores an earlier version of the settings. It fails with errs.NotFound if there is none.
func (rs *Rooms) UndoSettings(
	ctx context.Context, guildID snowflake.ID, q guild.UndoRequest,
) (out room.Saved, err error) {
	err = rs.manageSettings(ctx, guildID, q.Actor, func(ctx context.Context, g *guildState) error {
		versions, err := rs.versions(ctx, g)
		if err != nil {
			return err
		}
		i := 1
		if q.Rev != 0 {
			i = slices.IndexFunc(versions, func(v guild.SettingsVersion) bool { return v.Rev == q.Rev })
		}
		if i < 0 || i >= len(versions) {
			return errs.E(errs.NotFound,
				"That earlier version of the settings is no longer stored. Change them by hand.")
		}
		if err := rs.saveSettings(ctx, g, versions[i].Settings, q.Actor); err != nil {
			return err
		}
		out.Rev = uint64(g.settingsRev)
		rs.openFromLobbies(g)
		return nil
	})
	return out, err
}

func (rs *Rooms) saveSettings(ctx context.Context, g *guildState, next guild.Settings, by access.Actor) error {
	entries, err := changes(g.settings, next)
	if err != nil || len(entries) == 0 {
		return err
	}
	now := rs.o.Now() // the same for all: it identifies the entries of one save
	for i := range entries {
		e := &entries[i]
		e.ID, e.GuildID, e.By, e.Via, e.At = newID(), g.id, by.UserID, by.Via, now
	}
	if err := rs.markHelpers(ctx, g, next); err != nil {
		return err
	}
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	// keep entries that are not published yet
	doc := guild.Document{Settings: next, Outbox: slices.Concat(g.settingsOutbox, entries)}
	rev, err := rs.writeSettings(ctx, g, doc)
	if err != nil { // the write may have happened: read what is stored
		g.settingsUnsure = true
		if e := rs.loadSettings(ctx, g); e != nil {
			return errors.Join(err, e)
		}
		if left, e := changes(g.settings, next); e != nil || len(left) > 0 {
			return errors.Join(err, e)
		}
		return nil
	}
	old := g.settings
	g.settings, g.settingsRev, g.settingsOutbox = next, rev, doc.Outbox
	rs.flushSettings(ctx, g)
	rs.followSettings(ctx, g, old)
	return nil
}

// markHelpers marks the overwrites of closed rooms as pending if the helper roles are about to change; the
// sweeps set them. It comes before the settings are stored: a process that ends in between forgets no room.
func (rs *Rooms) markHelpers(ctx context.Context, g *guildState, next guild.Settings) error {
	if slices.Equal(g.settings.HelperRoles, next.HelperRoles) {
		return nil
	}
	for _, r := range g.rooms {
		if r.State != room.Open || !r.Private && !r.Locked && !r.Hidden {
			continue
		}
		r.accessMarks++
		if err := rs.accessPends(ctx, g, r); err != nil {
			return err
		}
	}
	return nil
}

// followSettings has the rooms follow changed settings.
func (rs *Rooms) followSettings(ctx context.Context, g *guildState, old guild.Settings) {
	gate := old.GuestsPastGate != g.settings.GuestsPastGate
	privacy := gate || old.ManagersSeePrivate != g.settings.ManagersSeePrivate
	if gate {
		rs.enqueue(g, func(ctx context.Context) { rs.onGateChanged(ctx, g) })
	}
	for _, r := range g.rooms {
		if r.State != room.Open {
			continue
		}
		if privacy {
			rs.publish(g, r, room.Changed{})
		}
		if _, over := rs.deadlinePassed(g, r); over { // that calls Discord: do not make the actor wait
			rs.enqueue(g, func(ctx context.Context) { rs.afterDeadlineChange(ctx, g, r) })
			continue
		}
		rs.afterDeadlineChange(ctx, g, r)
	}
}

// afterDeadlineChange applies new settings to a room's closing.
func (rs *Rooms) afterDeadlineChange(ctx context.Context, g *guildState, r *roomState) {
	if err := rs.checkDeadline(ctx, g, r); err != nil {
		rs.o.Log.WarnContext(ctx, "a room follows the new settings with the next sweep", "guild_id", g.id,
			"room_id", r.ID, "err", err)
	}
}

func (rs *Rooms) writeSettings(ctx context.Context, g *guildState, doc guild.Document) (hub.Rev, error) {
	acts(ctx)
	if g.settingsRev == 0 {
		return rs.o.Hub.Settings.Create(ctx, g.id.String(), doc)
	}
	return rs.o.Hub.Settings.Update(ctx, g.id.String(), doc, g.settingsRev)
}

// flushSettings publishes the audit entries in the settings' outbox, then
// clears it. Failures are retried with the next save, sweep or start.
func (rs *Rooms) flushSettings(ctx context.Context, g *guildState) {
	if g.settingsUnsure {
		if err := rs.readSettings(ctx, g); err != nil {
			rs.o.Log.WarnContext(ctx, "what the hub holds of the settings is not known", "guild_id", g.id, "err", err)
			return
		}
	}
	if len(g.settingsOutbox) == 0 {
		return
	}
	for _, e := range g.settingsOutbox {
		if err := rs.audit(ctx, e); err != nil {
			rs.o.Log.WarnContext(ctx, "an audit entry of the settings waits to be published", "guild_id", g.id,
				"err", err)
			return
		}
	}
	rev, err := rs.writeSettings(ctx, g, guild.Document{Settings: g.settings})
	if err != nil {
		g.settingsUnsure = true
		rs.o.Log.WarnContext(ctx, "published audit entries of the settings could not be cleared; they will be "+
			"published again under the same ids",
			"guild_id", g.id, "err", err)
		return
	}
	g.settingsRev, g.settingsOutbox = rev, nil
}

// loadSettings reads a guild's settings and publishes their outbox.
func (rs *Rooms) loadSettings(ctx context.Context, g *guildState) error {
	err := rs.readSettings(ctx, g)
	if err == nil {
		rs.flushSettings(ctx, g)
	}
	return err
}

func (rs *Rooms) readSettings(ctx context.Context, g *guildState) error {
	doc, rev, err := rs.o.Hub.Settings.Latest(ctx, g.id.String())
	switch {
	case errs.Has(err, errs.NotFound):
		doc, rev = guild.Document{Settings: guild.Defaults()}, 0
	case err != nil:
		return fmt.Errorf("settings: %w", err)
	}
	old := g.settings
	g.settings, g.settingsRev, g.settingsOutbox, g.settingsUnsure = doc.Settings, rev, doc.Outbox, false
	if g.ready {
		rs.followSettings(ctx, g, old)
	}
	return nil
}

// changes returns an audit entry for each setting that differs.
func changes(old, next guild.Settings) ([]audit.Entry, error) {
	a, err := old.Fields()
	if err != nil {
		return nil, err
	}
	b, err := next.Fields()
	if err != nil {
		return nil, err
	}
	var out []audit.Entry
	for name, value := range b {
		if string(a[name]) != string(value) {
			out = append(out,
				audit.Entry{Kind: audit.SettingsChanged, Detail: name, Old: string(a[name]), New: string(value)})
		}
	}
	slices.SortFunc(out, func(a, b audit.Entry) int { return cmp.Compare(a.Detail, b.Detail) })
	return out, nil
}
