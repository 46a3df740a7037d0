package commands

import (
	"testing"

	"github.com/disgoorg/snowflake/v2"
)

// TestEveryButtonLeadsSomewhere: each action that is named does something, and no custom id can be too long.
func TestEveryButtonLeadsSomewhere(t *testing.T) {
	c := New(Options{})
	for action, what := range c.components {
		id := customID{action: action, guild: 1<<63 - 1, room: 1<<63 - 1, arg: snowflake.ID(1<<63 - 1).String()}
		if back, ok := parseCustomID(id.String()); what.run == nil || !ok || back != id {
			t.Errorf("%q does nothing, or its custom id cannot be read: %s", action, id)
		}
	}
}
