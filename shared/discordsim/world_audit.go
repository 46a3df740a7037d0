package discordsim

import (
	"fmt"
	"slices"
)

// change is one value changed by an audited action; nil means no value.
type change struct {
	Key string `json:"key"`
	Old any    `json:"old_value,omitempty"`
	New any    `json:"new_value,omitempty"`
}

const auditKept = 1000 // entries per guild

// auditEntry is an entry of a guild's audit log.
type auditEntry struct {
	ID      ID       `json:"id"`
	Action  int      `json:"action_type"`
	User    *ID      `json:"user_id"`
	Target  *ID      `json:"target_id"`
	Changes []change `json:"changes,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// audit adds an application's action to the guild's audit log and dispatches it.
func (s *state) audit(g *guild, by *application, reason string, action int, target ID, changes ...change) {
	for i := range changes {
		changes[i].Old, changes[i].New = auditValue(changes[i].Old), auditValue(changes[i].New)
	}
	e := auditEntry{ID: s.nextID(), Action: action, User: &by.id, Target: optionalID(target), Changes: changes}
	if r := []rune(reason); len(r) > 0 {
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
	s.dispatch(event{name: "GUILD_AUDIT_LOG_ENTRY_CREATE", intent: IntentGuildModeration, guild: g,
		per: func(to receiver) any {
			if !s.basePerms(g, g.members[to.app.id]).Has(PermViewAuditLog) {
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
