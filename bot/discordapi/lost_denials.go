package discordapi

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// Discord has no conditional requests: a denial that somebody sets between Snug's look at an overwrite and its write
// is overwritten. Only the events tell, since they come in order: first theirs, then Snug's.

// ownWrite is a write by Snug of one overwrite that no event has shown yet.
type ownWrite struct {
	member        bool
	before, after overwrite
	denied        discord.Permissions // what somebody else denied in the meantime
	at            time.Time
}

// confirmTime is how long an event may take to show a write. Writes that change nothing have none.
const confirmTime = time.Minute

// ownWrites are those of all channels, in order, by the id of the overwrite.
type ownWrites struct {
	mu sync.Mutex
	of map[snowflake.ID]map[snowflake.ID][]ownWrite
}

func (o *ownWrites) add(channel, id snowflake.ID, w ownWrite) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for channel, writes := range o.of {
		for id, list := range writes {
			o.keep(channel, id, slices.DeleteFunc(list, func(x ownWrite) bool { return w.at.Sub(x.at) > confirmTime }))
		}
	}
	if o.of == nil {
		o.of = map[snowflake.ID]map[snowflake.ID][]ownWrite{}
	}
	if o.of[channel] == nil {
		o.of[channel] = map[snowflake.ID][]ownWrite{}
	}
	list := o.of[channel][id]
	if len(list) > 0 {
		w.before = list[len(list)-1].after
	}
	o.of[channel][id] = append(list, w)
}

// refused forgets the last write of an overwrite, which Discord didn't accept.
func (o *ownWrites) refused(channel, id snowflake.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if list := o.of[channel][id]; len(list) > 0 {
		o.keep(channel, id, list[:len(list)-1])
	}
}

func (o *ownWrites) keep(channel, id snowflake.ID, list []ownWrite) {
	if o.of[channel][id] = list; len(list) > 0 {
		return
	}
	if delete(o.of[channel], id); len(o.of[channel]) == 0 {
		delete(o.of, channel)
	}
}

// LostDenials takes the overwrites of a channel from an event and returns what others denied there and Snug's own
// writes then undid, for Deny. It must see all of a channel's events, in their order.
func (d *Discord) LostDenials(channel snowflake.ID, now []discord.PermissionOverwrite) (lost []access.Overwrite) {
	o := &d.writes
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, list := range o.of[channel] {
		is := find(now, id)
		switch i := slices.IndexFunc(list, func(w ownWrite) bool { return w.after == is }); {
		case i >= 0:
			var deny discord.Permissions
			for _, w := range list[:i+1] {
				deny |= w.denied
			}
			if deny &^= is.deny; deny != 0 {
				lost = append(lost,
					access.Overwrite{ID: id, Member: list[0].member, Deny: access.Permissions(deny)})
			}
			o.keep(channel, id, list[i+1:])
		default: // nothing, if it is as before
			list[0].denied = is.deny &^ list[0].before.deny
		}
	}
	return lost
}

// Deny denies a user or a role by name, besides what the channel denies them already.
func (d *Discord) Deny(ctx context.Context, channel snowflake.ID, o access.Overwrite, reason string) error {
	c, err := d.asIs(ctx, channel)
	if err != nil {
		return err
	}
	have := c.PermissionOverwrites()
	to, kind := find(have, o.ID).bits, discord.PermissionOverwriteTypeRole
	if o.Member {
		kind = discord.PermissionOverwriteTypeMember
	}
	to.deny |= discord.Permissions(o.Deny)
	to.allow &^= to.deny
	return coded(d.step(ctx, channel, have, step{kind: kind, id: o.ID, to: to}, reason),
		"deny what somebody else denied", "Manage Roles")
}
