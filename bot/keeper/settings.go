package keeper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
	"snug/shared/room"
)

// SaveSettings lays the given fields over the guild's settings, validates the
// whole and uses it at once. It fails with errs.Forbidden unless the actor
// manages the server, with errs.Invalid and the field, or with errs.Conflict if
// somebody saved since the revision the actor saw.
func (k *Keeper) SaveSettings(ctx context.Context, guildID snowflake.ID, q room.SettingsRequest) (out room.Saved, err error) {
	who, err := k.standing(ctx, guildID, q.Actor)
	if err != nil {
		return out, err
	}
	if !who.Manager {
		return out, errs.E(errs.Forbidden, "Only members with the Manage Server permission can change Snug's settings. Ask one of them.")
	}
	err = k.with(ctx, guildID, func(g *guildRooms) error {
		if q.Rev != 0 && hub.Rev(q.Rev) != g.setRev {
			return errs.E(errs.Conflict, "Somebody else saved these settings meanwhile. Have a look at what they are now, then change them again.")
		}
		next := g.settings
		next.CreatorRoles = slices.Clone(next.CreatorRoles) // decoding writes into slices
		dec := json.NewDecoder(bytes.NewReader(q.JSON))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&next); err != nil {
			return errs.E(errs.Invalid, "These settings could not be read. Please check what you typed.").Because(err)
		}
		if err := next.Validate(); err != nil {
			return err
		}
		if err := k.saveSettings(ctx, g, next, q.Actor); err != nil {
			return err
		}
		out.Rev = uint64(g.setRev)
		return nil
	})
	return out, err
}

func (k *Keeper) saveSettings(ctx context.Context, g *guildRooms, next guild.Settings, by room.Actor) error {
	entries, err := changes(g.settings, next)
	if err != nil || len(entries) == 0 {
		return err
	}
	for i := range entries {
		e := &entries[i]
		e.ID, e.GuildID, e.By, e.Via, e.At = newID(), g.id, by.UserID, by.Via, k.o.Now()
	}
	ctx, cancel := writing(ctx)
	defer cancel()
	doc := guild.Document{Settings: next, Outbox: entries}
	rev, err := k.writeSettings(ctx, g, doc)
	if err != nil { // it may have happened all the same: only what is stored tells
		return errors.Join(err, k.loadSettings(ctx, g))
	}
	privacy := g.settings.ManagersSeePrivate != next.ManagersSeePrivate
	g.settings, g.setRev = next, rev
	k.flushSettings(ctx, g, doc)
	for _, r := range g.rooms {
		if r.State != room.Open {
			continue
		}
		if privacy {
			k.tell(g, r, room.Changed{})
		}
		if err := k.consider(ctx, g, r); err != nil {
			k.o.Log.Warn("a room follows the new settings with the next sweep", "guild_id", g.id, "room_id", r.ID, "err", err)
		}
	}
	return nil
}

func (k *Keeper) writeSettings(ctx context.Context, g *guildRooms, doc guild.Document) (hub.Rev, error) {
	if g.setRev == 0 {
		return k.o.Hub.Settings.Create(ctx, g.id.String(), doc)
	}
	return k.o.Hub.Settings.Update(ctx, g.id.String(), doc, g.setRev)
}

// flushSettings publishes the entries of a settings document and clears them there.
func (k *Keeper) flushSettings(ctx context.Context, g *guildRooms, doc guild.Document) {
	for _, e := range doc.Outbox {
		if err := k.audit(ctx, e); err != nil {
			k.o.Log.Warn("an audit entry of the settings waits to be published", "guild_id", g.id, "err", err)
			return
		}
	}
	doc.Outbox = nil
	rev, err := k.writeSettings(ctx, g, doc)
	if err != nil {
		k.o.Log.Warn("published audit entries of the settings could not be cleared", "guild_id", g.id, "err", err)
		return
	}
	g.setRev = rev
}

// loadSettings reads a guild's settings, and publishes what an earlier run left unpublished.
func (k *Keeper) loadSettings(ctx context.Context, g *guildRooms) error {
	doc, rev, err := k.o.Hub.Settings.Get(ctx, g.id.String())
	switch {
	case errs.Has(err, errs.NotFound):
		g.settings, g.setRev = guild.Defaults(), 0
		return nil
	case err != nil:
		return fmt.Errorf("settings: %w", err)
	}
	g.settings, g.setRev = doc.Settings, rev
	if len(doc.Outbox) > 0 {
		k.flushSettings(ctx, g, doc)
	}
	return nil
}

// changes gives an audit entry for each setting that differs.
func changes(old, next guild.Settings) ([]room.Entry, error) {
	a, err := fields(old)
	if err != nil {
		return nil, err
	}
	b, err := fields(next)
	if err != nil {
		return nil, err
	}
	var out []room.Entry
	for name, value := range b {
		if string(a[name]) != string(value) {
			out = append(out, room.Entry{Kind: room.EntrySettings, Detail: name, Old: string(a[name]), New: string(value)})
		}
		delete(a, name)
	}
	for name, value := range a {
		out = append(out, room.Entry{Kind: room.EntrySettings, Detail: name, Old: string(value)})
	}
	return out, nil
}

func fields(s guild.Settings) (map[string]json.RawMessage, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	m := map[string]json.RawMessage{}
	return m, json.Unmarshal(b, &m)
}
