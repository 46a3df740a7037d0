package rooms

import (
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/room"
)

// TestPanelsAreLookedAtWhenTheyChange: SnapshotChanged is called for what panels show, and once a minute.
func TestPanelsAreLookedAtWhenTheyChange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*guildState, *roomState)
		later  time.Duration
		said   bool
	}{
		"nothing":             {func(*guildState, *roomState) {}, time.Second, false},
		"nothing in a minute": {func(*guildState, *roomState) {}, time.Minute, true},
		"the document": {func(_ *guildState, r *roomState) {
			next := r.Room.Clone()
			next.Name = "Monday"
			r.set(next)
		}, time.Second, true},
		"who may enter": {func(_ *guildState, r *roomState) {
			r.place = Place{Channel: []access.Overwrite{{ID: 1}}}
		}, time.Second, true},
		"settings":     {func(g *guildState, _ *roomState) { g.settingsRev++ }, time.Second, true},
		"the language": {func(g *guildState, _ *roomState) { g.info.Locale = "de" }, time.Second, true},
		"readiness":    {func(g *guildState, _ *roomState) { g.ready = true }, time.Second, true},
		"it is closed": {func(g *guildState, r *roomState) { delete(g.rooms, r.ID) }, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			now, said := time.Unix(1_700_000_000, 0), 0
			r := &roomState{Room: room.Room{ID: 7, State: room.Open}}
			g := &guildState{
				rooms: map[snowflake.ID]*roomState{7: r}, snapshotChanged: func() { said++ },
				clock: &clock{source: func() time.Time { return now }, set: now},
			}
			g.updateSnapshot()
			if said != 1 {
				t.Fatalf("at first: %d", said)
			}
			now = now.Add(c.later)
			c.change(g, r)
			if g.updateSnapshot(); (said == 2) != c.said {
				t.Errorf("called %d times", said)
			}
		})
	}
}
