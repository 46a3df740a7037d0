package view

import (
	"html/template"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/guild"
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
	return setting.SayJSON(l.text, name, raw, named(l.text, l.places))
}

// table is how the server's activity writes entries.
func (l describer) table(person, room func(snowflake.ID) string) text.Style {
	return text.Style{
		Person:  person,
		Room:    func(id snowflake.ID) string { return template.HTMLEscapeString(room(id)) },
		Setting: func(name string) string { return l.text.Say("setting." + name) },
		Value:   l.setting,
		Text:    template.HTMLEscapeString,
	}
}
