package discordapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/ratelimit"
	"snug/bot/rooms"
	"snug/shared/discordsim"
	"snug/shared/errs"
)

// refusal is an answer of Discord's, and what people are told of it.
type refusal struct {
	name   string
	status int
	body   string
	want   errs.Code
	says   string // a part of the message
}

func code(n int) string { return fmt.Sprintf(`{"message":"no","code":%d}`, n) }

// what people can do about what Discord answers.
const (
	grantIt   = "A manager can grant it to Snug's role under Server Settings → Roles."
	tellHost  = "Let the person who hosts Snug know."
	tryAgain  = "Try again in a moment."
	ifExists  = "Check whether it still exists."
	askInvite = "Ask a member for a Discord invite to it, then open this link again."
)

// refusals are those that any request can meet; the first basic ones are all that reading is tried with.
const basic = 7

var refusals = []refusal{
	{"missing permissions", 403, code(50013), errs.MissingPermission, grantIt},
	{"missing access", 403, code(50001), errs.MissingPermission, grantIt},
	{"two-factor authentication", 403, code(60003), errs.MissingPermission, "the Discord account that owns Snug"},
	{"unknown channel", 404, code(10003), errs.NotFound, ifExists},
	{"the bot's token", 401, `{"message":"401: Unauthorized","code":0}`, errs.Internal, "“snug doctor” says what"},
	{"a page of a proxy's", 403, `<html>blocked</html>`, errs.DiscordUnavailable, tryAgain},
	{"a code of tomorrow's", 400, code(999999), errs.Internal, tellHost},
	{"unknown guild", 404, code(10004), errs.NotFound, ifExists},
	{"unknown member", 404, code(10007), errs.NotFound, ifExists},
	{"unknown message", 404, code(10008), errs.NotFound, ifExists},
	{"unknown overwrite", 404, code(10009), errs.NotFound, ifExists},
	{"unknown interaction", 404, code(10062), errs.NotFound, ifExists},
	{"a limit of channels", 400, code(30013), errs.RoomLimit, "Delete one, then try again."},
	{"a limit of overwrites", 400, code(30060), errs.RoomLimit, "Kick or unban somebody, then try again."},
	{"a limit of invites", 400, code(30016), errs.Invalid, "Delete some under Server Settings → Invites"},
	{"words", 400, code(20031), errs.Invalid, "Choose others."},
	{"a channel that the community needs", 400, code(50074), errs.Forbidden, "Ask one of its managers."},
	{"turned off", 403, code(40006), errs.RateLimited, "Try again later."},
	{"not in voice", 400, code(40032), errs.NotInVoice, "Join a voice channel first."},
	{"wrong kind of channel", 400, code(50024), errs.Internal, tellHost},
	{"a page that isn't there", 404, `<html>not found</html>`, errs.DiscordUnavailable, tryAgain},
}

// theirs are the refusals about the account of somebody whom Snug adds to a server.
var theirs = []refusal{
	{"an unverified account", 403, code(40002), errs.GuildJoinDenied, "you may have to verify it first"},
	{"banned", 403, code(40007), errs.GuildJoinDenied, "ask one of its managers"},
	{"in too many servers", 400, code(30001), errs.GuildJoinDenied, "Leave one, then open this link again."},
	{"as many members as fit", 403, code(30019), errs.GuildJoinDenied, "Ask one of its managers."},
	{"a revoked sign-in", 403, code(50025), errs.GuildJoinDenied, "Sign in again, then open this link again."},
}

// form is the refusal of a field.
func form(field string) string {
	return `{"message":"Invalid Form Body","code":50035,"errors":{"` + field +
		`":{"_errors":[{"code":"BASE_TYPE_BAD_LENGTH","message":"Must be shorter."}]}}}`
}

// reading is how errors name the requests that come before a call's own, and the permission.
var reading = map[string]string{
	getRoles: "look at the server's roles", getSelf: "look up its own roles", getFriday: "look at the room",
	getLounge: "look at the room", getCategory: "look at the category for rooms",
}

