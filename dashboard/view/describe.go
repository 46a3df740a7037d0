package view

import (
	"html/template"
	"strconv"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/text"
)

// describer tells values of settings, and what happened, in a person's words.
type describer struct {
	text   text.Texts
	places guild.ChannelsAndRoles // what ids stand for, as far as it is known
}

// setting says a setting's value, which is JSON.
func (l describer) setting(name, raw string) string {
	return setting.SayJSON(l.text, name, raw, named(l.places))
}

// named gives the names of what settings point at.
func named(places guild.ChannelsAndRoles) setting.Names {
	return func(_ schema.Kind, id snowflake.ID) string { return places.Name(id) }
}

// table is how the server's activity writes entries.
func (l describer) table(person, room func(snowflake.ID) string) text.Style {
	return text.Style{
		Person: func(id snowflake.ID) string {
			return `<b title="` + id.String() + `">` + template.HTMLEscapeString(person(id)) + "</b>"
		},
		Room:    func(id snowflake.ID) string { return template.HTMLEscapeString(room(id)) },
		Setting: func(name string) string { return l.text.Say("setting." + name) },
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
