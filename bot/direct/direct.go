// Package direct sends direct messages, within budgets that all processes of
// a bot share through the hub and that survive a restart (package dm).
//
// What has no budget left is not sent: it waits only if that ends within
// Patience, and the caller is told. While the hub is out of reach no budget
// is known, and nothing is sent. A budget is taken before Discord is asked, so
// that a crash between the two costs one message and never sends one too many.
// A Sender is safe for concurrent use and starts no goroutines.
package direct

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/shared/dm"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
)

// Patience is how long a message waits at most, for a budget and for Discord.
const Patience = 30 * time.Second

// remembered is how long it is kept where direct messages with somebody are.
const remembered = 90 * 24 * time.Hour

// Discord is what a Sender needs of Discord. Its errors have the answer (*rest.Error) in their tree.
type Discord interface {
	OpenDM(ctx context.Context, user snowflake.ID) (channel snowflake.ID, err error)
	Send(ctx context.Context, channel snowflake.ID, m discord.MessageCreate) (snowflake.ID, error)
}

// Options of a Sender; all are needed.
type Options struct {
	Hub        *hub.Hub
	Discord    Discord
	Limits     dm.Limits
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Sender sends direct messages.
type Sender struct {
	o       Options
	metrics *metrics

	mu       sync.Mutex // guards what follows
	paused   time.Time  // until when nothing is opened, where the hub could not be told
	held     int        // messages that were not sent for want of a budget, since the process began
	lastHeld time.Time
}

// New makes a Sender. It fails when the limits are wrong or metrics are registered twice.
func New(o Options) (*Sender, error) {
	if err := o.Limits.Check(); err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer, o.Now)
	return &Sender{o: o, metrics: m}, err
}

// Discord's answers that concern direct messages. 40003 is documented;
// quarantine answers 20026, as bots report it.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
const (
	codeUnknownChannel = 10003
	codeQuarantined    = 20026
	codeTooFast        = 40003
	codeClosed         = 50007
	codeBadRecipient   = 50033
	codeNoMutual       = 50278
)

const botKey = "bot" // of the budgets of openings

func keyOf(user snowflake.ID) string { return "to." + user.String() }

// Send writes to a user; by is who caused it. It fails with errs.Forbidden if
// the user takes no direct messages, with errs.RateLimited when a budget has
// nothing left, with errs.Unavailable when no budget is known, and with
// errs.DiscordUnavailable when Discord did not answer in time.
func (s *Sender) Send(ctx context.Context, to, by snowflake.ID, m discord.MessageCreate) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	err := s.send(ctx, to, by, m)
	s.metrics.sent(err)
	held, ok := errors.AsType[*dm.Held](err)
	if !ok {
		return err
	}
	now := s.o.Now()
	s.mu.Lock()
	s.held, s.lastHeld = s.held+1, now
	s.mu.Unlock()
	return errs.E(errs.RateLimited,
		"Snug sends no more direct messages just now, so that Discord does not take it for spam.").After(held.Until.Sub(now)).Because(err)
}

func (s *Sender) send(ctx context.Context, to, by snowflake.ID, m discord.MessageCreate) error {
	for attempt := 0; ; attempt++ {
		channel, err := s.channel(ctx, to, by)
		if err != nil {
			return err
		}
		asked := s.o.Now()
		_, err = s.o.Discord.Send(ctx, channel, m)
		if codeOf(err) != codeUnknownChannel || attempt > 0 {
			return s.answered(err, asked)
		}
		if err := s.forget(ctx, to, channel); err != nil { // it is opened anew, once
			return err
		}
	}
}

// channel takes what a message costs and gives where it goes.
func (s *Sender) channel(ctx context.Context, to, by snowflake.ID) (snowflake.ID, error) {
	account, _, err := s.o.Hub.DMs.Get(ctx, keyOf(to))
	if err != nil && !errs.Has(err, errs.NotFound) {
		return 0, noBudget(err)
	}
	opened := account.Channel
	if opened == 0 {
		// The recipient's budget is looked at first, so that no opening is taken for nothing.
		if err := s.within(ctx, func() error { return account.Writable(s.o.Limits, s.o.Now()) }); err != nil {
			return 0, err
		}
		if opened, err = s.open(ctx, to, by); err != nil {
			return 0, err
		}
	}
	err = s.within(ctx, func() error {
		var held error
		account, _, err := s.o.Hub.DMs.EditOrCreate(ctx, keyOf(to), func(a *dm.Account) error {
			// where it is, is kept also when there is nothing left
			a.Channel, held = opened, a.Write(s.o.Limits, s.o.Now())
			return nil
		}, hub.TTL(remembered))
		opened = account.Channel
		if err != nil {
			return noBudget(err)
		}
		return held
	})
	return opened, err
}

