package trial

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/agent"
)

// trial is one run, against Discord or the simulator.
type trial struct {
	o           Options
	me          string // the bot's id
	permissions uint64 // the bot's in the server
	owns        bool   // the operator owns the server
	mfa         int
	mark        string // prefix of the names of everything it creates
	made        journal
	gw          *gateway
	gateway     string       // the gateway's address
	in          access.Guild // the server's owner and the permissions of its roles
	// grants returns what the simulator grants the test member in a channel; "" is a channel without
	// overwrites. Nil against Discord, which doesn't say.
	grants func(channel string) access.Permissions

	category, room, second string // channels
	inVoice                bool   // the operator is
}

// administrator is the permission that includes all others.
const administrator = 1 << 3

// begin looks up the bot, the operator and the bot's permissions. It changes nothing.
func begin(ctx context.Context, o Options) (*trial, error) {
	o.URL = strings.TrimRight(o.URL, "/")
	if o.HTTP == nil {
		o.HTTP = agent.Client(15 * time.Second)
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	t := &trial{o: o, mark: "snug-trial-" + strings.ToLower(rand.Text()[:8]), made: journal{Guild: o.Guild}}
	var me struct{ ID string }
	if err := t.ask(ctx, "/users/@me", &me); err != nil {
		return nil, err
	}
	t.me = me.ID
	if t.o.Operator == 0 {
		if err := t.findOperator(ctx); err != nil {
			return nil, err
		}
	}
	var g struct {
		OwnerID  string `json:"owner_id"`
		MFALevel int    `json:"mfa_level"`
		Roles    []struct{ ID, Permissions string }
	}
	guild := "/guilds/" + o.Guild.String()
	if err := t.ask(ctx, guild, &g); err != nil {
		return nil, fmt.Errorf("%w. Is the bot in the server %s? Add it there first", err, o.Guild)
	}
	t.owns, t.mfa = g.OwnerID == t.o.Operator.String(), g.MFALevel
	if t.o.Member != 0 && t.o.Member.String() == t.me {
		return nil, errors.New("the test member is the bot itself. Name a person with --member")
	}
	t.in.OwnerID, _ = snowflake.Parse(g.OwnerID) // if it doesn't parse, nobody owns the server
	t.in.Roles = access.Roles{}
	var own struct{ Roles []string }
	if err := t.ask(ctx, guild+"/members/"+t.me, &own); err != nil {
		return nil, err
	}
	mine := map[string]bool{o.Guild.String(): true} // @everyone
	for _, r := range own.Roles {
		mine[r] = true
	}
	for _, r := range g.Roles {
		p, err := strconv.ParseUint(r.Permissions, 10, 64)
		if err != nil {
			continue
		}
		if id, err := snowflake.Parse(r.ID); err == nil {
			t.in.Roles[id] = access.Permissions(p)
		}
		if mine[r.ID] {
			t.permissions |= p
		}
	}
	return t, nil
}

// findOperator uses the application's owner, or the owner of the team that it belongs to.
func (t *trial) findOperator(ctx context.Context) (err error) {
	var a struct {
		Owner struct{ ID string }
		Team  *struct {
			OwnerUserID string `json:"owner_user_id"`
		}
	}
	if err := t.ask(ctx, "/applications/@me", &a); err != nil {
		return err
	}
	id := a.Owner.ID
	if a.Team != nil {
		id = a.Team.OwnerUserID
	}
	if t.o.Operator, err = snowflake.Parse(id); err != nil {
		return errors.New("Discord doesn't say who owns the application. " +
			"Name the user who gets the direct message with --operator")
	}
	return nil
}

// missing returns a permission that the bot doesn't have, to test that it can't grant it; 0 if it has all.
func (t *trial) missing() uint64 {
	if t.permissions&administrator != 0 {
		return 0
	}
	for _, bit := range []int{2, 1, 13, 23, 22, 17, 40} {
		// ban, kick, manage messages, deafen, mute, mention everyone, moderate
		if t.permissions&(1<<bit) == 0 {
			return 1 << bit
		}
	}
	return 0
}
