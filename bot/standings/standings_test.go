package standings_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
	"github.com/prometheus/client_golang/prometheus"

	"snug/bot/standings"
	"snug/shared/access"
)

// discordOf answers requests as Discord does: with the members it has, and the ids of those it does not have.
type discordOf struct {
	*standings.Cache
	mu      sync.Mutex
	roles   map[snowflake.ID][]snowflake.ID // of each user; missing: not in the server
	delay   time.Duration
	hold    chan struct{} // no request is sent before it is closed; nil: requests are sent at once
	deaf    bool
	down    bool
	sent    []time.Time
	rest    []time.Time // times of REST requests
	most    int         // people in one request
	changes []string
	places  map[snowflake.ID][]snowflake.ID
	guilds  []snowflake.ID
}

func of(m discord.Member) access.Standing {
	return access.Standing{
		GuildID: m.GuildID, UserID: m.User.ID, Member: true, Roles: m.RoleIDs, Username: m.User.Username,
		CheckedAt: time.Now(),
	}
}

func member(guild, user snowflake.ID, roles ...snowflake.ID) discord.Member {
	return discord.Member{GuildID: guild, User: discord.User{ID: user, Username: fmt.Sprint("u", user)}, RoleIDs: roles}
}

// inside runs a Cache for one shard in a bubble of fake time.
func inside(t *testing.T, f func(*discordOf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &discordOf{
			roles: map[snowflake.ID][]snowflake.ID{}, places: map[snowflake.ID][]snowflake.ID{},
			delay: 50 * time.Millisecond,
		}
		table, err := standings.New(standings.Options{
			Now: time.Now, Log: slog.New(slog.DiscardHandler), StandingOf: of, Registerer: prometheus.NewRegistry(),
			RoomPeople: func(g snowflake.ID) []snowflake.ID {
				d.mu.Lock()
				defer d.mu.Unlock()
				return d.places[g]
			},
			Fetch: func(_ context.Context, guild, user snowflake.ID) (access.Standing, error) {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.rest = append(d.rest, time.Now())
				if d.down {
					return access.Standing{}, errors.New("not connected")
				}
				roles, there := d.roles[user]
				if !there {
					return access.Standing{GuildID: guild, UserID: user, CheckedAt: time.Now()}, nil
				}
				st := of(member(guild, user, roles...))
				st.CheckedAt = time.Now()
				return st, nil
			},
			Changed: func(was, is access.Standing) {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.changes = append(d.changes,
					fmt.Sprintf("%d: %v%v to %v%v", is.UserID, was.Member, sorted(was.Roles), is.Member,
						sorted(is.Roles)))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		d.Cache = table
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			table.Run(ctx, 0, func(snowflake.ID) bool { return true }, func() (ids []snowflake.ID) {
				d.now(func() { ids = d.guilds })
				return ids
			}, d.send)
		})
		synctest.Wait() // it runs
		f(d)
		cancel()
		wg.Wait()
		time.Sleep(time.Minute) // answers that are on their way
	})
}

func (d *discordOf) send(_ context.Context, guild snowflake.ID, users []snowflake.ID, asked time.Time) error {
	var hold chan struct{}
	d.now(func() { hold = d.hold })
	if hold != nil {
		<-hold
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return errors.New("not connected")
	}
	d.sent = append(d.sent, time.Now())
	d.most = max(d.most, len(users))
	if d.deaf {
		return nil
	}
	var found []discord.Member
	var missing []snowflake.ID
	for _, u := range users {
		if roles, there := d.roles[u]; there {
			found = append(found, member(guild, u, roles...))
		} else {
			missing = append(missing, u)
		}
	}
	time.AfterFunc(d.delay, func() { d.MembersChunk(guild, asked, found, missing) })
	return nil
}

// now changes what Discord does.
func (d *discordOf) now(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *discordOf) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sent)
}