// open opens direct messages with somebody.
func (s *Sender) open(ctx context.Context, to, by snowflake.ID) (channel snowflake.ID, err error) {
	err = s.within(ctx, func() error {
		now := s.o.Now()
		if until := s.pausedHere(); now.Before(until) {
			return &dm.Held{Why: dm.HeldPaused, Until: until}
		}
		_, _, err := s.o.Hub.DMs.EditOrCreate(ctx, botKey,
			func(a *dm.Account) error { return a.Open(s.o.Limits, by, now) })
		if _, held := errors.AsType[*dm.Held](err); err != nil && !held {
			return noBudget(err)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	asked := s.o.Now()
	channel, err = s.o.Discord.OpenDM(ctx, to)
	if err == nil {
		s.metrics.opened.Inc()
	}
	return channel, s.answered(err, asked)
}

// within takes from a budget, or waits for it if that is not longer than the context lasts.
func (s *Sender) within(ctx context.Context, take func() error) error {
	for {
		err := take()
		held, ok := errors.AsType[*dm.Held](err)
		if !ok {
			return err
		}
		wait := max(held.Until.Sub(s.o.Now()), time.Millisecond)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// answered gives Discord's refusals their meaning; asked is when Discord was asked.
func (s *Sender) answered(err error, asked time.Time) error {
	switch code := codeOf(err); code {
	case codeTooFast, codeQuarantined:
		until := s.pause(asked, code == codeQuarantined)
		return errors.Join(&dm.Held{Why: dm.HeldPaused, Until: until}, err)
	case codeClosed, codeNoMutual, codeBadRecipient:
		return errs.E(errs.Forbidden, "This user takes no direct messages from here.").Because(err)
	}
	return err
}

// pause opens nothing for a while, in every process.
func (s *Sender) pause(asked time.Time, quarantined bool) time.Time {
	// also when the message was given up meanwhile
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := s.o.Now()
	a, _, err := s.o.Hub.DMs.EditOrCreate(ctx, botKey, func(a *dm.Account) error {
		a.TooFast(s.o.Limits, asked, now, quarantined)
		return nil
	})
	if err != nil {
		a.TooFast(s.o.Limits, asked, now, quarantined)
		s.mu.Lock()
		s.paused = a.PausedUntil
		s.mu.Unlock()
	}
	s.metrics.paused(a.PausedUntil)
	if quarantined {
		s.o.Log.Error("Discord has quarantined this bot for direct messages: it can join no server and write to nobody new. Whoever runs Snug appeals at https://dis.gd/app-quarantine",
			"until", a.PausedUntil)
	} else {
		s.o.Log.Warn("Discord says that direct messages are opened too fast; no new ones for a while",
			"until", a.PausedUntil)
	}
	return a.PausedUntil
}

func (s *Sender) pausedHere() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}

// forget drops where direct messages with somebody were.
func (s *Sender) forget(ctx context.Context, user, channel snowflake.ID) error {
	_, _, err := s.o.Hub.DMs.Edit(ctx, keyOf(user), func(a *dm.Account) error {
		if a.Channel != channel {
			return hub.Unchanged
		}
		a.Channel = 0
		return nil
	}, hub.TTL(remembered))
	if err != nil {
		return noBudget(err)
	}
	return nil
}

// State tells how the budgets are. Known is false while the hub does not answer.
func (s *Sender) State(ctx context.Context) guild.DMHealth {
	now := s.o.Now()
	a, _, err := s.o.Hub.DMs.Get(ctx, botKey)
	out := guild.DMHealth{Known: err == nil || errs.Has(err, errs.NotFound)}
	s.mu.Lock()
	out.Held, out.LastHeld, out.Paused = s.held, s.lastHeld, s.paused
	s.mu.Unlock()
	if a.PausedUntil.After(out.Paused) {
		out.Paused = a.PausedUntil
	}
	if !out.Paused.After(now) {
		out.Paused = time.Time{}
	}
	for i, left := range a.Left(s.o.Limits, now) {
		r := s.o.Limits.Bot[i]
		out.Budgets = append(out.Budgets, guild.DMBudget{Left: left, Max: r.N, Window: r.In})
	}
	return out
}

// noBudget is why nothing is sent while the hub does not answer.
func noBudget(cause error) error {
	return errs.E(errs.Unavailable, "Snug sends no direct messages while it cannot reach its data.").Because(cause)
}

func codeOf(err error) int {
	if answer, ok := errors.AsType[*rest.Error](err); ok {
		return int(answer.Code)
	}
	return 0
}
