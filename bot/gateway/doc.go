// Package gateway keeps one shard's connection to Discord's gateway open and
// its session alive. It stands in for disgo's own gateway behind disgo's
// interface, so disgo's codecs, events and caches work on top of it unchanged.
//
// # Wiring
//
// The bot builds one [Shard] for each shard a process holds and plugs disgo's
// event manager into it. The client needs the gateway and the gateway needs
// the client's event manager, so [Attach] ties the knot:
//
//	client, err := disgo.New(token, opts...) // without any bot.With...Gateway option
//	shard, err := gateway.Attach(client, gateway.Config{Intents: intents, Checkpoint: saved})
//	err = shard.Open(ctx)                    // waits for the first READY or RESUMED
//
// Attach sets client.Gateway when it is nil, takes client.Token, sends events
// to client.EventManager.HandleGatewayEvent and asks client.Rest for the
// gateway's address. The same by hand, with bot.WithGateway, needs a closure,
// because the client does not exist yet:
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
// Do not pass bot.WithDefaultGateway or bot.WithGatewayConfigOpts: with them
// disgo.New asks Discord for an address, once and without a retry. Several
// shards may share one client (Attach each of them); events carry their
// shard's id. disgo's event manager serialises the listeners of all shards of
// a client, so listeners only enqueue and return; shards that must not wait
// for one another get a client each.
//
// A process that resumes gets no READY and no GUILD_CREATE: disgo's caches
// start empty, client.ID() is 0 (use client.ApplicationID), and what the bot
// knows of its guilds has to come from what was saved with the checkpoint.
//
// # What a Shard promises
//
//   - It never gives up while the close code allows to go on. A ready
//     connection that drops is replaced at once; failures wait 1, 2, 4, 8,
//     then 16 seconds, with jitter.
//   - Events reach the handler in order, once each within a session. The
//     checkpoint advances only after the handler has returned for an event, so
//     resuming from it repeats at most the event that was being handled.
//   - A half-open connection is noticed within one heartbeat interval and
//     [Config.AckTimeout].
//   - Close keeps the session, so the next process resumes it from [Shard.Checkpoint].
//   - A session that Discord keeps refusing to resume is given up for a new one,
//     and so is one that cannot be reached for some minutes. IDENTIFYs that
//     fail are slowed down, so that a day's 1,000 suffice.
//   - What is new in a payload is left out, the rest is handled (package
//     lenient). A payload that does not parse is logged once, counted and passed over.
//   - What only a person can mend ends the shard: see [Shard.Done] and [Shard.Err].
//
// # Concurrency
//
// All methods are safe for concurrent use. The handler and the observer are
// called from the shard's one goroutine, in order and under no lock; they may
// call any method but Open, Close and CloseWithCode, which wait for that goroutine.
package gateway
