package trial

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/discordsim"
	"snug/shared/testkit"
)

// tested is what a test member is.
type tested struct {
	role    discordsim.Permissions // what a role of theirs gives; 0: they have none
	pending bool
	until   time.Time // of their timeout
}

const mayEnter = discordsim.PermViewChannel | discordsim.PermConnect

// tested adds a test member to the server.
func (r *real) tested(t *testing.T, is tested) snowflake.ID {
	t.Helper()
	u := r.AddUser("kanarienhahn", "Kanarienhahn")
	testkit.NoError(t, r.AddMember(r.guild, u.ID, ""))
	if is.role != 0 {
		role, err := r.AddRole(r.guild, "Kanarienvogel", is.role)
		testkit.NoError(t, err)
		testkit.NoError(t, r.SetRoles(r.guild, u.ID, role))
	}
	testkit.NoError(t, r.SetPending(r.guild, u.ID, is.pending))
	if !is.until.IsZero() {
		testkit.NoError(t, r.TimeOut(r.guild, u.ID, is.until))
	}
	return u.ID
}

// TestMemberFits: Snug grants a test member what the simulated Discord does, whatever they are.
func TestMemberFits(t *testing.T) {
	later := time.Now().Add(time.Hour)
	const (
		both  = "Snug grants them: View Channels, Connect."
		looks = "Snug grants them: View Channels."
	)
	for name, c := range map[string]struct {
		is       tested
		memberIs string
		says     []string
	}{
		"a plain one":   {tested{role: mayEnter}, "", []string{"they are neither timed out nor pending.", both}},
		"without roles": {tested{}, "", []string{both}},
		"timed out": {tested{role: mayEnter | discordsim.PermMoveMembers, until: later}, IsTimedOut,
			[]string{"they are timed out.", looks}},
		"a timeout that is over": {tested{role: mayEnter, until: time.Now().Add(-time.Hour)}, "",
			[]string{"they are neither timed out nor pending.", both}},
		"pending": {
			tested{role: mayEnter, pending: true}, IsPending, []string{"they are pending.", looks},
		},
		"pending, without roles": {tested{pending: true}, "", []string{looks}},
		"both, and nobody said so": {tested{role: mayEnter, pending: true, until: later}, "",
			[]string{"they are timed out and pending.", looks}},
		"who manages, while timed out": {
			tested{role: mayEnter | discordsim.PermManageGuild, until: later}, "", []string{looks},
		},
		"an administrator": {
			tested{role: discordsim.PermAdministrator}, "", []string{"could not be tried: " + whyAdmin},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newDescribed(t)
			o := r.options()
			o.Member, o.MemberIs = r.tested(t, c.is), c.memberIs
			rec, diff, err := Run(t.Context(), o)
			testkit.NoError(t, err)
			var out bytes.Buffer
			Report(&out, rec, diff)
			if len(diff) != 0 || slices.ContainsFunc(c.says,
				func(s string) bool { return !strings.Contains(out.String(), s) }) {
				t.Errorf("it does not fit, and say %q:\n%s", c.says, out.String())
			}
			if left := r.left(t); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			// Somebody else finds the same by the record.
			text, err := rec.Text()
			testkit.NoError(t, err)
			back, err := ReadRecord(text)
			testkit.NoError(t, err)
			again, err := Replay(t.Context(), back)
			if err != nil || len(again) != 0 {
				t.Errorf("replayed: %v, %v", again, err)
			}
		})
	}
}

