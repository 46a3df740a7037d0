package actions

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

const (
	// historyLines is how much of a room's audit its page shows.
	historyLines = 60
	// historyLife is how long what was read of a room's audit is used: entries that end with time are gone by then.
	historyLife   = 5 * time.Minute
	mostHistories = 1000             // rooms
	onTheWay      = 10 * time.Second // how long an entry may take from being heard to being stored
	mostOnTheWay  = 4096
)

// histories keeps the last of what happened in the rooms whose pages are open: a view reads no stream. It hears every
// entry as it is appended.
type histories struct {
	now func() time.Time

	mu    sync.Mutex // guards what follows
	rooms map[snowflake.ID]*history
	heard []heardEntry // lately, the oldest first: what is read may miss entries that were on their way
}

// history is one room's; guarded by histories.mu, but for reading.
type history struct {
	reading sync.Mutex // held by the one view that reads; the others wait for it
	guild   snowflake.ID
	entries []audit.Entry // the newest first; replaced, never changed
	read    time.Time     // zero: not yet
	forgets int           // how often it was forgotten
}

type heardEntry struct {
	audit.Entry
	at time.Time
}

// hear adds an entry that was just appended. Rooms without a reader are left alone.
func (h *histories) hear(e audit.Entry) {
	if e.RoomID == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	old := 0
	for old < len(h.heard) && (now.Sub(h.heard[old].at) > onTheWay || len(h.heard)-old >= mostOnTheWay) {
		old++
	}
	h.heard = append(slices.Delete(h.heard, 0, old), heardEntry{e, now})
	if r := h.rooms[e.RoomID]; r != nil {
		r.add(e)
	}
}

// add adds a newer entry, once.
func (r *history) add(e audit.Entry) {
	if !r.has(e.ID) {
		kept := r.entries[:min(len(r.entries), historyLines-1)]
		r.entries = append([]audit.Entry{e}, kept...)
	}
}

func (r *history) has(id string) bool {
	return slices.ContainsFunc(r.entries, func(e audit.Entry) bool { return e.ID == id })
}

// forget has a guild's audit be read again: entries were erased.
func (h *histories) forget(guild snowflake.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = slices.DeleteFunc(h.heard, func(e heardEntry) bool { return e.GuildID == guild })
	for _, r := range h.rooms {
		if r.guild == guild {
			r.entries, r.read = nil, time.Time{}
			r.forgets++
		}
	}
}

// get gives a room's entries, the newest first, up to newest, which is "" where that is not known. It calls read where
// they are not at hand.
func (h *histories) get(
	guild, id snowflake.ID, newest string, read func() ([]audit.Entry, error),
) ([]audit.Entry, error) {
	h.mu.Lock()
	r := h.rooms[id]
	if r == nil {
		if h.rooms == nil || len(h.rooms) >= mostHistories {
			h.rooms = map[snowflake.ID]*history{}
		}
		r = &history{guild: guild}
		h.rooms[id] = r
	}
	list, ok := h.current(r, newest)
	h.mu.Unlock()
	if ok {
		return list, nil
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	h.mu.Lock()
	list, ok = h.current(r, newest)
	begun, forgets := h.now(), r.forgets
	h.mu.Unlock()
	if ok {
		return list, nil
	}
	list, err := read()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.forgets != forgets { // what was read may have been erased meanwhile
		return list, nil
	}
	r.entries, r.read = list, begun
	for _, e := range h.heard {
		if e.RoomID == id {
			r.add(e.Entry)
		}
	}
	return r.entries, nil
}

// current gives what is known of a room's history, and whether it has all up to newest. The caller holds mu.
func (h *histories) current(r *history, newest string) ([]audit.Entry, bool) {
	return r.entries, !r.read.IsZero() && h.now().Sub(r.read) < historyLife && (newest == "" || r.has(newest))
}

// RoomHistory gives the last of what happened in a room, the newest first, as far as the person may know; nothing if
// that cannot be had.
func (a *Actions) RoomHistory(ctx context.Context, r *room.View) (out []audit.Entry) {
	entries, err := a.histories.get(r.Room.GuildID, r.Room.ID, r.LastEntry, func() ([]audit.Entry, error) {
		return a.readHistory(ctx, r.Room.GuildID, r.Room.ID)
	})
	if err != nil {
		a.log.WarnContext(ctx, "a room's history could not be read", "guild_id", r.Room.GuildID, "room_id", r.Room.ID,
			"err", err)
	}
	for _, e := range entries {
		if r.MayControl || e.Kind.On(audit.ForAll) {
			out = append(out, e)
		}
	}
	return out
}

func (a *Actions) readHistory(ctx context.Context, guildID, id snowflake.ID) (out []audit.Entry, err error) {
	stored, err := a.o.Hub.Audit.Page(ctx, guildID, id, 0, historyLines)
	for _, raw := range stored {
		if e, err := auditEntry(raw); err == nil {
			out = append(out, e)
		}
	}
	return out, err
}

// entryHeard takes an entry that some process appended just now.
func (a *Actions) entryHeard(raw hub.AuditEntry) {
	if e, err := auditEntry(raw); err == nil {
		a.histories.hear(e)
	}
	a.o.Live.HistoryUpdated(raw.Guild, raw.Channel)
}

// auditErased informs every dashboard that entries of a server's audit were erased.
var auditErased = hub.Notice[snowflake.ID]{Name: "audit-erased"}

// Visits gives who came into a room and went, as far as the person may know; nothing if that cannot be had.
func (a *Actions) Visits(ctx context.Context, r *room.View) []room.Visit {
	stored, _, err := a.o.Hub.Visits.Get(ctx, r.Room.GuildID.String()+"."+r.Room.ID.String())
	if err != nil && !errs.Has(err, errs.NotFound) {
		a.log.WarnContext(ctx, "who came into a room and went could not be read", "guild_id", r.Room.GuildID,
			"room_id", r.Room.ID, "err", err)
	}
	if !r.MayControl {
		stored.DropBefore(r.KnowsSince)
	}
	return stored.List
}
