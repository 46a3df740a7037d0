// Package gateway keeps one shard's connection to Discord's gateway open and
// its session alive. It replaces disgo's own gateway behind disgo's interface, so that disgo's
// codecs, events and caches work unchanged.
//
// # Wiring
//
// The bot makes one [Shard] for each shard the process holds and connects it to disgo's event
// manager. The client needs the gateway and the gateway needs the client's event manager, so
// [Attach] connects the two:
//
//	client, err := disgo.New(token, opts...) // without any bot.With...Gateway option
//	shard, err := gateway.Attach(client, gateway.Config{Intents: intents, Checkpoint: saved})
//	err = shard.Open(ctx)                    // waits for the first READY or RESUMED
//
// Attach sets client.Gateway when it is nil, takes client.Token, sends events
// to client.EventManager.HandleGatewayEvent and asks client.Rest for the
// gateway's address. Without Attach, bot.WithGateway needs a closure, because the client doesn't exist yet:
//
//	var client *bot.Client
//	shard, err := gateway.New(gateway.Config{
//		Token: token, Intents: intents, URL: url,
//		Handler: func(g disgo.Gateway, t disgo.EventType, seq int, ev disgo.EventData) {
//			client.EventManager.HandleGatewayEvent(g, t, seq, ev)
//		},
//	})
//	client, err = disgo.New(token, bot.WithGateway(shard))
//
// Don't pass bot.WithDefaultGateway or bot.WithGatewayConfigOpts: with them disgo.New asks Discord
// for an address, once and without a retry. Several shards may share one client (Attach each of
// them); events carry their shard's id. disgo's event manager serializes the listeners of all
// shards of a client, so listeners must only enqueue and return; shards that must not wait for one
// another need a client each.
//
// A process that resumes gets no READY and no GUILD_CREATE: disgo's caches start empty, client.ID() is 0
// (use client.ApplicationID), and the bot has to restore its guilds from what was saved with the checkpoint.
//
// # What a Shard guarantees
//
//   - It keeps trying unless the close code forbids it. A connection that drops after it was ready is
//     replaced at once; failed attempts are followed by delays of 1, 2, 4, 8, then 16 seconds, with jitter.
//   - Events reach the handler in order, once each within a session. The checkpoint advances only after
//     the handler has returned, so resuming from it repeats at most the event that was being handled.
//   - A half-open connection is detected within one heartbeat interval plus [Config.AckTimeout].
//   - Close keeps the session, so the next process resumes it from [Shard.Checkpoint].
//   - A session that Discord keeps refusing to resume is replaced by a new one, and so is one that can't be
//     reached for some minutes. Failing IDENTIFYs are slowed down to stay within the daily limit of 1,000.
//   - Unknown fields and values in a payload are skipped and the rest is handled (package lenient).
//     A payload that doesn't parse is logged once, counted and skipped.
//   - A failure that only a person can fix ends the shard: see [Shard.Done] and [Shard.Err].
//
// # Concurrency
//
// All methods are safe for concurrent use. The handler and the observer are called from the shard's
// one goroutine, in order and without a lock held; they may call any method except Open, Close and
// CloseWithCode, which wait for that goroutine.
package gateway
