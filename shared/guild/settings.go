// Package guild holds the settings of a guild: their type, their defaults and
// the one place that validates them, for slash commands and web alike.
//
// It does no I/O. Settings are plain data, copied by value; nothing in the
// package changes a value it was given.
package guild

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/schema"
)

// Settings are a guild's settings. A missing document means Defaults.
type Settings struct {
	// where rooms are opened; 0: at the top of the server
	CategoryID         snowflake.ID   `json:"category_id,omitempty"`
	Seats              int            `json:"seats"`          // of a new room, 1 to 99
	Private            bool           `json:"private"`        // new rooms are private
	IdleTimeout        Duration       `json:"idle_timeout"`   // how long a room may stay empty; Never keeps it
	ClosingNotice      Duration       `json:"closing_notice"` // how long before the end it is announced
	MaxAge             Duration       `json:"max_age"`        // how old a room may become; Never is no limit
	InviteLifetime     Duration       `json:"invite_lifetime"`
	InviteUses         int            `json:"invite_uses"`            // 0: as many as the room has seats
	NameTemplate       string         `json:"name_template"`          // {owner}, {n} and {game} are filled in
	CreatorRoles       []snowflake.ID `json:"creator_roles,omitzero"` // who may open rooms; empty: everybody
	RoomsPerMember     int            `json:"rooms_per_member"`
	RoomsPerGuild      int            `json:"rooms_per_guild"`
	StrictSeats        bool           `json:"strict_seats"`         // who got past the seat limit is moved back
	AdminsExempt       bool           `json:"admins_exempt"`        // but not those who manage the server
	ManagersSeePrivate bool           `json:"managers_see_private"` // managers see the rosters of private rooms
	// who lacks a role the server asks for can be let in all the same
	GuestsPastGate bool `json:"guests_past_gate"`
	BringIn        bool `json:"bring_in"`    // an invite may bring people into the server
	GuildsJoin     bool `json:"guilds_join"` // by their sign-in (guilds.join), not by an invite of Discord's

	// of what all see, such as "de" or "pt-BR"; "": the server's own
	Language string `json:"language"`
	// a text channel where what happens is written; 0: none
	LogChannelID   snowflake.ID `json:"log_channel_id"`
	AuditRetention Duration     `json:"audit_retention"` // how long the audit log is kept, 1 to 90 days
	// how long a seat is held for who lost their connection; 0: not
	SeatGrace   Duration       `json:"seat_grace"`
	HelperRoles []snowflake.ID `json:"helper_roles,omitzero"` // let into private rooms too: music bots, moderators
	// not allowed in names and statuses, however they are disguised
	BlockedWords []string `json:"blocked_words,omitzero"`
	Lobbies      []Lobby  `json:"lobbies,omitzero"`
}

// Defaults returns the settings of a guild that changed nothing.
func Defaults() Settings {
	return Settings{
		Seats: 4, Private: true, IdleTimeout: Duration(time.Hour), ClosingNotice: Duration(30 * time.Second),
		MaxAge:         Never,
		InviteLifetime: Duration(24 * time.Hour), NameTemplate: "{owner}'s room", RoomsPerMember: 1, RoomsPerGuild: 50,
		BringIn: true, StrictSeats: true, AdminsExempt: true, AuditRetention: Duration(90 * 24 * time.Hour),
		SeatGrace: Duration(time.Minute),
	}
}

// Upgraded fills in fields that settings stored by an earlier version lack. Call it on all stored settings.
func (s Settings) Upgraded() Settings {
	if s.AuditRetention == 0 {
		s.AuditRetention = Defaults().AuditRetention
	}
	return s
}

// Validate fails with an errs.Invalid error that names the field (by its JSON name) for the first setting
// that cannot be.
func (s Settings) Validate() error {
	if err := schema.CheckSeats(s.Seats); err != nil {
		return err
	}
	for _, d := range []struct {
		field, what string
		v           Duration
		low, high   time.Duration
		never       bool
	}{
		{"idle_timeout", "The idle timeout", s.IdleTimeout, 0, 30 * 24 * time.Hour, true},
		{"closing_notice", "The closing notice", s.ClosingNotice, 5 * time.Second, time.Hour, false},
		{"max_age", "The maximum age", s.MaxAge, 10 * time.Minute, 365 * 24 * time.Hour, true},
		{"invite_lifetime", "The invite lifetime", s.InviteLifetime, schema.MinInviteLifetime, schema.MaxInviteLifetime, false},
		{"audit_retention", "The audit log's time", s.AuditRetention, 24 * time.Hour, 90 * 24 * time.Hour, false},
		{"seat_grace", "The time a seat is held after a disconnect", s.SeatGrace, 0, 10 * time.Minute, false},
	} {
		if d.v == Never && d.never {
			continue
		}
		if t := time.Duration(d.v); t < d.low || t > d.high {
			orNever := ""
			if d.never {
				orNever = `, or "never"`
			}
			return errs.Field(d.field, "%s must be between %s and %s%s.", errs.Term(d.what), Duration(d.low),
				Duration(d.high), errs.Term(orNever))
		}
	}
	for _, n := range []struct {
		field, what  string
		v, low, high int
	}{
		{"invite_uses", "The uses of an invite", s.InviteUses, 0, schema.MaxInviteUses},
		{"rooms_per_member", "The number of rooms a member may have", s.RoomsPerMember, 1, 50},
		{"rooms_per_guild", "The number of rooms in the server", s.RoomsPerGuild, 1, 450},
	} {
		if n.v < n.low || n.v > n.high {
			return errs.Field(n.field, "%s must be between %d and %d.", errs.Term(n.what), n.low, n.high)
		}
	}
	if err := checkTemplate("name_template", s.NameTemplate); err != nil {
		return err
	}
	return s.validateLists()
}

