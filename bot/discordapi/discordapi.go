// Package discordapi implements rooms.Discord over disgo's REST client.
//
// Every call goes through the client's rate limiter and carries the caller's context and, if it changes
// something, a reason for the guild's audit log. Errors are coded (package errs). It is safe for
// concurrent use.
package discordapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/errs"
	"snug/shared/room"
	"snug/shared/schema"
)

// The permissions of a room's member overwrites.
const (
	// BotAllow is what the bot's own overwrite in a room always allows. Together with a room.PendingCreate
	// it marks a channel that Snug created. It is set at creation, because denying Connect to everyone also
	// takes away Manage Channels.
	BotAllow = discord.PermissionViewChannel | discord.PermissionConnect |
		discord.PermissionManageChannels | discord.PermissionMoveMembers
	// BotExtra is what it also allows, where the bot has these permissions: the room's controls need them
	// even if the category denies them to everyone.
	BotExtra = discord.PermissionSendMessages | discord.PermissionEmbedLinks |
		discord.PermissionCreateInstantInvite | permissionVoiceStatus
	// GuestAllow is the overwrite of a room's owner and guests.
	GuestAllow = discord.PermissionViewChannel | discord.PermissionConnect |
		discord.PermissionSpeak | discord.PermissionStream
	// EveryoneDeny keeps everybody else out of a private room.
	EveryoneDeny = discord.PermissionViewChannel | discord.PermissionConnect
)

// Permissions are what Snug asks for when it is added to a server: it uses each bit or grants it in an
// overwrite. Administrator is not among them.
const Permissions = BotAllow | GuestAllow | discord.PermissionManageRoles | discord.PermissionCreateInstantInvite |
	discord.PermissionSendMessages | permissionVoiceStatus

// permissionVoiceStatus is Set Voice Channel Status, which disgo does not know.
const permissionVoiceStatus discord.Permissions = 1 << 48

// MissingFrom names the bits of Permissions that are missing in have; "" for none, or with Administrator.
func MissingFrom(have int64) string {
	if discord.Permissions(have).Has(discord.PermissionAdministrator) {
		return ""
	}
	return Names(Permissions &^ discord.Permissions(have))
}

// Names returns the names of permissions in Discord's settings, separated by commas; "" for none.
func Names(p discord.Permissions) string {
	var names []string
	for ; p != 0; p &= p - 1 {
		names = append(names, nameOf(p&-p)) // one bit at a time: disgo can't name unknown ones
	}
	return strings.Join(names, ", ")
}

// Discord makes calls on behalf of one bot.
type Discord struct {
	client *bot.Client
	now    func() time.Time
	writes ownWrites

	mu   sync.Mutex            // guards bots
	bots map[snowflake.ID]bool // whether a user is a bot, which never changes
}

var _ rooms.Discord = (*Discord)(nil)

// New returns a Discord over a client whose caches hold guilds and roles, the bot's own members, categories
// and voice channels (see Caches). What is not in the caches is requested from Discord.
func New(client *bot.Client, now func() time.Time) *Discord {
	return &Discord{client: client, now: now, bots: map[snowflake.ID]bool{}}
}

// Caches configures the caches that New requires of a client.
func Caches(self func() snowflake.ID) []cache.ConfigOpt {
	return []cache.ConfigOpt{
		cache.WithCaches(cache.FlagGuilds | cache.FlagRoles | cache.FlagMembers | cache.FlagChannels),
		cache.WithMemberCachePolicy(func(m discord.Member) bool { return m.User.ID == self() }),
		cache.WithChannelCache(newChannelCache(func(c discord.GuildChannel) bool {
			switch c.Type() {
			case discord.ChannelTypeGuildCategory, discord.ChannelTypeGuildVoice:
				// their names for lobbies, their overwrites for checkpoints
				return true
			}
			return c.Name() == hiddenName // lists of channels omit them
		})),
	}
}

const (
	// renameTime bounds a rename, so that one past Discord's limit fails instead of waiting for it.
	renameTime = 10 * time.Second
	// undoTime bounds the deletion of a channel that couldn't be finished.
	undoTime = 10 * time.Second
)

// CreateRoomChannel creates the voice channel of a room in one call, with as many overwrites as Discord
// accepts at creation. whole is false if there are more: SetAccess adds them. The error is
// rooms.ErrCategoryFull if the category is full, and rooms.ErrCategoryGone if it was deleted.
func (d *Discord) CreateRoomChannel(
	ctx context.Context, in room.PendingCreate, a rooms.RoomAccess,
) (id snowflake.ID, whole bool, err error) {
	s, err := d.side(ctx, in.GuildID, in.CategoryID)
	if err != nil {
		return 0, false, err
	}
	all, err := overwrites(a, s, nil)
	if err != nil {
		return 0, false, err
	}
	list, whole := atCreation(all, in.GuildID)
	c, err := d.client.Rest.CreateGuildChannel(in.GuildID, discord.GuildVoiceChannelCreate{
		Name: in.Name, UserLimit: in.Seats, ParentID: in.CategoryID, PermissionOverwrites: list,
	}, with(ctx, "Snug: a room for "+in.OwnerID.String())...)
	if err != nil {
		return 0, false, coded(err, "open a room",
			"View Channels, Connect, Speak, Video, Move Members and Manage Channels")
	}
	return c.ID(), whole, nil
}

