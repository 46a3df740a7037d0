package main

import (
	"fmt"
	"net/http"
	"testing"

	"snug/shared/testkit/browsertest"
)

// TestHome is the home page as two people use it: one opens a room with a preset and sits down, which the other sees;
// it closes, the other opens it again, and the first sees that and goes there.
func TestHome(t *testing.T) {
	t.Parallel()
	h := newHarness(t, unhurried)
	browser := browsertest.Start(t)
	alice, bruno := h.browse(browser, "alice"), h.browse(browser, "bruno")
	if status, out := h.signIn("alice").api(http.MethodPost, "/me/presets", map[string]any{
		"name": "Commander", "room_name": "Commander night", "seats": 3, "private": false,
	}); status != http.StatusOK {
		t.Fatalf("no preset: %d %v", status, out)
	}
	for _, p := range []*browserUser{alice, bruno} {
		p.goTo("/presets") // signs them in
	}
	bruno.goTo("/")
	bruno.live()
	bruno.sees("that nobody is in a room", `document.querySelector('#now .nobody')`)

	alice.goTo("/")
	alice.do("open a room with a preset", press(`#open-bar .chip[value="me:Commander"]`))
	alice.sees("the room's page", `location.pathname.startsWith('/game/')`)
	id := read[string](alice, `location.pathname.split('/')[2]`)
	alice.sees("the preset's name", `document.querySelector('#room-h').textContent.includes('Commander night')`)
	h.must(h.join("alice", id))
	row := fmt.Sprintf(`document.querySelector('#now [data-room="%s"]')`, id)
	bruno.sees("where Alice is", row+`?.innerText.includes('Alice')`)
	bruno.sees("2 seats free", row+`?.innerText.includes('2 seats free')`)
	h.must(h.join("bruno", id))
	bruno.sees("that he sits there", row+`?.classList.contains('here')`)
	bruno.picture("home")

	if status, out := h.signIn("alice").api(http.MethodPost, "/rooms/"+id+"/close", nil); status != http.StatusOK {
		t.Fatalf("not closed: %d %v", status, out)
	}
	again := `#closed form[action="/game/` + id + `/again"] button`
	bruno.sees("the closed room", `document.querySelector('`+again+`')?.checkVisibility()`)
	alice.goTo("/game/" + id)
	alice.sees("that it is closed", `document.querySelector('#closed-room').innerText.includes('Bruno')`)
	bruno.do("open it again", press(again))
	bruno.sees("the new room", `location.pathname.startsWith('/game/') && !location.pathname.includes('`+id+`')`)
	alice.sees("that it is open again", `document.querySelector('#closed-room a.primary')`)
	alice.do("go there", press(`#closed-room a.primary`))
	alice.sees("the same room", `document.querySelector('#room-h')?.textContent.includes('Commander night')`)
	if a, b := read[string](alice, "location.pathname"), read[string](bruno, "location.pathname"); a != b {
		t.Errorf("Alice is at %s, Bruno at %s", a, b)
	}
}
