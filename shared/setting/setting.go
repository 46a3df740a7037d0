// Package setting reads what people type and choose for a setting, and says what a setting is. Discord's commands,
// the pages, the JSON API and the documents all do both with it, by the setting's row in schema.Settings.
//
// Everything here is a pure function.
package setting

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/preset"
	"snug/shared/schema"
	"snug/shared/text"
)

// Read returns the value of what somebody typed or chose: one text, or one for each choice. "" is nothing chosen. A
// length of time is one text, or a number and its unit, as Amount gives them.
// Channels and roles are ids, or mentions as Discord writes them. It fails with errs.Invalid, naming the field, if the
// text can't be read; whether the row allows the value is for guild.Settings.Validate.
func Read(row schema.Setting, typed ...string) (any, error) {
	one := strings.TrimSpace(strings.Join(typed, " "))
	switch row.Kind {
	case schema.Number:
		n, err := strconv.Atoi(one)
		if err != nil {
			return nil, errs.Field(row.Name, "“%s” isn't a whole number. Type one, like 4.", one)
		}
		return n, nil
	case schema.Duration:
		if len(typed) == 2 {
			return readAmount(row, typed[0], typed[1])
		}
		d, err := guild.ParseDuration(one)
		var e *errs.Error
		if errors.As(err, &e) {
			e.Field = row.Name
			return nil, e
		}
		return d, nil
	case schema.Switch:
		switch strings.ToLower(one) {
		case "true", "on", "yes", "1":
			return true, nil
		case "false", "off", "no", "0":
			return false, nil
		}
		return nil, errs.Field(row.Name, "“%s” isn't yes or no. Type one of the two.", one)
	case schema.Category, schema.Channel:
		list, err := readIDs(row, typed)
		if err != nil || len(list) == 0 {
			return snowflake.ID(0), err
		}
		return list[0], nil
	case schema.Roles:
		return readIDs(row, typed)
	case schema.Words:
		list := []string{}
		for w := range strings.FieldsFuncSeq(strings.Join(typed, "\n"), func(r rune) bool {
			return strings.ContainsRune(",;\r\n", r)
		}) {
			if w = strings.Join(strings.Fields(w), " "); w != "" {
				list = append(list, w)
			}
		}
		return list, nil
	}
	return one, nil
}

func readIDs(row schema.Setting, typed []string) ([]snowflake.ID, error) {
	list := []snowflake.ID{}
	for one := range strings.FieldsFuncSeq(strings.Join(typed, " "), func(r rune) bool {
		return strings.ContainsRune("<@&#>, ", r)
	}) {
		id, err := snowflake.Parse(one)
		if err != nil {
			if row.Kind == schema.Roles {
				return nil, errs.Field(row.Name, "“%s” isn't a role. Choose one from the list.", one)
			}
			return nil, errs.Field(row.Name, "“%s” isn't a channel. Choose one from the list.", one)
		}
		if id != 0 {
			list = append(list, id)
		}
	}
	return list, nil
}

// Typed returns what Read reads as the value: one text, or one for each choice.
func Typed(v any) []string {
	switch v := v.(type) {
	case snowflake.ID:
		if v == 0 {
			return []string{""}
		}
	case []snowflake.ID:
		list := make([]string, len(v))
		for i, id := range v {
			list[i] = id.String()
		}
		return list
	case []string:
		return []string{strings.Join(v, "\n")}
	case nil:
		return []string{""}
	}
	return []string{fmt.Sprint(v)}
}

// Names gives the name of a channel, a category or a role.
type Names func(schema.Kind, snowflake.ID) string

// Say says a value in a person's language: "4", "1 hour", "everybody".
func Say(t text.Texts, row schema.Setting, v any, names Names) string {
	zero := ""
	if row.Zero != "" {
		zero = t.Say(row.ZeroMeans())
	}
	switch v := v.(type) {
	case bool:
		if v {
			return t.Say("value.yes")
		}
		return t.Say("value.no")
	case int:
		if v != 0 || zero == "" {
			return strconv.Itoa(v)
		}
	case guild.Duration:
		switch {
		case v == guild.Never:
			return t.Say("value.never")
		case v != 0 || zero == "":
			return t.Duration(v.Std())
		}
	case snowflake.ID:
		if v != 0 {
			return names(row.Kind, v)
		}
	case []snowflake.ID:
		if len(v) > 0 {
			list := make([]string, len(v))
			for i, id := range v {
				list[i] = names(row.Kind, id)
			}
			return t.List(list)
		}
	case []string:
		if len(v) > 0 {
			return strings.Join(v, t.Say("list.comma"))
		}
	case string:
		switch {
		case row.Kind == schema.Language && v != "":
			return text.LanguageName(v)
		case v != "" || zero == "":
			return v
		}
	case []guild.Lobby:
		if len(v) > 0 {
			list := make([]string, len(v))
			for i, l := range v {
				list[i] = SayLobby(t, l, names)
			}
			return strings.Join(list, t.Say("list.comma"))
		}
	case []preset.Preset:
		if len(v) > 0 {
			list := make([]string, len(v))
			for i, p := range v {
				list[i] = SayPreset(t, p)
			}
			return strings.Join(list, t.Say("list.comma"))
		}
	}
	return zero
}

