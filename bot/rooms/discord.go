package rooms

import (
	"context"
	"errors"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/room"
)

// Discord makes the calls that Rooms needs. Its errors are coded: errs.MissingPermission
// names the missing permission, errs.DiscordUnavailable means that the outcome is unknown.
type Discord interface {
	// CreateRoomChannel creates a room's voice channel in one request; whole is false if not all
	// overwrites fitted into it. After ErrCategoryFull or ErrCategoryGone try another category.
	CreateRoomChannel(ctx context.Context, in room.PendingCreate, a RoomAccess) (id snowflake.ID, whole bool, err error)
	// CreateLobby creates a lobby's voice channel.
	CreateLobby(ctx context.Context, guild, category snowflake.ID, name string) (snowflake.ID, error)
	// CreateCategory creates a category with the overwrites of the category like (0 for none).
	CreateCategory(ctx context.Context, guild snowflake.ID, name string, like snowflake.ID) (snowflake.ID, error)
	// DeleteChannel deletes a channel; it is no error if the channel does not exist.
	DeleteChannel(ctx context.Context, channel snowflake.ID, reason string) error
	// FetchChannel fetches one channel: errs.NotFound if it does not
	// exist, errs.MissingPermission if Snug may not see it.
	FetchChannel(ctx context.Context, guild, channel snowflake.ID) (Channel, error)
	// Channels lists the guild's channels of all kinds.
	Channels(ctx context.Context, guild snowflake.ID) ([]Channel, error)
	// SetAccess sets the overwrites of a room's channel; more is true while some are
	// left for the next call. With ErrPartial some were changed before the error.
	SetAccess(ctx context.Context, channel snowflake.ID, a RoomAccess, reason string) (more bool, err error)
	// Admit lets a user see and enter a room's channel.
	Admit(ctx context.Context, channel, user snowflake.ID, a RoomAccess, reason string) error
	// Expel removes a user's overwrite from a room's channel or, with ban, denies them to see and enter.
	Expel(ctx context.Context, channel, user snowflake.ID, ban bool, a RoomAccess, reason string) error
	// Deny denies a user or a role something by name, besides what the channel denies them already.
	Deny(ctx context.Context, channel snowflake.ID, o access.Overwrite, reason string) error
	// Move moves a user who is in voice from one channel to another, or disconnects them
	// (to 0). errs.NotInVoice if they are not in voice.
	Move(ctx context.Context, guild, user, from, to snowflake.ID, reason string) error
	// Rename renames a channel. It fails with errs.RateLimited and the time to wait beyond Discord's limit.
	Rename(ctx context.Context, channel snowflake.ID, name, reason string) error
	// SetLimit sets how many may be connected to a channel.
	SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error
	// SetStatus sets a voice channel's status; "" clears it.
	SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error
	// Standing fetches a user's standing; Member is false if they are not in the guild.
	Standing(ctx context.Context, guild, user snowflake.ID) (access.Standing, error)
	// Place returns the overwrites of a room's channel and its gates from the
	// cache. With channel 0 the channel does not exist yet; with soon the cache
	// may not have Snug's last change yet, and a's overwrites are assumed.
	Place(channel, lobby snowflake.ID, a RoomAccess, soon bool) Place
	// Guild returns a guild's owner and roles from the cache.
	Guild(id snowflake.ID) access.Guild
	// AFK reports whether a channel is the guild's AFK channel.
	AFK(guild, channel snowflake.ID) bool
	// CanEnter reports whether a member may enter a voice channel, by the cached overwrites.
	CanEnter(channel snowflake.ID, s access.Standing) bool
	// BotRole reports whether a role is managed for a bot; RoleNames returns roles' names.
	BotRole(guild, role snowflake.ID) bool
	RoleNames(guild snowflake.ID, roles []snowflake.ID) []string
	// AddMember adds a user to the guild with their own access token (scope guilds.join).
	AddMember(ctx context.Context, guild, user snowflake.ID, accessToken string) error
	// MayInvite reports whether a member may create invites in a channel.
	MayInvite(ctx context.Context, guild, channel, user snowflake.ID) (bool, error)
	// CreateInvite creates a Discord invite that only one user can accept, once.
	// A code returned with an error is of an invite that has to be revoked.
	CreateInvite(
		ctx context.Context, channel, user snowflake.ID, life time.Duration, reason string,
	) (code string, err error)
	// DeleteInvite revokes a Discord invite; it is no error if it does not exist.
	DeleteInvite(ctx context.Context, code, reason string) error
	// ListInvites lists the Discord invites that Snug created in a channel.
	ListInvites(ctx context.Context, channel snowflake.ID) (codes []string, err error)
	// Permissions returns what the bot may do in the guild and in some of its
	// channels: categories for rooms, lobbies (voice), and text channels it writes to.
	Permissions(ctx context.Context, guild snowflake.ID, places []Channel) ([]Permission, error)
}

// ErrCategoryFull is wrapped by errors about a category that has 50 channels.
var ErrCategoryFull = errors.New("the category takes no more channels")

