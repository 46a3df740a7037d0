package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/preset"
	"snug/shared/room"
	"snug/shared/setting"
	"snug/shared/text"
)

// Home is the page at /: what Snug is, and with somebody signed in where their people are.
type Home struct {
	Layout
	Now     []NowRoom    // rooms with people, and the person's own
	More    int          // how many more there are
	Open    OpenBar      // opens a room
	Closed  []ClosedCard // what they can open again, the newest first
	Servers []ServerCard // those with Snug in them
}

// ServerCard is a server in a list.
type ServerCard struct {
	Guild   room.GuildInfo
	Rooms   int  // rooms the person may see
	People  int  // people in voice in them
	Manager bool // the person may change Snug's settings there
}

// maxNow is how many rooms Home lists.
const maxNow = 12

// NowRoom is a room on Home.
type NowRoom struct {
	RoomCard
	Faces []room.Person // who is in voice, the closest to the person first
	Near  int           // how close the closest are, all together
}

// NewNowRoom makes a NowRoom; near says how close the person is to somebody, 0 for not at all.
func NewNowRoom(c RoomCard, near func(snowflake.ID) int) NowRoom {
	r := NowRoom{RoomCard: c}
	for _, p := range c.Roster {
		if !p.Bot {
			r.Faces = append(r.Faces, p)
			r.Near += near(p.UserID)
		}
	}
	slices.SortStableFunc(r.Faces, func(a, b room.Person) int { return near(b.UserID) - near(a.UserID) })
	return r
}

// SetNow takes the rooms to show: where the person is, then where people close to them are, then the fullest; empty
// ones last. Empty ones are shown only if they are the person's own, or they were let in.
func (p *Home) SetNow(list []NowRoom) {
	list = slices.DeleteFunc(list, func(r NowRoom) bool {
		return len(r.Faces) == 0 && !r.Room.Access.Admitted(p.me())
	})
	first := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b NowRoom) int {
		return cmp.Or(
			first(a.In)-first(b.In), first(len(a.Faces) > 0)-first(len(b.Faces) > 0), b.Near-a.Near,
			first(a.Mine)-first(b.Mine), len(b.Faces)-len(a.Faces), cmp.Compare(b.Room.ID, a.Room.ID),
		)
	})
	p.More = max(0, len(list)-maxNow)
	p.Now = list[:min(len(list), maxNow)]
}

// fewNames is how many people are named in a row.
const fewNames = 3

// Who names the people in a room: "Mara, Jonas and 2 more".
func (r NowRoom) Who(t text.Texts) string {
	names := make([]string, len(r.Faces))
	for i, p := range r.Faces {
		names[i] = p.DisplayName
	}
	return someNames(t, names)
}

func someNames(t text.Texts, names []string) string {
	if more := len(names) - fewNames; more > 1 {
		return t.Say("home.and-more", "Names", strings.Join(names[:fewNames], t.Say("list.comma")), "Count", more)
	}
	return t.List(names)
}

// Stack are the faces that are drawn.
func (r NowRoom) Stack() []room.Person { return r.Faces[:min(len(r.Faces), 4)] }

// Free counts the seats nobody sits on.
func (r NowRoom) Free() int { return max(0, r.Room.Seats-len(r.Faces)) }

// ClosedCard is a closed room on Home.
type ClosedCard struct {
	room.ClosedRoom
	Guild room.GuildInfo
	Now   time.Time // when the page is made
}

// Who names the people who are let in again; "" for nobody.
func (c ClosedCard) Who(t text.Texts) string {
	var names []string
	for _, p := range c.People {
		if p.Name != "" && !p.Bot {
			names = append(names, p.Name)
		}
	}
	return someNames(t, names)
}

// OpenBar is what opens a room at once: in which server, and with which preset.
type OpenBar struct {
	Servers []OpenServer // where the person may open rooms; the chosen one first
	Presets []PresetButton
}

// OpenServer is a server in which the person may open rooms.
type OpenServer struct {
	ID   snowflake.ID
	Name string
}

// PresetButton opens a room with a preset.
type PresetButton struct {
	Ref   preset.Ref
	Name  string
	Says  string       // what the preset decides; "" for nothing
	Guild snowflake.ID // whose preset it is; 0: the person's
	In    string       // the name of that server
}

// NewPresetButtons makes the buttons of one list of presets: the person's own, for which g is zero, or a server's.
func NewPresetButtons(t text.Texts, g room.GuildInfo, list []preset.Preset) (out []PresetButton) {
	of := preset.Own
	if g.ID != 0 {
		of = preset.Server
	}
	for _, p := range list {
		out = append(out, PresetButton{
			Ref: preset.RefTo(of, p.Name), Name: p.Name, Says: strings.Join(setting.SaySetup(t, p.Setup), " · "),
			Guild: g.ID, In: g.Name,
		})
	}
	return out
}

// Elsewhere says whether the button is a server's that isn't chosen at first.
func (b OpenBar) Elsewhere(p PresetButton) bool {
	return p.Guild != 0 && len(b.Servers) > 0 && b.Servers[0].ID != p.Guild
}

// State is what the page tells its scripts.
func (p *Home) State() any {
	state := struct {
		Guilds []snowflake.ID `json:"guilds"`
	}{[]snowflake.ID{}}
	for _, s := range p.Servers {
		state.Guilds = append(state.Guilds, s.Guild.ID)
	}
	return state
}

func (*Home) name() string { return "home" }

func (p *Home) about() (list []snowflake.ID) {
	for _, s := range p.Servers {
		list = append(list, s.Guild.ID)
	}
	return list
}

// Closed is the page of a room that has closed, for those who belonged to it.
type Closed struct {
	Layout
	Card ClosedCard
}

// People are those who are let in again, as they are drawn.
func (p *Closed) People() (list []room.Person) {
	for _, o := range p.Card.People {
		if !o.Bot {
			list = append(list, room.Person{UserID: o.UserID, DisplayName: o.Name, Avatar: o.Avatar})
		}
	}
	return list
}

// State is what the page tells its scripts.
func (p *Closed) State() any { return p.state(p.Card.GuildID) }

func (*Closed) name() string            { return "closed" }
func (p *Closed) about() []snowflake.ID { return []snowflake.ID{p.Card.GuildID} }
