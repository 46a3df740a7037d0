package view

import (
	"strconv"
	"strings"

	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/preset"
	"snug/shared/room"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/text"
)

// PresetList is the presets of a person or a server, with a form for each and one to add another. The forms post to
// Action, with do.
type PresetList struct {
	Action string
	Forms  []PresetForm // one for each preset
	New    PresetForm
	Left   int       // how many more there can be
	From   []RoomRef // rooms of the person that a new one can start from
	Saved  bool      // something was saved just now
}

// RoomRef names a room.
type RoomRef struct {
	URL, Name string
}

// PresetForm is the form of one preset, as it was filled in.
type PresetForm struct {
	wire.PresetInput
	Err *errs.Error
}

// NewPresetForm makes the form of a preset.
func NewPresetForm(p preset.Preset) PresetForm {
	f := PresetForm{PresetInput: wire.PresetInput{
		Name: p.Name, RoomName: p.RoomName, Private: p.Private, Locked: p.Locked, Hidden: p.Hidden,
		GuestsInvite: p.GuestsInvite, Was: p.Name,
	}}
	if p.Seats > 0 {
		f.Seats = new(p.Seats)
	}
	return f
}

// SeatsTyped is what stands in the input of the seats.
func (f PresetForm) SeatsTyped() string {
	if f.Seats == nil {
		return ""
	}
	return strconv.Itoa(*f.Seats)
}

// Is says whether the preset is private: "true", "false", or "" for as usual.
func (f PresetForm) Is() string {
	if f.Private == nil {
		return ""
	}
	return strconv.FormatBool(*f.Private)
}

// presetForm is a form of a list, as it is drawn.
type presetForm struct {
	Action string
	Form   PresetForm
	ID     int // within the page
}

// Says says what the preset decides.
func (f presetForm) Says(t text.Texts) string {
	return strings.Join(setting.SaySetup(t, f.Form.Preset().Setup), " · ")
}

// MaxName is how long a preset's name can be, MaxRoomName a room's.
func (PresetForm) MaxName() int { return schema.MaxPresetName }

// MaxRoomName is how long a room's name can be.
func (PresetForm) MaxRoomName() int { return schema.MaxName }

// NewPresetList makes the forms of presets, of which there can be as many as most. bad is the form that was sent and
// refused; nil for none.
func NewPresetList(action string, list []preset.Preset, most int, bad *PresetForm) PresetList {
	l := PresetList{Action: action, Left: most - len(list)}
	for _, p := range list {
		f := NewPresetForm(p)
		if bad != nil && bad.Was == p.Name {
			f = *bad
		}
		l.Forms = append(l.Forms, f)
	}
	if bad != nil && bad.Was == "" {
		l.New = *bad
	}
	return l
}

// StartFrom has the form of a new preset start as a room is.
func (l *PresetList) StartFrom(r room.Summary) {
	l.New = NewPresetForm(preset.Preset{Name: preset.NameFor(r.Name), Setup: r.Setup()})
	l.New.Was = ""
}

// Presets is the page at /presets: a person's own.
type Presets struct {
	Layout
	PresetList
}

// ServerPresets is the page at /admin/{guild}/presets.
type ServerPresets struct {
	AdminTab
	PresetList
}

// Tab is the page's own.
func (*ServerPresets) Tab() string { return "presets" }

func (*Presets) name() string       { return "presets" }
func (*ServerPresets) name() string { return "admin-presets" }
