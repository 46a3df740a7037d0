package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

// crowd adds members to the server.
func (h *harness) crowd(n int) (ids []snowflake.ID) {
	h.Helper()
	for i := range n {
		u := h.Discord.AddUser(fmt.Sprint("guest", i), "")
		h.Must(h.Discord.AddMember(h.Guild, u.ID, ""))
		ids = append(ids, u.ID)
	}
	return ids
}

// opens counts the direct messages that Snug opened with people who had none with it.
func (h *harness) opens() discordsim.StateApplication { return h.Discord.State().Applications[0] }

// One owner who invites many people by name opens three direct messages, before and after a restart, and is
// told of the others what to do.
func TestOneOwnersDirectMessages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { *l = discordsim.NoRateLimits(); l.DMs, l.DMRefusals = 25, 5 })
	h.open("jonas", "Friday")
	guests := h.crowd(30)
	invite := func(who snowflake.ID) string {
		return h.Command("jonas", "invite", map[string]any{"user": who}).Message.Text()
	}
	for i, who := range guests {
		words := invite(who)
		if sent := strings.Contains(words, "I sent them the link"); sent != (i < 3) || !strings.Contains(words, "/i/") {
			t.Errorf("guest %d: %s", i, words)
		}
		if i >= 3 && !strings.Contains(words, "couldn't message them, so please send them this link") {
			t.Errorf("guest %d: %s", i, words)
		}
		if i == 10 {
			h.shut()
			h.start()
		}
	}
	if a := h.opens(); a.DMsOpened != 3 || a.Quarantined {
		t.Errorf("%+v", a)
	}
	health, err := call(h, hub.HealthOf, manage(h, "mara"))
	h.Must(err)
	if d := health.DMs; !d.Known || d.HeldBack(health.Now) || d.Budgets[0].Left != 7 || d.Budgets[1].Left != 197 ||
		d.Held != 19 {
		t.Errorf("%+v", d)
	}
	h.clock.Forward(10 * time.Minute)
	if words := invite(h.crowd(1)[0]); !strings.Contains(words, "I sent them the link") {
		t.Errorf("ten minutes later: %s", words)
	}
}

// What everybody in a room may read is said in its chat when it cannot be sent; links, refusals and bans are not.
func TestChatInsteadOfDirectMessages(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seat_grace":"0s"}`)
	id := h.open("jonas", "Friday").Room.ID
	for _, who := range []string{"kiyo", "priya", "ada"} {
		h.Must(h.Discord.CloseDMs(h.user(who), true))
	}
	knock := func(who string, letIn bool) room.ChangeDone {
		t.Helper()
		_, err := call(h, hub.Knock, room.KnockRequest{Actor: h.actor(who), RoomID: id})
		h.Must(err)
		done, err := call(h, hub.AnswerKnock,
			room.AnswerRequest{Actor: h.actor("jonas"), RoomID: id, User: h.People[who], LetIn: letIn})
		h.Must(err)
		return done
	}
	h.changed("jonas", id, room.DoLock)
	if got := knock("kiyo", true).Delivery; got != room.DeliveredInChat {
		t.Errorf("let in: %q", got)
	}
	h.said(id, "<@"+h.People["kiyo"].String()+">, come on in!")
	if got := knock("priya", false).Delivery; got != room.DMsClosed {
		t.Errorf("refused: %q", got)
	}
	if words := h.Command("jonas", "invite",
		map[string]any{"user": h.People["ada"]}).Message.Text(); !strings.Contains(words,
		"They don't accept direct messages from me") {
		t.Error(words)
	}
	h.clock.Forward(4 * time.Minute) // no seat is held any more for those who were let in
	h.changed("jonas", id, room.DoUnlock)
	h.changed("jonas", id, room.DoSeats, func(q *room.ChangeRequest) { q.Number = 1 })
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	if _, err := h.wait("kiyo", id, false); err != nil {
		t.Fatal(err)
	}
	h.Leave("jonas")
	h.said(id, "<@"+h.People["kiyo"].String()+">, a seat is free")
	h.changed("jonas", id, room.DoBan, h.at("ada"))
	for _, m := range h.chat("mara", id) {
		if text := m.Text(); strings.Contains(text, "/i/") || strings.Contains(text, "not now") ||
			strings.Contains(text, h.People["ada"].String()) || strings.Contains(text, h.People["priya"].String()) {
			t.Errorf("the chat says: %s", text)
		}
	}
}
