package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/hub"
	"snug/shared/room"
)

// dms gives the direct messages that somebody got from Snug, oldest first.
func (h *harness) dms(name string) (out []*discordsim.Message) {
	h.Helper()
	state, err := h.Discord.StateFor(h.user(name))
	h.Must(err)
	for _, dm := range state.DMs {
		out = append(out, h.chat(name, dm.ID)...)
	}
	return out
}

// hears waits until somebody got a direct message with these words.
func (h *harness) hears(name, words string) *discordsim.Message {
	h.Helper()
	var found *discordsim.Message
	h.eventually(name+" hears "+words, func() bool {
		i := slices.IndexFunc(h.dms(name),
			func(m *discordsim.Message) bool { return strings.Contains(m.Text(), words) })
		if i >= 0 {
			found = h.dms(name)[i]
		}
		return i >= 0
	})
	h.mentionsNobody(found)
	return found
}

func TestOwnersCommands(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	for _, x := range []struct {
		command string
		options map[string]any
		words   string
		is      func(room.Summary) bool
	}{
		{
			"room rename", map[string]any{"name": "Saturday **x**"}, `called **Saturday \*\*x\*\***`,
			func(s room.Summary) bool { return s.Name == "Saturday **x**" },
		},
		{
			"room seats", map[string]any{"seats": 7}, "has 7 seats now",
			func(s room.Summary) bool { return s.Seats == 7 },
		},
		{"room lock", nil, "is locked", func(s room.Summary) bool { return s.Access.Locked }},
		{"room unlock", nil, "is unlocked", func(s room.Summary) bool { return !s.Access.Locked }},
		{"room hide", nil, "is hidden", func(s room.Summary) bool { return s.Access.Hidden }},
		{"room show", nil, "is visible again", func(s room.Summary) bool { return !s.Access.Hidden }},
		{"room private", nil, "is private", func(s room.Summary) bool { return s.Access.Private }},
		{"room public", nil, "is public", func(s room.Summary) bool { return !s.Access.Private }},
		{
			"room card", map[string]any{"headline": "Casual", "link": "https://EXAMPLE.com/a>b"}, "’s card is saved",
			func(s room.Summary) bool {
				return s.Card == room.Card{Headline: "Casual", Link: "https://example.com/a%3Eb"}
			},
		},
		{
			"room status", map[string]any{"status": "drafting"}, "status is now: drafting",
			func(s room.Summary) bool { return s.Status == "drafting" },
		},
	} {
		a := h.Command("jonas", x.command, x.options)
		h.wantText(a, x.words)
		if !a.Deferred {
			t.Errorf("%s was not deferred", x.command)
		}
		h.await(x.command+" is seen on the web", func(l map[snowflake.ID]room.Live) bool { return x.is(l[id].Room) })
	}
	h.wantText(h.Command("jonas", "room info", nil), "🪧 **Casual**", "🔗 <https://example.com/a%3Eb>")
	// What only somebody else could take back is asked first.
	ask := h.Command("jonas", "room transfer", map[string]any{"user": h.People["kiyo"].String()})
	h.wantText(ask, "can transfer it again")
	h.wantText(h.press("jonas", ask.Message.ID, "Keep it"), "nothing changed")
	if owner := h.live()[0].Room.Access.OwnerID; owner != h.People["jonas"] {
		t.Errorf("asked, the room belonged to %s", owner)
	}
	ask = h.Command("jonas", "room transfer", map[string]any{"user": h.People["kiyo"].String()})
	h.wantText(h.press("jonas", ask.Message.ID, "Transfer room"), "<@")
	h.await("the new owner is seen on the web",
		func(l map[snowflake.ID]room.Live) bool { return l[id].Room.Access.OwnerID == h.People["kiyo"] })
	h.wantText(h.Command("jonas", "room seats", map[string]any{"seats": 3, "room": id.String()}),
		"Only the room's owner or a manager of the server")
	if _, err := h.try("jonas", "room seats", 0, map[string]any{"seats": 100}); err == nil {
		t.Error("100 seats are no choice")
	}
	// refused in the words of package rooms
	h.wantText(h.Command("jonas", "room claim", map[string]any{"room": id.String()}), "")
}

