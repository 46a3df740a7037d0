package discordapi

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
)

const (
	testGuild = snowflake.ID(1)
	testSelf  = snowflake.ID(2)
	testBits  = discord.PermissionViewChannel | discord.PermissionConnect | discord.PermissionSpeak
)

// However the overwrites of a channel change, at no step can anybody do what
// they could neither before nor afterwards; and in the end all is as wanted.
func TestStepsOpenNothingWider(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	some := func() []discord.PermissionOverwrite {
		any := func() bits {
			allow := discord.Permissions(rng.Uint64()) & testBits
			return bits{allow, discord.Permissions(rng.Uint64()) & testBits &^ allow}
		}
		list := []discord.PermissionOverwrite{
			withBits(discord.MemberPermissionOverwrite{UserID: testSelf}, bits{allow: BotAllow}),
		}
		for id := testGuild; id < 16; id++ {
			switch {
			case id == testSelf || rng.IntN(3) == 0:
			case id == testGuild || id > 9:
				list = append(list, withBits(discord.RolePermissionOverwrite{RoleID: id}, any()))
			default:
				list = append(list, withBits(discord.MemberPermissionOverwrite{UserID: id}, any()))
			}
		}
		return list
	}
	for range 2000 {
		have, want := some(), some()
		roles := []snowflake.ID{}
		for id := snowflake.ID(10); id < 16; id++ {
			if rng.IntN(2) == 0 {
				roles = append(roles, id)
			}
		}
		can := func(list []discord.PermissionOverwrite, user snowflake.ID) discord.Permissions {
			return permissionsIn(testBits, list, testGuild, user, roles)
		}
		now := have
		for i, s := range steps(have, want, testSelf) {
			now = s.on(now)
			for user := snowflake.ID(3); user < 10; user++ {
				if wider := can(now, user) &^ (can(have, user) | can(want, user)); wider != 0 {
					t.Fatalf("seed %d: step %d lets %d do %s", seed, i, user, wider)
				}
			}
		}
		if !alike(now, want) {
			t.Fatalf("seed %d: from %v to %v ended in %v", seed, have, want, now)
		}
	}
}

func alike(a, b []discord.PermissionOverwrite) bool {
	if len(a) != len(b) {
		return false
	}
	for _, o := range a {
		if !slices.ContainsFunc(b,
			func(x discord.PermissionOverwrite) bool { return x.ID() == o.ID() && bitsOf(x) == bitsOf(o) }) {
			return false
		}
	}
	return true
}

// A channel that cannot get all who are kept out at once is made closed; nobody else's place is lost by that.
func TestCreationBeginsClosed(t *testing.T) {
	list := []discord.PermissionOverwrite{
		discord.MemberPermissionOverwrite{UserID: testSelf, Allow: BotAllow},
		discord.MemberPermissionOverwrite{UserID: 3, Allow: GuestAllow},
		discord.RolePermissionOverwrite{RoleID: 10, Allow: seeAndEnter},
	}
	for id := range snowflake.ID(200) {
		list = append(list, discord.MemberPermissionOverwrite{UserID: 100 + id, Deny: EveryoneDeny})
	}
	first, whole := atCreation(list, testGuild)
	if whole || len(first) != maxAtOnce {
		t.Fatalf("%d overwrites, whole: %v", len(first), whole)
	}
	for user, want := range map[snowflake.ID]discord.Permissions{
		testSelf: seeAndEnter, 3: seeAndEnter, 150: 0, 299: 0, 999: 0,
	} {
		if got := permissionsIn(testBits, first, testGuild, user, []snowflake.ID{10}) & seeAndEnter; got != want {
			t.Errorf("%d can %v", user, got)
		}
	}
	if first, whole = atCreation(list[:maxAtOnce], testGuild); !whole || len(first) != maxAtOnce {
		t.Errorf("a hundred: %d, whole: %v", len(first), whole)
	}
}

// What a new channel is given in steps of one call is what it is said to have had.
func TestTaken(t *testing.T) {
	var want []discord.PermissionOverwrite
	for id := range snowflake.ID(150) {
		want = append(want, discord.MemberPermissionOverwrite{UserID: 100 + id, Deny: EveryoneDeny})
	}
	have, calls := want[:maxAtOnce], 0
	for ; !alike(have, want); calls++ {
		if calls > 10 {
			t.Fatal("it never ends")
		}
		have = taken(have, want, testSelf)
	}
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}
