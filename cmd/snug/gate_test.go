package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

const enter = discordsim.PermViewChannel | discordsim.PermConnect

// gateHarness is a harness with every kind of member, and places of every kind: each
// answer of Snug's is compared with what the simulated Discord itself says.
type gateHarness struct {
	*harness
	users map[string]discordsim.ID
	sits  []discordsim.ID // who fill a room each, one after the other
	as    map[string]*script
	roles map[string]discordsim.ID

	mu    sync.Mutex
	cases int
}

// all does something as every kind of member, side by side: what is refused is refused on a beat.
func (g *gateHarness) all(do func(who string)) {
	var wg sync.WaitGroup
	for who := range kinds {
		wg.Go(func() { do(who) })
	}
	wg.Wait()
}

// kinds are the members of the table, with the roles they have.
var kinds = map[string][]string{
	"stranger": nil, "member": nil, "holder": {"Verified"}, "jailed": {"Verified", "Jailed"}, "guest": {"Verified"},
	"owner":  {"Verified"},
	"helper": {"Helpers"}, "manager": {"Wardens"}, "admin": {"Admins"}, "crown": nil, "timed out": {"Verified"},
	"timed-out guest": {"Verified"},
	"pending":         {"Verified"}, "banned": {"Verified"}, "denied": {"Verified"}, "mover": {"Verified", "Movers"},
}

// place is a category with a gate, and what is put by hand on a room's channel in it.
type place struct {
	name     string
	category []discordsim.Overwrite
	byHand   []discordsim.Overwrite
	closed   bool
	id       discordsim.ID
	// probe are channels with these overwrites and none of Snug's, as rooms are that are open or not: who may
	// join one passes the gate.
	probe map[bool]discordsim.ID
}

