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
	cursorSlack = 1_000 // how many entries a hook's stored cursor may lag while no delivery is created for it
)

// producer creates deliveries from audit entries. It reads the log once for all hooks: its cost depends on
// the activity of the servers that have hooks, not on the number of hooks.
type producer struct {
	s      *Sender
	pos    uint64             // position in the log up to which everything has been read
	at     map[hookKey]uint64 // stored cursor of each enabled hook
	sealed map[hookKey]hub.Rev
}

// produce reads the audit log once per tick until ctx ends.
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
		k.step(ctx) // what fails is tried again at the next tick; the hub logs it
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

// enabledHooks returns the enabled hooks of this process's guilds, by guild, and reseals secrets where
// needed.
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

// startHooks brings hooks that are new in this process up to pos. The first time, pos is the cursor of the
// hook furthest behind.
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
				k.at[key] = max(at, h.Cursor) // enabling a hook again moves its cursor
				continue
			}
			if !k.catchUp(ctx, h) {
				return false
			}
		}
	}
	return true
}

// catchUp creates the deliveries of one hook up to pos.
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

// enqueueAll creates the deliveries of a batch of entries, and stores the cursor of each hook that got one
// or whose cursor lags by more than cursorSlack.
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

// enqueue creates the delivery of an entry if the hook subscribes to it. ok is false if the hub did not
// store it.
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
		k.s.o.Log.Error("cannot create a webhook delivery for an audit entry", "guild_id", h.GuildID, "err", err)
		return false, true
	}
	// A conflict means that it was created before a crash.
	_, err = k.s.o.Hub.Deliveries.Create(ctx, d.Key(), d)
	return true, err == nil || errs.Has(err, errs.Conflict)
}

// saveCursor stores a hook's cursor.
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

// reseal seals a hook's secret with the current session secret, so that the previous one can be removed
// from the configuration. A secret that no key opens stays as it is: sending reports it.
func (s *Sender) reseal(ctx context.Context, h webhook.Hook) (done bool) {
	secret, err := s.o.Keys.Open(h.Secret, "webhook "+h.Key())
	if err != nil {
		return true
	}
	_, _, err = s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(now *webhook.Hook) error {
		if bytes.Equal(now.Secret, h.Secret) { // otherwise it was replaced in the meantime
			now.Secret = s.o.Keys.Seal(secret, "webhook "+h.Key())
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.o.Log.WarnContext(ctx, "cannot reseal a webhook's secret with the current session secret; retrying",
			"guild_id", h.GuildID, "err", err)
	}
	return err == nil
}