// JoinsBySignIn says whether people are brought into the server by their sign-in, which then asks for that.
func (s Settings) JoinsBySignIn() bool { return s.BringIn && s.GuildsJoin }

// Uses returns the default number of uses of an invite to a room with so many seats.
func (s Settings) Uses(seats int) int {
	if s.InviteUses > 0 {
		return s.InviteUses
	}
	return seats
}

// MayCreate reports whether a member may open rooms: with creator roles set, those who hold
// one, and managers. Nobody may who is timed out or has not accepted the server's rules.
func (s Settings) MayCreate(m access.Standing) bool {
	if !m.Active() || len(s.CreatorRoles) == 0 || m.Manager {
		return m.Active()
	}
	return slices.ContainsFunc(s.CreatorRoles, func(r snowflake.ID) bool { return slices.Contains(m.Roles, r) })
}

// MayOverfill reports whether a member whom Discord lets into a full room may stay, rather than be moved back.
func (s Settings) MayOverfill(m access.Standing) bool {
	return !s.StrictSeats || s.AdminsExempt && m.Manager
}

// Duration is a time.Duration that people read and write: "1h", "90m", "30s", "never".
type Duration time.Duration

// Never is the duration that does not end.
const Never Duration = -1

// String gives the duration without needless zeros, or "never".
func (d Duration) String() string {
	if d < 0 {
		return "never"
	}
	t := time.Duration(d)
	if t == 0 {
		return "0s"
	}
	s := ""
	for _, u := range []struct {
		d time.Duration
		n string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := int64(t / u.d); n > 0 {
			s += fmt.Sprint(n, u.n)
			t %= u.d
		}
	}
	if t > 0 {
		s += t.String()
	}
	return s
}

// ParseDuration reads what String writes and what time.ParseDuration reads; "off" and "never" are Never.
func ParseDuration(s string) (Duration, error) {
	s = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", ""))
	if s == "never" || s == "off" {
		return Never, nil
	}
	var days time.Duration
	if head, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(head, 10, 16)
		if err != nil {
			return 0, errs.E(errs.Invalid, "%q isn't a duration. Write it like 30m, 1h, 2d or never.", s)
		}
		days, s = time.Duration(n)*24*time.Hour, rest
	}
	t := days
	if s != "" || days == 0 {
		rest, err := time.ParseDuration(s)
		if err != nil || rest < 0 {
			return 0, errs.E(errs.Invalid, "%q isn't a duration. Write it like 30m, 1h, 2d or never.", s)
		}
		t += rest
	}
	return Duration(t), nil
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the duration as ParseDuration does.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	if err == nil {
		*d = v
	}
	return err
}

// Document is what the hub keeps of a guild's settings: the settings, and the
// audit entries that were written with them and may not have reached the
// audit stream yet.
type Document struct {
	Settings
	Outbox []audit.Entry `json:"outbox,omitempty"`
}

// Fields returns the settings by their JSON names, normalized: equal settings have equal fields.
func (s Settings) Fields() (map[string]json.RawMessage, error) {
	b, err := json.Marshal(s.normalized())
	if err != nil {
		return nil, err
	}
	m := map[string]json.RawMessage{}
	return m, json.Unmarshal(b, &m)
}

// normalized returns the settings with sorted roles and without empty lists.
func (s Settings) normalized() Settings {
	s = s.Clone()
	for _, roles := range []*[]snowflake.ID{&s.CreatorRoles, &s.HelperRoles} {
		slices.Sort(*roles)
		if *roles = slices.Compact(*roles); len(*roles) == 0 {
			*roles = nil
		}
	}
	if len(s.BlockedWords) == 0 {
		s.BlockedWords = nil
	}
	if len(s.Lobbies) == 0 {
		s.Lobbies = nil
	}
	return s
}