// newGateHarness makes the harness. Verified is what the role of that name gives in the whole server, everyone what
// @everyone has.
func newGateHarness(t *testing.T, verified, everyone discordsim.Permissions) *gateHarness {
	t.Helper()
	g := &gateHarness{
		harness: newHarness(t, unhurried), users: map[string]discordsim.ID{}, as: map[string]*script{},
		roles: map[string]discordsim.ID{},
	}
	d, guild := g.world.discord, g.world.guild
	g.must(d.SetRole(guild, guild, everyone))
	for name, p := range map[string]discordsim.Permissions{
		"Verified": verified, "Jailed": 0, "Helpers": 0, "Wardens": discordsim.PermManageGuild,
		"Admins": discordsim.PermAdministrator, "Movers": discordsim.PermMoveMembers,
	} {
		id, err := d.AddRole(guild, name, p)
		g.must(err)
		g.roles[name] = id
	}
	for i := range most {
		u := d.AddUser(fmt.Sprint("sitter-", i), "")
		g.must(d.AddMember(guild, u.ID, "", g.roles["Admins"]))
		g.sits = append(g.sits, u.ID)
	}
	for kind, roles := range kinds {
		name := strings.ReplaceAll(kind, " ", "-") + "-x"
		u := g.user("alice") // who owns the server
		if kind != "crown" {
			u = d.AddUser(name, "")
			g.world.users = append(g.world.users, u)
		}
		g.users[kind] = u.ID
		if kind == "stranger" {
			continue
		}
		var ids []discordsim.ID
		for _, r := range roles {
			ids = append(ids, g.roles[r])
		}
		g.must(d.AddMember(guild, u.ID, "", ids...))
	}
	for kind := range kinds {
		name := strings.ReplaceAll(kind, " ", "-") + "-x"
		if kind == "crown" {
			name = "alice"
		}
		g.as[kind] = g.signIn(name)
		g.as[kind].http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	g.set(map[string]any{
		"rooms_per_member": 50, "idle_timeout": "never", "seats": 40, "private": false, "strict_seats": false,
		"helper_roles": []string{g.roles["Helpers"].String()},
	})
	return g
}

func (g *gateHarness) set(settings map[string]any) {
	g.Helper()
	if status, out := g.as["crown"].api(http.MethodPatch, "/guilds/"+g.world.guild.String()+"/settings",
		map[string]any{"settings": settings}); status != http.StatusOK {
		g.Fatalf("settings: %d %v", status, out)
	}
}

// most is how many full rooms there can be.
const most = 10

// places makes those of a server in which everybody may connect, or with based those of one in which a role
// lets people.
func (g *gateHarness) places(based bool) []*place {
	guild := g.world.guild
	all := func(o ...discordsim.Overwrite) []discordsim.Overwrite {
		return append(o, discordsim.Overwrite{ID: g.users["denied"], Member: true, Deny: enter},
			discordsim.Overwrite{
				ID: g.world.app.ID, Member: true,
				Allow: enter | discordsim.PermManageChannels | discordsim.PermMoveMembers,
			})
	}
	verified := discordsim.Overwrite{ID: g.roles["Verified"], Allow: enter}
	nobody := discordsim.Overwrite{ID: guild, Deny: enter}
	jailed := discordsim.Overwrite{ID: g.roles["Jailed"], Deny: enter}
	list := []*place{
		{name: "no gate", category: all()},
		{name: "role allowed", category: all(nobody, verified)},
		{name: "role denied", category: all(jailed)},
		{name: "sees only", category: all(discordsim.Overwrite{ID: guild, Deny: discordsim.PermConnect}, verified)},
		{name: "closed", category: all(nobody), closed: true},
		{
			name: "by hand", category: all(),
			byHand: []discordsim.Overwrite{{ID: guild, Deny: discordsim.PermConnect}, verified, jailed},
		},
	}
	if based {
		list = []*place{
			{name: "base role without Connect", category: all()},
			{
				name: "base role without Connect, allowed again",
				category: all(discordsim.Overwrite{ID: g.roles["Movers"], Deny: discordsim.PermConnect},
					discordsim.Overwrite{ID: guild, Allow: discordsim.PermConnect}),
			},
			{name: "base role without Connect, closed", category: all(nobody), closed: true},
		}
	}
	for _, p := range list {
		c, err := g.world.discord.AddChannel(guild,
			discordsim.ChannelOptions{Name: p.name, Type: discordsim.ChannelCategory, Overwrites: p.category})
		g.must(err)
		p.id, p.probe = c.ID, map[bool]discordsim.ID{}
		gate := slices.Clone(p.category)
		if p.closed { // a private corner: what it denies @everyone is no gate
			gate = gate[1:]
		}
		for _, state := range []string{"open", "closed"} {
			byHand := p.byHand
			if state == "closed" && len(byHand) > 0 {
				byHand = byHand[1:] // what is denied to @everyone there is Snug's
			}
			probe, err := g.world.discord.AddChannel(guild,
				discordsim.ChannelOptions{
					Name: "probe", Type: discordsim.ChannelVoice, Parent: p.id, Overwrites: slices.Concat(gate, byHand),
				})
			g.must(err)
			p.probe[state == "open"] = probe.ID
		}
	}
	return list
}

// states are what rooms are made of, and the changes that make them so.
var states = map[string][]string{
	"open": nil, "full": nil, "locked": {"lock"}, "hidden": {"hide"}, "private": {"private"},
}

// shut says whether Snug denies @everyone something on the channel of such a room.
func shut(state string) bool { return len(states[state]) > 0 }

// table is a room of the test.
type table struct {
	place *place
	state string
	id    snowflake.ID
	could map[string]bool // who may join it before anybody follows an invite
}

func (r table) String() string { return r.place.name + ", " + r.state }

// room opens a room of the owner in a place, lets the guests in, bans the banned, and brings it into its state.
func (g *gateHarness) room(p *place, state string) table {
	g.Helper()
	g.clock.Forward(10 * time.Minute) // nobody may open many rooms in a few minutes
	_, err := hub.PreferencesOf.Call(context.Background(), g.app.hub, g.world.guild, room.PreferencesRequest{
		// a room begins as the last one was
		Actor: access.Actor{UserID: g.users["owner"], Via: access.ViaWeb}, Forget: true,
	})
	g.must(err)
	id := g.as["owner"].open(p.name + " " + state)
	r := table{place: p, state: state}
	r.id, err = snowflake.Parse(id)
	g.must(err)
	for _, who := range []string{"guest", "timed-out guest"} {
		g.change(r, room.ChangeRequest{Do: room.DoUnban, User: g.users[who]}) // nothing: who is meant has to be known
		_, err := hub.CreateInvite.Call(context.Background(), g.app.hub, g.world.guild, room.InviteRequest{
			Actor: access.Actor{UserID: g.users["owner"], Via: access.ViaWeb}, RoomID: r.id, For: g.users[who],
		})
		g.must(err)
	}
	g.change(r, room.ChangeRequest{Do: room.DoBan, User: g.users["banned"]})
	for _, do := range states[state] {
		g.change(r, room.ChangeRequest{Do: room.Action(do)})
	}
	for _, o := range p.byHand {
		if shut(state) && o.ID == g.world.guild {
			continue // Snug says more of @everyone itself
		}
		g.must(g.world.discord.SetOverwrite(r.id, o))
	}
	if state == "full" {
		g.fill(r)
	}
	return r
}

func (g *gateHarness) change(r table, q room.ChangeRequest) {
	g.Helper()
	q.Actor, q.RoomID = access.Actor{UserID: g.users["owner"], Via: access.ViaWeb}, r.id
	_, err := hub.ChangeRoom.Call(context.Background(), g.app.hub, g.world.guild, q)
	g.must(err)
}

// fill leaves a room one seat, and sits somebody on it.
func (g *gateHarness) fill(r table) {
	g.Helper()
	one := 1
	g.change(r, room.ChangeRequest{Do: room.DoSeats, Number: one})
	who := g.sits[0]
	g.sits = g.sits[1:]
	_, err := g.world.discord.JoinVoice(g.world.guild, who, r.id, discordsim.VoiceFlags{})
	g.must(err)
	g.eventually("it is full", func() bool {
		live, _, err := g.app.hub.Rosters.Get(context.Background(), g.key(r))
		return err == nil && live.Occupied() == one && g.doc(r).Seats == one
	})
}

func (g *gateHarness) key(r table) string { return g.world.guild.String() + "." + r.id.String() }

// doc is what Snug keeps of a room.
func (g *gateHarness) doc(r table) room.Room {
	g.Helper()
	doc, _, err := g.app.hub.Rooms.Get(context.Background(), g.key(r))
	g.must(err)
	return doc
}
