package view

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/dashboard/wire"
	"snug/shared/errs"
	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
	"snug/shared/text"
)

// SettingsForm is the settings form as it was filled in: texts, so that what
// somebody typed comes back to them together with what is wrong about it.
// The names of the inputs are the settings' names. A length of time has two, its
// number and its unit; one that can be read is kept as one text.
type SettingsForm struct{ values url.Values }

// NewSettingsForm gives the form for settings as they are.
func NewSettingsForm(s guild.Settings) SettingsForm {
	f := SettingsForm{url.Values{}}
	for _, row := range formSettings() {
		f.values[row.Name] = setting.Typed(s.Value(row.Name))
	}
	return f
}

// formSettings are the settings of the form. The others have forms of their own.
func formSettings() (list []schema.Setting) {
	for _, g := range schema.Groups() {
		list = append(list, g.Settings...)
	}
	return list
}

// ReadSettingsForm reads the form as a browser posts it.
func ReadSettingsForm(v url.Values) SettingsForm {
	f := SettingsForm{url.Values{}}
	for _, row := range formSettings() {
		switch {
		case v.Has(row.Name):
			f.values[row.Name] = oneText(row, v[row.Name])
		case row.Kind == schema.Switch: // a browser leaves out what is not checked
			f.values[row.Name] = setting.Typed(false)
		}
	}
	return f
}

// oneText is what was typed, a length of time as one text if it can be read.
func oneText(row schema.Setting, typed []string) []string {
	if row.Kind == schema.Duration {
		if d, err := setting.Read(row, typed...); err == nil {
			return setting.Typed(d)
		}
	}
	return typed
}

