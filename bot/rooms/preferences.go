package rooms

import (
	"context"
	"slices"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/room"
)

// maxRemembered bounds the guests, and the bans, in a member's preferences.
const maxRemembered = 200

func memberKey(guildID, user snowflake.ID) string { return guildID.String() + "." + user.String() }

// Preferences returns the actor's preferences or, with Forget, deletes them.
func (rs *Rooms) Preferences(
	ctx context.Context, guildID snowflake.ID, q room.PreferencesRequest,
) (out room.PreferencesDone, err error) {
	err = rs.withLock(ctx, guildID, func(ctx context.Context, g *guildState) error {
		if !q.Forget {
			out.Preferences, err = rs.preferences(ctx, g, q.Actor.UserID)
			return err
		}
		ctx, cancel := withWriteTimeout(ctx)
		defer cancel()
		err := rs.o.Hub.Members.Delete(ctx, memberKey(g.id, q.Actor.UserID))
		if err != nil && !errs.Has(err, errs.NotFound) {
			return err
		}
		e := audit.Entry{
			ID: newID(), Kind: audit.PreferencesForgotten, GuildID: g.id, By: q.Actor.UserID, Via: q.Actor.Via,
			At: rs.o.Now(),
		}
		return rs.audit(ctx, e)
	})
	return out, err
}

// preferences reads a member's preferences; none is no error.
func (rs *Rooms) preferences(ctx context.Context, g *guildState, user snowflake.ID) (room.Preferences, error) {
	p, _, err := rs.o.Hub.Members.Latest(ctx, memberKey(g.id, user))
	if errs.Has(err, errs.NotFound) {
		return room.Preferences{}, nil
	}
	return p, err
}

// remember stores what the owner chose for their room as their preference.
func (c changeOp) remember(ctx context.Context, change func(*room.Preferences)) {
	if c.who.UserID == c.r.OwnerID {
		c.rs.updatePreferences(ctx, c.g, c.who.UserID, change)
	}
}

// updatePreferences changes a member's preferences. Failures are only logged.
func (rs *Rooms) updatePreferences(
	ctx context.Context, g *guildState, user snowflake.ID, change func(*room.Preferences),
) {
	if err := rs.editPreferences(ctx, g, user, change); err != nil {
		rs.o.Log.WarnContext(ctx, "a member's preferences could not be stored", "guild_id", g.id, "user_id", user,
			"err", err)
	}
}

// editPreferences changes a member's preferences.
func (rs *Rooms) editPreferences(
	ctx context.Context, g *guildState, user snowflake.ID, change func(*room.Preferences),
) error {
	acts(ctx)
	ctx, cancel := withWriteTimeout(ctx)
	defer cancel()
	_, _, err := rs.o.Hub.Members.EditOrCreate(ctx, memberKey(g.id, user), func(p *room.Preferences) error {
		change(p)
		p.Guests = p.Guests[max(0, len(p.Guests)-maxRemembered):]
		p.Banned = p.Banned[max(0, len(p.Banned)-maxRemembered):]
		return nil
	})
	return err
}

func without(list []snowflake.ID, user snowflake.ID) []snowflake.ID {
	return slices.DeleteFunc(slices.Clone(list), func(u snowflake.ID) bool { return u == user })
}

// appendUnique returns the list with the user once, at its end.
func appendUnique(list []snowflake.ID, user snowflake.ID) []snowflake.ID {
	return append(without(list, user), user)
}
