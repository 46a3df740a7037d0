package rooms

import (
	"context"
	"errors"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/room"
)

// Discord is what the keeper needs of Discord. Its errors are coded:
// errs.MissingPermission names what the bot lacks, and errs.DiscordUnavailable
// means that the outcome is unknown.
type Discord interface {
	// CreateRoomChannel makes the voice channel of a room in one call; whole
	// is false if not all overwrites went into it. An error that is ErrCategoryFull or ErrCategoryGone asks
	// for another category.
	CreateRoomChannel(ctx context.Context, in room.PendingCreate, a RoomAccess) (id snowflake.ID, whole bool, err error)
	// CreateLobby makes a lobby's voice channel.
	CreateLobby(ctx context.Context, guild, category snowflake.ID, name string) (snowflake.ID, error)
	// CreateCategory makes a category; like is one whose overwrites it takes over, 0 for none.
	CreateCategory(ctx context.Context, guild snowflake.ID, name string, like snowflake.ID) (snowflake.ID, error)
	// DeleteChannel removes a channel; one that is gone already is no error.
	DeleteChannel(ctx context.Context, channel snowflake.ID, reason string) error
	// There asks for one channel: errs.NotFound if it is gone, errs.MissingPermission if Snug may not see it.
	There(ctx context.Context, guild, channel snowflake.ID) (Channel, error)
	// Channels lists the guild's channels of all kinds.
	Channels(ctx context.Context, guild snowflake.ID) ([]Channel, error)
	// SetAccess gives a room's channel all the overwrites it should have; more
	// is true while there are some left for the next call. An error that is
	// ErrPartly came after some had been changed.
	SetAccess(ctx context.Context, channel snowflake.ID, a RoomAccess, reason string) (more bool, err error)
	// Admit lets a user see and enter a room's channel.
	Admit(ctx context.Context, channel, user snowflake.ID, a RoomAccess, reason string) error
	// Expel takes a user's place in a room's channel, with ban for good.
	Expel(ctx context.Context, channel, user snowflake.ID, ban bool, a RoomAccess, reason string) error
	// Move moves a user who is in voice to another channel, or out of voice (to 0). errs.NotInVoice if they
	// are in none.
	Move(ctx context.Context, guild, user, to snowflake.ID, reason string) error
	// Rename names a channel. errs.RateLimited with the time to wait when Discord has had enough.
	Rename(ctx context.Context, channel snowflake.ID, name, reason string) error
	// SetLimit sets how many may be connected to a channel.
	SetLimit(ctx context.Context, channel snowflake.ID, limit int, reason string) error
	// SetStatus sets a voice channel's status; "" clears it.
	SetStatus(ctx context.Context, channel snowflake.ID, status, reason string) error
	// Standing asks for a user's standing; a user who is not in the guild has Member false.
	Standing(ctx context.Context, guild, user snowflake.ID) (access.Standing, error)
	// Place gives what Discord has told of a room's channel and its gates, without asking. With channel 0
	// the room is on its way; with soon Discord was just told what the room is.
	Place(channel, lobby snowflake.ID, a RoomAccess, soon bool) Place
	// Guild gives what permissions depend on in a server, as Discord told it last.
	Guild(id snowflake.ID) access.Guild
	// AFK says whether a channel is the one to which Discord moves who is idle.
	AFK(guild, channel snowflake.ID) bool
	// Enters says whether Discord lets somebody into a voice channel, as far as it has told of it.
	Enters(channel snowflake.ID, s access.Standing) bool
	// BotRole says whether a role is a bot's own; RoleNames gives roles as people know them.
	BotRole(guild, role snowflake.ID) bool
	RoleNames(guild snowflake.ID, roles []snowflake.ID) []string
	// AddMember brings a user into the guild with their own access token (scope guilds.join).
	AddMember(ctx context.Context, guild, user snowflake.ID, accessToken string) error
	// MayInvite says whether a member may make invites in a channel.
	MayInvite(ctx context.Context, guild, channel, user snowflake.ID) (bool, error)
	// InviteTo makes an invite of Discord's that one user alone can accept, once. A code beside an error is
	// of an invite to be taken back.
	InviteTo(
		ctx context.Context, channel, user snowflake.ID, life time.Duration, reason string,
	) (code string, err error)
	// DropInvite takes an invite of Discord's back; one that is gone already is no error.
	DropInvite(ctx context.Context, code, reason string) error
	// OwnInvites lists the invites of Discord's that Snug made in a channel.
	OwnInvites(ctx context.Context, channel snowflake.ID) (codes []string, err error)
	// Permissions tells what the bot may do in the guild and in some of its
	// channels: categories for rooms, lobbies (voice), and where it only writes (text).
	Permissions(ctx context.Context, guild snowflake.ID, places []Channel) ([]Permission, error)
}

