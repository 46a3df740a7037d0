package trial

import (
	"context"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/agent"
	"snug/shared/discordsim"
)

// mirror is a simulated Discord with a server like that of a record: the bot has the same permissions.
type mirror struct {
	s        *discordsim.Server
	base     string
	token    string
	guild    snowflake.ID
	operator snowflake.ID
	member   snowflake.ID
	named    bool
	open     snowflake.ID // a channel without overwrites
}

func newMirror(rec Record) (*mirror, error) {
	s := discordsim.New(discordsim.Options{})
	app := s.AddApplication(discordsim.ApplicationOptions{Name: "Snug"})
	operator, other, member := s.AddUser("operator", ""), s.AddUser("other", ""), s.AddUser("member", "")
	owner := other
	if rec.Owns {
		owner = operator
	}
	m := &mirror{s: s, token: app.BotToken, operator: operator.ID, member: member.ID}
	g, err := s.AddGuild("Trial", owner.ID)
	if err != nil {
		return nil, err
	}
	for _, u := range []discordsim.User{operator, other, member} {
		if u.ID != owner.ID {
			if err := s.AddMember(g.ID, u.ID, ""); err != nil {
				return nil, err
			}
		}
	}
	// Only the bot's role grants it permissions, so that it is missing the same ones.
	if err := s.SetRole(g.ID, g.ID, 0); err != nil {
		return nil, err
	}
	if err := s.InstallBot(g.ID, app.ID, discordsim.Permissions(bitsIn(rec.Bits))); err != nil {
		return nil, err
	}
	m.guild = g.ID
	c, err := s.AddChannel(g.ID, discordsim.ChannelOptions{Name: "open", Type: discordsim.ChannelVoice})
	if err != nil {
		return nil, err
	}
	m.open = c.ID
	for _, o := range rec.Outcomes {
		if o.Step == stepMember && o.Untried == "" {
			m.named = true
			if err := m.become(simulatedState(o, rec.MemberIs)); err != nil {
				return nil, err
			}
		}
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

// become gives the simulated member the state of the recorded one.
func (m *mirror) become(is State) error {
	gives := discordsim.Permissions(bitsIn(is.Base))
	if is.Roles {
		role, err := m.s.AddRole(m.guild, "test", gives)
		if err != nil {
			return err
		}
		if err := m.s.SetRoles(m.guild, m.member, role); err != nil {
			return err
		}
	} else if err := m.s.SetRole(m.guild, m.guild, gives); err != nil { // the bot gets it too, as in the record
		return err
	}
	if err := m.s.SetPending(m.guild, m.member, is.Pending); err != nil || !is.TimedOut {
		return err
	}
	return m.s.TimeOut(m.guild, m.member, time.Now().Add(time.Hour))
}

// grants returns the test member's permissions in a channel according to the simulator; "" is the
// channel without overwrites.
func (m *mirror) grants(channel string) access.Permissions {
	id := m.open
	if channel != "" {
		id, _ = snowflake.Parse(channel) // 0 isn't a channel either
	}
	p, err := m.s.PermissionsIn(m.member, id)
	if err != nil {
		return 0
	}
	return access.Permissions(p)
}

func (m *mirror) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = m.s.Close(ctx) // nothing is kept
}
