package discordapi_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/discordapi"
	"snug/bot/ratelimit"
	"snug/shared/discordsim"
	"snug/shared/errs"
	"snug/shared/room"
)

// Somebody who went elsewhere while Discord didn't say whether it moved them stays there.
func TestMoveLeavesPeopleWhereTheyWent(t *testing.T) {
	for name, done := range map[string]bool{"moved": true, "not moved": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, setup{arrange: func(f *fixture) {
				f.ids["Attic"] = f.AddChannel(discordsim.ChannelOptions{Name: "Attic", Type: discordsim.ChannelVoice})
			}})
			f.inject("PATCH /guilds/Friends/members/jonas",
				discordsim.Fault{Kind: discordsim.FaultError, Status: 500, After: done})
			f.arrived = func(asks string) {
				if strings.HasPrefix(asks, "GET ") {
					f.Must(f.Join("jonas", f.id("Attic")))
				}
			}
			before := f.picture()
			err := f.api.Move(t.Context(), f.Guild, f.id("jonas"), f.id("Lounge"), f.id("Friday"), why)
			if !errs.Has(err, errs.DiscordUnavailable) || !errors.Is(err, ratelimit.ErrOutcomeUnknown) {
				t.Errorf("got %v", err)
			}
			wantChanges(t, before, f.picture(), []string{"- jonas is in Lounge", "+ jonas is in Attic"})
		})
	}
}

// crowd gives the category Rooms denials for members who are in no server, and what its channels then have.
func crowd(n int) func(*fixture) {
	return func(f *fixture) {
		list := []discordsim.Overwrite{{ID: f.id("Helper"), Allow: discordsim.Permissions(seeAndEnter)}}
		for i := range n {
			u := f.Discord.AddUser(fmt.Sprint("nobody", i), "")
			f.ids[u.Username] = u.ID
			list = append(list, discordsim.Overwrite{ID: u.ID, Member: true, Deny: discordsim.PermSpeak})
		}
		f.Must(f.Discord.SetOverwrites(f.id("Rooms"), list...))
	}
}

// denials counts the lines about the crowd in a channel.
func denials(picture []string, channel string) (n int) {
	for _, l := range picture {
		if strings.HasPrefix(l, channel+", nobody") {
			n++
		}
	}
	return n
}

// A permanent channel with more overwrites than fit into one request gets them all, or isn't left behind.
func TestManyOverwrites(t *testing.T) {
	const denied = 150
	put := "PUT /channels/new/permissions/nobody149"
	for name, c := range map[string]struct {
		fault discordsim.Fault
		code  errs.Code
		says  string
	}{
		"calm": {},
		"refused": {discordsim.Fault{Kind: discordsim.FaultAnswer, Body: code(50013)}, errs.MissingPermission,
			making},
		"no answer": {discordsim.Fault{Kind: discordsim.FaultError, Count: -1}, errs.DiscordUnavailable, tryAgain},
		"done, but no answer": {
			discordsim.Fault{Kind: discordsim.FaultReset, Count: -1, After: true}, errs.DiscordUnavailable, tryAgain,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, setup{arrange: crowd(denied), tries: ratelimit.Config{Retries: 1}})
			if c.code != "" {
				f.inject(put, c.fault)
			}
			before := f.picture()
			id, err := f.api.CreateLobby(t.Context(), f.Guild, f.id("Rooms"), "Entrance")
			if c.code == "" {
				if n := denials(f.picture(), "Entrance"); err != nil || n != denied {
					t.Errorf("%d denials, %v", n, err)
				}
				// A hundred fit in at once, one of them everyone's denial, removed at last; Helper enters then.
				if n := len(f.asked()); n != 1+denied+2-99+2 {
					t.Errorf("%d requests", n)
				}
				if p, err := f.Discord.PermissionsIn(f.id("priya"), id); err != nil ||
					!p.Has(discordsim.Permissions(seeAndEnter)) {
					t.Errorf("priya may %v, %v", p, err)
				}
				return
			}
			e, ok := errors.AsType[*errs.Error](err)
			if !ok || e.Code != c.code || !strings.Contains(e.Message, c.says) {
				t.Errorf("got %v", err)
			}
			wantChanges(t, before, f.picture(), nil)
			if asked := f.asked(); asked[len(asked)-1] != "DELETE /channels/new" {
				t.Errorf("asked %q at last", asked[len(asked)-1])
			}
		})
	}
}

