package discordsim_test

import (
	"encoding/json"
	"testing"
	"time"

	"snug/shared/discordsim"
)

func TestGatewayLimits(t *testing.T) {
	t.Run("120 sends a minute: 4008", func(t *testing.T) {
		w := start(t, func(o *discordsim.Options) { l := discordsim.DiscordLimits(); o.Limits = &l })
		c := w.dial("?v=10&encoding=json")
		c.hello()
		for range 121 {
			c.send(1, nil)
		}
		if got := c.closed(); got != 4008 {
			t.Errorf("closed with %d", got)
		}
	})
	t.Run("one shard identifies at a time", func(t *testing.T) {
		const window = 300 * time.Millisecond
		w := start(t,
			func(o *discordsim.Options) { l := discordsim.DiscordLimits(); l.IdentifyWindow = window; o.Limits = &l })
		w.login(nil)
		c := w.dial("?v=10&encoding=json")
		c.hello()
		began, identify := time.Now(), map[string]any{
			"token": w.Application.BotToken, "intents": 1, "properties": map[string]string{},
		}
		c.send(2, identify)
		if p := c.next(); p.Op != 9 || string(p.D) != "false" || time.Since(began) < window {
			t.Errorf("op %d %s after %v", p.Op, p.D, time.Since(began))
		}
		c.send(2, identify) // at once, as many clients do
		c.until("READY", nil)
		var b struct {
			Limit struct{ Remaining, Total int } `json:"session_start_limit"`
		}
		if err := json.Unmarshal(w.bot("GET", "/gateway/bot", nil).raw, &b); err != nil ||
			b.Limit.Remaining != b.Limit.Total-3 {
			t.Errorf("%+v, %v", b, err)
		}
	})
	t.Run("a shard has at most so many guilds: 4011", func(t *testing.T) {
		w := start(t,
			func(o *discordsim.Options) { l := discordsim.NoRateLimits(); l.GuildsPerShard = 0; o.Limits = &l })
		c := w.dial("?v=10&encoding=json")
		c.hello()
		c.send(2, map[string]any{"token": w.Application.BotToken, "intents": 1, "properties": map[string]string{}})
		if got := c.closed(); got != 4011 {
			t.Errorf("closed with %d", got)
		}
	})
	t.Run("no heartbeat: 4009", func(t *testing.T) {
		w := start(t, func(o *discordsim.Options) { o.HeartbeatInterval = 50 * time.Millisecond })
		if got := w.dial("?v=10&encoding=json").closed(); got != 4009 {
			t.Errorf("closed with %d", got)
		}
	})
	t.Run("what the log no longer holds cannot be resumed", func(t *testing.T) {
		w := start(t, func(o *discordsim.Options) { o.ReplayEvents = 3 })
		c, r := w.login(nil)
		if err := w.inject(discordsim.Fault{Kind: discordsim.FaultDrop}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.tryNext(); err == nil {
			t.Fatal("not cut")
		}
		for _, u := range w.Users[:5] {
			w.join(u, w.Lounge.ID)
		}
		c2 := w.dial("?v=10&encoding=json")
		c2.hello()
		c2.send(6, map[string]any{"token": w.Application.BotToken, "session_id": r.SessionID, "seq": c.seq})
		if p := c2.next(); p.Op != 9 {
			t.Errorf("op %d %s", p.Op, p.T)
		}
	})
}
