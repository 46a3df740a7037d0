package bot

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/hooks"
	"snug/bot/tally"
)

// countTime bounds how long writing what was counted may take.
const countTime = 50 * time.Second

// count has people in rooms counted every minute, and old activity deleted every night.
func (b *Bot) count() (err error) {
	b.tally, err = tally.New(tally.Options{
		Hub: b.o.Hub, Holds: b.holding, Now: b.o.Now, Log: b.o.Log,
		Keep: func(id snowflake.ID) time.Duration {
			if m := b.keeper.Memory(id); m.Ready {
				return time.Duration(m.Settings.AuditRetention)
			}
			return 0 // not known: nothing is deleted
		},
	})
	if err != nil {
		return err
	}
	for when, do := range map[string]func(context.Context) error{"@every 1m": b.tally.Minute, "17 4 * * *": b.tally.Night} {
		if _, err := b.cron.AddFunc(when, func() {
			ctx, cancel := context.WithTimeout(b.ctx, countTime)
			defer cancel()
			if err := do(ctx); err != nil && b.ctx.Err() == nil {
				b.o.Log.Warn("activity was not counted, or old activity not deleted; it is tried again", "err", err)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// tellHooks has webhooks told what happens.
func (b *Bot) tellHooks() (err error) {
	b.hooks, err = hooks.New(hooks.Options{
		Hub: b.o.Hub, Keys: b.o.Keys, Holds: b.holding, Networks: b.o.HookNetworks, Now: b.o.Now, Log: b.o.Log, Registerer: b.o.Registerer,
		Agent: "Snug (+https://www.standardwebhooks.com)",
	})
	return err
}

func (b *Bot) runHooks() {
	if err := b.hooks.Run(b.ctx); err != nil && b.ctx.Err() == nil {
		b.o.Log.Error("webhooks are not told what happens", "err", err)
	}
}
