package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"snug/shared/access"
	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/protocol"
	"snug/shared/room"
)

// want compares one answer of Snug's with Discord's.
func (g *gateHarness) want(r table, who, door string, snug, discord bool) {
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
	t.Run("everybody connects", func(t *testing.T) {
		t.Parallel()
		tryDoors(newGateHarness(t, 0, discordsim.DefaultEveryone), false)
	})
	t.Run("a role lets people connect", func(t *testing.T) {
		t.Parallel()
		tryDoors(newGateHarness(t, discordsim.PermConnect, discordsim.DefaultEveryone&^discordsim.PermConnect), true)
	})
}

func tryDoors(g *gateHarness, based bool) {
	g.Helper()
	began := time.Now()
	var rooms []table
	for _, p := range g.places(based) {
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
	g.clock.Forward(time.Minute) // what Discord said of them before is old now
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
		g.clock.Forward(time.Minute) // nobody may do many things in a few seconds
		g.panel(rooms[i])
		rooms[i].could = g.enters(rooms[i])
		g.follows(rooms[i])
	}
	g.Logf("%d cases in %v: %d kinds of members, %d rooms", g.cases, time.Since(began).Round(time.Millisecond),
		len(kinds), len(rooms))
}

// settled waits until pages know what Discord was told last.
func (g *gateHarness) settled(rooms []table) {
	g.Helper()
	g.eventually("the pages show what is open", func() bool {
		for _, r := range rooms {
			p, err := g.world.discord.PermissionsIn(g.users["holder"], r.id)
			g.must(err)
			status, _ := g.as["holder"].api(http.MethodGet, "/rooms/"+r.id.String(), nil)
			if (status == http.StatusOK) != p.Has(discordsim.PermViewChannel) {
				return false
			}
		}
		return true
	})
}

