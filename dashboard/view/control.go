package view

import (
	"cmp"
	"slices"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/access"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/text"
)

// Participant is somebody whom the one who runs the room can do something about.
type Participant struct {
	room.Person
	In        bool // sits there now
	Owner     bool
	You       bool
	Suspended access.Barrier // why they do not have their place for now: they do not pass the room's gate
	Needs     string         // the same in words, with the next step
}

// People are those inside, the guests who are not, and an owner who does not have their place.
func (r *Room) People(t text.Texts) []Participant {
	var list []Participant
	seen, out, owner := map[snowflake.ID]bool{}, map[snowflake.ID]access.Barrier{}, r.View.Room.Access.OwnerID
	if c := r.View.Control; c != nil {
		for _, g := range c.Guests {
			out[g.UserID] = g.Suspended
		}
		out[owner] = c.OwnerSuspended
	}
	add := func(p room.Person, in bool) {
		if !p.Bot && !seen[p.UserID] {
			seen[p.UserID] = true
			list = append(list,
				Participant{
					Person: p, In: in, Owner: p.UserID == owner, You: p.UserID == r.me(), Suspended: out[p.UserID],
					Needs: r.needs(t, p.UserID, out[p.UserID]),
				})
		}
	}
	for _, p := range r.View.Roster {
		add(p, true)
	}
	if c := r.View.Control; c != nil {
		if c.OwnerSuspended != access.Passes {
			add(room.Person{UserID: owner, DisplayName: cmp.Or(r.Owner(), r.called(t, owner))}, false)
		}
		for _, g := range c.Guests {
			add(room.Person{UserID: g.UserID, DisplayName: cmp.Or(g.Name, r.called(t, g.UserID)), Avatar: g.Avatar},
				false)
		}
	}
	return list
}

// needs says what keeps somebody out, and the next step; "" for nothing.
func (r *Room) needs(t text.Texts, user snowflake.ID, why access.Barrier) string {
	switch roles := r.lacks(user); {
	case why == access.Passes:
		return ""
	case why == access.MissingRole && roles != "":
		return t.Say("control.lacks", "Roles", roles)
	}
	return t.Say("control.out." + string(why))
}

func (r *Room) lacks(user snowflake.ID) string {
	if r.View.Control == nil {
		return ""
	}
	return r.View.Control.Lacks[user]
}

// Arrival is somebody on their way into the room.
type Arrival struct {
	room.Person
	Since time.Time
	Needs string // what they still have to do
}

// OnTheWay are those who followed an invite and are not let in yet.
func (r *Room) OnTheWay(t text.Texts) (list []Arrival) {
	if r.View.Control == nil {
		return nil
	}
	for _, w := range r.View.Control.OnTheWay {
		c := Arrival{
			room.Person{UserID: w.UserID, DisplayName: cmp.Or(w.Name, r.called(t, w.UserID)), Avatar: w.Avatar},
			w.Since, "",
		}
		switch {
		case w.Step == "":
			c.Needs = t.Say("control.out." + string(room.NotChecked))
		case w.Step == room.StepWait && w.Why != access.Passes:
			c.Needs = r.needs(t, w.UserID, w.Why)
		default:
			c.Needs = t.Say("control.way." + string(w.Step))
		}
		list = append(list, c)
	}
	return list
}

// Banned are those who are kept out.
func (r *Room) Banned(t text.Texts) []Participant {
	var list []Participant
	if c := r.View.Control; c != nil {
		for _, b := range c.Bans {
			list = append(list,
				Participant{
					Person: room.Person{
						UserID: b.UserID, DisplayName: cmp.Or(b.Name, r.called(t, b.UserID)), Avatar: b.Avatar,
					},
				})
		}
	}
	return list
}

// UndoFor is how long the page of who banned somebody offers to allow them again, at its top.
const UndoFor = 20 * time.Second

// JustBanned is whom the person who looks banned a moment ago; nil for nobody.
func (r *Room) JustBanned(t text.Texts) *Participant {
	if r.View.Control == nil {
		return nil
	}
	bans := r.View.Control.Bans
	for i, b := range slices.Backward(bans) {
		if b.By == r.me() && r.Now.Sub(b.At) < UndoFor {
			return &r.Banned(t)[i]
		}
	}
	return nil
}

// Knocker is somebody at the door, or in the line for a seat, and since when.
type Knocker struct {
	room.Person
	At time.Time
}

// Knocks are who asks to be let in, who came first at first.
func (r *Room) Knocks() []Knocker {
	if r.View.Control == nil {
		return nil
	}
	var list []Knocker
	for _, k := range r.View.Control.Knocks {
		list = append(list, Knocker{room.Person{UserID: k.UserID, DisplayName: k.Name, Avatar: k.Avatar}, k.At})
	}
	return list
}