// meets lists the refusals of a call's request with the errors they become.
func (c *call) meets(asks string) []refusal {
	if strings.HasPrefix(asks, "GET ") {
		return refusals[:basic]
	}
	list := slices.Clone(refusals)
	for _, r := range theirs {
		if c.name != "AddMember" {
			r.want, r.says = errs.Internal, tellHost // it isn't the account of whoever reads it
		}
		list = append(list, r)
	}
	list = append(list,
		refusal{"an invalid form", 400, code(50035), errs.Internal, tellHost},
		refusal{"an invalid field", 400, form("nobody_types_it"), errs.Internal, tellHost})
	switch c.text {
	case "":
	case "name":
		list = append(list, refusal{"an invalid name", 400, form("name"), errs.Invalid, "Try a different name"})
	default:
		list = append(list, refusal{"an invalid " + c.text, 400, form(c.text), errs.Invalid, "Choose others."})
	}
	if c.name == "AddMember" {
		for i, r := range list {
			switch r.want {
			case errs.GuildJoinDenied, errs.DiscordUnavailable, errs.RateLimited:
			default:
				list[i].want, list[i].says = errs.GuildJoinDenied, askInvite
			}
		}
	}
	return list
}

// named is how errors name a request of a call, and the permissions it needs.
func (c *call) named(asks string) (doing, needs string) {
	if doing, ok := reading[asks]; ok && !(c.looks && strings.HasPrefix(asks, "GET /channels/")) {
		return doing, "View Channels"
	}
	return c.doing, c.needs
}

// Every refusal of every request becomes an error that names the next step, nothing more is asked, and what
// Discord has stays as it was; unless the refusal says that nothing is left to do.
func TestRefusals(t *testing.T) {
	for _, c := range calls() {
		for _, uncached := range []bool{false, true} {
			if uncached && c.uncached == nil {
				continue
			}
			t.Run(c.title(uncached), func(t *testing.T) {
				t.Parallel()
				s := setup{uncached: uncached}
				f := newFixture(t, s)
				calm := f.picture()
				for i, asks := range c.order(uncached) {
					if uncached && slices.Contains(c.asks, asks) {
						continue // it's tried with caches
					}
					for _, r := range c.meets(asks) {
						t.Run(asks+", "+r.name, func(t *testing.T) {
							f.refuse(t, c, asks, r, c.order(uncached)[:i+1])
						})
						if uncached {
							f.connect(s)
						}
						if i > 0 && !slices.Equal(f.picture(), calm) {
							f = newFixture(t, s)
						}
					}
				}
			})
		}
	}
}

// refuse makes a call of which a request is refused, after the requests that come before it.
func (f *fixture) refuse(t *testing.T, c call, asks string, r refusal, until []string) {
	before := f.picture()
	f.inject(asks, discordsim.Fault{Kind: discordsim.FaultAnswer, Status: r.status, Body: r.body})
	got, err := c.do(t.Context(), f)
	asked := f.asked()
	tolerated := r.want == errs.NotFound || r.want == errs.MissingPermission && (asks == getCategory || c.looks)
	if then, absent := c.absent[asks]; absent && tolerated {
		if err != nil || got != then {
			t.Errorf("got %q, %v; want %q", got, err, then)
		}
		return
	}
	if !slices.Equal(asked, until) {
		t.Errorf("asked %q\nwant  %q", asked, until)
	}
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Code != r.want || !strings.Contains(e.Message, r.says) {
		t.Fatalf("got %v, want %s with %q", err, r.want, r.says)
	}
	doing, needs := c.named(asks)
	if r.says == grantIt && !strings.Contains(e.Message, fmt.Sprintf("to %s: %s.", doing, needs)) {
		t.Errorf("%q doesn't name %q and %q", e.Message, doing, needs)
	}
	if (r.says == tryAgain || r.says == tellHost) && !strings.Contains(e.Message, doing) {
		t.Errorf("%q doesn't name %q", e.Message, doing)
	}
	if errors.Is(err, ratelimit.ErrOutcomeUnknown) {
		t.Errorf("what Discord refused is said to be unknown: %v", err)
	}
	if len(until) == 1 {
		wantChanges(t, before, f.picture(), nil)
	}
}

// gone removes a channel before Snug connects, and leave a member.
func gone(channel string) setup {
	return setup{arrange: func(f *fixture) {
		f.Request(http.MethodDelete, "/channels/"+f.id(channel).String(), "").Body.Close()
	}}
}

func leave(name string) setup {
	return setup{arrange: func(f *fixture) { f.Must(f.Discord.RemoveMember(f.Guild, f.id(name))) }}
}

// denied denies the bot a permission in a channel, and without in the server.
func denied(channel string, p discordsim.Permissions) setup {
	return setup{arrange: func(f *fixture) {
		f.Must(f.Discord.SetOverwrite(f.id(channel), discordsim.Overwrite{ID: f.App.ID, Member: true, Deny: p}))
	}}
}

