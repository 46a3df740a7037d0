// Package dms sends Discord direct messages within budgets (package dmbudget)
// that all processes of a bot share through the hub and that survive a restart.
//
// A message whose budget is exhausted waits for at most MaxWait; otherwise it is not sent and the
// caller gets an error. While the hub cannot be reached the budgets are unknown, and nothing is sent.
// The budget is charged before the call to Discord, so a crash between the two loses one message and
// never sends one too many. A Sender is safe for concurrent use and starts no goroutines.
package dms

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

	"snug/shared/dmbudget"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/hub"
)

// MaxWait bounds how long Send takes, waiting for a budget and for Discord.
const MaxWait = 30 * time.Second

// channelTTL is how long the hub keeps the id of a user's DM channel.
const channelTTL = 90 * 24 * time.Hour

// Discord is what a Sender calls. Its errors wrap Discord's response (*rest.Error).
type Discord interface {
	OpenDM(ctx context.Context, user snowflake.ID) (channel snowflake.ID, err error)
	Send(ctx context.Context, channel snowflake.ID, m discord.MessageCreate) (snowflake.ID, error)
}

// Options of a Sender. All are required.
type Options struct {
	Hub        *hub.Hub
	Discord    Discord
	Limits     dmbudget.Limits
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Sender sends direct messages.
type Sender struct {
	o       Options
	metrics *metrics

	mu       sync.Mutex // guards what follows
	paused   time.Time  // until when this process opens no DM channel; set when the hub could not store it
	held     int        // messages not sent because a budget was exhausted, since the process started
	lastHeld time.Time
}

// New returns a Sender. It fails if the limits are invalid or the metrics are registered already.
func New(o Options) (*Sender, error) {
	if err := o.Limits.Check(); err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer, o.Now)
	return &Sender{o: o, metrics: m}, err
}

// Discord's error codes about direct messages. 20026 (quarantine) is undocumented; bots
// report it. https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
const (
	codeUnknownChannel = 10003
	codeQuarantined    = 20026
	codeTooFast        = 40003
	codeClosed         = 50007
	codeBadRecipient   = 50033
	codeNoMutual       = 50278
)

const botKey = "bot" // key of the bot's own Usage

func keyOf(user snowflake.ID) string { return "to." + user.String() }

// Send sends a user a direct message; by is the user who caused it. It fails with errs.Forbidden if
// the user accepts no direct messages, errs.RateLimited if a budget is exhausted, errs.Unavailable
// if the hub cannot be reached, and errs.DiscordUnavailable if Discord did not answer in time.
func (s *Sender) Send(ctx context.Context, to, by snowflake.ID, m discord.MessageCreate) error {
	ctx, cancel := context.WithTimeout(ctx, MaxWait)
	defer cancel()
	err := s.send(ctx, to, by, m)
	s.metrics.sent(err)
	exceeded, ok := errors.AsType[*dmbudget.ExceededError](err)
	if !ok {
		return err
	}
	now := s.o.Now()
	s.mu.Lock()
	s.held, s.lastHeld = s.held+1, now
	s.mu.Unlock()
	return errs.E(errs.RateLimited,
		"Snug has paused direct messages so that Discord doesn't take them for spam. Try again later.").
		After(exceeded.Until.Sub(now)).Because(err)
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
			return s.classify(err, asked)
		}
		if err := s.forget(ctx, to, channel); err != nil { // open it again, once
			return err
		}
	}
}

// channel charges the budgets for one message and returns the DM channel to send it to.
func (s *Sender) channel(ctx context.Context, to, by snowflake.ID) (snowflake.ID, error) {
	account, _, err := s.o.Hub.DMs.Get(ctx, keyOf(to))
	if err != nil && !errs.Has(err, errs.NotFound) {
		return 0, budgetUnknown(err)
	}
	opened := account.Channel
	if opened == 0 {
		// Check the recipient's budget first, so that no opening is charged for nothing.
		if err := s.waitForBudget(ctx, func() error { return account.CheckSend(s.o.Limits, s.o.Now()) }); err != nil {
			return 0, err
		}
		if opened, err = s.open(ctx, to, by); err != nil {
			return 0, err
		}
	}
	err = s.waitForBudget(ctx, func() error {
		var exceeded error
		account, _, err := s.o.Hub.DMs.EditOrCreate(ctx, keyOf(to), func(a *dmbudget.Usage) error {
			// store the channel even if the budget is exhausted
			a.Channel, exceeded = opened, a.ReserveSend(s.o.Limits, s.o.Now())
			return nil
		}, hub.TTL(channelTTL))
		opened = account.Channel
		if err != nil {
			return budgetUnknown(err)
		}
		return exceeded
	})
	return opened, err
}

