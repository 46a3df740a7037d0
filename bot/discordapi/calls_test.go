package discordapi_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"

	"snug/bot/discordapi"
	"snug/bot/rooms"
	"snug/shared/access"
	"snug/shared/room"
)

// call is a call of Discord's, and what it does while all is well.
type call struct {
	name string // of the method; what follows a comma tells calls of the same method apart
	do   func(context.Context, *fixture) (got string, err error)
	got  string
	// asks are the requests that it makes, and uncached what they are with empty caches; nil: the same.
	asks, uncached []string
	reason         string   // of the requests that change something; "" for calls that have none
	changes        []string // what Discord then has
	doing, needs   string   // how its errors name it, and the permissions
	// absent is what it returns if Discord says that something is gone where that is no error, by the request
	// that Discord says it to.
	absent map[string]string
	looks  bool   // all its requests are what doing says
	text   string // the field of what people typed; "" for calls without any
	after  string // the request that it makes to see whether Discord has done what it doesn't repeat; "" for none
}

// overwrite is the line of a picture about a permission overwrite.
func overwrite(channel, who string, allow, deny discord.Permissions) string {
	return fmt.Sprintf("%s, %s: +%s -%s", channel, who, discordapi.Names(allow), discordapi.Names(deny))
}

const (
	seeAndEnter = discord.PermissionViewChannel | discord.PermissionConnect
	// self are the overwrites of the bot itself.
	self        = discordapi.BotAllow | discordapi.BotExtra
	create      = "POST /guilds/Friends/channels"
	putPriya    = "PUT /channels/Friday/permissions/priya"
	putKiyo     = "PUT /channels/Friday/permissions/kiyo"
	removeKiyo  = "DELETE /channels/Friday/permissions/kiyo"
	getRoles    = "GET /guilds/Friends/roles"
	getSelf     = "GET /guilds/Friends/members/Snug"
	getCategory = "GET /channels/Rooms"
	getFriday   = "GET /channels/Friday"
	getLounge   = "GET /channels/Lounge"
	getGeneral  = "GET /channels/general"
	getPriya    = "GET /guilds/Friends/members/priya"
	opening     = "View Channels, Connect, Speak, Video, Move Members and Manage Channels"
	making      = "View Channels, Connect, Move Members and Manage Channels"
	why         = "Snug: a test, with ümlauts"
)

