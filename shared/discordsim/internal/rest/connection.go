package rest

import (
	"encoding/json"
	"regexp"

	"snug/shared/discordsim/internal/world/form"
)

var connectionKey = regexp.MustCompile(`^[a-z0-9_]{1,50}$`)

// connectionsMost is how many records of metadata an application can have.
const connectionsMost = 5

// getRoleConnections returns the metadata that an application compares with what it knows of people ("Application Role
// Connection Metadata").
func getRoleConnections(c *call) (int, any, error) {
	if c.id("app") != c.app.ID {
		return 0, nil, form.UnknownApplication()
	}
	list := c.app.RoleConnections
	if list == nil {
		list = []json.RawMessage{}
	}
	return 200, list, nil
}

func putRoleConnections(c *call) (int, any, error) {
	if c.id("app") != c.app.ID {
		return 0, nil, form.UnknownApplication()
	}
	f, err := form.Parse([]byte(`{"records":` + string(c.body) + `}`))
	if err != nil {
		return 0, nil, err
	}
	list := []json.RawMessage{}
	for _, o := range f.Objects("records", 0, connectionsMost) {
		for _, name := range []string{"type", "key", "name", "description"} {
			o.Required(name)
		}
		key := o.Str("key", 1, 50)
		if !connectionKey.MatchString(key) {
			o.Errs.At("key").Add("STRING_TYPE_REGEX", "String value did not match validation regex.")
		}
		record := map[string]any{"type": o.Choice("type", 1, 2, 3, 4, 5, 6, 7, 8), "key": key,
			"name": o.Str("name", 1, 100), "description": o.Str("description", 1, 200)}
		for _, name := range []string{"name_localizations", "description_localizations"} {
			if o.Given(name) {
				record[name] = o.Fields[name]
			}
		}
		list = append(list, form.Marshal(record))
	}
	if err := f.Errs.Err(); err != nil {
		return 0, nil, err
	}
	c.app.RoleConnections = list
	return 200, list, nil
}