// DeleteChannel deletes a channel. It succeeds if the channel is already gone.
func (d *Discord) DeleteChannel(ctx context.Context, channel snowflake.ID, reason string) error {
	err := coded(d.client.Rest.DeleteChannel(channel, with(ctx, reason)...), "close the room", "Manage Channels")
	if errs.Has(err, errs.NotFound) {
		return nil
	}
	return err
}

// Move moves a user who is in voice from one channel to another, or out of voice (to 0). If it is unknown whether
// Discord did it, Move looks where they are, and repeats it only if they're still where they were: meanwhile they
// may have gone elsewhere themselves.
func (d *Discord) Move(ctx context.Context, guild, user, from, to snowflake.ID, reason string) error {
	const tries = 3
	for n := 1; ; n++ {
		err := d.move(ctx, guild, user, to, reason)
		if n == tries || !errors.Is(err, ratelimit.ErrOutcomeUnknown) {
			return err
		}
		switch in, e := d.voiceChannel(ctx, guild, user); {
		case e == nil && in == to:
			return nil
		case e != nil || in != from:
			return err
		}
	}
}

// move is Move's request, which the queue doesn't repeat if it may have taken effect.
func (d *Discord) move(ctx context.Context, guild, user, to snowflake.ID, reason string) error {
	// disgo would send its zero id as "0", which Discord refuses: leaving voice is a null.
	body := struct {
		ChannelID *snowflake.ID `json:"channel_id"`
	}{}
	if to != 0 {
		body.ChannelID = &to
	}
	err := d.client.Rest.Do(rest.UpdateMember.Compile(nil, guild, user), body, nil,
		with(ratelimit.WithRepeat(ctx, false), reason)...)
	return coded(err, "move somebody", "Move Members and Connect")
}

// voiceChannel requests which voice channel a user is in; 0 for none.
func (d *Discord) voiceChannel(ctx context.Context, guild, user snowflake.ID) (snowflake.ID, error) {
	v, err := d.client.Rest.GetUserVoiceState(guild, user, rest.WithCtx(ctx))
	switch {
	case rest.IsJSONErrorCode(err, rest.JSONErrorCodeUnknownVoiceState):
		return 0, nil
	case err != nil || v.ChannelID == nil:
		return 0, err
	}
	return *v.ChannelID, nil
}

// Standing requests a user's standing. Member is false for a user who is not in the guild.
func (d *Discord) Standing(ctx context.Context, guild, user snowflake.ID) (access.Standing, error) {
	m, err := d.client.Rest.GetMember(guild, user, rest.WithCtx(ctx))
	err = coded(err, "look up a member", "View Channels")
	switch {
	case errs.Has(err, errs.NotFound):
		return access.Standing{GuildID: guild, UserID: user, CheckedAt: d.now()}, nil
	case err != nil:
		return access.Standing{}, err
	}
	m.GuildID = guild
	return d.StandingOf(*m), nil
}

// StandingOf returns the standing of a member whom Discord just described, given the cached guild and its
// roles. It ignores the permissions in an interaction: they are those in one channel.
func (d *Discord) StandingOf(m discord.Member) access.Standing {
	in := access.Guild{Roles: access.Roles{}}
	if g, ok := d.client.Caches.Guild(m.GuildID); ok {
		in.OwnerID = g.OwnerID
	}
	for _, id := range append([]snowflake.ID{m.GuildID}, m.RoleIDs...) {
		if r, ok := d.client.Caches.Role(m.GuildID, id); ok {
			in.Roles[id] = access.Permissions(r.Permissions)
		}
	}
	return StandingIn(in, m, d.now())
}

// StandingIn returns the standing of a member of a guild, as Discord described both at the time at.
func StandingIn(in access.Guild, m discord.Member, at time.Time) access.Standing {
	s := access.Standing{
		GuildID: m.GuildID, UserID: m.User.ID, Member: true, Roles: m.RoleIDs, Bot: m.User.Bot, Pending: m.Pending,
		Username: m.User.Username, DisplayName: schema.Printable(m.EffectiveName(), m.User.Username), CheckedAt: at,
	}
	if until := m.CommunicationDisabledUntil; until != nil {
		s.TimedOutUntil = *until
	}
	if m.User.Avatar != nil {
		s.Avatar = *m.User.Avatar
	}
	return s.WithGuild(in)
}

const joining = "bring you into the server"

