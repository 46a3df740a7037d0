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
	if a, b := first.AddUser("a", "A"), second.AddUser("a", "A"); a.Token == b.Token {
		t.Error("tokens of the first world are given out again")
	}
	if err := second.Restore([]byte("no world")); err == nil {
		t.Error("nonsense is restored")
	}
}
