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

// The limits of Discord on a channel's overwrites.
const (
	maxAtOnce     = 100 // in one request that makes a channel
	maxOverwrites = 1000
	// stepsAtOnce is how many overwrites one call changes.
	stepsAtOnce = 20
)

// bits are what an overwrite allows and denies.
type bits struct{ allow, deny discord.Permissions }

// step changes one overwrite.
type step struct {
	kind   discord.PermissionOverwriteType
	id     snowflake.ID
	to     bits
	remove bool
}

// bitsOf gives an overwrite's bits; both kinds have them.
func bitsOf(o discord.PermissionOverwrite) bits {
	switch o := o.(type) {
	case discord.RolePermissionOverwrite:
		return bits{o.Allow, o.Deny}
	case discord.MemberPermissionOverwrite:
		return bits{o.Allow, o.Deny}
	}
	return bits{}
}

// withBits gives the overwrite with other bits.
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

// steps lead from the overwrites a channel has to those it should have, one
// at a time, so that at no moment anybody can do what they could neither
// before nor afterwards: first everything that takes away, then everything
// that gives. Taking a bit from one overwrite never gives anybody anything
// (https://docs.discord.com/developers/topics/permissions#permission-overwrites),
// so the order within either half is free. The bot's own comes before all:
// denying everyone Connect would put the bot out too.
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
	// What goes makes space for what comes: a channel holds a thousand.
	return slices.Concat(out, takes, removals, last, gives)
}

// atCreation gives the overwrites that a channel is made with. Where Discord
// takes not all of them at once, whole is false; and if one that denies is
// left for later, the channel begins closed to everyone.
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
		i = len(first) - 1 // the least needed of the first comes later
	}
	b := bitsOf(first[i])
	if first[i].ID() != guild {
		b = bits{}
	}
	shut.Allow, shut.Deny = b.allow&^EveryoneDeny, b.deny|EveryoneDeny
	// Roles that may enter are let in with the rest.
	for j, o := range first {
		if r, ok := o.(discord.RolePermissionOverwrite); ok {
			r.Allow &^= EveryoneDeny
			first[j] = r
		}
	}
	first[i] = shut
	return first, false
}

// apply leads a channel from the overwrites that it has to those it should have, one by one: one request with all of
// them would undo what somebody else changed since Discord was asked. told is what Discord had told of the channel
// before that. more is true if there are steps left, for the next call. The error is rooms.ErrPartial if some steps
// succeeded, and errChanged if somebody else is changing the same overwrites.
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
		err := d.step(ctx, channel, s, reason)
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
var errChanged = errors.New("somebody else changed it meanwhile")

// overwrite is what a channel says of one role or member, if anything.
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

// taken gives the overwrites after the steps of one call.
func taken(have, want []discord.PermissionOverwrite, self snowflake.ID) []discord.PermissionOverwrite {
	list := steps(have, want, self)
	for _, s := range list[:min(len(list), stepsAtOnce)] {
		have = s.on(have)
	}
	return have
}

// on gives a list of overwrites after the step.
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

func (d *Discord) step(ctx context.Context, channel snowflake.ID, s step, reason string) error {
	switch {
	case s.remove:
		return d.client.Rest.DeletePermissionOverwrite(channel, s.id, with(ctx, reason)...)
	case s.kind == discord.PermissionOverwriteTypeRole:
		return d.client.Rest.UpdatePermissionOverwrite(channel, s.id,
			discord.RolePermissionOverwriteUpdate{Allow: &s.to.allow, Deny: &s.to.deny}, with(ctx, reason)...)
	}
	return d.client.Rest.UpdatePermissionOverwrite(channel, s.id,
		discord.MemberPermissionOverwriteUpdate{Allow: &s.to.allow, Deny: &s.to.deny}, with(ctx, reason)...)
}

// heldAll is held for all overwrites of a channel: of one that goes, such bits stay too.
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

// held keeps what a channel's overwrites have of bits that the bot may not
// change there: Discord would refuse the whole request. Seeing and entering
// are not among them: what a room needs is asked for, and refused if it must be.
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