// AddMember adds a user to the guild with their own access token (scope guilds.join). For a user who is
// already a member Discord answers 204 without a body, which disgo's own call cannot read.
// https://docs.discord.com/developers/resources/guild#add-guild-member
func (d *Discord) AddMember(ctx context.Context, guild, user snowflake.ID, accessToken string) error {
	body := discord.MemberAdd{AccessToken: accessToken}
	err := coded(d.client.Rest.Do(rest.AddMember.Compile(nil, guild, user), body, nil, rest.WithCtx(ctx)),
		joining, "Create Invite")
	switch errs.CodeOf(err) {
	case "", errs.GuildJoinDenied, errs.DiscordUnavailable, errs.RateLimited, errs.Unavailable:
		return err
	}
	return errs.E(errs.GuildJoinDenied, "The server didn't let you in. "+
		"Ask a member for a Discord invite to it, then open this link again.").Because(err)
}

func with(ctx context.Context, reason string) []rest.RequestOpt {
	return []rest.RequestOpt{rest.WithCtx(ctx), rest.WithReason(reason)}
}

// Codes of form errors that users can fix. The last is undocumented; bots in servers with Server Discovery report it.
const (
	codeCategoryFull = "CHANNEL_PARENT_MAX_CHANNELS"
	codeNoCategory   = "CHANNEL_PARENT_INVALID"
	codeBadName      = "INVALID_COMMUNITY_PROPERTY_NAME"
)

// coded turns the error of a failed call into a coded error; doing completes "Snug could not …". The code is
// errs.DiscordUnavailable if Discord may have done what was asked, whatever else went wrong.
func coded(err error, doing, permissions string) error {
	var known *errs.Error
	answer := refusedWith(err)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known) &&
		(!errors.Is(err, ratelimit.ErrOutcomeUnknown) || known.Code == errs.DiscordUnavailable):
		return err
	case answer == nil:
		return errs.E(errs.DiscordUnavailable,
			"Discord didn't answer when Snug tried to %s. Try again in a moment.",
			errs.Term(doing)).Because(err)
	}
	c := classOf(answer.Code)
	switch {
	case c == classUnknown:
		c = classOfStatus(answer.Response.StatusCode)
	case c == classWords:
		err = errors.Join(err, rooms.ErrNameNotAllowed)
	case c == classForm:
		return invalid(answer.Errors, doing, err)
	case classes[c].joins && doing != joining:
		c = classDefect // it's not the account of whoever reads it
	}
	return explained(c, doing, permissions).Because(err)
}

// refusedWith returns Discord's answer that it didn't do what was asked; nil if it did, or may have.
func refusedWith(err error) *rest.Error {
	answer, ok := errors.AsType[*rest.Error](err)
	if !ok || errors.Is(err, ratelimit.ErrOutcomeUnknown) || answer.Response == nil ||
		answer.Response.StatusCode >= 500 || !discords(answer) {
		return nil
	}
	return answer
}

// discords reports whether a refusal comes from Discord itself. A proxy or Cloudflare may also refuse, with
// a page, which says nothing about the request.
func discords(answer *rest.Error) bool {
	return answer.Code != 0 || answer.Message != "" ||
		json.Valid(answer.RsBody) && bytes.HasPrefix(bytes.TrimSpace(answer.RsBody), []byte("{"))
}

// invalid explains Discord's form errors: those that people can fix, about the category or what they typed. Any other
// is a defect.
func invalid(tree json.RawMessage, doing string, err error) error {
	var wrong struct{ Name, Status, Content json.RawMessage }
	has := func(code string) bool { return bytes.Contains(tree, []byte(code)) }
	_ = json.Unmarshal(tree, &wrong) // without a tree nothing is known to be wrong
	switch {
	case has(codeCategoryFull):
		return errs.E(errs.Invalid,
			"The category for rooms is full: Discord allows 50 channels in one. Choose another in Snug's settings.").
			Because(errors.Join(err, rooms.ErrCategoryFull))
	case has(codeNoCategory):
		return errs.E(errs.Invalid,
			"The category for rooms no longer exists. Choose another in Snug's settings.").
			Because(errors.Join(err, rooms.ErrCategoryGone))
	case has(codeBadName):
		return explained(classWords, doing, "").Because(errors.Join(err, rooms.ErrNameNotAllowed))
	case wrong.Name != nil:
		return errs.E(errs.Invalid,
			"Discord didn't accept what Snug sent to %s. Try a different name: some words aren't allowed.",
			errs.Term(doing)).Because(err)
	case wrong.Status != nil, wrong.Content != nil:
		return explained(classWords, doing, "").Because(err)
	}
	return explained(classDefect, doing, "").Because(err)
}

// isGone reports whether something does not exist, or the bot may not see it.
func isGone(err error) bool {
	return errs.Has(err, errs.NotFound) || errs.Has(err, errs.MissingPermission)
}
