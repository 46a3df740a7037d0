package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/disgoorg/disgo/discord"

	"snug/bot/discordapi"
	"snug/bot/lenient"
	"snug/shared/access"
)

// What an operator may say of the test member (Options.MemberIs).
const (
	IsTimedOut = "timed-out"
	IsPending  = "pending"
)

// Member is what Snug takes from Discord's two descriptions of the test member, and what it lets them do by that.
// Discord tells a bot of nobody else's permissions: what is expected of them is what the simulated Discord grants.
type Member struct {
	REST    *State `json:"rest,omitempty"`    // nil: it could not be read
	Gateway *State `json:"gateway,omitempty"` // nil: it did not come, or could not be read

	// What they may do, by the numbers of bits, of those that Snug looks at: in a place that says nothing of anybody,
	// in one of the trial's rooms, and in the other one, which they are let into.
	Open  []int `json:"open"`
	Out   []int `json:"kept_out"`
	LetIn []int `json:"let_in"`
}

// State is what access depends on.
type State struct {
	TimedOut bool  `json:"timed_out"`
	Pending  bool  `json:"pending"`
	Roles    bool  `json:"roles"` // has one besides @everyone
	Base     []int `json:"base"`  // what their roles give together, by the numbers of bits
}

// reliedOn gives the shape of what Snug relies on in a description of a member: of all else there is nothing.
func reliedOn(raw []byte) Shape {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return shapeOf(raw)
	}
	kept := map[string]json.RawMessage{}
	for _, field := range []string{"communication_disabled_until", "pending", "roles"} {
		if v, ok := m[field]; ok {
			kept[field] = v
		}
	}
	b, _ := json.Marshal(kept) // it was JSON a moment ago
	return shapeOf(b)
}

// standing reads a description of the test member as Snug does; nil if that cannot be.
func (t *trial) standing(raw []byte) (*State, access.Standing) {
	var m discord.Member
	if lenient.Unmarshal(raw, &m) != nil || m.User.ID != t.o.Member {
		return nil, access.Standing{}
	}
	m.GuildID = t.o.Guild
	st := discordapi.StandingIn(t.in, m, time.Now())
	return &State{st.TimedOut(), st.Pending, len(st.Roles) > 0, bitsOf(uint64(st.Base))}, st
}

// member looks at the test member, and lets them into a room for a moment.
func (t *trial) member(ctx context.Context, out *Outcome) {
	if t.o.Member == 0 {
		out.Untried = whyNobody
		return
	}
	who := t.o.Member.String()
	a, err := t.call(ctx, out, false, "GET", memberRoute, nil, t.guild(), who)
	if err != nil || a.status >= 300 {
		return
	}
	out.Exchanges[len(out.Exchanges)-1].Body = reliedOn(a.raw)
	m := &Member{}
	var st access.Standing
	if m.REST, st = t.standing(a.raw); st.Admin {
		out.Untried = whyAdmin
		return
	}
	out.Member = m
	m.Gateway = t.askAfter(ctx, out, who)
	may := func(channel string, overwrites []access.Overwrite) []int {
		p := st.PermissionsIn(overwrites)
		if t.grants != nil {
			p = t.grants(channel)
		}
		return bitsOf(uint64(p & access.ChannelMask))
	}
	m.Open = may("", nil)
	if t.room == "" || t.second == "" {
		return
	}
	m.Out = may(t.second, t.overwritesOf(ctx, out, t.second))
	allow := map[string]any{"type": 1, "allow": strconv.Itoa(connectBits), "deny": "0"}
	_, _ = t.call(ctx, out, true, "PUT", overwriteRoute, allow, t.room, who)
	m.LetIn = may(t.room, t.overwritesOf(ctx, out, t.room))
	_, _ = t.call(ctx, out, true, "DELETE", overwriteRoute, nil, t.room, who)
}

// askAfter asks the gateway for the test member, as Snug does for everybody whom it follows.
func (t *trial) askAfter(ctx context.Context, out *Outcome, who string) *State {
	const nonce = "snug-trial-member"
	if t.gw == nil {
		return nil // the step before says why
	}
	out.err = t.gw.send(opMembers, map[string]any{"guild_id": t.guild(), "user_ids": []string{who}, "nonce": nonce})
	if out.err != nil {
		return nil
	}
	p := t.event(ctx, out, false, "GUILD_MEMBERS_CHUNK", about("nonce", nonce))
	var chunk struct{ Members []json.RawMessage }
	if json.Unmarshal(p.D, &chunk) != nil || len(chunk.Members) != 1 {
		return nil
	}
	out.Events[len(out.Events)-1].Body = reliedOn(chunk.Members[0])
	st, _ := t.standing(chunk.Members[0])
	return st
}

