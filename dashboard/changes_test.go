package dashboard

import (
	"net/url"
	"strings"
	"testing"

	"snug/shared/hub"
	"snug/shared/room"
)

// TestChangesOnThePage: each form of the room's page does what it says, for who may.
func TestChangesOnThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w, path := b.signedIn(owner), "/game/"+r.ID.String()
	now := func() room.Room { return b.stored(r.ID) }
	for _, x := range []struct {
		name   string
		values url.Values
		is     func(room.Room) bool
	}{
		{
			"rename", url.Values{"do": {"rename"}, "name": {"Saturday"}},
			func(r room.Room) bool { return r.Name == "Saturday" },
		},
		{"seats", url.Values{"do": {"seats"}, "seats": {" 6 "}}, func(r room.Room) bool { return r.Seats == 6 }},
		{
			"status", url.Values{"do": {"status"}, "status": {"Round 2"}},
			func(r room.Room) bool { return r.Status == "Round 2" },
		},
		{
			"card", url.Values{"do": {"card"}, "headline": {"Casual"}, "link": {""}, "note": {"Hi"}},
			func(r room.Room) bool { return r.Card == room.Card{Headline: "Casual", Note: "Hi"} },
		},
		{"lock", url.Values{"do": {"lock"}}, func(r room.Room) bool { return r.Locked }},
		{"unlock", url.Values{"do": {"unlock"}}, func(r room.Room) bool { return !r.Locked }},
		{
			"ban", url.Values{"do": {"ban"}, "user": {stranger.String()}},
			func(r room.Room) bool { return r.Banned(stranger) },
		},
	} {
		if got := w.form(path+"/change", x.values); got.status != 303 ||
			!strings.HasPrefix(got.header.Get("Location"), path) || !x.is(now()) {
			t.Errorf("%s: %d to %s, the room is %+v", x.name, got.status, got.header.Get("Location"), now())
		}
	}
	edit := url.Values{
		"name": {"An old name"}, "was_name": {"An old name"}, "seats": {"5"}, "was_seats": {"6"},
		"headline": {"Casual"}, "was_headline": {"Casual"}, "link": {"https://example.com/"}, "was_link": {""},
		"status": {"without was"},
	}
	if got := w.form(path+"/edit", edit); got.status != 303 || now().Name != "Saturday" || now().Seats != 5 ||
		now().Card != (room.Card{Headline: "Casual", Link: "https://example.com/", Note: "Hi"}) ||
		now().Status != "Round 2" {
		t.Errorf("a form of several: %d, the room is %+v", got.status, now())
	}
	// as often as Discord lets channels be renamed
	w.form(path+"/change", url.Values{"do": {"rename"}, "name": {"Sunday"}})
	var out gotRoomChanged
	w.api("POST", "/api/v1/rooms/"+r.ID.String()+"/change", `{"do":"rename","name":"Later"}`).json(&out)
	if out.Later == nil || now().Name != "Sunday" {
		t.Errorf("a later name: %+v", out)
	}
	for name, values := range map[string]url.Values{
		"no number": {"do": {"seats"}, "seats": {"many"}}, "nobody's id": {"do": {"kick"}, "user": {"../1"}},
		"no address": {"do": {"card"}, "link": {"javascript:alert(1)"}}, "an empty card": {"do": {"card"}},
		"nothing to do": {}, "nonsense": {"do": {"burn"}},
	} {
		if got := w.form(path+"/change", values); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.text())
		}
	}
	if got := b.signedIn(member).form(path+"/change", url.Values{"do": {"lock"}}); got.status != 404 || now().Locked {
		t.Errorf("who does not see the room: %d", got.status)
	}
}

