package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"snug/shared/hub"
	"snug/shared/protocol"
	"snug/shared/room"
	"snug/shared/standin"
)

const enter = standin.PermViewChannel | standin.PermConnect

// gated is a house with every kind of member, and places of every kind: each
// answer of Snug's is compared with what the simulated Discord itself says.
type gated struct {
	*house
	users map[string]standin.ID
	as    map[string]*script
	roles map[string]standin.ID

	mu    sync.Mutex
	cases int
}

// all does something as every kind of member, side by side: what is refused is refused on a beat.
func (g *gated) all(do func(who string)) {
	var wg sync.WaitGroup
	for who := range kinds {
		wg.Go(func() { do(who) })
	}
	wg.Wait()
}

// kinds are the members of the table, with the roles they have.
var kinds = map[string][]string{
	"stranger": nil, "member": nil, "holder": {"Verified"}, "jailed": {"Verified", "Jailed"}, "guest": {"Verified"}, "owner": {"Verified"},
	"helper": {"Helpers"}, "manager": {"Wardens"}, "admin": {"Admins"}, "crown": nil, "timed out": {"Verified"}, "timed-out guest": {"Verified"},
	"pending": {"Verified"}, "banned": {"Verified"}, "denied": {"Verified"}, "mover": {"Verified", "Movers"},
}

// place is a category with a gate, and what is put by hand on a room's channel in it.
type place struct {
	name     string
	category []standin.Overwrite
	byHand   []standin.Overwrite
	closed   bool
	id       standin.ID
	// probe are channels with these overwrites and none of Snug's, as rooms are that are open or not: who may join one passes the gate.
	probe map[bool]standin.ID
}