// overwritesOf asks for a channel, and reads what it says of roles and members as Snug does.
func (t *trial) overwritesOf(ctx context.Context, out *Outcome, channel string) []access.Overwrite {
	a, err := t.call(ctx, out, true, "GET", channelRoute, nil, channel)
	if err != nil || a.status >= 300 {
		return nil
	}
	var c discord.UnmarshalChannel
	if lenient.Unmarshal(a.raw, &c) != nil {
		return nil
	}
	g, ok := c.Channel.(discord.GuildChannel)
	if !ok {
		return nil
	}
	return discordapi.OverwritesOf(g)
}

// told is what a simulated member is to be: what Discord says, and what the operator knows better.
func told(o Outcome, is string) State {
	s := State{}
	switch m := o.Member; {
	case m == nil:
	case m.REST != nil:
		s = *m.REST
	case m.Gateway != nil:
		s = *m.Gateway
	}
	s.TimedOut, s.Pending = s.TimedOut || is == IsTimedOut, s.Pending || is == IsPending
	return s
}

// compareMembers says where Snug would take the test member for another, or let them do something else, than it should.
func compareMembers(h, w *Member, tell func(string, ...any)) {
	if h == nil || w == nil {
		return // an answer is missing, which is told already
	}
	compareStates("REST", h.REST, w.REST, tell)
	compareStates("the gateway", h.Gateway, w.Gateway, tell)
	for _, p := range []struct {
		where      string
		have, want []int
	}{
		{"where nobody is denied anything", h.Open, w.Open},
		{"in a room that they are kept out of", h.Out, w.Out},
		{"in a room that they are let into", h.LetIn, w.LetIn},
	} {
		if !slices.Equal(p.have, p.want) {
			tell("%s Snug would grant the member: %s; Discord's rules grant: %s",
				p.where, permissionNames(p.have), permissionNames(p.want))
		}
	}
}

func compareStates(by string, h, w *State, tell func(string, ...any)) {
	if h == nil || w == nil {
		if (h == nil) != (w == nil) {
			tell("by %s Snug %s read what the member is, expected that it %s", by, can(h != nil), can(w != nil))
		}
		return
	}
	if h.TimedOut != w.TimedOut {
		tell("by %s the member is %stimed out, expected %stimed out", by, not(!h.TimedOut), not(!w.TimedOut))
	}
	if h.Pending != w.Pending {
		tell("by %s the member is %spending, expected %spending", by, not(!h.Pending), not(!w.Pending))
	}
	if h.Roles != w.Roles {
		tell("by %s the member has %s, expected %s", by, roles(h.Roles), roles(w.Roles))
	}
	if !slices.Equal(h.Base, w.Base) {
		tell("by %s the member's roles give: %s; expected: %s", by, permissionNames(h.Base), permissionNames(w.Base))
	}
}

func can(yes bool) string {
	if yes {
		return "can"
	}
	return "cannot"
}

func not(yes bool) string {
	if yes {
		return "not "
	}
	return ""
}

func roles(yes bool) string {
	if yes {
		return "roles"
	}
	return "no roles"
}

func permissionNames(bits []int) string {
	if len(bits) == 0 {
		return "nothing"
	}
	return discordapi.Names(discord.Permissions(bitsIn(bits)))
}

// says tells in one line what Snug makes of the member.
func (m *Member) says() string {
	if m.REST == nil {
		return "What Discord says of the member cannot be read."
	}
	is := "neither timed out nor pending"
	switch {
	case m.REST.TimedOut && m.REST.Pending:
		is = "timed out and pending"
	case m.REST.TimedOut:
		is = "timed out"
	case m.REST.Pending:
		is = "pending"
	}
	return fmt.Sprintf("By what Discord says they are %s. In a room that they are let into Snug grants them: %s.",
		is, permissionNames(m.LetIn))
}

// allowed says whether a record may hold it: no bits but those that access depends on.
func (m *Member) allowed() bool {
	if m == nil {
		return true
	}
	known := bitsOf(uint64(access.RoleMask))
	lists := [][]int{m.Open, m.Out, m.LetIn}
	for _, s := range []*State{m.REST, m.Gateway} {
		if s != nil {
			lists = append(lists, s.Base)
		}
	}
	return !slices.ContainsFunc(slices.Concat(lists...), func(bit int) bool {
		return !slices.Contains(known, bit)
	})
}
