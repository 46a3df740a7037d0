package discordapi_test

import (
	"context"
	"slices"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/room"
)

// open, locked and so on are the kinds of rooms, and who else than their people sees and enters them.
var kinds = []struct {
	name                    string
	private, locked, hidden bool
	seen, entered           bool
}{
	{"open", false, false, false, true, true},
	{"locked", false, true, false, true, false},
	{"hidden", false, false, true, false, false},
	{"private", true, false, false, false, false},
}

// settled gives the category overwrites of all sorts: of a role that may enter, a role that may not speak, a bot, a
// person who may enter, and one who may not.
func settled(f *fixture) {
	muted, err := f.Discord.AddRole(f.Guild, "Muted", 0)
	f.Must(err)
	club, err := f.Discord.AddRole(f.Guild, "Club", 0)
	f.Must(err)
	f.ids["Muted"], f.ids["Club"] = muted, club
	f.Must(f.Discord.SetRoles(f.Guild, f.id("kiyo"), muted))
	music := f.Discord.AddApplication(discordsim.ApplicationOptions{Name: "Music"})
	f.ids["Music"] = music.ID
	f.Must(f.Discord.InstallBot(f.Guild, music.ID, 0))
	for _, name := range []string{"clubber", "friend", "foe"} {
		f.ids[name] = f.Discord.AddUser(name, "").ID
		f.Must(f.Discord.AddMember(f.Guild, f.ids[name], ""))
	}
	f.Must(f.Discord.SetRoles(f.Guild, f.id("clubber"), club))
	enter, speak := discordsim.Permissions(seeAndEnter), discordsim.Permissions(discordsim.PermSpeak)
	f.Must(f.Discord.SetOverwrites(f.id("Rooms"),
		discordsim.Overwrite{ID: f.id("Helper"), Allow: enter}, discordsim.Overwrite{ID: muted, Deny: speak},
		discordsim.Overwrite{ID: club, Allow: enter},
		discordsim.Overwrite{ID: f.id("Music"), Member: true, Allow: enter},
		discordsim.Overwrite{ID: f.id("friend"), Member: true, Allow: enter},
		discordsim.Overwrite{ID: f.id("foe"), Member: true, Deny: enter}))
}

// A room of each kind, made so or changed into it from each other, lets in whom it should, as Discord computes it; and
// what rooms are told to expect before is what they find afterwards.
func TestKindsOfRooms(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setup{arrange: settled})
	of := func(i int) rooms.RoomAccess {
		a := f.access("kiyo")
		a.Private, a.Locked, a.Hidden = kinds[i].private, kinds[i].locked, kinds[i].hidden
		a.Helpers, a.Roles[f.id("kiyo")] = []snowflake.ID{f.id("Helper")}, []snowflake.ID{f.id("Muted")}
		return a
	}
	check := func(how string, channel snowflake.ID, i int) {
		t.Helper()
		k := kinds[i]
		for who, is := range map[string]struct{ seen, entered, speaks bool }{
			"mara": {true, true, true}, "jonas": {true, true, true}, "kiyo": {true, true, false},
			"ada":   {true, true, true},
			"Music": {true, true, true}, "tomas": {}, "foe": {},
			"priya": {k.seen, k.entered, k.entered}, "clubber": {k.seen, k.entered, k.entered},
			"friend": {k.seen, k.entered, k.entered},
		} {
			p, err := f.Discord.PermissionsIn(f.id(who), channel)
			f.Must(err)
			got := struct{ seen, entered, speaks bool }{
				p.Has(discordsim.PermViewChannel), p.Has(discordsim.PermConnect),
				p.Has(discordsim.PermConnect | discordsim.PermSpeak),
			}
			if got != is {
				t.Errorf("%s: %s gets %+v, want %+v", how, who, got, is)
			}
		}
	}
	var people []access.Standing
	for _, who := range []string{"mara", "jonas", "kiyo", "priya", "tomas", "ada", "clubber", "friend", "foe"} {
		s, err := f.api.Standing(t.Context(), f.Guild, f.id(who))
		f.Must(err)
		people = append(people, s)
	}
	// expected compares whom rooms expect to enter, and to see the room, with whom Discord lets in.
	expected := func(how string, channel snowflake.ID, a rooms.RoomAccess, p rooms.Place) {
		t.Helper()
		in := room.Access{
			OwnerID: a.OwnerID, Guests: a.Guests, Banned: a.Banned, Private: a.Private, Locked: a.Locked,
			Hidden: a.Hidden, Channel: p.Channel, Gates: p.Gates,
		}
		for _, s := range people {
			is, err := f.Discord.PermissionsIn(s.UserID, channel)
			f.Must(err)
			if in.MayEnter(s) != is.Has(discordsim.Permissions(access.Enter)) ||
				in.MaySee(s) != is.Has(discordsim.PermViewChannel) {
				t.Errorf("%s: %s enters: %v, sees it: %v; not so in Discord", how, s.Username, in.MayEnter(s),
					in.MaySee(s))
			}
		}
	}
	for i, k := range kinds {
		a := of(i)
		soon := f.api.Place(0, 0, a, true)
		in := room.PendingCreate{GuildID: f.Guild, CategoryID: f.id("Rooms"), OwnerID: f.id("jonas"), Name: k.name}
		channel, whole, err := f.api.CreateRoomChannel(t.Context(), in, a)
		if err != nil || !whole {
			t.Fatal(whole, err)
		}
		check(k.name, channel, i)
		f.ids[k.name] = channel
		f.cached(k.name, "Snug")
		expected(k.name+", expected", channel, a, soon)
		expected(k.name+", found", channel, a, f.api.Place(channel, 0, a, false))
		for j, other := range kinds {
			how := k.name + ", then " + other.name
			a := of(j)
			soon := f.api.Place(channel, 0, a, true)
			more, err := f.api.SetAccess(t.Context(), channel, a, why)
			if err != nil || more {
				t.Fatal(more, err)
			}
			check(how, channel, j)
			expected(how+", expected", channel, a, soon)
			more, err = f.api.SetAccess(t.Context(), channel, a, why) // nothing is left to change
			if err != nil || more {
				t.Fatal(more, err)
			}
			if asked := f.asked(); asked[len(asked)-1] != "GET /channels/"+k.name {
				t.Errorf("%s: asked %q at last", how, asked[len(asked)-1])
			}
			back, err := f.api.SetAccess(t.Context(), channel, of(i), why)
			if err != nil || back {
				t.Fatal(back, err)
			}
		}
	}
}

