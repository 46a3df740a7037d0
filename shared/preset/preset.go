// Package preset defines presets: rooms as they are to be opened, under a name. A server has some, and so has a person.
//
// It does no I/O.
package preset

import (
	"slices"
	"strings"

	"snug/shared/errs"
	"snug/shared/schema"
)

// Setup is how a room is to be. What is left out is as the server's settings have it.
type Setup struct {
	RoomName     string `json:"room_name,omitempty"`
	Seats        int    `json:"seats,omitempty"`
	Private      *bool  `json:"private,omitempty"`
	Locked       bool   `json:"locked,omitempty"`
	Hidden       bool   `json:"hidden,omitempty"`
	GuestsInvite bool   `json:"guests_invite,omitempty"`
}

// Preset is a setup with the name that people choose it by.
type Preset struct {
	Name string `json:"name"`
	Setup
}

// List is a person's presets, in the order in which they were added.
type List struct {
	List []Preset `json:"list"`
}

// How many presets there can be. Both lists together fit in what Discord suggests at once.
const (
	MaxServer = 15
	MaxOwn    = 10
)

// Clean returns the setup as it is stored. It fails with errs.Invalid and the field's name.
func (s Setup) Clean() (Setup, error) {
	if strings.TrimSpace(s.RoomName) != "" {
		name, err := schema.CleanName(s.RoomName)
		if err != nil {
			return s, rename(err, "room_name")
		}
		s.RoomName = name
	} else {
		s.RoomName = ""
	}
	if s.Seats == 0 {
		return s, nil
	}
	return s, schema.CheckSeats(s.Seats)
}

// Clean returns the preset as it is stored. It fails with errs.Invalid and the field's name.
func (p Preset) Clean() (Preset, error) {
	var err error
	if p.Name, err = schema.CleanPresetName(p.Name); err != nil {
		return p, err
	}
	p.Setup, err = p.Setup.Clean()
	return p, err
}

func rename(err error, field string) error {
	var e *errs.Error
	if e = errs.Public(err); e.Code != errs.Invalid {
		return err
	}
	c := *e
	c.Field = field
	return &c
}

// Clone returns a copy that shares nothing with the list.
func Clone(list []Preset) []Preset {
	list = slices.Clone(list)
	for i := range list {
		if v := list[i].Private; v != nil {
			list[i].Private = new(*v)
		}
	}
	return list
}

// NameFor returns a preset's name for a room's: as much of it as a preset's can have.
func NameFor(room string) string {
	if r := []rune(room); len(r) > schema.MaxPresetName {
		return strings.TrimSpace(string(r[:schema.MaxPresetName-1])) + "…"
	}
	return room
}

// Find returns the position of the preset with a name, whatever its capitals; -1 if there is none.
func Find(list []Preset, name string) int {
	return slices.IndexFunc(list, func(p Preset) bool { return strings.EqualFold(p.Name, strings.TrimSpace(name)) })
}

// Check fails with errs.Invalid for a list that is longer than most, or has a preset that isn't as Clean leaves it or
// has another's name. field is the input that the list is in.
func Check(field string, list []Preset, most int) error {
	if len(list) > most {
		return errs.Field(field, "There can be up to %d presets. Remove one first.", most)
	}
	for i, p := range list {
		if clean, err := p.Clean(); err != nil {
			return rename(err, field)
		} else if clean.Name != p.Name || clean.RoomName != p.RoomName {
			return errs.Field(field, "“%s” has spaces or invisible characters in its name. Type it again.", p.Name)
		}
		if Find(list[:i], p.Name) >= 0 {
			return errs.Field(field, "There are two presets called “%s”. Rename one.", p.Name)
		}
	}
	return nil
}

// Put returns the list with a preset in it, in place of the one called was or, with "", of the one with its name. It
// fails with errs.Invalid if the preset is wrong, if there would be more than most, or if another has its name.
func Put(list []Preset, p Preset, was string, most int) ([]Preset, error) {
	p, err := p.Clean()
	if err != nil {
		return list, err
	}
	list = Clone(list)
	i, same := Find(list, p.Name), Find(list, p.Name)
	if was != "" {
		if i = Find(list, was); i < 0 {
			return list, gone(was)
		}
	}
	switch {
	case same >= 0 && same != i:
		return list, errs.Field("name", "There is a preset called “%s” already. Choose another name.", p.Name)
	case i >= 0:
		list[i] = p
	case len(list) >= most:
		return list, errs.Field("name", "There can be up to %d presets. Remove one first.", most)
	default:
		list = append(list, p)
	}
	return list, nil
}

// Remove returns the list without a preset, and the preset. It fails with errs.NotFound if there is none of that name.
func Remove(list []Preset, name string) ([]Preset, Preset, error) {
	i := Find(list, name)
	if i < 0 {
		return list, Preset{}, gone(name)
	}
	p := list[i]
	return slices.Delete(Clone(list), i, i+1), p, nil
}

func gone(name string) error {
	return errs.E(errs.NotFound, "There is no preset called “%s” any longer. Reload the page to see the presets.", name)
}

// What a Ref begins with.
const (
	Own    = "me"
	Server = "server"
)

// Ref is how requests name a preset: "me:Commander" is the person's own, "server:Commander" the server's.
// "Commander" is their own, else the server's.
type Ref string

// RefTo makes the Ref of a preset in one of the two lists.
func RefTo(list, name string) Ref { return Ref(list + ":" + name) }

// Find returns the preset that is meant, and whether it is the server's. It fails with errs.NotFound if there is none.
func (r Ref) Find(own, server []Preset) (p Preset, ofServer bool, err error) {
	list, name, whose := strings.Cut(string(r), ":")
	for _, in := range []struct {
		name string
		list []Preset
	}{{Own, own}, {Server, server}} {
		if whose && list == in.name {
			if i := Find(in.list, name); i >= 0 {
				return in.list[i], in.name == Server, nil
			}
		}
		if i := Find(in.list, string(r)); i >= 0 {
			return in.list[i], in.name == Server, nil
		}
	}
	if whose && (list == Own || list == Server) {
		return p, false, gone(name)
	}
	return p, false, gone(string(r))
}
