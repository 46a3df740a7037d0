package discordsim

import (
	"bytes"
	"testing"
	"time"
)

// keptWorld is a world for TestKeep: alice's guild, with three others, a bot, and two channels.
type keptWorld struct {
	*Control
	guild        Guild
	app          Application
	users        []User
	text, lounge Channel
}

func newKeptWorld(t *testing.T) *keptWorld {
	t.Helper()
	limits := DiscordLimits()
	w := newWorld(WorldOptions{Seed: 5, Founded: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Now: time.Now,
		Limits: &limits, Files: func() string { return "" }})
	k := &keptWorld{Control: newControl(w, newFaults(5, time.Now), nil, ControlOptions{})}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	k.app = k.AddApplication(ApplicationOptions{Name: "Bot"})
	for _, name := range []string{"alice", "bruno", "chiyo", "dmitri"} {
		k.users = append(k.users, k.AddUser(name, ""))
	}
	k.guild, err = k.AddGuild("Friends", k.users[0].ID)
	must(err)
	for _, u := range k.users[1:] {
		must(k.AddMember(k.guild.ID, u.ID, ""))
	}
	k.text, err = k.AddChannel(k.guild.ID, ChannelOptions{Name: "general"})
	must(err)
	k.lounge, err = k.AddChannel(k.guild.ID, ChannelOptions{Name: "Lounge", Type: ChannelVoice})
	must(err)
	must(k.InstallBot(k.guild.ID, k.app.ID, PermViewChannel|PermSendMessages))
	return k
}

// TestKeep gives a second world what a first one kept: it has the same people, with the same tokens, and
// in its guilds what was there; tokens made from then on are others.
func TestKeep(t *testing.T) {
	first := newKeptWorld(t)
	room, err := first.AddChannel(first.guild.ID, ChannelOptions{Name: "Friday", Type: ChannelVoice, UserLimit: 4,
		Overwrites: []Overwrite{{ID: first.users[3].ID, Member: true, Allow: PermConnect}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.SetAFKChannel(first.guild.ID, first.lounge.ID); err != nil {
		t.Fatal(err)
	}
	said := first.say()
	if err := first.RemoveMember(first.guild.ID, first.users[3].ID); err != nil {
		t.Fatal(err)
	}
	kept, err := first.Keep()
	if err != nil {
		t.Fatal(err)
	}
	second := newKeptWorld(t)
	if second.users[3] != first.users[3] || second.app.BotToken != first.app.BotToken || second.guild != first.guild {
		t.Errorf("%+v is another world than %+v", second, first)
	}
	if err := second.Restore(kept); err != nil {
		t.Fatal(err)
	}
	if now, err := second.Keep(); err != nil || !bytes.Equal(now, kept) {
		t.Errorf("restored as %s, %v\nkept was %s", now, err, kept)
	}
	second.world.View(func(s *state) {
		if s.channels[second.lounge.ID] != nil && second.lounge.ID != first.lounge.ID || s.channels[room.ID] == nil {
			t.Error("channels of the second world's own are left, or the room's is not there")
		}
		if list := s.messages[first.text.ID]; len(list) != keptMessages || list[0].id != said ||
			findUsable(list[0].components, "press") == nil {
			t.Errorf("%d messages are restored", len(list))
		}
		later := time.Now().Add(time.Hour)
		if open := s.liveInvite("for-ada"); open == nil || open.open(first.users[1].ID, later) ||
			!open.open(first.users[2].ID, later) {
			t.Errorf("the invite is %+v", open)
		}
	})
	if a, b := first.AddUser("a", "A"), second.AddUser("a", "A"); a.Token == b.Token {
		t.Error("tokens of the first world are given out again")
	}
	if err := second.Restore([]byte("no world")); err == nil {
		t.Error("nonsense is restored")
	}
}

// say posts a message with a button and more than are kept after it, one of the last for one person alone,
// and makes an invite for one person. It returns the message with the button.
func (k *keptWorld) say() (first ID) {
	k.world.Update(func(s *state) {
		post := func(m *message) ID {
			m.id, m.channel, m.guild, m.author = s.nextID(), k.text.ID, k.guild.ID, s.users[k.users[0].ID]
			s.addMessage(m)
			return m.id
		}
		r := componentReader{newID: s.nextID}
		body := `{"components":[{"type":1,"components":[{"type":2,"style":1,"label":"Press","custom_id":"press"}]}]}`
		first = post(&message{app: s.apps[k.app.ID], content: "press it",
			components: r.top(sub([]byte(body), &tree{}), "components", 5)})
		for range keptMessages + 5 {
			post(&message{content: "hello"})
		}
		s.messages[k.text.ID][10].only = k.users[1].ID
		s.invites["for-ada"] = &invite{code: "for-ada", guild: k.guild.ID, channel: k.text.ID, inviter: k.users[0].ID,
			maxUses: 1, created: time.Now().UTC(),
			targets: &targets{[]ID{k.users[2].ID}, time.Now().UTC()}}
	})
	return first
}
