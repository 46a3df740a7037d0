package guild

import "github.com/disgoorg/snowflake/v2"

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

// Name returns the name of a channel or role, or its id if it is not listed.
func (p ChannelsAndRoles) Name(id snowflake.ID) string {
	for _, list := range [][]NamedID{p.Categories, p.Voice, p.Text, p.Roles} {
		for _, x := range list {
			if x.ID == id {
				return x.Name
			}
		}
	}
	return id.String()
}