// TestMemberDiffers plants differences in what Snug relies on about a test member: each is found, as what it is.
func TestMemberDiffers(t *testing.T) {
	later := time.Now().Add(time.Hour)
	timedOut, pending := tested{role: mayEnter, until: later}, tested{role: mayEnter, pending: true}
	const tooMuch = "in a room they were let into, Snug would grant the member: View Channels, Connect; " +
		"Discord's rules grant: View Channels"
	// described is a description of them, with this timeout ("": without one) and with another field left out, or
	// with another value of it.
	described := func(until string, other ...string) func(string) discordsim.Fault {
		return func(user string) discordsim.Fault {
			m := map[string]json.RawMessage{"pending": json.RawMessage("false"), "roles": json.RawMessage("[]")}
			m["user"] = json.RawMessage(fmt.Sprintf(`{"id":%q,"username":"kanarienhahn"}`, user))
			if until != "" {
				m["communication_disabled_until"] = json.RawMessage(until)
			}
			if len(other) == 1 {
				delete(m, other[0])
			} else if len(other) == 2 {
				m[other[0]] = json.RawMessage(other[1])
			}
			return discordsim.Fault{
				Kind: discordsim.FaultAnswer, After: true, Route: "GET /guilds/{guild}/members/" + user,
				Body: mustText(m),
			}
		}
	}
	unread := func(string) discordsim.Fault { // the first is that of the members in bulk
		return discordsim.Fault{Kind: discordsim.FaultGarbled, Event: "GUILD_MEMBERS_CHUNK", Skip: 1}
	}
	refused := func(route string, status, code int) func(string) discordsim.Fault {
		return func(user string) discordsim.Fault {
			return discordsim.Fault{Kind: discordsim.FaultAnswer, Route: strings.ReplaceAll(route, "{user}", user),
				Status: status,
				Body:   fmt.Sprintf(`{"message":"No","code":%d}`, code)}
		}
	}
	for name, c := range map[string]struct {
		is       tested
		memberIs string
		plant    func(user string) discordsim.Fault
		says     []string
	}{
		"a timeout is not told": {timedOut, "", described(""), []string{
			"doesn't have /communication_disabled_until",
			"by the gateway the member is timed out, expected not timed out",
			"by the gateway the member has roles, expected no roles",
		}},
		"a timeout is told as none": {timedOut, IsTimedOut, described("null"), []string{
			"by REST the member is not timed out, expected timed out", tooMuch,
		}},
		"a timeout is told as over": {timedOut, IsTimedOut, described(`"2020-01-01T00:00:00Z"`), []string{
			"by REST the member is not timed out, expected timed out", tooMuch,
		}},
		"a timeout is told as a number": {timedOut, IsTimedOut, described("1700000000"), []string{
			"/communication_disabled_until is number, expected string",
		}},
		"a timeout that there is not": {tested{}, "", described(`"` + later.UTC().Format(time.RFC3339) + `"`), []string{
			"by the gateway the member is not timed out, expected timed out",
		}},
		"pending is not told": {pending, "", described("null", "pending"), []string{
			"doesn't have /pending", "by the gateway the member is pending, expected not pending",
		}},
		"pending is told as no": {pending, IsPending, described("null"), []string{
			"by REST the member is not pending, expected pending", tooMuch,
		}},
		"pending is told as a word": {pending, IsPending, described("null", "pending", `"yes"`), []string{
			"/pending is string, expected boolean",
		}},
		"roles are not told": {tested{role: mayEnter}, "", described("null", "roles"), []string{
			"doesn't have /roles", "by the gateway the member's roles give: View Channels, Connect; expected: nothing",
		}},
		"somebody else is described": {pending, "", described("null", "user", `{"id":"1","username":"x"}`), []string{
			"by REST Snug can't read the member, expected that it can",
		}},
		"the operator is wrong": {tested{role: mayEnter}, IsTimedOut, nil, []string{
			"by REST the member is not timed out", "by the gateway the member is not timed out",
		}},
		"they are not found": {pending, "", refused("GET /guilds/{guild}/members/{user}", 404, 10007), []string{
			"404 with code 10007, expected 200",
		}},
		"they may not be let in": {timedOut, "", refused("PUT /channels/{channel}/permissions/{user}", 403, 50013),
			[]string{
				"403 with code 50013, expected 204", "Snug would grant the member: nothing",
			}},
		"the gateway says nothing of them": {timedOut, "", unread, []string{
			"GUILD_MEMBERS_CHUNK does not arrive", "by the gateway Snug can't read the member",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReal(t)
			o := r.options()
			o.Member, o.MemberIs = r.tested(t, c.is), c.memberIs
			if c.plant != nil {
				_, err := r.Inject(c.plant(o.Member.String()))
				testkit.NoError(t, err)
			}
			rec, diff, err := Run(t.Context(), o)
			testkit.NoError(t, err)
			var out bytes.Buffer
			Report(&out, rec, diff)
			for _, says := range c.says {
				if !slices.ContainsFunc(diff, func(d Difference) bool {
					return d.Step == stepMember && strings.Contains(d.How, says)
				}) {
					t.Errorf("it does not say %q:\n%s", says, out.String())
				}
			}
			if slices.ContainsFunc(diff, func(d Difference) bool { return d.Step != stepMember }) {
				t.Errorf("something else differs:\n%s", out.String())
			}
			if left := r.left(t); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			t.Logf("\n%s", out.String())
			_, err = rec.Text()
			testkit.NoError(t, err)
		})
	}
}

// A test member cannot be the bot: letting it in and out would take its own place in the room.
func TestMemberIsNotTheBot(t *testing.T) {
	r := newReal(t)
	o := r.options()
	o.Member = r.app.ID
	if _, _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "Name a person with --member") {
		t.Error(err)
	}
	if left := r.left(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A record of a member holds bits that access depends on, and two words, and nothing else gets in.
func TestMemberRecord(t *testing.T) {
	for name, c := range map[string]struct {
		member, is string
		ok         bool
	}{
		"what may be in it":   {`{"rest":{"base":[3,10,20]},"let_in":[10]}`, "pending", true},
		"another bit":         {`{"let_in":[11]}`, "", false},
		"a number":            {`{"kept_out":[613425648]}`, "", false},
		"a number of a role":  {`{"gateway":{"base":[613425648]}}`, "", false},
		"another field":       {`{"rest":{"name":"x"}}`, "", false},
		"another word":        {`{}`, "x", false},
		"a word for a number": {`{"open":["x"]}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := `{"version":1,"member_is":"` + c.is + `","outcomes":[{"step":"test member","member":` + c.member +
				`}]}`
			if _, err := ReadRecord([]byte(text)); (err == nil) != c.ok {
				t.Errorf("%s: %v", text, err)
			}
		})
	}
}
