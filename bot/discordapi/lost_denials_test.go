package discordapi

import (
	"slices"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
)

// What somebody denies between Snug's look at an overwrite and its write is noticed once the events tell of both.
func TestLostDenials(t *testing.T) {
	const (
		channel = snowflake.ID(7)
		user    = snowflake.ID(8)
		connect = discord.PermissionConnect
	)
	none := overwrite{}
	allowed := overwrite{bits{allow: seeAndEnter}, true}
	denied := overwrite{bits{deny: connect}, true}
	banned := overwrite{bits{deny: seeAndEnter}, true}
	start := time.Now()
	type seq []overwrite
	for name, c := range map[string]struct {
		from           overwrite
		writes, events seq
		want           discord.Permissions
		refused        bool // Discord doesn't accept the last write
		late           bool // the events come when nobody counts on them any more
	}{
		"nobody else":             {writes: seq{allowed}, events: seq{none, allowed}},
		"denied in between":       {none, seq{allowed}, seq{denied, allowed}, connect, false, false},
		"denied and undone":       {writes: seq{allowed}, events: seq{denied, none, allowed}},
		"denied afterwards":       {writes: seq{allowed}, events: seq{allowed, denied}},
		"denied before":           {from: denied, writes: seq{none}, events: seq{denied, none}},
		"denied what Snug denies": {writes: seq{banned}, events: seq{denied, banned}},
		"denied, then removed":    {allowed, seq{none}, seq{allowed, denied, none}, connect, false, false},
		"denied before the 2nd":   {allowed, seq{none, allowed}, seq{none, denied, allowed}, connect, false, false},
		"denied before the 1st":   {allowed, seq{none, allowed}, seq{denied, none, allowed}, connect, false, false},
		"refused":                 {writes: seq{allowed}, events: seq{denied, allowed}, refused: true},
		"told too late":           {writes: seq{allowed}, events: seq{denied, allowed}, late: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := &Discord{}
			for _, after := range c.writes {
				d.writes.add(channel, user, ownWrite{member: true, before: c.from, after: after, at: start})
			}
			if c.refused {
				d.writes.refused(channel, user)
			}
			if c.late {
				d.writes.add(channel+1, user, ownWrite{at: start.Add(confirmTime + 1)})
			}
			var got []access.Overwrite
			for _, is := range c.events {
				var list []discord.PermissionOverwrite
				if is.there {
					list = append(list, discord.MemberPermissionOverwrite{UserID: user, Allow: is.allow, Deny: is.deny})
				}
				got = append(got, d.LostDenials(channel, list)...)
			}
			var want []access.Overwrite
			if c.want != 0 {
				want = append(want, access.Overwrite{ID: user, Member: true, Deny: access.Permissions(c.want)})
			}
			if !slices.Equal(got, want) {
				t.Errorf("lost %v, want %v", got, want)
			}
			if left := len(d.writes.of[channel]); left > 0 && !c.late {
				t.Errorf("%d overwrites are still watched", left)
			}
		})
	}
}