// Value is what a field holds.
func (f SettingsForm) Value(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// JSON gives the settings for a room.SettingsRequest. It fails with
// errs.Invalid, naming the field, for a number or a length of time that
// cannot be read; whether the values are allowed is for package rooms to say.
func (f SettingsForm) JSON() ([]byte, error) {
	out := map[string]any{}
	for _, row := range formSettings() {
		typed, shown := f.values[row.Name]
		if !shown {
			continue // what the page could not offer stays as it is
		}
		v, err := setting.Read(row, typed...)
		if err != nil {
			return nil, err
		}
		out[row.Name] = v
	}
	return json.Marshal(out)
}

// ReadLobbyForm reads a lobby as a browser posts it. It fails with errs.Invalid, naming the input, for what cannot be
// read.
func ReadLobbyForm(f url.Values) (in wire.LobbyInput, err error) {
	in.Name = strings.TrimSpace(f.Get("name"))
	var channel snowflake.ID
	if raw := f.Get("channel_id"); raw != "" {
		if channel, err = snowflake.Parse(raw); err != nil {
			return in, errs.Field("channel_id", "Snug couldn't read that choice. Choose again.")
		}
	}
	own := map[string]any{}
	for _, row := range schema.LobbySettings() {
		typed := f[row.Name]
		if nothing(row, typed) {
			continue
		}
		v, err := setting.Read(row, typed...)
		if err != nil {
			return in, err
		}
		own[row.Name] = v
	}
	in.Lobby, err = guild.NewLobby(channel, own)
	return in, err
}

// nothing says whether a lobby's field was left empty. A unit without a number is, but for never.
func nothing(row schema.Setting, typed []string) bool {
	if row.Kind == schema.Duration && len(typed) == 2 && typed[1] != guild.Never.String() {
		typed = typed[:1]
	}
	return strings.TrimSpace(strings.Join(typed, "")) == ""
}

// settingField is the input of a setting.
type settingField struct {
	Field
	Shape   string         // "switch", "menu", "checks", "area", "amount" or "line"
	Choices []choice       // of a menu and of checks; the units of an amount, whose number is Value
	Row     schema.Setting // whose input it is
}

// choice is one of several.
type choice struct {
	Value, Name string
	Chosen      bool
}

// Groups are the boxes of the form, each with its inputs.
func (a *Admin) Groups() []schema.Group { return schema.Groups() }

// Fields are the inputs of a box. One whose choices are not known is left out.
func (a *Admin) Fields(g schema.Group) (list []settingField) {
	for _, row := range g.Settings {
		f := Field{
			Name: row.Name, Label: a.Text.Say(row.Label()), Hint: setting.FormHint(a.Text, row),
			Value: a.Form.Value(row.Name), Error: FieldError(a.Text, a.Err, row.Name),
		}
		if in, ok := a.input(f, row, row.ZeroMeans(), a.Form.values[row.Name]); ok {
			list = append(list, in)
		}
	}
	return list
}

// LobbyName is the input of the name that a new lobby's channel gets.
func (a *Admin) LobbyName() Field {
	return Field{
		Form: "lobby-", Name: "name", Label: a.Text.Say("admin.lobby.name"), Hint: a.Text.Say("admin.lobby.name.hint"),
		Value: a.LobbyForm.Get("name"), Error: FieldError(a.Text, a.LobbyErr, "name"),
	}
}

// LobbyChosen says whether a channel is chosen in the lobby's form.
func (a *Admin) LobbyChosen(id snowflake.ID) bool {
	return a.LobbyForm.Get("channel_id") == id.String()
}

// LobbyWrong says what is wrong with the lobby as a whole, "" if nothing or one of its fields is.
func (a *Admin) LobbyWrong() string {
	if a.LobbyErr == nil || a.LobbyErr.Field == "name" ||
		slices.ContainsFunc(a.LobbyFields(), func(f settingField) bool { return f.Error != "" }) {
		return ""
	}
	return a.Text.Refusal(a.LobbyErr)
}

// LobbyFields are the inputs of a lobby's own values.
func (a *Admin) LobbyFields() (list []settingField) {
	for _, row := range schema.LobbySettings() {
		f := Field{
			Form: "lobby-", Name: row.Name, Label: a.Text.Say(row.Label()), Hint: setting.LobbyFormHint(a.Text, row),
			Value: a.LobbyForm.Get(row.Name), Error: FieldError(a.Text, a.LobbyErr, row.Name),
		}
		if in, ok := a.input(f, row, row.LobbyMeans(), a.LobbyForm[row.Name]); ok {
			if in.Shape == "menu" {
				in.Hint = "" // its first choice says it
			}
			list = append(list, in)
		}
	}
	return list
}

// input gives a field the shape of its setting's kind. In a menu the message empty is what stands for nothing chosen.
func (a *Admin) input(f Field, row schema.Setting, empty string, chosen []string) (settingField, bool) {
	in := settingField{Field: f, Shape: "menu", Row: row}
	if empty != "" && row.Kind != schema.Roles {
		in.add("", setting.Sentence(a.Text.Say(empty)), chosen)
	}
	places := func(list []guild.NamedID) bool {
		for _, p := range list {
			in.add(p.ID.String(), p.Name, chosen)
		}
		for _, id := range chosen { // what is gone stays chosen until somebody chooses something else
			if id != "" && !slices.ContainsFunc(in.Choices, func(c choice) bool { return c.Value == id }) {
				in.add(id, setting.Sentence(a.Text.Say("name.gone."+string(row.Kind))), chosen)
			}
		}
		return len(list) > 0
	}
	switch row.Kind {
	case schema.Category:
		return in, places(a.Places.Categories)
	case schema.Channel:
		return in, places(a.Places.Text)
	case schema.Roles:
		in.Shape = "checks"
		return in, places(a.Places.Roles)
	case schema.Language:
		for _, l := range schema.Languages() {
			in.add(l.Code, l.Name, chosen)
		}
	case schema.Switch:
		if empty == "" {
			in.Shape = "switch"
			break
		}
		in.add("true", setting.Sentence(a.Text.Say("value.yes")), chosen)
		in.add("false", setting.Sentence(a.Text.Say("value.no")), chosen)
	case schema.Duration:
		in.amount(a.Text, chosen)
	case schema.Words:
		in.Shape = "area"
	case schema.Number:
		in.Shape, in.Type = "line", "number"
	default:
		in.Shape, in.Type = "line", "text"
	}
	return in, true
}

// amount gives a field a number and a unit: what was typed, one text that can be read, or nothing.
func (f *settingField) amount(t text.Texts, typed []string) {
	offered, unit := setting.Units(f.Row), "m"
	if f.Shape, f.Value = "amount", ""; len(typed) > 0 {
		f.Value = typed[0]
	}
	if len(typed) == 2 {
		unit = typed[1]
	} else if d, err := guild.ParseDuration(f.Value); err == nil {
		f.Value, unit = setting.Amount(d)
	}
	if !slices.Contains(offered, unit) {
		if _, err := setting.Read(f.Row, "1", unit); err != nil || f.Value == "" {
			unit = offered[0]
		} else {
			offered = append([]string{unit}, offered...) // what was set in another way
		}
	}
	f.Choices = nil // what nothing chosen means is in the hint
	for _, u := range offered {
		f.add(u, t.Say("unit."+u), []string{unit})
	}
}

func (f *settingField) add(value, name string, chosen []string) {
	f.Choices = append(f.Choices, choice{value, name, slices.Contains(chosen, value)})
}
