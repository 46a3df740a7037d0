// Package discordsim is a Discord simulator: gateway, REST, OAuth2 and a page to act as its
// members, on loopback. Any client library can connect to it unchanged, and it knows nothing about
// the bot: use it to run, show and test any Discord bot without an account, a token or a network.
//
// # How to test a bot with it
//
// Start one, act as a member, and check what the bot did:
//
//	s, demo := discordsim.StartTest(t, discordsim.Options{}) // a guild with nine people; s.URL() is where it is
//	answer, err := s.RunCommand(ctx, demo.Owner.ID, discordsim.CommandRun{Guild: demo.Guild.ID, Name: "ping"})
//	if err != nil || answer.Message.Content != "pong" { … }
//
// Or build a world of your own, start it, and configure the bot's library with the URL:
//
//	s := discordsim.New(discordsim.Options{Seed: 1})
//	app := s.AddApplication(discordsim.ApplicationOptions{Name: "My bot", AnyLoopbackRedirect: true})
//	alice := s.AddUser("alice", "Alice")
//	guild, err := s.AddGuild("Friends", alice.ID)
//	lounge, err := s.AddChannel(guild.ID, discordsim.ChannelOptions{Name: "Lounge", Type: discordsim.ChannelVoice})
//	err = s.InstallBot(guild.ID, app.ID, discordsim.PermViewChannel|discordsim.PermManageChannels)
//	base, err := s.Start("127.0.0.1:0")
//	defer s.Close(ctx)
//
// REST is at base + "/api/v10" (or /api/v9), GET /gateway/bot returns the gateway's address, OAuth2
// is at base + "/oauth2/authorize" and base + "/api/oauth2/token", pictures are at base +
// "/avatars/…". Then act as a member and check what the bot does:
//
//	at, err := s.JoinVoice(guild.ID, alice.ID, lounge.ID, discordsim.VoiceFlags{})
//	answer, err := s.RunCommand(ctx, alice.ID, discordsim.CommandRun{Guild: guild.ID, Name: "room rename",
//		Options: map[string]any{"name": "Goblins"}})
//	answer, err = s.PressButton(ctx, alice.ID, answer.Message.ID, "confirm")
//	answer, err = s.SubmitModal(ctx, alice.ID, "reason", map[string]any{"text": "because"})
//	state, err := s.StateFor(alice.ID)
//
// Or act by hand: base is a page with a small client, in which each tab is one of the people, and
// where you can revoke the bot's permissions and inject faults. With GiveOwnHosts one browser can
// be signed in as several people.
//
// Demo creates a small world, and package plan builds one from a file. Scripts in any language can do the same over
// HTTP under /_sim/; page/PROTOCOL.md describes that API together with what the page uses, and
// internal/control/openapi.json for programs. Snapshot, RestoreSnapshot and Reset give every test the same world.
// Inject injects faults: see Fault. NoRateLimits as Options.Limits spares tests the waiting caused by Discord's limits,
// and openapitest.Wrap makes a test fail if the bot sends something that Discord's OpenAPI description doesn't allow.
//
// # Inside
//
// This package is the simulator's front: names for what it offers, and how its parts are put together. Package
// internal/world has the state, Discord's rules and the lock; internal/rest, internal/gateway and internal/oauth serve
// it as Discord does; internal/control acts as its people, for this package, for scripts and for the page; and
// internal/faults holds what disturbs them.
//
// # Safe use
//
// Server's methods are safe for concurrent use, except from within its hooks. Anybody who can reach
// the port can act as anybody, so Start only serves loopback addresses, unless Options.ControlToken is asked of those
// who act. Tokens and secrets are derived from Options.Seed; give it only where they needn't protect anything.
//
// # What it simulates
//
// Gateway versions 9 and 10 in JSON and ETF, plain, zlib-stream, zstd-stream or with compressed payloads;
// sessions with replay, opcodes 1 to 4, 6 to 11, 31 and 43, every close code, intents, shards,
// max_concurrency, the limit on sends. Every change is dispatched as an event, whoever made it.
//
// Permissions with overwrites and implicit rules, role hierarchy, the rules for changing overwrites,
// size limits, form errors as a tree, audit log with reasons, rate limit buckets, the global limit,
// the ban after too many invalid requests, two renames in ten minutes, quarantine of bots that open
// many direct messages (at a guessed threshold). Interactions with their limits of three seconds and
// fifteen minutes, deferral, follow-ups, ephemeral responses, modals, autocompletion, components of
// both versions, over the gateway or to the application's interactions endpoint. OAuth2 with code, PKCE,
// refresh, revocation and scopes. Auto moderation of people's messages, threads' names and nicknames; in place of the
// word lists and the spam that only Discord knows there are the words simulated-profanity, simulated-sexual-content,
// simulated-slur and simulated-spam.
//
// It doesn't simulate webhooks that follow channels or take GitHub's and Slack's messages,
// stickers, sounds, polls, forwards, subscriptions, premium buttons or command permissions;
// docs/simulator-coverage.md lists every operation. There are no voice servers: it knows who is in
// voice, but transmits no audio. Nobody has activities, and a bot is online whatever opcode 3 says.
// Requests for any of these get an error that says so.
//
// # REST routes
//
// Everything else gets a 501 and is logged.
//
//	GET                      /gateway
//	GET                      /gateway/bot
//	GET PATCH                /applications/@me
//	GET PATCH                /applications/{app}
//	GET                      /oauth2/applications/@me
//	GET                      /oauth2/@me
//	GET POST                 /applications/{app}/emojis
//	GET PATCH DELETE         /applications/{app}/emojis/{emoji}
//	GET                      /applications/{app}/skus
//	GET POST                 /applications/{app}/entitlements
//	GET DELETE               /applications/{app}/entitlements/{entitlement}
//	POST                     /applications/{app}/entitlements/{entitlement}/consume
//	GET PATCH                /users/@me
//	GET                      /users/{user}
//	GET                      /users/@me/guilds
//	GET                      /users/@me/guilds/{guild}/member
//	DELETE                   /users/@me/guilds/{guild}
//	GET                      /users/@me/connections
//	POST                     /users/@me/channels
//	GET PATCH                /guilds/{guild}
//	GET                      /guilds/{guild}/preview
//	GET POST PATCH           /guilds/{guild}/channels
//	GET                      /guilds/{guild}/members
//	GET                      /guilds/{guild}/members/search
//	PATCH                    /guilds/{guild}/members/@me
//	GET PUT PATCH DELETE     /guilds/{guild}/members/{user}
//	PUT DELETE               /guilds/{guild}/members/{user}/roles/{role}
//	GET                      /guilds/{guild}/bans
//	GET PUT DELETE           /guilds/{guild}/bans/{user}
//	GET POST PATCH           /guilds/{guild}/roles
//	GET                      /guilds/{guild}/roles/member-counts
//	GET PATCH DELETE         /guilds/{guild}/roles/{role}
//	GET PATCH                /guilds/{guild}/voice-states/@me
//	GET PATCH                /guilds/{guild}/voice-states/{user}
//	GET                      /guilds/{guild}/regions
//	GET                      /guilds/{guild}/invites
//	GET                      /guilds/{guild}/audit-logs
//	GET POST                 /guilds/{guild}/emojis
//	GET PATCH DELETE         /guilds/{guild}/emojis/{emoji}
//	GET POST                 /guilds/{guild}/auto-moderation/rules
//	GET PATCH DELETE         /guilds/{guild}/auto-moderation/rules/{rule}
//	GET                      /guilds/{guild}/stickers
//	GET POST                 /guilds/{guild}/scheduled-events
//	GET PATCH DELETE         /guilds/{guild}/scheduled-events/{event}
//	GET                      /guilds/{guild}/scheduled-events/{event}/users
//	PUT DELETE               /guilds/{guild}/scheduled-events/{event}/users/@me
//	POST                     /guilds/{guild}/bulk-ban
//	GET POST                 /guilds/{guild}/prune
//	POST                     /stage-instances
//	GET PATCH DELETE         /stage-instances/{channel}
//	GET PUT                  /applications/{app}/role-connections/metadata
//	GET                      /guilds/{guild}/threads/active
//	GET                      /voice/regions
//	GET PATCH DELETE         /channels/{channel}
//	PUT DELETE               /channels/{channel}/permissions/{overwrite}
//	PUT                      /channels/{channel}/voice-status
//	GET POST                 /channels/{channel}/invites
//	GET DELETE               /invites/{code}
//	GET PUT                  /invites/{code}/target-users
//	GET                      /invites/{code}/target-users/job-status
//	POST                     /channels/{channel}/typing
//	GET POST                 /channels/{channel}/messages
//	POST                     /channels/{channel}/messages/bulk-delete
//	GET                      /channels/{channel}/messages/pins
//	PUT DELETE               /channels/{channel}/messages/pins/{message}
//	GET                      /channels/{channel}/pins
//	PUT DELETE               /channels/{channel}/pins/{message}
//	GET PATCH DELETE         /channels/{channel}/messages/{message}
//	DELETE                   /channels/{channel}/messages/{message}/reactions
//	GET DELETE               /channels/{channel}/messages/{message}/reactions/{emoji}
//	PUT DELETE               /channels/{channel}/messages/{message}/reactions/{emoji}/@me
//	DELETE                   /channels/{channel}/messages/{message}/reactions/{emoji}/{user}
//	POST                     /channels/{channel}/messages/{message}/threads
//	POST                     /channels/{channel}/threads
//	GET                      /channels/{channel}/thread-members
//	GET PUT DELETE           /channels/{channel}/thread-members/@me
//	GET PUT DELETE           /channels/{channel}/thread-members/{user}
//	GET                      /channels/{channel}/threads/archived/public
//	GET                      /channels/{channel}/threads/archived/private
//	GET                      /channels/{channel}/users/@me/threads/archived/private
//	POST                     /interactions/{interaction}/{token}/callback
//	GET POST                 /channels/{channel}/webhooks
//	GET                      /guilds/{guild}/webhooks
//	GET PATCH DELETE         /webhooks/{webhook}
//	GET POST PATCH DELETE    /webhooks/{webhook}/{token}
//	GET PATCH DELETE         /webhooks/{webhook}/{token}/messages/@original
//	GET PATCH DELETE         /webhooks/{webhook}/{token}/messages/{message}
//	GET POST PUT             /applications/{app}/commands
//	GET PATCH DELETE         /applications/{app}/commands/{command}
//	GET POST PUT             /applications/{app}/guilds/{guild}/commands
//	GET PATCH DELETE         /applications/{app}/guilds/{guild}/commands/{command}
//	GET                      /applications/{app}/guilds/{guild}/commands/permissions
//	GET                      /applications/{app}/guilds/{guild}/commands/{command}/permissions
//
// In addition, for OAuth2, with or without the prefix /api, /api/v10 or /api/v9: GET and POST
// /oauth2/authorize, POST /oauth2/token, POST /oauth2/token/revoke.
package discordsim
