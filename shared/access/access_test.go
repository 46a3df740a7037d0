package access_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/testkit"
)

const (
	guild  snowflake.ID = 1
	someby snowflake.ID = 2 // who it is about
	red    snowflake.ID = 11
	blue   snowflake.ID = 12
	botish snowflake.ID = 13
)

func isBot(role snowflake.ID) bool { return role == botish }

func role(id snowflake.ID, allow, deny access.Permissions) access.Overwrite {
	return access.Overwrite{ID: id, Allow: allow, Deny: deny}
}

func own(allow, deny access.Permissions) access.Overwrite {
	return access.Overwrite{ID: someby, Member: true, Allow: allow, Deny: deny}
}

func plain(roles ...snowflake.ID) access.Member {
	return access.Member{Guild: guild, User: someby, Roles: roles, Base: access.Enter | access.ReadMessageHistory}
}

func TestCompute(t *testing.T) {
	with := func(f func(*access.Member)) access.Member { m := plain(red); f(&m); return m }
	both := access.Enter
	for name, c := range map[string]struct {
		m    access.Member
		list []access.Overwrite
		want access.Permissions
	}{
		"nothing said": {plain(), nil, both | access.ReadMessageHistory},
		"@everyone denied": {
			plain(), []access.Overwrite{role(guild, 0, access.Connect)}, access.ViewChannel | access.ReadMessageHistory,
		},
		"a role past @everyone": {
			plain(red), []access.Overwrite{role(guild, 0, both), role(red, both, 0)}, both | access.ReadMessageHistory,
		},
		"a role they have not": {plain(blue), []access.Overwrite{role(guild, 0, both), role(red, both, 0)}, 0},
		"one role allows, one denies": {
			plain(red, blue), []access.Overwrite{role(red, 0, both), role(blue, both, 0)},
			both | access.ReadMessageHistory,
		},
		"the member's own comes last": {
			plain(red), []access.Overwrite{role(red, both, 0), own(0, access.Connect)},
			access.ViewChannel | access.ReadMessageHistory,
		},
		"their own past a role": {
			plain(red), []access.Overwrite{role(red, 0, both), own(both, 0)}, both | access.ReadMessageHistory,
		},
		"somebody else's own": {
			plain(), []access.Overwrite{{ID: 99, Member: true, Deny: both}}, both | access.ReadMessageHistory,
		},
		"without View nothing": {plain(), []access.Overwrite{role(guild, 0, access.ViewChannel)}, 0},
		"without Connect no Move": {
			with(func(m *access.Member) { m.Base |= access.MoveMembers }),
			[]access.Overwrite{role(guild, 0, access.Connect)},
			access.ViewChannel | access.ReadMessageHistory,
		},
		"base without Connect": {with(func(m *access.Member) { m.Base = access.ViewChannel }), nil, access.ViewChannel},
		"administrators everything": {
			with(func(m *access.Member) { m.Base = access.Administrator }), []access.Overwrite{own(0, both)},
			access.All,
		},
		"the owner everything": {
			with(func(m *access.Member) { m.Base, m.Owner, m.TimedOut = 0, true, true }),
			[]access.Overwrite{own(0, both)}, access.All,
		},
		"timed out": {
			with(func(m *access.Member) { m.TimedOut = true }), []access.Overwrite{own(both, 0)},
			access.ViewChannel | access.ReadMessageHistory,
		},
		"pending": {
			with(func(m *access.Member) { m.Pending = true }), nil, access.ViewChannel | access.ReadMessageHistory,
		},
		"@everyone's overwrite is one": {
			plain(red), []access.Overwrite{role(guild, both, 0), role(red, 0, access.ViewChannel)}, 0,
		},
	} {
		if got := access.Compute(c.m, c.list); got != c.want {
			t.Errorf("%s: %b, want %b", name, got, c.want)
		}
	}
}