// watches gives the rooms that somebody's live view of the server shows.
func (g *gateHarness) watches(who string) map[string]bool {
	g.Helper()
	seen := map[string]bool{}
	status, out := g.as[who].api(http.MethodPost, "/live-token", map[string]any{"guild": g.world.guild.String()})
	if status != http.StatusOK {
		return seen
	}
	c, res, err := websocket.DefaultDialer.DialContext(context.Background(),
		strings.Replace(g.url, "http", "ws", 1)+"/api/ws", http.Header{"Origin": {g.url}})
	g.must(err)
	res.Body.Close()
	defer c.Close()
	g.must(c.WriteJSON(map[string]any{
		"v": 1, "type": "auth", "token": out["token"], "guildId": g.world.guild.String(), "ts": 1,
	}))
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
func (g *gateHarness) looks(r table, who string, live, listed bool) {
	p, err := g.world.discord.PermissionsIn(g.users[who], r.id)
	g.must(err)
	sees := p.Has(discordsim.PermViewChannel)
	joins := g.world.discord.MayJoin(g.users[who], r.id) == nil
	status, body := g.as[who].page("/game/" + r.id.String())
	g.want(r, who, "page", status == http.StatusOK, sees)
	g.want(r, who, "page's seat", strings.Contains(body, `id="door-join">`), joins)
	g.want(r, who, "page's waiting list", strings.Contains(body, `id="door-full">`), p.Has(enter) && !joins)
	_, body = g.as[who].page("/servers/" + g.world.guild.String())
	card := cardOf(body, r.id.String())
	g.want(r, who, "card", card != "", sees)
	g.want(r, who, "card's seat", shows(card, "act-join"), joins)
	g.want(r, who, "card's waiting list", shows(card, "act-full"), p.Has(enter) && !joins)
	status, view := g.as[who].api(http.MethodGet, "/rooms/"+r.id.String(), nil)
	g.want(r, who, "API", status == http.StatusOK, sees)
	if sees {
		g.want(r, who, "seat offered", view["may_enter"] == true, p.Has(enter))
	}
	g.want(r, who, "list", listed, sees)
	g.want(r, who, "live view", live, sees)
	a, err := g.world.discord.RunCommand(context.Background(), g.users[who],
		discordsim.CommandRun{Guild: g.world.guild, Name: "room info", Options: map[string]any{"room": r.id.String()}})
	runs, e := g.world.discord.PermissionsIn(g.users[who], g.world.lounge)
	g.must(e)
	if offers := runs.Has(discordsim.PermUseApplicationCommands); (err == nil) != offers {
		g.Errorf("%s: Discord offers them commands: %v, and says of one: %v", who, offers, err)
	} else {
		g.want(r, who, "slash command", err == nil && strings.Contains(a.Message.Text(), r.place.name+" "+r.state),
			sees && offers)
	}
	if err == nil && sees {
		g.buttons(r, who, a.Message, p)
	}
}

// cardOf gives what a server's page offers at a room, "" if it does not show it.
func cardOf(page, id string) string {
	_, card, _ := strings.Cut(page, `id="act-`+id+`">`)
	card, _, _ = strings.Cut(card, "</li>")
	return card
}

// shows says whether a part of a page is there and not hidden.
func shows(html, class string) bool {
	_, tag, there := strings.Cut(html, class+`"`)
	tag, _, _ = strings.Cut(tag, ">")
	return there && !strings.Contains(tag, "hidden")
}

// buttons tries the one that the answer to a slash command offers: the way in as it is open to somebody.
func (g *gateHarness) buttons(r table, who string, m *discordsim.Message, p discordsim.Permissions) {
	joins := g.world.discord.MayJoin(g.users[who], r.id) == nil
	for label, want := range map[string]bool{
		"Join": joins, "Wait for a seat": p.Has(enter) && !joins, "Knock": !p.Has(enter),
	} {
		_, offered := m.Find(label)
		g.want(r, who, "button "+label, offered, want)
		if !offered || label == "Knock" { // everybody knocks later
			continue
		}
		_, err := g.world.discord.PressButton(context.Background(), g.users[who], m.ID, label)
		g.must(err)
		doc := g.doc(r)
		g.want(r, who, "button "+label+" pressed",
			doc.Hold(g.users[who], g.clock.Now()) != nil || doc.Place(g.users[who]) > 0, want)
	}
}

// panel presses buttons of the panel in the room's chat, as everybody who sees
// it. Phones let also those press who are timed out or pending (discord-api-docs#6186).
func (g *gateHarness) panel(r table) {
	g.Helper()
	for who := range kinds {
		p, err := g.world.discord.PermissionsIn(g.users[who], r.id)
		g.must(err)
		before := g.doc(r)
		controls := p.Has(discordsim.PermViewChannel|discordsim.PermUseApplicationCommands) && g.controls(who)
		for label, want := range map[string]bool{"Invite": controls, "Keep open": p.Has(enter) || controls} {
			_, err = g.world.discord.PressButton(context.Background(), g.users[who], before.Panel.MessageID, label)
			if sees := p.Has(discordsim.PermViewChannel); (err == nil) != sees {
				g.Errorf("%s: %s: Discord shows the panel: %v, and says of a button: %v", r, who, sees, err)
			}
			after := g.doc(r)
			did := map[string]bool{
				"Invite":    len(after.Invites) > len(before.Invites),
				"Keep open": after.Idle.KeptAt.After(before.Idle.KeptAt),
			}
			g.want(r, who, "panel's "+label, did[label], want)
		}
	}
}

// controls says whether somebody runs the room where they see it.
func (g *gateHarness) controls(who string) bool {
	return who == "owner" || who == "admin" || who == "crown" || who == "manager"
}

// passes says whether Discord itself lets somebody through a room's gate.
func (g *gateHarness) passes(r table, who string) bool {
	return g.world.discord.MayJoin(g.users[who], r.place.probe[!shut(r.state)]) == nil
}

// knocks knocks at a room as everybody: whom the owner hears of is who is in the server, passes the gate, and
// cannot enter.
func (g *gateHarness) knocks(r table) {
	g.Helper()
	may := g.may(r)
	g.all(func(who string) { g.as[who].api(http.MethodPost, "/rooms/"+r.id.String()+"/knock", nil) })
	doc := g.doc(r)
	for who := range kinds {
		heard := doc.Knock(g.users[who]) != nil
		g.want(r, who, "knock", heard, who != "banned" && !may[who] && g.passes(r, who))
		if heard { // only a few wait at once, at one room and of one person
			_, err := hub.AnswerKnock.Call(context.Background(), g.app.hub, g.world.guild, room.AnswerRequest{
				Actor: access.Actor{UserID: g.users["owner"], Via: access.ViaWeb}, RoomID: r.id, User: g.users[who],
			})
			g.must(err)
		}
	}
}

// may gives whom Discord would let enter a room, were there a seat.
func (g *gateHarness) may(r table) map[string]bool {
	g.Helper()
	may := map[string]bool{}
	for who := range kinds {
		p, err := g.world.discord.PermissionsIn(g.users[who], r.id)
		g.must(err)
		may[who] = p.Has(enter)
	}
	return may
}

// enters tries the doors that let in, and gives whom Discord lets in.
func (g *gateHarness) enters(r table) map[string]bool {
	d, path := g.world.discord, "/rooms/"+r.id.String()
	could, may := map[string]bool{}, g.may(r)
	for who := range kinds {
		could[who] = d.MayJoin(g.users[who], r.id) == nil
	}
	g.all(func(who string) {
		status, _ := g.as[who].api(http.MethodPost, path+"/join", nil)
		g.want(r, who, "join", status == http.StatusOK, could[who])
		status, _ = g.as[who].api(http.MethodPost, path+"/wait", nil)
		g.want(r, who, "waiting list", status == http.StatusOK, may[who])
		g.as[who].api(http.MethodDelete, path+"/wait", nil)
		p, err := d.PermissionsIn(g.users[who], r.id)
		g.must(err)
		controls := p.Has(discordsim.PermViewChannel) && g.controls(who)
		status, _ = g.as[who].api(http.MethodPost, path+"/invites", map[string]any{})
		g.want(r, who, "invite made", status == http.StatusCreated, controls)
	})
	return could
}

// follows has everybody follow an invite: it lets in who passes the gate, and is used up by nobody else.
func (g *gateHarness) follows(r table) {
	g.Helper()
	d, path := g.world.discord, "/rooms/"+r.id.String()
	g.clock.Forward(10 * time.Minute) // nobody may follow many invites in a few minutes
	status, out := g.as["owner"].api(http.MethodPost, path+"/invites", map[string]any{"uses": 100})
	if status != http.StatusCreated {
		g.Fatalf("%s: no invite: %d %v", r, status, out)
	}
	_, token, _ := strings.Cut(out["url"].(string), "/i/")
	for who := range kinds {
		g.clock.Forward(time.Second)
		uses := g.uses(r)
		status, out := g.as[who].api(http.MethodPost, "/invites/redeem", map[string]any{"code": token})
		place := who == "guest" || who == "owner" || who == "timed-out guest"
		admin := who == "admin" || who == "crown"
		want := g.passes(r, who) && who != "banned" && (r.state != "locked" || place || admin)
		coming := out["on_the_way"] == true // into the server, or past its rules: let in when they are through
		g.want(r, who, "invite followed", status == http.StatusOK && !coming, want)
		if !coming {
			g.want(r, who, "invite not used up", g.uses(r) == uses, !want || place)
		}
		if status != http.StatusOK && who != "stranger" && strings.Contains(r.place.name, "role allowed") &&
			r.state == "open" && who == "member" &&
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
func (g *gateHarness) uses(r table) int {
	doc := g.doc(r)
	return len(doc.Invites[len(doc.Invites)-1].Redeemers)
}
