package dashboard

import (
	"slices"
	"strings"
	"testing"

	"snug/dashboard/wire"
	"snug/shared/apitoken"
	"snug/shared/errs"
	"snug/shared/hub"
	"snug/shared/room"
)

// TestChangesByProgram: each change does what it says, for who may, and takes what it needs and nothing else.
func TestChangesByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	p, _ := b.signedIn(owner).program("/api/v1/me/tokens", apitoken.RoomsRead, apitoken.RoomsWrite)
	at := "/api/v1/rooms/" + r.ID.String()
	now := func() room.Room { return b.stored(r.ID) }
	for _, x := range []struct {
		body string
		is   func(room.Room) bool
	}{
		{`{"do":"rename","name":"Saturday"}`, func(r room.Room) bool { return r.Name == "Saturday" }},
		{`{"do":"seats","seats":6}`, func(r room.Room) bool { return r.Seats == 6 }},
		{`{"do":"status","status":"Round 2"}`, func(r room.Room) bool { return r.Status == "Round 2" }},
		{`{"do":"status","status":""}`, func(r room.Room) bool { return r.Status == "" }},
		{
			`{"do":"card","headline":"Casual","link":"https://example.com/a","note":"Hi"}`,
			func(r room.Room) bool {
				return r.Card == room.Card{Headline: "Casual", Link: "https://example.com/a", Note: "Hi"}
			},
		},
		{
			`{"do":"card","note":""}`, // the others stay
			func(r room.Room) bool { return r.Card == room.Card{Headline: "Casual", Link: "https://example.com/a"} },
		},
		{`{"do":"lock"}`, func(r room.Room) bool { return r.Locked }},
		{`{"do":"unlock"}`, func(r room.Room) bool { return !r.Locked }},
		{`{"do":"public"}`, func(r room.Room) bool { return !r.Private }},
		{`{"do":"private"}`, func(r room.Room) bool { return r.Private }},
		{`{"do":"watch"}`, func(r room.Room) bool { return r.WatchToken != "" }},
		{`{"do":"kick","user":"2"}`, func(r room.Room) bool { return r.Guest(guest) == nil }},
		{`{"do":"ban","user":"6"}`, func(r room.Room) bool { return r.Banned(stranger) }},
	} {
		got := p.do("POST", at+"/change", x.body)
		var out gotRoomChanged
		got.json(&out)
		if got.status != 200 || !x.is(now()) || out.Room.ChannelID != r.ID || out.Later != nil {
			t.Errorf("%s: %d %s, the room is %+v", x.body, got.status, got.body, now())
		}
		if watch := now().WatchToken; strings.Contains(x.body, "watch") &&
			!strings.HasSuffix(out.WatchURL, "/watch/"+r.ID.String()+"?t="+watch) {
			t.Errorf("the link for spectators is %q", out.WatchURL)
		}
	}
	p.do("POST", at+"/change", `{"do":"rename","name":"Sunday"}`) // as often as Discord lets channels be renamed
	var later gotRoomChanged
	if p.do("POST", at+"/change", `{"do":"rename","name":"Later"}`).json(&later); later.Later == nil ||
		later.Room.Name != "Sunday" {
		t.Errorf("a later name: %+v", later)
	}
	for body, field := range map[string]string{
		`{"do":"burn"}`: "do", `{}`: "do", `{"do":"rename"}`: "name", `{"do":"rename","name":" "}`: "name",
		`{"do":"seats"}`: "seats", `{"do":"seats","seats":0}`: "seats",
		`{"do":"seats","seats":100}`: "seats", `{"do":"status"}`: "status", `{"do":"kick"}`: "user",
		`{"do":"kick","user":"x"}`: "user", `{"do":"lock","user":"2"}`: "user",
		`{"do":"kick","user":"2","name":"x"}`: "name", `{"do":"lock","text":"x"}`: "text",
	} {
		if got := p.do("POST", at+"/change", body); got.status != 400 || got.problem().Code != errs.Invalid ||
			got.problem().Field != field {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for _, body := range []string{`{"do":"lock"}`, `{"do":"rename"}`, `{"do":"ban","user":"1"}`} {
		// nothing tells a member that the room is there
		if got := b.signedIn(member).api("POST", at+"/change", body); got.status != 404 ||
			got.problem().Code != errs.RoomNotFound {
			t.Errorf("%s by who does not see the room: %d %s", body, got.status, got.body)
		}
	}
	call(b, hub.RedeemInvite, room.RedeemRequest{Actor: actor(guest), RoomID: r.ID, Code: b.invite(r)})
	if got := b.signedIn(guest).api("POST", at+"/change", `{"do":"lock"}`); got.status != 403 ||
		got.problem().Code != errs.Forbidden || now().Locked {
		t.Errorf("a guest: %d %s", got.status, got.body)
	}
	reader, _ := b.signedIn(owner).program("/api/v1/me/tokens", apitoken.RoomsRead)
	if got := reader.do("POST", at+"/change", `{"do":"lock"}`); got.status != 403 || now().Locked {
		t.Errorf("a token that may only read: %d", got.status)
	}
}

// TestKnockingByProgram: knocking tells nothing of a room one may not see; who controls it sees and answers.
func TestKnockingByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w, boss, at := b.signedIn(member), b.signedIn(owner), "/api/v1/rooms/"+r.ID.String()
	first := w.api("POST", at+"/knock", "")
	for _, path := range []string{"/api/v1/rooms/155101607195836999", "/api/v1/rooms/nonsense"} {
		if got := w.api("POST", path+"/knock", ""); got.status != 200 || got.body != first.body || first.status != 200 {
			t.Errorf("a knock at no room is told from one at a room: %d %s, %d %s", got.status, got.body, first.status,
				first.body)
		}
	}
	var c gotControl
	boss.api("GET", at+"/control", "").json(&c)
	if len(c.Knocks) != 1 || c.Knocks[0].UserID != member || len(c.Guests) != 1 || c.Guests[0].UserID != guest ||
		len(c.Bans) != 1 || c.Bans[0].UserID != banned || c.RenamesLeft != 2 {
		t.Errorf("who controls the room sees %+v", c)
	}
	if got := b.signedIn(guest).api("GET", at+"/control", ""); got.status != 403 ||
		got.problem().Code != errs.Forbidden {
		t.Errorf("a guest sees what only the owner may: %d", got.status)
	}
	if got := w.api("GET", at+"/control", ""); got.status != 404 || got.problem().Code != errs.RoomNotFound {
		t.Errorf("who does not see the room: %d", got.status)
	}
	body := `{"user":"` + member.String() + `","let_in":true}`
	if got := b.signedIn(guest).api("POST", at+"/answer", body); got.status != 403 {
		t.Errorf("a guest answered: %d", got.status)
	}
	if got := boss.api("POST", at+"/answer", body); got.status != 200 ||
		!slices.Contains(b.guests(r.ID), member) {
		t.Errorf("letting in: %d %s", got.status, got.body)
	}
	if got := boss.api("POST", at+"/answer", body); got.status != 404 || got.problem().Code != errs.NotFound {
		t.Errorf("answering nobody: %d %s", got.status, got.body)
	}
	if got := boss.api("POST", at+"/answer", `{"let_in":true}`); got.status != 400 || got.problem().Field != "user" {
		t.Errorf("answering without saying whom: %d %s", got.status, got.body)
	}
}

// TestWaitingByProgram: the waiting list, as the view of the room tells it too.
func TestWaitingByProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.fullRoom()
	w, at := b.signedIn(guest), "/api/v1/rooms/"+r.ID.String()
	var out gotWaiting
	var view wire.View
	w.api("POST", at+"/wait", "").json(&out)
	w.api("GET", at, "").json(&view)
	if out.Place != 1 || view.Place != 1 {
		t.Errorf("waiting at %d, in the view %d", out.Place, view.Place)
	}
	if got := w.api("DELETE", at+"/wait", ""); got.status != 204 || got.body != "" {
		t.Errorf("waiting no longer: %d %s", got.status, got.body)
	}
	var after wire.View
	if w.api("GET", at, "").json(&after); after.Place != 0 {
		t.Errorf("still waiting at %d", after.Place)
	}
	for _, method := range []string{"POST", "DELETE"} {
		if got := b.signedIn(member).api(method, at+"/wait", ""); got.status != 404 ||
			got.problem().Code != errs.RoomNotFound {
			t.Errorf("%s by who does not see the room: %d", method, got.status)
		}
	}
}