func without(p discordsim.Permissions) setup { return setup{grants: everything &^ p} }

func limited(change func(*discordsim.Limits)) setup { return setup{limits: change} }

// before does something before Snug connects.
func before(do func(*fixture) error) setup {
	return setup{arrange: func(f *fixture) { f.Must(do(f)) }}
}

// outcome is what a caller sees: an error, or "" and what the call returns.
type outcome struct {
	code  errs.Code
	says  string
	cause error // in the error's tree; nil: none in particular
}

// cause is something in a server that makes Discord refuse calls, or that they take in their stride.
type cause struct {
	name string
	setup
	then map[string]outcome // by call
}

// causes are what a server's people and managers do, and the calls that it matters to; the simulator knows the rules.
func causes() []cause {
	lacks := func(permissions string) outcome {
		return outcome{errs.MissingPermission, ": " + permissions + ". " + grantIt, nil}
	}
	fine := func(got string) outcome { return outcome{says: got} }
	missing := outcome{errs.NotFound, ifExists, nil}
	unseen := outcome{errs.MissingPermission, grantIt, nil}
	noCategory := outcome{errs.Invalid, "no longer exists. Choose another in Snug's settings.", rooms.ErrCategoryGone}
	fullCategory := outcome{errs.Invalid, "is full", rooms.ErrCategoryFull}
	fullServer := outcome{errs.RoomLimit, "Delete one, then try again.", nil}
	words := outcome{errs.Invalid, "Choose others.", rooms.ErrNameNotAllowed}
	twoFactor := outcome{errs.MissingPermission, "has to turn it on.", nil}
	elsewhere := outcome{errs.NotInVoice, "Join a voice channel first.", nil}
	quarantine := outcome{errs.RateLimited, "Try again later, or message them yourself.", nil}
	forbid := func(inForm bool) func(*fixture) error {
		return func(f *fixture) error {
			return f.Discord.ForbidWords(f.Guild, inForm, "saturday", "entrance", "rooms", "sunday")
		}
	}
	named := map[string]outcome{
		"CreateRoomChannel": words, "CreateLobby": words, "CreateCategory": words, "Rename": words,
		"SetLimit": fine(""),
	}
	left := leave("Snug")
	left.uncached = true
	silent := without(discordsim.PermCreateInstantInvite)
	silent.arrange = func(f *fixture) { f.Must(f.Discord.SetRole(f.Guild, f.Guild, discordsim.PermViewChannel)) }
	return []cause{
		{"no Manage Channels", without(discordsim.PermManageChannels), map[string]outcome{
			"CreateRoomChannel": lacks(opening), "CreateLobby": lacks(making), "CreateCategory": lacks(making),
			"DeleteChannel": lacks("Manage Channels"), "Move": fine(""),
		}},
		{"no Connect", without(discordsim.PermConnect), map[string]outcome{
			// DefaultEveryone has it, so nothing is missing
			"CreateRoomChannel": fine("new, whole: true"),
		}},
		{"no Manage Roles", without(discordsim.PermManageRoles), map[string]outcome{
			"SetAccess": lacks("Manage Channels and Manage Roles"), "Admit": lacks("Manage Roles"),
			"Expel": lacks("Manage Roles"), "Expel, ban": lacks("Manage Roles"),
			"CreateRoomChannel": fine("new, whole: true"),
		}},
		{"no Move Members", without(discordsim.PermMoveMembers), map[string]outcome{
			"Move, out of voice": fine(""), // Friday allows it to the bot
			"Move":               lacks("Move Members and Connect"),
		}},
		{"no Create Invite", silent, map[string]outcome{
			"AddMember": {errs.GuildJoinDenied, askInvite, nil}, "MayInvite": fine("false"),
		}},
		{"no Manage Channels in the category", denied("Rooms", discordsim.PermManageChannels), map[string]outcome{
			"CreateRoomChannel": lacks(opening), "CreateLobby": lacks(making),
		}},
		{"no Manage Channels in the room", denied("Friday", discordsim.PermManageChannels), map[string]outcome{
			"Rename": lacks("Manage Channels"), "SetLimit": lacks("Manage Channels"),
			"SetStatus": lacks("Set Voice Channel Status and Manage Channels"), "ListInvites": lacks("Manage Channels"),
			"DeleteInvite": lacks("Manage Channels"),
		}},
		{"no Create Invite in the room", denied("Friday", discordsim.PermCreateInstantInvite), map[string]outcome{
			"CreateInvite": lacks("Create Invite"),
		}},
		{"no Send Messages in the channel", denied("general", discordsim.PermSendMessages), map[string]outcome{
			"Send": lacks("View Channels and Send Messages"), "Permissions": fine("20 needs, missing map[general:1]"),
		}},
		{"the room is hidden", denied("Friday", discordsim.PermViewChannel), map[string]outcome{
			"FetchChannel": unseen, "SetAccess": unseen, "Admit": unseen, "Expel": unseen, "Expel, ban": unseen,
			"Rename": unseen, "SetLimit": unseen, "SetStatus": unseen, "CreateInvite": unseen, "ListInvites": unseen,
			"Move":               lacks("Move Members and Connect"),
			"Move, out of voice": lacks("Move Members and Connect"),
			"Channels":           fine("general: text, Lounge: voice, Rooms: category, ___hidden___: voice"),
		}},
		{"the room is gone", gone("Friday"), map[string]outcome{
			"FetchChannel": missing, "SetAccess": missing, "Admit": missing, "Expel, ban": missing, "Rename": missing,
			"SetLimit": missing, "SetStatus": missing, "CreateInvite": missing, "ListInvites": missing, "Move": missing,
			"Expel": fine(""), "DeleteInvite": fine(""),
		}},
		{"the category is gone", gone("Rooms"), map[string]outcome{
			"CreateRoomChannel": noCategory, "CreateLobby": noCategory, "CreateCategory": fine("new"),
			"Permissions": fine("20 needs, missing map[Rooms:8]"), "Admit": fine(""),
		}},
		{"another channel is gone", gone("general"), map[string]outcome{"DeleteChannel": fine(""), "Send": missing}},
		{"the channel in question is gone", gone("Lounge"), map[string]outcome{"MayInvite": missing}},
		{"the category is full", limited(func(l *discordsim.Limits) { l.CategoryChilds = 1 }), map[string]outcome{
			"CreateRoomChannel": fullCategory, "CreateLobby": fullCategory, "CreateCategory": fine("new"),
		}},
		{"the server is full", limited(func(l *discordsim.Limits) { l.Channels = 4 }), map[string]outcome{
			"CreateRoomChannel": fullServer, "CreateLobby": fullServer, "CreateCategory": fullServer,
		}},
		{"the room has as many overwrites as fit", limited(func(l *discordsim.Limits) { l.Overwrites = 5 }),
			map[string]outcome{
				"Admit":     {errs.RoomLimit, "Kick or unban somebody, then try again.", nil},
				"SetAccess": fine("more: false"), // it removes one first
			}},
		{"the server has as many invites as fit", limited(func(l *discordsim.Limits) { l.Invites = 1 }),
			map[string]outcome{
				"CreateInvite": {errs.Invalid, "Delete some under Server Settings → Invites", nil},
			}},
		{"forbidden words", before(forbid(false)), named},
		{"forbidden words, as an error of the form", before(forbid(true)), named},
		{"two-factor authentication", before(func(f *fixture) error {
			return errors.Join(f.Discord.RequireTwoFactor(f.Guild, true), f.Discord.OwnerHasTwoFactor(f.App.ID, false))
		}), map[string]outcome{
			"CreateRoomChannel": twoFactor, "Admit": twoFactor, "Rename": twoFactor, "DeleteChannel": twoFactor,
		}},
		{"Snug left the server", left, map[string]outcome{
			"CreateRoomChannel": missing, "Channels": missing, "ChannelsAndRoles": missing, "Move": missing,
			"Permissions": missing,
		}},
		{"jonas isn't in voice", before(func(f *fixture) error { f.Leave("jonas"); return nil }), map[string]outcome{
			"Move": elsewhere,
		}},
		{"kiyo isn't in voice", before(func(f *fixture) error { f.Leave("kiyo"); return nil }), map[string]outcome{
			"Move, out of voice": elsewhere,
		}},
		{"jonas left the server", leave("jonas"), map[string]outcome{"Move": missing}},
		{"priya left the server", leave("priya"), map[string]outcome{
			"Standing": fine("priya, member: false"), "MayInvite": fine("false"), "Admit": fine(""),
		}},
		{"priya is timed out", before(func(f *fixture) error {
			return f.Discord.TimeOut(f.Guild, f.id("priya"), f.clock.Now().Add(time.Hour))
		}), map[string]outcome{"MayInvite": fine("false")}},
		{"priya hasn't accepted the rules", before(func(f *fixture) error {
			return f.Discord.SetPending(f.Guild, f.id("priya"), true)
		}), map[string]outcome{"MayInvite": fine("false")}},
		{"the stranger is banned", before(func(f *fixture) error {
			return errors.Join(f.Discord.AddMember(f.Guild, f.id("stranger"), ""),
				f.Discord.BanMember(f.Guild, f.id("stranger")))
		}), map[string]outcome{"AddMember": {errs.GuildJoinDenied, "ask one of its managers", nil}}},
		{"the stranger is a member", before(func(f *fixture) error {
			return f.Discord.AddMember(f.Guild, f.id("stranger"), "")
		}), map[string]outcome{"AddMember": fine("")}},
		{"the stranger's sign-in has ended", before(func(f *fixture) error {
			f.tokens["stranger"] = "another"
			return nil
		}), map[string]outcome{"AddMember": {errs.GuildJoinDenied, "Sign in again, then open this link again.", nil}}},
		{"the invite is used up", before(func(f *fixture) error {
			_, err := f.Discord.UseInvite(f.id("stranger"), f.code)
			return err
		}), map[string]outcome{"DeleteInvite": fine(""), "ListInvites": fine("false")}},
		{"too many direct messages to new people", setup{
			limits: func(l *discordsim.Limits) { l.DMs = 1 },
			arrange: func(f *fixture) {
				f.Request(http.MethodPost, "/users/@me/channels",
					fmt.Sprintf(`{"recipient_id":"%d"}`, f.id("kiyo"))).Body.Close()
			},
		}, map[string]outcome{"OpenDM": quarantine}},
		{"the bot is quarantined", before(func(f *fixture) error { return f.Discord.Quarantine(f.App.ID, true) }),
			map[string]outcome{"OpenDM": quarantine, "Send": fine("new")}},
	}
}