func newGated(t *testing.T) *gated {
	t.Helper()
	g := &gated{house: newHouse(t, unhurried), users: map[string]standin.ID{}, as: map[string]*script{}, roles: map[string]standin.ID{}}
	d, guild := g.world.discord, g.world.guild
	for name, p := range map[string]standin.Permissions{
		"Verified": 0, "Jailed": 0, "Helpers": 0, "Wardens": standin.PermManageGuild, "Admins": standin.PermAdministrator, "Movers": standin.PermMoveMembers,
	} {
		id, err := d.AddRole(guild, name, p)
		g.must(err)
		g.roles[name] = id
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
		var ids []standin.ID
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
	g.set(map[string]any{"rooms_per_member": 50, "idle_timeout": "never", "seats": 40, "private": false, "helper_roles": []string{g.roles["Helpers"].String()}})
	return g
}

func (g *gated) set(settings map[string]any) {
	g.Helper()
	if status, out := g.as["crown"].api(http.MethodPatch, "/guilds/"+g.world.guild.String()+"/settings", map[string]any{"settings": settings}); status != http.StatusOK {
		g.Fatalf("settings: %d %v", status, out)
	}
}

func (g *gated) places() []*place {
	guild := g.world.guild
	all := func(o ...standin.Overwrite) []standin.Overwrite {
		return append(o, standin.Overwrite{ID: g.users["denied"], Member: true, Deny: enter},
			standin.Overwrite{ID: g.world.app.ID, Member: true, Allow: enter | standin.PermManageChannels | standin.PermMoveMembers})
	}
	verified := standin.Overwrite{ID: g.roles["Verified"], Allow: enter}
	nobody := standin.Overwrite{ID: guild, Deny: enter}
	jailed := standin.Overwrite{ID: g.roles["Jailed"], Deny: enter}
	list := []*place{
		{name: "no gate", category: all()},
		{name: "role allowed", category: all(nobody, verified)},
		{name: "role denied", category: all(jailed)},
		{name: "sees only", category: all(standin.Overwrite{ID: guild, Deny: standin.PermConnect}, verified)},
		{name: "closed", category: all(nobody), closed: true},
		{name: "by hand", category: all(), byHand: []standin.Overwrite{{ID: guild, Deny: standin.PermConnect}, verified, jailed}},
	}
	for _, p := range list {
		c, err := g.world.discord.AddChannel(guild, standin.ChannelOptions{Name: p.name, Type: standin.ChannelCategory, Overwrites: p.category})
		g.must(err)
		p.id, p.probe = c.ID, map[bool]standin.ID{}
		gate := slices.Clone(p.category)
		if p.closed { // a private corner: what it denies @everyone is no gate
			gate = gate[1:]
		}
		for _, state := range []string{"open", "closed"} {
			byHand := p.byHand
			if state == "closed" && len(byHand) > 0 {
				byHand = byHand[1:] // what is denied to @everyone there is Snug's
			}
			probe, err := g.world.discord.AddChannel(guild, standin.ChannelOptions{Name: "probe", Type: standin.ChannelVoice, Parent: p.id, Overwrites: slices.Concat(gate, byHand)})
			g.must(err)
			p.probe[state == "open"] = probe.ID
		}
	}
	return list
}

// states are what rooms are made of, and the changes that make them so.
var states = map[string][]string{"open": nil, "locked": {"lock"}, "hidden": {"hide"}, "private": {"private"}}

// table is a room of the test.
type table struct {
	place *place
	state string
	id    snowflake.ID
	could map[string]bool // who may join it before anybody follows an invite
}

func (r table) String() string { return r.place.name + ", " + r.state }

// room opens a room of the owner in a place, lets the guests in, bans the banned, and brings it into its state.
func (g *gated) room(p *place, state string) table {
	g.Helper()
	g.clock.forward(10 * time.Minute) // nobody may open many rooms in a few minutes
	_, err := hub.PreferencesOf.Call(context.Background(), g.app.hub, g.world.guild, room.PreferencesRequest{
		Actor: room.Actor{UserID: g.users["owner"], Via: room.ViaWeb}, Forget: true, // a room begins as the last one was
	})
	g.must(err)
	id := g.as["owner"].open(p.name + " " + state)
	r := table{place: p, state: state}
	r.id, err = snowflake.Parse(id)
	g.must(err)
	for _, who := range []string{"guest", "timed-out guest"} {
		g.change(r, room.ChangeRequest{Do: room.DoUnban, User: g.users[who]}) // nothing: who is meant has to be known
		_, err := hub.CreateInvite.Call(context.Background(), g.app.hub, g.world.guild, room.InviteRequest{
			Actor: room.Actor{UserID: g.users["owner"], Via: room.ViaWeb}, RoomID: r.id, For: g.users[who],
		})
		g.must(err)
	}
	g.change(r, room.ChangeRequest{Do: room.DoBan, User: g.users["banned"]})
	for _, do := range states[state] {
		g.change(r, room.ChangeRequest{Do: room.Action(do)})
	}
	for _, o := range p.byHand {
		if state != "open" && o.ID == g.world.guild {
			continue // Snug says more of @everyone itself
		}
		g.must(g.world.discord.SetOverwrite(r.id, o))
	}
	return r
}

func (g *gated) change(r table, q room.ChangeRequest) {
	g.Helper()
	q.Actor, q.RoomID = room.Actor{UserID: g.users["owner"], Via: room.ViaWeb}, r.id
	_, err := hub.ChangeRoom.Call(context.Background(), g.app.hub, g.world.guild, q)
	g.must(err)
}

// want compares one answer of Snug's with Discord's.
func (g *gated) want(r table, who, door string, snug, discord bool) {
	g.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cases++
	if snug != discord {
		g.Errorf("%s: %s: the %s says %v, Discord %v", r, who, door, snug, discord)
	}
}

// TestAccessIsDiscords opens rooms behind every gate and in every state, and
// tries every door as every kind of member: Snug says yes where Discord does.
func TestAccessIsDiscords(t *testing.T) {
	t.Parallel()
	g := newGated(t)
	began := time.Now()
	var rooms []table
	for _, p := range g.places() {
		g.set(map[string]any{"category_id": p.id.String()})
		for _, state := range slices.Sorted(maps.Keys(states)) {
			rooms = append(rooms, g.room(p, state))
		}
	}
	d, guild := g.world.discord, g.world.guild
	far := time.Now().Add(27 * 24 * time.Hour)
	g.must(d.TimeOut(guild, g.users["timed out"], far))
	g.must(d.TimeOut(guild, g.users["timed-out guest"], far))
	g.must(d.SetPending(guild, g.users["pending"], true))
	g.clock.forward(time.Minute) // what Discord said of them before is old now
	g.settled(rooms)
	seen, lists := map[string]map[string]bool{}, map[string]map[string]bool{}
	for who := range kinds {
		seen[who], lists[who] = g.watches(who), map[string]bool{}
		_, list := g.as[who].api(http.MethodGet, "/guilds/"+guild.String()+"/rooms", nil)
		for _, r := range rooms {
			lists[who][r.id.String()] = strings.Contains(fmt.Sprint(list), r.id.String())
		}
	}
	g.all(func(who string) {
		for _, r := range rooms {
			g.looks(r, who, seen[who][r.id.String()], lists[who][r.id.String()])
		}
	})
	for _, r := range rooms {
		g.knocks(r)
	}
	for i := range rooms {
		g.clock.forward(time.Minute) // nobody may do many things in a few seconds
		rooms[i].could = g.enters(rooms[i])
		g.follows(rooms[i])
	}
	t.Logf("%d cases in %v: %d kinds of members, %d rooms", g.cases, time.Since(began).Round(time.Millisecond), len(kinds), len(rooms))
}

// settled waits until pages know what Discord was told last.
func (g *gated) settled(rooms []table) {
	g.Helper()
	g.eventually("the pages show what is open", func() bool {
		for _, r := range rooms {
			p, err := g.world.discord.PermissionsIn(g.users["holder"], r.id)
			g.must(err)
			status, _ := g.as["holder"].api(http.MethodGet, "/rooms/"+r.id.String(), nil)
			if (status == http.StatusOK) != p.Has(standin.PermViewChannel) {
				return false
			}
		}
		return true
	})
}

// watches gives the rooms that somebody's live view of the server shows.
func (g *gated) watches(who string) map[string]bool {
	g.Helper()
	seen := map[string]bool{}
	status, out := g.as[who].api(http.MethodPost, "/live-token", map[string]any{"guild": g.world.guild.String()})
	if status != http.StatusOK {
		return seen
	}
	c, res, err := websocket.DefaultDialer.DialContext(context.Background(), strings.Replace(g.url, "http", "ws", 1)+"/api/ws", http.Header{"Origin": {g.url}})
	g.must(err)
	res.Body.Close()
	defer c.Close()
	g.must(c.WriteJSON(map[string]any{"v": 1, "type": "auth", "token": out["token"], "guildId": g.world.guild.String(), "ts": 1}))
	for {
		var m struct {
			Event   protocol.Name
			Payload struct{ Rooms []string }
		}
		g.must(c.ReadJSON(&m))
		if m.Event == protocol.AuthOK {
			for _, id := range m.Payload.Rooms {
				seen[id] = true
			}
			return seen
		}
	}
}

// looks tries the doors that only show.
func (g *gated) looks(r table, who string, live, listed bool) {
	p, err := g.world.discord.PermissionsIn(g.users[who], r.id)
	g.must(err)
	sees := p.Has(standin.PermViewChannel)
	status, _ := g.as[who].page("/game/" + r.id.String())
	g.want(r, who, "page", status == http.StatusOK, sees)
	status, view := g.as[who].api(http.MethodGet, "/rooms/"+r.id.String(), nil)
	g.want(r, who, "API", status == http.StatusOK, sees)
	if sees {
		g.want(r, who, "seat offered", view["mayEnter"] == true, p.Has(enter))
	}
	g.want(r, who, "list", listed, sees)
	g.want(r, who, "live view", live, sees)
	if who == "stranger" || who == "timed out" || who == "timed-out guest" || who == "pending" {
		return // Discord offers them no commands
	}
	a, err := g.world.discord.RunCommand(context.Background(), g.users[who], standin.CommandRun{Guild: g.world.guild, Name: "room info", Options: map[string]any{"room": r.id.String()}})
	g.must(err)
	g.want(r, who, "slash command", strings.Contains(a.Message.Text(), r.place.name+" "+r.state), sees)
}

// passes says whether Discord itself lets somebody through a room's gate.
func (g *gated) passes(r table, who string) bool {
	return g.world.discord.MayJoin(g.users[who], r.place.probe[r.state == "open"]) == nil
}

// knocks knocks at a room as everybody: whom the owner hears of is who is in the server, passes the gate, and cannot enter.
func (g *gated) knocks(r table) {
	g.Helper()
	mayJoin := map[string]bool{}
	for who := range kinds {
		mayJoin[who] = g.world.discord.MayJoin(g.users[who], r.id) == nil
	}
	g.all(func(who string) { g.as[who].api(http.MethodPost, "/rooms/"+r.id.String()+"/knock", nil) })
	doc, _, err := g.app.hub.Rooms.Get(context.Background(), g.world.guild.String()+"."+r.id.String())
	g.must(err)
	for who := range kinds {
		heard := doc.Knock(g.users[who]) != nil
		g.want(r, who, "knock", heard, who != "banned" && !mayJoin[who] && g.passes(r, who))
		if heard { // only a few wait at once, at one room and of one person
			_, err := hub.AnswerKnock.Call(context.Background(), g.app.hub, g.world.guild, room.AnswerRequest{
				Actor: room.Actor{UserID: g.users["owner"], Via: room.ViaWeb}, RoomID: r.id, User: g.users[who],
			})
			g.must(err)
		}
	}
}

// enters tries the doors that let in, and gives whom Discord lets in.
func (g *gated) enters(r table) map[string]bool {
	d, path := g.world.discord, "/rooms/"+r.id.String()
	could := map[string]bool{}
	for who := range kinds {
		could[who] = d.MayJoin(g.users[who], r.id) == nil
	}
	g.all(func(who string) {
		status, _ := g.as[who].api(http.MethodPost, path+"/join", nil)
		g.want(r, who, "join", status == http.StatusOK, could[who])
		status, _ = g.as[who].api(http.MethodPost, path+"/wait", nil)
		g.want(r, who, "waiting list", status == http.StatusOK, could[who])
		g.as[who].api(http.MethodDelete, path+"/wait", nil)
		p, err := d.PermissionsIn(g.users[who], r.id)
		g.must(err)
		controls := who == "owner" || who == "admin" || who == "crown" || who == "manager" && p.Has(standin.PermViewChannel)
		status, _ = g.as[who].api(http.MethodPost, path+"/invites", map[string]any{})
		g.want(r, who, "invite made", status == http.StatusCreated, controls)
	})
	return could
}

// follows has everybody follow an invite: it lets in who passes the gate, and is used up by nobody else.
func (g *gated) follows(r table) {
	g.Helper()
	d, path := g.world.discord, "/rooms/"+r.id.String()
	g.clock.forward(10 * time.Minute) // nobody may follow many invites in a few minutes
	status, out := g.as["owner"].api(http.MethodPost, path+"/invites", map[string]any{"uses": 100})
	if status != http.StatusCreated {
		g.Fatalf("%s: no invite: %d %v", r, status, out)
	}
	_, token, _ := strings.Cut(out["url"].(string), "?t=")
	for who := range kinds {
		g.clock.forward(time.Second)
		uses := g.uses(r)
		status, out := g.as[who].api(http.MethodPost, "/invites/redeem", map[string]any{"token": token})
		place := who == "guest" || who == "owner" || who == "timed-out guest"
		admin := who == "admin" || who == "crown"
		want := g.passes(r, who) && who != "banned" && (r.state != "locked" || place || admin)
		coming := out["on_the_way"] == true // into the server, or past its rules: let in when they are through
		g.want(r, who, "invite followed", status == http.StatusOK && !coming, want)
		if !coming {
			g.want(r, who, "invite not used up", g.uses(r) == uses, !want || place)
		}
		if status != http.StatusOK && who != "stranger" && strings.Contains(r.place.name, "role allowed") && r.state == "open" && who == "member" &&
			!strings.Contains(fmt.Sprint(out), "Verified") {
			g.Errorf("%s: %s is not told which role is missing: %v", r, who, out)
		}
		if who == "stranger" && strings.Contains(fmt.Sprint(out), "Verified") {
			g.Errorf("%s: a stranger is told of the server's roles: %v", r, out)
		}
		if !want { // no overwrite of theirs lets them in
			g.want(r, who, "place in Discord", d.MayJoin(g.users[who], r.id) == nil, r.could[who])
		}
	}
}

// uses counts how often the room's last invite was followed.
func (g *gated) uses(r table) int {
	doc, _, err := g.app.hub.Rooms.Get(context.Background(), g.world.guild.String()+"."+r.id.String())
	g.must(err)
	return len(doc.Invites[len(doc.Invites)-1].Redeemers)
}
