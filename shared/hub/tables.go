package hub

import (
	"time"

	"snug/shared/access"
	"snug/shared/apitoken"
	"snug/shared/dmbudget"
	"snug/shared/guild"
	"snug/shared/invite"
	"snug/shared/preset"
	"snug/shared/push"
	"snug/shared/room"
	"snug/shared/stats"
	"snug/shared/uptime"
	"snug/shared/webhook"
)

// Buckets are the hub's buckets. The comments give the form of each bucket's keys.
type Buckets struct {
	Settings       *Bucket[guild.Document]     // guild
	Rooms          *Bucket[room.Room]          // guild.channel; only the process that holds the guild writes
	PendingCreates *Bucket[room.PendingCreate] // guild.id; a room about to be opened
	Members        *Bucket[room.Preferences]   // guild.user; a member's last choices
	Sessions       *Bucket[Sealed]             // hash of the session id
	Logins         *Bucket[Sealed]             // hash of a used login state
	Shards         *Bucket[Sealed]             // shards.shard; its checkpoint
	Leases         *Bucket[Lease]              // see Lease; which process holds which shard, and which are there
	Starts         *Bucket[SessionStarts]      // "turn." and a number, or "left"; the bot's new gateway sessions
	Rosters        *Bucket[room.Live]          // guild.channel; in memory, only package voice writes
	Guilds         *Bucket[room.GuildInfo]     // guild; in memory, written by the bot
	Standings      *Bucket[Known]              // guild.user; in memory, the last answers given to dashboards
	Tokens         *Bucket[apitoken.Token]     // owner.id; API tokens
	Stats          *Bucket[stats.Day]          // guild.day; only the process that holds the guild's shard writes
	Uptime         *Bucket[uptime.Day]         // day
	Webhooks       *Bucket[webhook.Hook]       // guild.id
	Deliveries     *Bucket[webhook.Delivery]   // guild.hook.id; messages to webhooks
	DMs            *Bucket[dmbudget.Usage]     // "bot" or to.user; budgets of direct messages
	Visits         *Bucket[room.VisitLog]      // guild.channel; who joined and left an open room
	Closed         *Bucket[room.Past]          // guild.channel; closed rooms that can be opened again
	Presets        *Bucket[preset.List]        // user; a person's presets
	Invites        *Bucket[invite.Target]      // hash of an invite link's code; where it leads
	Notify         *Bucket[push.Person]        // user; what they chose about notifications, and their browsers
	Pushes         *Bucket[push.Message]       // user.device.id; notifications to browsers
	PushKeys       *Bucket[push.ServerKey]     // "vapid"
	Backups        *Bucket[BackupTurn]         // BackupKey; backups on the schedule
	Replays        *Bucket[Sealed]             // hash of caller, request and Idempotency-Key; the answer
}

// SessionStarts is what the processes of a bot share of starting sessions with Discord's gateway: whose turn it is, or
// how many starts are left until Discord resets their number.
type SessionStarts struct {
	Holder string    `json:"holder,omitempty"`
	Total  int       `json:"total,omitempty"`
	Left   int       `json:"left,omitempty"`
	Reset  time.Time `json:"reset,omitzero"`
}

// BackupTurn is what the processes that share a hub know of its backups on a schedule: who is taking one, and how the
// last ones went.
type BackupTurn struct {
	Holder string        `json:"holder,omitempty"` // the process that is taking one; "" if nobody is
	Name   string        `json:"name,omitempty"`   // where that runs, or the last one ran
	Began  time.Time     `json:"began,omitzero"`
	Every  time.Duration `json:"every_ns,omitempty"` // how often one is taken

	Last time.Time `json:"last,omitzero"` // when the last good one was taken
	File string    `json:"file,omitempty"`
	Size int64     `json:"size,omitempty"`
	By   string    `json:"by,omitempty"` // where the process runs that took it

	Tried  time.Time `json:"tried,omitzero"`   // when the last one failed, if Failed isn't 0
	Failed int       `json:"failed,omitempty"` // how many have failed since the last good one
	Error  string    `json:"error,omitempty"`
}

// BackupKey is the only key in the bucket of backups.
const BackupKey = "turn"

// Known is a member's standing in a guild as last given to a dashboard, and how long it may be
// reused.
type Known struct {
	Standing access.Standing `json:"standing"`
	Until    time.Time       `json:"until"`
}

// ExpiresAt implements Expiring.
func (k Known) ExpiresAt() time.Time { return k.Until }

const mib = 1 << 20

