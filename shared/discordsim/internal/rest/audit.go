package rest

import (
	"slices"

	"snug/shared/discordsim/internal/world"
)

// Audit log actions by Discord's numbers ("Audit Log Events").
const (
	auditGuildUpdate      = 1
	auditChannelCreate    = 10
	auditChannelUpdate    = 11
	auditChannelDelete    = 12
	auditOverwriteCreate  = 13
	auditOverwriteUpdate  = 14
	auditOverwriteDelete  = 15
	auditMemberKick       = 20
	auditMemberPrune      = 21
	auditMemberBan        = 22
	auditMemberUnban      = 23
	auditMemberUpdate     = 24
	auditMemberRoles      = 25
	auditMemberMove       = 26
	auditMemberDisconnect = 27
	auditRoleCreate       = 30
	auditRoleUpdate       = 31
	auditRoleDelete       = 32
	auditInviteCreate     = 40
	auditInviteDelete     = 42
	auditWebhookCreate    = 50
	auditWebhookUpdate    = 51
	auditWebhookDelete    = 52
	auditEmojiCreate      = 60
	auditEmojiUpdate      = 61
	auditEmojiDelete      = 62
	auditMessageDelete    = 72
	auditMessageBulk      = 73
	auditMessagePin       = 74
	auditMessageUnpin     = 75
	auditStageCreate      = 83
	auditStageUpdate      = 84
	auditStageDelete      = 85
	auditEventCreate      = 100
	auditEventUpdate      = 101
	auditEventDelete      = 102
	auditThreadCreate     = 110
	auditThreadUpdate     = 111
	auditThreadDelete     = 112
	auditModRuleCreate    = 140
	auditModRuleUpdate    = 141
	auditModRuleDelete    = 142
	auditStatusUpdate     = 192
	auditStatusDelete     = 193
)

func getAuditLog(c *call) (int, any, error) {
	g, _, err := c.guildWith(world.PermViewAuditLog)
	if err != nil {
		return 0, nil, err
	}
	limit, err := c.query("limit", 50, 1, 100)
	if err != nil {
		return 0, nil, err
	}
	action, err := c.query("action_type", 0, 0, 1000)
	if err != nil {
		return 0, nil, err
	}
	var ids [4]world.ID
	for i, name := range []string{"user_id", "target_id", "before", "after"} {
		if ids[i], err = c.queryID(name); err != nil {
			return 0, nil, err
		}
	}
	type auditLog struct {
		Entries      []world.AuditEntry  `json:"audit_log_entries"`
		Users        []world.WireUser    `json:"users"`
		Integrations []struct{}          `json:"integrations"`
		Webhooks     []world.WireWebhook `json:"webhooks"`
		Scheduled    []struct{}          `json:"guild_scheduled_events"`
		Threads      []struct{}          `json:"threads"`
		Commands     []struct{}          `json:"application_commands"`
		AutoMod      []*world.ModRule    `json:"auto_moderation_rules"`
	}
	none := []struct{}{}
	out := auditLog{[]world.AuditEntry{}, []world.WireUser{}, none, []world.WireWebhook{}, none, none, none,
		[]*world.ModRule{}}
	seen := map[world.ID]bool{}
	for _, e := range slices.Backward(g.Audit) {
		user, target := *e.User, world.ID(0)
		if e.Target != nil {
			target = *e.Target
		}
		if action != 0 && e.Action != action || ids[0] != 0 && user != ids[0] || ids[1] != 0 && target != ids[1] ||
			ids[2] != 0 && e.ID >= ids[2] || ids[3] != 0 && e.ID <= ids[3] || len(out.Entries) == limit {
			continue
		}
		out.Entries = append(out.Entries, e)
		for _, id := range []world.ID{user, target} {
			if u := c.Users[id]; u != nil && !seen[id] {
				seen[id] = true
				out.Users = append(out.Users, u.Wire())
			}
			if h := c.Webhooks[id]; h != nil && !seen[id] {
				seen[id] = true
				out.Webhooks = append(out.Webhooks, c.showWebhook(h))
			}
			if r := g.ModRules[id]; r != nil && !seen[id] {
				seen[id] = true
				out.AutoMod = append(out.AutoMod, r)
			}
		}
	}
	return 200, out, nil
}

// audit adds the caller's action to the guild's audit log, with the request's reason.
func (c *call) audit(g *world.Guild, action int, target world.ID, changes ...world.Change) {
	c.State.Audit(g, c.me().ID, c.reason, action, target, changes...)
}