// A lobby that can't be finished is deleted even if its caller is gone. If that fails too, the outcome is unknown.
func TestUnfinishedChannel(t *testing.T) {
	f := newFixture(t, setup{arrange: crowd(150), tries: ratelimit.Config{Retries: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	f.arrived = func(asks string) {
		if strings.HasSuffix(asks, "/permissions/nobody120") {
			cancel()
		}
	}
	before := f.picture()
	if _, err := f.api.CreateLobby(ctx, f.Guild, f.id("Rooms"), "Entrance"); !errors.Is(err, context.Canceled) ||
		!errs.Has(err, errs.DiscordUnavailable) {
		t.Errorf("got %v", err)
	}
	wantChanges(t, before, f.picture(), nil)
	f.arrived = nil
	f.inject("PUT /channels/new/permissions/nobody120",
		discordsim.Fault{Kind: discordsim.FaultAnswer, Body: code(50013)})
	f.inject("DELETE /channels/new", discordsim.Fault{Kind: discordsim.FaultError, Count: -1})
	_, err := f.api.CreateLobby(t.Context(), f.Guild, f.id("Rooms"), "Entrance")
	if !errs.Has(err, errs.DiscordUnavailable) {
		t.Errorf("with a channel left behind: %v", err)
	}
}

// More overwrites than a channel can have leave no place for a room or a lobby, and Discord isn't asked.
func TestCrowdedCategory(t *testing.T) {
	f := newFixture(t, setup{arrange: crowd(1000)})
	before := f.picture()
	in := room.PendingCreate{GuildID: f.Guild, CategoryID: f.id("Rooms"), OwnerID: f.id("jonas"), Name: "Saturday"}
	_, _, first := f.api.CreateRoomChannel(t.Context(), in, f.access())
	_, second := f.api.CreateLobby(t.Context(), f.Guild, f.id("Rooms"), "Entrance")
	_, third := f.api.SetAccess(t.Context(), f.id("Friday"), f.access("kiyo"), why)
	for _, err := range []error{first, second, third} {
		if !errs.Has(err, errs.RoomLimit) {
			t.Errorf("got %v", err)
		}
	}
	wantChanges(t, before, f.picture(), nil)
	if asked := f.asked(); !slices.Equal(asked, []string{getFriday}) {
		t.Errorf("asked %q", asked)
	}
}

// Access that takes more requests than one call makes is set call by call.
func TestManyGuests(t *testing.T) {
	const guests = 45
	f := newFixture(t, setup{})
	a := f.access("kiyo")
	for i := range guests {
		u := f.Discord.AddUser(fmt.Sprint("guest", i), "")
		f.Must(f.Discord.AddMember(f.Guild, u.ID, ""))
		f.ids[u.Username], a.Guests, a.Roles[u.ID] = u.ID, append(a.Guests, u.ID), nil
	}
	for calls, left := 1, guests; left > 0; calls, left = calls+1, left-20 {
		more, err := f.api.SetAccess(t.Context(), f.id("Friday"), a, why)
		f.Must(err)
		if more != (left > 20) {
			t.Errorf("call %d: more is %v", calls, more)
		}
		if n := len(f.asked()); n != 1+min(left, 20) {
			t.Errorf("call %d: %d requests", calls, n)
		}
	}
}

// What others change while Snug sets who may enter isn't undone, nor done again.
func TestSetAccessMeetsOthers(t *testing.T) {
	f := newFixture(t, setup{})
	var once sync.Once
	f.arrived = func(asks string) {
		if asks == removeKiyo { // meanwhile somebody bans priya by hand, whom Snug is about to let in
			once.Do(func() {
				f.Must(f.Discord.SetOverwrite(f.id("Friday"),
					discordsim.Overwrite{ID: f.id("priya"), Member: true, Deny: discordsim.PermConnect}))
				f.cached("Friday", "priya")
			})
		}
	}
	more, err := f.api.SetAccess(t.Context(), f.id("Friday"), f.access("priya"), why)
	if err != nil || more {
		t.Errorf("more: %v, %v", more, err)
	}
	want := overwrite("Friday", "priya", discordapi.GuestAllow&^discord.PermissionConnect, discord.PermissionConnect)
	if !slices.Contains(f.picture(), want) {
		t.Errorf("no %q in\n%s", want, strings.Join(f.picture(), "\n"))
	}
}

// An invite is only given out when Discord has processed who it is for, and never kept waiting for.
func TestInvitePolls(t *testing.T) {
	const job = "GET /invites/code/target-users/job-status"
	failed := discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 200, Body: `{"status":3,"total_users":1}`}
	for name, c := range map[string]struct {
		plant func(*fixture)
		code  errs.Code
		polls int
	}{
		"at once": {func(*fixture) {}, "", 1},
		"after a wait": {
			func(f *fixture) {
				f.inject(job, discordsim.Fault{Kind: discordsim.FaultAnswer, Status: 200,
					Body: `{"status":1,"total_users":1}`})
			}, "", 2,
		},
		"the job failed": {func(f *fixture) { f.inject(job, failed) }, errs.DiscordUnavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, setup{})
			c.plant(f)
			code, err := f.api.CreateInvite(t.Context(), f.id("Friday"), f.id("stranger"), time.Minute, why)
			if errs.CodeOf(err) != c.code || code == "" {
				t.Errorf("got %q, %v", code, err)
			}
			if n := len(f.asked()); n != 1+c.polls {
				t.Errorf("%d polls, want %d", n-1, c.polls)
			}
			if _, err := f.Discord.UseInvite(f.id("mara"), code); err == nil {
				t.Error("it's for anybody")
			}
			if c.code == "" {
				_, err := f.Discord.UseInvite(f.id("stranger"), code)
				f.Must(err)
			}
		})
	}
	t.Run("the caller doesn't wait", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, setup{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.inject(job, discordsim.Fault{
			Kind: discordsim.FaultAnswer, Status: 200, Body: `{"status":1,"total_users":1}`, Count: -1,
		})
		f.arrived = func(asks string) {
			if asks == job {
				time.AfterFunc(time.Millisecond, cancel)
			}
		}
		code, err := f.api.CreateInvite(ctx, f.id("Friday"), f.id("stranger"), time.Minute, why)
		if code == "" || !errs.Has(err, errs.DiscordUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %q, %v", code, err)
		}
	})
}

