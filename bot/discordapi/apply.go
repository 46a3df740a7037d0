package discordapi

import (
	"context"
	"errors"
	"slices"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/rooms"
	"snug/shared/errs"
)

// Discord's limits on a channel's overwrites.
const (
	maxAtOnce     = 100 // in the request that creates a channel
	maxOverwrites = 1000
	// stepsAtOnce is how many overwrites one call of apply changes.
	stepsAtOnce = 20
)

// bits are the permissions that an overwrite allows and denies.
type bits struct{ allow, deny discord.Permissions }

// step changes one overwrite.
type step struct {
	kind   discord.PermissionOverwriteType
	id     snowflake.ID
	to     bits
	remove bool
}

// bitsOf returns the bits of a role's or member's overwrite.
func bitsOf(o discord.PermissionOverwrite) bits {
	switch o := o.(type) {
	case discord.RolePermissionOverwrite:
		return bits{o.Allow, o.Deny}
	case discord.MemberPermissionOverwrite:
		return bits{o.Allow, o.Deny}
	}
	return bits{}
}

// withBits returns a copy of the overwrite with other bits.
func withBits(o discord.PermissionOverwrite, b bits) discord.PermissionOverwrite {
	switch o := o.(type) {
	case discord.RolePermissionOverwrite:
		o.Allow, o.Deny = b.allow, b.deny
		return o
	case discord.MemberPermissionOverwrite:
		o.Allow, o.Deny = b.allow, b.deny
		return o
	}
	return o
}

// steps returns the changes that turn the overwrites have into want, one overwrite at a time. At no
// point may anybody do something that they could do neither before nor after: all steps that take
// permissions away precede those that grant some. Taking a bit from one overwrite never grants
// anything (https://docs.discord.com/developers/topics/permissions#permission-overwrites), so the
// order within each half doesn't matter. The bot's own overwrite comes first, because denying
// Connect to everyone would exclude the bot too.
func steps(have, want []discord.PermissionOverwrite, self snowflake.ID) (out []step) {
	had := map[snowflake.ID]bits{}
	for _, o := range have {
		had[o.ID()] = bitsOf(o)
	}
	wanted := map[snowflake.ID]bool{}
	var takes, removals, gives, last []step
	for _, o := range want {
		wanted[o.ID()] = true
		h, there := had[o.ID()]
		w := bitsOf(o)
		less := bits{h.allow & w.allow, h.deny | w.deny}
		switch {
		case there && h == w:
		case o.ID() == self:
			out = append(out, step{kind: o.Type(), id: o.ID(), to: w})
		default:
			if less != h {
				takes = append(takes, step{kind: o.Type(), id: o.ID(), to: less})
			}
			if less != w || !there && w == (bits{}) {
				gives = append(gives, step{kind: o.Type(), id: o.ID(), to: w})
			}
		}
	}
	for _, o := range have {
		h := bitsOf(o)
		switch {
		case wanted[o.ID()]:
		case h.deny == 0:
			removals = append(removals, step{kind: o.Type(), id: o.ID(), remove: true})
		default:
			if h.allow != 0 {
				takes = append(takes, step{kind: o.Type(), id: o.ID(), to: bits{deny: h.deny}})
			}
			last = append(last, step{kind: o.Type(), id: o.ID(), remove: true})
		}
	}
	// Removals come first to make room: a channel has at most a thousand overwrites.
	return slices.Concat(out, takes, removals, last, gives)
}

// atCreation returns the overwrites to create a channel with. If Discord doesn't accept all of them in
// one request, whole is false; if one with a denial doesn't fit, the channel starts closed to everyone.
func atCreation(
	list []discord.PermissionOverwrite, guild snowflake.ID,
) (first []discord.PermissionOverwrite, whole bool) {
	if len(list) <= maxAtOnce {
		return list, true
	}
	first = slices.Clone(list[:maxAtOnce])
	if !slices.ContainsFunc(list[maxAtOnce:], func(o discord.PermissionOverwrite) bool { return bitsOf(o).deny != 0 }) {
		return first, false
	}
	shut := discord.RolePermissionOverwrite{RoleID: guild, Deny: EveryoneDeny}
	i := slices.IndexFunc(first, func(o discord.PermissionOverwrite) bool { return o.ID() == guild })
	if i < 0 {
		i = len(first) - 1 // the least important of the first ones waits
	}
	b := bitsOf(first[i])
	if first[i].ID() != guild {
		b = bits{}
	}
	shut.Allow, shut.Deny = b.allow&^EveryoneDeny, b.deny|EveryoneDeny
	// Roles that may enter are added with the rest.
	for j, o := range first {
		if r, ok := o.(discord.RolePermissionOverwrite); ok {
			r.Allow &^= EveryoneDeny
			first[j] = r
		}
	}
	first[i] = shut
	return first, false
}

