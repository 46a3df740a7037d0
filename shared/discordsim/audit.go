package discordsim

import (
	"fmt"
	"slices"
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
	auditMessageDelete    = 72
	auditMessageBulk      = 73
	auditMessagePin       = 74
	auditMessageUnpin     = 75
	auditStatusUpdate     = 192
	auditStatusDelete     = 193

	auditKept = 1000 // entries per guild
)

// change is one value changed by an audited action; nil means no value.
type change struct {
	Key string `json:"key"`
	Old any    `json:"old_value,omitempty"`
	New any    `json:"new_value,omitempty"`
}

type auditEntry struct {
	ID      ID       `json:"id"`
	Action  int      `json:"action_type"`
	User    *ID      `json:"user_id"`
	Target  *ID      `json:"target_id"`
	Changes []change `json:"changes,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// audit adds the bot's action to the guild's audit log and dispatches it.
func (c *call) audit(g *guild, action int, target ID, changes ...change) {
	for i := range changes {
		changes[i].Old, changes[i].New = auditValue(changes[i].Old), auditValue(changes[i].New)
	}
	e := auditEntry{ID: c.nextID(), Action: action, User: &c.app.id, Target: optionalID(target), Changes: changes}
	if r := []rune(c.reason); len(r) > 0 {
		e.Reason = string(r[:min(len(r), 512)])
	}
	g.audit = append(g.audit, e)
	if len(g.audit) > auditKept {
		g.audit = slices.Delete(g.audit, 0, len(g.audit)-auditKept)
	}
	type told struct {
		auditEntry
		guildRef
	}
	c.dispatch(event{name: "GUILD_AUDIT_LOG_ENTRY_CREATE", intent: IntentGuildModeration, guild: g,
		per: func(sess *session) any {
			if !c.basePerms(g, g.members[sess.app.id]).Has(PermViewAuditLog) {
				return nil
			}
			return told{e, guildRef{g.id}}
		}})
}

// auditValue converts ids and permissions to strings, as in the API, and keeps zero values.
func auditValue(v any) any {
	switch v := v.(type) {
	case ID:
		if v == 0 {
			return nil
		}
		return v.String()
	case Permissions:
		return fmt.Sprint(uint64(v))
	}
	return v
}

func getAuditLog(c *call) (int, any, error) {
	g, _, err := c.guildWith(PermViewAuditLog)
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
	var ids [4]ID
	for i, name := range []string{"user_id", "target_id", "before", "after"} {
		if ids[i], err = c.queryID(name); err != nil {
			return 0, nil, err
		}
	}
	type auditLog struct {
		Entries      []auditEntry `json:"audit_log_entries"`
		Users        []wireUser   `json:"users"`
		Integrations []struct{}   `json:"integrations"`
		Webhooks     []struct{}   `json:"webhooks"`
		Scheduled    []struct{}   `json:"guild_scheduled_events"`
		Threads      []struct{}   `json:"threads"`
		Commands     []struct{}   `json:"application_commands"`
		AutoMod      []struct{}   `json:"auto_moderation_rules"`
	}
	none := []struct{}{}
	out := auditLog{[]auditEntry{}, []wireUser{}, none, none, none, none, none, none}
	seen := map[ID]bool{}
	for _, e := range slices.Backward(g.audit) {
		user, target := *e.User, ID(0)
		if e.Target != nil {
			target = *e.Target
		}
		if action != 0 && e.Action != action || ids[0] != 0 && user != ids[0] || ids[1] != 0 && target != ids[1] ||
			ids[2] != 0 && e.ID >= ids[2] || ids[3] != 0 && e.ID <= ids[3] || len(out.Entries) == limit {
			continue
		}
		out.Entries = append(out.Entries, e)
		for _, id := range []ID{user, target} {
			if u := c.users[id]; u != nil && !seen[id] {
				seen[id] = true
				out.Users = append(out.Users, u.wire())
			}
		}
	}
	return 200, out, nil
}