func TestGate(t *testing.T) {
	gated := []access.Overwrite{role(guild, 0, access.Enter), role(red, access.Enter, 0)}
	closed := []access.Overwrite{
		role(guild, 0, access.Enter), role(botish, access.Enter, 0), role(blue, 0, access.ViewChannel),
	}
	with := func(m access.Member, f func(*access.Member)) access.Member { f(&m); return m }
	for name, c := range map[string]struct {
		place []access.Overwrite
		m     access.Member
		want  access.Barrier
	}{
		"no gate":                {nil, plain(), access.Passes},
		"a role that is missing": {gated, plain(), access.MissingRole},
		"the role":               {gated, plain(red), access.Passes},
		"the role, and another denied": {
			append(gated, role(blue, 0, access.Connect)), plain(red, blue), access.Passes,
		},
		"a role denied": {
			[]access.Overwrite{role(blue, 0, access.Connect)}, plain(blue), access.RoleDenial,
		},
		"denied as well as missing": {append(gated, role(blue, 0, access.ViewChannel)), plain(blue), access.RoleDenial},
		"their own denial":          {append(gated, own(0, access.Connect)), plain(red), access.OwnDenial},
		"their own leave":           {append(gated, own(access.Enter, 0)), plain(), access.Passes},
		"closed":                    {closed, plain(), access.Passes},
		"closed, a role denied":     {closed, plain(blue), access.RoleDenial},
		"closed, their own denial":  {append(closed, own(0, access.ViewChannel)), plain(), access.OwnDenial},
		"a base without Connect": {
			nil, with(plain(), func(m *access.Member) { m.Base = access.ViewChannel }), access.MissingRole,
		},
		"an administrator": {
			append(gated, own(0, access.ViewChannel)),
			with(plain(), func(m *access.Member) { m.Base = access.Administrator }),
			access.Passes,
		},
		"pending": {
			nil, with(plain(red), func(m *access.Member) { m.Pending = true }), access.IsPending,
		},
		"timed out": {
			gated, with(plain(red), func(m *access.Member) { m.TimedOut = true }), access.IsTimedOut,
		},
		"sees it, but may not enter": {
			[]access.Overwrite{role(guild, 0, access.Connect), role(red, access.Connect, 0)}, plain(blue),
			access.MissingRole,
		},
		"closed for entering alone": {[]access.Overwrite{role(guild, 0, access.Connect)}, plain(), access.Passes},
		"a role allowed to see, not more": {
			[]access.Overwrite{role(guild, 0, access.Enter), role(red, access.ViewChannel, 0)}, plain(red),
			access.MissingRole,
		},
	} {
		if got := access.GateBarrier(c.m, access.Gate(guild, c.place, isBot)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestOpeners(t *testing.T) {
	roles := access.Roles{
		guild: access.ViewChannel, blue: access.Connect, botish: access.Connect, 14: access.Administrator,
	}
	m := plain()
	m.Base = access.ViewChannel
	if got := access.RolesThatAdmit(m, [][]access.Overwrite{nil}, roles,
		isBot); !reflect.DeepEqual(got, []snowflake.ID{blue}) {
		t.Errorf("a base without Connect: %v", got)
	}
	gated := []access.Overwrite{role(guild, 0, access.Enter), role(red, access.Enter, 0)}
	if got := access.RolesThatAdmit(plain(), [][]access.Overwrite{gated}, access.Roles{guild: access.Enter},
		isBot); !reflect.DeepEqual(got, []snowflake.ID{red}) {
		t.Errorf("a gated category: %v", got)
	}
}

func TestOverwriteText(t *testing.T) {
	for _, o := range []access.Overwrite{
		role(123456789012345678, access.ViewChannel, access.Connect), {ID: 7, Member: true, Deny: access.All}, {},
	} {
		b, err := o.MarshalText()
		var back access.Overwrite
		if err == nil {
			err = back.UnmarshalText(b)
		}
		if err != nil || back != o {
			t.Errorf("%+v became %s and that %+v, %v", o, b, back, err)
		}
	}
	for _, bad := range []string{"", "1", "1:2", "x:0:0", "1:g:0", "1:0:0:0", "mm1:0:0"} {
		if new(access.Overwrite).UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestComputesAsDiscord compares Compute with the simulated Discord's own
// arithmetic on channels and members drawn at random.
func TestComputesAsDiscord(t *testing.T) {
	const worlds, tries = 20, 200
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	bits := func() discordsim.Permissions {
		var p discordsim.Permissions
		for _, b := range []discordsim.Permissions{
			discordsim.PermViewChannel, discordsim.PermConnect, discordsim.PermMoveMembers,
			discordsim.PermReadMessageHistory, discordsim.PermManageGuild,
		} {
			if rng.IntN(2) == 0 {
				p |= b
			}
		}
		return p
	}
	const compared = access.Enter | access.MoveMembers | access.ReadMessageHistory | access.ManageGuild
	cases := 0
	for range worlds {
		s := discordsim.New(discordsim.Options{Seed: 1})
		owner := s.AddUser("owner", "").ID
		g, err := s.AddGuild("g", owner)
		testkit.NoError(t, err)
		roles := access.Roles{g.ID: access.Permissions(bits() | discordsim.PermViewChannel)}
		testkit.NoError(t, s.SetRole(g.ID, g.ID, discordsim.Permissions(roles[g.ID])))
		var ids []snowflake.ID
		for range 4 {
			p := bits()
			if rng.IntN(10) == 0 {
				p |= discordsim.PermAdministrator
			}
			id, err := s.AddRole(g.ID, "r", p)
			testkit.NoError(t, err)
			roles[id], ids = access.Permissions(p), append(ids, id)
		}
		user := s.AddUser("user", "").ID
		testkit.NoError(t, s.AddMember(g.ID, user, ""))
		c, err := s.AddChannel(g.ID, discordsim.ChannelOptions{Name: "c", Type: discordsim.ChannelVoice})
		testkit.NoError(t, err)
		for range tries {
			m := access.Member{
				Guild: g.ID, User: user, Pending: rng.IntN(8) == 0, TimedOut: rng.IntN(8) == 0,
				Owner: rng.IntN(20) == 0,
			}
			var list []access.Overwrite
			var theirs []discordsim.Overwrite
			for _, id := range append([]snowflake.ID{g.ID, user, owner}, ids...) {
				if id != g.ID && id != user && id != owner && rng.IntN(2) == 0 {
					m.Roles = append(m.Roles, id)
				}
				if rng.IntN(2) == 0 {
					o := discordsim.Overwrite{ID: id, Member: id == user || id == owner, Allow: bits(), Deny: bits()}
					o.Deny &^= o.Allow
					theirs = append(theirs, o)
					list = append(list,
						access.Overwrite{
							ID: id, Member: o.Member, Allow: access.Permissions(o.Allow),
							Deny: access.Permissions(o.Deny),
						})
				}
			}
			m.Base = roles.Base(g.ID, m.Roles)
			who := user
			if m.Owner {
				m.User, who, m.Roles, m.Base, m.Pending, m.TimedOut = owner, owner, nil, roles[g.ID], false, false
			} else {
				testkit.NoError(t, s.TimeOut(g.ID, user, time.Time{}))
				testkit.NoError(t, s.SetRoles(g.ID, user, m.Roles...))
				testkit.NoError(t, s.SetPending(g.ID, user, m.Pending))
				if m.TimedOut && !m.Admin() {
					testkit.NoError(t, s.TimeOut(g.ID, user, time.Now().Add(time.Hour)))
				}
			}
			testkit.NoError(t, s.SetOverwrites(c.ID, theirs...))
			want, err := s.PermissionsIn(who, c.ID)
			testkit.NoError(t, err)
			if got := access.Compute(m, list); got&compared != access.Permissions(want)&compared {
				t.Fatalf("seed %d: %+v in %+v: %b, Discord says %b", seed, m, list, got&compared,
					access.Permissions(want)&compared)
			}
			if mayJoin := s.MayJoin(who, c.ID) == nil; access.Compute(m, list).Has(access.Enter) != mayJoin {
				t.Fatalf("seed %d: %+v in %+v: Discord lets them join: %v", seed, m, list, mayJoin)
			}
			cases++
		}
	}
	t.Logf("%d cases", cases)
}
