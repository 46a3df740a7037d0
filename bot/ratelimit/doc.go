// Package ratelimit is the queue in front of Discord's REST API. It keeps the
// bot within Discord's limits and repeats what failed, so that every request
// ends in an answer, in the end of its context, or in an error with a code.
//
// # Wiring
//
// A [Limiter] is disgo's rest.RateLimiter, and its Transport goes below
// disgo's HTTP client. The two know each other: Wait lets a request start, the
// transport sends it, and sends it again where that is right, without giving
// up its place.
//
//	limiter := ratelimit.New(ratelimit.Config{Logger: log, Metrics: metrics})
//	client, err := disgo.New(token,
//		bot.WithRestClientConfigOpts(limiter.Options(nil)...),
//		bot.WithRestClientConfigOpts(rest.WithURL(base+"/api/v10")))
//
// The HTTP client must have no Timeout: it would span all tries. Bound a
// request with rest.WithCtx; one without a deadline waits at most
// Config.MaxWait each time it has to wait. How a request is treated is said
// through its context: see [WithPriority] and [WithRepeat].
//
// # What it does
//
//   - Requests of a bucket start in the order they were made, as many at a
//     time as Discord says remain. Buckets are learned from Discord's answers.
//   - 50 requests a second in all. Interaction callbacks and webhooks with a
//     token do not count towards them and wait only for their own bucket.
//   - A 429 blocks what it is about: one bucket, everything but interactions
//     (global), or everything (Cloudflare). A hidden limit, like that on
//     renaming a channel, delays only the request that met it.
//   - 5xx answers and network errors are repeated after 1, 2, 4, 8 and 16
//     seconds, with jitter, where that cannot do a thing twice: GET, PUT and
//     DELETE; PATCH unless Config.PatchOnce; POST only when it certainly was
//     not processed.
//   - Answers that Discord counts as invalid (401, 403, 429) are counted too;
//     well before 10,000 in ten minutes, which bans the address, requests wait.
//
// # Errors
//
// errs.RateLimited with RetryAfter when a request could not start, or not be
// repeated, before its deadline; errs.DiscordUnavailable when Discord did not
// answer or answered 5xx to the end; errs.Unavailable after Close; otherwise
// the context's error. errors.Is(err, [ErrOutcomeUnknown]) says that the
// request may have taken effect nevertheless. All arrive wrapped by disgo and
// by net/http, whose url.Error quotes the URL, and with it interaction tokens:
// log what [Clean] leaves.
//
// # Concurrency
//
// Everything is safe for concurrent use. A Limiter starts no goroutine of its own.
package ratelimit
