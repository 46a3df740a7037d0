package discordapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/errs"
)

const (
	inviting = "bring somebody into the server"
	toInvite = "Create Invite"
	// targetTime is how long to wait for Discord to process who an invite is for. Its documentation promises no time.
	targetTime = 6 * time.Second
)

// MayInvite reports whether a member may create invites in a channel, as Discord computes it.
func (d *Discord) MayInvite(ctx context.Context, guild, channel, user snowflake.ID) (bool, error) {
	if g, ok := d.client.Caches.Guild(guild); ok && g.OwnerID == user {
		return true, nil
	}
	m, err := d.client.Rest.GetMember(guild, user, rest.WithCtx(ctx))
	switch err := coded(err, "look up a member", "View Channels"); {
	case errs.Has(err, errs.NotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	m.GuildID = guild
	roles, err := d.roles(ctx, guild)
	if err != nil {
		return false, err
	}
	base := permissions(*m, roles, guild)
	s := StandingIn(access.Guild{}, *m, d.now())
	if s.Admin = base.Has(discord.PermissionAdministrator); !s.Active() {
		return false, nil // Discord takes it from them while they're timed out or haven't accepted the rules
	}
	c, err := d.client.Rest.GetChannel(channel, rest.WithCtx(ctx))
	if err != nil {
		return false, coded(err, "look at the room", "View Channels")
	}
	if v, ok := c.(discord.GuildChannel); ok {
		base = permissionsIn(base, v.PermissionOverwrites(), guild, user, m.RoleIDs)
	}
	return base.Has(discord.PermissionCreateInstantInvite), nil
}

// CreateInvite creates a Discord invite that only one user can accept, once. It returns the invite when Discord
// has processed its target users: before that anybody might accept it. If it returns a code with an error,
// the caller must delete that invite.
// https://docs.discord.com/developers/resources/invite#get-target-users-job-status
func (d *Discord) CreateInvite(
	ctx context.Context, channel, user snowflake.ID, life time.Duration, reason string,
) (code string, err error) {
	age, once := int(life.Seconds()), 1
	i, err := d.client.Rest.CreateInvite(channel, discord.InviteCreate{
		MaxAge: &age, MaxUses: &once, Unique: true, TargetUserIDs: []snowflake.ID{user},
	}, with(ctx, reason)...)
	if err != nil {
		return "", coded(err, inviting, toInvite)
	}
	ctx, cancel := context.WithTimeout(ctx, targetTime)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		job, err := d.client.Rest.GetInviteTargetUsersJobStatus(i.Code, rest.WithCtx(ctx))
		switch {
		case err != nil:
			return i.Code, coded(err, inviting, toInvite)
		case job.Status == discord.TargetUsersJobStatusCodeCompleted:
			return i.Code, nil
		case job.Status == discord.TargetUsersJobStatusCodeFailed:
			return i.Code, unread(errors.New("the job failed"))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return i.Code, unread(ctx.Err())
		}
	}
}

// unread explains why an invite isn't used: Discord didn't confirm that it is for one person only.
func unread(cause error) error {
	return errs.E(errs.DiscordUnavailable,
		"Discord didn't answer when Snug tried to %s. Try again in a moment.", errs.Term(inviting)).
		Because(fmt.Errorf("target users of an invite: %w", cause))
}

// DeleteInvite deletes a Discord invite. It succeeds if the invite is used up, expired or already gone.
func (d *Discord) DeleteInvite(ctx context.Context, code, reason string) error {
	_, err := d.client.Rest.DeleteInvite(code, with(ctx, reason)...)
	if err = coded(err, "revoke an invite", "Manage Channels"); errs.Has(err, errs.NotFound) {
		return nil
	}
	return err
}

// ListInvites lists the codes of the Discord invites that Snug created in a channel.
func (d *Discord) ListInvites(ctx context.Context, channel snowflake.ID) (codes []string, err error) {
	list, err := d.client.Rest.GetChannelInvites(channel, rest.WithCtx(ctx))
	if err != nil {
		return nil, coded(err, "look at a room's invites", "Manage Channels")
	}
	for _, i := range list {
		if i.Inviter != nil && i.Inviter.ID == d.client.ApplicationID {
			codes = append(codes, i.Code)
		}
	}
	return codes, nil
}
