package view

import (
	"encoding/json"
	"maps"
	"slices"

	"snug/shared/guild"
)

// OtherChange is a setting that somebody else saved while this person filled in the form.
type OtherChange struct {
	Name     string
	Old, New string // as people read them
	Clash    bool   // this person changed it too; what they typed stays in the form
}

// Merge brings a form that was filled in from settings as they were up to
// settings as they are: what the person did not touch follows, what they
// changed stays. It tells what changed meanwhile.
func (a *Admin) Merge(was, is guild.Settings) {
	before, now, raw := NewSettingsForm(was), NewSettingsForm(is), [2]map[string]json.RawMessage{
		fieldsOf(was), fieldsOf(is),
	}
	merged, t := SettingsForm{maps.Clone(a.Form.values)}, describer{a.Text, a.Places}
	for _, g := range settingGroups() {
		for _, s := range g.Fields {
			b, n := before.values[s.Name], now.values[s.Name]
			if slices.Equal(b, n) {
				continue
			}
			typed, shown := a.Form.values[s.Name]
			clash := shown && !slices.Equal(typed, b) && !slices.Equal(typed, n)
			if shown && !clash {
				merged.values[s.Name] = n
			}
			a.OtherChanges = append(a.OtherChanges,
				OtherChange{
					s.Name, t.setting(s.Name, string(raw[0][s.Name])), t.setting(s.Name, string(raw[1][s.Name])), clash,
				})
		}
	}
	a.Form = merged
}

// fieldsOf gives settings by their JSON names.
func fieldsOf(s guild.Settings) map[string]json.RawMessage {
	fields, err := s.Fields()
	if err != nil {
		return nil // settings always encode; a test shows every field
	}
	return fields
}