// ErrCategoryFull is in the tree of an error that a category has 50 channels.
var ErrCategoryFull = errors.New("the category takes no more channels")

// ErrCategoryGone is in the tree of an error that a category does not exist any more.
var ErrCategoryGone = errors.New("the category does not exist any more")

// ErrNameNotAllowed is in the tree of an error that Discord does not allow the words of a name.
var ErrNameNotAllowed = errors.New("the words are not allowed")

// ErrPartial is in the tree of an error that came in the middle: a part of what was asked is done.
var ErrPartial = errors.New("a part of it is done")

// Kind is a kind of channel, as far as Snug tells them apart.
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
	Unseen    bool           // the bot may not view it: Discord tells only its id, kind and place
	Marked    bool           // the bot's own member overwrite, in its exact bits
	Hides     bool           // @everyone may not see it
	Locks     bool           // @everyone may not enter it
	Admitted  []snowflake.ID // users with the overwrite of owners and guests
	Banned    []snowflake.ID // users with the overwrite of the banned
	Denied    []snowflake.ID // users who are denied to see or enter by name
}

// byID gives the channels by their ids.
func byID(channels []Channel) map[snowflake.ID]Channel {
	m := make(map[snowflake.ID]Channel, len(channels))
	for _, c := range channels {
		m[c.ID] = c
	}
	return m
}

// kindChecker gives what says whether there is a channel with an id, of a kind, that Snug may view.
func kindChecker(channels []Channel) func(snowflake.ID, Kind) bool {
	m := byID(channels)
	return func(id snowflake.ID, kind Kind) bool {
		c, there := m[id]
		return there && c.Kind == kind && !c.Unseen
	}
}

// Permission is one permission of the bot, as guild.Need tells it.
type Permission struct {
	Name     string // as Discord's settings call it
	Why      string
	Where    snowflake.ID
	Granted  bool
	Optional bool
}

// RoomAccess is what the overwrites of a room's channel are made of.
type RoomAccess struct {
	GuildID    snowflake.ID
	CategoryID snowflake.ID
	OwnerID    snowflake.ID // 0 for an owner who does not pass the gate
	Private    bool
	Locked     bool
	Hidden     bool
	Guests     []snowflake.ID
	Banned     []snowflake.ID
	Helpers    []snowflake.ID // roles let into closed rooms too
	// Lifted are bans that were undone, and may be on the channel yet, with what of it stays: others deny it.
	PendingUnbans map[snowflake.ID]access.Permissions
	// Roles are those of the owner and the guests, as far as they are known.
	Roles map[snowflake.ID][]snowflake.ID
}

// access gives what a room's overwrites are made of.
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

// rolesOf gives the roles of those of some users who are known.
func (rs *Rooms) rolesOf(g *guildState, users []snowflake.ID) map[snowflake.ID][]snowflake.ID {
	out := make(map[snowflake.ID][]snowflake.ID, len(users))
	for _, u := range users {
		if s, known := rs.knownStanding(g, u); known {
			out[u] = s.Roles
		}
	}
	return out
}

// accessOf gives what the overwrites of an intended room are made of.
func (rs *Rooms) accessOf(g *guildState, in room.PendingCreate) RoomAccess {
	return RoomAccess{
		GuildID: g.id, CategoryID: in.CategoryID, OwnerID: in.OwnerID, Private: in.Private, Locked: in.Locked,
		Hidden: in.Hidden,
		Guests: in.Guests, Banned: in.Banned, Helpers: g.settings.HelperRoles,
		Roles: rs.rolesOf(g, append([]snowflake.ID{in.OwnerID}, in.Guests...)),
	}
}