// What the cache knows of a server.
func TestCached(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setup{arrange: func(f *fixture) {
		settled(f)
		f.Must(f.Discord.SetAFKChannel(f.Guild, f.id("Lounge")))
	}})
	if !f.api.AFK(f.Guild, f.id("Lounge")) || f.api.AFK(f.Guild, f.id("Friday")) || f.api.AFK(1, f.id("Lounge")) {
		t.Error("another AFK channel")
	}
	got := f.api.RoleNames(f.Guild, []snowflake.ID{f.id("Helper"), 1, f.id("Muted")})
	if !slices.Equal(got, []string{"Helper", "Muted"}) {
		t.Errorf("roles %q", got)
	}
	if g := f.api.Guild(f.Guild); g.OwnerID != f.id("mara") || len(g.Roles) == 0 || f.api.Guild(1).OwnerID != 0 {
		t.Errorf("guild %+v", g)
	}
	bots := 0
	for _, r := range f.Discord.State().Guilds[0].Roles {
		if f.api.BotRole(f.Guild, r.ID) {
			bots++
		}
	}
	if bots != 2 || f.api.BotRole(f.Guild, 1) {
		t.Errorf("%d roles of bots", bots)
	}
	for _, who := range []string{"mara", "jonas", "kiyo", "priya", "tomas", "ada", "clubber", "friend", "foe"} {
		s, err := f.api.Standing(t.Context(), f.Guild, f.id(who))
		f.Must(err)
		for _, channel := range []string{"Friday", "Rooms", "Lounge"} {
			p, err := f.Discord.PermissionsIn(f.id(who), f.id(channel))
			f.Must(err)
			if got := f.api.CanEnter(f.id(channel), s); got != p.Has(discordsim.Permissions(access.Enter)) {
				t.Errorf("%s may enter %s: %v", who, channel, got)
			}
		}
	}
	if f.api.CanEnter(1, access.Standing{}) {
		t.Error("somebody may enter a channel that nobody knows")
	}
}

// A program that only reads asks for everything, and needs no gateway.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, setup{uncached: true})
	d, end, err := discordapi.NewReadOnly(f.App.BotToken, f.URL, f.clock.Now)
	f.Must(err)
	defer end(context.Background())
	list, err := d.Permissions(t.Context(), f.Guild, nil)
	if err != nil || len(list) != 10 || slices.ContainsFunc(list, func(p rooms.Permission) bool { return !p.Granted }) {
		t.Errorf("%v, %v", list, err)
	}
	if asked := f.asked(); !slices.Equal(asked, []string{getRoles, getSelf}) {
		t.Errorf("asked %q", asked)
	}
	if _, _, err := discordapi.NewReadOnly("no token", f.URL, f.clock.Now); err == nil {
		t.Error("a token that is none is taken")
	}
}
