package view

import (
	"html/template"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/text"
)

// Members are the people whom a page names, by their ids, as far as they are known.
type Members map[snowflake.ID]access.Standing

// member gives somebody with a name to show: their own, the last one known, or words in place of one.
func (m Members) member(t text.Texts, id snowflake.ID) access.Standing {
	st, known := m[id]
	st.UserID = id
	switch {
	case st.DisplayName != "":
	case known && !st.Member:
		st.DisplayName = t.Say("name.former")
	default:
		st.DisplayName = t.Say("name.unknown")
	}
	return st
}

// who is how activity writes somebody.
func (m Members) who(t text.Texts) func(snowflake.ID) string {
	return func(id snowflake.ID) string {
		return "<b>" + template.HTMLEscapeString(m.member(t, id).DisplayName) + "</b>"
	}
}

// named gives the names of what settings point at, and words for what is gone or could not be asked about.
func named(t text.Texts, places guild.ChannelsAndRoles) setting.Names {
	return func(kind schema.Kind, id snowflake.ID) string {
		name, ok := places.Find(id)
		switch {
		case ok && kind == schema.Channel && places.IsText(id):
			return "#" + name
		case ok:
			return name
		case places.Known():
			return t.Say("name.gone." + string(kind))
		}
		return t.Say("name.some." + string(kind))
	}
}
