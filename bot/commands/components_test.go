package commands

import (
	"testing"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/message"
	"snug/shared/testkit"
)

// TestEveryButtonLeadsSomewhere: each action that is named does something, and no custom id can be too long.
func TestEveryButtonLeadsSomewhere(t *testing.T) {
	c := New(Options{Texts: testkit.Catalog(t)})
	for action, what := range c.components {
		id := message.CustomID{Action: action, Guild: 1<<63 - 1, Room: 1<<63 - 1, Arg: snowflake.ID(1<<63 - 1).String()}
		if back, ok := message.ParseCustomID(id.String()); what.run == nil || !ok || back != id {
			t.Errorf("%q does nothing, or its custom id cannot be read: %s", action, id)
		}
	}
}
