package webhooks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"snug/bot/outward"
	"snug/shared/errs"
	"snug/shared/webhook"
)

// send sends the delivery of a hook that has been due for longest, and reports whether that failed.
func (s *Sender) send(ctx context.Context, k hookKey) (failed bool) {
	h, ok := s.hooks.Get(k.String())
	d, due := s.queue.next(k, s.o.Now())
	if !ok || !h.Enabled || !due {
		return false // disabled, or sent, in the meantime
	}
	secret, err := s.o.Keys.Open(h.Secret, "webhook "+h.Key())
	if err != nil {
		s.stop(ctx, h, "Its secret cannot be opened any more: SESSION_SECRET has changed. Make a new secret for it.")
		return true
	}
	try := s.try(ctx, h, secret, d)
	if ctx.Err() != nil {
		return true // interrupted by shutdown: tried again after the restart
	}
	result := "taken"
	if try.Failure != "" {
		result = "refused"
	}
	s.sent.WithLabelValues(result).Inc()
	now, rev, err := s.o.Hub.Deliveries.Edit(ctx, d.Key(), func(d *webhook.Delivery) error {
		if d.State == webhook.Pending {
			d.Tried(try)
		}
		return nil
	})
	switch {
	case err == nil:
		s.queue.set(d.Key(), &now, rev)
	case errs.Has(err, errs.NotFound): // deleted with its hook in the meantime
		return false
	default:
		s.o.Log.Warn("cannot store the result of a webhook delivery; it will be sent again", "guild_id", h.GuildID,
			"err", err)
		return true
	}
	if try.Status == http.StatusGone {
		s.stop(ctx, h, "It answered 410 Gone.")
	}
	if try.Failure == "" {
		s.prune(ctx, k)
	}
	return try.Failure != ""
}

// try sends a delivery once.
func (s *Sender) try(ctx context.Context, h webhook.Hook, secret []byte, d webhook.Delivery) (t webhook.Try) {
	begun := time.Now()
	t.At = s.o.Now()
	defer func() { t.Took = time.Since(begun) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(string(d.Body)))
	if err != nil {
		t.Failure = "its address cannot be used"
		return t
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.o.Agent)
	r.Header.Set(webhook.HeaderID, d.ID)
	r.Header.Set(webhook.HeaderTime, strconv.FormatInt(t.At.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, webhook.Sign(secret, d.ID, t.At, d.Body))
	res, err := s.client.Do(r)
	if err != nil {
		t.Failure = outward.Describe(err)
		return t
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // the content does not matter
	_ = res.Body.Close()
	t.Status = res.StatusCode
	switch {
	case t.Status >= 300 && t.Status < 400:
		t.Failure = fmt.Sprintf("it answered %d: redirects are not followed", t.Status)
	case t.Status < 200 || t.Status > 299:
		t.Failure = fmt.Sprintf("it answered %d", t.Status)
	}
	return t
}

// stop disables a hook and stores why.
func (s *Sender) stop(ctx context.Context, h webhook.Hook, why string) {
	_, _, err := s.o.Hub.Webhooks.Edit(ctx, h.Key(), func(h *webhook.Hook) error {
		h.Enabled, h.Stopped = false, why
		return nil
	})
	s.o.Log.Warn("disabled a webhook", "guild_id", h.GuildID, "reason", why, "err", err)
}

// prune deletes all but the newest done deliveries of a hook.
func (s *Sender) prune(ctx context.Context, k hookKey) {
	for key, rev := range s.queue.surplus(k, webhook.MaxDeliveries) {
		// One that changed in the meantime stays; whatever is left is deleted after the next delivery.
		_ = s.o.Hub.Deliveries.DeleteAt(ctx, key, rev)
	}
}
