package trial

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/agent"
	"snug/shared/discordsim"
)

// mirror is a simulated Discord with a server like the one of a record: the bot has the same permissions.
type mirror struct {
	s        *discordsim.Server
	base     string
	token    string
	guild    snowflake.ID
	operator snowflake.ID
	member   snowflake.ID
	named    bool
}

func newMirror(rec Record) (*mirror, error) {
	s := discordsim.New(discordsim.Options{})
	app := s.AddApplication(discordsim.ApplicationOptions{Name: "Snug"})
	operator, other := s.AddUser("operator", ""), s.AddUser("other", "")
	owner := other
	if rec.Owns {
		owner = operator
	}
	m := &mirror{s: s, token: app.BotToken, operator: operator.ID, member: other.ID}
	g, err := s.AddGuild("Trial", owner.ID)
	if err != nil {
		return nil, err
	}
	for _, u := range []discordsim.User{operator, other} {
		if u.ID != owner.ID {
			if err := s.AddMember(g.ID, u.ID, ""); err != nil {
				return nil, err
			}
		}
	}
	// What the bot has comes from its role alone, so that it lacks what it lacked.
	if err := s.SetRole(g.ID, g.ID, 0); err != nil {
		return nil, err
	}
	if err := s.InstallBot(g.ID, app.ID, discordsim.Permissions(bitsIn(rec.Bits))); err != nil {
		return nil, err
	}
	m.guild = g.ID
	for _, o := range rec.Outcomes {
		m.named = m.named || o.Step == stepMember && o.Untried == ""
	}
	m.base, err = s.Start("127.0.0.1:0")
	return m, err
}

func (m *mirror) options() Options {
	o := Options{
		URL: m.base, Token: m.token, Guild: m.guild, Operator: m.operator,
		HTTP: agent.Client(15 * time.Second), Wait: 5 * time.Second,
	}
	if m.named {
		o.Member = m.member
	}
	return o
}

func (m *mirror) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = m.s.Close(ctx) // nothing of it is kept
}