// Line is who waits for a seat and since when, for who runs the room.
func (r *Room) Line() []Knocker {
	if r.View.Control == nil {
		return nil
	}
	var list []Knocker
	for _, w := range r.View.Control.Waiting {
		list = append(list, Knocker{room.Person{UserID: w.UserID, DisplayName: w.Name, Avatar: w.Avatar}, w.Since})
	}
	return list
}

// OverlayURL is the link for streaming software; "" while there is none.
func (r *Room) OverlayURL() string {
	if r.WatchURL == "" {
		return ""
	}
	return r.WatchURL + "&overlay=1"
}

// InLine is how many wait for a seat, the one who looks among them.
func (r *Room) InLine() int { return max(r.View.Place, r.View.Room.Waiting) }

// RenameNote says how often the room can be renamed, or when it will be.
func (r *Room) RenameNote(t text.Texts) string {
	c := r.View.Control
	switch {
	case c == nil:
		return ""
	case c.WantedName != "":
		return t.Say("control.name.wanted", "Name", c.WantedName, "Left", wordsOf(t).until(r.Now, c.NextRename))
	case c.RenamesLeft <= 0:
		return t.Say("control.name.later", "Left", wordsOf(t).until(r.Now, c.NextRename))
	}
	return t.Say("control.name.left", "Count", c.RenamesLeft)
}

// MayKnock says whether the page offers to knock.
func (r *Room) MayKnock() bool {
	return r.me() != 0 && !r.View.MayEnter && !r.In() && r.View.Room.Access.MayKnock(r.View.Standing)
}

// Until is when the room ends whoever is in, if that is not announced yet; zero for never.
func (r *Room) Until() time.Time {
	if !r.View.Room.ClosingAt.IsZero() {
		return time.Time{}
	}
	return r.View.Deadline
}

// panelField is one of the inputs on the panel of who runs the room.
type panelField struct {
	Do      string // the action that it is for
	Name    string
	Label   string
	Value   string // what it is now
	Note    string // below it
	Example string
	Min     int
	Max     int
	Number  bool
	Long    bool
	Link    bool
}

// Was is the name of the input that says what the field was when the page was made.
func (f panelField) Was() string { return WasPrefix + f.Name }

// WasPrefix begins the name of an input that says what another was when the page was made.
const WasPrefix = "was_"

// Fields are the inputs of actions that ask for a text or a number, of each action together.
func (r *Room) Fields(t text.Texts) (list [][]panelField) {
	example := func(words string) string {
		if t.Has(words + ".example") {
			return t.Say(words + ".example")
		}
		return ""
	}
	for _, a := range schema.Actions() {
		words := "action." + a.Name
		switch a.Input {
		case schema.TextInput, schema.NumberInput:
			f := panelField{
				Do: a.Name, Name: a.Field, Label: t.Say(words + ".input"), Example: example(words),
				Value: r.View.Room.Current(room.Action(a.Name)),
				Min:   a.Min, Max: a.Max, Number: a.Input == schema.NumberInput,
			}
			if a.Name == string(room.DoRename) {
				f.Note = r.RenameNote(t)
			}
			list = append(list, []panelField{f})
		case schema.TextsInput:
			var group []panelField
			for _, f := range a.Fields {
				words := words + "." + f.Name
				group = append(group, panelField{
					Do: a.Name, Name: f.Name, Label: t.Say(words), Value: r.View.Room.Card.Text(f.Name),
					Example: example(words), Max: f.Max, Long: f.Long, Link: f.Link,
				})
			}
			list = append(list, group)
		default:
		}
	}
	return list
}

// actionSwitch is an action and its Undo as one switch.
type actionSwitch struct {
	schema.Action
	Path string // where its form posts
	On   bool
}

// Switches are the actions that are on or off.
func (r *Room) Switches() (list []actionSwitch) {
	for _, a := range schema.Actions() {
		if a.Switch() {
			list = append(list,
				actionSwitch{a, pages.Change.With(r.View.Room.ID), r.View.Room.Access.On(room.Action(a.Name))})
		}
	}
	return list
}

// MemberActions are what can be done about somebody on the page.
func (r *Room) MemberActions() []schema.Action {
	return slices.DeleteFunc(schema.Actions(), func(a schema.Action) bool { return a.Input != schema.MemberInput })
}

// BannedActions are what can be done about somebody who is banned.
func (r *Room) BannedActions() []schema.Action {
	return slices.DeleteFunc(schema.Actions(), func(a schema.Action) bool { return a.Input != schema.BannedInput })
}

// OtherActions are the buttons of actions that ask for nothing and are no switches.
func (r *Room) OtherActions() []schema.Action {
	return slices.DeleteFunc(schema.Actions(), func(a schema.Action) bool {
		_, undoes := a.Undoes()
		return a.Input != schema.NoInput || a.Who != schema.Controllers || a.Switch() || undoes
	})
}
