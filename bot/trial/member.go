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

// What an operator may state about the test member (Options.MemberIs).
const (
	IsTimedOut = "timed-out"
	IsPending  = "pending"
)

// Member is what Snug reads from Discord's two descriptions of the test member, and what it would let them
// do. Discord doesn't tell a bot the permissions of others, so the simulator's are the expected ones.
type Member struct {
	REST    *State `json:"rest,omitempty"`    // nil: could not be read
	Gateway *State `json:"gateway,omitempty"` // nil: did not arrive, or could not be read

	// Permissions that Snug computes, as bit numbers, of those it uses: in a channel without
	// overwrites, in one of the trial's rooms, and in the other one, which they are let into.
	Open  []int `json:"open"`
	Out   []int `json:"kept_out"`
	LetIn []int `json:"let_in"`
}

// State is what access depends on.
type State struct {
	TimedOut bool  `json:"timed_out"`
	Pending  bool  `json:"pending"`
	Roles    bool  `json:"roles"` // has one other than @everyone
	Base     []int `json:"base"`  // permissions of their roles, as bit numbers
}

// reliedOn returns the shape of those fields of a member that Snug relies on.
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
	b, _ := json.Marshal(kept) // it was decoded from JSON
	return shapeOf(b)
}

// standing reads a description of the test member as Snug does; nil if that fails.
func (t *trial) standing(raw []byte) (*State, access.Standing) {
	var m discord.Member
	if lenient.Unmarshal(raw, &m) != nil || m.User.ID != t.o.Member {
		return nil, access.Standing{}
	}
	m.GuildID = t.o.Guild
	st := discordapi.StandingIn(t.in, m, time.Now())
	return &State{st.TimedOut(), st.Pending, len(st.Roles) > 0, bitsOf(uint64(st.Base))}, st
}

// member checks the test member, and lets them into a room for a moment.
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
	m.Gateway = t.requestMember(ctx, out, who)
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

// requestMember requests the test member over the gateway, as Snug does for everybody it follows.
func (t *trial) requestMember(ctx context.Context, out *Outcome, who string) *State {
	const nonce = "snug-trial-member"
	if t.gw == nil {
		return nil // the step of the gateway says why
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

// overwritesOf requests a channel and reads its overwrites as Snug does.
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

// simulatedState is the state of the simulated member: what Discord says, plus what the operator stated.
func simulatedState(o Outcome, is string) State {
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

// compareMembers reports where Snug would get the test member's state or permissions wrong.
func compareMembers(h, w *Member, report func(string, ...any)) {
	if h == nil || w == nil {
		return // an answer is missing, which was already reported
	}
	compareStates("REST", h.REST, w.REST, report)
	compareStates("the gateway", h.Gateway, w.Gateway, report)
	for _, p := range []struct {
		where      string
		have, want []int
	}{
		{"in a channel without overwrites,", h.Open, w.Open},
		{"in a room they are kept out of,", h.Out, w.Out},
		{"in a room they were let into,", h.LetIn, w.LetIn},
	} {
		if !slices.Equal(p.have, p.want) {
			report("%s Snug would grant the member: %s; Discord's rules grant: %s",
				p.where, permissionNames(p.have), permissionNames(p.want))
		}
	}
}

func compareStates(by string, h, w *State, report func(string, ...any)) {
	if h == nil || w == nil {
		if (h == nil) != (w == nil) {
			report("by %s Snug %s read the member, expected that it %s", by, can(h != nil), can(w != nil))
		}
		return
	}
	if h.TimedOut != w.TimedOut {
		report("by %s the member is %stimed out, expected %stimed out", by, not(!h.TimedOut), not(!w.TimedOut))
	}
	if h.Pending != w.Pending {
		report("by %s the member is %spending, expected %spending", by, not(!h.Pending), not(!w.Pending))
	}
	if h.Roles != w.Roles {
		report("by %s the member has %s, expected %s", by, roles(h.Roles), roles(w.Roles))
	}
	if !slices.Equal(h.Base, w.Base) {
		report("by %s the member's roles give: %s; expected: %s", by, permissionNames(h.Base), permissionNames(w.Base))
	}
}

func can(yes bool) string {
	if yes {
		return "can"
	}
	return "can't"
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

// summary describes in one line how Snug sees the member.
func (m *Member) summary() string {
	if m.REST == nil {
		return "Snug can't read what Discord says about the member."
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
	return fmt.Sprintf("According to Discord they are %s. In a room they were let into, Snug grants them: %s.",
		is, permissionNames(m.LetIn))
}

// allowed reports whether a record may contain it: only permissions that access depends on.
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