func TestPanelButtons(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false}`)
	id := h.open("jonas", "Friday").Room.ID
	m := h.panel("jonas", id, "the room", has("Lock"))
	h.wantText(h.press("jonas", m.ID, "Lock"), "is locked")
	h.panel("jonas", id, "the lock", has("Unlock"))
	h.wantText(h.press("jonas", m.ID, "Hide"), "is hidden")
	h.panel("jonas", id, "that it is hidden", has("Show"))

	h.wantText(h.enter("jonas", h.press("jonas", m.ID, "Rename"), map[string]any{"name": "Movie night"}),
		"called **Movie night**")
	h.wantText(h.enter("jonas", h.press("jonas", m.ID, "Seats"), map[string]any{"seats": "x"}),
		"“x” isn't a whole number")
	h.wantText(h.enter("jonas", h.press("jonas", m.ID, "Seats"), map[string]any{"seats": "6"}), "has 6 seats now")
	h.wantText(h.enter("jonas", h.press("jonas", m.ID, "Status"), map[string]any{"status": "popcorn"}), "popcorn")
	h.panel("jonas", id, "name and seats", func(m *discordsim.Message) bool {
		return strings.Contains(m.Text(), "Movie night") && strings.Contains(m.Text(), "6 seats")
	})
	h.wantText(h.press("jonas", m.ID, "Invite"), "Invite link to <#"+id.String())

	// The third name in ten minutes waits, and is told.
	h.wantText(h.Command("jonas", "room rename", map[string]any{"name": "Second"}), "called **Second**")
	h.wantText(h.Command("jonas", "room rename", map[string]any{"name": "Third"}), "will be renamed to **Third** <t:")
	h.panel("jonas", id, "the name to come",
		func(m *discordsim.Message) bool { return strings.Contains(m.Text(), "Third") })

	// Somebody chosen in the menu: let in, then banned, then the ban is undone.
	menu := h.menu(m).CustomID
	a := h.press("jonas", m.ID, menu, h.People["kiyo"].String())
	h.wantText(a, "What would you like to do about <@")
	h.wantText(h.press("jonas", a.Message.ID, "Let in"), "can enter <#")
	h.hears("kiyo", "let you into **Second**")
	a = h.press("jonas", m.ID, menu, h.People["kiyo"].String())
	a = h.press("jonas", a.Message.ID, "Ban")
	h.wantText(a, "is banned from **Second**")
	got, err := h.Discord.Autocomplete(h.soon(), h.user("jonas"),
		discordsim.CommandRun{Guild: h.Guild, Name: "room unban"}, "user")
	h.Must(err)
	if len(got) != 1 || got[0].Name != "Kiyo" || string(got[0].Value) != `"`+h.People["kiyo"].String()+`"` {
		t.Errorf("bans are suggested as %+v", got)
	}
	if got, err := h.Discord.Autocomplete(h.soon(), h.user("priya"),
		discordsim.CommandRun{Guild: h.Guild, Name: "room unban"}, "user"); err != nil ||
		len(got) != 0 {
		t.Errorf("to others bans are suggested as %+v, %v", got, err)
	}
	h.wantText(h.press("jonas", a.Message.ID, "Unban"), "no longer banned")
	h.wantText(h.Command("jonas", "room unban", nil), "Nobody is banned from")
	h.wantText(h.press("jonas", m.ID, menu, h.People["jonas"].String()), "That's you")

	a = h.Command("jonas", "room kick", nil)
	h.wantText(a, "Who do you want to kick?")
	h.wantText(h.press("jonas", a.Message.ID, h.menu(a.Message).CustomID, h.People["kiyo"].String()), "")
}

func TestKnocksArriveInTheChat(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.open("jonas", "Friday").Room.ID
	h.panel("jonas", id, "the room", has("Lock"))
	h.wantText(h.Command("kiyo", "knock", nil), "Say whose room you want to visit")
	h.wantText(h.Command("kiyo", "knock", map[string]any{"user": h.People["jonas"].String()}), "If <@")
	knock := func() (m *discordsim.Message) {
		h.eventually("the knock arrives in the room", func() bool {
			list := h.chat("jonas", id)
			i := slices.IndexFunc(list, has("Let in"))
			if i >= 0 {
				m = list[i]
			}
			return i >= 0
		})
		return m
	}
	m := knock()
	h.wantMessage(m, "**Kiyo**", "is knocking")
	h.wantText(h.press("jonas", m.ID, "Not now"), "stays outside for now")
	h.hears("kiyo", "“not now”")
	h.eventually("the knock is gone", func() bool { return !slices.ContainsFunc(h.chat("jonas", id), has("Let in")) })

	// It works after a restart, and answered on the web it goes away too.
	h.Command("priya", "knock", map[string]any{"user": h.People["jonas"].String()})
	m = knock()
	h.shut()
	h.start()
	h.wantText(h.press("jonas", m.ID, "Let in"), "can enter **Friday** now")
	h.hears("priya", "You can enter **Friday**")
	h.Must(h.Join("priya", id))
	h.eventually("the knock is gone", func() bool { return !slices.ContainsFunc(h.chat("jonas", id), has("Let in")) })
	h.Command("ada", "knock", map[string]any{"user": h.People["jonas"].String()})
	knock()
	_, err := call(h, hub.AnswerKnock,
		room.AnswerRequest{Actor: h.actor("jonas"), RoomID: id, User: h.People["ada"], LetIn: true})
	h.Must(err)
	h.eventually("the knock is gone", func() bool { return !slices.ContainsFunc(h.chat("jonas", id), has("Let in")) })
}

func (h *harness) wantMessage(m *discordsim.Message, words ...string) {
	h.Helper()
	for _, w := range words {
		if !strings.Contains(m.Text(), w) {
			h.Errorf("the message lacks %q: %s", w, m.Text())
		}
	}
	h.mentionsNobody(m)
}

func TestWaitingForASeat(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settings(`{"private":false,"seats":1,"seat_grace":"0s"}`)
	id := h.open("jonas", "Friday").Room.ID
	h.Must(h.Join("jonas", id))
	h.awaitRoster(id, "jonas")
	a := h.Command("kiyo", "rooms", nil)
	a = h.press("kiyo", a.Message.ID, h.menu(a.Message).CustomID, id.String())
	a = h.press("kiyo", a.Message.ID, "Wait for a seat")
	h.wantText(a, "You're number 1")
	h.wantText(h.press("kiyo", a.Message.ID, "Stop waiting"), "left the waiting list")
	h.wantText(h.Command("kiyo", "wait", map[string]any{"room": "friday"}), "You're number 1")
	h.Leave("jonas")
	h.hears("kiyo", "A seat in **Friday** is free")
}

func TestMenuOnAPerson(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.open("jonas", "Friday")
	a, err := h.Discord.RunCommand(h.soon(), h.user("jonas"),
		discordsim.CommandRun{Guild: h.Guild, Name: "Invite to my room", Target: h.user("kiyo")})
	h.Must(err)
	h.wantText(a, "can enter <#", "I sent them the link")
	h.hears("kiyo", "Jonas let you into **Friday**")
}

// TestFind shows the room that somebody is in to those who may see it, and tells the others nothing of it.
func TestFind(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	r := h.open("jonas", "Friday")
	h.Must(h.redeem("kiyo", r.Invite.Code))
	h.Must(h.Join("jonas", r.Room.ID))
	h.awaitRoster(r.Room.ID, "jonas")
	found := func(who, whom string) *discordsim.Answer {
		t.Helper()
		return h.Command(who, "find", map[string]any{"user": h.People[whom].String()})
	}
	h.wantText(found("kiyo", "jonas"), "**Friday**", "🔊 Jonas")
	for who, whom := range map[string]string{"priya": "jonas", "kiyo": "priya", "jonas": "kiyo"} {
		if a := found(who, whom); strings.Contains(a.Message.Content, "Friday") {
			t.Errorf("%s, who looks for %s, reads %s", who, whom, a.Message.Content)
		} else {
			h.wantText(a, "isn’t in a room that you can see")
		}
	}
	a, err := h.Discord.RunCommand(h.soon(), h.user("kiyo"),
		discordsim.CommandRun{Guild: h.Guild, Name: "Find their room", Target: h.user("jonas")})
	h.Must(err)
	h.wantText(a, "**Friday**")
}

func TestPreferencesCommand(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.wantText(h.Command("jonas", "preferences show", nil), "don't remember anything")
	h.wantText(h.Command("jonas", "create-room", map[string]any{"name": "Draft", "seats": 6}), "is open")
	h.wantText(h.Command("jonas", "room seats", map[string]any{"seats": 8}), "8 seats")
	a := h.Command("jonas", "preferences show", nil)
	h.wantText(a, "8 seats")
	h.wantText(h.press("jonas", a.Message.ID, "Forget it"), "Forgotten")
	h.wantText(h.Command("jonas", "preferences show", nil), "don't remember anything")
}

// TestNoticesAreInTheServersLanguage, and the log channel tells what happened.
func TestNoticesAreInTheServersLanguage(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	c, err := h.Discord.AddChannel(h.Guild, discordsim.ChannelOptions{Name: "log", Type: discordsim.ChannelText})
	h.Must(err)
	h.settings(fmt.Sprintf(`{"language":"de","log_channel_id":"%d","idle_timeout":"0s"}`, c.ID))
	id := h.open("jonas", "Freitag").Room.ID
	said := func(where snowflake.ID, words string) {
		h.eventually("status is now: "+words, func() bool {
			return slices.ContainsFunc(h.chat("jonas", where),
				func(m *discordsim.Message) bool { return strings.Contains(m.Text(), words) })
		})
	}
	said(id, "4 Plätze")
	said(c.ID, "<@"+h.People["jonas"].String()+"> hat den Raum „Freitag“ geöffnet")
	said(c.ID, "„Schließen, wenn leer seit“ geändert: 1 Stunde → sobald er leer ist")
	said(id, "schließt dieser Raum")
}
