package view

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/errs"
	"snug/shared/guild"
)

// settingKind says how a setting is shown and read.
type settingKind string

const (
	setNumber   settingKind = "number"
	setText     settingKind = "text"
	setDuration settingKind = "duration"
	setSwitch   settingKind = "switch"
	setCategory settingKind = "category"
	setChannel  settingKind = "channel"
	setLanguage settingKind = "language"
	setRoles    settingKind = "roles"
	setWords    settingKind = "words" // one a line
)

// setting is one of guild.Settings in the form. Its name is the JSON name; its
// words are the messages set.{name} and set.{name}.hint.
type setting struct {
	Name string
	Kind settingKind
}

// settingGroup is a box of the form; its heading is the message set.group.{Name}.
type settingGroup struct {
	Name   string
	Fields []setting
}

// settingGroups is the whole form. A test holds it to guild.Settings; lobbies have forms of their own.
func settingGroups() []settingGroup {
	return []settingGroup{
		{
			"rooms",
			[]setting{
				{"seats", setNumber}, {"name_template", setText}, {"category_id", setCategory}, {"private", setSwitch},
			},
		},
		{
			"closing",
			[]setting{
				{"idle_timeout", setDuration}, {"closing_notice", setDuration}, {"max_age", setDuration},
				{"seat_grace", setDuration},
			},
		},
		{
			"invites",
			[]setting{
				{"invite_lifetime", setDuration}, {"invite_uses", setNumber}, {"bring_in", setSwitch},
				{"guilds_join", setSwitch},
			},
		},
		{
			"who",
			[]setting{
				{"creator_roles", setRoles}, {"helper_roles", setRoles}, {"rooms_per_member", setNumber},
				{"rooms_per_guild", setNumber},
			},
		},
		{
			"sight",
			[]setting{
				{"strict_seats", setSwitch}, {"admins_exempt", setSwitch}, {"managers_see_private", setSwitch},
				{"guests_past_gate", setSwitch},
			},
		},
		{"words", []setting{{"language", setLanguage}, {"blocked_words", setWords}}},
		{"log", []setting{{"log_channel_id", setChannel}, {"audit_retention", setDuration}}},
	}
}

// SettingsForm is the settings form as it was filled in: texts, so that what
// somebody typed comes back to them together with what is wrong about it.
// The names of the inputs are the settings' JSON names.
type SettingsForm struct{ values url.Values }

// NewSettingsForm gives the form for settings as they are.
func NewSettingsForm(s guild.Settings) SettingsForm {
	f, fields := SettingsForm{url.Values{}}, fieldsOf(s)
	for _, g := range settingGroups() {
		for _, s := range g.Fields {
			f.set(s, fields[s.Name])
		}
	}
	return f
}

func (f SettingsForm) set(s setting, raw json.RawMessage) {
	var text string
	var list []string
	switch s.Kind {
	case setNumber:
		text = string(raw)
	case setSwitch:
		if string(raw) == "true" {
			text = "on"
		}
	case setRoles, setWords:
		if len(raw) > 0 && json.Unmarshal(raw, &list) != nil {
			list = nil
		}
		if s.Kind == setWords {
			text = strings.Join(list, "\n")
			break
		}
		f.values[s.Name] = list
		return
	default:
		if len(raw) > 0 && json.Unmarshal(raw, &text) != nil || text == "0" {
			text = ""
		}
	}
	f.values.Set(s.Name, text)
}

// ReadSettingsForm reads the form as a browser posts it.
func ReadSettingsForm(v url.Values) SettingsForm {
	f := SettingsForm{url.Values{}}
	for _, g := range settingGroups() {
		for _, s := range g.Fields {
			switch {
			case s.Kind == setRoles && v.Has(s.Name):
				f.values[s.Name] = slices.DeleteFunc(slices.Clone(v[s.Name]), func(s string) bool { return s == "" })
			case s.Kind == setSwitch:
				f.values.Set(s.Name, v.Get(s.Name))
			case v.Has(s.Name):
				f.values.Set(s.Name, strings.TrimSpace(v.Get(s.Name)))
			}
		}
	}
	return f
}

// Value is what a field holds.
func (f SettingsForm) Value(name string) string { return f.values.Get(name) }

// Has says whether something is chosen in a field with several choices.
func (f SettingsForm) Has(name string, id snowflake.ID) bool { return has(f.values[name], id) }

// JSON gives the settings for a room.SettingsRequest. It fails with
// errs.Invalid, naming the field, for a number or a length of time that
// cannot be read; whether the values are allowed is for package rooms to say.
func (f SettingsForm) JSON() ([]byte, error) {
	out := map[string]any{}
	for _, g := range settingGroups() {
		for _, s := range g.Fields {
			if _, shown := f.values[s.Name]; !shown {
				continue // what the page could not offer stays as it is
			}
			v, err := f.read(s)
			if err != nil {
				return nil, err
			}
			out[s.Name] = v
		}
	}
	return json.Marshal(out)
}

func (f SettingsForm) read(s setting) (any, error) {
	text := f.values.Get(s.Name)
	switch s.Kind {
	case setNumber:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, errs.Field(s.Name, "%q isn't a whole number. Type one, like 4.", text)
		}
		return n, nil
	case setDuration:
		d, err := guild.ParseDuration(text)
		if err != nil {
			e := errs.Public(err)
			e.Field = s.Name
			return nil, e
		}
		return d, nil
	case setSwitch:
		return text != "", nil
	case setCategory, setChannel:
		return idOf(s.Name, text)
	case setRoles:
		ids := []snowflake.ID{}
		for _, r := range f.values[s.Name] {
			id, err := idOf(s.Name, r)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	case setWords:
		words := []string{}
		for w := range strings.SplitSeq(strings.ReplaceAll(text, ",", "\n"), "\n") {
			if w = strings.TrimSpace(w); w != "" {
				words = append(words, w)
			}
		}
		return words, nil
	}
	return text, nil
}

// idOf reads an id that was chosen from a list; "" is 0.
func idOf(field, text string) (snowflake.ID, error) {
	if text == "" {
		return 0, nil
	}
	id, err := snowflake.Parse(text)
	if err != nil {
		return 0, errs.Field(field, "Snug couldn't read that choice. Choose again.")
	}
	return id, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
