package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/room"
)

// soon gives a context for what should take a moment.
func (h *harness) soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	h.Cleanup(cancel)
	return ctx
}

func (h *harness) user(name string) discordsim.ID { return h.People[name] }

// try runs a command in a room's chat (0: wherever the member is), and gives why it cannot be run.
func (h *harness) try(name, command string, in snowflake.ID, options map[string]any) (*discordsim.Answer, error) {
	return h.Discord.RunCommand(h.soon(), h.user(name),
		discordsim.CommandRun{Guild: discordsim.ID(h.Guild), Channel: in, Name: command, Options: options})
}

// press presses a button, by its label, or chooses in a menu. Without a message it is the newest with such a component.
func (h *harness) press(name string, message discordsim.ID, component string, values ...string) *discordsim.Answer {
	h.Helper()
	a, err := h.Discord.UseComponent(h.soon(), h.user(name), message, component, values...)
	if err != nil {
		h.Fatalf("%s presses %q: %v", name, component, err)
	}
	return a
}

// enter fills in the modal of an answer.
func (h *harness) enter(name string, a *discordsim.Answer, fields map[string]any) *discordsim.Answer {
	h.Helper()
	if a.Modal == nil {
		h.Fatalf("there is no modal: %+v", a)
	}
	b, err := h.Discord.SubmitModal(h.soon(), h.user(name), a.Modal.CustomID, fields)
	h.Must(err)
	return b
}

// wantText checks an answer: to its user alone, with these words, mentioning nobody.
func (h *harness) wantText(a *discordsim.Answer, words ...string) {
	h.Helper()
	if a.Message == nil || !a.Ephemeral {
		h.Fatalf("the answer is not for its user alone: %+v", a)
	}
	for _, w := range words {
		if !strings.Contains(a.Message.Text(), w) {
			h.Errorf("the answer lacks %q: %s", w, a.Message.Text())
		}
	}
	h.mentionsNobody(a.Message)
}

func (h *harness) mentionsNobody(m *discordsim.Message) {
	h.Helper()
	var raw struct {
		Mentions     []any `json:"mentions"`
		MentionRoles []any `json:"mention_roles"`
		Everyone     bool  `json:"mention_everyone"`
	}
	h.Must(json.Unmarshal(m.Raw, &raw))
	if raw.Everyone || len(raw.MentionRoles) > 0 {
		h.Errorf("a message mentions: %s", m.Raw)
	}
}

// menu finds the custom id of the menu in a message.
func (h *harness) menu(m *discordsim.Message) discordsim.Component {
	h.Helper()
	for _, c := range discordsim.All(m.Components) {
		if c.Type == 3 || c.Type == 5 {
			return c
		}
	}
	h.Fatalf("there is no menu in %s", m.Raw)
	return discordsim.Component{}
}

// chat gives what a member sees in a channel's chat, oldest first.
func (h *harness) chat(name string, channel snowflake.ID) (out []*discordsim.Message) {
	h.Helper()
	state, err := h.Discord.StateFor(h.user(name))
	h.Must(err)
	for _, w := range state.Messages[channel] {
		b, err := json.Marshal(w)
		h.Must(err)
		m := &discordsim.Message{Raw: b}
		h.Must(json.Unmarshal(b, m))
		out = append(out, m)
	}
	return out
}

// panel waits for a room's control panel to be as ok wants it.
func (h *harness) panel(
	name string, id snowflake.ID, what string, ok func(*discordsim.Message) bool,
) (out *discordsim.Message) {
	h.Helper()
	h.eventually("the panel shows "+what, func() bool {
		list := h.chat(name, id)
		i := slices.IndexFunc(list, func(m *discordsim.Message) bool { _, there := m.Find("Rename"); return there })
		if i < 0 || !ok(list[i]) {
			return false
		}
		out = list[i]
		return true
	})
	return out
}

func has(label string) func(*discordsim.Message) bool {
	return func(m *discordsim.Message) bool { _, ok := m.Find(label); return ok }
}

func TestPanelIsPostedOnceAndFollowsTheRoom(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday *draft*")
	id := r.Room.ID
	m := h.panel("jonas", id, "the room", has("Lock"))
	if !strings.Contains(m.Text(), `Friday \*draft\*`) || !strings.Contains(m.Text(), "4 seats") ||
		!strings.Contains(m.Text(), "private") {
		t.Errorf("the panel says %s", m.Text())
	}
	h.mentionsNobody(m)
	for _, label := range []string{
		"Lock", "Make public", "Seats", "Rename", "Status", "Invite", "Keep open", "Claim the room", "Close",
	} {
		if _, ok := m.Find(label); !ok {
			t.Errorf("the panel has no button %q", label)
		}
	}
	edits := h.asked("PATCH /channels/{channel}/messages")
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")

	h.shut()
	h.start()
	h.settings(`{"idle_timeout":"0s","seat_grace":"0s"}`) // jonas is in, so nothing is announced
	h.Leave("jonas")
	h.panel("jonas", id, "the closing",
		func(m *discordsim.Message) bool { return strings.Contains(m.Text(), "Closes") })
	panels := 0
	for _, m := range h.chat("jonas", id) {
		if has("Rename")(m) {
			panels++
		}
	}
	if panels != 1 {
		t.Errorf("after a restart there are %d panels", panels)
	}
	edited := func() int { return h.asked("PATCH /channels/{channel}/messages") - edits }
	h.eventually("the edit is counted", func() bool { return edited() > 0 })
	if n := edited(); n != 1 {
		t.Errorf("the panel was edited %d times: a join and a restart change nothing", n)
	}

	a := h.press("jonas", m.ID, "Keep open")
	h.wantText(a, "stays open")
	h.panel("jonas", id, "that it stays",
		func(m *discordsim.Message) bool { return !strings.Contains(m.Text(), "Closes") })
}

