package bot

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/activity"
	"snug/bot/webhooks"
)

// countTime bounds how long writing what was counted may take.
const countTime = 50 * time.Second

// count has people in rooms counted every minute, and old activity deleted every night.
func (b *Bot) count() (err error) {
	b.tally, err = activity.New(activity.Options{
		Hub: b.o.Hub, Holds: b.holding, Now: b.o.Now, Log: b.o.Log,
		Keep: func(id snowflake.ID) time.Duration {
			if m := b.keeper.Snapshot(id); m.Ready {
				return time.Duration(m.Settings.AuditRetention)
			}
			return 0 // not known: nothing is deleted
		},
	})
	if err != nil {
		return err
	}
	counted := func(do func(context.Context) error) func() {
		return func() {
			ctx, cancel := context.WithTimeout(b.ctx, countTime)
			defer cancel()
			if err := do(ctx); err != nil && b.ctx.Err() == nil {
				b.o.Log.Warn("activity was not counted, or old activity not deleted; it is tried again", "err", err)
			}
		}
	}
	if err := b.rounds.add(time.Minute, counted(b.tally.Minute)); err != nil {
		return err
	}
	_, err = b.cron.AddFunc("17 4 * * *", counted(b.tally.Night)) // a time of day
	return err
}

// tellHooks has webhooks told what happens.
func (b *Bot) tellHooks() (err error) {
	b.hooks, err = webhooks.New(webhooks.Options{
		Hub: b.o.Hub, Keys: b.o.Keys, Holds: b.holding, Networks: b.o.HookNetworks, Now: b.o.Now, Log: b.o.Log,
		Registerer: b.o.Registerer,
		Agent:      "Snug (+https://www.standardwebhooks.com)",
	})
	return err
}

func (b *Bot) runHooks() {
	if err := b.hooks.Run(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Error("webhooks are not told what happens", "err", err)
	}
}