// tables returns the specs of all buckets and streams. MaxBytes are limits, not allocations; an
// external server reserves that much of the account's allowance.
func tables() []spec {
	return []spec{
		{name: "settings", history: 16, maxBytes: 128 * mib, writer: guildHolder},
		{name: "rooms", history: 1, maxBytes: 512 * mib, writer: guildHolder},
		{name: "pending_creates", history: 1, maxBytes: 32 * mib, writer: guildHolder},
		{name: "members", history: 1, maxBytes: 256 * mib, writer: guildHolder},
		{name: "sessions", history: 1, maxBytes: 256 * mib},
		{name: "logins", history: 1, maxBytes: 64 * mib, scratch: true},
		{name: "shards", history: 1, maxBytes: 512 * mib, writer: shardHolder},
		{name: "leases", history: 1, maxBytes: mib, scratch: true},
		{name: "starts", history: 1, maxBytes: mib, scratch: true},
		{name: "rosters", history: 16, maxBytes: 512 * mib, memory: true, writer: guildHolder},
		{name: "guilds", history: 1, maxBytes: 128 * mib, memory: true, writer: guildHolder},
		{name: "standings", history: 1, maxBytes: 64 * mib, memory: true, scratch: true},
		{name: "tokens", history: 1, maxBytes: 64 * mib},
		{name: "stats", history: 1, maxBytes: 256 * mib, writer: guildHolder},
		{name: "uptime", history: 1, maxBytes: 8 * mib},
		{name: "webhooks", history: 1, maxBytes: 32 * mib},
		{name: "deliveries", history: 1, maxBytes: 256 * mib},
		{name: "dms", history: 1, maxBytes: 64 * mib},
		{name: "visits", history: 1, maxBytes: 256 * mib},
		{name: "closed", history: 1, maxBytes: 256 * mib, writer: guildHolder},
		{name: "presets", history: 1, maxBytes: 64 * mib},
		{name: "invites", history: 1, maxBytes: 128 * mib},
		{name: "notify", history: 1, maxBytes: 64 * mib},
		{name: "pushes", history: 1, maxBytes: 64 * mib},
		{name: "push_keys", history: 1, maxBytes: mib},
		{name: "replays", history: 1, maxBytes: 128 * mib, scratch: true},
		{name: "backups", history: 1, maxBytes: mib, scratch: true},
		{name: healthName, history: 1, maxBytes: mib, scratch: true},
		{name: auditName, audit: true, maxBytes: 1024 * mib},
	}
}

// bind creates the typed buckets. The streams must exist.
func (h *Hub) bind() {
	h.Settings = newBucket[guild.Document](h, "settings")
	h.Rooms = newBucket[room.Room](h, "rooms")
	h.PendingCreates = newBucket[room.PendingCreate](h, "pending_creates")
	h.Members = newBucket[room.Preferences](h, "members")
	h.Sessions = newBucket[Sealed](h, "sessions")
	h.Logins = newBucket[Sealed](h, "logins")
	h.Shards = newBucket[Sealed](h, "shards")
	h.Leases = newBucket[Lease](h, "leases")
	h.Starts = newBucket[SessionStarts](h, "starts")
	h.Rosters = newBucket[room.Live](h, "rosters")
	h.Guilds = newBucket[room.GuildInfo](h, "guilds")
	h.Standings = newBucket[Known](h, "standings")
	h.Tokens = newBucket[apitoken.Token](h, "tokens")
	h.Stats = newBucket[stats.Day](h, "stats")
	h.Uptime = newBucket[uptime.Day](h, "uptime")
	h.Webhooks = newBucket[webhook.Hook](h, "webhooks")
	h.Deliveries = newBucket[webhook.Delivery](h, "deliveries")
	h.DMs = newBucket[dmbudget.Usage](h, "dms")
	h.Visits = newBucket[room.VisitLog](h, "visits")
	h.Closed = newBucket[room.Past](h, "closed")
	h.Presets = newBucket[preset.List](h, "presets")
	h.Invites = newBucket[invite.Target](h, "invites")
	h.Notify = newBucket[push.Person](h, "notify")
	h.Pushes = newBucket[push.Message](h, "pushes")
	h.PushKeys = newBucket[push.ServerKey](h, "push_keys")
	h.Replays = newBucket[Sealed](h, "replays")
	h.Backups = newBucket[BackupTurn](h, "backups")
	h.Audit = &Audit{s: newStore(h, specOf(h.specs, auditName))}
	h.ready.health = newStore(h, specOf(h.specs, healthName))
	h.ready.all = []*store{
		h.Settings.s, h.Rooms.s, h.PendingCreates.s, h.Members.s, h.Sessions.s,
		h.Logins.s, h.Shards.s, h.Leases.s, h.Starts.s, h.Rosters.s, h.Guilds.s,
		h.Standings.s, h.Tokens.s, h.Replays.s, h.Stats.s, h.Webhooks.s, h.Deliveries.s, h.Uptime.s, h.DMs.s,
		h.Visits.s, h.Invites.s, h.Closed.s, h.Presets.s,
		h.Notify.s, h.Pushes.s, h.PushKeys.s, h.Backups.s,
	}
}

// Names returns the names of all buckets, for Options.MaxBytes.
func Names() []string {
	var names []string
	for _, s := range tables() {
		names = append(names, s.name)
	}
	return names
}
