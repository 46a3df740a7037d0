package view

import (
	"encoding/json"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/text"
)

// describer tells values of settings, and what happened, in a person's words.
type describer struct {
	text   text.Texts
	places guild.ChannelsAndRoles // what ids stand for, as far as it is known
}

// nothing stands where a setting has no value.
const nothing = "–"

// setting tells a setting's value, which is JSON; "–" for none.
func (l describer) setting(name, raw string) string {
	var kind settingKind
	for _, g := range settingGroups() {
		for _, s := range g.Fields {
			if s.Name == name {
				kind = s.Kind
			}
		}
	}
	var list []string
	var word string
	switch {
	case raw == "" || raw == "null" || raw == "[]" || raw == `""` ||
		raw == `"0"` && (kind == setCategory || kind == setChannel):
		return nothing
	case name == "lobbies":
		return l.lobbies(raw)
	case kind == setSwitch && raw == "true":
		return l.text.Say("admin.yes")
	case kind == setSwitch:
		return l.text.Say("admin.no")
	case kind == setRoles || kind == setWords:
		if json.Unmarshal([]byte(raw), &list) != nil {
			return raw
		}
		if kind == setRoles {
			for i := range list {
				list[i] = l.place(list[i])
			}
		}
		return strings.Join(list, ", ")
	case json.Unmarshal([]byte(raw), &word) != nil:
		return raw
	case kind == setCategory || kind == setChannel:
		return l.place(word)
	case kind == setLanguage:
		return l.text.Say("lang.name." + word)
	}
	return word
}

// place names a channel, category or role, or gives its id.
func (l describer) place(id string) string {
	n, err := snowflake.Parse(id)
	if err != nil {
		return id
	}
	for _, list := range [][]guild.NamedID{l.places.Categories, l.places.Voice, l.places.Text, l.places.Roles} {
		if i := slices.IndexFunc(list, func(p guild.NamedID) bool { return p.ID == n }); i >= 0 {
			return list[i].Name
		}
	}
	return id
}

func (l describer) lobbies(raw string) string {
	var list []guild.Lobby
	if json.Unmarshal([]byte(raw), &list) != nil {
		return raw
	}
	var names []string
	for _, b := range list {
		name := l.place(b.ChannelID.String())
		if b.Seats > 0 {
			name += " (" + l.text.Say("admin.lobby.seats", "Count", b.Seats) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// table is how the server's activity writes entries.
func (l describer) table(person, room func(snowflake.ID) string) text.Style {
	return text.Style{
		Person: func(id snowflake.ID) string {
			return `<b title="` + id.String() + `">` + template.HTMLEscapeString(person(id)) + "</b>"
		},
		Room:    func(id snowflake.ID) string { return template.HTMLEscapeString(room(id)) },
		Setting: func(name string) string { return l.text.Say("set." + name) },
		Value:   l.setting,
		Text:    template.HTMLEscapeString,
	}
}

// short is an id for who cannot be told a name: its last digits.
func short(id snowflake.ID) string {
	s := strconv.FormatUint(uint64(id), 10)
	if len(s) > 4 {
		s = "…" + s[len(s)-4:]
	}
	return s
}