// SayPreset names a preset and says what it decides: "Commander (4 seats, private)".
func SayPreset(t text.Texts, p preset.Preset) string {
	if parts := SaySetup(t, p.Setup); len(parts) > 0 {
		return p.Name + " (" + strings.Join(parts, t.Say("list.comma")) + ")"
	}
	return p.Name
}

// SaySetup says what a setup decides, each in a word or two; nothing for one that leaves all to the server's settings.
func SaySetup(t text.Texts, s preset.Setup) (parts []string) {
	if s.RoomName != "" {
		parts = append(parts, "“"+s.RoomName+"”")
	}
	if s.Seats > 0 {
		parts = append(parts, t.Say("room.seats", "Count", s.Seats))
	}
	for _, w := range []struct {
		is   bool
		word string
	}{
		{s.Private != nil && *s.Private, "privacy.private"}, {s.Private != nil && !*s.Private, "privacy.open"},
		{s.Locked, "privacy.locked"}, {s.Hidden, "privacy.hidden"}, {s.GuestsInvite, "preset.guests-invite"},
	} {
		if w.is {
			parts = append(parts, t.Say(w.word))
		}
	}
	return parts
}

// SayLobby names a lobby and says the values of its own: "Join to play (Seats: 2, Private: yes)".
func SayLobby(t text.Texts, l guild.Lobby, names Names) string {
	var own []string
	for _, row := range schema.LobbySettings() {
		if v := l.Value(row.Name); v != nil {
			own = append(own, t.Say(row.Label())+": "+Say(t, row, v, names))
		}
	}
	name := names(schema.Channel, l.ChannelID)
	if len(own) > 0 {
		name += " (" + strings.Join(own, t.Say("list.comma")) + ")"
	}
	return name
}

// SayJSON says a value as the history has it: in JSON, "" for none. What is no setting or can't be read is said as it
// stands.
func SayJSON(t text.Texts, name, raw string, names Names) string {
	row, ok := schema.SettingNamed(name)
	if !ok {
		return raw
	}
	if raw == "" {
		raw = "null"
	}
	v, err := guild.Decode(name, []byte(raw))
	if err != nil {
		return raw
	}
	return Say(t, row, v, names)
}

// Limits returns a row's limits as they are typed: "1–99", "5s–1h", "0s–30d, never". "" where there are none to type.
func Limits(row schema.Setting) string {
	switch row.Kind {
	case schema.Number:
		return fmt.Sprintf("%d–%d", row.Min, row.Max)
	case schema.Duration:
		limits := guild.Duration(row.MinTime).String() + "–" + guild.Duration(row.MaxTime).String()
		if row.Never {
			limits += ", " + guild.Never.String()
		}
		return limits
	}
	return ""
}

// Hint says in a sentence what a setting does, with its limits and what nothing typed or chosen means:
// "How many people can use one link. 0–1000; 0: as many as the room has seats".
func Hint(t text.Texts, row schema.Setting) string {
	more := Limits(row)
	switch row.Kind {
	case schema.Number, schema.Duration:
		more += zero(t, row)
	case schema.Roles:
		more = t.Say("value.empty", "Means", t.Say(row.ZeroMeans()))
	}
	return strings.TrimSpace(t.Say(row.Hint()) + " " + more)
}

// FormHint is Hint for a form that asks for a number and a unit: it says lengths of time in words.
func FormHint(t text.Texts, row schema.Setting) string {
	if row.Kind != schema.Duration {
		return Hint(t, row)
	}
	return t.Say(row.Hint()) + " " + Sentence(span(t, row)) + zero(t, row)
}

// LobbyFormHint is LobbyHint as FormHint is Hint.
func LobbyFormHint(t text.Texts, row schema.Setting) string {
	if row.Kind != schema.Duration {
		return LobbyHint(t, row)
	}
	return Sentence(span(t, row)) + zero(t, row) + ". " + t.Say("value.empty", "Means", t.Say(row.LobbyMeans()))
}

// span says between which lengths of time a row's values are.
func span(t text.Texts, row schema.Setting) string {
	if row.MinTime == 0 {
		return t.Say("value.upto", "To", t.Duration(row.MaxTime))
	}
	return t.Say("value.between", "From", t.Duration(row.MinTime), "To", t.Duration(row.MaxTime))
}

// zero says what 0 means, "" where it means nothing.
func zero(t text.Texts, row schema.Setting) string {
	if row.Zero == "" {
		return ""
	}
	return "; " + t.Say("value.zero", "Means", t.Say(row.ZeroMeans()))
}

// Sentence begins with a capital letter, where the language has them.
func Sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// LobbyHint says within which limits a lobby's own value is, and what the lobby does without one.
func LobbyHint(t text.Texts, row schema.Setting) string {
	hint := t.Say("value.empty", "Means", t.Say(row.LobbyMeans()))
	if l := Limits(row); l != "" {
		hint = l + ". " + hint
	}
	return hint
}