// TestSlowChannelDelaysNoOtherPanel: while Discord is slow with one room's chat, or breaks there again and again, the
// panels of the same server's other rooms follow at once.
func TestSlowChannelDelaysNoOtherPanel(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name  string
		fault discordsim.Fault
	}{
		{"slow", discordsim.Fault{Kind: discordsim.FaultLatency, Delay: 12}},
		{"broken", discordsim.Fault{Kind: discordsim.FaultError, Status: 500, Count: -1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			slow, other := h.open("jonas", "Slow").Room.ID, h.open("kiyo", "Other").Room.ID
			h.panel("jonas", slow, "the room", has("Lock"))
			h.panel("kiyo", other, "the room", has("Lock"))
			x.fault.Route = fmt.Sprintf("PATCH /channels/%d/messages/*", slow)
			f, err := h.Discord.Inject(x.fault)
			h.Must(err)
			begun := time.Now()
			h.changed("jonas", slow, room.DoLock)
			h.changed("kiyo", other, room.DoLock)
			h.panel("kiyo", other, "that it is locked", has("Unlock"))
			h.changed("kiyo", other, room.DoUnlock)
			h.panel("kiyo", other, "that it is not any more", has("Lock"))
			if took := time.Since(begun); took > 8*time.Second {
				t.Errorf("two changes of another room's panel took %v", took)
			} else {
				t.Logf("two changes of another room's panel took %v", took)
			}
			h.Discord.ClearFaults(f.ID)
			h.panel("jonas", slow, "that it is locked, too", has("Unlock"))
		})
	}
}

func TestDeletedPanelComesBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	m := h.panel("jonas", r.Room.ID, "the room", has("Lock"))
	h.bare("DELETE", fmt.Sprintf("/channels/%d/messages/%d", r.Room.ID, m.ID))
	h.settings(`{"idle_timeout":"0s"}`)
	h.panel("jonas", r.Room.ID, "the closing",
		func(now *discordsim.Message) bool { return now.ID != m.ID && strings.Contains(now.Text(), "Closes") })
}

func TestRoomsWorkWithoutAPanel(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.heard(h.Discord.SetRole(h.Guild, discordsim.ID(h.Guild),
		discordsim.PermViewChannel|discordsim.PermConnect|discordsim.PermUseApplicationCommands))
	a := h.Command("jonas", "create-room", map[string]any{"name": "Quiet"})
	h.wantText(a, "is open")
	h.eventually("a panel was tried", func() bool { return h.asked("POST /channels/{channel}/messages") > 0 })
	h.wantText(h.Command("jonas", "room info", nil), "Quiet")
	if n := h.asked("POST /channels/{channel}/messages"); n != 1 {
		t.Errorf("a panel that is refused was tried %d times", n)
	}
}

func TestClosingIsConfirmed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	m := h.panel("jonas", r.Room.ID, "the room", has("Close"))
	a := h.press("jonas", m.ID, "Close")
	h.wantText(a, "Close **Friday**?", "1 person is in it")
	h.wantText(h.press("jonas", a.Message.ID, "Leave it open"), "nothing changed")

	h.Leave("jonas")
	h.awaitRoster(r.Room.ID)
	a, err := h.try("jonas", "room close", h.public, nil)
	h.Must(err)
	b, err := h.try("jonas", "room close", h.public, nil)
	h.Must(err)
	h.wantText(a, "Close **Friday**?")
	h.wantText(h.press("jonas", a.Message.ID, "Close"), "is closed", "/create-room")
	h.await("the room is gone", func(l map[snowflake.ID]room.Live) bool { return len(l) == 0 })
	h.wantText(h.press("jonas", b.Message.ID, "Close"), "is closed")
}

