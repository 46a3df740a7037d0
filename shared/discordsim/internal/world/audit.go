package world

import (
	"fmt"
	"slices"
)

// Change is one value changed by an audited action; nil means no value.
type Change struct {
	Key string `json:"key"`
	Old any    `json:"old_value,omitempty"`
	New any    `json:"new_value,omitempty"`
}

const auditKept = 1000 // entries per guild

// AuditEntry is an entry of a guild's audit log.
type AuditEntry struct {
	ID      ID       `json:"id"`
	Action  int      `json:"action_type"`
	User    *ID      `json:"user_id"`
	Target  *ID      `json:"target_id"`
	Changes []Change `json:"changes,omitempty"`
	Reason  string   `json:"reason,omitempty"`

	Options map[string]string `json:"options,omitempty"` // "Optional Audit Entry Info"
}

// Audit adds somebody's action to the guild's audit log and dispatches it.
func (s *State) Audit(g *Guild, by ID, reason string, action int, target ID, changes ...Change) {
	s.AuditOptions(g, by, reason, action, target, nil, changes...)
}

// AuditOptions is Audit with what some actions say besides.
func (s *State) AuditOptions(
	g *Guild, by ID, reason string, action int, target ID, options map[string]string, changes ...Change,
) {
	for i := range changes {
		changes[i].Old, changes[i].New = auditValue(changes[i].Old), auditValue(changes[i].New)
	}
	e := AuditEntry{ID: s.NextID(), Action: action, User: &by, Target: OptionalID(target), Changes: changes,
		Options: options}
	if r := []rune(reason); len(r) > 0 {
		e.Reason = string(r[:min(len(r), 512)])
	}
	g.Audit = append(g.Audit, e)
	if len(g.Audit) > auditKept {
		g.Audit = slices.Delete(g.Audit, 0, len(g.Audit)-auditKept)
	}
	type told struct {
		AuditEntry
		GuildRef
	}
	s.Dispatch(Event{Name: "GUILD_AUDIT_LOG_ENTRY_CREATE", Intent: IntentGuildModeration, Guild: g,
		Per: func(to Receiver) any {
			if !s.BasePerms(g, g.Members[to.App.ID]).Has(PermViewAuditLog) {
				return nil
			}
			return told{e, GuildRef{g.ID}}
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
