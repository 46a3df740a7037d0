package discordsim

import "time"

// Limits are what the service bounds. DiscordLimits has Discord's own numbers;
// a zero in a field of requests switches that limit off.
type Limits struct {
	GlobalPerSecond int  // REST requests a second and application
	Buckets         bool // whether the routes' buckets refuse what is too much
	// whether they empty little by little, rather than all at once when their time is over
	Leaky           bool
	InvalidRequests int           // answers 401, 403 and 429 to one address in ten minutes
	Renames         int           // renames of a channel in ten minutes
	OldEdits        int           // edits of messages older than an hour, of a channel in an hour
	GatewaySends    int           // payloads a connection may send in a minute
	MaxConcurrency  int           // shards that may identify at a time
	IdentifyWindow  time.Duration // how long one of them keeps others out; 0: not at all
	SessionStarts   int           // sessions an application may start in a day
	GuildsPerShard  int
	Recommended     int // guilds for each shard that GET /gateway/bot recommends
	Channels        int // channels of a guild
	CategoryChilds  int // channels of a category
	Overwrites      int // permission overwrites of a channel
	Roles           int // roles of a guild
	Invites         int // invites of a guild
	// DMs are the new direct messages a bot may open in ten minutes; DMRefusals of what is more and it is quarantined.
	// Discord publishes neither: bots report quarantine from about 29 in a row on, so these are guesses.
	DMs, DMRefusals int
	Commands        int // global chat commands of an application, and those of a guild
}

// DiscordLimits are the limits of Discord's documents.
func DiscordLimits() Limits {
	return Limits{GlobalPerSecond: 50, Buckets: true, InvalidRequests: 10000, Renames: 2, OldEdits: 5,
		GatewaySends: 120, MaxConcurrency: 1,
		IdentifyWindow: 5 * time.Second, SessionStarts: 1000, GuildsPerShard: 2500, Recommended: 1000, Channels: 500,
		CategoryChilds: 50, Overwrites: 1000, Roles: 250, Invites: 1000, Commands: 100, DMs: 25, DMRefusals: 5}
}

// NoRateLimits are Discord's limits of size without those of time, for tests
// and measurements that start many sessions or send many requests.
func NoRateLimits() Limits {
	l := DiscordLimits()
	l.GlobalPerSecond, l.Buckets, l.InvalidRequests, l.Renames, l.OldEdits, l.GatewaySends, l.IdentifyWindow = 0, false, 0, 0, 0, 0, 0
	l.SessionStarts, l.MaxConcurrency, l.DMs = 1<<30, 16, 0
	return l
}

// window counts what happens within a stretch of time that begins with the
// first of it. The zero value is ready; its owner serialises its use.
type window struct {
	from time.Time
	n    int
	leak leak
}

// leak is a bucket that empties evenly. Of Discord's some do, and nobody can tell which:
// Reset-After is when it is empty, Retry-After when it takes one more.
// https://github.com/discord/discord-api-docs/issues/7680
type leak struct{ empty time.Time }

// add puts one more in, if it takes it, and gives how many more it takes, when it is empty, and when it takes one.
func (l *leak) add(now time.Time, limit int, length time.Duration) (ok bool, left int, reset, retry time.Duration) {
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

// allow counts one more and says whether it is within the limit.
func (w *window) allow(now time.Time, limit int, length time.Duration) bool {
	if now.Sub(w.from) >= length || w.from.IsZero() {
		w.from, w.n = now, 0
	}
	w.n++
	return w.n <= limit
}

// left returns how many more are allowed now and when the count begins anew.
func (w *window) left(now time.Time, limit int, length time.Duration) (int, time.Duration) {
	if now.Sub(w.from) >= length || w.from.IsZero() {
		return limit, length
	}
	return max(0, limit-w.n), length - now.Sub(w.from)
}