// TestCustomIDsAreNotBelieved: what comes back from people's clients opens nothing to them.
func TestCustomIDsAreNotBelieved(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	r := h.open("jonas", "Friday")
	m := h.panel("kiyo", r.Room.ID, "the room", has("Close"))
	h.wantText(h.press("kiyo", m.ID, "Close"), "Only the room's owner")
	h.wantText(h.press("kiyo", m.ID, "Invite"), "Only the room's owner")
	h.wantText(h.press("kiyo", m.ID, "Rename"), "Only the room's owner")
	h.wantText(h.press("kiyo", m.ID, h.menu(m).CustomID, h.People["jonas"].String()), "Only the room's owner")

	// A guild of another shard, an action that does not exist: posted by the bot itself, so that they can be
	// pressed at all.
	for _, bad := range []string{
		fmt.Sprintf("snug1/close-now/%d/%d/", h.Guild+1, r.Room.ID),
		fmt.Sprintf("snug1/explode/%d/%d/", h.Guild, r.Room.ID),
		fmt.Sprintf("snug1/close/%d/0/", h.Guild), "/room/close", "snug1/lock/1/2",
	} {
		id := h.post(h.public,
			fmt.Sprintf(`{"content":"x","components":[{"type":1,"components":[
				{"type":2,"style":1,"label":"Go","custom_id":%q}]}]}`, bad))
		h.wantText(h.press("jonas", id, bad), "older version of Snug")
	}
	h.await("the room stands", func(l map[snowflake.ID]room.Live) bool { return len(l) == 1 })
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(l *discordsim.Limits) { l.Buckets = false })
	h.settings(`{"rooms_per_member":40,"private":false}`)
	for i := range 27 {
		h.open("jonas", fmt.Sprintf("Table %02d", i))
	}
	hidden := h.openWith("kiyo", room.OpenRequest{Name: "Table of secrets", Private: new(true)})
	suggest := func(name, typed string) (out []string) {
		list, err := h.Discord.Autocomplete(h.soon(), h.user(name),
			discordsim.CommandRun{Guild: h.Guild, Name: "room info", Options: map[string]any{"room": typed}}, "room")
		h.Must(err)
		for _, c := range list {
			out = append(out, c.Name)
		}
		return out
	}
	if got := suggest("priya", ""); len(got) != 25 {
		t.Errorf("%d rooms are suggested", len(got))
	}
	if got := suggest("priya", "table 1"); len(got) != 10 || !strings.HasPrefix(got[0], "Table 10 · 0 of 4") {
		t.Errorf("suggested: %q", got)
	}
	if got := suggest("priya", "secrets"); len(got) != 0 {
		t.Errorf("a private room is suggested: %q", got)
	}
	if got := suggest("kiyo", "secrets"); len(got) != 1 {
		t.Errorf("its owner is suggested %q", got)
	}
	h.wantText(h.Command("priya", "room info", map[string]any{"room": "table 07"}), "Table 07")
	h.wantText(h.Command("priya", "room info", map[string]any{"room": hidden.Room.ID.String()}),
		"closed, or you aren't invited")
	h.wantText(h.Command("priya", "room info", map[string]any{"room": "@everyone"}),
		`You can't see a room called “\@everyone”`)

	a := h.Command("priya", "rooms", nil)
	h.wantText(a, "27 rooms", "7 more")
	a = h.press("priya", a.Message.ID, h.menu(a.Message).CustomID, h.menu(a.Message).Options[3].Value)
	h.wantText(a, "0 of 4 seats")
	h.wantText(h.press("priya", a.Message.ID, "Join"), "Your seat is held until")
}

func TestAnswersAreInTheirReadersLanguage(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.Must(h.Discord.SetLocale(h.user("jonas"), "de"))
	a := h.Command("jonas", "create-room", map[string]any{"name": "Freitag"})
	h.wantText(a, "**Freitag** ist offen", "4 Plätze", "privat")
	h.wantText(h.Command("jonas", "create-room", nil), "Schließ ihn zuerst")
	h.wantText(h.Command("kiyo", "room info", nil), "You don't have a room here")
}

// TestSlowDiscord: the first answer is there in three seconds, however long the rest takes.
func TestSlowDiscord(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	_, err := h.Discord.Inject(discordsim.Fault{
		Kind: discordsim.FaultLatency, Route: "POST /guilds/{guild.id}/channels", Delay: 3.5,
	})
	h.Must(err)
	type answered struct {
		a   *discordsim.Answer
		err error
	}
	opening := make(chan answered, 1)
	go func() {
		a, err := h.try("jonas", "create-room", 0, map[string]any{"name": "Slow"})
		opening <- answered{a, err}
	}()
	h.eventually("the room is being made", func() bool { return h.asked("POST /guilds/{guild") > 0 })
	// The guild's turn is taken now; suggestions do not wait for it.
	_, err = h.Discord.Autocomplete(h.soon(), h.user("kiyo"), discordsim.CommandRun{Guild: h.Guild, Name: "room info"},
		"room")
	h.Must(err)
	got := <-opening
	h.Must(got.err)
	if !got.a.Deferred {
		t.Error("the answer was not deferred")
	}
	h.wantText(got.a, "**Slow** is open")
}
