package guild

import (
	"slices"

	"github.com/disgoorg/snowflake/v2"
)

// NamedID is a channel, category or role of a server.
type NamedID struct {
	ID       snowflake.ID `json:"id"`
	Name     string       `json:"name"`
	ParentID snowflake.ID `json:"parent_id,omitempty"` // a channel's category
}

// ChannelsAndRoles are what settings can refer to, in the
// order Discord shows them. Only managers may read them.
type ChannelsAndRoles struct {
	Categories []NamedID `json:"categories"`
	Voice      []NamedID `json:"voice"`
	Text       []NamedID `json:"text"`
	Roles      []NamedID `json:"roles"` // without @everyone and those of bots and subscriptions
}

// Find returns the name of a channel or role; false if it is not listed.
func (p ChannelsAndRoles) Find(id snowflake.ID) (string, bool) {
	for _, list := range [][]NamedID{p.Categories, p.Voice, p.Text, p.Roles} {
		for _, x := range list {
			if x.ID == id {
				return x.Name, true
			}
		}
	}
	return "", false
}

// IsText reports whether an id is a text channel's.
func (p ChannelsAndRoles) IsText(id snowflake.ID) bool {
	return slices.ContainsFunc(p.Text, func(x NamedID) bool { return x.ID == id })
}

// Known reports whether anything is listed: each server has a channel, so an empty list was not asked for, or not
// answered.
func (p ChannelsAndRoles) Known() bool {
	return len(p.Categories)+len(p.Voice)+len(p.Text)+len(p.Roles) > 0
}