// ErrCategoryGone is wrapped by errors about a category that does not exist any more.
var ErrCategoryGone = errors.New("the category does not exist any more")

// ErrNameNotAllowed is wrapped by errors about a name that Discord does not allow.
var ErrNameNotAllowed = errors.New("Discord does not allow the name")

// ErrPartial is wrapped by errors after which a part of the change is done.
var ErrPartial = errors.New("a part of it is done")

// Kind is a channel's type, as far as Snug distinguishes them.
type Kind string

// The kinds.
const (
	KindVoice    Kind = "voice"
	KindText     Kind = "text"
	KindCategory Kind = "category"
	KindOther    Kind = "other"
)

// Channel is a channel as Discord knows it.
type Channel struct {
	ID        snowflake.ID
	ParentID  snowflake.ID
	Name      string
	Kind      Kind
	Position  int
	UserLimit int
	Unseen    bool           // the bot may not view it: only its id, kind and parent are known
	Marked    bool           // it has the bot's own member overwrite in its exact bits: the mark of Snug's channels
	Hides     bool           // @everyone is denied View Channel
	Locks     bool           // @everyone is denied Connect
	Admitted  []snowflake.ID // users with the overwrite of owners and guests
	Banned    []snowflake.ID // users with the overwrite of the banned
	Denied    []snowflake.ID // users whom a member overwrite denies to see or enter
}

// byID indexes channels by id.
func byID(channels []Channel) map[snowflake.ID]Channel {
	m := make(map[snowflake.ID]Channel, len(channels))
	for _, c := range channels {
		m[c.ID] = c
	}
	return m
}

// kindChecker returns a function that reports whether Snug can see a channel with an id and kind.
func kindChecker(channels []Channel) func(snowflake.ID, Kind) bool {
	m := byID(channels)
	return func(id snowflake.ID, kind Kind) bool {
		c, there := m[id]
		return there && c.Kind == kind && !c.Unseen
	}
}

// Permission is one permission that the bot needs; see guild.Need.
type Permission struct {
	Name     string // as Discord's settings call it
	Why      string
	Where    snowflake.ID
	Granted  bool
	Optional bool
}

// RoomAccess determines the overwrites of a room's channel.
type RoomAccess struct {
	GuildID    snowflake.ID
	CategoryID snowflake.ID
	OwnerID    snowflake.ID // 0 if the owner is suspended
	Private    bool
	Locked     bool
	Hidden     bool
	Guests     []snowflake.ID
	Banned     []snowflake.ID
	Helpers    []snowflake.ID // roles let into private and locked rooms too
	// PendingUnbans are lifted bans whose overwrite may still be on the
	// channel, with the denials that must stay because they are not Snug's.
	PendingUnbans map[snowflake.ID]access.Permissions
	// Roles are those of the owner and the guests, as far as known.
	Roles map[snowflake.ID][]snowflake.ID
}

// access returns what determines a room's overwrites.
func (rs *Rooms) access(g *guildState, r *room.Room) RoomAccess {
	a := RoomAccess{
		GuildID: g.id, CategoryID: r.CategoryID, OwnerID: r.OwnerID, Private: r.Private, Locked: r.Locked,
		Hidden:  r.Hidden,
		Helpers: g.settings.HelperRoles,
	}
	if r.OwnerSuspended != access.Passes {
		a.OwnerID = 0
	}
	for _, q := range r.Guests {
		if q.Suspended == access.Passes {
			a.Guests = append(a.Guests, q.UserID)
		}
	}
	for _, b := range r.Bans {
		a.Banned = append(a.Banned, b.UserID)
	}
	for _, l := range r.Pending.Unban {
		if a.PendingUnbans == nil {
			a.PendingUnbans = map[snowflake.ID]access.Permissions{}
		}
		a.PendingUnbans[l.UserID] = l.DeniedBefore
	}
	a.Roles = rs.rolesOf(g, append([]snowflake.ID{r.OwnerID}, a.Guests...))
	return a
}

// rolesOf returns the roles of those users whose standing is known.
func (rs *Rooms) rolesOf(g *guildState, users []snowflake.ID) map[snowflake.ID][]snowflake.ID {
	out := make(map[snowflake.ID][]snowflake.ID, len(users))
	for _, u := range users {
		if s, known := rs.knownStanding(g, u); known {
			out[u] = s.Roles
		}
	}
	return out
}

// accessOf returns what determines the overwrites of a pending room.
func (rs *Rooms) accessOf(g *guildState, in room.PendingCreate) RoomAccess {
	return RoomAccess{
		GuildID: g.id, CategoryID: in.CategoryID, OwnerID: in.OwnerID, Private: in.Private, Locked: in.Locked,
		Hidden: in.Hidden,
		Guests: in.Guests, Banned: in.Banned, Helpers: g.settings.HelperRoles,
		Roles: rs.rolesOf(g, append([]snowflake.ID{in.OwnerID}, in.Guests...)),
	}
}