// calls are all calls, each on a fresh fixture.
func calls() []call {
	side := func() []string { return []string{getRoles, getSelf, getCategory} }
	return []call{
		{
			name: "CreateRoomChannel",
			do: func(ctx context.Context, f *fixture) (string, error) {
				id, whole, err := f.api.CreateRoomChannel(ctx, room.PendingCreate{
					GuildID: f.Guild, CategoryID: f.id("Rooms"), OwnerID: f.id("jonas"), Name: "Saturday", Seats: 3,
				}, f.access("kiyo"))
				return fmt.Sprintf("%s, whole: %v", f.name(id), whole), err
			},
			got: "new, whole: true", asks: []string{create}, uncached: append(side(), create),
			reason: "Snug: a room for ",
			changes: plus(`channel Saturday: type 2 in "Rooms", limit 3, status ""`,
				overwrite("Saturday", "Snug", self, 0), overwrite("Saturday", "everyone", 0, seeAndEnter),
				overwrite("Saturday", "jonas", discordapi.GuestAllow, 0),
				overwrite("Saturday", "kiyo", discordapi.GuestAllow, 0),
				overwrite("Saturday", "tomas", 0, seeAndEnter)),
			absent: map[string]string{getCategory: "new, whole: true"},
			doing:  "open a room", needs: opening, text: "name",
		},
		{
			name: "CreateLobby",
			do: func(ctx context.Context, f *fixture) (string, error) {
				id, err := f.api.CreateLobby(ctx, f.Guild, f.id("Rooms"), "Entrance")
				return f.name(id), err
			},
			got: "new", asks: []string{create}, uncached: append(side(), create),
			absent: map[string]string{getCategory: "new"}, reason: "Snug: a lobby",
			changes: plus(`channel Entrance: type 2 in "Rooms", limit 0, status ""`,
				overwrite("Entrance", "Helper", seeAndEnter, 0), overwrite("Entrance", "Snug", self, 0)),
			doing: "make a lobby", needs: making, text: "name",
		},
		{
			name: "CreateCategory",
			do: func(ctx context.Context, f *fixture) (string, error) {
				id, err := f.api.CreateCategory(ctx, f.Guild, "Rooms 2", f.id("Rooms"))
				return f.name(id), err
			},
			got: "new", asks: []string{create}, uncached: append(side(), create),
			absent: map[string]string{getCategory: "new"}, reason: "Snug: a category for rooms",
			changes: plus(`channel Rooms 2: type 4 in "", limit 0, status ""`,
				overwrite("Rooms 2", "Helper", seeAndEnter, 0), overwrite("Rooms 2", "Snug", self, 0)),
			doing: "make a category", needs: making, text: "name",
		},
		{
			name: "CreateCategory, like none",
			do: func(ctx context.Context, f *fixture) (string, error) {
				id, err := f.api.CreateCategory(ctx, f.Guild, "Rooms 2", 0)
				return f.name(id), err
			},
			got: "new", asks: []string{create}, uncached: append(side()[:2], create),
			reason:  "Snug: a category for rooms",
			changes: plus(`channel Rooms 2: type 4 in "", limit 0, status ""`, overwrite("Rooms 2", "Snug", self, 0)),
			doing:   "make a category", needs: making, text: "name",
		},
		{
			name: "DeleteChannel",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.DeleteChannel(ctx, f.id("general"), why)
			},
			asks: []string{"DELETE /channels/general"}, reason: why,
			changes: []string{`- channel general: type 0 in "", limit 0, status ""`},
			doing:   "close the room", needs: "Manage Channels",
			absent: map[string]string{"DELETE /channels/general": ""},
		},
		{
			name: "FetchChannel",
			do: func(ctx context.Context, f *fixture) (string, error) {
				c, err := f.api.FetchChannel(ctx, f.Guild, f.id("Friday"))
				return fmt.Sprintf("%s: %s in %s, %d seats, marked: %v, hides: %v, locks: %v, admitted: %v, banned: %v",
					c.Name, c.Kind, f.name(c.ParentID), c.UserLimit, c.Marked, c.Hides, c.Locks, f.all(c.Admitted),
					f.all(c.Banned)), err
			},
			got: "Friday: voice in Rooms, 4 seats, marked: true, hides: true, locks: true, admitted: [jonas kiyo], " +
				"banned: [tomas]",
			asks: []string{getFriday}, doing: "look at a room", needs: "View Channels and Connect", looks: true,
		},
		{
			name: "Channels",
			do: func(ctx context.Context, f *fixture) (string, error) {
				list, err := f.api.Channels(ctx, f.Guild)
				var names []string
				for _, c := range list {
					names = append(names, fmt.Sprintf("%s: %s", c.Name, c.Kind))
				}
				return strings.Join(names, ", "), err
			},
			got:  "general: text, Lounge: voice, Rooms: category, Friday: voice",
			asks: []string{"GET /guilds/Friends/channels"}, doing: "look at the server's channels",
			needs: "View Channels",
		},
		{
			name: "ChannelsAndRoles",
			do: func(ctx context.Context, f *fixture) (string, error) {
				skip := func(id snowflake.ID) bool { return id == f.id("Friday") }
				got, err := f.api.ChannelsAndRoles(ctx, f.Guild, skip)
				return fmt.Sprint("categories ", len(got.Categories), ", voice ", len(got.Voice), ", text ",
					len(got.Text)), err
			},
			got:  "categories 1, voice 1, text 1",
			asks: []string{"GET /guilds/Friends/channels"}, doing: "look at the server's channels",
			needs: "View Channels",
		},
		{
			name: "SetAccess",
			do: func(ctx context.Context, f *fixture) (string, error) {
				more, err := f.api.SetAccess(ctx, f.id("Friday"), f.access("priya"), why)
				return fmt.Sprint("more: ", more), err
			},
			got:      "more: false",
			asks:     []string{getFriday, removeKiyo, putPriya},
			uncached: slices.Concat([]string{getFriday}, side(), []string{removeKiyo, putPriya}),
			reason:   why,
			changes: []string{
				"- " + overwrite("Friday", "kiyo", discordapi.GuestAllow, 0),
				"+ " + overwrite("Friday", "priya", discordapi.GuestAllow, 0),
			},
			doing: "change who may enter the room", needs: "Manage Channels and Manage Roles",
			absent: map[string]string{removeKiyo: "more: false", getCategory: "more: false"},
		},
		{
			name: "Admit",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Admit(ctx, f.id("Friday"), f.id("priya"), f.access("kiyo", "priya"), why)
			},
			asks: []string{getFriday, putPriya}, uncached: append(side(), getFriday, putPriya), reason: why,
			absent:  map[string]string{getCategory: ""},
			changes: plus(overwrite("Friday", "priya", discordapi.GuestAllow, 0)),
			doing:   "let somebody into the room", needs: "Manage Roles",
		},
		{
			name: "Expel",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Expel(ctx, f.id("Friday"), f.id("kiyo"), false, f.access(), why)
			},
			asks: []string{getFriday, removeKiyo}, uncached: append(side(), getFriday, removeKiyo), reason: why,
			changes: []string{"- " + overwrite("Friday", "kiyo", discordapi.GuestAllow, 0)},
			doing:   "remove somebody from the room", needs: "Manage Roles",
			absent: map[string]string{getFriday: "", removeKiyo: "", getCategory: ""},
		},
		{
			name: "Expel, ban",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Expel(ctx, f.id("Friday"), f.id("kiyo"), true, f.access(), why)
			},
			asks: []string{getFriday, putKiyo}, uncached: append(side(), getFriday, putKiyo), reason: why,
			absent: map[string]string{getCategory: ""},
			changes: []string{
				"- " + overwrite("Friday", "kiyo", discordapi.GuestAllow, 0),
				"+ " + overwrite("Friday", "kiyo", 0, seeAndEnter),
			},
			doing: "keep somebody out of the room", needs: "Manage Roles",
		},
		{
			name: "Deny",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Deny(ctx, f.id("Friday"), access.Overwrite{
					ID: f.id("kiyo"), Member: true, Deny: access.Permissions(discord.PermissionSpeak),
				}, why)
			},
			asks: []string{getFriday, putKiyo}, reason: why,
			changes: []string{
				"- " + overwrite("Friday", "kiyo", discordapi.GuestAllow, 0),
				"+ " + overwrite("Friday", "kiyo", discordapi.GuestAllow&^discord.PermissionSpeak,
					discord.PermissionSpeak),
			},
			doing: "deny what somebody else denied", needs: "Manage Roles",
		},
		{
			name: "Move",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Move(ctx, f.Guild, f.id("jonas"), f.id("Lounge"), f.id("Friday"), why)
			},
			asks: []string{"PATCH /guilds/Friends/members/jonas"}, after: "GET /guilds/Friends/voice-states/jonas",
			reason:  why,
			changes: []string{"- jonas is in Lounge", "+ jonas is in Friday"},
			doing:   "move somebody", needs: "Move Members and Connect",
		},
		{
			name: "Move, out of voice",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Move(ctx, f.Guild, f.id("kiyo"), f.id("Friday"), 0, why)
			},
			asks: []string{"PATCH /guilds/Friends/members/kiyo"}, after: "GET /guilds/Friends/voice-states/kiyo",
			reason:  why,
			changes: []string{"- kiyo is in Friday"},
			doing:   "move somebody", needs: "Move Members and Connect",
		},
		{
			name: "Rename",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.Rename(ctx, f.id("Friday"), "Sunday", why)
			},
			asks: []string{"PATCH /channels/Friday"}, reason: why,
			changes: renamed("Friday", "Sunday"), doing: "rename the room", needs: "Manage Channels", text: "name",
		},
		{
			name: "SetLimit",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.SetLimit(ctx, f.id("Friday"), 7, why)
			},
			asks: []string{"PATCH /channels/Friday"}, reason: why,
			changes: []string{
				`- channel Friday: type 2 in "Rooms", limit 4, status ""`,
				`+ channel Friday: type 2 in "Rooms", limit 7, status ""`,
			},
			doing: "change the room's seats", needs: "Manage Channels",
		},
		{
			name: "SetStatus",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.SetStatus(ctx, f.id("Friday"), "Chess", why)
			},
			asks: []string{"PUT /channels/Friday/voice-status"}, reason: why,
			changes: []string{
				`- channel Friday: type 2 in "Rooms", limit 4, status ""`,
				`+ channel Friday: type 2 in "Rooms", limit 4, status "Chess"`,
			},
			doing: "set the room's status", needs: "Set Voice Channel Status and Manage Channels", text: "status",
		},
		{
			name: "Standing",
			do: func(ctx context.Context, f *fixture) (string, error) {
				s, err := f.api.Standing(ctx, f.Guild, f.id("priya"))
				return fmt.Sprintf("%s, member: %v", f.name(s.UserID), s.Member), err
			},
			got: "priya, member: true", asks: []string{getPriya}, doing: "look up a member", needs: "View Channels",
			absent: map[string]string{getPriya: "priya, member: false"},
		},
		{
			name: "AddMember",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.AddMember(ctx, f.Guild, f.id("stranger"), f.tokenOf("stranger"))
			},
			asks:    []string{"PUT /guilds/Friends/members/stranger"},
			changes: plus("member stranger"),
			doing:   "bring you into the server", needs: "Create Invite",
		},
		{
			name: "MayInvite",
			do: func(ctx context.Context, f *fixture) (string, error) {
				may, err := f.api.MayInvite(ctx, f.Guild, f.id("Lounge"), f.id("priya"))
				return fmt.Sprint(may), err
			},
			got: "true", asks: []string{getPriya, getLounge}, uncached: []string{getPriya, getRoles, getLounge},
			doing: "look up a member", needs: "View Channels",
			absent: map[string]string{getPriya: "false"},
		},
		{
			name: "CreateInvite",
			do: func(ctx context.Context, f *fixture) (string, error) {
				code, err := f.api.CreateInvite(ctx, f.id("Friday"), f.id("stranger"), 5*time.Minute, why)
				return fmt.Sprintf("%d letters", len(code)), err
			},
			got:    "8 letters",
			asks:   []string{"POST /channels/Friday/invites", "GET /invites/code/target-users/job-status"},
			reason: why, changes: plus("invite into Friday: 300 s, 1 uses"),
			doing: "bring somebody into the server", needs: "Create Invite",
		},
		{
			name: "DeleteInvite",
			do: func(ctx context.Context, f *fixture) (string, error) {
				return "", f.api.DeleteInvite(ctx, f.code, why)
			},
			asks: []string{"DELETE /invites/code"}, reason: why,
			changes: []string{"- invite into Friday: 600 s, 1 uses"},
			doing:   "revoke an invite", needs: "Manage Channels",
			absent: map[string]string{"DELETE /invites/code": ""},
		},
		{
			name: "ListInvites",
			do: func(ctx context.Context, f *fixture) (string, error) {
				codes, err := f.api.ListInvites(ctx, f.id("Friday"))
				return fmt.Sprint(slices.Equal(codes, []string{f.code})), err
			},
			got: "true", asks: []string{"GET /channels/Friday/invites"}, doing: "look at a room's invites",
			needs: "Manage Channels",
		},
		{
			name: "Permissions",
			do: func(ctx context.Context, f *fixture) (string, error) {
				list, err := f.api.Permissions(ctx, f.Guild,
					[]rooms.Channel{{ID: f.id("Rooms"), Kind: rooms.KindCategory},
						{ID: f.id("general"), Kind: rooms.KindText}})
				missing := map[string]int{}
				for _, p := range list {
					if !p.Granted {
						missing[f.name(p.Where)]++
					}
				}
				return fmt.Sprint(len(list), " needs, missing ", missing), err
			},
			got: "20 needs, missing map[]", asks: []string{getCategory, getGeneral},
			uncached: append(side()[:2], getCategory, getGeneral),
			doing:    "look at a channel", needs: "View Channels", looks: true,
			absent: map[string]string{
				getCategory: "20 needs, missing map[Rooms:8]", getGeneral: "20 needs, missing map[general:2]",
			},
		},
		{
			name: "Send",
			do: func(ctx context.Context, f *fixture) (string, error) {
				id, err := f.api.Send(ctx, f.id("general"), discord.MessageCreate{Content: "hello"})
				return f.name(id), err
			},
			got: "new", asks: []string{"POST /channels/general/messages"}, changes: plus("message in general: hello"),
			doing: "write a message", needs: "View Channels and Send Messages", text: "content",
		},
		{
			name: "OpenDM",
			do: func(ctx context.Context, f *fixture) (string, error) {
				id, err := f.api.OpenDM(ctx, f.id("jonas"))
				return f.name(id), err
			},
			got: "new", asks: []string{"POST /users/@me/channels"}, changes: plus("direct messages with jonas"),
			doing: "send a direct message", needs: "Send Messages",
		},
	}
}