// TestKnocking: a knock at a room one may not see is answered like one at no room.
func TestKnocking(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.room()
	w, path := b.signedIn(member), "/game/"+r.ID.String()
	if page := w.get(path); page.status != 404 || !strings.Contains(page.body, path+"/knock") {
		t.Errorf("no way to knock: %d", page.status)
	}
	for _, at := range []string{path, "/game/155101607195836999"} {
		got := w.form(at+"/knock", nil)
		if got.status != 303 || got.header.Get("Location") != at+"?knocked=1" {
			t.Errorf("knocking at %s: %d to %s", at, got.status, got.header.Get("Location"))
		}
		if page := w.get(at + "?knocked=1"); page.status != 404 || !strings.Contains(page.body, "You knocked") ||
			!strings.Contains(page.body, "data-look-again") {
			t.Errorf("after knocking at %s: %d %s", at, page.status, page.text())
		}
	}
	boss := b.signedIn(owner)
	if page := boss.get(path); !strings.Contains(page.body, "Somebody is knocking") ||
		!strings.Contains(page.body, "User "+member.String()) {
		t.Errorf("the owner does not see who knocks: %s", page.text())
	}
	if got := boss.form(path+"/answer", url.Values{"user": {member.String()}, "let_in": {"true"}}); got.status != 303 {
		t.Errorf("letting in: %d", got.status)
	}
	if page := w.get(path + "?knocked=1"); page.status != 200 {
		t.Errorf("let in: %d", page.status)
	}
	if got := boss.form(path+"/answer", url.Values{"user": {member.String()}}); got.status != 404 {
		t.Errorf("answering nobody: %d", got.status)
	}
}

// TestWaiting: the waiting list, and what is remembered for the next room.
func TestWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.fullRoom()
	w, path := b.signedIn(guest), "/game/"+r.ID.String()
	if got := w.form(path+"/wait", nil); got.status != 303 || len(b.stored(r.ID).Waiting) != 1 {
		t.Errorf("waiting: %d %s", got.status, got.text())
	}
	if got := w.form(path+"/wait", url.Values{"leave": {"true"}}); got.status != 303 ||
		len(b.stored(r.ID).Waiting) != 0 {
		t.Errorf("leaving the line: %d", got.status)
	}
	old := call(b, hub.OpenRoom, room.OpenRequest{Actor: actor(guest), Name: "My old room", Seats: 7})
	call(b, hub.CloseRoom, room.Request{Actor: actor(guest), RoomID: old.Room.ID})
	server := "/servers/" + friends.String()
	if page := w.get(server); !strings.Contains(page.body, `value="My old room"`) ||
		!strings.Contains(page.body, `value="7"`) || !strings.Contains(page.body, server+"/forget") {
		t.Errorf("the form does not start as the last room: %s", page.text())
	}
	if got := w.form(server+"/forget", nil); got.status != 303 || got.header.Get("Location") != server+"?forgotten=1" {
		t.Errorf("forgetting: %d", got.status)
	}
	if page := w.get(server); strings.Contains(page.body, "My old room") || strings.Contains(page.body, "/forget") {
		t.Error("it is not forgotten")
	}
}

// TestLanguages: pages and refusals are in the language somebody chose, else in their browser's.
func TestLanguages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.browser(member.String())
	if page := w.get("/", "Accept-Language", "de-AT,de;q=0.9"); !strings.Contains(page.body, `<html lang="de"`) ||
		!strings.Contains(page.body, "Mit Discord anmelden") {
		t.Errorf("German was asked for: %.300s", page.body)
	}
	got := w.form("/language", url.Values{"lang": {"de"}, "return_to": {"//evil.example/"}})
	if got.status != 303 || got.header.Get("Location") != "/" ||
		!strings.Contains(got.header.Get("Set-Cookie"), "snug-lang=de") {
		t.Errorf("choosing: %d to %s, %s", got.status, got.header.Get("Location"), got.header.Get("Set-Cookie"))
	}
	if page := w.get("/no-such-page", "Accept-Language", "en"); page.status != 404 ||
		!strings.Contains(page.body, "Hier ist nichts") {
		t.Errorf("chosen German: %d %s", page.status, page.text())
	}
	if got := w.form("/language",
		url.Values{"lang": {"<script>"}, "return_to": {"/"}}); strings.Contains(got.header.Get("Set-Cookie"),
		"script") {
		t.Errorf("a stranger's language is kept: %s", got.header.Get("Set-Cookie"))
	}
}