// busiest returns the maximum number of requests in any minute.
func (d *discordOf) busiest() (most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	from := 0
	for i, at := range d.sent {
		for at.Sub(d.sent[from]) >= time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// watch follows people of guilds as a dashboard does, and returns the age of the oldest answer after the
// first round.
func (d *discordOf) watch(t *testing.T, guilds, people int, first, last time.Duration) (oldest time.Duration) {
	t.Helper()
	who := map[snowflake.ID][]snowflake.ID{}
	for i := range people {
		g, u := snowflake.ID(1+i%guilds), snowflake.ID(10_000+i)
		who[g] = append(who[g], u)
		d.now(func() { d.roles[u] = nil })
	}
	for began := time.Now(); time.Since(began) < last; time.Sleep(10 * time.Second) {
		for g, users := range who {
			known := d.Follow(g, users)
			if time.Since(began) < first {
				continue
			}
			if len(known) != len(users) {
				t.Fatalf("after %v %d of %d are known", time.Since(began), len(known), len(users))
			}
			for _, st := range known {
				oldest = max(oldest, time.Since(st.CheckedAt))
			}
		}
	}
	return oldest
}

// For 2,500 people in 50 servers no answer gets older than a minute, without any REST request; in 2,500
// servers none gets older than 21 minutes, with at most one REST request in two seconds. A shard sends at
// most 100 requests per minute.
func TestAges(t *testing.T) {
	const most = 25 * time.Minute
	for _, tt := range []struct {
		guilds, people int
		within         time.Duration
		rest           bool
	}{
		{1, 1, time.Minute, false}, {1, 2500, time.Minute, false}, {50, 2500, time.Minute, false},
		{300, 300, 3*time.Minute + time.Second, false}, {2500, 2500, 21 * time.Minute, true},
	} {
		t.Run(fmt.Sprintf("%d in %d", tt.people, tt.guilds), func(t *testing.T) {
			inside(t, func(d *discordOf) {
				began := time.Now()
				oldest := d.watch(t, tt.guilds, tt.people, min(most, tt.within+tt.within/4), 2*tt.within+3*time.Minute)
				synctest.Wait()
				rest := float64(len(d.rest)) / time.Since(began).Seconds()
				t.Logf("the oldest answer was %v old, %d messages in the busiest minute, %d people in the largest, "+
					"%.2f requests of REST a second",
					oldest, d.busiest(), d.most, rest)
				if oldest > tt.within || d.busiest() > standings.RequestsPerMinute ||
					d.most > standings.UsersPerRequest {
					t.Errorf("want at most %v", tt.within)
				}
				if rest > 0.5 || (rest > 0) != tt.rest {
					t.Errorf("%.2f requests of REST a second", rest)
				}
			})
		})
	}
}

func (d *discordOf) wantChanges(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.changes, want) {
		t.Errorf("changes %q, want %q", d.changes, want)
	}
	d.changes = nil
}

// Changed is called for every change, whether it came by an answer, an event or REST.
func TestChanges(t *testing.T) {
	inside(t, func(d *discordOf) {
		const guild, ann, bob snowflake.ID = 1, 7, 8
		d.now(func() {
			d.guilds, d.places[guild] = []snowflake.ID{guild}, []snowflake.ID{ann}
			d.roles[ann], d.roles[bob] = nil, nil
		})
		d.Follow(guild, []snowflake.ID{bob})
		time.Sleep(7 * time.Second)
		d.wantChanges(t)
		for _, u := range []snowflake.ID{ann, bob} {
			if st, ok := d.Known(guild, u); !ok || !st.Member {
				t.Fatalf("of %d is known %+v", u, st)
			}
		}
		d.now(func() { d.roles[ann] = []snowflake.ID{5} })
		time.Sleep(standings.RefreshAfter + 5*time.Second)
		d.wantChanges(t, "7: true[] to true[5]")
		d.MemberUpdated(member(guild, ann, 5, 6))
		d.MemberUpdated(member(guild, ann, 6, 5)) // the same in another order
		d.MemberUpdated(member(guild, 99, 6))     // nobody follows them
		d.wantChanges(t, "7: true[5] to true[5 6]")
		d.Put(access.Standing{
			GuildID: guild, UserID: ann, Member: true, Roles: []snowflake.ID{6}, Username: "u7", CheckedAt: time.Now(),
		})
		d.Put(access.Standing{GuildID: guild, UserID: ann, CheckedAt: time.Now().Add(-time.Hour)}) // late
		d.wantChanges(t, "7: true[5 6] to true[6]")
		d.now(func() { delete(d.roles, bob) })
		d.Follow(guild, []snowflake.ID{bob})
		time.Sleep(standings.RefreshAfter + 5*time.Second)
		d.wantChanges(t, "7: true[6] to true[5]", "8: true[] to false[]")
		d.MemberRemoved(guild, ann)
		d.MemberRemoved(guild, 99)
		d.wantChanges(t, "7: true[5] to false[]")
		if _, known := d.Known(guild, 99); known {
			t.Error("a stranger is remembered")
		}
		d.now(func() { delete(d.places, guild) })
		time.Sleep(2 * standings.FollowTime)
		if _, known := d.Known(guild, ann); known {
			t.Error("whom nobody follows is remembered")
		}
	})
}

// The end of a timeout is a change, although Discord sends no event for it.
func TestTimeoutEnds(t *testing.T) {
	inside(t, func(d *discordOf) {
		d.now(func() { d.guilds, d.places[1], d.deaf = []snowflake.ID{1}, []snowflake.ID{7}, true })
		until := time.Now().Add(30 * time.Second)
		d.Put(access.Standing{GuildID: 1, UserID: 7, Member: true, TimedOutUntil: until, CheckedAt: time.Now()})
		time.Sleep(20 * time.Second)
		d.wantChanges(t)
		time.Sleep(20 * time.Second)
		d.wantChanges(t, "7: true[] to true[]")
	})
}

// A standing that came from REST is computed again when a role changes.
func TestRenewedAfterREST(t *testing.T) {
	inside(t, func(d *discordOf) {
		d.now(func() { d.roles[7] = []snowflake.ID{5} })
		d.Follow(1, []snowflake.ID{7})
		time.Sleep(3 * time.Second)
		d.Put(access.Standing{
			GuildID: 1, UserID: 7, Member: true, Roles: []snowflake.ID{6}, Username: "u7", CheckedAt: time.Now(),
		})
		d.wantChanges(t, "7: true[5] to true[6]")
		d.Reevaluate(1)
		d.wantChanges(t)
	})
}

// An urgent request is sent at once, together with other urgent ones; if it cannot be sent, the caller
// learns so in time.
func TestGet(t *testing.T) {
	inside(t, func(d *discordOf) {
		ctx := context.Background()
		d.now(func() {
			for u := snowflake.ID(100); u < 2600; u++ {
				d.roles[u] = nil
			}
		})
		began := time.Now()
		if st, ok := d.Get(ctx, 1, 100, time.Minute); !ok || !st.Member || time.Since(began) > 100*time.Millisecond {
			t.Errorf("%+v %v after %v", st, ok, time.Since(began))
		}
		if _, ok := d.Get(ctx, 1, 100, 5*time.Second); !ok {
			t.Error("what was just told is not known")
		}
		time.Sleep(6 * time.Second)
		if _, ok := d.Get(ctx, 1, 100, 5*time.Second); ok {
			t.Error("what is 6 s old passed for 5")
		}
		time.Sleep(time.Minute)

		// 2,500 people in 50 servers become urgent at the same time, all while the first request is on its
		// way, however few there are by the time the machine sends it.
		var wg sync.WaitGroup
		var mu sync.Mutex
		known, sent, hold := 0, d.count(), make(chan struct{})
		d.now(func() { d.hold = hold })
		for u := snowflake.ID(100); u < 2600; u++ {
			wg.Go(func() {
				if _, ok := d.Get(ctx, 1+u%50, u, time.Minute); ok {
					mu.Lock()
					known++
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		close(hold)
		wg.Wait()
		if known < 2400 || d.count()-sent > standings.RequestsPerMinute {
			t.Errorf("%d were answered, by %d messages", known, d.count()-sent)
		}

		d.now(func() { d.deaf = true })
		time.Sleep(5 * time.Minute)
		began = time.Now()
		if _, ok := d.Get(ctx, 1, 100, time.Minute); ok || time.Since(began) > 4*time.Second {
			t.Errorf("without an answer it waited %v", time.Since(began))
		}
		d.now(func() { d.deaf, d.down = false, true })
		time.Sleep(5 * time.Minute)
		began = time.Now()
		if _, ok := d.Get(ctx, 1, 100, time.Minute); ok || time.Since(began) > 4*time.Second {
			t.Errorf("without a connection it waited %v", time.Since(began))
		}
		if _, ok := d.Get(ctx, 1, 100, time.Minute); ok || time.Since(began) > 4*time.Second {
			t.Errorf("without a connection it waited again, %v", time.Since(began))
		}
	})
}

// A request without an answer is sent again; one that Discord refused for its rate limit waits.
func TestAskedAgain(t *testing.T) {
	inside(t, func(d *discordOf) {
		d.now(func() { d.deaf, d.roles[7] = true, nil })
		d.Follow(1, []snowflake.ID{7})
		time.Sleep(9 * time.Second)
		if d.count() != 1 {
			t.Errorf("asked %d times within 9 s", d.count())
		}
		d.RateLimited(0, 30*time.Second)
		time.Sleep(25 * time.Second)
		if d.count() > 2 {
			t.Errorf("asked %d times although Discord wants a pause", d.count())
		}
		d.now(func() { d.deaf = false })
		time.Sleep(20 * time.Second)
		if st, ok := d.Known(1, 7); !ok || !st.Member {
			t.Errorf("known is %+v", st)
		}
	})
}

func sorted(ids []snowflake.ID) []snowflake.ID { return slices.Sorted(slices.Values(ids)) }
