package world

import (
	"slices"
	"time"
)

// Limits are the simulator's limits. DiscordLimits returns Discord's own; 0 in a limit on requests turns it off.
type Limits struct {
	GlobalPerSecond int  // REST requests per second and application
	Buckets         bool // whether the routes' buckets reject requests
	// Whether they count what was in the last period, wherever it began, rather than in periods that begin with a
	// request. Then no period at all has more requests than the limit, as with neither of the others.
	Sliding bool
	// Whether they drain gradually, rather than all at once at the end of the period. It comes before Sliding.
	Leaky           bool
	InvalidRequests int           // responses with 401, 403 and 429 to one address in ten minutes
	Renames         int           // renames of a channel in ten minutes
	OldEdits        int           // edits of messages older than an hour, per channel and hour
	GatewaySends    int           // payloads a connection may send in a minute
	MaxConcurrency  int           // shards that may identify at the same time
	IdentifyWindow  time.Duration // how long one of them blocks the others; 0: not at all
	SessionStarts   int           // sessions that an application may start in a day
	GuildsPerShard  int           // a shard with more is closed with 4011
	Recommended     int           // guilds per shard for GET /gateway/bot's recommendation
	Channels        int           // channels of a guild
	CategoryChilds  int           // channels of a category
	Overwrites      int           // permission overwrites of a channel
	Roles           int           // roles of a guild
	Invites         int           // invites of a guild
	// DMs are the DM channels a bot may open in ten minutes; after DMRefusals more it is quarantined.
	// Discord publishes neither: bots report quarantine after about 29 in a row, so these are guesses.
	DMs, DMRefusals int
	Commands        int // global chat commands of an application, and those in a guild
}

// DiscordLimits returns the limits in Discord's documentation.
func DiscordLimits() Limits {
	return Limits{GlobalPerSecond: 50, Buckets: true, InvalidRequests: 10000, Renames: 2, OldEdits: 5,
		GatewaySends: 120, MaxConcurrency: 1,
		IdentifyWindow: 5 * time.Second, SessionStarts: 1000, GuildsPerShard: 2500, Recommended: 1000, Channels: 500,
		CategoryChilds: 50, Overwrites: 1000, Roles: 250, Invites: 1000, Commands: 100, DMs: 25, DMRefusals: 5}
}

// NoRateLimits returns Discord's size limits without its rate limits, for tests and measurements
// that start many sessions or send many requests.
func NoRateLimits() Limits {
	l := DiscordLimits()
	l.GlobalPerSecond, l.InvalidRequests, l.Renames, l.OldEdits, l.GatewaySends = 0, 0, 0, 0, 0
	l.Buckets, l.IdentifyWindow = false, 0
	l.SessionStarts, l.MaxConcurrency, l.DMs = 1<<30, 16, 0
	return l
}

// Window counts events in a period that starts with the first of them. The zero value is ready to
// use. Not safe for concurrent use.
type Window struct {
	From  time.Time // when the period began; zero: not yet
	n     int
	Leak  leak
	Slide slide
}

// slide is a bucket that counts what was in the last period. Reset-After is when it is empty, and moves with every
// request; Retry-After is when it accepts one more, as in the issue below.
type slide struct{ times []time.Time }

// Add adds one, if there is room, and returns how many more fit, when it is empty, and when it accepts the next one.
func (l *slide) Add(now time.Time, limit int, length time.Duration) (ok bool, left int, reset, retry time.Duration) {
	l.times = slices.DeleteFunc(l.times, func(t time.Time) bool { return now.Sub(t) >= length })
	if len(l.times) < limit {
		l.times, ok = append(l.times, now), true
	}
	left = limit - len(l.times)
	reset = length - now.Sub(l.times[len(l.times)-1])
	if left == 0 {
		retry = length - now.Sub(l.times[0])
	}
	return ok, left, reset, retry
}

// leak is a bucket that drains evenly. Some of Discord's do, and nobody knows which: Reset-After is
// when it is empty, Retry-After when it accepts one more.
// https://github.com/discord/discord-api-docs/issues/7680
type leak struct{ empty time.Time }

// Add adds one, if there is room, and returns how many more fit, when it is empty, and when it accepts the next one.
func (l *leak) Add(now time.Time, limit int, length time.Duration) (ok bool, left int, reset, retry time.Duration) {
	each := length / time.Duration(limit)
	if l.empty.Before(now) {
		l.empty = now
	}
	if full := l.empty.Sub(now); full+each <= length {
		l.empty, ok = l.empty.Add(each), true
	}
	reset = l.empty.Sub(now)
	left = int((length - reset) / each)
	if left == 0 {
		retry = reset + each - length
	}
	return ok, left, reset, retry
}

// Allow counts one more and reports whether it is within the limit.
func (w *Window) Allow(now time.Time, limit int, length time.Duration) bool {
	if now.Sub(w.From) >= length || w.From.IsZero() {
		w.From, w.n = now, 0
	}
	w.n++
	return w.n <= limit
}

// Left returns how many more are allowed now and when the next period begins.
func (w *Window) Left(now time.Time, limit int, length time.Duration) (int, time.Duration) {
	if now.Sub(w.From) >= length || w.From.IsZero() {
		return limit, length
	}
	return max(0, limit-w.n), length - now.Sub(w.From)
}
