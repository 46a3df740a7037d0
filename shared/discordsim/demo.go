package discordsim

import (
	"context"
	"time"
)

// SnugPermissions are the permissions that Snug's add-bot link requests.
const SnugPermissions = PermViewChannel | PermSendMessages | PermEmbedLinks | PermManageChannels | PermManageRoles |
	PermConnect | PermSpeak | PermStream | PermMoveMembers | PermSetVoiceChannelStatus | PermCreateInstantInvite

// Demo is a small world: one guild with members, channels and a bot.
type Demo struct {
	Application Application
	Guild       Guild
	Users       []User // Users[0] owns the guild, Users[1] may move members
	Owner       User
	Moderator   User
	Lounge      Channel // a voice channel
	Arena       Channel // a voice channel with four seats
	General     Channel // a text channel
}

// Demo fills the world with Spelltable Friends: nine members, a bot with exactly the permissions
// that Snug requests, and text and voice channels in two categories.
func (s *Server) Demo(o ApplicationOptions) (Demo, error) {
	if o.Name == "" {
		o.Name, o.Description = "Snug", "Private voice rooms for you and your friends."
	}
	d := Demo{Application: s.AddApplication(o)}
	for _, u := range [][2]string{{"alice", "Alice"}, {"bruno", "Bruno"}, {"chiyo", "Chiyo"}, {"dmitri", "Dmitri"},
		{"esperanza", "Esperanza"}, {"femi", "Femi"}, {"greta", "Greta"}, {"hugo", "Hugo"}, {"ines", "Inês"}} {
		d.Users = append(d.Users, s.AddUser(u[0], u[1]))
	}
	d.Owner, d.Moderator = d.Users[0], d.Users[1]
	g, err := s.AddGuild("Spelltable Friends", d.Owner.ID)
	if err != nil {
		return d, err
	}
	d.Guild = g
	mod, err := s.AddRole(g.ID, "Moderator",
		PermMoveMembers|PermMuteMembers|PermDeafenMembers|PermKickMembers|PermManageMessages)
	if err != nil {
		return d, err
	}
	for _, u := range d.Users[1:] {
		var roles []ID
		if u.ID == d.Moderator.ID {
			roles = []ID{mod}
		}
		if err := s.AddMember(g.ID, u.ID, "", roles...); err != nil {
			return d, err
		}
	}
	if err := d.channels(s); err != nil {
		return d, err
	}
	return d, s.InstallBot(g.ID, d.Application.ID, SnugPermissions)
}

func (d *Demo) channels(s *Server) error {
	var text, voice Channel
	for _, c := range []struct {
		to *Channel
		ChannelOptions
	}{
		{&text, ChannelOptions{Name: "Town square", Type: ChannelCategory}},
		{&voice, ChannelOptions{Name: "Tables", Type: ChannelCategory}},
		{&d.General, ChannelOptions{Name: "general", Topic: "Say hello, find a game"}},
		{nil, ChannelOptions{Name: "looking-for-game"}},
		{&d.Lounge, ChannelOptions{Name: "Lounge", Type: ChannelVoice}},
		{&d.Arena, ChannelOptions{Name: "Commander table", Type: ChannelVoice, UserLimit: 4}},
	} {
		if c.Type == ChannelVoice {
			c.Parent = voice.ID
		} else if c.Type == ChannelText {
			c.Parent = text.ID
		}
		made, err := s.AddChannel(d.Guild.ID, c.ChannelOptions)
		if err != nil {
			return err
		}
		if c.to != nil {
			*c.to = made
		}
	}
	return nil
}

// TB is what StartTest needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(f func())
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// closing is how long the running requests of a test may take when it ends.
const closing = 10 * time.Second

// StartTest starts a simulator with Demo's world on a free port, and closes it when the test ends. Its URL says where
// it is. An application accepts every redirect to this machine.
func StartTest(t TB, o Options) (*Server, Demo) {
	t.Helper()
	s := New(o)
	d, err := s.Demo(ApplicationOptions{AnyLoopbackRedirect: true})
	if err != nil {
		t.Fatalf("discordsim: %v", err)
	}
	if _, err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("%v", err)
		}
	})
	return s, d
}