// What people do in Discord decides how calls end: with an error that names the next step and leaves Discord as it was,
// or as if nothing were wrong.
func TestCauses(t *testing.T) {
	for _, x := range causes() {
		tried := 0
		for _, c := range calls() {
			want, ok := x.then[c.name]
			if !ok {
				continue
			}
			tried++
			t.Run(x.name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				newFixture(t, x.setup).meet(t, c, want)
			})
		}
		if tried != len(x.then) {
			t.Errorf("%s: %d of %d calls are known", x.name, tried, len(x.then))
		}
	}
	for _, c := range calls() {
		want := outcome{errs.Internal, "“snug doctor” says what to do.", nil}
		if c.name == "AddMember" {
			want = outcome{errs.GuildJoinDenied, askInvite, nil}
		}
		t.Run("the bot's token was reset, "+c.name, func(t *testing.T) {
			t.Parallel()
			newFixture(t, setup{stale: true, uncached: true}).meet(t, c, want)
		})
	}
}

// meet makes a call and checks how it ends.
func (f *fixture) meet(t *testing.T, c call, want outcome) {
	t.Helper()
	before := f.picture()
	got, err := c.do(t.Context(), f)
	if want.code == "" {
		if err != nil || got != want.says {
			t.Errorf("got %q, %v; want %q", got, err, want.says)
		}
		return
	}
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Code != want.code || !strings.Contains(e.Message, want.says) ||
		want.cause != nil && !errors.Is(err, want.cause) {
		t.Errorf("got %v, want %s with %q", err, want.code, want.says)
	}
	wantChanges(t, before, f.picture(), nil)
	if asked := f.asked(); len(asked) > len(c.order(true)) {
		t.Errorf("it went on: %q", asked)
	}
}

// Direct messages to people who don't accept them.
func TestRefusedDirectMessages(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*fixture)
		says  string
	}{
		"closed": {func(f *fixture) { f.Must(f.Discord.CloseDMs(f.id("jonas"), true)) },
			"doesn't accept direct messages"},
		"no shared server": {
			func(f *fixture) { f.Must(f.Discord.RemoveMember(f.Guild, f.id("jonas"))) },
			"They have to join this server first.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, setup{uncached: true})
			dm, err := f.api.OpenDM(t.Context(), f.id("jonas"))
			f.Must(err)
			c.after(f)
			_, err = f.api.Send(t.Context(), dm, discord.MessageCreate{Content: "hello"})
			if !errs.Has(err, errs.Forbidden) || !strings.Contains(errs.Public(err).Message, c.says) {
				t.Errorf("got %v", err)
			}
			if slices.Contains(f.picture(), "message in direct messages: hello") {
				t.Error("it arrived")
			}
		})
	}
}
