package control

import (
	"bytes"
	"testing"
	"time"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
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
	limits := world.DiscordLimits()
	w := world.New(world.Options{Seed: 5, Founded: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Now: time.Now,
		Limits: &limits, Files: func() string { return "" }})
	k := &keptWorld{Control: New(w, faults.New(5, time.Now), nil, Options{})}
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
	k.lounge, err = k.AddChannel(k.guild.ID, ChannelOptions{Name: "Lounge", Type: world.ChannelVoice})
	must(err)
	must(k.InstallBot(k.guild.ID, k.app.ID, world.PermViewChannel|world.PermSendMessages))
	return k
}

// TestKeep gives a second world what a first one kept: it has the same people, with the same tokens, and
// in its guilds what was there; tokens made from then on are others.
func TestKeep(t *testing.T) {
	first := newKeptWorld(t)
	room, err := first.AddChannel(first.guild.ID, ChannelOptions{Name: "Friday", Type: world.ChannelVoice, UserLimit: 4,
		Overwrites: []Overwrite{{ID: first.users[3].ID, Member: true, Allow: world.PermConnect}}})
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
	second.world.View(func(s *world.State) {
		if s.Channels[second.lounge.ID] != nil && second.lounge.ID != first.lounge.ID || s.Channels[room.ID] == nil {
			t.Error("channels of the second world's own are left, or the room's is not there")
		}
		if list := s.Messages[first.text.ID]; len(list) != world.KeptMessages || list[0].ID != said ||
			findUsable(list[0].Components, "press") == nil {
			t.Errorf("%d messages are restored", len(list))
		}
		later := time.Now().Add(time.Hour)
		if open := s.LiveInvite("for-ada"); open == nil || open.Open(first.users[1].ID, later) ||
			!open.Open(first.users[2].ID, later) {
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
func (k *keptWorld) say() (first world.ID) {
	k.world.Update(func(s *world.State) {
		post := func(m *world.Message) world.ID {
			m.ID, m.Channel, m.Guild, m.Author = s.NextID(), k.text.ID, k.guild.ID, s.Users[k.users[0].ID]
			s.AddMessage(m)
			return m.ID
		}
		r := world.ComponentReader{NewID: s.NextID}
		body := `{"components":[{"type":1,"components":[{"type":2,"style":1,"label":"Press","custom_id":"press"}]}]}`
		first = post(&world.Message{App: s.Apps[k.app.ID], Content: "press it",
			Components: r.Top(form.Sub([]byte(body), &form.Tree{}), "components", 5)})
		for range world.KeptMessages + 5 {
			post(&world.Message{Content: "hello"})
		}
		s.Messages[k.text.ID][10].Only = k.users[1].ID
		s.Invites["for-ada"] = &world.Invite{Code: "for-ada", Guild: k.guild.ID,
			Channel: k.text.ID, Inviter: k.users[0].ID,
			MaxUses: 1, Created: time.Now().UTC(),
			Targets: &world.Targets{Users: []world.ID{k.users[2].ID}, Since: time.Now().UTC()}}
	})
	return first
}
