package discordsim

import (
	"bytes"
	"testing"
	"time"
)

// TestKeptWorld gives a second world what a first one kept: it has the same people, with the same tokens, and
// in its guilds what was there; tokens made from then on are others.
func TestKeptWorld(t *testing.T) {
	founded := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	begin := func() (*Server, Demo) {
		s := New(Options{Seed: 5, Founded: founded})
		d, err := s.Demo(ApplicationOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s, d
	}
	first, d := begin()
	room, err := first.AddChannel(d.Guild.ID, ChannelOptions{Name: "Friday", Type: ChannelVoice, UserLimit: 4,
		Overwrites: []Overwrite{{ID: d.Users[3].ID, Member: true, Allow: PermConnect}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.SetAFKChannel(d.Guild.ID, d.Lounge.ID); err != nil {
		t.Fatal(err)
	}
	said := first.say(t, d)
	if err := first.RemoveMember(d.Guild.ID, d.Users[8].ID); err != nil {
		t.Fatal(err)
	}
	kept, err := first.Keep()
	if err != nil {
		t.Fatal(err)
	}
	second, again := begin()
	if again.Users[3] != d.Users[3] || again.Application.BotToken != d.Application.BotToken ||
		again.Guild.ID != d.Guild.ID {
		t.Errorf("%+v is another world than %+v", again, d)
	}
	if err := second.Restore(kept); err != nil {
		t.Fatal(err)
	}
	if now, err := second.Keep(); err != nil || !bytes.Equal(now, kept) {
		t.Errorf("restored as %s, %v\nkept was %s", now, err, kept)
	}
	if second.channels[again.Lounge.ID] != nil && again.Lounge.ID != d.Lounge.ID || second.channels[room.ID] == nil {
		t.Error("channels of the second world's own are left, or the room's is not there")
	}
	if list := second.messages[d.General.ID]; len(list) != keptMessages || list[0].id != said ||
		findUsable(list[0].components, "press") == nil {
		t.Errorf("%d messages are restored", len(list))
	}
	second.mu.Lock()
	open := second.liveInvite("for-ada")
	second.mu.Unlock()
	if open == nil || open.open(d.Users[2].ID, time.Now().Add(time.Hour)) ||
		!open.open(d.Users[4].ID, time.Now().Add(time.Hour)) {
		t.Errorf("the invite is %+v", open)
	}
	if a, b := first.AddUser("a", "A"), second.AddUser("a", "A"); a.Token == b.Token {
		t.Error("tokens of the first world are given out again")
	}
	if err := second.Restore([]byte("no world")); err == nil {
		t.Error("nonsense is restored")
	}
}

// say posts a message with a button and more than are kept after it, one of the last for one person alone,
// and makes an invite for one person. It gives the message with the button.
func (s *Server) say(t *testing.T, d Demo) ID {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.apps[d.Application.ID]
	post := func(m *message) ID {
		m.id, m.channel, m.guild, m.author = s.nextID(), d.General.ID, d.Guild.ID, s.users[d.Users[0].ID]
		s.addMessage(m)
		return m.id
	}
	r := componentReader{newID: s.nextID}
	body := `{"components":[{"type":1,"components":[{"type":2,"style":1,"label":"Press","custom_id":"press"}]}]}`
	first := post(&message{
		app: app, content: "press it", components: r.top(sub([]byte(body), &tree{}), "components", 5),
	})
	for range keptMessages + 5 {
		post(&message{content: "hello"})
	}
	s.messages[d.General.ID][10].only = d.Users[1].ID
	s.invites["for-ada"] = &invite{code: "for-ada", guild: d.Guild.ID, channel: d.General.ID, inviter: d.Users[0].ID,
		maxUses: 1, created: time.Now().UTC(),
		targets: &targets{[]ID{d.Users[4].ID}, time.Now().UTC()}}
	return first
}