// open opens a DM channel (Create DM).
func (s *Sender) open(ctx context.Context, to, by snowflake.ID) (channel snowflake.ID, err error) {
	err = s.waitForBudget(ctx, func() error {
		now := s.o.Now()
		if until := s.localPause(); now.Before(until) {
			return &dmbudget.ExceededError{Why: dmbudget.ReasonPaused, Until: until}
		}
		_, _, err := s.o.Hub.DMs.EditOrCreate(ctx, botKey,
			func(a *dmbudget.Usage) error { return a.ReserveOpen(s.o.Limits, by, now) })
		if _, exceeded := errors.AsType[*dmbudget.ExceededError](err); err != nil && !exceeded {
			return budgetUnknown(err)
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
	return channel, s.classify(err, asked)
}

// waitForBudget calls take until it no longer fails with an ExceededError, waiting
// as long as that says. If the wait would outlast ctx it returns the error at once.
func (s *Sender) waitForBudget(ctx context.Context, take func() error) error {
	for {
		err := take()
		exceeded, ok := errors.AsType[*dmbudget.ExceededError](err)
		if !ok {
			return err
		}
		wait := max(exceeded.Until.Sub(s.o.Now()), time.Millisecond)
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

// classify turns Discord's error codes into coded errors; asked is when the request was made.
func (s *Sender) classify(err error, asked time.Time) error {
	switch code := codeOf(err); code {
	case codeTooFast, codeQuarantined:
		until := s.pause(asked, code == codeQuarantined)
		return errors.Join(&dmbudget.ExceededError{Why: dmbudget.ReasonPaused, Until: until}, err)
	case codeClosed, codeNoMutual, codeBadRecipient:
		return errs.E(errs.Forbidden, "This user doesn't accept direct messages from this server.").Because(err)
	}
	return err
}

// pause stops all processes from opening DM channels for a while.
func (s *Sender) pause(asked time.Time, quarantined bool) time.Time {
	// not bound to the message's context
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := s.o.Now()
	a, _, err := s.o.Hub.DMs.EditOrCreate(ctx, botKey, func(a *dmbudget.Usage) error {
		a.RecordTooFast(s.o.Limits, asked, now, quarantined)
		return nil
	})
	if err != nil {
		a.RecordTooFast(s.o.Limits, asked, now, quarantined)
		s.mu.Lock()
		s.paused = a.PausedUntil
		s.mu.Unlock()
	}
	s.metrics.paused(a.PausedUntil)
	if quarantined {
		s.o.Log.Error("Discord has quarantined this bot: it cannot join servers or open new direct messages. "+
			"Appeal at https://dis.gd/app-quarantine",
			"until", a.PausedUntil)
	} else {
		s.o.Log.Warn("Discord limits this bot's new direct messages: pausing them",
			"until", a.PausedUntil)
	}
	return a.PausedUntil
}

func (s *Sender) localPause() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}

// forget removes a user's DM channel from the hub.
func (s *Sender) forget(ctx context.Context, user, channel snowflake.ID) error {
	_, _, err := s.o.Hub.DMs.Edit(ctx, keyOf(user), func(a *dmbudget.Usage) error {
		if a.Channel != channel {
			return hub.Unchanged
		}
		a.Channel = 0
		return nil
	}, hub.TTL(channelTTL))
	if err != nil {
		return budgetUnknown(err)
	}
	return nil
}

// State reports the budgets. Known is false while the hub cannot be reached.
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

// budgetUnknown is the error while the hub cannot be reached.
func budgetUnknown(cause error) error {
	return errs.E(errs.Unavailable,
		"Snug can't send direct messages while it can't reach its data. Try again in a moment.").Because(cause)
}

func codeOf(err error) int {
	if answer, ok := errors.AsType[*rest.Error](err); ok {
		return int(answer.Code)
	}
	return 0
}