// plus makes changes of new lines.
func plus(lines ...string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, "+ "+l)
	}
	slices.Sort(out)
	return out
}

// renamed are the changes of a picture when Friday has another name.
func renamed(from, to string) []string {
	lines := []string{
		`channel ?: type 2 in "Rooms", limit 4, status ""`, "invite into ?: 600 s, 1 uses", "kiyo is in ?",
		overwrite("?", "Snug", self, 0), overwrite("?", "everyone", 0, seeAndEnter),
		overwrite("?", "jonas", discordapi.GuestAllow, 0), overwrite("?", "kiyo", discordapi.GuestAllow, 0),
		overwrite("?", "tomas", 0, seeAndEnter),
	}
	var out []string
	for _, l := range lines {
		out = append(out, "- "+strings.Replace(l, "?", from, 1), "+ "+strings.Replace(l, "?", to, 1))
	}
	return out
}

// Each call in a calm Discord: what it returns, what it asks and why, and what Discord then has; with full and with
// empty caches.
func TestCalm(t *testing.T) {
	for _, c := range calls() {
		for _, uncached := range []bool{false, true} {
			t.Run(c.title(uncached), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, setup{uncached: uncached})
				before := f.picture()
				got, err := c.do(t.Context(), f)
				if err != nil || got != c.got {
					t.Errorf("got %q, %v; want %q", got, err, c.got)
				}
				wantChanges(t, before, f.picture(), c.changes)
				var asked []string
				for _, r := range f.took() {
					asked = append(asked, r.asks)
					if write := !strings.HasPrefix(r.asks, "GET "); write && !strings.HasPrefix(r.reason, c.reason) ||
						write && (r.reason == "") != (c.reason == "") || !write && r.reason != "" {
						t.Errorf("%s for the reason %q", r.asks, r.reason)
					}
				}
				if want := c.order(uncached); !slices.Equal(asked, want) {
					t.Errorf("asked %q\nwant  %q", asked, want)
				}
			})
		}
	}
}

func (c *call) title(uncached bool) string {
	if uncached {
		return c.name + " without caches"
	}
	return c.name
}

// order lists the requests that a call makes.
func (c *call) order(uncached bool) []string {
	if uncached && c.uncached != nil {
		return c.uncached
	}
	return c.asks
}

func wantChanges(t *testing.T, before, after, want []string) {
	t.Helper()
	got := changes(before, after)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("Discord changed by\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// Every method that waits for Discord is among the calls.
func TestCallsAreComplete(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range calls() {
		name, _, _ := strings.Cut(c.name, ",")
		tried[name] = true
	}
	d := reflect.TypeFor[*discordapi.Discord]()
	waits := reflect.TypeFor[context.Context]()
	for m := range d.Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == waits {
			if !tried[m.Name] {
				t.Errorf("nothing tries %s", m.Name)
			}
			delete(tried, m.Name)
		}
	}
	for name := range tried {
		t.Errorf("%s is no call", name)
	}
}
