package rest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

// Pruning removes members who weren't seen for some days.
// https://docs.discord.com/developers/resources/guild#begin-guild-prune

// pruned lists those who a prune removes, and after how many days: whose roles, if they have any, are all among those
// to include. That bots stay, and members who the caller couldn't kick, is a guess.
func (c *call) pruned(g *world.Guild, by *world.Member, f *form.Form) (list []*world.Member, days int, err error) {
	days = 7
	if f.Given("days") {
		days = f.Num("days", 1, 30)
	}
	include := rolesToPrune(f)
	if err := f.Errs.Err(); err != nil {
		return nil, 0, err
	}
	for _, id := range include {
		if g.Roles[id] == nil || id == g.ID {
			return nil, 0, form.UnknownRole() // a guess
		}
	}
	since := c.Now().Add(-time.Duration(days) * 24 * time.Hour)
	for _, m := range g.SortedMembers() {
		other := slices.ContainsFunc(m.Roles, func(id world.ID) bool { return !slices.Contains(include, id) })
		if !other && !m.User.Bot && g.Outranks(by, m) && c.LastSeen(g, m).Before(since) {
			list = append(list, m)
		}
	}
	return list, days, nil
}

// rolesToPrune reads include_roles: a list, or ids with commas between them.
func rolesToPrune(f *form.Form) []world.ID {
	if s, ok := form.Scalar(f.Fields["include_roles"]); ok && f.Given("include_roles") {
		f.Fields["include_roles"] = form.Marshal(strings.FieldsFunc(s, func(r rune) bool { return r == ',' }))
	}
	return f.IDs("include_roles", 100)
}

// pruner are the permissions that a prune needs.
const pruner = world.PermManageGuild | world.PermKickMembers

func countPruned(c *call) (int, any, error) {
	g, by, err := c.guildWith(pruner)
	if err != nil {
		return 0, nil, err
	}
	f := &form.Form{Fields: map[string]json.RawMessage{}, Errs: &form.Tree{}}
	query := c.r.URL.Query()
	if v := query.Get("days"); v != "" {
		f.Set("days", v)
	}
	if v := query["include_roles"]; len(v) > 0 {
		f.Set("include_roles", strings.Join(v, ","))
	}
	list, _, err := c.pruned(g, by, f)
	if err != nil {
		return 0, nil, err
	}
	return 200, map[string]any{"pruned": len(list)}, nil
}

func prune(c *call) (int, any, error) {
	g, by, err := c.guildWith(pruner)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.form()
	if err != nil {
		return 0, nil, err
	}
	count := !f.Given("compute_prune_count") || f.Yes("compute_prune_count")
	list, days, err := c.pruned(g, by, f)
	if err != nil {
		return 0, nil, err
	}
	for _, m := range list {
		c.RemoveMember(g, m.User.ID)
	}
	reason := c.reason
	if reason == "" {
		reason, _ = form.Scalar(f.Fields["reason"])
	}
	c.AuditOptions(g, c.me().ID, reason, auditMemberPrune, 0,
		map[string]string{"delete_member_days": itoa(days), "members_removed": itoa(len(list))})
	if !count {
		return 200, map[string]any{"pruned": nil}, nil
	}
	return 200, map[string]any{"pruned": len(list)}, nil
}
