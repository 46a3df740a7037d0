package webhooks

import (
	"bytes"
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/webhook"
)

const (
	batch       = 100   // audit entries read at once
	cursorSlack = 1_000 // how far a hook's kept place may stay behind, while nothing was made for it
)

// producer makes deliveries of audit entries. It reads the log once for all
// hooks: what it costs follows what happens in servers that have one, not how many hooks there are.
type producer struct {
	s      *Sender
	pos    uint64             // the place in the log up to which everything was read
	at     map[hookKey]uint64 // of each hook that is told: the place that is kept with it
	sealed map[hookKey]hub.Rev
}

// produce looks at the audit log again and again until ctx ends.
func (s *Sender) produce(ctx context.Context) {
	k := &producer{s: s, at: map[hookKey]uint64{}, sealed: map[hookKey]hub.Rev{}}
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if s.hooks.Len() == 0 {
			continue
		}
		k.step(ctx) // what fails is tried again with the next tick; the hub tells of it itself
	}
}

func (k *producer) step(ctx context.Context) {
	hooks := k.enabledHooks(ctx)
	newest, err := k.s.o.Hub.Audit.Newest(ctx)
	if err != nil || !k.startHooks(ctx, hooks, newest) {
		return
	}
	for k.pos < newest {
		list, err := k.s.o.Hub.Audit.After(ctx, 0, k.pos, batch)
		if err != nil {
			return
		}
		upTo := newest
		if len(list) > 0 {
			upTo = max(newest, list[len(list)-1].Seq)
			if len(list) == batch {
				upTo = list[len(list)-1].Seq
			}
		}
		if !k.enqueueAll(ctx, hooks, list, upTo) {
			return
		}
		k.pos = upTo
	}
}

// enabledHooks gives the hooks that are told of something, by their servers, and seals their secrets anew
// where that is due.
func (k *producer) enabledHooks(ctx context.Context) map[snowflake.ID][]webhook.Hook {
	held := k.s.held()
	hooks, there := map[snowflake.ID][]webhook.Hook{}, map[hookKey]bool{}
	k.s.hooks.Range(func(e hub.Entry[webhook.Hook]) bool {
		h := e.Value
		key := hookKey{h.GuildID, h.ID}
		if !held[h.GuildID] {
			return true
		}
		if k.sealed[key] != e.Rev && (k.s.o.Keys.Current(h.Secret) || k.s.reseal(ctx, h)) {
			k.sealed[key] = e.Rev
		}
		if h.Enabled {
			hooks[h.GuildID], there[key] = append(hooks[h.GuildID], h), true
		}
		return true
	})
	for key := range k.at {
		if !there[key] {
			delete(k.at, key)
		}
	}
	for key := range k.sealed {
		if _, ok := k.s.hooks.Get(key.String()); !ok {
			delete(k.sealed, key)
		}
	}
	return hooks
}

// startHooks brings hooks that are new here up to the place where all are. The
// first time that is the place of the one furthest behind.
func (k *producer) startHooks(ctx context.Context, hooks map[snowflake.ID][]webhook.Hook, newest uint64) bool {
	if k.pos == 0 {
		k.pos = newest
		for _, list := range hooks {
			for _, h := range list {
				k.pos = min(k.pos, h.Cursor)
			}
		}
	}
	for _, list := range hooks {
		for _, h := range list {
			key := hookKey{h.GuildID, h.ID}
			if at, known := k.at[key]; known {
				k.at[key] = max(at, h.Cursor) // it moves on when a hook is switched on again
				continue
			}
			if !k.catchUp(ctx, h) {
				return false
			}
		}
	}
	return true
}

// catchUp makes the deliveries of one hook up to where all are.
func (k *producer) catchUp(ctx context.Context, h webhook.Hook) bool {
	key, at := hookKey{h.GuildID, h.ID}, h.Cursor
	for at < k.pos {
		list, err := k.s.o.Hub.Audit.After(ctx, h.GuildID, at, batch)
		if err != nil {
			return false
		}
		upTo := k.pos
		if len(list) == batch {
			upTo = min(upTo, list[len(list)-1].Seq)
		}
		made := false
		for _, a := range list {
			if a.Seq > upTo {
				break
			}
			one, ok := k.enqueue(ctx, h, a)
			if !ok {
				return false
			}
			made = made || one
		}
		if made && !k.saveCursor(ctx, h, upTo) {
			return false
		}
		at = upTo
	}
	k.at[key] = h.Cursor
	return true
}

// enqueueAll makes the deliveries of some entries, and keeps how far each hook has come for which one was made.
func (k *producer) enqueueAll(
	ctx context.Context, hooks map[snowflake.ID][]webhook.Hook, list []hub.AuditEntry, upTo uint64,
) bool {
	moved := map[hookKey]webhook.Hook{}
	for _, a := range list {
		for _, h := range hooks[a.Guild] {
			key := hookKey{h.GuildID, h.ID}
			if a.Seq <= k.at[key] {
				continue
			}
			made, ok := k.enqueue(ctx, h, a)
			if !ok {
				return false
			}
			if made {
				moved[key] = h
			}
		}
	}
	for _, all := range hooks {
		for _, h := range all {
			key := hookKey{h.GuildID, h.ID}
			if _, made := moved[key]; (made || k.at[key]+cursorSlack < upTo) && !k.saveCursor(ctx, h, upTo) {
				return false
			}
		}
	}
	return true
}

// enqueue makes the delivery of an entry to a hook that wants it. It is false where the hub did not take it.
func (k *producer) enqueue(ctx context.Context, h webhook.Hook, a hub.AuditEntry) (made, ok bool) {
	if !h.Wants(audit.Kind(a.Kind)) {
		return false, true
	}
	if k.s.queue.waiting(hookKey{h.GuildID, h.ID}) >= webhook.MaxPending {
		k.s.stop(ctx, h, "It has not taken anything for so long that too many messages waited for it.")
		return false, true
	}
	d, err := webhook.NewDelivery(h, a.ID, a.Kind, a.At, a.Data, k.s.o.Now())
	if err != nil {
		k.s.o.Log.Error("an audit entry cannot be told to webhooks", "guild_id", h.GuildID, "err", err)
		return false, true
	}
	// A delivery that is there was made before a crash.
	_, err = k.s.o.Hub.Deliveries.Create(ctx, d.Key(), d)
	return true, err == nil || errs.Has(err, errs.Conflict)
}

// saveCursor writes down how far a hook has come.
func (k *producer) saveCursor(ctx context.Context, h webhook.Hook, upTo uint64) bool {
	_, _, err := k.s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(h *webhook.Hook) error {
		h.Cursor = max(h.Cursor, upTo)
		return nil
	})
	if err == nil || errs.Has(err, errs.NotFound) {
		k.at[hookKey{h.GuildID, h.ID}] = upTo
		return true
	}
	return false
}

// reseal seals a hook's secret with the session secret that is in use now, so
// that the one before it can be taken out. What opens under none stays as it is: sending tells of it.
func (s *Sender) reseal(ctx context.Context, h webhook.Hook) (done bool) {
	secret, err := s.o.Keys.Open(h.Secret, "webhook "+h.Key())
	if err != nil {
		return true
	}
	_, _, err = s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(now *webhook.Hook) error {
		if bytes.Equal(now.Secret, h.Secret) { // else it was made anew meanwhile
			now.Secret = s.o.Keys.Seal(secret, "webhook "+h.Key())
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.o.Log.WarnContext(ctx, "a webhook's secret was not sealed anew, and will be tried again",
			"guild_id", h.GuildID, "err", err)
	}
	return err == nil
}