// apply turns the overwrites a channel has into those it should have, one by one: a single request with all
// of them would undo what somebody else changed since Discord was asked. told are the cached overwrites
// from before that request. more is true if steps are left for the next call. The error is rooms.ErrPartial
// if some steps succeeded, and errChanged if somebody else is changing the same overwrites.
func (d *Discord) apply(
	ctx context.Context, channel snowflake.ID, told, have, want []discord.PermissionOverwrite, reason string,
) (more bool, err error) {
	wrote := map[snowflake.ID]overwrite{}
	for i, s := range steps(have, want, d.client.ApplicationID) {
		if i == stepsAtOnce {
			return true, nil
		}
		if now := find(d.known(channel), s.id); now != find(told, s.id) && now != find(have, s.id) &&
			now != wrote[s.id] {
			return true, errChanged
		}
		err := d.step(ctx, channel, have, s, reason)
		if s.remove && errs.Has(coded(err, "", ""), errs.NotFound) {
			err = nil // somebody else removed it
		}
		if err != nil && i > 0 {
			return false, errors.Join(err, rooms.ErrPartial)
		}
		if err != nil {
			return false, err
		}
		wrote[s.id] = overwrite{s.to, !s.remove}
	}
	return false, nil
}

// errChanged means that an overwrite changed since it was requested from Discord.
var errChanged = errors.New("somebody else changed the overwrite in the meantime")

// overwrite is a channel's overwrite of one role or member, if it has one.
type overwrite struct {
	bits
	there bool
}

func find(list []discord.PermissionOverwrite, id snowflake.ID) overwrite {
	for _, o := range list {
		if o.ID() == id {
			return overwrite{bitsOf(o), true}
		}
	}
	return overwrite{}
}

// taken returns the overwrites after the steps of one call of apply.
func taken(have, want []discord.PermissionOverwrite, self snowflake.ID) []discord.PermissionOverwrite {
	list := steps(have, want, self)
	for _, s := range list[:min(len(list), stepsAtOnce)] {
		have = s.on(have)
	}
	return have
}

// on returns the list of overwrites after the step.
func (s step) on(list []discord.PermissionOverwrite) []discord.PermissionOverwrite {
	list = slices.Clone(list)
	i := slices.IndexFunc(list, func(o discord.PermissionOverwrite) bool { return o.ID() == s.id })
	switch {
	case s.remove:
		return slices.Delete(list, i, i+1)
	case i >= 0:
		list[i] = withBits(list[i], s.to)
		return list
	case s.kind == discord.PermissionOverwriteTypeRole:
		return append(list, withBits(discord.RolePermissionOverwrite{RoleID: s.id}, s.to))
	}
	return append(list, withBits(discord.MemberPermissionOverwrite{UserID: s.id}, s.to))
}

// step makes one change of a channel that has these overwrites.
func (d *Discord) step(
	ctx context.Context, channel snowflake.ID, have []discord.PermissionOverwrite, s step, reason string,
) error {
	d.writes.add(channel, s.id, ownWrite{
		member: s.kind == discord.PermissionOverwriteTypeMember, before: find(have, s.id),
		after: overwrite{s.to, !s.remove}, at: d.now(),
	})
	var err error
	switch {
	case s.remove:
		err = d.client.Rest.DeletePermissionOverwrite(channel, s.id, with(ctx, reason)...)
	case s.kind == discord.PermissionOverwriteTypeRole:
		err = d.client.Rest.UpdatePermissionOverwrite(channel, s.id,
			discord.RolePermissionOverwriteUpdate{Allow: &s.to.allow, Deny: &s.to.deny}, with(ctx, reason)...)
	default:
		err = d.client.Rest.UpdatePermissionOverwrite(channel, s.id,
			discord.MemberPermissionOverwriteUpdate{Allow: &s.to.allow, Deny: &s.to.deny}, with(ctx, reason)...)
	}
	if refusedWith(err) != nil {
		d.writes.refused(channel, s.id)
	}
	return err
}

// heldAll is held for all overwrites of a channel: such bits stay even in an overwrite that is removed.
func heldAll(
	have, want []discord.PermissionOverwrite, may discord.Permissions, self snowflake.ID,
) []discord.PermissionOverwrite {
	for _, o := range have {
		if !slices.ContainsFunc(want, func(x discord.PermissionOverwrite) bool { return x.ID() == o.ID() }) {
			want = append(want, withBits(o, bits{}))
		}
	}
	out := held(have, want, may, self)
	return slices.DeleteFunc(out, func(o discord.PermissionOverwrite) bool { return bitsOf(o) == bits{} })
}

// held keeps those bits of a channel's overwrites that the bot may not change there, since Discord
// would refuse the whole request. View Channel and Connect are exceptions: the room needs them, so
// they are requested even if Discord may refuse.
func held(
	have, want []discord.PermissionOverwrite, may discord.Permissions, self snowflake.ID,
) []discord.PermissionOverwrite {
	if may.Has(discord.PermissionAdministrator) {
		return want
	}
	out := slices.Clone(want)
	for i, o := range out {
		fixed := ^(may | seeAndEnter)
		if o.ID() == self {
			fixed &^= BotAllow
		}
		var h bits
		if j := slices.IndexFunc(have, func(x discord.PermissionOverwrite) bool { return x.ID() == o.ID() }); j >= 0 {
			h = bitsOf(have[j])
		}
		w := bitsOf(o)
		out[i] = withBits(o, bits{w.allow&^fixed | h.allow&fixed, w.deny&^fixed | h.deny&fixed})
	}
	return out
}