// The third name in ten minutes isn't waited for.
func TestRenameLimit(t *testing.T) {
	f := newFixture(t, setup{limits: func(l *discordsim.Limits) { l.Renames = 2 }})
	for i := range 2 {
		f.Must(f.api.Rename(t.Context(), f.id("Friday"), fmt.Sprint("Friday ", i), why))
	}
	before := f.picture()
	err := f.api.Rename(t.Context(), f.id("Friday"), "Sunday", why)
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Code != errs.RateLimited || e.RetryAfter < 9*time.Minute || e.RetryAfter > 10*time.Minute ||
		!strings.Contains(e.Message, "Try again in 10 minutes.") {
		t.Errorf("got %v", err)
	}
	wantChanges(t, before, f.picture(), nil)
	if asked := f.asked(); len(asked) != 3 {
		t.Errorf("asked %q", asked)
	}
}

// Whom a member may invite is what Discord computes, for everybody and every overwrite.
func TestMayInviteAsDiscordSays(t *testing.T) {
	const may = discordsim.PermCreateInstantInvite
	for name, arrange := range map[string]func(*fixture) error{
		"calm": func(*fixture) error { return nil },
		"everyone is denied it": func(f *fixture) error {
			return f.Discord.SetOverwrite(f.id("Lounge"), discordsim.Overwrite{ID: f.Guild, Deny: may})
		},
		"a role is allowed it": func(f *fixture) error {
			return errors.Join(f.Discord.SetRole(f.Guild, f.Guild, discordsim.PermViewChannel),
				f.Discord.SetOverwrite(f.id("Lounge"), discordsim.Overwrite{ID: f.id("Helper"), Allow: may}))
		},
		"a member is allowed it": func(f *fixture) error {
			return errors.Join(f.Discord.SetRole(f.Guild, f.Guild, discordsim.PermViewChannel),
				f.Discord.SetOverwrite(f.id("Lounge"),
					discordsim.Overwrite{ID: f.id("priya"), Member: true, Allow: may}))
		},
		"the channel is hidden from everyone": func(f *fixture) error {
			return errors.Join(
				f.Discord.SetOverwrite(f.id("Lounge"),
					discordsim.Overwrite{ID: f.Guild, Deny: discordsim.PermViewChannel}),
				f.Discord.SetOverwrite(f.id("Lounge"), discordsim.Overwrite{
					ID: f.App.ID, Member: true, Allow: discordsim.PermViewChannel,
				}))
		},
		"an administrator": func(f *fixture) error {
			return errors.Join(f.Discord.SetRole(f.Guild, f.id("Helper"), discordsim.PermAdministrator),
				f.Discord.SetOverwrite(f.id("Lounge"), discordsim.Overwrite{ID: f.Guild, Deny: may}),
				f.Discord.SetPending(f.Guild, f.id("ada"), true))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, setup{arrange: func(f *fixture) { f.Must(arrange(f)) }})
			for _, who := range []string{"mara", "jonas", "priya", "ada"} {
				p, err := f.Discord.PermissionsIn(f.id(who), f.id("Lounge"))
				f.Must(err)
				got, err := f.api.MayInvite(t.Context(), f.Guild, f.id("Lounge"), f.id(who))
				if err != nil || got != p.Has(may) {
					t.Errorf("%s: %v, %v; Discord says %v", who, got, err, p.Has(may))
				}
			}
		})
	}
}

// The error of a restart says that the outcome is unknown, where it is.
func TestClosedOnTheWay(t *testing.T) {
	f := newFixture(t, setup{})
	f.hold = create
	f.arrived = func(asks string) {
		if asks == create {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			go f.limiter.Close(ctx)
		}
	}
	in := room.PendingCreate{GuildID: f.Guild, CategoryID: f.id("Rooms"), OwnerID: f.id("jonas"), Name: "Saturday"}
	_, _, err := f.api.CreateRoomChannel(t.Context(), in, f.access())
	if !errs.Has(err, errs.DiscordUnavailable) || !errors.Is(err, ratelimit.ErrOutcomeUnknown) {
		t.Errorf("on the way: %v", err)
	}
	_, _, err = f.api.CreateRoomChannel(t.Context(), in, f.access())
	if !errs.Has(err, errs.Unavailable) || errors.Is(err, ratelimit.ErrOutcomeUnknown) {
		t.Errorf("afterwards: %v", err)
	}
}
