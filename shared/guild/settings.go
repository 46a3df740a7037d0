// Package guild holds the settings of a guild: their type, their defaults and
// the one place that validates them, for slash commands and web alike.
//
// It does no I/O. Settings are plain data, copied by value; nothing in the
// package changes a value it was given.
package guild

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/audit"
	"snug/shared/errs"
	"snug/shared/preset"
	"snug/shared/schema"
)

// Settings are a guild's settings. A missing document means Defaults. What each field is, within which limits, says
// its row in schema.Settings, which has the same name.
type Settings struct {
	CategoryID     snowflake.ID   `json:"category_id,omitempty"`
	Seats          int            `json:"seats"`
	Private        bool           `json:"private"`
	NameTemplate   string         `json:"name_template"`
	PassOnAfter    Duration       `json:"pass_on_after"` // the owner has to be away for it
	IdleTimeout    Duration       `json:"idle_timeout"`
	ClosingNotice  Duration       `json:"closing_notice"`
	MaxAge         Duration       `json:"max_age"`
	InviteLifetime Duration       `json:"invite_lifetime"`
	InviteUses     int            `json:"invite_uses"` // see Uses
	BringIn        bool           `json:"bring_in"`
	GuildsJoin     bool           `json:"guilds_join"`            // see JoinsBySignIn
	CreatorRoles   []snowflake.ID `json:"creator_roles,omitzero"` // see MayCreate
	RoomsPerMember int            `json:"rooms_per_member"`
	RoomsPerGuild  int            `json:"rooms_per_guild"`
	StrictSeats    bool           `json:"strict_seats"`  // see MayOverfill
	AdminsExempt   bool           `json:"admins_exempt"` // see MayOverfill
	SeatGrace      Duration       `json:"seat_grace"`
	// ManagersSeePrivate shows managers the rosters of private rooms on the web.
	ManagersSeePrivate bool `json:"managers_see_private"`
	// GuestsPastGate lets people be let in without a role that the category asks for.
	GuestsPastGate bool           `json:"guests_past_gate"`
	HelperRoles    []snowflake.ID `json:"helper_roles,omitzero"` // are let into private rooms
	// LinkPreviews lets anybody know the server's name and its public rooms, by the addresses of their pages.
	LinkPreviews   bool         `json:"link_previews"`
	Language       string       `json:"language"` // of what everybody sees, as "pt-BR"; "": the guild's
	BlockedWords   []string     `json:"blocked_words,omitzero"`
	RandomNames    []string     `json:"random_names,omitzero"` // one of them is {random}
	LogChannelID   snowflake.ID `json:"log_channel_id"`
	AuditRetention Duration     `json:"audit_retention"`
	Lobbies        []Lobby      `json:"lobbies,omitzero"`
	// Presets are offered to everybody who may open rooms.
	Presets []preset.Preset `json:"presets,omitzero"`
}

// Defaults returns the settings of a guild that changed nothing.
func Defaults() Settings {
	return Settings{
		Seats:          4,
		Private:        true,
		NameTemplate:   "{owner}'s room",
		PassOnAfter:    Never,
		IdleTimeout:    Duration(time.Hour),
		ClosingNotice:  Duration(30 * time.Second),
		MaxAge:         Never,
		InviteLifetime: Duration(24 * time.Hour),
		BringIn:        true,
		RoomsPerMember: 1,
		RoomsPerGuild:  50,
		StrictSeats:    true,
		AdminsExempt:   true,
		SeatGrace:      Duration(time.Minute),
		AuditRetention: Duration(90 * 24 * time.Hour),
	}
}

// Value returns a setting by its name, with the type of its field; nil if there is none.
func (s Settings) Value(name string) any { return valueOf(s, name) }

// Decode reads a setting's value from JSON, as the type of its field. It fails if there is no such setting, or if the
// value has another type.
func Decode(name string, raw []byte) (any, error) {
	i, ok := settingsFields[name]
	if !ok {
		return nil, fmt.Errorf("there is no setting %q", name)
	}
	v := reflect.New(reflect.TypeFor[Settings]().Field(i).Type)
	err := json.Unmarshal(raw, v.Interface())
	return v.Elem().Interface(), err
}

// The fields of Settings and of Lobby by their names in JSON.
var (
	settingsFields = fieldsOf(reflect.TypeFor[Settings]())
	lobbyFields    = fieldsOf(reflect.TypeFor[Lobby]())
)

func fieldsOf(t reflect.Type) map[string]int {
	m := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		m[name] = i
	}
	return m
}

// Validate fails with errs.Invalid for the first setting that its row does not allow, and names it as the field.
func (s Settings) Validate() error {
	for _, row := range schema.Settings() {
		if err := check(row, s.Value(row.Name)); err != nil {
			return err
		}
	}
	return nil
}

// check fails with errs.Invalid for a value that a row does not allow.
func check(row schema.Setting, v any) error {
	label := errs.Label(row.Label())
	switch v := v.(type) {
	case int:
		if v < row.Min || v > row.Max {
			return errs.Field(row.Name, "“%s” must be between %d and %d.", label, row.Min, row.Max)
		}
	case Duration:
		switch t := time.Duration(v); {
		case v == Never && row.Never, t >= row.MinTime && t <= row.MaxTime:
		case row.Never:
			return errs.Field(row.Name, "“%s” must be between %s and %s, or never.", label, row.MinTime, row.MaxTime)
		default:
			return errs.Field(row.Name, "“%s” must be between %s and %s.", label, row.MinTime, row.MaxTime)
		}
	case string:
		if row.Kind == schema.Template {
			return checkTemplate(row, v)
		}
		if v != "" && !slices.Contains(schema.LanguageCodes(), v) {
			return errs.Field(row.Name, "Snug doesn't speak %s yet. Choose one of: %s.", v,
				strings.Join(schema.LanguageCodes(), ", "))
		}
	case []snowflake.ID:
		if len(v) > row.Max {
			return errs.Field(row.Name, "Choose up to %d roles.", row.Max)
		}
	case []string:
		return checkList(row, v)
	case []Lobby:
		return checkLobbies(row, v)
	case []preset.Preset:
		return preset.Check(row.Name, v, row.Max)
	}
	return nil
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

// Std returns the duration as package time has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

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

// UnmarshalJSON reads a document. What it does not have, because it was written before there was such a setting,
// is as in Defaults.
func (d *Document) UnmarshalJSON(b []byte) error {
	type plain Document
	p := plain{Settings: Defaults()}
	err := json.Unmarshal(b, &p)
	*d = Document(p)
	return err
}

// Fields returns the settings by their names, all of them and normalized: equal settings have equal fields.
func (s Settings) Fields() (map[string]json.RawMessage, error) {
	s = s.normalized()
	m := map[string]json.RawMessage{}
	for name, i := range settingsFields {
		b, err := json.Marshal(reflect.ValueOf(s).Field(i).Interface())
		if err != nil {
			return nil, err
		}
		m[name] = b
	}
	return m, nil
}

// normalized returns the settings with sorted roles, and with lists that are not nil.
func (s Settings) normalized() Settings {
	s = s.Clone()
	for _, roles := range []*[]snowflake.ID{&s.CreatorRoles, &s.HelperRoles} {
		slices.Sort(*roles)
		*roles = append([]snowflake.ID{}, slices.Compact(*roles)...)
	}
	s.BlockedWords, s.RandomNames = append([]string{}, s.BlockedWords...), append([]string{}, s.RandomNames...)
	s.Lobbies = append([]Lobby{}, s.Lobbies...)
	s.Presets = append([]preset.Preset{}, s.Presets...)
	return s
}
