// Package discordsim is a simulated Discord: gateway, REST, OAuth2 and a page to
// act as its members, on loopback. Any client library connects to it
// unchanged, and nothing in it knows the bot that is being tried: it serves to
// run, show and test any Discord bot without an account, a token or a network.
//
// # How to test a bot with it
//
// Make a world, start it, and point the bot's library at the URL:
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
// REST is at base + "/api/v10" (or /api/v9), the gateway's address is what
// GET /gateway/bot says, OAuth2 is at base + "/oauth2/authorize" and
// base + "/api/oauth2/token", pictures are at base + "/avatars/…". Then act as
// a member and look at what the bot does:
//
//	at, err := s.JoinVoice(guild.ID, alice.ID, lounge.ID, discordsim.VoiceFlags{})
//	answer, err := s.RunCommand(ctx, alice.ID, discordsim.CommandRun{Guild: guild.ID, Name: "room rename",
//		Options: map[string]any{"name": "Goblins"}})
//	answer, err = s.PressButton(ctx, alice.ID, answer.Message.ID, "confirm")
//	answer, err = s.SubmitModal(ctx, alice.ID, "reason", map[string]any{"text": "because"})
//	state, err := s.StateFor(alice.ID)
//
// Or act by hand: base is a page, a small client in which each tab is one of
// the people, and in which permissions are taken from the bot and things made
// to go wrong. GiveOwnHosts lets one browser be signed in as several of them.
//
// Demo makes a small ready world. Scripts in any language do the same over
// HTTP below /_sim/, which page/PROTOCOL.md describes together with what
// the page uses. Inject makes things go wrong: see Fault. Options.Limits of
// NoRateLimits spares a test the waiting that Discord's limits mean, and
// openapitest.Wrap lets a test fail when what the bot sends is not what
// Discord's OpenAPI description allows.
//
// # Safe use
//
// Server's methods are safe for concurrent use, except from within its hooks.
// Anybody who reaches the port can act as anybody, so Start serves loopback
// addresses only. Tokens and secrets come from Options.Seed and protect
// nothing.
//
// # What it does as Discord does
//
// Gateway versions 9 and 10 in JSON, plain, zlib-stream, zstd-stream or with
// compressed payloads; sessions with a replay log, opcodes 1 to 4, 6 to 11, 31
// and 43, every close code, intents, shards, max_concurrency, the limit of
// sends. Events are dispatched for whatever changes, whoever changed it.
//
// Permissions with overwrites and implicit rules, role hierarchy, the rules of
// who may put what into overwrites, limits of size, refused forms with a tree
// of errors, audit log with reasons, buckets that really limit, the global
// limit, the ban after too many invalid requests, renames twice in ten minutes,
// quarantine of bots that open many direct messages (at a guessed threshold).
// Interactions with their three seconds and fifteen minutes, deferral,
// follow-ups, ephemeral answers, modals, autocompletion, components of both
// versions. OAuth2 with code, PKCE, refresh, revocation and scopes.
//
// It has no threads, webhooks of its own, emojis, stickers, sounds, scheduled
// events, auto moderation, stage instances, polls, forwards, monetisation or
// per-command permissions, and no voice servers: who is in voice is known,
// nobody is heard. Nobody has activities, a bot is online whatever opcode 3 says,
// and interactions come over the gateway, whose payloads are JSON. What asks for
// any of these is refused with an error that says so.
//
// # REST routes
//
// Everything else answers 501 and is logged.
//
//	GET                      /gateway
//	GET                      /gateway/bot
//	GET PATCH                /applications/@me
//	GET PATCH                /applications/{app}
//	GET                      /oauth2/applications/@me
//	GET                      /oauth2/@me
//	GET                      /applications/{app}/emojis
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
//	GET                      /guilds/{guild}/emojis
//	GET                      /guilds/{guild}/stickers
//	GET                      /guilds/{guild}/scheduled-events
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
//	PUT DELETE               /channels/{channel}/messages/{message}/reactions/{emoji}/@me
//	POST                     /interactions/{interaction}/{token}/callback
//	POST                     /webhooks/{webhook}/{token}
//	GET PATCH DELETE         /webhooks/{webhook}/{token}/messages/@original
//	GET PATCH DELETE         /webhooks/{webhook}/{token}/messages/{message}
//	GET POST PUT             /applications/{app}/commands
//	GET PATCH DELETE         /applications/{app}/commands/{command}
//	GET POST PUT             /applications/{app}/guilds/{guild}/commands
//	GET PATCH DELETE         /applications/{app}/guilds/{guild}/commands/{command}
//	GET                      /applications/{app}/guilds/{guild}/commands/permissions
//	GET                      /applications/{app}/guilds/{guild}/commands/{command}/permissions
//
// Besides, for OAuth2, with or without /api, /api/v10 or /api/v9 before it:
// GET and POST /oauth2/authorize, POST /oauth2/token, POST
// /oauth2/token/revoke.
package discordsim
