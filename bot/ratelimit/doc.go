// Package ratelimit is the queue in front of Discord's REST API. It keeps the bot within Discord's
// rate limits and repeats failed requests, so that every request ends with a response, with its
// context, or with an error that has a code.
//
// # Wiring
//
// A [Limiter] is disgo's rest.RateLimiter, and its Transport goes into disgo's HTTP client. They work
// together: Wait lets a request start, and the transport sends it, and repeats it if necessary
// without losing its place in the queue.
//
//	limiter := ratelimit.New(ratelimit.Config{Logger: log, Metrics: metrics})
//	client, err := disgo.New(token,
//		bot.WithRestClientConfigOpts(limiter.Options(nil)...),
//		bot.WithRestClientConfigOpts(rest.WithURL(base+"/api/v10")))
//
// The HTTP client must not have a Timeout, because it would cover all tries. Limit a request with
// rest.WithCtx; a request without a deadline waits at most Config.MaxWait each time it has to wait.
// The context also sets a request's priority and whether it may be repeated: see [WithPriority] and
// [WithRepeat].
//
// # What it does
//
//   - Requests of a bucket start in the order they were made, as many at a time as Discord says
//     remain. Buckets are learned from the response headers.
//   - At most 50 requests a second start in total. Interaction callbacks and webhooks with a token
//     don't count towards this and wait only for their own bucket.
//   - A 429 blocks what it applies to: one bucket, everything except interactions (global), or
//     everything (Cloudflare). A hidden limit, such as that on renaming a channel, delays only the
//     request that hit it.
//   - 5xx responses and network errors are repeated after 1, 2, 4, 8 and 16 seconds, with jitter,
//     unless that could do something twice: GET, PUT and DELETE are repeated; PATCH unless
//     Config.PatchOnce is set; POST only if it certainly wasn't processed.
//   - Invalid requests (401, 403, 429) are counted. Well before 10,000 in ten minutes, at which
//     Discord bans the address, requests wait.
//
// # Errors
//
// errs.RateLimited with RetryAfter if a request could not start, or could not be repeated, before its
// deadline; errs.DiscordUnavailable if Discord did not respond or kept responding 5xx;
// errs.Unavailable after Close; otherwise the context's error. errors.Is(err, [ErrOutcomeUnknown])
// means that the request may have taken effect all the same. disgo and net/http wrap all of these;
// url.Error quotes the URL, which may contain an interaction token, so log what [Clean] returns.
//
// # Concurrency
//
// Everything is safe for concurrent use. A Limiter starts no goroutines.
package ratelimit
